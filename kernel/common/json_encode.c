/* json_encode.c - a message as proto3 JSON, streamed into a buffer.
 *
 * Iterative: a frame per open message, at most JSON_DEPTH_MAX of them. Types are not recursive, so
 * only an Any inside an Any inside ... can get that deep; what lies deeper is written as null. */
#include "base64.h"
#include "buffer_reserve.h"
#include "digits.h"
#include "json_known.h"
#include "json_text.h"
#include "message_field.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frame {
    const struct message_schema *schema;
    const ProtobufCMessage *message;
    unsigned next_field;
    bool has_members;
    bool in_list; // of the field before next_field, a map included
    bool has_items;
    const char *item;
    size_t items_left;
};

struct encoder {
    struct buffer *out;
    bool with_defaults;
    int depth;
    struct frame frames[JSON_DEPTH_MAX];
};

static void put(struct buffer *out, const char *text, size_t length)
{
    memcpy(buffer_reserve(out, length), text, length);
    out->length += length;
}

static void put_key(struct encoder *encoder, struct frame *frame, const char *name)
{
    size_t length = strlen(name);
    char *at = buffer_reserve(encoder->out, length + 4), *start = at;

    if (frame->has_members)
        *at++ = ',';
    frame->has_members = true;
    *at++ = '"';
    memcpy(at, name, length); // protoc's json names are identifiers: nothing to escape
    at += length;
    *at++ = '"';
    *at++ = ':';
    encoder->out->length += (size_t)(at - start);
}

static void put_signed(struct buffer *out, int64_t value, const char *quote)
{
    char digits[DIGITS_MAX];

    buffer_puts(out, quote);
    put(out, digits, digits_of_int64(value, digits));
    buffer_puts(out, quote);
}

static void put_unsigned(struct buffer *out, uint64_t value, const char *quote)
{
    char digits[DIGITS_MAX];

    buffer_puts(out, quote);
    put(out, digits, digits_of_uint64(value, digits));
    buffer_puts(out, quote);
}

