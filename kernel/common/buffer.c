/* buffer.c - byte strings that grow in an arena. */
#include "arena_grow.h"
#include "buffer_reserve.h"
#include "digits.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum { CAPACITY_MIN = 64 };

void buffer_init(struct buffer *buffer, struct arena *arena, size_t capacity)
{
    if (capacity < CAPACITY_MIN)
        capacity = CAPACITY_MIN;
    *buffer = (struct buffer){.arena = arena, .capacity = capacity};
    buffer->data = arena_grow(arena, NULL, 0, capacity);
    buffer->data[0] = '\0';
}

void buffer_grow(struct buffer *buffer, size_t extra)
{
    size_t needed = buffer->length + extra + 1;
    size_t capacity = buffer->capacity * 2;

    assert(extra < SIZE_MAX / 4);
    if (capacity < needed)
        capacity = needed;
    buffer->data = arena_grow(buffer->arena, buffer->data, buffer->capacity, capacity);
    buffer->capacity = capacity;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    char *at = buffer_reserve(buffer, length);

    if (length > 0)
        memcpy(at, data, length);
    at[length] = '\0';
    buffer->length += length;
}

void buffer_puts(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_putc(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

/* Only a text that does not fit is formatted twice. */
void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    size_t room = buffer->capacity - buffer->length;
    va_list args;

    va_start(args, format);

    int length = vsnprintf(buffer->data + buffer->length, room, format, args);

    va_end(args);
    assert(length >= 0);
    if ((size_t)length >= room) {
        char *at = buffer_reserve(buffer, (size_t)length);

        va_start(args, format);
        (void)vsnprintf(at, (size_t)length + 1, format, args);
        va_end(args);
    }
    buffer->length += (size_t)length;
}

void buffer_put_int(struct buffer *buffer, int64_t value)
{
    char digits[DIGITS_MAX];

    buffer_append(buffer, digits, digits_of_int64(value, digits));
}
