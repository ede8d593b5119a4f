/* event_fuzz.c - a record of a topic: CloudEvents headers to an event, the value to a message; both
 * may be anybody's bytes.
 *
 * Input: the length of the headers (two bytes), the headers, sixteen bytes of key, the payload. */
#include "fuzz.h"

#include "cart/v1/events.schema.h"
#include "common/str.h"
#include "consuming.h"
#include "events/headers.h"

#include <string.h>

enum { KEY_BYTES = 16 };

static struct db_bytes take(struct arena *arena, struct fuzz_input *input, size_t length)
{
    if (length > input->left)
        length = input->left;
    struct db_bytes bytes = {arena_memdup(arena, input->at, length), length};
    input->at += length;
    input->left -= length;
    return bytes;
}

/* Taken apart and put together again it is the same list. */
static void check_headers(struct arena *arena, struct db_bytes list)
{
    struct db_bytes rest = list;
    struct buffer out;
    struct header header;

    buffer_init(&out, arena, 64);
    while (headers_next(&rest, &header)) {
        const char *name = arena_strndup(arena, header.name, header.name_length);
        const char *value = arena_strndup(arena, header.value, header.value_length);
        if (strlen(name) != header.name_length || strlen(value) != header.value_length)
            return;
        headers_append(&out, name, value);
    }
    ALWAYS(fuzz_same(out.data, out.length, list.data, list.length - rest.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct event_subscription SUBSCRIPTIONS[] = {
        {.topic = "cart.cart.events.v1", .body = &cart__v1__cart_changed__schema}, {0}};
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    struct ctx ctx = {.arena = arena};
    struct record record = {.topic = SUBSCRIPTIONS[0].topic};
    const ProtobufCMessage *body;
    size_t header_bytes = (size_t)fuzz_byte(&input) << 8;

    header_bytes |= fuzz_byte(&input);
    record.headers = take(arena, &input, header_bytes);
    record.key = take(arena, &input, KEY_BYTES);
    record.payload = take(arena, &input, input.left);
    check_headers(arena, record.headers);
    record_resolve(&ctx, SUBSCRIPTIONS, SUBSCRIPTIONS[0].mode, &record);
    if (record.malformed.code == STATUS_OK) {
        ALWAYS(record.event.sequence >= 0 && record.event.type != NULL);
        envelope_enter(&ctx, &record);
    }
    if (record.subscription != NULL)
        (void)envelope_decode(&ctx, &record, &body);
    arena_destroy(arena);
    return 0;
}
