/* pool.h - memory and growing text of one plugin run; everything is released at once at the end. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct pool {
    struct pool_block *blocks;
};

/* Zeroed; never NULL (out of memory ends the process). */
void *pool_alloc(struct pool *pool, size_t size);
char *pool_printf(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *pool_copy(struct pool *pool, const char *text, size_t length);
ProtobufCAllocator pool_allocator(struct pool *pool);
void pool_finish(struct pool *pool);

struct text {
    struct pool *pool;
    char *data; /* ends with NUL; NULL while nothing was added */
    size_t length;
    size_t capacity;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a C string literal with quotes. */
void text_add_literal(struct text *text, const char *value);
