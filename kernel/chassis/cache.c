/* cache.c - entries in shards, marks in a fixed table of moments.
 *
 * A tag's mark lives at the slot of its hash. Two tags that share a slot invalidate each other's
 * entries now and then: a miss too many, never a stale answer. */
#include "chassis/cache.h"

#include "chassis/metrics.h"
#include "common/clock.h"
#include "daemon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
/* tidy: macro: uthash's setting; its default falls through cases, which clang refuses */
#define HASH_FUNCTION(key, length, value) HASH_FNV(key, length, value)
#include <uthash.h>

enum { SHARDS = 32, MARKS = 1 << 16 };

struct entry {
    UT_hash_handle hh;
    struct entry *newer, *older; /* the shard's list by last use */
    int64_t asked_at_us;
    int64_t expires_at_us;  /* monotonic */
    int64_t valid_until_us; /* wall clock; 0: for ever */
    size_t length;
    size_t key_length;
    char bytes[]; /* the key with its NUL, then the value */
};

struct shard {
    pthread_mutex_t lock;
    struct entry *by_key;
    struct entry *newest, *oldest;
    int64_t bytes;
};

struct cache {
    int64_t shard_bytes_max;
    int64_t ttl_us;
    _Atomic int64_t flushed_at_us;
    _Atomic int64_t marks[MARKS];
    struct shard shards[SHARDS];
};

static const char *const KINDS[] = {"hit", "miss", NULL};

static struct metric READS = {
    .name = "_cache_reads_total",
    .type = METRIC_COUNTER,
    .doc = "Reads of the cache by what they found",
    .label_name = "result",
    .label_values = KINDS,
};

static struct metric BYTES = {
    .name = "_cache_bytes",
    .type = METRIC_GAUGE,
    .doc = "Bytes held by the cache",
};

/* FNV-1a: keys and tags are short and not chosen by strangers. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    return hash;
}

static _Atomic int64_t *mark_of(struct cache *cache, struct cache_tag tag)
{
    uint64_t hash = (0xcbf29ce484222325u ^ (uint8_t)tag.kind) * 0x100000001b3u;
    return &cache->marks[hash_text(hash, tag.id ? tag.id : "") % MARKS];
}

static struct shard *shard_of(struct cache *cache, const char *key)
{
    return &cache->shards[hash_text(0xcbf29ce484222325u, key) % SHARDS];
}

struct cache *cache_create(struct ctx *boot, int64_t bytes_max, int64_t ttl_ms)
{
    struct cache *cache = calloc(1, sizeof *cache); /* start-up: lives as long as the daemon */
    metrics_register(boot->daemon, &READS);
    metrics_register(boot->daemon, &BYTES);
    cache->shard_bytes_max = bytes_max / SHARDS;
    cache->ttl_us = ttl_ms * 1000;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&cache->shards[i].lock, NULL);
    return cache;
}

static void unlink_entry(struct shard *shard, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &shard->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &shard->oldest) = entry->newer;
}

static void link_newest(struct shard *shard, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = shard->newest;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = entry;
    shard->newest = entry;
}

static int64_t size_of(const struct entry *entry)
{
    return (int64_t)(sizeof *entry + entry->key_length + 1 + entry->length);
}

static void drop(struct shard *shard, struct entry *entry)
{
    HASH_DEL(shard->by_key, entry);
    unlink_entry(shard, entry);
    shard->bytes -= size_of(entry);
    metric_add(&BYTES, 0, -size_of(entry));
    free(entry);
}

void cache_destroy(struct cache *cache)
{
    for (size_t i = 0; cache && i < SHARDS; i++) {
        while (cache->shards[i].oldest)
            drop(&cache->shards[i], cache->shards[i].oldest);
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache);
}

static struct entry *find(struct shard *shard, const char *key)
{
    struct entry *entry;
    HASH_FIND(hh, shard->by_key, key, strlen(key), entry);
    return entry;
}

static bool is_good(struct cache *cache, const struct entry *entry, const struct cache_tag *tags,
                    size_t tag_count)
{
    if (entry->asked_at_us <= atomic_load(&cache->flushed_at_us) ||
        entry->expires_at_us <= clock_monotonic_us())
        return false;
    if (entry->valid_until_us != 0 && entry->valid_until_us <= clock_now_us())
        return false;
    for (size_t i = 0; i < tag_count; i++)
        if (entry->asked_at_us <= atomic_load(mark_of(cache, tags[i])))
            return false;
    return true;
}

bool cache_get(struct ctx *ctx, struct cache *cache, const char *key, const struct cache_tag *tags,
               size_t tag_count, struct db_bytes *ret_value)
{
    struct shard *shard = shard_of(cache, key);
    bool is_hit = false;
    pthread_mutex_lock(&shard->lock);
    struct entry *entry = find(shard, key);
    if (entry && !is_good(cache, entry, tags, tag_count)) {
        drop(shard, entry);
    } else if (entry) {
        unlink_entry(shard, entry);
        link_newest(shard, entry);
        ret_value->length = entry->length;
        ret_value->data =
            arena_memdup(ctx->arena, entry->bytes + entry->key_length + 1, entry->length);
        is_hit = true;
    }
    pthread_mutex_unlock(&shard->lock);
    metric_add(&READS, is_hit ? 0 : 1, 1);
    return is_hit;
}

int64_t cache_now_us(void)
{
    return clock_monotonic_us();
}

static struct entry *make(const struct cache *cache, const char *key, struct db_bytes value,
                          int64_t asked_at_us)
{
    size_t key_length = strlen(key);
    struct entry *entry = malloc(sizeof *entry + key_length + 1 + value.length);
    if (!entry)
        return NULL;
    *entry = (struct entry){
        .asked_at_us = asked_at_us,
        .expires_at_us = clock_monotonic_us() + cache->ttl_us,
        .length = value.length,
        .key_length = key_length,
    };
    memcpy(entry->bytes, key, key_length + 1);
    if (value.length > 0)
        memcpy(entry->bytes + key_length + 1, value.data, value.length);
    return entry;
}

void cache_put(struct cache *cache, const char *key, struct db_bytes value, int64_t asked_at_us,
               int64_t valid_until_us)
{
    struct shard *shard = shard_of(cache, key);
    struct entry *entry = make(cache, key, value, asked_at_us);
    if (!entry) // a cache may forget
        return;
    entry->valid_until_us = valid_until_us;
    pthread_mutex_lock(&shard->lock);
    struct entry *old = find(shard, key);
    if (old)
        drop(shard, old);
    HASH_ADD_KEYPTR(hh, shard->by_key, entry->bytes, entry->key_length, entry);
    link_newest(shard, entry);
    shard->bytes += size_of(entry);
    metric_add(&BYTES, 0, size_of(entry));
    while (shard->bytes > cache->shard_bytes_max && shard->oldest)
        drop(shard, shard->oldest);
    pthread_mutex_unlock(&shard->lock);
}

void cache_mark(struct cache *cache, struct cache_tag tag)
{
    atomic_store(mark_of(cache, tag), clock_monotonic_us());
}

void cache_flush(struct cache *cache)
{
    atomic_store(&cache->flushed_at_us, clock_monotonic_us());
}
