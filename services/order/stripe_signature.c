/* stripe_signature.c - is this webhook Stripe's?  Source: docs.stripe.com/webhooks#verify-manually
 *
 * The only user of libsodium here. Several v1 signatures may be there while a secret is rolled. */
#include "payment_provider.h"

#include "common/str.h"

#include <sodium.h>
#include <string.h>

enum { TIME_DIGITS_MAX = 12, HEX_LENGTH = 2 * crypto_auth_hmacsha256_BYTES };

static bool next_part(const char **at, const char **ret_value, size_t *ret_length, char *ret_key);
static void sign(const char *time, const void *body, size_t length, const char *secret,
                 unsigned char *ret_mac);

bool stripe_signature_is_valid(const char *header, const void *body, size_t length,
                               const char *secret, int64_t now_s, int64_t tolerance_s)
{
    unsigned char expected[crypto_auth_hmacsha256_BYTES];
    unsigned char given[crypto_auth_hmacsha256_BYTES];
    char time[TIME_DIGITS_MAX + 1] = "";
    char text[HEX_LENGTH + 1] = "";
    const char *at = header;
    const char *value;
    size_t value_length;
    int64_t signed_s;
    char key;

    while (next_part(&at, &value, &value_length, &key))
        if (key == 't' && value_length <= TIME_DIGITS_MAX) {
            memcpy(time, value, value_length);
            time[value_length] = '\0'; // the last one counts, whole
        }
    if (str_is_empty(secret) || !str_to_int64(time, &signed_s) || signed_s < now_s - tolerance_s ||
        signed_s > now_s + tolerance_s)
        return false;
    sign(time, body, length, secret, expected);

    bool is_valid = false;
    at = header;
    while (next_part(&at, &value, &value_length, &key)) {
        if (key != '1' || value_length != HEX_LENGTH)
            continue;
        memcpy(text, value, HEX_LENGTH);
        if (str_from_hex(text, given, sizeof given) &&
            sodium_memcmp(given, expected, sizeof expected) == 0)
            is_valid = true;
    }
    return is_valid;
}

/* key: 't' of "t=", '1' of "v1=", '?' of anything else. */
static bool next_part(const char **at, const char **ret_value, size_t *ret_length, char *ret_key)
{
    const char *part = *at;
    const size_t length = strcspn(part, ",");

    if (*part == '\0')
        return false;
    *at = part + length + (part[length] == ',' ? 1 : 0);
    *ret_key = '?';
    *ret_value = part;
    *ret_length = 0;
    if (str_starts_with(part, "t=")) {
        *ret_key = 't';
        *ret_value = part + 2;
        *ret_length = length - 2;
    } else if (str_starts_with(part, "v1=")) {
        *ret_key = '1';
        *ret_value = part + 3;
        *ret_length = length - 3;
    }
    return true;
}

static void sign(const char *time, const void *body, size_t length, const char *secret,
                 unsigned char *ret_mac)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)time, strlen(time));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, body, length);
    crypto_auth_hmacsha256_final(&state, ret_mac);
}
