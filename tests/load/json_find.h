/* json_find.h - one value of a JSON text, without reading more of it than needed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The value at a dotted path ("lines.0.id"): what stands between the quotes of a string, the digits
 * of a number. Escapes stay as they are; the texts looked for have none. */
bool json_find(const char *text, size_t length, const char *path, const char **ret_value,
               size_t *ret_length);
