/* dead_letter.c - what nobody could handle goes to a topic of its own, with its history in headers.
 *
 * It is an outbox row like any event: only the relay produces. Its own id is a header of its own:
 * the event's stays, and an event that was tried again may end here twice. */
#include "common/clock.h"
#include "consuming.h"
#include "events/headers.h"

#include <inttypes.h>

/* Below the outbox's CHECK, with room for the headers. A longer value is cut, and says so. */
enum { DEAD_LETTER_PAYLOAD_MAX = 800 * 1000, DEAD_LETTER_HEADERS_MAX = 100 * 1000 };

struct status dead_letter_add(struct events *self, struct db_tx *tx, const struct record *record,
                              struct status why, int64_t attempts)
{
    struct ctx *ctx = db_ctx(tx);
    struct arena *arena = ctx->arena;
    struct db_bytes payload = record->payload;
    struct db_bytes key = record->key;
    struct outbox_record row = {.id = uuid_v7(), .topic = dead_letter_topic(arena, self->consumer)};
    struct buffer headers;

    buffer_init(&headers, arena, record->headers.length + 512);
    if (record->headers.length <= DEAD_LETTER_HEADERS_MAX)
        buffer_append(&headers, record->headers.data, record->headers.length);
    headers_append(&headers, "dlq-id", uuid_text(arena, row.id));
    headers_append(&headers, "dlq-consumer", self->consumer);
    headers_append(&headers, "dlq-topic", record->topic);
    headers_append(&headers, "dlq-partition", arena_printf(arena, "%" PRId64, record->partition));
    headers_append(&headers, "dlq-offset", arena_printf(arena, "%" PRId64, record->offset));
    headers_append(&headers, "dlq-timestamp", clock_format(arena, record->timestamp_us));
    headers_append(&headers, "dlq-attempts", arena_printf(arena, "%" PRId64, attempts));
    headers_append(&headers, "dlq-code", status_code_name(why.code));
    headers_append(&headers, "dlq-reason", why.reason);
    headers_append(&headers, "dlq-detail", why.detail);
    headers_append(&headers, "dlq-time", clock_format(arena, clock_now_us()));
    if (payload.length > DEAD_LETTER_PAYLOAD_MAX) {
        payload.length = DEAD_LETTER_PAYLOAD_MAX;
        headers_append(&headers, "dlq-cut", "true");
    }
    if (key.length == 0 || key.length > 1024) /* the outbox refuses it, and order is lost anyway */
        key = (struct db_bytes){row.id.bytes, sizeof row.id.bytes};
    row.headers = (struct db_bytes){headers.data, headers.length};
    row.payload = payload;
    return outbox_insert(tx, &row, key);
}

const char *dead_letter_topic(struct arena *arena, const char *consumer)
{
    return arena_printf(arena, "%s.dlq.v1", consumer);
}
