/* handles.c - a set of 64-bit digests, open addressing, at most half full. Two of a million handles
 * share one in one of thirty million files. */
#include "import/handles.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

enum { SLOTS_MIN = 1024 };

struct handles {
    struct arena *arena;
    uint64_t *slots; /* 0: free */
    size_t capacity, count;
};

static uint64_t digest_of(const char *handle)
{
    static const unsigned char KEY[crypto_shorthash_KEYBYTES] = "handles";
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t digest;

    crypto_shorthash(out, (const unsigned char *)handle, strlen(handle), KEY);
    memcpy(&digest, out, sizeof digest);
    return digest ? digest : 1;
}

static uint64_t *slot_of(const struct handles *handles, uint64_t digest)
{
    size_t at = digest & (handles->capacity - 1);
    while (handles->slots[at] && handles->slots[at] != digest)
        at = (at + 1) & (handles->capacity - 1);
    return &handles->slots[at];
}

static void grow(struct handles *handles)
{
    struct handles larger = {handles->arena,
                             arena_array(handles->arena, uint64_t, 2 * handles->capacity),
                             2 * handles->capacity, handles->count};
    for (size_t i = 0; i < handles->capacity; i++)
        if (handles->slots[i])
            *slot_of(&larger, handles->slots[i]) = handles->slots[i];
    *handles = larger;
}

struct handles *handles_create(struct arena *arena)
{
    struct handles *handles = arena_new(arena, struct handles);
    *handles = (struct handles){arena, arena_array(arena, uint64_t, SLOTS_MIN), SLOTS_MIN, 0};
    return handles;
}

bool handles_add(struct handles *handles, const char *handle)
{
    uint64_t digest = digest_of(handle);
    uint64_t *slot = slot_of(handles, digest);

    if (*slot)
        return false;
    *slot = digest;
    if (2 * ++handles->count > handles->capacity)
        grow(handles);
    return true;
}

size_t handles_count(const struct handles *handles)
{
    return handles->count;
}
