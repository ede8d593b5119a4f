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
#include "chassis/rpc.h"

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

/* What an answer was made of, noted by every cache_get and cache_put that is told of it: the tags
 * of all parts, and the first moment at which one of them ends by itself. */
enum { CACHE_TRAIL_MAX = 1024 }; /* an answer of more parts is not kept */
struct cache_trail {
    int64_t begun_at_us;
    int64_t expires_at_us;  /* monotonic */
    int64_t valid_until_us; /* wall clock; 0: for ever */
    size_t count;
    uint16_t marks[CACHE_TRAIL_MAX];
};
struct cache_trail *cache_trail_begin(struct ctx *ctx);
/* For a part that came without a look into the cache; the trail may be NULL. */
void cache_trail_add(struct cache_trail *trail, struct cache_tag tag);

/* A copy in the ctx's arena; false when there is none that is still good for these tags. */
struct cache_question {
    const char *key;
    const struct cache_tag *tags;
    size_t tag_count;
    struct cache_trail *trail; /* or NULL */
};
bool cache_get(struct ctx *ctx, struct cache *cache, const struct cache_question *question,
               struct db_bytes *ret_value);

/* The moment before the question is asked of a daemon: goes with the answer into cache_put. */
int64_t cache_now_us(void);
struct cache_moments {
    int64_t asked_at_us;
    int64_t valid_until_us;    /* wall clock: when the value changes by itself; 0: never */
    struct cache_trail *trail; /* or NULL */
};
void cache_put(struct cache *cache, const char *key, struct db_bytes value,
               struct cache_moments moments);

/* Also what was asked before now and is put later. */
void cache_forget(struct cache *cache, const char *key);

/* The same for messages. NULL when there is none that is still good. */
ProtobufCMessage *cache_get_message(struct ctx *ctx, struct cache *cache,
                                    const struct cache_question *question,
                                    const ProtobufCMessageDescriptor *descriptor);
void cache_put_message(struct ctx *ctx, struct cache *cache, const char *key,
                       const ProtobufCMessage *message, struct cache_moments moments);
/* What is kept of a daemon's answer, or else its answer, which is kept from now on. */
struct status cache_ask(struct ctx *ctx, struct cache *cache, const struct cache_question *question,
                        struct rpc_call call, const ProtobufCMessage **ret_reply);

/* A whole answer is good as long as each of its parts. */
bool cache_get_whole(struct ctx *ctx, struct cache *cache, const char *key,
                     struct db_bytes *ret_value);
void cache_put_whole(struct cache *cache, const char *key, struct db_bytes value,
                     const struct cache_trail *trail);

void cache_mark(struct cache *cache, struct cache_tag tag);
/* Everything made before now is worthless: a stream of events may have a gap. */
void cache_flush(struct cache *cache);
