/* topics.c - `<daemon> --events`: what it publishes and consumes, with the shape of every message.
 *
 * A JSON array of {direction, daemon, topic, type, key, doc, schemas}. `schemas` maps the message
 * and all that it contains to JSON Schemas that refer to each other as #/components/schemas/<name>;
 * torg-topics makes the topics and the AsyncAPI document from these. */
#include "common/json.h"
#include "consuming.h"

#include <assert.h>

enum { SCHEMAS_MAX = 128 };

/* The messages still to print; what a message contains is appended behind it. */
struct worklist {
    const struct message_schema *schemas[SCHEMAS_MAX];
    size_t count;
};

static void print_row(struct json_writer *json, const struct daemon *daemon, const char *direction,
                      const char *topic, const struct message_schema *body);
static void print_schema(struct json_writer *json, const struct message_schema *schema,
                         struct worklist *list);
static void print_field(struct json_writer *json, const struct message_schema *schema,
                        unsigned index, struct worklist *list);
static void print_type(struct json_writer *json, const ProtobufCFieldDescriptor *field,
                       const struct field_schema *extra, struct worklist *list);
static void print_map(struct json_writer *json, const struct message_schema *entry,
                      struct worklist *list);
static void print_enum(struct json_writer *json, const ProtobufCEnumDescriptor *descriptor);
static void add(struct worklist *list, const struct message_schema *schema);
static void pair(struct json_writer *json, const char *key, const char *value);

void topics_print(const struct daemon *daemon, const char *table, struct buffer *out)
{
    const struct service *service = daemon_service(daemon);
    const struct event_subscription *subscription = service->subscriptions;
    struct json_writer json;

    if (!str_equal(table, "events"))
        return;
    json_writer_init(&json, out);
    json_begin_array(&json);
    for (size_t i = 0; service->events != NULL && service->events[i] != NULL; i++) {
        const struct event_kind *kind = service->events[i];
        json_begin_object(&json);
        print_row(&json, daemon, "send", kind->topic, kind->body);
        pair(&json, "key", str_or_empty(kind->key_doc));
        json_end_object(&json);
    }
    for (; subscription != NULL && subscription->topic != NULL; subscription++) {
        bool is_shared = subscription->mode == SUBSCRIPTION_SHARED;
        json_begin_object(&json);
        print_row(&json, daemon, "receive", subscription->topic, subscription->body);
        pair(&json, "mode", is_shared ? "shared" : "broadcast");
        json_end_object(&json);
    }
    json_end_array(&json);
}

static void print_row(struct json_writer *json, const struct daemon *daemon, const char *direction,
                      const char *topic, const struct message_schema *body)
{
    struct worklist list = {.schemas = {body}, .count = 1};

    pair(json, "direction", direction);
    pair(json, "daemon", daemon_service(daemon)->name);
    pair(json, "topic", topic);
    pair(json, "type", body->descriptor->name);
    pair(json, "doc", body->doc);
    json_key(json, "schemas");
    json_begin_object(json);
    for (size_t i = 0; i < list.count; i++) {
        json_key(json, list.schemas[i]->descriptor->name);
        print_schema(json, list.schemas[i], &list);
    }
    json_end_object(json);
}

static void print_schema(struct json_writer *json, const struct message_schema *schema,
                         struct worklist *list)
{
    json_begin_object(json);
    if (schema->well_known == WELL_KNOWN_TIMESTAMP || schema->well_known == WELL_KNOWN_DURATION) {
        pair(json, "type", "string");
        if (schema->well_known == WELL_KNOWN_TIMESTAMP)
            pair(json, "format", "date-time");
        json_end_object(json);
        return;
    }
    pair(json, "type", "object");
    if (!str_is_empty(schema->doc))
        pair(json, "description", schema->doc);
    json_key(json, "properties");
    json_begin_object(json);
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++)
        print_field(json, schema, i, list);
    json_end_object(json);
    json_end_object(json);
}

static void print_field(struct json_writer *json, const struct message_schema *schema,
                        unsigned index, struct worklist *list)
{
    const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
    const struct field_schema *extra = &schema->fields[index];
    bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;

    json_key(json, extra->json_name);
    json_begin_object(json);
    if (!str_is_empty(extra->doc))
        pair(json, "description", extra->doc);
    json_key(json, "x-protobuf-number");
    json_int(json, field->id);
    if (extra->flags & FIELD_MAP) {
        print_map(json, extra->message, list);
    } else if (is_list) {
        pair(json, "type", "array");
        json_key(json, "items");
        json_begin_object(json);
        print_type(json, field, extra, list);
        json_end_object(json);
    } else {
        print_type(json, field, extra, list);
    }
    json_end_object(json);
}

/* The JSON form of proto3: 64-bit integers are strings. */
static void print_type(struct json_writer *json, const ProtobufCFieldDescriptor *field,
                       const struct field_schema *extra, struct worklist *list)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        add(list, extra->message);
        json_key(json, "$ref");
        json_string(json, arena_printf(json->out->arena, "#/components/schemas/%s",
                                       extra->message->descriptor->name));
        break;
    case PROTOBUF_C_TYPE_ENUM:
        print_enum(json, field->descriptor);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        pair(json, "type", "boolean");
        break;
    case PROTOBUF_C_TYPE_STRING:
        pair(json, "type", "string");
        if (extra->flags & FIELD_UUID)
            pair(json, "format", "uuid");
        break;
    case PROTOBUF_C_TYPE_BYTES:
        pair(json, "type", "string");
        pair(json, "contentEncoding", "base64");
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        pair(json, "type", "string");
        pair(json, "format", "int64");
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        pair(json, "type", "number");
        break;
    default:
        pair(json, "type", "integer");
    }
}

static void print_map(struct json_writer *json, const struct message_schema *entry,
                      struct worklist *list)
{
    pair(json, "type", "object");
    json_key(json, "additionalProperties");
    json_begin_object(json);
    print_type(json, &entry->descriptor->fields[1], &entry->fields[1], list);
    json_end_object(json);
}

static void print_enum(struct json_writer *json, const ProtobufCEnumDescriptor *descriptor)
{
    pair(json, "type", "string");
    json_key(json, "enum");
    json_begin_array(json);
    for (unsigned i = 0; i < descriptor->n_values; i++)
        json_string(json, descriptor->values[i].name);
    json_end_array(json);
}

static void add(struct worklist *list, const struct message_schema *schema)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->schemas[i] == schema)
            return;
    assert(list->count < SCHEMAS_MAX);
    list->schemas[list->count++] = schema;
}

static void pair(struct json_writer *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}
