/* cache.c - entries in shards, marks in a fixed table of moments.
 *
 * A tag's mark lives at the slot of its hash. Two tags that share a slot invalidate each other's
 * entries now and then: a miss too many, never a stale answer. */
#include "chassis/cache.h"

#include "chassis/metrics.h"
#include "common/clock.h"
#include "daemon.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
/* tidy: macro: uthash's setting; its default falls through cases, which clang refuses */
#define HASH_FUNCTION(key, length, value) HASH_FNV(key, length, value)
#include <uthash.h>

enum { SHARDS = 32, MARKS = 1 << 16, TAGS_MAX = 4 };
static_assert(MARKS - 1 <= UINT16_MAX, "a trail's marks are 16 bits");

struct entry {
    UT_hash_handle hh;
    struct entry *newer, *older; /* the shard's list by last use */
    int64_t asked_at_us;
    int64_t expires_at_us;  /* monotonic */
    int64_t valid_until_us; /* wall clock; 0: for ever */
    size_t length;
    size_t key_length;
    size_t mark_count; /* of a whole answer: what it was made of */
    uint16_t *marks;   /* behind the value */
    char bytes[];      /* the key with its NUL, then the value */
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

/* FNV-1a by words: keys and tags are short and not chosen by strangers. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    size_t length = strlen(text);
    uint64_t word;

    for (; length >= sizeof word; text += sizeof word, length -= sizeof word) {
        memcpy(&word, text, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

static uint64_t hash_key(const char *key)
{
    return hash_text(0xcbf29ce484222325u, key);
}

static uint16_t mark_of(struct cache_tag tag)
{
    uint64_t hash = (0xcbf29ce484222325u ^ (uint8_t)tag.kind) * 0x100000001b3u;
    return (uint16_t)(hash_text(hash, tag.id ? tag.id : "") % MARKS);
}

static struct shard *shard_of(struct cache *cache, uint64_t hash)
{
    return &cache->shards[(hash >> 32) % SHARDS];
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
    return (int64_t)(sizeof *entry + entry->key_length + 1 + entry->length +
                     entry->mark_count * sizeof *entry->marks);
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

static struct entry *find(struct shard *shard, const char *key, uint64_t hash)
{
    struct entry *entry;
    HASH_FIND_BYHASHVALUE(hh, shard->by_key, key, strlen(key), (unsigned)hash, entry);
    return entry;
}

struct cache_trail *cache_trail_begin(struct ctx *ctx)
{
    struct cache_trail *trail = arena_new(ctx->arena, struct cache_trail);
    trail->begun_at_us = clock_monotonic_us();
    trail->expires_at_us = INT64_MAX;
    return trail;
}

static int64_t earlier(int64_t a_us, int64_t b_us) /* 0: never */
{
    return a_us == 0 || (b_us != 0 && b_us < a_us) ? b_us : a_us;
}

static void note_marks(struct cache_trail *trail, const uint16_t *marks, size_t count)
{
    for (size_t i = 0; i < count; i++, trail->count++)
        if (trail->count < CACHE_TRAIL_MAX)
            trail->marks[trail->count] = marks[i];
}

void cache_trail_add(struct cache_trail *trail, struct cache_tag tag)
{
    uint16_t mark = mark_of(tag);
    if (trail)
        note_marks(trail, &mark, 1);
}

static bool is_good(struct cache *cache, const struct entry *entry, const uint16_t *marks,
                    size_t mark_count)
{
    if (entry->asked_at_us <= atomic_load(&cache->flushed_at_us) ||
        entry->expires_at_us <= clock_monotonic_us())
        return false;
    if (entry->valid_until_us != 0 && entry->valid_until_us <= clock_now_us())
        return false;
    for (size_t i = 0; i < mark_count; i++)
        if (entry->asked_at_us <= atomic_load(&cache->marks[marks[i]]))
            return false;
    return true;
}

/* What is read under the lock: the entry itself may be gone a moment later. */
struct found {
    struct db_bytes value;
    int64_t expires_at_us, valid_until_us;
};

/* Good for these marks and for those that it was kept with. */
static bool read_entry(struct ctx *ctx, struct cache *cache, const char *key, const uint16_t *marks,
                       size_t mark_count, struct found *ret_found)
{
    uint64_t hash = hash_key(key);
    struct shard *shard = shard_of(cache, hash);
    bool is_hit = false;
    pthread_mutex_lock(&shard->lock);
    struct entry *entry = find(shard, key, hash);
    if (entry && (!is_good(cache, entry, marks, mark_count) ||
                  !is_good(cache, entry, entry->marks, entry->mark_count))) {
        drop(shard, entry);
    } else if (entry) {
        unlink_entry(shard, entry);
        link_newest(shard, entry);
        *ret_found = (struct found){
            .value = {arena_memdup(ctx->arena, entry->bytes + entry->key_length + 1, entry->length),
                      entry->length},
            .expires_at_us = entry->expires_at_us,
            .valid_until_us = entry->valid_until_us,
        };
        is_hit = true;
    }
    pthread_mutex_unlock(&shard->lock);
    metric_add(&READS, is_hit ? 0 : 1, 1);
    return is_hit;
}

bool cache_get(struct ctx *ctx, struct cache *cache, const struct cache_question *question,
               struct db_bytes *ret_value)
{
    struct cache_trail *trail = question->trail;
    uint16_t marks[TAGS_MAX] = {0};
    struct found found;
    assert(question->tag_count <= TAGS_MAX);
    for (size_t i = 0; i < question->tag_count; i++)
        marks[i] = mark_of(question->tags[i]);
    if (trail)
        note_marks(trail, marks, question->tag_count);
    if (!read_entry(ctx, cache, question->key, marks, question->tag_count, &found))
        return false;
    if (trail) {
        trail->expires_at_us = earlier(trail->expires_at_us, found.expires_at_us);
        trail->valid_until_us = earlier(trail->valid_until_us, found.valid_until_us);
    }
    *ret_value = found.value;
    return true;
}

bool cache_get_whole(struct ctx *ctx, struct cache *cache, const char *key,
                     struct db_bytes *ret_value)
{
    struct found found;
    if (!read_entry(ctx, cache, key, NULL, 0, &found))
        return false;
    *ret_value = found.value;
    return true;
}

int64_t cache_now_us(void)
{
    return clock_monotonic_us();
}

/* With room behind the value for marks. */
static struct entry *make(const char *key, struct db_bytes value, size_t mark_count)
{
    size_t key_length = strlen(key);
    size_t bytes = (key_length + 1 + value.length + 1) & ~(size_t)1; // marks are aligned
    struct entry *entry = malloc(sizeof *entry + bytes + mark_count * sizeof *entry->marks);
    if (!entry)
        return NULL;
    *entry = (struct entry){
        .length = value.length,
        .key_length = key_length,
        .mark_count = mark_count,
        .marks = (uint16_t *)(void *)(entry->bytes + bytes),
    };
    memcpy(entry->bytes, key, key_length + 1);
    if (value.length > 0)
        memcpy(entry->bytes + key_length + 1, value.data, value.length);
    return entry;
}

/* Who asked earlier knows less. */
static void keep(struct cache *cache, const char *key, struct entry *entry)
{
    uint64_t hash = hash_key(key);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    struct entry *old = find(shard, key, hash);
    if (old && old->asked_at_us > entry->asked_at_us) {
        pthread_mutex_unlock(&shard->lock);
        free(entry);
        return;
    }
    if (old)
        drop(shard, old);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, shard->by_key, entry->bytes, entry->key_length, (unsigned)hash,
                                entry);
    link_newest(shard, entry);
    shard->bytes += size_of(entry);
    metric_add(&BYTES, 0, size_of(entry));
    while (shard->bytes > cache->shard_bytes_max && shard->oldest)
        drop(shard, shard->oldest);
    pthread_mutex_unlock(&shard->lock);
}

