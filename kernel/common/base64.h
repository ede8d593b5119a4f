/* base64.h - the decoder behind the public ones, for JSON's lenient reading of bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum base64_form {
    BASE64_STANDARD = 1, /* + and /, padded */
    BASE64_URL,          /* - and _, not padded */
    BASE64_ANY,          /* either alphabet, padding optional, as proto3 JSON asks of readers */
};

/* Upper bound of what `length` bytes encode to. */
static inline size_t base64_encoded_bound(size_t length)
{
    return length / 3 * 4 + 4;
}

/* Writes no NUL; answers how many characters it wrote. */
size_t base64_encode(enum base64_form form, const void *data, size_t length, char *out);

/* Upper bound of what `length` characters decode to. */
static inline size_t base64_decoded_bound(size_t length)
{
    return length / 4 * 3 + 3;
}

/* False on a foreign character, a bad length, misplaced padding, or stray bits at the end. */
bool base64_decode(enum base64_form form, const char *text, size_t length, uint8_t *ret_data,
                   size_t *ret_length);
