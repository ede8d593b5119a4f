/* json_value.c - numbers, text, bytes and enums of proto3 JSON.
 *
 * Numbers may come in quotes, integers as 1.0 or 1e3: whatever has the exact value is taken. */
#include "json_value.h"

#include "arena_grow.h"
#include "base64.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char JSON_TOO_LARGE[] = "a smaller document";

/* The characters of a string without escapes, in the arena only when there were some. */
static bool plain_text(struct arena *arena, struct json_slice *slice)
{
    if (!slice->has_escape)
        return true;
    slice->data = json_slice_text(arena, *slice, &slice->length);
    slice->has_escape = false;
    return slice->data != NULL;
}

struct integer_range {
    int64_t min;
    uint64_t max;
    const char *wanted;
};

static const struct integer_range INT32 = {INT32_MIN, INT32_MAX, "a 32-bit integer"};
static const struct integer_range UINT32 = {0, UINT32_MAX, "an unsigned 32-bit integer"};
static const struct integer_range INT64 = {INT64_MIN, INT64_MAX, "a 64-bit integer"};
static const struct integer_range UINT64 = {0, UINT64_MAX, "an unsigned 64-bit integer"};

/* The value in two's complement. */
static const char *read_integer(struct json_slice text, const struct integer_range *range,
                                uint64_t *ret_bits)
{
    uint64_t magnitude;
    bool negative;

    if (!json_slice_is_number(text) || !json_slice_to_integer(text, &negative, &magnitude))
        return range->wanted;
    if (magnitude > (negative ? -(uint64_t)range->min : range->max))
        return range->wanted;
    *ret_bits = negative ? -magnitude : magnitude;
    return NULL;
}

static const char *read_int32(struct json_slice text, const struct integer_range *range, void *at)
{
    uint64_t bits;
    const char *problem = read_integer(text, range, &bits);

    if (!problem)
        *(uint32_t *)at = (uint32_t)bits;
    return problem;
}

static const char *read_int64(struct json_slice text, const struct integer_range *range, void *at)
{
    return read_integer(text, range, at);
}

/* strtod() wants a NUL, and knows forms that JSON does not, so the grammar is checked before. */
static const char *read_real(struct arena *arena, struct json_slice text, bool is_float, void *at)
{
    static const char WANTED[] = "a number, \"NaN\", \"Infinity\" or \"-Infinity\"";
    double value;

    if (json_slice_is(text, "NaN")) {
        value = (double)NAN;
    } else if (json_slice_is(text, "Infinity")) {
        value = HUGE_VAL;
    } else if (json_slice_is(text, "-Infinity")) {
        value = -HUGE_VAL;
    } else {
        size_t length;
        const char *copy = json_slice_text(arena, text, &length);

        if (!copy)
            return JSON_TOO_LARGE;
        if (!json_slice_is_number(text))
            return WANTED;
        value = is_float ? (double)strtof(copy, NULL) : strtod(copy, NULL);
        if (isinf(value))
            return is_float ? "a number in the range of float" : "a number in the range of double";
    }
    if (is_float)
        *(float *)at = (float)value;
    else
        *(double *)at = value;
    return NULL;
}

/* All the names, for a person: an enum is short. */
static const char *enum_wanted(struct arena *arena, const ProtobufCEnumDescriptor *descriptor)
{
    struct buffer names;

    buffer_init(&names, arena, 0);
    buffer_puts(&names, "one of");
    for (unsigned i = 0; i < descriptor->n_values; i++)
        buffer_printf(&names, "%s %s", i > 0 ? "," : "", descriptor->values[i].name);
    return names.data;
}

static const char *read_enum(struct arena *arena, struct json_slice text, enum json_event event,
                             const ProtobufCEnumDescriptor *descriptor, void *at)
{
    if (event == JSON_EVENT_NUMBER)
        return read_int32(text, &INT32, at) ? enum_wanted(arena, descriptor) : NULL;

    size_t length;
    const char *name = json_slice_text(arena, text, &length);

    if (!name)
        return JSON_TOO_LARGE;

    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(descriptor, name);

    if (!value)
        return enum_wanted(arena, descriptor);
    *(int32_t *)at = value->value;
    return NULL;
}

static const char *read_bytes(struct arena *arena, struct json_slice text, void *at)
{
    uint8_t *data = arena_try_raw(arena, base64_decoded_bound(text.length));
    size_t length;

    if (!data)
        return JSON_TOO_LARGE;
    if (!base64_decode(BASE64_ANY, text.data, text.length, data, &length))
        return "bytes in base64";
    *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){.len = length, .data = data};
    return NULL;
}

static const char *read_string(struct arena *arena, struct json_slice text, void *at)
{
    size_t length;
    char *copy = json_slice_text(arena, text, &length);

    if (!copy)
        return JSON_TOO_LARGE;
    *(char **)at = copy;
    return NULL;
}

static const char *read_number(struct arena *arena, struct json_slice text,
                               const ProtobufCFieldDescriptor *field, void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return read_int32(text, &INT32, at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return read_int32(text, &UINT32, at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_int64(text, &INT64, at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return read_int64(text, &UINT64, at);
    case PROTOBUF_C_TYPE_FLOAT:
        return read_real(arena, text, true, at);
    default:
        return read_real(arena, text, false, at);
    }
}

const char *json_read_scalar(struct arena *arena, const struct json_scan *scan,
                             enum json_event event, const ProtobufCFieldDescriptor *field, void *at)
{
    bool is_string = event == JSON_EVENT_STRING;
    struct json_slice text = scan->token;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return is_string ? read_string(arena, text, at) : "a string";
    case PROTOBUF_C_TYPE_BOOL:
        if (event != JSON_EVENT_TRUE && event != JSON_EVENT_FALSE)
            return "true or false";
        *(protobuf_c_boolean *)at = event == JSON_EVENT_TRUE;
        return NULL;
    default:
        break;
    }
    if (is_string && !plain_text(arena, &text))
        return JSON_TOO_LARGE;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return is_string ? read_bytes(arena, text, at) : "bytes in base64, as a string";

    bool is_enum = field->type == PROTOBUF_C_TYPE_ENUM;

    if (!is_string && event != JSON_EVENT_NUMBER)
        return is_enum ? enum_wanted(arena, field->descriptor) : "a number";
    if (is_enum)
        return read_enum(arena, text, event, field->descriptor, at);
    return read_number(arena, text, field, at);
}

const char *json_read_key(struct arena *arena, struct json_slice key,
                          const ProtobufCFieldDescriptor *field, void *at)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return read_string(arena, key, at);
    if (!plain_text(arena, &key))
        return JSON_TOO_LARGE;
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        *(protobuf_c_boolean *)at = json_slice_is(key, "true");
        return json_slice_is(key, "true") || json_slice_is(key, "false")
                   ? NULL
                   : "\"true\" or \"false\" as the key";
    }
    return read_number(arena, key, field, at);
}
