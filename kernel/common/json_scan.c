/* json_scan.c - the JSON grammar, one event at a time. */
#include "json_scan.h"

#include "arena_grow.h"
#include "digits.h"
#include "json_text.h"
#include "utf8.h"

#include <string.h>

void json_scan_init(struct json_scan *scan, const char *text, size_t length)
{
    *scan = (struct json_scan){.at = text, .end = text + length, .value_at = text};
}

static bool refuse(struct json_scan *scan, const char *problem)
{
    scan->problem = problem;
    return false;
}

/* The next byte that is not white space; NUL at the end, which is never valid JSON anyway. */
static char peek(struct json_scan *scan)
{
    const char *at = scan->at;

    while (at < scan->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    scan->at = at;
    return at < scan->end ? *at : '\0';
}

static bool read_hex(const char *at, const char *end, uint32_t *ret_unit)
{
    uint32_t unit = 0;

    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);

        if (digit < 0)
            return false;
        unit = unit << 4 | (uint32_t)digit;
    }
    *ret_unit = unit;
    return true;
}

/* Reads what follows a backslash at `at`; answers its length, 0 when it is malformed. */
static size_t read_escape(const char *at, const char *end, uint32_t *ret_code_point)
{
    static const char LETTERS[] = "\"\\/bfnrt", MEANINGS[] = "\"\\/\b\f\n\r\t";
    uint32_t high, low;

    if (at == end)
        return 0;
    if (*at != 'u') {
        const char *letter = memchr(LETTERS, *at, sizeof(LETTERS) - 1);

        *ret_code_point = letter ? (uint32_t)MEANINGS[letter - LETTERS] : 0;
        return letter ? 1 : 0;
    }
    if (!read_hex(at + 1, end, &high))
        return 0;
    *ret_code_point = high;
    if (high < 0xD800 || high > 0xDFFF)
        return 5;
    if (high > 0xDBFF || end - at < 11 || at[5] != '\\' || at[6] != 'u' ||
        !read_hex(at + 7, end, &low) || low < 0xDC00 || low > 0xDFFF)
        return 0;
    *ret_code_point = 0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00));
    return 11;
}

static bool scan_escape(struct json_scan *scan)
{
    uint32_t code_point;
    size_t length = read_escape(scan->at + 1, scan->end, &code_point);

    if (length == 0)
        return refuse(scan, "a valid escape sequence");
    if (code_point == 0)
        return refuse(scan, "text without the NUL character");
    scan->at += 1 + length;
    return true;
}

