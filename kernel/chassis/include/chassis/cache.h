/* cache.h - what is asked again and again, valid until an event says otherwise.
 *
 * An entry is bytes under a key, made at some moment from things that have tags (a product, a
 * variant, all prices). An event marks the tags it touches with now; an entry is as good as it is
 * younger than the last mark of each of its tags. So there is nothing to search for when an event
 * arrives, and an answer that was on its way while the event passed is never stored as new.
 * Thread-safe; bounded in bytes, the least recently used go first. */
#pragma once

#include "chassis/ctx.h"
#include "chassis/db.h" /* struct db_bytes */

#include <stdbool.h>
#include <stdint.h>

struct cache;

struct cache_tag {
    char kind;      /* the user names them */
    const char *id; /* NULL: the kind as a whole */
};

/* ttl_ms bounds the life of an entry whose event never comes. Registers the cache's metrics: one
 * cache a daemon. */
struct cache *cache_create(struct ctx *boot, int64_t bytes_max, int64_t ttl_ms);
void cache_destroy(struct cache *cache); /* accepts NULL */

/* A copy in the ctx's arena; false when there is none that is still good for these tags. */
bool cache_get(struct ctx *ctx, struct cache *cache, const char *key, const struct cache_tag *tags,
               size_t tag_count, struct db_bytes *ret_value);

/* The moment before the question is asked of a daemon: goes with the answer into cache_put. */
int64_t cache_now_us(void);
/* valid_until_us is wall-clock time at which the value changes by itself; 0: never. */
void cache_put(struct cache *cache, const char *key, struct db_bytes value, int64_t asked_at_us,
               int64_t valid_until_us);

void cache_mark(struct cache *cache, struct cache_tag tag);
/* Everything made before now is worthless: a stream of events may have a gap. */
void cache_flush(struct cache *cache);
