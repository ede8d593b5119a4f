/* arena.h - memory that lives exactly as long as one request or one event.
 *
 * An arena belongs to one thread at a time. Out of memory ends the process. */
#pragma once

#include "common/compiler.h"

#include <protobuf-c/protobuf-c.h>
#include <stdarg.h>
#include <stddef.h>

struct arena;

/* `limit` bounds what arena_protobuf() and arena_try_alloc() hand out in total, in bytes. */
struct arena *arena_create(size_t limit);
void arena_destroy(struct arena *arena); /* accepts NULL */
void arena_reset(
    struct arena *arena); /* everything allocated from it is gone; blocks are kept up to 64 KiB */
void arena_shrink(struct arena *arena); /* a reset that keeps the first 8 KiB: nothing is to do */
size_t arena_used(const struct arena *arena);

/* Runs `run(arg)` when the arena is reset or destroyed, the last one first, before its memory goes:
 * for what is shared and has to be given back. */
void arena_defer(struct arena *arena, void (*run)(void *arg), void *arg);

/* Zeroed, aligned to 16 bytes, never NULL; size 0 is allowed. Not bound by the limit. */
void *arena_alloc(struct arena *arena, size_t size);
/* NULL once the arena's limit is reached: for sizes that a peer chooses. */
void *arena_try_alloc(struct arena *arena, size_t size);
/* Checks the multiplication; an overflow ends the process. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
#define arena_array(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))
#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

char *arena_strdup(struct arena *arena, const char *text);                 /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length); /* adds the NUL */
void *arena_memdup(struct arena *arena, const void *data, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) _printf_(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args) _printf_(2, 0);

/* Allocator for protobuf_c_message_unpack(). Unlike arena_alloc() it answers NULL once the limit
 * is reached, so a hostile message is a decode error. */
ProtobufCAllocator *arena_protobuf(struct arena *arena);
