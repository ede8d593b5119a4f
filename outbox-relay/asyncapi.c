/* asyncapi.c - the AsyncAPI 3.0 document of all topics, messages and who sends and receives them.
 *
 * Payloads are described by JSON Schemas of the protobuf messages' JSON form; x-protobuf-number is
 * the field's number on the wire. Source: asyncapi.com/docs/reference/specification/v3.0.0 */
#include "topics.h"

#include <string.h>

/* The CloudEvents attributes of every record, and whether each is always there. */
static const struct {
    const char *name, *doc;
    bool is_required;
} HEADERS[] = {
    {"content-type", "application/protobuf", true},
    {"ce_specversion", "1.0", true},
    {"ce_id", "the event's id, a UUIDv7; a repeated record has the same", true},
    {"ce_source", "the daemon that published it", true},
    {"ce_type", "full name of the protobuf message", true},
    {"ce_subject", "id of the aggregate, as text", true},
    {"ce_time", "when it happened, RFC 3339 in UTC", true},
    {"ce_dataschema", "urn of the message", true},
    {"ce_partitionkey", "the record's key, as text", true},
    {"ce_sequence", "version of the aggregate: 1, 2, 3 ... per key, padded with zeros", true},
    {"ce_correlationid", "the checkout that it belongs to", false},
    {"ce_causationid", "the event or command that caused it", false},
    {"ce_actor", "who asked for the change", false},
    {"ce_reason", "why, in the actor's words", false},
    {"ce_traceparent", "W3C trace context of the change", false},
    {"traceparent", "the same, for tools that look for it here", false},
};

static void print_channels(struct json_writer *json, const struct event_rows *rows,
                           const struct topic_plan *plan);
static void print_channel(struct json_writer *json, const struct event_rows *rows,
                          const struct topic_plan *plan, const struct topic *topic);
static void print_operations(struct json_writer *json, const struct event_rows *rows);
static void print_operation(struct json_writer *json, const struct event_rows *rows, size_t index);
static void print_messages(struct json_writer *json, const struct event_rows *rows);
static void print_message(struct json_writer *json, struct arena *arena,
                          const struct event_row *row);
static void print_headers(struct json_writer *json);
static void print_schemas(struct json_writer *json, const struct event_rows *rows);
static void print_node(struct json_writer *json, const struct json_node *node);
static bool is_first_of_type(const struct event_rows *rows, size_t index);
static bool is_first_of_operation(const struct event_rows *rows, size_t index);
static bool has_schema_before(const struct event_rows *rows, size_t index, const char *name);
static void pair(struct json_writer *json, const char *key, const char *value);
static void reference(struct json_writer *json, const char *target);
static void begin(struct json_writer *json, const char *key);

void asyncapi_print(const struct event_rows *rows, const struct topic_plan *plan,
                    struct buffer *out)
{
    struct json_writer json;

    json_writer_init(&json, out);
    json_begin_object(&json);
    pair(&json, "asyncapi", "3.0.0");
    begin(&json, "info");
    pair(&json, "title", "Torg");
    pair(&json, "version", "1.0.0");
    pair(&json, "description",
         "Events of the shop: CloudEvents 1.0 in Kafka's binary mode, values are protobuf.");
    json_end_object(&json);
    pair(&json, "defaultContentType", "application/protobuf");
    print_channels(&json, rows, plan);
    print_operations(&json, rows);
    begin(&json, "components");
    print_messages(&json, rows);
    print_headers(&json);
    print_schemas(&json, rows);
    json_end_object(&json);
    json_end_object(&json);
}

static void print_channels(struct json_writer *json, const struct event_rows *rows,
                           const struct topic_plan *plan)
{
    begin(json, "channels");
    for (size_t i = 0; i < plan->count; i++)
        if (strstr(plan->topics[i].name, ".dlq.") == NULL)
            print_channel(json, rows, plan, &plan->topics[i]);
    json_end_object(json);
}

