/* api_key.c - the back office: an API key whose scopes hold the route's.
 *
 * Only a key's digest leaves this file. Guessing is slowed down per address; a key that is known
 * here already is limited by itself. */
#include "access/access.h"
#include "access/reply_cache.h"
#include "gateway.h"

#include "platform/v1/service.client.h"

#include <sodium.h>
#include <string.h>

enum { REASON_MAX = 500 };

const struct error_def API_KEY_REQUIRED = {STATUS_UNAUTHENTICATED, "API_KEY_REQUIRED",
                                           "send Authorization: Bearer <API key>"};
const struct error_def API_KEY_UNKNOWN = {STATUS_UNAUTHENTICATED, "API_KEY_UNKNOWN",
                                          "the key does not exist, or it was revoked"};
const struct error_def SCOPE_MISSING = {STATUS_PERMISSION_DENIED, "SCOPE_MISSING",
                                        "use a key with the scope that the violation names"};

static const char *digest_of(struct ctx *ctx, const char *key)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)key, strlen(key));
    return str_hex(ctx->arena, digest, sizeof digest);
}

static bool is_bootstrap(const struct gateway *self, const char *digest)
{
    return self->bootstrap_digest &&
           sodium_memcmp(self->bootstrap_digest, digest, 2 * crypto_hash_sha256_BYTES) == 0;
}

static struct status resolve(struct ctx *ctx, struct exchange *exchange, const char *digest,
                             const Platform__V1__ResolveApiKeyResponse **ret_found)
{
    struct gateway *self = ctx_state(ctx);
    Platform__V1__ResolveApiKeyRequest request = PLATFORM__V1__RESOLVE_API_KEY_REQUEST__INIT;
    int64_t epoch;
    *ret_found = (const void *)reply_cache_get(
        self->api_keys, ctx, digest, &platform__v1__resolve_api_key_response__descriptor, &epoch);
    if (*ret_found)
        return status_ok();

    TRY(access_rate(ctx, exchange, RATE_SIGN_IN, access_address(ctx, exchange->http)));
    request.digest = digest;
    struct status status = platform_v1_resolve_api_key(ctx, &request, ret_found);
    if (status.code == STATUS_NOT_FOUND || (status.code == STATUS_OK && !(*ret_found)->api_key))
        return ctx_fail(ctx, &API_KEY_UNKNOWN, "no such key");
    TRY(status);
    reply_cache_put(self->api_keys, ctx, digest, &(*ret_found)->base, epoch);
    return status_ok();
}

static const char *join_scopes(struct ctx *ctx, const Platform__V1__ApiKey *key)
{
    struct buffer scopes;
    buffer_init(&scopes, ctx->arena, 64);
    for (size_t i = 0; i < key->n_scopes; i++)
        buffer_printf(&scopes, "%s%s", i ? " " : "", key->scopes[i]);
    return scopes.length ? scopes.data : "";
}

static bool holds(const char *scopes, const char *scope)
{
    size_t wanted = strlen(scope);
    while (*scopes) {
        size_t length = strcspn(scopes, " ");
        if ((length == 1 && *scopes == '*') ||
            (length == wanted && memcmp(scopes, scope, length) == 0))
            return true;
        scopes += length;
        scopes += strspn(scopes, " ");
    }
    return false;
}

static struct status identify(struct ctx *ctx, struct exchange *exchange, const char *digest,
                              struct caller *ret_caller)
{
    const Platform__V1__ResolveApiKeyResponse *found;
    *ret_caller = (struct caller){.service = "gateway", .actor = "key:bootstrap", .scopes = "*"};
    if (is_bootstrap(ctx_state(ctx), digest))
        return status_ok();
    TRY(resolve(ctx, exchange, digest, &found));
    ret_caller->actor = arena_printf(ctx->arena, "key:%s", found->api_key->id);
    ret_caller->scopes = join_scopes(ctx, found->api_key);
    return status_ok();
}

struct status access_admin(struct ctx *ctx, struct exchange *exchange)
{
    const char *key = access_bearer(exchange->http);
    const char *reason = http_header_get(exchange->http, "Torg-Reason");
    const char *scope = exchange->route->scope;
    struct caller caller;
    if (!key)
        return ctx_fail_field(ctx, &API_KEY_REQUIRED, "Authorization", NULL, "Bearer <API key>");
    TRY(identify(ctx, exchange, digest_of(ctx, key), &caller));
    TRY(access_rate(ctx, exchange, RATE_ADMIN, caller.actor));
    if (scope && !holds(caller.scopes, scope))
        return ctx_fail_field(ctx, &SCOPE_MISSING, "Authorization", NULL,
                              arena_printf(ctx->arena, "a key with the scope %s", scope));
    if (reason && (strlen(reason) > REASON_MAX || !str_is_utf8(reason, strlen(reason))))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "Torg-Reason", NULL,
                              "at most 500 bytes of UTF-8");
    caller.reason = reason;
    ctx->caller = caller;
    return status_ok();
}

struct status access_on_key_revoked(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                    const void *body)
{
    struct gateway *self = ctx_state(ctx);
    (void)tx;
    (void)event;
    (void)body;
    reply_cache_flush(self->api_keys);
    return status_ok();
}
