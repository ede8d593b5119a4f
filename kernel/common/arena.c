/* arena.c - bump allocation in a chain of blocks.
 *
 * Blocks stay in one list in order of use, `current` being the one that is filled. A reset keeps
 * the first blocks for the next request, so that a busy worker does not go to malloc at all. */
#include "common/arena.h"
#include "arena_grow.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
/* tidy: macro: the sanitizer's own macros, where there is none */
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
/* tidy: macro: as above */
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum {
    ALIGNMENT = 16,
    BLOCK_FIRST = 8 * 1024,
    BLOCK_MAX = 256 * 1024, // blocks double up to here
    KEPT_MAX = 64 * 1024,   // bytes of blocks that survive a reset
};

struct block {
    struct block *next;
    size_t size; // of data
    size_t used;
    size_t unused_; // keeps data aligned
    char data[];
};

struct deferred {
    struct deferred *earlier;
    void (*run)(void *arg);
    void *arg;
};

struct arena {
    ProtobufCAllocator protobuf;
    struct deferred *deferred; // lives in the arena itself
    struct block *first;
    struct block *current;
    size_t limit;
    size_t bounded; // handed out against the limit
    size_t used;
};

_Static_assert(sizeof(struct block) % ALIGNMENT == 0, "data must start aligned");

static _Noreturn void die(const char *why)
{
    (void)fprintf(stderr, "arena: %s\n", why);
    abort();
}

static struct block *block_create(size_t size)
{
    struct block *block = malloc(sizeof(*block) + size);

    if (!block)
        die("out of memory");
    *block = (struct block){.size = size};
    ASAN_POISON_MEMORY_REGION(block->data, size);
    return block;
}

static size_t round_up(size_t size)
{
    if (size > SIZE_MAX / 2)
        die("size overflow");
    if (size == 0)
        return ALIGNMENT;
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* Moves on to a block with room for `size`: a kept one if it is large enough, else a new one. */
static void advance(struct arena *arena, size_t size)
{
    struct block *next = arena->current->next;

    if (!next || next->size < size) {
        size_t wanted = arena->current->size * 2;

        if (wanted > BLOCK_MAX)
            wanted = BLOCK_MAX;
        next = block_create(size > wanted ? size : wanted);
        next->next = arena->current->next;
        arena->current->next = next;
    }
    arena->current = next;
}

static void *allocate(struct arena *arena, size_t size)
{
    size_t rounded = round_up(size);
    struct block *block = arena->current;

    if (block->size - block->used < rounded) {
        advance(arena, rounded);
        block = arena->current;
    }

    void *memory = block->data + block->used;

    block->used += rounded;
    arena->used += rounded;
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return memory;
}

void *arena_try_raw(struct arena *arena, size_t size)
{
    if (size > arena->limit - arena->bounded)
        return NULL;
    // An empty allocation still takes room, so it counts as one byte against the limit.
    arena->bounded += size > 0 ? size : arena->limit > arena->bounded;
    return allocate(arena, size);
}

static void *protobuf_alloc(void *closure, size_t size)
{
    return arena_try_raw(closure, size);
}

static void protobuf_free(void *closure, void *pointer)
{
    (void)closure;
    (void)pointer;
}

struct arena *arena_create(size_t limit)
{
    struct arena *arena = malloc(sizeof(*arena));

    if (!arena)
        die("out of memory");
    *arena = (struct arena){
        .protobuf = {.alloc = protobuf_alloc, .free = protobuf_free, .allocator_data = arena},
        .first = block_create(BLOCK_FIRST),
        .limit = limit,
    };
    arena->current = arena->first;
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;

        ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
        free(block);
        block = next;
    }
}

static void run_deferred(struct arena *arena)
{
    for (struct deferred *each = arena->deferred; each; each = each->earlier)
        each->run(each->arg);
    arena->deferred = NULL;
}

void arena_defer(struct arena *arena, void (*run)(void *arg), void *arg)
{
    struct deferred *deferred = arena_new(arena, struct deferred);

    *deferred = (struct deferred){.earlier = arena->deferred, .run = run, .arg = arg};
    arena->deferred = deferred;
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    run_deferred(arena);
    free_blocks(arena->first);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct block *last = NULL;
    size_t kept = 0;

    run_deferred(arena);
    for (struct block *block = arena->first; block; block = block->next) {
        kept += block->size;
        if (last && kept > KEPT_MAX)
            break;
        block->used = 0;
        ASAN_POISON_MEMORY_REGION(block->data, block->size);
        last = block;
    }
    free_blocks(last->next);
    last->next = NULL;
    arena->current = arena->first;
    arena->bounded = 0;
    arena->used = 0;
}

void arena_shrink(struct arena *arena)
{
    arena_reset(arena);
    free_blocks(arena->first->next);
    arena->first->next = NULL;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(allocate(arena, size), 0, size);
}

void *arena_try_alloc(struct arena *arena, size_t size)
{
    void *memory = arena_try_raw(arena, size);

    return memory ? memset(memory, 0, size) : NULL;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        die("size overflow");
    return arena_alloc(arena, total);
}

void *arena_grow(struct arena *arena, void *memory, size_t size, size_t new_size)
{
    struct block *block = arena->current;
    size_t held = round_up(size), wanted = round_up(new_size);

    assert(new_size >= size);
    if (memory && (char *)memory + held == block->data + block->used &&
        block->size - block->used >= wanted - held) {
        block->used += wanted - held;
        arena->used += wanted - held;
        ASAN_UNPOISON_MEMORY_REGION(memory, new_size);
        return memory;
    }

    void *moved = allocate(arena, new_size);

    if (size > 0)
        memcpy(moved, memory, size);
    return moved;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        die("size overflow");

    char *copy = allocate(arena, length + 1);

    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *arena_memdup(struct arena *arena, const void *data, size_t length)
{
    void *copy = allocate(arena, length);

    if (length > 0)
        memcpy(copy, data, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    char *text = arena_vprintf(arena, format, args);

    va_end(args);
    return text;
}

/* Written where the next allocation begins: only a text that does not fit there is formatted twice.
 */
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    struct block *block = arena->current;
    char *text = block->data + block->used;
    size_t room = block->size - block->used;
    va_list again;

    va_copy(again, args);
    ASAN_UNPOISON_MEMORY_REGION(text, room);

    int length = vsnprintf(text, room, format, again);

    va_end(again);
    ASAN_POISON_MEMORY_REGION(text, room);
    if (length < 0)
        die("bad format");
    bool fits = round_up((size_t)length + 1) <= room;
    text = allocate(arena, (size_t)length + 1);
    if (!fits)
        (void)vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

ProtobufCAllocator *arena_protobuf(struct arena *arena)
{
    return &arena->protobuf;
}
