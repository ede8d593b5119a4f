/* api_key.c - keys of the back office: what they may do, known here by their digest alone. */
#include "platform.h"

#include "common/str.h"
#include "events/outbox.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.handlers.h"

#include <sodium.h>
#include <string.h>

const struct event_kind API_KEY_REVOKED = {
    .topic = "platform.key.events.v1",
    .body = &platform__v1__api_key_revoked__schema,
    .key_doc = "API key id",
};

const struct error_def API_KEY_TAKEN = {STATUS_ALREADY_EXISTS, "API_KEY_TAKEN",
                                        "this key is known already: make another"};
const struct error_def API_KEY_NOT_FOUND = {STATUS_NOT_FOUND, "API_KEY_NOT_FOUND",
                                            "a key that exists and was not revoked"};

const struct error_def SCOPE_NOT_HELD = {STATUS_PERMISSION_DENIED, "SCOPE_NOT_HELD",
                                         "a key may give another one only what it holds itself"};

enum { SECRET_BYTES = 32 };

static bool is_digest(const char *text);
static struct status check_held(struct ctx *ctx, const Platform__V1__ApiKey *key);
static const char *make_secret(struct ctx *ctx, const char **ret_digest);

struct status platform_create_api_key(struct ctx *ctx, const Platform__V1__CreateApiKeyRequest *req,
                                      Platform__V1__CreateApiKeyResponse *rep)
{
    Platform__V1__ApiKey *key = req->api_key;
    const char *digest = req->digest, *secret = "";
    struct uuid id = uuid_v7();
    bool is_added = false;

    check_codes(ctx, "apiKey.scopes", key->scopes, key->n_scopes, is_scope,
                "\"*\", or as in products.write");
    if (!str_is_empty(digest) && !is_digest(digest))
        ctx_violation(ctx, "digest", digest, "SHA-256: 64 digits, lower-case hexadecimal");
    TRY(check_done(ctx, "API key"));
    TRY(check_held(ctx, key));
    if (str_is_empty(digest))
        secret = make_secret(ctx, &digest);
    key->id = uuid_text(ctx->arena, id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_api_key(tx, key, digest, &is_added);
    if (str_equal(db_constraint(tx), "api_key_digest_unique"))
        return ctx_fail(ctx, &API_KEY_TAKEN, "its digest exists");
    TRY(added);
    if (!is_added)
        return ctx_fail(ctx, &TOO_MANY_SETTINGS, "there are %d active keys", API_KEYS_MAX);
    TRY(db_audit(tx, "create_api_key", id, NULL));
    rep->api_key = key;
    TRY(db_commit(&tx));
    // After the commit, which keeps the reply for a retry: the secret is not to be found there.
    rep->secret = secret;
    return status_ok();
}

/* Else who may make keys may do everything. */
static struct status check_held(struct ctx *ctx, const Platform__V1__ApiKey *key)
{
    for (size_t i = 0; i < key->n_scopes; i++)
        if (!ctx_has_scope(ctx, key->scopes[i]))
            return ctx_fail_field(ctx, &SCOPE_NOT_HELD,
                                  arena_printf(ctx->arena, "apiKey.scopes[%zu]", i), key->scopes[i],
                                  "a scope of the calling key");
    return status_ok();
}

struct status platform_list_api_keys(struct ctx *ctx, const Platform__V1__ListApiKeysRequest *req,
                                     Platform__V1__ListApiKeysResponse *rep)
{
    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_list_api_keys(tx, &rep->api_keys, &rep->n_api_keys);
}

/* Revoking again is no change and no event. */
struct status platform_revoke_api_key(struct ctx *ctx, const Platform__V1__RevokeApiKeyRequest *req,
                                      Platform__V1__RevokeApiKeyResponse *rep)
{
    Platform__V1__ApiKeyRevoked event = PLATFORM__V1__API_KEY_REVOKED__INIT;
    struct uuid id = parsed(req->id);
    bool is_revoked = false;

    (void)rep;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_revoke_api_key(tx, req->id, &is_revoked));
    if (is_revoked) {
        event.api_key_id = req->id;
        TRY(outbox_add(tx, &API_KEY_REVOKED, id, 1, &event));
        TRY(db_audit(tx, "revoke_api_key", id, NULL));
    }
    return db_commit(&tx);
}

struct status platform_resolve_api_key(struct ctx *ctx,
                                       const Platform__V1__ResolveApiKeyRequest *req,
                                       Platform__V1__ResolveApiKeyResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_resolve_api_key(tx, req->digest, &rep->api_key);
}

static bool is_digest(const char *text)
{
    return strlen(text) == 2 * crypto_hash_sha256_BYTES &&
           strspn(text, "0123456789abcdef") == 2 * crypto_hash_sha256_BYTES;
}

/* 256 random bits need no slow hash: nobody guesses them from a digest. */
static const char *make_secret(struct ctx *ctx, const char **ret_digest)
{
    uint8_t random[SECRET_BYTES], digest[crypto_hash_sha256_BYTES];

    randombytes_buf(random, sizeof random);
    const char *secret =
        arena_printf(ctx->arena, "torg_%s", str_base64url(ctx->arena, random, sizeof random));
    crypto_hash_sha256(digest, (const unsigned char *)secret, strlen(secret));
    *ret_digest = str_hex(ctx->arena, digest, sizeof digest);
    return secret;
}