/* At the opening quote. */
static bool scan_string(struct json_scan *scan, struct json_slice *ret_slice)
{
    const char *start = ++scan->at;
    bool has_escape = false;

    for (;;) {
        scan->at = json_skip_plain(scan->at, scan->end);
        if (scan->at == scan->end)
            return refuse(scan, "a closing quote");
        if (*scan->at == '"')
            break;
        if (*scan->at == '\\') {
            has_escape = true;
            if (!scan_escape(scan))
                return false;
            continue;
        }

        size_t sequence = str_utf8_sequence(scan->at, (size_t)(scan->end - scan->at));

        if (sequence == 0)
            return refuse(scan, (unsigned char)*scan->at < 0x20 ? "no bare control characters"
                                                                : "well-formed UTF-8");
        scan->at += sequence;
    }
    *ret_slice = (struct json_slice){start, (size_t)(scan->at - start), has_escape};
    scan->at++;
    return true;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Where the number that starts at `at` ends; NULL when none does. */
static const char *number_end(const char *at, const char *end)
{
    const char *digits;

    if (at < end && *at == '-')
        at++;
    digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return NULL;
    if (at < end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at = skip_digits(at, end);
        if (at == digits)
            return NULL;
    }
    return at;
}

static bool scan_word(struct json_scan *scan, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return refuse(scan, "a JSON value");
    scan->at += length;
    return true;
}

static bool open_level(struct json_scan *scan, bool is_object)
{
    if (scan->depth == JSON_DEPTH_MAX)
        return refuse(scan, "at most 64 levels of nesting");

    uint64_t level = (uint64_t)1 << scan->depth++;

    scan->has_items &= ~level;
    scan->is_object = is_object ? scan->is_object | level : scan->is_object & ~level;
    scan->at++;
    return true;
}

static enum json_event scan_number(struct json_scan *scan)
{
    const char *end = number_end(scan->at, scan->end);

    if (!end) {
        (void)refuse(scan, "a JSON value");
        return JSON_EVENT_PROBLEM;
    }
    scan->token = (struct json_slice){scan->at, (size_t)(end - scan->at), false};
    scan->at = end;
    return JSON_EVENT_NUMBER;
}

static enum json_event scan_value(struct json_scan *scan, char c)
{
    scan->value_at = scan->at;
    switch (c) {
    case '{':
        return open_level(scan, true) ? JSON_EVENT_OBJECT : JSON_EVENT_PROBLEM;
    case '[':
        return open_level(scan, false) ? JSON_EVENT_ARRAY : JSON_EVENT_PROBLEM;
    case '"':
        return scan_string(scan, &scan->token) ? JSON_EVENT_STRING : JSON_EVENT_PROBLEM;
    case 't':
        return scan_word(scan, "true") ? JSON_EVENT_TRUE : JSON_EVENT_PROBLEM;
    case 'f':
        return scan_word(scan, "false") ? JSON_EVENT_FALSE : JSON_EVENT_PROBLEM;
    case 'n':
        return scan_word(scan, "null") ? JSON_EVENT_NULL : JSON_EVENT_PROBLEM;
    default:
        return scan_number(scan);
    }
}

static bool scan_key(struct json_scan *scan)
{
    if (peek(scan) != '"')
        return refuse(scan, "a member's name in quotes");
    if (!scan_string(scan, &scan->key))
        return false;
    if (peek(scan) != ':')
        return refuse(scan, "a colon after the member's name");
    scan->at++;
    return true;
}

/* Before an item of the open level: the comma, and in an object the key. */
static bool scan_lead(struct json_scan *scan, uint64_t level, char c)
{
    if (scan->has_items & level) {
        if (c != ',')
            return refuse(scan, "a comma or the closing bracket");
        scan->at++;
    }
    scan->has_items |= level;
    return !(scan->is_object & level) || scan_key(scan);
}

enum json_event json_scan_next(struct json_scan *scan)
{
    char c = peek(scan);

    scan->value_at = scan->at;
    if (scan->depth == 0) {
        if (!scan->is_started) {
            scan->is_started = true;
            return scan_value(scan, c);
        }
        if (scan->at == scan->end)
            return JSON_EVENT_DONE;
        (void)refuse(scan, "nothing after the document");
        return JSON_EVENT_PROBLEM;
    }

    uint64_t level = (uint64_t)1 << (scan->depth - 1);

    if (c == (scan->is_object & level ? '}' : ']')) {
        scan->at++;
        scan->depth--;
        return JSON_EVENT_END;
    }
    if (!scan_lead(scan, level, c))
        return JSON_EVENT_PROBLEM;
    return scan_value(scan, peek(scan));
}

bool json_scan_skip(struct json_scan *scan, enum json_event event)
{
    if (event != JSON_EVENT_OBJECT && event != JSON_EVENT_ARRAY)
        return event != JSON_EVENT_PROBLEM;
    for (int outer = scan->depth - 1; scan->depth > outer;)
        if (json_scan_next(scan) == JSON_EVENT_PROBLEM)
            return false;
    return true;
}

static char *put_utf8(char *out, uint32_t code_point)
{
    if (code_point < 0x80) {
        *out++ = (char)code_point;
        return out;
    }
    if (code_point < 0x800) {
        *out++ = (char)(0xC0 | code_point >> 6);
    } else {
        if (code_point < 0x10000) {
            *out++ = (char)(0xE0 | code_point >> 12);
        } else {
            *out++ = (char)(0xF0 | code_point >> 18);
            *out++ = (char)(0x80 | (code_point >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (code_point >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (code_point & 0x3F));
    return out;
}

char *json_slice_text(struct arena *arena, struct json_slice slice, size_t *ret_length)
{
    const char *at = slice.data, *end = slice.data + slice.length;
    char *text = arena_try_raw(arena, slice.length + 1); // an escape is longer than what it means
    char *out = text;

    if (!text)
        return NULL;
    while (slice.has_escape && at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape ? escape : end) - at);
        uint32_t code_point;

        memcpy(out, at, run);
        out += run;
        at += run;
        if (!escape)
            break;
        at += 1 + read_escape(at + 1, end, &code_point);
        out = put_utf8(out, code_point);
    }
    if (!slice.has_escape) {
        memcpy(out, slice.data, slice.length);
        out += slice.length;
    }
    *out = '\0';
    *ret_length = (size_t)(out - text);
    return text;
}

bool json_slice_is(struct json_slice slice, const char *text)
{
    return !slice.has_escape && strncmp(text, slice.data, slice.length) == 0 &&
           text[slice.length] == '\0';
}

bool json_slice_is_number(struct json_slice slice)
{
    return number_end(slice.data, slice.data + slice.length) == slice.data + slice.length;
}

/* value * 10^zeros, checked. */
static bool scale_up(uint64_t *value, int64_t zeros)
{
    for (; zeros > 0 && *value > 0; zeros--)
        if (__builtin_mul_overflow(*value, 10, value))
            return false;
    return true;
}

static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t exponent = 0;

    if (*at == '-' || *at == '+')
        at++;
    for (; at < end; at++)
        if (exponent < 1000000000) // far beyond any text's length, so larger ones act alike
            exponent = exponent * 10 + (*at - '0');
    return negative ? -exponent : exponent;
}

bool json_slice_to_integer(struct json_slice number, bool *ret_negative, uint64_t *ret_magnitude)
{
    const char *at = number.data, *end = number.data + number.length;
    uint64_t value = 0;   // the digits so far, without the zeros they end in
    int64_t zeros = 0;    // those zeros
    int64_t exponent = 0; // of ten, from the fraction and the exponent part
    bool negative = *at == '-', in_fraction = false;

    for (at += negative; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            in_fraction = true;
            continue;
        }
        exponent -= in_fraction;
        if (*at == '0') {
            zeros++;
            continue;
        }
        if (!scale_up(&value, zeros + 1) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return false;
        zeros = 0;
    }
    if (at < end)
        exponent += read_exponent(at + 1, end);
    if (value > 0 && (zeros + exponent < 0 || !scale_up(&value, zeros + exponent)))
        return false;
    *ret_negative = negative;
    *ret_magnitude = value;
    return true;
}
