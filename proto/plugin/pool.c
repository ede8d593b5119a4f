/* pool.c - a bump allocator and the text built on it. The kernel's arena lies in a higher layer. */
#include "pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1 << 18, ALIGNMENT = 16, TEXT_CAPACITY_FIRST = 4096 };

struct pool_block {
    struct pool_block *next;
    size_t used;
    size_t size;
    char padding[ALIGNMENT - sizeof(size_t)];
    char data[];
};

__attribute__((format(printf, 2, 0))) static char *
format_text(struct pool *pool, const char *format, va_list args, size_t *ret_length);

void *pool_alloc(struct pool *pool, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct pool_block *block = pool->blocks;
    if (block == NULL || block->size - block->used < rounded) {
        size_t data_size = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
        block = calloc(1, sizeof *block + data_size);
        if (block == NULL)
            abort();
        block->size = data_size;
        block->next = pool->blocks;
        pool->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    return memory;
}

char *pool_printf(struct pool *pool, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    char *result = format_text(pool, format, args, &length);
    va_end(args);
    return result;
}

char *pool_copy(struct pool *pool, const char *text, size_t length)
{
    return memcpy(pool_alloc(pool, length + 1), text, length);
}

static void *allocate(void *pool, size_t size)
{
    return pool_alloc(pool, size);
}

static void keep(void *pool, void *memory)
{
    (void)pool;
    (void)memory;
}

ProtobufCAllocator pool_allocator(struct pool *pool)
{
    return (ProtobufCAllocator){.alloc = allocate, .free = keep, .allocator_data = pool};
}

void pool_finish(struct pool *pool)
{
    struct pool_block *next;
    for (struct pool_block *block = pool->blocks; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    pool->blocks = NULL;
}

static char *format_text(struct pool *pool, const char *format, va_list args, size_t *ret_length)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *result = pool_alloc(pool, (size_t)length + 1);
    vsnprintf(result, (size_t)length + 1, format, again);
    va_end(again);
    *ret_length = (size_t)length;
    return result;
}

static void append(struct text *text, const char *data, size_t length)
{
    if (text->length + length + 1 > text->capacity) {
        size_t capacity = text->capacity == 0 ? TEXT_CAPACITY_FIRST : text->capacity;
        while (capacity < text->length + length + 1)
            capacity *= 2;
        char *grown = pool_alloc(text->pool, capacity);
        if (text->length > 0)
            memcpy(grown, text->data, text->length);
        text->data = grown;
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    char *piece = format_text(text->pool, format, args, &length);
    va_end(args);
    append(text, piece, length);
}

void text_add_literal(struct text *text, const char *value)
{
    append(text, "\"", 1);
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\' || *p == '?') // \? keeps trigraphs away
            append(text, "\\", 1);
        append(text, p, 1);
    }
    append(text, "\"", 1);
}
