/* start.c - what the gateway makes of its configuration before the first request comes. */
#include "gateway.h"

#include "access/key_ring.h"
#include "access/reply_cache.h"
#include "checkout/runs.h"
#include "rest/rest.h"
#include "storefront/invalidate.h"

#include "chassis/cache.h"
#include "chassis/redis.h"
#include "common/clock.h"
#include "events/consumer.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum { START_BYTES = 16 * 1024 * 1024, REDIS_POOL = 32, REDIS_TIMEOUT_MS = 100 };

static const char *replica_name(struct arena *arena)
{
    char host[65] = "host";
    (void)gethostname(host, sizeof host - 1); // a name in logs and leases; the rest is unique
    return arena_printf(arena, "%s:%lld:%lld", host, (long long)getpid(),
                        (long long)(clock_now_us() / 1000));
}

static const char *digest_of(struct arena *arena, const char *key)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    if (str_is_empty(key))
        return NULL;
    crypto_hash_sha256(digest, (const unsigned char *)key, strlen(key));
    return str_hex(arena, digest, sizeof digest);
}

static void write_documents(struct gateway *self)
{
    struct buffer openapi, page;
    buffer_init(&openapi, self->arena, 256 * 1024);
    openapi_write(&openapi, str_is_empty(self->public_url) ? "/" : self->public_url);
    self->openapi = openapi.data;
    self->openapi_length = openapi.length;
    buffer_init(&page, self->arena, 128 * 1024);
    page_write(&page);
    self->page = page.data;
    self->page_length = page.length;
}

/* Events may have been missed: nothing that they keep fresh is believed any longer. */
static void forget(void *state)
{
    struct gateway *self = state;
    reply_cache_flush(self->channels);
    reply_cache_flush(self->api_keys);
    invalidate_everything(self);
}

struct status gateway_start(struct ctx *boot)
{
    struct gateway *self = ctx_state(boot);
    self->arena = arena_create(START_BYTES);
    self->replica = replica_name(self->arena);
    self->bootstrap_digest = digest_of(self->arena, self->bootstrap_key);
    self->channels = reply_cache_create(self->arena, self->access_ttl_ms);
    self->api_keys = reply_cache_create(self->arena, self->access_ttl_ms);
    self->cache = cache_create(boot, self->cache_bytes, self->cache_ttl_ms);
    self->keys = key_ring_create(self->arena);
    self->runs = checkout_runs_create(self->arena);
    write_documents(self);
    consumer_on_gap(boot->daemon, forget, self);
    return redis_open(boot, self->limits_redis_url, REDIS_POOL, REDIS_TIMEOUT_MS, &self->limits);
}

void gateway_stop(void *state)
{
    struct gateway *self = state;
    if (self->limits)
        redis_close(self->limits);
    reply_cache_destroy(self->channels);
    reply_cache_destroy(self->api_keys);
    cache_destroy(self->cache);
    checkout_runs_destroy(self->runs);
    arena_destroy(self->arena);
}
