/* base64.c - bytes as text: base64, base64url and hex (RFC 4648). */
#include "base64.h"

#include "common/str.h"
#include "digits.h"

#include <string.h>

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char HEX[] = "0123456789abcdef";

size_t base64_encode(enum base64_form form, const void *data, size_t length, char *out)
{
    const char *alphabet = form == BASE64_URL ? URL : STANDARD;
    const uint8_t *in = data;
    char *at = out;

    for (; length >= 3; in += 3, length -= 3) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = alphabet[group >> 6 & 63];
        *at++ = alphabet[group & 63];
    }
    if (length == 0)
        return (size_t)(at - out);

    uint32_t rest = (uint32_t)in[0] << 16 | (length == 2 ? (uint32_t)in[1] << 8 : 0);

    *at++ = alphabet[rest >> 18];
    *at++ = alphabet[rest >> 12 & 63];
    if (length == 2)
        *at++ = alphabet[rest >> 6 & 63];
    for (size_t i = length; form == BASE64_STANDARD && i < 3; i++)
        *at++ = '=';
    return (size_t)(at - out);
}

/* The six bits of a character, -1 when the form does not have it. */
static int bits_of(enum base64_form form, char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if ((c == '+' && form != BASE64_URL) || (c == '-' && form != BASE64_STANDARD))
        return 62;
    if ((c == '/' && form != BASE64_URL) || (c == '_' && form != BASE64_STANDARD))
        return 63;
    return -1;
}

bool base64_decode(enum base64_form form, const char *text, size_t length, uint8_t *ret_data,
                   size_t *ret_length)
{
    size_t padding = 0, written = 0;
    uint32_t bits = 0;
    int count = 0;

    while (padding < 2 && length > 0 && text[length - 1] == '=') {
        padding++;
        length--;
    }
    if (padding > 0 && (form == BASE64_URL || (length + padding) % 4 != 0))
        return false;
    if (length % 4 == 1 || (form == BASE64_STANDARD && (length + padding) % 4 != 0))
        return false;
    for (size_t i = 0; i < length; i++) {
        int six = bits_of(form, text[i]);

        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        count += 6;
        if (count >= 8) {
            count -= 8;
            ret_data[written++] = (uint8_t)(bits >> count);
        }
    }
    if ((bits & ((1u << count) - 1)) != 0)
        return false;
    *ret_length = written;
    return true;
}

static char *encode(struct arena *arena, enum base64_form form, const void *data, size_t length)
{
    char *text = arena_alloc(arena, base64_encoded_bound(length) + 1);

    text[base64_encode(form, data, length, text)] = '\0';
    return text;
}

static bool decode(struct arena *arena, enum base64_form form, const char *text, size_t length,
                   uint8_t **ret_data, size_t *ret_length)
{
    uint8_t *data = arena_alloc(arena, base64_decoded_bound(length));

    if (!base64_decode(form, text, length, data, ret_length))
        return false;
    *ret_data = data;
    return true;
}

char *str_base64url(struct arena *arena, const void *data, size_t length)
{
    return encode(arena, BASE64_URL, data, length);
}

char *str_base64(struct arena *arena, const void *data, size_t length)
{
    return encode(arena, BASE64_STANDARD, data, length);
}

bool str_from_base64url(struct arena *arena, const char *text, uint8_t **ret_data,
                        size_t *ret_length)
{
    return decode(arena, BASE64_URL, text, strlen(text), ret_data, ret_length);
}

bool str_from_base64(struct arena *arena, const char *text, size_t text_length, uint8_t **ret_data,
                     size_t *ret_length)
{
    return decode(arena, BASE64_STANDARD, text, text_length, ret_data, ret_length);
}

char *str_hex(struct arena *arena, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    char *text = arena_calloc(arena, length + 1, 2);

    for (size_t i = 0; i < length; i++) {
        text[2 * i] = HEX[bytes[i] >> 4];
        text[2 * i + 1] = HEX[bytes[i] & 15];
    }
    return text;
}

bool str_from_hex(const char *text, uint8_t *ret_data, size_t length)
{
    if (strlen(text) != 2 * length)
        return false;
    for (size_t i = 0; i < 2 * length; i++)
        if (hex_digit(text[i]) < 0)
            return false;
    for (size_t i = 0; i < length; i++)
        ret_data[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return true;
}
