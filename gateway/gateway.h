/* gateway.h - what the gateway's parts share: its configuration and what lives as long as it does.
 */
#pragma once

#include "chassis/service.h"

#include <stdint.h>

struct key_ring; /* access/key_ring.h: customer's public keys */
struct redis;
struct checkout_runs;    /* checkout/runs.h */
struct reply_cache;      /* access/reply_cache.h */
struct cache; /* chassis/cache.h */

struct gateway {
    const char *limits_redis_url;
    const char *cors_origins; /* comma-separated; "*"; empty: none */
    const char *public_url;   /* where clients reach us; empty: relative links */
    const char *bootstrap_key;
    const char *token_issuer;
    bool trusts_forwarded;   /* the edge in front sets X-Forwarded-For */
    int64_t storefront_rate; /* requests a minute of one address; 0: no limit, as for the others */
    int64_t account_rate;    /* sign-in attempts a minute of one address */
    int64_t admin_rate;      /* requests a minute of one API key */
    int64_t access_ttl_ms;   /* how long channels and keys are believed without asking */
    int64_t cache_bytes;
    int64_t cache_ttl_ms;
    int64_t checkout_budget_ms; /* how long a client waits for its checkout before 202 */
    int64_t checkout_lease_ms;
    int64_t import_lease_ms;
    int64_t import_bytes_max;
    int64_t import_interval_ms;

    struct arena *arena; /* of what is made at start */
    struct redis *limits;
    struct cache *cache;
    struct reply_cache *channels; /* platform's GetChannelByKeyResponse, by key and by "id:<id>" */
    struct reply_cache *api_keys; /* platform's ResolveApiKeyResponse, by digest */
    struct key_ring *keys;
    struct checkout_runs *runs;   /* what this process drives just now */
    const char *bootstrap_digest; /* hex; NULL: there is none */
    const char *openapi, *page;   /* the documents, written once */
    size_t openapi_length, page_length;
    const char *replica; /* this process's name in leases: host:pid:start */
};

struct status gateway_start(struct ctx *boot);
void gateway_stop(void *state);
