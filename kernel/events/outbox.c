/* outbox.c - an event becomes a row in the transaction that made the change. */
#include "events/outbox.h"

#include "common/clock.h"
#include "consuming.h"
#include "events/headers.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

const struct error_def EVENT_TOO_LARGE = {
    STATUS_INTERNAL, "EVENT_TOO_LARGE",
    "an event may have 256 KiB; split the aggregate that it describes"};

const struct db_stmt OUTBOX_INSERT = {
    .name = "insert_outbox",
    .in = "utbbbi", /* event_id, topic, key, headers, payload, aggregate_version */
    .out = "",
    .sql = "INSERT INTO outbox (event_id, topic, key, headers, payload, aggregate_version)"
           " VALUES ($1, $2, $3, $4, $5, $6)",
};

/* Identities are drawn in the order of the rows: `seq` tells the order inside a transaction. */
const struct db_stmt OUTBOX_INSERT_MANY = {
    .name = "insert_outbox_many",
    .in = "UTBBBI", /* as above, one array each */
    .out = "",
    .sql = "INSERT INTO outbox (event_id, topic, key, headers, payload, aggregate_version)"
           " SELECT row.event_id, row.topic, row.key, row.headers, row.payload, row.version"
           "   FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY"
           "        AS row(event_id, topic, key, headers, payload, version, position)"
           "  ORDER BY row.position",
};

/* Everything that a transaction publishes is one statement, sent with its commit. */
struct gathered {
    struct outbox_record *records;
    struct db_bytes *keys;
    size_t count, capacity;
};

static struct status send(struct db_tx *tx, void *gathered);
static struct status send_one(struct db_tx *tx, const struct outbox_record *record,
                              struct db_bytes key);
static struct status send_many(struct db_tx *tx, const struct gathered *all);
static void grow(struct arena *arena, struct gathered *all);
static struct db_bytes encode_headers(struct ctx *ctx, const struct event_kind *kind,
                                      const struct outbox_record *record);
static const char *traceparent(struct ctx *ctx);

struct status outbox_add(struct db_tx *tx, const struct event_kind *kind, struct uuid key,
                         int64_t sequence, const void *body)
{
    struct outbox_record record;

    TRY(outbox_encode(db_ctx(tx), kind, key, sequence, body, &record));
    return outbox_insert(tx, &record, (struct db_bytes){key.bytes, sizeof key.bytes});
}

struct status outbox_insert(struct db_tx *tx, const struct outbox_record *record,
                            struct db_bytes key)
{
    struct gathered *all = db_gather(tx, sizeof *all, send);

    if (all->count == all->capacity)
        grow(db_ctx(tx)->arena, all);
    all->records[all->count] = *record;
    all->keys[all->count++] =
        (struct db_bytes){arena_memdup(db_ctx(tx)->arena, key.data, key.length), key.length};
    return status_ok();
}

struct status outbox_add_records(struct db_tx *tx, const struct outbox_record *records,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(outbox_insert(tx, &records[i],
                          (struct db_bytes){records[i].key.bytes, sizeof records[i].key.bytes}));
    return status_ok();
}

static void grow(struct arena *arena, struct gathered *all)
{
    struct gathered grown = {.count = all->count, .capacity = 4 + 2 * all->capacity};

    grown.records = arena_array(arena, struct outbox_record, grown.capacity);
    grown.keys = arena_array(arena, struct db_bytes, grown.capacity);
    for (size_t i = 0; i < all->count; i++) {
        grown.records[i] = all->records[i];
        grown.keys[i] = all->keys[i];
    }
    *all = grown;
}

static struct status send(struct db_tx *tx, void *gathered)
{
    const struct gathered *all = gathered;

    return all->count == 1 ? send_one(tx, &all->records[0], all->keys[0]) : send_many(tx, all);
}

static struct status send_one(struct db_tx *tx, const struct outbox_record *record,
                              struct db_bytes key)
{
    return db_later(
        tx, &OUTBOX_INSERT,
        DB_ARGS(db_uuid(record->id), db_text(record->topic), db_blob(key.data, key.length),
                db_blob(record->headers.data, record->headers.length),
                db_blob(record->payload.data, record->payload.length), db_int(record->sequence)));
}

