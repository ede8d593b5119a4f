/* pgoutput_fuzz.c - the relay's decoder: nothing that a row points to lies outside its message.
 *
 * Input: messages of one stream, each after its length (two bytes). */
#include "fuzz.h"

#include "pgoutput.h"

static void check_inside(struct db_bytes bytes, const uint8_t *message, size_t length)
{
    const uint8_t *at = bytes.data;

    ALWAYS(at >= message && bytes.length <= length);
    ALWAYS((size_t)(at - message) <= length - bytes.length);
}

static void check_message(const struct pgoutput_message *decoded, const uint8_t *message,
                          size_t length)
{
    ALWAYS(decoded->kind >= PGOUTPUT_BEGIN && decoded->kind <= PGOUTPUT_MALFORMED);
    if (decoded->kind != PGOUTPUT_INSERT)
        return;
    check_inside(decoded->row.topic, message, length);
    check_inside(decoded->row.key, message, length);
    check_inside(decoded->row.headers, message, length);
    check_inside(decoded->row.payload, message, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    struct pgoutput stream = {.relation_count = 0};

    while (input.left > 0) {
        size_t length = (size_t)fuzz_byte(&input) << 8;
        length |= fuzz_byte(&input);
        if (length > input.left)
            length = input.left;
        const uint8_t *message = arena_memdup(arena, input.at, length);
        struct pgoutput_message decoded = pgoutput_decode(&stream, message, length);
        check_message(&decoded, message, length);
        ALWAYS(stream.relation_count <= PGOUTPUT_RELATIONS_MAX);
        input.at += length;
        input.left -= length;
    }
    arena_destroy(arena);
    return 0;
}
