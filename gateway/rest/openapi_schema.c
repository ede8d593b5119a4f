/* openapi_schema.c - messages as JSON Schema (2020-12, as OpenAPI 3.1 uses it). */
#include "rest/openapi.h"

#include <stdio.h>
#include <string.h>

static void add(struct schema_list *list, const struct message_schema *schema, enum schema_use use)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].schema == schema && list->items[i].use == use)
            return;
    if (list->count == list->room) {
        struct listed_schema *grown =
            arena_array(list->arena, struct listed_schema, 2 * list->room + 64);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->room = 2 * list->room + 64;
    }
    list->items[list->count++] = (struct listed_schema){schema, use};
}

static const char *name_of(struct arena *arena, const struct message_schema *schema,
                           enum schema_use use)
{
    return arena_printf(arena, "%s%s", schema->descriptor->name,
                        use == SCHEMA_BODY ? ".Input" : "");
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
                            const struct message_schema *schema, enum schema_use use)
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
    add(list, schema, use);
    write_text(json, "$ref",
               arena_printf(list->arena, "%s%s", ROOT, name_of(list->arena, schema, use)));
}

void openapi_write_reference(struct json_writer *json, struct schema_list *list,
                             const struct message_schema *schema, enum schema_use use)
{
    json_begin_object(json);
    write_reference(json, list, schema, use);
    json_end_object(json);
}

static void write_limits(struct json_writer *json, const struct field_schema *rules)
{
    if (rules->flags & FIELD_HAS_MIN)
        write_int(json, "minimum", rules->min);
    if (rules->flags & FIELD_HAS_MAX)
        write_int(json, "maximum", rules->max);
}

static int count_digits(int64_t number)
{
    int count = 1;
    while (number /= 10)
        count++;
    return count;
}

/* What a text can say of the range: the sign, and how many digits. */
static const char *integer_pattern(struct arena *arena, const struct field_schema *rules)
{
    bool has_min = rules->flags & FIELD_HAS_MIN, has_max = rules->flags & FIELD_HAS_MAX;
    int digits = has_min && has_max ? count_digits(rules->max) : count_digits(INT64_MAX);
    if (has_min && rules->min > 0)
        return arena_printf(arena, "^[1-9][0-9]{0,%d}$", digits - 1);
    if (has_min && has_max && count_digits(rules->min) > digits)
        digits = count_digits(rules->min);
    return arena_printf(arena, "^%s(0|[1-9][0-9]{0,%d})$", has_min && rules->min == 0 ? "" : "-?",
                        digits - 1);
}

/* int64 travels as text, since a browser's number loses digits beyond 2^53; both are taken. */
static void write_int64(struct json_writer *json, struct arena *arena,
                        const struct field_schema *rules, enum schema_use use)
{
    json_key(json, "type");
    if (use == SCHEMA_PARAMETER) {
        json_string(json, "integer");
    } else {
        json_begin_array(json);
        json_string(json, "string");
        json_string(json, "integer");
        json_end_array(json);
        write_text(json, "pattern", integer_pattern(arena, rules));
    }
    write_text(json, "format", "int64");
    write_limits(json, rules);
}

/* Of a list each item is what it is; only the list as a whole may be required. */
static bool is_required(const ProtobufCFieldDescriptor *field, const struct field_schema *rules)
{
    return rules->flags & FIELD_REQUIRED && field->label != PROTOBUF_C_LABEL_REPEATED;
}

static void write_string(struct json_writer *json, const ProtobufCFieldDescriptor *field,
                         const struct field_schema *rules)
{
    static const char UUID[] = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    bool is_needed = is_required(field, rules), is_uuid = rules->flags & FIELD_UUID;
    char pattern[2 * sizeof UUID];

    write_text(json, "type", "string");
    if (is_uuid) {
        bool may_be_empty = !is_needed && field->label != PROTOBUF_C_LABEL_REPEATED;
        (void)snprintf(pattern, sizeof pattern, "%s^%s$", may_be_empty ? "^$|" : "", UUID);
        if (!may_be_empty)
            write_text(json, "format", "uuid");
        write_text(json, "pattern", pattern); /* lower case, which the format leaves open */
        return;
    }
    if (is_needed)
        write_int(json, "minLength", 1);
    write_int(json, "maxLength", rules->max_length);
}

/* base64: four characters for three bytes. */
static void write_bytes(struct json_writer *json, const ProtobufCFieldDescriptor *field,
                        const struct field_schema *rules)
{
    write_text(json, "type", "string");
    write_text(json, "contentEncoding", "base64");
    write_text(json, "pattern", "^[A-Za-z0-9+/_-]*={0,2}$");
    if (is_required(field, rules))
        write_int(json, "minLength", 2);
    write_int(json, "maxLength", ((int64_t)rules->max_length + 2) / 3 * 4);
}

/* By name; what is sent may be the number too, as proto3 JSON has it. */
static void write_enum(struct json_writer *json, const ProtobufCFieldDescriptor *field,
                       const struct field_schema *rules, enum schema_use use)
{
    const ProtobufCEnumDescriptor *descriptor = field->descriptor;
    if (use != SCHEMA_BODY)
        write_text(json, "type", "string");
    json_key(json, "enum");
    json_begin_array(json);
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (descriptor->values[i].value == 0 && is_required(field, rules))
            continue;
        json_string(json, descriptor->values[i].name);
        if (use == SCHEMA_BODY)
            json_int(json, descriptor->values[i].value);
    }
    json_end_array(json);
}

