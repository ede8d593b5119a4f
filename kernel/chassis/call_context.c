/* call_context.c - who calls, signed with a key the two daemons share.
 *
 * The signature covers the encoded context and the key id. A context lives a minute at most, so a
 * leaked one is soon worthless; clocks may differ by a few seconds. A genuine one at the wrong time
 * is no intruder but a wrong clock, the caller's or ours: the caller asks another replica. */
#include "rpc.h"

#include "chassis/log.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/v1/context.pb-c.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

enum {
    KEYS_MAX = 64,
    KEY_BYTES_MIN = 16,
    KEY_BYTES_MAX = 64,
    HEADER_MAX = 4096,
    LIFETIME_US = 60 * 1000000,
    SKEW_US = 5 * 1000000,
};

struct call_key {
    const char *caller;
    const char *id;
    crypto_auth_hmacsha256_state begun; /* the key's share of each digest, computed once */
};

struct call_keys {
    struct call_key keys[KEYS_MAX];
    size_t count;
};

static bool parse_key(struct arena *arena, const char *text, size_t length,
                      struct call_key *ret_key);
static void compute_mac(const struct call_key *key, const char *text, size_t length,
                        uint8_t ret_mac[crypto_auth_hmacsha256_BYTES]);
static const struct call_key *find_key(const struct call_keys *keys, const char *caller,
                                       const char *id);
static struct status refuse(struct ctx *ctx, const char *why);

struct status call_keys_open(struct ctx *boot, struct daemon *daemon)
{
    struct call_keys *keys = arena_new(daemon->arena, struct call_keys);
    const char *p = str_or_empty(daemon->settings.call_keys);

    if (sodium_init() < 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "libsodium does not start");
    while (*p) {
        size_t length = strcspn(p, ",");
        if (keys->count == KEYS_MAX ||
            !parse_key(daemon->arena, p, length, &keys->keys[keys->count]))
            return ctx_fail(boot, &ERROR_INVALID_REQUEST,
                            "TORG_CALL_KEYS: entry %zu must be caller:key_id:hex, 16 to 64 bytes, "
                            "at most %d entries",
                            keys->count + 1, KEYS_MAX);
        keys->count++;
        p += length;
        p += *p == ',';
    }
    daemon->keys = keys;
    return status_ok();
}

const char *call_context_sign(struct ctx *ctx, const struct call_keys *keys, const char *service)
{
    const struct call_key *key = find_key(keys, service, NULL);
    Google__Protobuf__Timestamp expire_time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Common__V1__CallContext context = COMMON__V1__CALL_CONTEXT__INIT;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    int64_t expire_us = clock_now_us() + LIFETIME_US;

    if (!key)
        return NULL;
    expire_time.seconds = expire_us / 1000000;
    expire_time.nanos = (int32_t)(expire_us % 1000000 * 1000);
    context.service = service;
    context.actor = str_or_empty(ctx->caller.actor);
    context.on_behalf_of = str_or_empty(ctx->caller.on_behalf_of);
    context.scopes = str_or_empty(ctx->caller.scopes);
    context.reason = str_or_empty(ctx->caller.reason);
    context.channel_id = str_or_empty(ctx->caller.channel_id);
    context.expire_time = &expire_time;
    context.correlation_id = str_or_empty(ctx->correlation_id);
    context.causation_id = str_or_empty(ctx->causation_id);

    const struct db_bytes packed = wire_pack(ctx->arena, &context.base);
    const char *body = arena_printf(ctx->arena, "%s.%s",
                                    str_base64url(ctx->arena, packed.data, packed.length), key->id);
    compute_mac(key, body, strlen(body), mac);
    return arena_printf(ctx->arena, "%s.%s", body, str_base64url(ctx->arena, mac, sizeof mac));
}

struct status call_context_verify(struct ctx *ctx, const struct call_keys *keys, const char *header)
{
    uint8_t expected[crypto_auth_hmacsha256_BYTES];
    uint8_t *packed = NULL, *mac = NULL;
    size_t packed_length = 0, mac_length = 0;

