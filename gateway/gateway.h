/* gateway.h - what the gateway's parts share: its configuration and what lives as long as it does.
 */
#pragma once

#include "chassis/service.h"

#include <stdint.h>

struct redis;
struct storefront_cache; /* storefront/cache.h */
struct key_ring;         /* access/customer_token.c: customer's public keys */

struct gateway {
    const char *limits_redis_url;
    const char *cors_origins; /* comma-separated; "*"; empty: none */
    const char *public_url;   /* where clients reach us; empty: relative links */
    int64_t storefront_rate;  /* requests a minute of one address and key */
    int64_t account_rate;     /* sign-in attempts a minute of one address */
    int64_t admin_rate;       /* requests a minute of one API key */
    int64_t cache_bytes;
    int64_t checkout_budget_ms; /* how long a client waits for its checkout before 202 */
    int64_t checkout_lease_ms;
    int64_t import_lease_ms;
    int64_t import_bytes_max;
    int64_t import_interval_ms;

    struct redis *limits;
    struct storefront_cache *cache;
    struct key_ring *keys;
    const char *replica; /* this process's name in leases: host:pid:start */
};
