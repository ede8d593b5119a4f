/* digits.h - integers as decimal digits, without a NUL: printf is ten times slower. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 20 }; /* of -9223372036854775808 and 18446744073709551615 */

/* -1 when it is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static inline size_t digits_of_uint64(uint64_t value, char out[DIGITS_MAX])
{
    char reversed[DIGITS_MAX];
    size_t at = DIGITS_MAX;

    do {
        reversed[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(out, reversed + at, DIGITS_MAX - at);
    return DIGITS_MAX - at;
}

static inline size_t digits_of_int64(int64_t value, char out[DIGITS_MAX])
{
    if (value >= 0)
        return digits_of_uint64((uint64_t)value, out);

    char digits[DIGITS_MAX];
    size_t length = digits_of_uint64(-(uint64_t)value, digits);

    out[0] = '-';
    memcpy(out + 1, digits, length);
    return length + 1;
}