/* The members of the schema of one element, whatever its label. */
static void write_type(struct json_writer *json, struct schema_list *list,
                       const ProtobufCFieldDescriptor *field, const struct field_schema *rules,
                       enum schema_use use)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        write_string(json, field, rules);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(json, field, rules);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        write_text(json, "type", "boolean");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(json, field, rules, use);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        write_reference(json, list, rules->message, use);
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
        write_int64(json, list->arena, rules, use);
        break;
    default:
        write_text(json, "type", "integer");
        write_text(json, "format", "int32");
        write_limits(json, rules);
        break;
    }
}

static void write_map(struct json_writer *json, struct schema_list *list,
                      const struct field_schema *rules, enum schema_use use)
{
    const ProtobufCFieldDescriptor *value =
        protobuf_c_message_descriptor_get_field(rules->message->descriptor, 2);
    const struct field_schema *of_value = // the rules of a map are those of its values
        &rules->message->fields[value - rules->message->descriptor->fields];
    write_text(json, "type", "object");
    json_key(json, "additionalProperties");
    json_begin_object(json);
    write_type(json, list, value, of_value, use);
    json_end_object(json);
    write_int(json, "maxProperties", rules->max_items);
}

static void write_list(struct json_writer *json, struct schema_list *list,
                       const ProtobufCFieldDescriptor *field, const struct field_schema *rules,
                       enum schema_use use)
{
    write_text(json, "type", "array");
    if (rules->flags & FIELD_REQUIRED)
        write_int(json, "minItems", 1);
    write_int(json, "maxItems", rules->max_items);
    json_key(json, "items");
    json_begin_object(json);
    write_type(json, list, field, rules, use);
    json_end_object(json);
}

static void write_value(struct json_writer *json, struct schema_list *list,
                        const ProtobufCFieldDescriptor *field, const struct field_schema *rules,
                        enum schema_use use)
{
    if (rules->flags & FIELD_MAP)
        write_map(json, list, rules, use);
    else if (field->label == PROTOBUF_C_LABEL_REPEATED && use != SCHEMA_PARAMETER)
        write_list(json, list, field, rules, use);
    else
        write_type(json, list, field, rules, use);
}

/* In what is sent, null says that an optional member is absent, as proto3 JSON has it. */
static void write_nullable(struct json_writer *json, struct schema_list *list,
                           const ProtobufCFieldDescriptor *field, const struct field_schema *rules)
{
    json_key(json, "anyOf");
    json_begin_array(json);
    json_begin_object(json);
    write_value(json, list, field, rules, SCHEMA_BODY);
    json_end_object(json);
    json_begin_object(json);
    write_text(json, "type", "null");
    json_end_object(json);
    json_end_array(json);
}

void openapi_write_field(struct json_writer *json, struct schema_list *list,
                         const struct message_schema *schema, unsigned field, enum schema_use use)
{
    const ProtobufCFieldDescriptor *descriptor = &schema->descriptor->fields[field];
    const struct field_schema *rules = &schema->fields[field];
    json_begin_object(json);
    if (use == SCHEMA_BODY && !(rules->flags & FIELD_REQUIRED))
        write_nullable(json, list, descriptor, rules);
    else
        write_value(json, list, descriptor, rules, use);
    if (use != SCHEMA_PARAMETER && !str_is_empty(rules->doc))
        write_text(json, "description", rules->doc);
    json_end_object(json);
}

static bool is_shown(const struct object_view *view, const struct message_schema *schema,
                     unsigned field)
{
    return !view->is_shown || view->is_shown(view->closure, schema->descriptor->fields[field].name);
}

static void write_required(struct json_writer *json, const struct message_schema *schema,
                           const struct object_view *view)
{
    bool is_open = false;
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        if (!(schema->fields[i].flags & FIELD_REQUIRED) || !is_shown(view, schema, i))
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
                          const struct message_schema *schema, const struct object_view *view)
{
    json_begin_object(json);
    write_text(json, "type", "object");
    if (!str_is_empty(schema->doc))
        write_text(json, "description", schema->doc);
    json_key(json, "properties");
    json_begin_object(json);
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        if (!is_shown(view, schema, i))
            continue;
        json_key(json, schema->fields[i].json_name);
        openapi_write_field(json, list, schema, i, view->use);
    }
    json_end_object(json);
    write_required(json, schema, view);
    if (view->use == SCHEMA_BODY) {
        json_key(json, "additionalProperties");
        json_bool(json, false);
    }
    json_end_object(json);
}

void openapi_write_schemas(struct json_writer *json, struct schema_list *list)
{
    json_begin_object(json);
    for (size_t i = 0; i < list->count; i++) { // the list grows while it is written
        const struct listed_schema listed = list->items[i];
        json_key(json, name_of(list->arena, listed.schema, listed.use));
        openapi_write_object(json, list, listed.schema, &(struct object_view){.use = listed.use});
    }
    json_end_object(json);
}
