/* headers.c - the byte form of a record's headers. */
#include "events/headers.h"

#include <assert.h>
#include <string.h>

static bool take(struct db_bytes *list, size_t length, const char **ret_bytes);

void headers_append(struct buffer *out, const char *name, const char *value)
{
    if (value == NULL)
        return;

    size_t name_length = strlen(name);
    size_t value_length = strlen(value);

    assert(name_length > 0 && name_length <= HEADER_NAME_MAX);
    if (value_length > HEADER_VALUE_MAX)
        value_length = HEADER_VALUE_MAX;
    buffer_putc(out, (char)name_length);
    buffer_append(out, name, name_length);
    buffer_putc(out, (char)(value_length >> 8));
    buffer_putc(out, (char)(value_length & 0xff));
    buffer_append(out, value, value_length);
}

bool headers_next(struct db_bytes *list, struct header *ret_header)
{
    struct db_bytes rest = *list;
    struct header header;
    const char *size;

    if (!take(&rest, 1, &size) || *size == 0)
        return false;
    header.name_length = (uint8_t)*size;
    if (!take(&rest, header.name_length, &header.name) || !take(&rest, 2, &size))
        return false;
    header.value_length = (size_t)(uint8_t)size[0] << 8 | (uint8_t)size[1];
    if (!take(&rest, header.value_length, &header.value))
        return false;
    *list = rest;
    *ret_header = header;
    return true;
}

const char *headers_find(struct arena *arena, struct db_bytes list, const char *name)
{
    struct header header;
    size_t length = strlen(name);

    while (headers_next(&list, &header))
        if (header.name_length == length && memcmp(header.name, name, length) == 0)
            return arena_strndup(arena, header.value, header.value_length);
    return NULL;
}

static bool take(struct db_bytes *list, size_t length, const char **ret_bytes)
{
    if (list->length < length)
        return false;
    *ret_bytes = list->data;
    list->data = *ret_bytes + length;
    list->length -= length;
    return true;
}
