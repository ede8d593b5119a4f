/* reply_cache.c - answers of daemons that change rarely, kept in this process for a while.
 *
 * Entries live in the arena of a generation. When the young one is old enough, or full, it becomes
 * the old one and whatever was the old one is freed at once: nothing is ever evicted by itself. */
#include "access/reply_cache.h"

#include "chassis/wire.h"
#include "common/clock.h"
#include "common/map.h"

#include <pthread.h>
#include <string.h>

enum { ENTRIES_MAX = 2000, GENERATION_BYTES = 64 * 1024 * 1024 };

struct entry {
    int64_t expire_us;
    size_t length;
    uint8_t bytes[];
};

struct generation {
    struct arena *arena;
    struct map *entries;
    int64_t end_us;
};

struct reply_cache {
    pthread_rwlock_t lock;
    int64_t ttl_us;
    int64_t epoch;
    struct generation young, old;
};

static struct generation new_generation(int64_t ttl_us)
{
    struct arena *arena = arena_create(GENERATION_BYTES);
    return (struct generation){
        .arena = arena,
        .entries = map_create(arena, 64),
        .end_us = clock_monotonic_us() + ttl_us,
    };
}

struct reply_cache *reply_cache_create(struct arena *arena, int64_t ttl_ms)
{
    struct reply_cache *cache = arena_new(arena, struct reply_cache);
    (void)pthread_rwlock_init(&cache->lock, NULL); // cannot fail with default attributes
    cache->ttl_us = ttl_ms * 1000;
    cache->young = new_generation(cache->ttl_us);
    return cache;
}

void reply_cache_destroy(struct reply_cache *cache)
{
    if (!cache)
        return;
    arena_destroy(cache->young.arena);
    arena_destroy(cache->old.arena);
    (void)pthread_rwlock_destroy(&cache->lock);
}

static const struct entry *find(const struct reply_cache *cache, const char *key)
{
    const struct entry *entry = map_get(cache->young.entries, key);
    if (!entry && cache->old.entries)
        entry = map_get(cache->old.entries, key);
    return entry && entry->expire_us > clock_monotonic_us() ? entry : NULL;
}

ProtobufCMessage *reply_cache_get(struct reply_cache *cache, struct ctx *ctx, const char *key,
                                  const ProtobufCMessageDescriptor *descriptor, int64_t *ret_epoch)
{
    const uint8_t *packed = NULL;
    size_t length = 0;
    (void)pthread_rwlock_rdlock(&cache->lock);
    const struct entry *entry = find(cache, key);
    if (entry) {
        length = entry->length;
        packed = arena_memdup(ctx->arena, entry->bytes, length);
    }
    *ret_epoch = cache->epoch;
    (void)pthread_rwlock_unlock(&cache->lock);
    if (!packed)
        return NULL;
    return protobuf_c_message_unpack(descriptor, arena_protobuf(ctx->arena), length, packed);
}

static void turn(struct reply_cache *cache)
{
    arena_destroy(cache->old.arena);
    cache->old = cache->young;
    cache->young = new_generation(cache->ttl_us);
}

void reply_cache_put(struct reply_cache *cache, struct ctx *ctx, const char *key,
                     const ProtobufCMessage *reply, int64_t epoch)
{
    const struct db_bytes packed = wire_pack(ctx->arena, reply);

    (void)pthread_rwlock_wrlock(&cache->lock);
    if (epoch == cache->epoch) {
        if (cache->young.end_us < clock_monotonic_us() ||
            map_count(cache->young.entries) >= ENTRIES_MAX)
            turn(cache);
        struct entry *entry = arena_alloc(cache->young.arena, sizeof *entry + packed.length);
        entry->expire_us = clock_monotonic_us() + cache->ttl_us;
        entry->length = packed.length;
        memcpy(entry->bytes, packed.data, packed.length);
        map_set(cache->young.entries, key, entry);
    }
    (void)pthread_rwlock_unlock(&cache->lock);
}

void reply_cache_flush(struct reply_cache *cache)
{
    (void)pthread_rwlock_wrlock(&cache->lock);
    cache->epoch++;
    arena_destroy(cache->young.arena);
    arena_destroy(cache->old.arena);
    cache->old = (struct generation){0};
    cache->young = new_generation(cache->ttl_us);
    (void)pthread_rwlock_unlock(&cache->lock);
}