static struct status send_many(struct db_tx *tx, const struct gathered *all)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *ids = arena_array(arena, struct uuid, all->count);
    const char **topics = arena_array(arena, const char *, all->count);
    struct db_bytes *headers = arena_array(arena, struct db_bytes, all->count);
    struct db_bytes *payloads = arena_array(arena, struct db_bytes, all->count);
    int64_t *sequences = arena_array(arena, int64_t, all->count);

    for (size_t i = 0; i < all->count; i++) {
        ids[i] = all->records[i].id;
        topics[i] = all->records[i].topic;
        headers[i] = all->records[i].headers;
        payloads[i] = all->records[i].payload;
        sequences[i] = all->records[i].sequence;
    }
    return db_later(tx, &OUTBOX_INSERT_MANY,
                    DB_ARGS(db_uuids(ids, all->count), db_texts(topics, all->count),
                            db_blobs(all->keys, all->count), db_blobs(headers, all->count),
                            db_blobs(payloads, all->count), db_ints(sequences, all->count)));
}

struct status outbox_encode(struct ctx *ctx, const struct event_kind *kind, struct uuid key,
                            int64_t sequence, const void *body, struct outbox_record *ret_record)
{
    const ProtobufCMessage *message = body;

    assert(message->descriptor == kind->body->descriptor);

    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > EVENT_BODY_MAX)
        return ctx_fail(ctx, &EVENT_TOO_LARGE, "%s of %s: %zu bytes", message->descriptor->name,
                        uuid_text(ctx->arena, key), size);

    uint8_t *payload = arena_alloc(ctx->arena, size);
    struct outbox_record record = {
        .id = uuid_v7(),
        .topic = kind->topic,
        .key = key,
        .sequence = sequence,
        .payload = {payload, protobuf_c_message_pack(message, payload)},
    };
    record.headers = encode_headers(ctx, kind, &record);
    *ret_record = record;
    return status_ok();
}

/* CloudEvents 1.0, Kafka binding, binary mode. ce_sequence is padded because the extension compares
 * it as text. */
static struct db_bytes encode_headers(struct ctx *ctx, const struct event_kind *kind,
                                      const struct outbox_record *record)
{
    const char *type = kind->body->descriptor->name;
    const char *subject = uuid_text(ctx->arena, record->key);
    const char *trace = traceparent(ctx);
    const char *source = daemon_service(ctx->daemon)->name;
    struct buffer out;

    buffer_init(&out, ctx->arena, 640);
    headers_append(&out, "content-type", "application/protobuf");
    headers_append(&out, "ce_specversion", "1.0");
    headers_append(&out, "ce_id", uuid_text(ctx->arena, record->id));
    headers_append(&out, "ce_source", arena_printf(ctx->arena, "/%s", source));
    headers_append(&out, "ce_type", type);
    headers_append(&out, "ce_subject", subject);
    headers_append(&out, "ce_time", clock_format(ctx->arena, clock_now_us()));
    headers_append(&out, "ce_dataschema", arena_printf(ctx->arena, "urn:torg:%s", type));
    headers_append(&out, "ce_partitionkey", subject);
    headers_append(&out, "ce_sequence", arena_printf(ctx->arena, "%020" PRId64, record->sequence));
    headers_append(&out, "ce_correlationid", ctx->correlation_id);
    headers_append(&out, "ce_causationid", ctx->causation_id);
    headers_append(&out, "ce_actor", ctx->caller.actor);
    headers_append(&out, "ce_reason", ctx->caller.reason);
    headers_append(&out, "ce_traceparent", trace);
    headers_append(&out, "traceparent", trace);
    return (struct db_bytes){out.data, out.length};
}

static const char *traceparent(struct ctx *ctx)
{
    const struct trace *trace = &ctx->trace;

    return arena_printf(
        ctx->arena, "00-%s-%s-%02x", str_hex(ctx->arena, trace->trace_id, sizeof trace->trace_id),
        str_hex(ctx->arena, trace->span_id, sizeof trace->span_id), trace->is_sampled ? 1u : 0u);
}
