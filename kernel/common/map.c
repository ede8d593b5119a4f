/* map.c - open addressing with linear probing, at most half full.
 *
 * Keys may be chosen by a caller, so the hash is SipHash with the 16 random bytes that the kernel
 * gives every process (getauxval(3), AT_RANDOM). */
#include "common/map.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

enum { SLOTS_MIN = 16 };

struct slot {
    const char *key; // NULL when free
    uint64_t hash;
    void *value;
};

struct map {
    struct arena *arena;
    struct slot *slots;
    size_t capacity; // a power of two
    size_t count;
};

static uint64_t hash_of(const char *key)
{
    const unsigned char *secret = (const unsigned char *)getauxval(AT_RANDOM);
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;

    crypto_shorthash(out, (const unsigned char *)key, strlen(key), secret);
    memcpy(&hash, out, sizeof(hash));
    return hash;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct slot *probe(const struct map *map, uint64_t hash, const char *key)
{
    size_t mask = map->capacity - 1;
    size_t at = hash & mask;

    while (map->slots[at].key &&
           (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0))
        at = (at + 1) & mask;
    return &map->slots[at];
}

struct map *map_create(struct arena *arena, size_t expected)
{
    struct map *map = arena_new(arena, struct map);

    *map = (struct map){.arena = arena, .capacity = SLOTS_MIN};
    while (map->capacity / 2 < expected)
        map->capacity *= 2;
    map->slots = arena_array(arena, struct slot, map->capacity);
    return map;
}

static void grow(struct map *map)
{
    struct slot *old = map->slots;
    size_t count = map->capacity;

    map->capacity *= 2;
    map->slots = arena_array(map->arena, struct slot, map->capacity);
    for (size_t i = 0; i < count; i++)
        if (old[i].key)
            *probe(map, old[i].hash, old[i].key) = old[i];
}

void map_set(struct map *map, const char *key, void *value)
{
    uint64_t hash = hash_of(key);
    struct slot *slot = probe(map, hash, key);

    if (slot->key) {
        slot->value = value;
        return;
    }
    if (map->count >= map->capacity / 2) {
        grow(map);
        slot = probe(map, hash, key);
    }
    *slot = (struct slot){arena_strdup(map->arena, key), hash, value};
    map->count++;
}

void *map_get(const struct map *map, const char *key)
{
    return probe(map, hash_of(key), key)->value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}
