/* field.c - reading and writing a message's fields by name. */
#include "rest/field.h"

#include "common/str.h"

#include <string.h>

ProtobufCMessage *field_new_message(struct arena *arena, const struct message_schema *schema)
{
    ProtobufCMessage *message = arena_alloc(arena, schema->descriptor->sizeof_message);
    protobuf_c_message_init(schema->descriptor, message);
    return message;
}

const ProtobufCFieldDescriptor *field_find(const struct message_schema *schema, const char *name)
{
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++)
        if (str_equal(schema->descriptor->fields[i].name, name) ||
            str_equal(schema->fields[i].json_name, name))
            return &schema->descriptor->fields[i];
    return NULL;
}

const struct field_schema *field_schema_of(const struct message_schema *schema,
                                           const ProtobufCFieldDescriptor *field)
{
    return &schema->fields[field - schema->descriptor->fields];
}

static void *member_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

static void mark_present(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        *(int *)(void *)((char *)message + field->quantifier_offset) = (int)field->id;
}

/* Room for one more element; answers its address. */
static void *append_element(struct arena *arena, ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field, size_t size)
{
    size_t *count = (size_t *)(void *)((char *)message + field->quantifier_offset);
    void **array = member_of(message, field);
    char *grown = arena_calloc(arena, *count + 1, size);
    if (*count > 0)
        memcpy(grown, *array, *count * size);
    *array = grown;
    return grown + size * (*count)++;
}

static bool parse_bool(const char *text, int *ret_value)
{
    if (str_equal(text, "true") || str_equal(text, "false")) {
        *ret_value = text[0] == 't';
        return true;
    }
    return false;
}

static bool parse_enum(const ProtobufCEnumDescriptor *descriptor, const char *text, int *ret_value)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(descriptor, text);
    if (value)
        *ret_value = value->value;
    return value != NULL;
}

static size_t element_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(char *);
    default:
        return sizeof(int);
    }
}

/* Writes one scalar; false when the text is not of the field's type. */
static bool write_scalar(struct arena *arena, const ProtobufCFieldDescriptor *field, void *target,
                         const char *text, const char **ret_allowed)
{
    int64_t number;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(const char **)target = arena_strdup(arena, text);
        return true;
    case PROTOBUF_C_TYPE_INT64:
        *ret_allowed = "an integer";
        return str_to_int64(text, target);
    case PROTOBUF_C_TYPE_INT32:
        *ret_allowed = "an integer of 32 bits";
        if (!str_to_int64(text, &number) || number < INT32_MIN || number > INT32_MAX)
            return false;
        *(int32_t *)target = (int32_t)number;
        return true;
    case PROTOBUF_C_TYPE_BOOL:
        *ret_allowed = "true or false";
        return parse_bool(text, target);
    case PROTOBUF_C_TYPE_ENUM:
        *ret_allowed = "a value of the enumeration, by name";
        return parse_enum(field->descriptor, text, target);
    default:
        *ret_allowed = "nothing: it can only be set in a body";
        return false;
    }
}

/* The message that holds the last name of a dotted path, made on the way. */
static bool walk(struct arena *arena, const struct message_schema **schema,
                 ProtobufCMessage **message, const char **path)
{
    for (const char *dot; (dot = strchr(*path, '.'));) {
        const char *name = arena_strndup(arena, *path, (size_t)(dot - *path));
        const ProtobufCFieldDescriptor *field = field_find(*schema, name);
        if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE ||
            field->label == PROTOBUF_C_LABEL_REPEATED)
            return false;
        ProtobufCMessage **child = member_of(*message, field);
        *schema = field_schema_of(*schema, field)->message;
        if (!*child)
            *child = field_new_message(arena, *schema);
        *message = *child;
        *path = dot + 1;
    }
    return true;
}

bool field_set_text(struct arena *arena, const struct message_schema *schema,
                    ProtobufCMessage *message, const char *path, const char *text,
                    const char **ret_allowed)
{
    *ret_allowed = "no such parameter";
    if (!walk(arena, &schema, &message, &path))
        return false;
    const ProtobufCFieldDescriptor *field = field_find(schema, path);
    if (!field)
        return false;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        mark_present(message, field);
        return write_scalar(arena, field, member_of(message, field), text, ret_allowed);
    }
    void *element = append_element(arena, message, field, element_size(field));
    return write_scalar(arena, field, element, text, ret_allowed);
}

void field_set_message(const struct message_schema *schema, ProtobufCMessage *message,
                       const char *name, ProtobufCMessage *value)
{
    const ProtobufCFieldDescriptor *field = field_find(schema, name);
    *(ProtobufCMessage **)member_of(message, field) = value;
}

static const ProtobufCFieldDescriptor *version_of(const struct message_schema *schema)
{
    const ProtobufCFieldDescriptor *field = field_find(schema, "version");
    return field && field->type == PROTOBUF_C_TYPE_INT64 ? field : NULL;
}

static int64_t read_int64(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(const int64_t *)(const void *)((const char *)message + field->offset);
}

int64_t field_version(const struct message_schema *schema, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *version = version_of(schema);
    if (version)
        return read_int64(message, version);
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        version = version_of(schema->fields[i].message);
        const ProtobufCMessage *child =
            *(const ProtobufCMessage *const *)(const void *)((const char *)message + field->offset);
        if (version && child)
            return read_int64(child, version);
    }
    return 0;
}
