/* buffer_reserve.h - appending to a buffer in place, for the encoders of kernel/common. */
#pragma once

#include "common/str.h"

#include <string.h>

/* Grows the buffer so that `extra` bytes and a NUL fit behind its text. */
void buffer_grow(struct buffer *buffer, size_t extra);

/* Where the next `extra` bytes go; the caller writes them and adds to `length`. */
static inline char *buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (buffer->capacity - buffer->length <= extra)
        buffer_grow(buffer, extra);
    return buffer->data + buffer->length;
}
