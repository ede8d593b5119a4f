/* headers.h - the headers of one record as bytes, so that who relays a row need not understand it.
 *
 * A list of (u8 name length, name, u16 value length big-endian, value). Values are UTF-8 text. */
#pragma once

#include "chassis/db.h" /* struct db_bytes */
#include "common/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { HEADER_NAME_MAX = 255, HEADER_VALUE_MAX = 65535 };

/* A value longer than HEADER_VALUE_MAX is cut. NULL adds nothing. */
void headers_append(struct buffer *out, const char *name, const char *value);

struct header {
    const char *name; /* not NUL-terminated, like the value */
    size_t name_length;
    const char *value;
    size_t value_length;
};

/* Takes the next header off the front of *list. False at the end and at the first byte that is not
 * a whole header; then *list is empty only if all of it was well-formed. */
bool headers_next(struct db_bytes *list, struct header *ret_header);
/* The first header of that name, copied into the arena; NULL when absent. */
const char *headers_find(struct arena *arena, struct db_bytes list, const char *name);
