/* openapi_schema.c - messages as JSON Schema (2020-12, as OpenAPI 3.1 uses it). */
#include "rest/openapi.h"

#include <string.h>

void schema_list_add(struct schema_list *list, const struct message_schema *schema)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == schema)
            return;
    if (list->count == list->room) {
        const struct message_schema **grown =
            arena_array(list->arena, const struct message_schema *, 2 * list->room + 64);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->room = 2 * list->room + 64;
    }
    list->items[list->count++] = schema;
}

static void write_text(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

static void write_int(struct json_writer *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

static void write_reference(struct json_writer *json, struct schema_list *list,
                            const struct message_schema *schema)
{
    static const char ROOT[] = "#/components/schemas/";
    switch (schema->well_known) {
    case WELL_KNOWN_TIMESTAMP:
        write_text(json, "type", "string");
        write_text(json, "format", "date-time");
        return;
    case WELL_KNOWN_DURATION:
        write_text(json, "type", "string");
        write_text(json, "pattern", "^-?[0-9]+(\\.[0-9]{1,9})?s$");
        return;
    case WELL_KNOWN_ANY:
    case WELL_KNOWN_STRUCT:
        write_text(json, "type", "object");
        return;
    case WELL_KNOWN_NONE:
        break;
    }
    schema_list_add(list, schema);
    write_text(json, "$ref", arena_printf(list->arena, "%s%s", ROOT, schema->descriptor->name));
}

void openapi_write_reference(struct json_writer *json, struct schema_list *list,
                             const struct message_schema *schema)
{
    json_begin_object(json);
    write_reference(json, list, schema);
    json_end_object(json);
}

static void write_limits(struct json_writer *json, const struct field_schema *rules)
{
    if (rules->flags & FIELD_HAS_MIN)
        write_int(json, "minimum", rules->min);
    if (rules->flags & FIELD_HAS_MAX)
        write_int(json, "maximum", rules->max);
}

/* int64 travels as text, since a browser's number loses digits beyond 2^53; both are taken. */
static void write_int64(struct json_writer *json, const struct field_schema *rules,
                        bool is_parameter)
{
    json_key(json, "type");
    if (is_parameter) {
        json_string(json, "integer");
    } else {
        json_begin_array(json);
        json_string(json, "string");
        json_string(json, "integer");
        json_end_array(json);
        write_text(json, "pattern", "^-?[0-9]{1,19}$");
    }
    write_text(json, "format", "int64");
    write_limits(json, rules);
}

static void write_string(struct json_writer *json, const struct field_schema *rules)
{
    write_text(json, "type", "string");
    if (rules->flags & FIELD_UUID && rules->flags & FIELD_REQUIRED)
        write_text(json, "format", "uuid");
    else if (rules->flags & FIELD_UUID)
        write_text(json, "pattern",
                   "^$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$");
    else if (rules->flags & FIELD_REQUIRED)
        write_int(json, "minLength", 1);
    if (!(rules->flags & FIELD_UUID))
        write_int(json, "maxLength", rules->max_length);
}

static void write_enum(struct json_writer *json, const ProtobufCEnumDescriptor *descriptor)
{
    write_text(json, "type", "string");
    json_key(json, "enum");
    json_begin_array(json);
    for (unsigned i = 0; i < descriptor->n_values; i++)
        json_string(json, descriptor->values[i].name);
    json_end_array(json);
}

/* The members of the schema of one element, whatever its label. */
static void write_type(struct json_writer *json, struct schema_list *list,
                       const ProtobufCFieldDescriptor *field, const struct field_schema *rules,
                       bool is_parameter)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        write_string(json, rules);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_text(json, "type", "string");
        write_text(json, "contentEncoding", "base64");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        write_text(json, "type", "boolean");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(json, field->descriptor);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        write_reference(json, list, rules->message);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        write_text(json, "type", "number");
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_int64(json, rules, is_parameter);
        break;
    default:
        write_text(json, "type", "integer");
        write_text(json, "format", "int32");
        write_limits(json, rules);
        break;
    }
}

static void write_map(struct json_writer *json, struct schema_list *list,
                      const struct field_schema *rules)
{
    const ProtobufCFieldDescriptor *value =
        protobuf_c_message_descriptor_get_field(rules->message->descriptor, 2);
    const struct field_schema *of_value = // the rules of a map are those of its values
        &rules->message->fields[value - rules->message->descriptor->fields];
    write_text(json, "type", "object");
    json_key(json, "additionalProperties");
    json_begin_object(json);
    write_type(json, list, value, of_value, false);
    json_end_object(json);
    write_int(json, "maxProperties", rules->max_items);
}

static void write_list(struct json_writer *json, struct schema_list *list,
                       const ProtobufCFieldDescriptor *field, const struct field_schema *rules)
{
    write_text(json, "type", "array");
    if (rules->flags & FIELD_REQUIRED)
        write_int(json, "minItems", 1);
    write_int(json, "maxItems", rules->max_items);
    json_key(json, "items");
    json_begin_object(json);
    write_type(json, list, field, rules, false);
    json_end_object(json);
}

void openapi_write_field(struct json_writer *json, struct schema_list *list,
                         const struct message_schema *schema, unsigned field, bool is_parameter)
{
    const ProtobufCFieldDescriptor *descriptor = &schema->descriptor->fields[field];
    const struct field_schema *rules = &schema->fields[field];
    json_begin_object(json);
    if (rules->flags & FIELD_MAP)
        write_map(json, list, rules);
    else if (descriptor->label == PROTOBUF_C_LABEL_REPEATED && !is_parameter)
        write_list(json, list, descriptor, rules);
    else
        write_type(json, list, descriptor, rules, is_parameter);
    if (!is_parameter && !str_is_empty(rules->doc))
        write_text(json, "description", rules->doc);
    json_end_object(json);
}

static void write_required(struct json_writer *json, const struct message_schema *schema,
                           field_filter *is_shown, const void *closure)
{
    bool is_open = false;
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        if (!(schema->fields[i].flags & FIELD_REQUIRED) ||
            (is_shown && !is_shown(closure, schema->descriptor->fields[i].name)))
            continue;
        if (!is_open) {
            json_key(json, "required");
            json_begin_array(json);
        }
        is_open = true;
        json_string(json, schema->fields[i].json_name);
    }
    if (is_open)
        json_end_array(json);
}

void openapi_write_object(struct json_writer *json, struct schema_list *list,
                          const struct message_schema *schema, field_filter *is_shown,
                          const void *closure)
{
    json_begin_object(json);
    write_text(json, "type", "object");
    if (!str_is_empty(schema->doc))
        write_text(json, "description", schema->doc);
    json_key(json, "properties");
    json_begin_object(json);
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        if (is_shown && !is_shown(closure, schema->descriptor->fields[i].name))
            continue;
        json_key(json, schema->fields[i].json_name);
        openapi_write_field(json, list, schema, i, false);
    }
    json_end_object(json);
    write_required(json, schema, is_shown, closure);
    json_end_object(json);
}

void openapi_write_schemas(struct json_writer *json, struct schema_list *list)
{
    json_begin_object(json);
    for (size_t i = 0; i < list->count; i++) { // the list grows while it is written
        json_key(json, list->items[i]->descriptor->name);
        openapi_write_object(json, list, list->items[i], NULL, NULL);
    }
    json_end_object(json);
}
