/* token.h - a customer's access token: a JWT signed with Ed25519 (RFC 7519, RFC 8037).
 *
 * Pure: the caller finds the key. The algorithm is never the token's choice. */
#pragma once

#include "chassis/ctx.h"

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKEN_LENGTH_MAX = 4096, TOKEN_KID_MAX = 64 };

struct token {
    const char *key_id;
    const char *signed_text; /* header and claims as they were signed */
    size_t signed_length;
    const uint8_t *signature; /* crypto_sign_BYTES */
    const char *claims;
    size_t claims_length;
};

struct token_claims {
    const char *customer_id;
    const char *customer_group; /* "": the default one */
};

struct token_rules {
    const char *issuer;
    int64_t now_us;
};

/* TOKEN_INVALID when it is not of this form. Nothing is trusted yet. */
struct status token_parse(struct ctx *ctx, const char *text, struct token *ret_token);
/* Signature first, then issuer and times. TOKEN_INVALID or TOKEN_EXPIRED. */
struct status token_verify(struct ctx *ctx, const struct token *token,
                           const uint8_t key[crypto_sign_PUBLICKEYBYTES],
                           const struct token_rules *rules, struct token_claims *ret_claims);
