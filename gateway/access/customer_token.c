/* customer_token.c - which customer asks. */
#include "access/access.h"
#include "access/key_ring.h"
#include "access/token.h"
#include "gateway.h"

#include "common/clock.h"

const struct error_def TOKEN_REQUIRED = {STATUS_UNAUTHENTICATED, "TOKEN_REQUIRED",
                                         "sign in and send Authorization: Bearer <access token>"};

static struct status verify(struct ctx *ctx, const char *text, struct token_claims *ret_claims)
{
    const struct gateway *self = ctx_state(ctx);
    struct token_rules rules = {.issuer = self->token_issuer, .now_us = clock_now_us()};
    struct token token;
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    bool is_known;
    TRY(token_parse(ctx, text, &token));
    TRY(key_ring_find(ctx, self->keys, token.key_id, key, &is_known));
    if (!is_known)
        return ctx_fail(ctx, &TOKEN_INVALID, "it is signed with an unknown key");
    return token_verify(ctx, &token, key, &rules, ret_claims);
}

struct status access_customer(struct ctx *ctx, struct exchange *exchange, bool is_required)
{
    struct token_claims claims;
    const char *text = access_bearer(exchange->http);
    if (!text && is_required)
        return ctx_fail_field(ctx, &TOKEN_REQUIRED, "Authorization", NULL, "Bearer <access token>");
    if (!text)
        return status_ok();
    TRY(verify(ctx, text, &claims));
    exchange->visitor.customer_id = claims.customer_id;
    exchange->visitor.customer_group = claims.customer_group;
    return status_ok();
}