    if (!header)
        return refuse(ctx, "the call is not signed");
    const char *first_dot = strchr(header, '.');
    const char *last_dot = strrchr(header, '.');
    if (!first_dot || last_dot == first_dot || strlen(header) > HEADER_MAX)
        return refuse(ctx, "Torg-Context is malformed");
    const char *encoded = arena_strndup(ctx->arena, header, (size_t)(first_dot - header));
    const char *key_id =
        arena_strndup(ctx->arena, first_dot + 1, (size_t)(last_dot - first_dot - 1));
    if (!str_from_base64url(ctx->arena, encoded, &packed, &packed_length) ||
        !str_from_base64url(ctx->arena, last_dot + 1, &mac, &mac_length))
        return refuse(ctx, "Torg-Context is malformed");

    const Common__V1__CallContext *context =
        common__v1__call_context__unpack(arena_protobuf(ctx->arena), packed_length, packed);
    if (!context || !context->expire_time)
        return refuse(ctx, "Torg-Context is malformed");
    const struct call_key *key = find_key(keys, context->service, key_id);
    if (!key)
        return refuse(ctx, "Torg-Context is signed with an unknown key");
    compute_mac(key, header, (size_t)(last_dot - header), expected);
    if (mac_length != sizeof expected || sodium_memcmp(mac, expected, sizeof expected) != 0)
        return refuse(ctx, "Torg-Context has a wrong signature");

    int64_t left_us = context->expire_time->seconds * 1000000 + context->expire_time->nanos / 1000 -
                      clock_now_us();
    if (left_us < -SKEW_US || left_us > LIFETIME_US + SKEW_US)
        return ctx_fail(ctx, &ERROR_CLOCKS_DIFFER, "Torg-Context ends %" PRId64 " ms from now",
                        left_us / 1000);
    if (str_is_empty(context->actor))
        return refuse(ctx, "Torg-Context names no actor");

    ctx->caller.service = key->caller;
    ctx->caller.actor = context->actor;
    ctx->caller.on_behalf_of = *context->on_behalf_of ? context->on_behalf_of : NULL;
    ctx->caller.scopes = context->scopes;
    ctx->caller.reason = *context->reason ? context->reason : NULL;
    ctx->caller.channel_id = *context->channel_id ? context->channel_id : NULL;
    ctx->correlation_id = *context->correlation_id ? context->correlation_id : NULL;
    ctx->causation_id = *context->causation_id ? context->causation_id : NULL;
    return status_ok();
}

bool ctx_has_scope(const struct ctx *ctx, const char *scope)
{
    return call_context_has_scope(str_or_empty(ctx->caller.scopes), scope);
}

bool call_context_has_scope(const char *scopes, const char *scope)
{
    size_t wanted = strlen(scope);

    for (const char *p = scopes; *p;) {
        size_t length = strcspn(p, " ");
        if ((length == 1 && *p == '*') || (length == wanted && !strncmp(p, scope, length)))
            return true;
        p += length;
        p += strspn(p, " ");
    }
    return false;
}

static bool parse_key(struct arena *arena, const char *text, size_t length,
                      struct call_key *ret_key)
{
    const char *entry = arena_strndup(arena, text, length);
    const char *id = strchr(entry, ':');
    const char *hex = id ? strchr(id + 1, ':') : NULL;
    uint8_t bytes[KEY_BYTES_MAX];

    if (!hex || id == entry || hex == id + 1)
        return false;
    size_t digits = strlen(hex + 1), count = digits / 2;
    ret_key->caller = arena_strndup(arena, entry, (size_t)(id - entry));
    ret_key->id = arena_strndup(arena, id + 1, (size_t)(hex - id - 1));
    if (digits % 2 != 0 || count < KEY_BYTES_MIN || count > KEY_BYTES_MAX ||
        strchr(ret_key->id, '.') || !str_from_hex(hex + 1, bytes, count))
        return false;
    crypto_auth_hmacsha256_init(&ret_key->begun, bytes, count);
    sodium_memzero(bytes, sizeof bytes);
    return true;
}

static void compute_mac(const struct call_key *key, const char *text, size_t length,
                        uint8_t ret_mac[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state = key->begun;

    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, length);
    crypto_auth_hmacsha256_final(&state, ret_mac);
}

/* The caller's key of that id; its first when the id is NULL. */
static const struct call_key *find_key(const struct call_keys *keys, const char *caller,
                                       const char *id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (!strcmp(keys->keys[i].caller, caller) && (!id || !strcmp(keys->keys[i].id, id)))
            return &keys->keys[i];
    return NULL;
}

static struct status refuse(struct ctx *ctx, const char *why)
{
    return ctx_fail(ctx, &ERROR_UNAUTHENTICATED, "%s", why);
}
