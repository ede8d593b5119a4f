/* token_fuzz.c - access tokens: a stranger's text is refused, header and claims that were really
 * signed are believed only when issuer, times and subject are.
 *
 * Input: a line as it came; then a line that is the header and a rest that are the claims of a
 * token that is signed here. */
#include "fuzz.h"

#include "access/token.h"
#include "common/str.h"
#include "common/uuid.h"

#include <string.h>

enum { NOW_S = 1800000000 };

static uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
static const struct token_rules RULES = {.issuer = "https://shop.example",
                                         .now_us = (int64_t)NOW_S * 1000000};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {1, 2, 3};

    (void)argc;
    (void)argv;
    ALWAYS(sodium_init() >= 0);
    ALWAYS(crypto_sign_seed_keypair(public_key, secret_key, seed) == 0);
    return 0;
}

static struct status judge(struct ctx *ctx, const char *text, struct token_claims *ret_claims)
{
    struct token token;

    TRY(token_parse(ctx, text, &token));
    ALWAYS(strlen(token.key_id) <= TOKEN_KID_MAX);
    return token_verify(ctx, &token, public_key, &RULES, ret_claims);
}

static const char *sign(struct arena *arena, const char *header, const char *claims)
{
    uint8_t signature[crypto_sign_BYTES];
    const char *text = arena_printf(arena, "%s.%s", str_base64url(arena, header, strlen(header)),
                                    str_base64url(arena, claims, strlen(claims)));

    ALWAYS(crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), secret_key) ==
           0);
    return arena_printf(arena, "%s.%s", text, str_base64url(arena, signature, sizeof signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    struct ctx ctx = {.arena = arena};
    struct token_claims claims = {.customer_id = NULL};
    struct uuid id;
    size_t length;

    /* Nobody finds a signature by chance. */
    ALWAYS(judge(&ctx, fuzz_text(arena, &input), &claims).code != STATUS_OK);
    const char *header = fuzz_text(arena, &input);
    const char *rest = (const char *)fuzz_rest(arena, &input, &length);
    const char *token = sign(arena, header, arena_strndup(arena, rest, strnlen(rest, length)));
    if (judge(&ctx, token, &claims).code == STATUS_OK) {
        ALWAYS(strlen(claims.customer_id) == UUID_TEXT_LENGTH);
        ALWAYS(uuid_parse(claims.customer_id, &id) && claims.customer_group != NULL);
    }
    arena_destroy(arena);
    return 0;
}