void cache_put(struct cache *cache, const char *key, struct db_bytes value,
               struct cache_moments moments)
{
    struct entry *entry = make(key, value, 0);
    if (moments.trail)
        moments.trail->valid_until_us =
            earlier(moments.trail->valid_until_us, moments.valid_until_us);
    if (!entry) // a cache may forget
        return;
    entry->asked_at_us = moments.asked_at_us;
    entry->expires_at_us = clock_monotonic_us() + cache->ttl_us;
    entry->valid_until_us = moments.valid_until_us;
    keep(cache, key, entry);
}

/* An entry that is over keeps out answers that were asked for before now. */
void cache_forget(struct cache *cache, const char *key)
{
    cache_put(cache, key, (struct db_bytes){0},
              (struct cache_moments){.asked_at_us = cache_now_us(), .valid_until_us = 1});
}

/* What was still good when the trail began is in the answer: only a mark from then on matters. */
void cache_put_whole(struct cache *cache, const char *key, struct db_bytes value,
                     const struct cache_trail *trail)
{
    struct entry *entry = trail->count <= CACHE_TRAIL_MAX ? make(key, value, trail->count) : NULL;
    if (!entry)
        return;
    entry->asked_at_us = trail->begun_at_us;
    entry->expires_at_us = earlier(trail->expires_at_us, trail->begun_at_us + cache->ttl_us);
    entry->valid_until_us = trail->valid_until_us;
    memcpy(entry->marks, trail->marks, trail->count * sizeof *entry->marks);
    keep(cache, key, entry);
}

void cache_mark(struct cache *cache, struct cache_tag tag)
{
    atomic_store(&cache->marks[mark_of(tag)], clock_monotonic_us());
}

void cache_flush(struct cache *cache)
{
    atomic_store(&cache->flushed_at_us, clock_monotonic_us());
}
