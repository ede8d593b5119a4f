/* envelope.c - CloudEvents headers to struct event, payload to a checked message. */
#include "common/clock.h"
#include "consuming.h"
#include "events/headers.h"

#include <string.h>

const struct error_def EVENT_MALFORMED = {STATUS_INVALID_ARGUMENT, "EVENT_MALFORMED",
                                          "the record is no CloudEvent in binary mode, or its "
                                          "value is not the message that ce_type names"};

/* What schema_validate() found, less what consumers tolerate. */
struct findings {
    struct ctx *ctx;
    const struct message_schema *schema;
    const char *first; /* path of the first finding that counts; NULL */
};

static const char *required(struct ctx *ctx, const struct record *record, const char *name,
                            struct status *status);
static schema_refuse note_finding;
static bool is_enum(const struct message_schema *schema, const char *path);
static bool parse_traceparent(const char *text, struct trace *ret_trace);

struct status envelope_parse(struct ctx *ctx, const struct record *record, struct event *ret_event)
{
    struct arena *arena = ctx->arena;
    struct status status = status_ok();
    const char *version = required(ctx, record, "ce_specversion", &status);
    const char *id = required(ctx, record, "ce_id", &status);
    const char *type = required(ctx, record, "ce_type", &status);
    const char *sequence = required(ctx, record, "ce_sequence", &status);
    const char *time = headers_find(arena, record->headers, "ce_time");
    struct event event = {.topic = record->topic,
                          .partition = (int32_t)record->partition,
                          .offset = record->offset,
                          .type = type,
                          .occurred_at_us = record->timestamp_us};

    TRY(status);
    if (!str_starts_with(version, "1."))
        return ctx_fail(ctx, &EVENT_MALFORMED, "ce_specversion %s", version);
    if (!uuid_parse(id, &event.id))
        return ctx_fail(ctx, &EVENT_MALFORMED, "ce_id is no uuid");
    if (!str_to_int64(sequence, &event.sequence) || event.sequence < 0)
        return ctx_fail(ctx, &EVENT_MALFORMED, "ce_sequence is no number");
    if (record->key.length != sizeof event.key.bytes)
        return ctx_fail(ctx, &EVENT_MALFORMED, "key of %zu bytes", record->key.length);
    if (time != NULL && !clock_parse(time, &event.occurred_at_us))
        return ctx_fail(ctx, &EVENT_MALFORMED, "ce_time is no time");
    memcpy(event.key.bytes, record->key.data, sizeof event.key.bytes);
    event.correlation_id = headers_find(arena, record->headers, "ce_correlationid");
    event.actor = headers_find(arena, record->headers, "ce_actor");
    event.trace_parent = headers_find(arena, record->headers, "ce_traceparent");
    *ret_event = event;
    return status_ok();
}

struct status envelope_decode(struct ctx *ctx, const struct record *record, const void **ret_body)
{
    const struct message_schema *schema = record->subscription->body;
    struct findings findings = {ctx, schema, NULL};
    ProtobufCMessage *body =
        protobuf_c_message_unpack(schema->descriptor, arena_protobuf(ctx->arena),
                                  record->payload.length, record->payload.data);

    if (body == NULL)
        return ctx_fail(ctx, &EVENT_MALFORMED, "%zu bytes are no %s", record->payload.length,
                        schema->descriptor->name);
    if (!schema_validate(schema, body, note_finding, &findings) && findings.first != NULL)
        return ctx_fail(ctx, &EVENT_MALFORMED, "%s of %s", findings.first,
                        schema->descriptor->name);
    *ret_body = body;
    return status_ok();
}

void event_enter(struct ctx *ctx, const struct event *event)
{
    ctx->method = arena_printf(ctx->arena, "on:%s", event->type);
    ctx->correlation_id = event->correlation_id;
    ctx->causation_id = uuid_text(ctx->arena, event->id);
    if (event->trace_parent != NULL) // a bad one leaves what is there
        (void)parse_traceparent(event->trace_parent, &ctx->trace);
}

void envelope_renew(struct ctx *ctx)
{
    ctx->method = "consumer";
    ctx->correlation_id = NULL;
    ctx->causation_id = NULL;
    ctx_renew(ctx, BATCH_TIMEOUT_MS);
}

void record_resolve(struct ctx *ctx, const struct event_subscription *subscriptions,
                    enum subscription_mode mode, struct record *record)
{
    const struct event_subscription *row = subscriptions;

    record->subscription = NULL;
    record->malformed = envelope_parse(ctx, record, &record->event);
    if (record->malformed.code != STATUS_OK)
        return;
    for (; row->topic != NULL; row++)
        if (row->mode == mode && str_equal(row->topic, record->topic) &&
            str_equal(row->body->descriptor->name, record->event.type))
            record->subscription = row;
}

static const char *required(struct ctx *ctx, const struct record *record, const char *name,
                            struct status *status)
{
    const char *value = headers_find(ctx->arena, record->headers, name);

    if (value == NULL && status->code == STATUS_OK)
        *status = ctx_fail(ctx, &EVENT_MALFORMED, "no header %s", name);
    return value;
}

/* A newer producer may know more enum values than we do: that is evolution, not poison. */
static void note_finding(void *closure, const char *path, const char *value, const char *allowed)
{
    struct findings *findings = closure;

    (void)value;
    if (findings->first == NULL && !is_enum(findings->schema, path))
        findings->first = arena_printf(findings->ctx->arena, "%s: %s", path, allowed);
}

/* `path` is of JSON names: "lines[2].state". */
static bool is_enum(const struct message_schema *schema, const char *path)
{
    while (schema != NULL) {
        size_t length = strcspn(path, ".[");
        const struct message_schema *next = NULL;

        for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
            const char *name = schema->fields[i].json_name;
            if (strlen(name) != length || strncmp(name, path, length) != 0)
                continue;
            if (schema->descriptor->fields[i].type == PROTOBUF_C_TYPE_ENUM)
                return true;
            next = schema->fields[i].message;
        }
        path += strcspn(path, ".");
        path += *path == '.';
        schema = next;
    }
    return false;
}

/* W3C Trace Context, version 00. The event's span becomes the parent. */
static bool parse_traceparent(const char *text, struct trace *ret_trace)
{
    struct trace trace = *ret_trace;
    char part[33] = "";
    uint8_t flags;

    if (strlen(text) < 55 || !str_starts_with(text, "00-") || text[35] != '-' || text[52] != '-')
        return false;
    memcpy(part, text + 3, 32);
    if (!str_from_hex(part, trace.trace_id, sizeof trace.trace_id))
        return false;
    memcpy(part, text + 36, 16);
    part[16] = '\0';
    if (!str_from_hex(part, trace.parent_id, sizeof trace.parent_id))
        return false;
    memcpy(part, text + 53, 2);
    part[2] = '\0';
    if (!str_from_hex(part, &flags, 1))
        return false;
    trace.is_sampled = flags & 1;
    *ret_trace = trace;
    return true;
}