/* The shortest of the usual precisions that reads back as the same value. */
static void put_real(struct buffer *out, double value, bool is_float)
{
    int precision = is_float ? FLT_DIG : DBL_DIG;
    int precision_max = is_float ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    char text[48];

    if (isnan(value)) {
        buffer_puts(out, "\"NaN\"");
        return;
    }
    if (isinf(value)) {
        buffer_puts(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    for (; precision <= precision_max; precision++) {
        (void)snprintf(text, sizeof(text), "%.*g", precision, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    buffer_puts(out, text);
}

static void put_bytes(struct buffer *out, ProtobufCBinaryData bytes)
{
    char *at = buffer_reserve(out, base64_encoded_bound(bytes.len) + 2);
    size_t length = base64_encode(BASE64_STANDARD, bytes.data, bytes.len, at + 1);

    at[0] = '"';
    at[length + 1] = '"';
    out->length += length + 2;
}

static void put_enum(struct buffer *out, const ProtobufCFieldDescriptor *field, int32_t number)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(field->descriptor, number);

    if (!value) {
        put_signed(out, number, "");
        return;
    }
    json_put_text(out, value->name, strlen(value->name));
}

static void put_string(struct buffer *out, const char *text)
{
    text = str_or_empty(text);
    json_put_text(out, text, strlen(text));
}

/* `quote` is what stands around numbers and booleans: nothing, or a quote in a map's key. */
static void put_scalar(struct buffer *out, const ProtobufCFieldDescriptor *field, const void *at,
                       const char *quote)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        put_signed(out, *(const int32_t *)at, quote);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        put_unsigned(out, *(const uint32_t *)at, quote);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        put_signed(out, *(const int64_t *)at, "\"");
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        put_unsigned(out, *(const uint64_t *)at, "\"");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        buffer_puts(out, quote);
        buffer_puts(out, *(const protobuf_c_boolean *)at ? "true" : "false");
        buffer_puts(out, quote);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        put_real(out, (double)*(const float *)at, true);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        put_real(out, *(const double *)at, false);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(out, field, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_STRING:
        put_string(out, *(const char *const *)at);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes(out, *(const ProtobufCBinaryData *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
}

static struct frame *open_message(struct encoder *encoder, const struct message_schema *schema,
                                  const ProtobufCMessage *message)
{
    if (encoder->depth == JSON_DEPTH_MAX) {
        put(encoder->out, "null", 4);
        return NULL;
    }

    struct frame *frame = &encoder->frames[encoder->depth++];

    *frame = (struct frame){.schema = schema, .message = message};
    put(encoder->out, "{", 1);
    return frame;
}

/* {"@type": ..., the message's own members}, or "value" for what has a JSON form of its own. A type
 * that nobody registered keeps its bytes. */
static void put_any(struct encoder *encoder, const ProtobufCMessage *any)
{
    struct buffer *out = encoder->out;
    const char *type_url = json_any_type_url(any);
    const struct message_schema *schema = json_any_schema(type_url, strlen(type_url));
    const ProtobufCMessage *inner = schema ? json_any_unpack(out->arena, schema, any) : NULL;
    bool is_plain = inner && schema->well_known == WELL_KNOWN_NONE;
    struct frame *frame = open_message(encoder, is_plain ? schema : NULL, inner);

    if (!frame)
        return;
    put_key(encoder, frame, "@type");
    put_string(out, type_url);
    if (is_plain)
        return;
    put_key(encoder, frame, "value");
    if (inner &&
        (schema->well_known == WELL_KNOWN_TIMESTAMP || schema->well_known == WELL_KNOWN_DURATION))
        json_put_known(out, schema->well_known, inner);
    else
        put_bytes(out, json_any_value(any));
    encoder->depth--;
    put(out, "}", 1);
}

static void put_message(struct encoder *encoder, const struct message_schema *schema,
                        const ProtobufCMessage *message)
{
    switch (schema->well_known) {
    case WELL_KNOWN_TIMESTAMP:
    case WELL_KNOWN_DURATION:
        json_put_known(encoder->out, schema->well_known, message);
        break;
    case WELL_KNOWN_ANY:
        if (message)
            put_any(encoder, message);
        else
            put(encoder->out, "{}", 2);
        break;
    case WELL_KNOWN_STRUCT:
        put(encoder->out, "null", 4);
        break;
    case WELL_KNOWN_NONE:
        if (message)
            (void)open_message(encoder, schema, message);
        else // a map's entry without its value
            put(encoder->out, "{}", 2);
        break;
    }
}

static void put_value(struct encoder *encoder, const ProtobufCFieldDescriptor *field,
                      const struct field_schema *schema, const void *at)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        put_message(encoder, schema->message, *(const ProtobufCMessage *const *)at);
    else
        put_scalar(encoder->out, field, at, "");
}

static void put_map_entry(struct encoder *encoder, const struct message_schema *entry_schema,
                          const ProtobufCMessage *entry)
{
    const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0], *value = key + 1;

    put_scalar(encoder->out, key, field_at(entry, key), "\"");
    put(encoder->out, ":", 1);
    put_value(encoder, value, &entry_schema->fields[1], field_at(entry, value));
}

static void put_item(struct encoder *encoder, struct frame *frame)
{
    const ProtobufCFieldDescriptor *field =
        &frame->schema->descriptor->fields[frame->next_field - 1];
    const struct field_schema *schema = &frame->schema->fields[frame->next_field - 1];
    const char *item = frame->item;

    if (frame->has_items)
        put(encoder->out, ",", 1);
    frame->has_items = true;
    frame->item += field_item_size(field);
    frame->items_left--;
    if (schema->flags & FIELD_MAP)
        put_map_entry(encoder, schema->message,
                      *(const ProtobufCMessage *const *)(const void *)item);
    else
        put_value(encoder, field, schema, item);
}

static void close_list(struct encoder *encoder, struct frame *frame)
{
    bool is_map = frame->schema->fields[frame->next_field - 1].flags & FIELD_MAP;

    put(encoder->out, is_map ? "}" : "]", 1);
    frame->in_list = false;
}

static void put_list(struct encoder *encoder, struct frame *frame,
                     const ProtobufCFieldDescriptor *field, const struct field_schema *schema)
{
    size_t count = field_count(frame->message, field);

    if (count == 0 && !encoder->with_defaults)
        return;
    put_key(encoder, frame, schema->json_name);
    put(encoder->out, schema->flags & FIELD_MAP ? "{" : "[", 1);
    frame->in_list = true;
    frame->has_items = false;
    frame->items_left = count;
    frame->item = *(const char *const *)field_at(frame->message, field);
}

/* Zero, "", no bytes, false: what proto3 JSON leaves out. Minus zero is not the default. */
static bool is_default(const ProtobufCFieldDescriptor *field, const void *at)
{
    static const char ZEROS[8];

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return str_is_empty(*(const char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len == 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return false;
    default:
        return memcmp(at, ZEROS, field_item_size(field)) == 0;
    }
}

static void put_field(struct encoder *encoder, struct frame *frame)
{
    const ProtobufCFieldDescriptor *field = &frame->schema->descriptor->fields[frame->next_field];
    const struct field_schema *schema = &frame->schema->fields[frame->next_field];
    const void *at = field_at(frame->message, field);

    frame->next_field++;
    if (field_is_repeated(field)) {
        put_list(encoder, frame, field, schema);
        return;
    }
    if (!field_is_set(frame->message, field))
        return;
    if (!encoder->with_defaults && !field_is_in_oneof(field) && is_default(field, at))
        return;
    put_key(encoder, frame, schema->json_name);
    put_value(encoder, field, schema, at);
}

void json_encode(struct buffer *out, const struct message_schema *schema,
                 const ProtobufCMessage *message, bool with_defaults)
{
    struct encoder encoder;

    encoder.out = out; // the frames are left as they are: 5 KiB that are not worth clearing
    encoder.with_defaults = with_defaults;
    encoder.depth = 0;
    put_message(&encoder, schema, message);
    while (encoder.depth > 0) {
        struct frame *frame = &encoder.frames[encoder.depth - 1];

        if (frame->in_list && frame->items_left > 0) {
            put_item(&encoder, frame);
        } else if (frame->in_list) {
            close_list(&encoder, frame);
        } else if (frame->next_field < frame->schema->descriptor->n_fields) {
            put_field(&encoder, frame);
        } else {
            encoder.depth--;
            put(out, "}", 1);
        }
    }
    *buffer_reserve(out, 0) = '\0';
}