static void print_channel(struct json_writer *json, const struct event_rows *rows,
                          const struct topic_plan *plan, const struct topic *topic)
{
    begin(json, topic->name);
    pair(json, "address", topic->name);
    begin(json, "messages");
    for (size_t i = 0; i < rows->count; i++)
        if (is_first_of_type(rows, i) && str_equal(rows->rows[i].topic, topic->name)) {
            json_key(json, rows->rows[i].type);
            reference(json,
                      arena_printf(rows->arena, "#/components/messages/%s", rows->rows[i].type));
        }
    json_end_object(json);
    begin(json, "bindings");
    begin(json, "kafka");
    pair(json, "topic", topic->name);
    json_key(json, "partitions");
    json_int(json, plan->partitions > 0 ? plan->partitions : 12);
    json_key(json, "replicas");
    json_int(json, plan->replication > 0 ? plan->replication : 3);
    begin(json, "topicConfiguration");
    json_key(json, "cleanup.policy");
    json_begin_array(json);
    json_string(json, "delete");
    json_end_array(json);
    json_key(json, "retention.ms");
    json_int(json, topic->retention_ms);
    json_end_object(json);
    pair(json, "bindingVersion", "0.5.0");
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

/* One operation per daemon, direction and topic. */
static void print_operations(struct json_writer *json, const struct event_rows *rows)
{
    begin(json, "operations");
    for (size_t i = 0; i < rows->count; i++)
        if (is_first_of_operation(rows, i))
            print_operation(json, rows, i);
    json_end_object(json);
}

static void print_operation(struct json_writer *json, const struct event_rows *rows, size_t index)
{
    const struct event_row *first = &rows->rows[index];
    const char *action = first->is_sent ? "send" : "receive";

    begin(json, arena_printf(rows->arena, "%s.%s.%s", first->daemon, action, first->topic));
    pair(json, "action", action);
    json_key(json, "channel");
    reference(json, arena_printf(rows->arena, "#/channels/%s", first->topic));
    json_key(json, "messages");
    json_begin_array(json);
    for (size_t i = index; i < rows->count; i++) {
        const struct event_row *row = &rows->rows[i];
        if (row->is_sent == first->is_sent && str_equal(row->daemon, first->daemon) &&
            str_equal(row->topic, first->topic))
            reference(json, arena_printf(rows->arena, "#/channels/%s/messages/%s", row->topic,
                                         row->type));
    }
    json_end_array(json);
    if (!first->is_sent && str_equal(first->mode, "shared")) {
        begin(json, "bindings");
        begin(json, "kafka");
        begin(json, "groupId");
        pair(json, "type", "string");
        json_key(json, "enum");
        json_begin_array(json);
        json_string(json, first->daemon);
        json_end_array(json);
        json_end_object(json);
        pair(json, "bindingVersion", "0.5.0");
        json_end_object(json);
        json_end_object(json);
    }
    json_end_object(json);
}

static void print_messages(struct json_writer *json, const struct event_rows *rows)
{
    begin(json, "messages");
    for (size_t i = 0; i < rows->count; i++)
        if (is_first_of_type(rows, i))
            print_message(json, rows->arena, &rows->rows[i]);
    json_end_object(json);
}

static void print_message(struct json_writer *json, struct arena *arena,
                          const struct event_row *row)
{
    begin(json, row->type);
    pair(json, "name", row->type);
    pair(json, "contentType", "application/protobuf");
    if (!str_is_empty(row->doc))
        pair(json, "summary", row->doc);
    json_key(json, "headers");
    reference(json, "#/components/schemas/CloudEventHeaders");
    json_key(json, "payload");
    reference(json, arena_printf(arena, "#/components/schemas/%s", row->type));
    begin(json, "bindings");
    begin(json, "kafka");
    begin(json, "key");
    pair(json, "type", "string");
    pair(json, "format", "binary");
    pair(json, "description", arena_printf(arena, "16 bytes: %s", row->key));
    json_end_object(json);
    pair(json, "bindingVersion", "0.5.0");
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

/* Opens "schemas", which print_schemas() goes on with. */
static void print_headers(struct json_writer *json)
{
    begin(json, "schemas");
    begin(json, "CloudEventHeaders");
    pair(json, "type", "object");
    begin(json, "properties");
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        begin(json, HEADERS[i].name);
        pair(json, "type", "string");
        pair(json, "description", HEADERS[i].doc);
        json_end_object(json);
    }
    json_end_object(json);
    json_key(json, "required");
    json_begin_array(json);
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++)
        if (HEADERS[i].is_required)
            json_string(json, HEADERS[i].name);
    json_end_array(json);
    json_end_object(json);
}

