/* session.c - a session is a family of refresh tokens, each good for one use. */
#include "customer.h"

#include "chassis/wire.h"
#include "common/str.h"

#include <string.h>

enum { TOKEN_BYTES = 32 };

/* 256 random bits need no slow hash: nobody finds them from a digest. */
const char *refresh_token_make(struct ctx *ctx, uint8_t ret_digest[TOKEN_DIGEST_BYTES])
{
    uint8_t random[TOKEN_BYTES];

    randombytes_buf(random, sizeof random);
    const char *token = str_base64url(ctx->arena, random, sizeof random);
    refresh_token_digest(token, ret_digest);
    return token;
}

void refresh_token_digest(const char *token, uint8_t ret_digest[TOKEN_DIGEST_BYTES])
{
    crypto_hash_sha256(ret_digest, (const unsigned char *)token, strlen(token));
}

Customer__V1__Tokens *session_tokens(struct ctx *ctx, const struct account *account,
                                     const struct session *session, const char *refresh_token)
{
    const struct customer *self = ctx_state(ctx);
    Customer__V1__Tokens *tokens = arena_new(ctx->arena, Customer__V1__Tokens);
    const struct access_claims claims = {
        .issuer = self->issuer,
        .subject = uuid_text(ctx->arena, account->id),
        .customer_group = account->customer_group,
        .issued_at_us = session->now_us,
        .expires_at_us = session->now_us + self->access_ttl_ms * 1000,
    };

    customer__v1__tokens__init(tokens);
    tokens->access_token = access_token(ctx->arena, &self->key, &claims);
    tokens->access_expire_time = wire_time(ctx->arena, claims.expires_at_us);
    tokens->refresh_token = refresh_token;
    tokens->refresh_expire_time = wire_time(ctx->arena, session->expires_at_us);
    return tokens;
}

struct status session_open(struct db_tx *tx, const struct account *account, const char *user_agent,
                           Customer__V1__Tokens **ret_tokens)
{
    struct ctx *ctx = db_ctx(tx);
    const struct customer *self = ctx_state(ctx);
    uint8_t digest[TOKEN_DIGEST_BYTES];
    struct session session = {
        .id = uuid_v7(), .customer_id = account->id, .user_agent = user_agent};
    const char *token = refresh_token_make(ctx, digest);

    TRY(store_trim_sessions(tx, account->id, self->sessions_max - 1));
    TRY(store_add_session(tx, &session, self->refresh_ttl_ms));
    TRY(store_add_token(tx, digest, session.id));
    *ret_tokens = session_tokens(ctx, account, &session, token);
    return status_ok();
}

/* Sessions that ran out, tokens used long ago, attempts that count no longer. */
struct status customer_sweep(struct ctx *ctx)
{
    const struct customer *self = ctx_state(ctx);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_sweep(tx, self->attempts_window_ms, self->refresh_ttl_ms));
    return db_commit(&tx);
}
