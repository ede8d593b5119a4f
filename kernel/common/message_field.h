/* message_field.h - where protobuf-c keeps a field's value inside its message (proto3 only). */
#pragma once

#include "common/str.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool field_is_repeated(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

static inline bool field_is_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* Of one element: what a list's array is made of. */
static inline size_t field_item_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default: // 32-bit numbers, enums
        return 4;
    }
}

/* The value, or of a repeated field the pointer to its array. */
static inline const void *field_at(const ProtobufCMessage *message,
                                   const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

static inline size_t field_count(const ProtobufCMessage *message,
                                 const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
}

/* The tag of the oneof's member that is set, 0 when none is. */
static inline uint32_t field_oneof_case(const ProtobufCMessage *message,
                                        const ProtobufCFieldDescriptor *field)
{
    return *(const uint32_t *)(const void *)((const char *)message + field->quantifier_offset);
}

/* Is a singular field there at all? A number or text outside a oneof always is. */
static inline bool field_is_set(const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field)
{
    if (field_is_in_oneof(field) && field_oneof_case(message, field) != field->id)
        return false;
    return field->type != PROTOBUF_C_TYPE_MESSAGE ||
           *(const ProtobufCMessage *const *)field_at(message, field) != NULL;
}

/* Orders entries of one map by key; text byte by byte, numbers by any order that tells them apart.
 */
static inline int map_entry_compare(const ProtobufCMessage *left, const ProtobufCMessage *right)
{
    const ProtobufCFieldDescriptor *key = &left->descriptor->fields[0];

    if (key->type != PROTOBUF_C_TYPE_STRING)
        return memcmp(field_at(left, key), field_at(right, key), field_item_size(key));
    return strcmp(str_or_empty(*(const char *const *)field_at(left, key)),
                  str_or_empty(*(const char *const *)field_at(right, key)));
}
