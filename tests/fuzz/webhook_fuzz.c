/* webhook_fuzz.c - the signature of a payment provider's webhook: what others wrote is refused;
 * ours is found among whatever stands beside it.
 *
 * Input: a line that is the header, then the body. */
#include "fuzz.h"

#include "common/str.h"
#include "payment_provider.h"

#include <sodium.h>
#include <string.h>

enum { NOW_S = 1800000000, TOLERANCE_S = 300 };

static const char SECRET[] = "whsec_fuzz";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    ALWAYS(sodium_init() >= 0);
    return 0;
}

static const char *sign(struct arena *arena, const void *body, size_t length)
{
    const char *time = arena_printf(arena, "%d.", NOW_S);
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const uint8_t *)SECRET, strlen(SECRET));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)time, strlen(time));
    crypto_auth_hmacsha256_update(&state, body, length);
    crypto_auth_hmacsha256_final(&state, mac);
    return str_hex(arena, mac, sizeof mac);
}

static bool is_valid(const char *header, const void *body, size_t length, int64_t now_s)
{
    return stripe_signature_is_valid(header, body, length, SECRET, now_s, TOLERANCE_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    const char *junk = fuzz_text(arena, &input);
    size_t length;
    const uint8_t *body = fuzz_rest(arena, &input, &length);
    const char *signature = sign(arena, body, length);

    ALWAYS(!is_valid(junk, body, length, NOW_S) || strstr(junk, signature) != NULL);
    const char *behind = arena_printf(arena, "%s,t=%d,v1=%s", junk, NOW_S, signature);
    ALWAYS(is_valid(behind, body, length, NOW_S));
    ALWAYS(!is_valid(behind, body, length, NOW_S + TOLERANCE_S + 1));
    ALWAYS(!is_valid(behind, arena_strndup(arena, (const char *)body, length), length + 1, NOW_S));
    ALWAYS(!stripe_signature_is_valid(behind, body, length, "", NOW_S, TOLERANCE_S));
    arena_destroy(arena);
    return 0;
}