static void print_schemas(struct json_writer *json, const struct event_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct json_node *schema = rows->rows[i].schemas;

        for (schema = schema != NULL ? schema->child : NULL; schema != NULL;
             schema = schema->next) {
            if (has_schema_before(rows, i, schema->key))
                continue;
            json_key(json, schema->key);
            print_node(json, schema);
        }
    }
    json_end_object(json);
}

/* Iterative: `open` are the containers around `node`. */
static void print_node(struct json_writer *json, const struct json_node *node)
{
    const struct json_node *open[JSON_DEPTH_MAX];
    size_t depth = 0;
    const struct json_node *at = node;

    while (at != NULL) {
        if (depth > 0 && open[depth - 1]->kind == JSON_OBJECT)
            json_key(json, at->key);
        if (at->kind == JSON_OBJECT || at->kind == JSON_ARRAY) {
            if (at->kind == JSON_OBJECT)
                json_begin_object(json);
            else
                json_begin_array(json);
            open[depth++] = at;
            at = at->child;
        } else {
            if (at->kind == JSON_STRING)
                json_string(json, at->text);
            else if (at->kind == JSON_NUMBER)
                json_raw(json, at->text, at->length);
            else
                json_bool(json, at->kind == JSON_TRUE);
            at = at->next;
        }
        while (at == NULL && depth > 0) {
            const struct json_node *closed = open[--depth];
            if (closed->kind == JSON_OBJECT)
                json_end_object(json);
            else
                json_end_array(json);
            at = closed == node ? NULL : closed->next;
            if (closed == node)
                return;
        }
    }
}

/* A type belongs to the channel of who sends it. */
static bool is_first_of_type(const struct event_rows *rows, size_t index)
{
    if (!rows->rows[index].is_sent)
        return false;
    for (size_t i = 0; i < index; i++)
        if (rows->rows[i].is_sent && str_equal(rows->rows[i].type, rows->rows[index].type))
            return false;
    return true;
}

/* A subscription to what nobody sends (its daemon is not here) has no channel to refer to. */
static bool is_first_of_operation(const struct event_rows *rows, size_t index)
{
    const struct event_row *row = &rows->rows[index];
    bool is_known = false;

    for (size_t i = 0; i < rows->count; i++)
        is_known |= rows->rows[i].is_sent && str_equal(rows->rows[i].type, row->type) &&
                    str_equal(rows->rows[i].topic, row->topic);
    for (size_t i = 0; i < index; i++)
        if (rows->rows[i].is_sent == row->is_sent && str_equal(rows->rows[i].daemon, row->daemon) &&
            str_equal(rows->rows[i].topic, row->topic))
            return false;
    return is_known;
}

static bool has_schema_before(const struct event_rows *rows, size_t index, const char *name)
{
    for (size_t i = 0; i < index; i++)
        if (json_member(rows->rows[i].schemas, name) != NULL)
            return true;
    return false;
}

static void pair(struct json_writer *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}

static void reference(struct json_writer *json, const char *target)
{
    json_begin_object(json);
    pair(json, "$ref", target);
    json_end_object(json);
}

static void begin(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_begin_object(json);
}
