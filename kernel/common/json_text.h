/* json_text.h - the bytes of JSON strings, for the scanner and the writers. */
#pragma once

#include "common/str.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "json_skip_plain counts low bytes first");

/* Eight bytes at once: the first that is a quote, a backslash, a control or beyond ASCII. The
 * subtractions borrow upwards only, so the lowest marked byte is always a true one. */
static inline const char *json_skip_plain(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

    while (end - at >= 8) {
        uint64_t word;

        memcpy(&word, at, sizeof(word));

        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        uint64_t marks = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                         ((word - ones * 0x20) & ~word) | word;

        marks &= tops;
        if (marks != 0)
            return at + (__builtin_ctzll(marks) >> 3);
        at += 8;
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\')
        at++;
    return at;
}

/* Appends the text quoted and escaped; bytes that are not UTF-8 become U+FFFD. */
void json_put_text(struct buffer *out, const char *text, size_t length);
