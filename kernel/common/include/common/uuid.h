/* uuid.h - identities: UUIDv7 for what we create, UUIDv8 for what derives from it (RFC 9562). */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UUID_TEXT_LENGTH = 36 };

struct uuid {
    uint8_t bytes[16];
};

struct uuid uuid_v7(void); /* now; random tail from getrandom(2) */
/* Name-based, SHA-1 (RFC 9562 5.5). */
struct uuid uuid_v5(struct uuid name_space, const void *name, size_t length);
/* The parent's 48 time bits, the rest SHA-256(parent || role): equal input, equal id, and it sorts
 * and partitions with its parent. Version 8. */
struct uuid uuid_derive(struct uuid parent, const char *role);
/* As uuid_derive, with a number: the n-th tender of a checkout, its n-th attempt. */
struct uuid uuid_derive_n(struct uuid parent, const char *role, int64_t number);

bool uuid_parse(const char *text, struct uuid *ret_id); /* 8-4-4-4-12 hex digits, either case */
void uuid_format(struct uuid id, char ret_text[UUID_TEXT_LENGTH + 1]);
char *uuid_text(struct arena *arena, struct uuid id);
bool uuid_is_nil(struct uuid id);
bool uuid_equal(struct uuid a, struct uuid b);
int uuid_compare(const void *a, const void *b); /* for qsort and bsearch of struct uuid */
int64_t uuid_time_ms(struct uuid id);           /* the 48 time bits of a v7 or derived id */
