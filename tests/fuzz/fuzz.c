/* fuzz.c - what the targets share. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_hurt(const char *property, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
    abort();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

int64_t fuzz_int64(struct fuzz_input *input)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | fuzz_byte(input);
    return (int64_t)number;
}

uint8_t *fuzz_line(struct arena *arena, struct fuzz_input *input, size_t *ret_length)
{
    const uint8_t *end = input->left > 0 ? memchr(input->at, '\n', input->left) : NULL;
    size_t length = end ? (size_t)(end - input->at) : input->left;
    uint8_t *copy = arena_memdup(arena, input->at, length);

    input->at += length + (end != NULL);
    input->left -= length + (end != NULL);
    *ret_length = length;
    return copy;
}

const char *fuzz_text(struct arena *arena, struct fuzz_input *input)
{
    size_t length;
    const char *line = (const char *)fuzz_line(arena, input, &length);

    return arena_strndup(arena, line, strnlen(line, length));
}

uint8_t *fuzz_rest(struct arena *arena, struct fuzz_input *input, size_t *ret_length)
{
    uint8_t *copy = arena_memdup(arena, input->at, input->left);

    *ret_length = input->left;
    input->at += input->left;
    input->left = 0;
    return copy;
}

uint8_t *fuzz_pack(struct arena *arena, const ProtobufCMessage *message, size_t *ret_length)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, length);

    ALWAYS(protobuf_c_message_pack(message, packed) == length);
    *ret_length = length;
    return packed;
}

static void note(void *closure, const char *path, const char *value, const char *allowed)
{
    int *count = closure;

    ALWAYS(path != NULL && value != NULL && *allowed != '\0');
    ALWAYS(++*count <= 20);
}

bool fuzz_is_valid(const struct message_schema *schema, const ProtobufCMessage *message)
{
    int count = 0;
    bool is_valid = schema_validate(schema, message, note, &count);

    ALWAYS(is_valid == (count == 0));
    return is_valid;
}

bool fuzz_same(const void *a, size_t a_length, const void *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}
