/* str.c - questions asked of text. Nothing here looks at the locale. */
#include "utf8.h"

#include "common/str.h"

#include <string.h>

bool str_equal(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

bool str_is_empty(const char *text)
{
    return !text || text[0] == '\0';
}

bool str_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *str_or_empty(const char *text)
{
    return text ? text : "";
}

/* The length of the well-formed multi-byte sequence at `at`, 0 when there is none. The bounds of
 * the second byte rule out overlong forms, surrogates and what lies beyond U+10FFFF. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    unsigned char first = at[0], low = 0x80, high = 0xBF;
    size_t length;

    if (first >= 0xC2 && first <= 0xDF)
        length = 2;
    else if (first >= 0xE0 && first <= 0xEF)
        length = 3;
    else if (first >= 0xF0 && first <= 0xF4)
        length = 4;
    else
        return 0;
    if (left < length)
        return 0;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return length;
}

size_t str_utf8_sequence(const char *at, size_t left)
{
    return utf8_sequence((const unsigned char *)at, left);
}

/* Eight bytes at once: is none of them NUL or beyond ASCII? */
static bool is_plain_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return ((word | (word - 0x0101010101010101u)) & 0x8080808080808080u) == 0;
}

bool str_is_utf8(const char *text, size_t length)
{
    size_t at = 0;

    while (at < length) {
        if (length - at >= 8 && is_plain_word(text + at)) {
            at += 8;
            continue;
        }

        unsigned char c = (unsigned char)text[at];
        size_t step =
            c < 0x80 ? c != 0 : utf8_sequence((const unsigned char *)text + at, length - at);

        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

size_t str_utf8_length(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_ignore_case(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    for (; *a && lower(*a) == lower(*b); a++)
        b++;
    return lower(*a) == lower(*b);
}

bool str_to_int64(const char *text, int64_t *ret_value)
{
    bool negative = text && text[0] == '-';
    int64_t value = 0;

    if (!text)
        return false;
    if (negative)
        text++;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;

        int64_t digit = negative ? '0' - *text : *text - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}
