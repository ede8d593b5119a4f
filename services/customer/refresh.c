/* refresh.c - new tokens for old ones, signing out, and the keys that tokens are checked with.
 *
 * A refresh token that comes a second time is in two hands: the owner's and a thief's. Nobody can
 * tell which one asks, so the whole session ends and the owner signs in again. */
#include "customer.h"

#include "chassis/log.h"
#include "common/str.h"
#include "customer/v1/service.handlers.h"

const struct error_def REFRESH_TOKEN_INVALID = {STATUS_UNAUTHENTICATED, "REFRESH_TOKEN_INVALID",
                                                "sign in again"};

struct metric REUSED_TOKENS = {
    .name = "customer_reused_refresh_tokens_total",
    .type = METRIC_COUNTER,
    .doc = "Refresh tokens that came a second time; each ended its session",
};

static struct status end_stolen(struct ctx *ctx, struct db_tx **tx, const struct session *session);
static Customer__V1__Jwk *jwk_of(struct ctx *ctx, const struct signing_key *key);

struct status customer_refresh(struct ctx *ctx, const Customer__V1__RefreshRequest *req,
                               Customer__V1__RefreshResponse *rep)
{
    const struct customer *self = ctx_state(ctx);
    uint8_t old[TOKEN_DIGEST_BYTES], new[TOKEN_DIGEST_BYTES];
    struct token_row row;
    bool is_found = false;

    ctx->idempotency = NULL; // its stored reply would hold tokens
    refresh_token_digest(req->refresh_token, old);
    const char *token = refresh_token_make(ctx, new);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_token(tx, old, &row, &is_found));
    if (!is_found || row.is_expired)
        return ctx_fail(ctx, &REFRESH_TOKEN_INVALID, "unknown, or of a session that has ended");
    if (row.is_used)
        return end_stolen(ctx, &tx, &row.session);
    TRY(store_use_token(tx, old, self->refresh_ttl_ms, &row.session));
    TRY(store_add_token(tx, new, row.session.id));
    rep->tokens = session_tokens(ctx, &row.account, &row.session, token);
    return db_commit(&tx);
}

/* Whose token is unknown is signed out already. */
struct status customer_logout(struct ctx *ctx, const Customer__V1__LogoutRequest *req,
                              Customer__V1__LogoutResponse *rep)
{
    uint8_t digest[TOKEN_DIGEST_BYTES];
    struct token_row row;
    bool is_found = false;

    (void)rep;
    refresh_token_digest(req->refresh_token, digest);
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_token(tx, digest, &row, &is_found));
    if (is_found && req->everywhere)
        TRY(store_end_sessions(tx, row.account.id));
    else if (is_found)
        TRY(store_end_session(tx, row.session.id));
    return db_commit(&tx);
}

struct status customer_get_jwks(struct ctx *ctx, const Customer__V1__GetJwksRequest *req,
                                Customer__V1__GetJwksResponse *rep)
{
    const struct customer *self = ctx_state(ctx);

    (void)req;
    rep->keys = arena_array(ctx->arena, Customer__V1__Jwk *, 2);
    rep->keys[rep->n_keys++] = jwk_of(ctx, &self->key);
    if (self->previous.id != NULL)
        rep->keys[rep->n_keys++] = jwk_of(ctx, &self->previous);
    return status_ok();
}

static struct status end_stolen(struct ctx *ctx, struct db_tx **tx, const struct session *session)
{
    TRY(store_end_session(*tx, session->id));
    TRY(db_commit(tx));
    metric_add(&REUSED_TOKENS, 0, 1);
    log_warn(ctx, "refresh_token_reused", LOG_STR("session", uuid_text(ctx->arena, session->id)),
             LOG_STR("customer", uuid_text(ctx->arena, session->customer_id)));
    return ctx_fail(ctx, &REFRESH_TOKEN_INVALID, "it was used before; its session has ended");
}

static Customer__V1__Jwk *jwk_of(struct ctx *ctx, const struct signing_key *key)
{
    Customer__V1__Jwk *jwk = arena_new(ctx->arena, Customer__V1__Jwk);

    customer__v1__jwk__init(jwk);
    jwk->kid = key->id;
    jwk->kty = "OKP";
    jwk->crv = "Ed25519";
    jwk->x = str_base64url(ctx->arena, key->public_key, sizeof key->public_key);
    jwk->alg = "EdDSA";
    jwk->use = "sig";
    return jwk;
}
