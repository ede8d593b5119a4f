/* rfc3339.h - timestamps with nanoseconds, as google.protobuf.Timestamp has them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RFC3339_MAX = 32 }; /* 2026-11-23T10:20:30.123456789Z and a NUL */

#define RFC3339_SECONDS_MIN (-62135596800) /* 0001-01-01T00:00:00Z */
#define RFC3339_SECONDS_MAX 253402300799   /* 9999-12-31T23:59:59Z */

/* Any offset, `T` and `Z` in upper case, at most 9 fraction digits. */
bool rfc3339_parse(const char *text, size_t length, int64_t *ret_seconds, int32_t *ret_nanos);

/* UTC, with 0, 3, 6 or 9 fraction digits; what lies outside years 0001..9999 is written as the
 * nearest instant inside. Answers the length; the text ends in a NUL. */
size_t rfc3339_format(int64_t seconds, int32_t nanos, char out[RFC3339_MAX]);

/* ".123", ".123456", ".123456789" or nothing; answers the length, writes no NUL. */
size_t rfc3339_fraction(int32_t nanos, char *out);
