/* json_known.c - JSON of the well-known types, by the position of their fields. */
#define _GNU_SOURCE // memrchr
#include "json_known.h"

#include "arena_grow.h"
#include "buffer_reserve.h"
#include "digits.h"
#include "message_field.h"
#include "rfc3339.h"

#include <assert.h>
#include <string.h>

enum { NANOS = 1000000000, FIRST = 0, SECOND = 1, KNOWN_MAX = 40 };

#define DURATION_SECONDS_MAX                                                                       \
    315576000000 /* 10,000 years, as google/protobuf/duration.proto says                           \
                  */

static void *field_of(ProtobufCMessage *message, int position)
{
    return (char *)message + message->descriptor->fields[position].offset;
}

static size_t format_duration(int64_t seconds, int32_t nanos, char out[KNOWN_MAX])
{
    bool negative = seconds < 0 || (seconds == 0 && nanos < 0);
    uint64_t whole = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;
    uint32_t rest = nanos < 0 ? -(uint32_t)nanos : (uint32_t)nanos;
    char *at = out;

    if (whole > DURATION_SECONDS_MAX)
        whole = DURATION_SECONDS_MAX;
    if (rest >= NANOS)
        rest = NANOS - 1;
    if (negative)
        *at++ = '-';
    at += digits_of_uint64(whole, at);
    at += rfc3339_fraction((int32_t)rest, at);
    *at++ = 's';
    return (size_t)(at - out);
}

void json_put_known(struct buffer *out, enum well_known kind, const ProtobufCMessage *message)
{
    char text[KNOWN_MAX];
    int64_t seconds = 0;
    int32_t nanos = 0;

    if (message) {
        const ProtobufCFieldDescriptor *fields = message->descriptor->fields;

        seconds = *(const int64_t *)field_at(message, &fields[FIRST]);
        nanos = *(const int32_t *)field_at(message, &fields[SECOND]);
    }

    size_t length = kind == WELL_KNOWN_DURATION ? format_duration(seconds, nanos, text)
                                                : rfc3339_format(seconds, nanos, text);

    buffer_putc(out, '"');
    buffer_append(out, text, length);
    buffer_putc(out, '"');
}

/* -?digits[.1-9 digits]s */
static bool parse_duration(const char *text, size_t length, int64_t *ret_seconds,
                           int32_t *ret_nanos)
{
    const char *at = text, *end = text + length;
    bool negative = at < end && *at == '-';
    int64_t seconds = 0;
    int32_t nanos = 0, scale = NANOS;
    const char *digits = at += negative;

    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        seconds = seconds * 10 + (*at - '0');
        if (seconds > DURATION_SECONDS_MAX)
            return false;
    }
    if (at == digits)
        return false;
    if (at < end && *at == '.') {
        for (at++; at < end && *at >= '0' && *at <= '9' && scale > 1; at++) {
            scale /= 10;
            nanos += (*at - '0') * scale;
        }
        if (scale == NANOS)
            return false;
    }
    if (end - at != 1 || *at != 's' || (seconds == DURATION_SECONDS_MAX && nanos > 0))
        return false;
    *ret_seconds = negative ? -seconds : seconds;
    *ret_nanos = negative ? -nanos : nanos;
    return true;
}

const char *json_read_known(enum well_known kind, const char *text, size_t length,
                            ProtobufCMessage *message)
{
    int64_t *seconds = field_of(message, FIRST);
    int32_t *nanos = field_of(message, SECOND);

    if (kind == WELL_KNOWN_DURATION)
        return parse_duration(text, length, seconds, nanos)
                   ? NULL
                   : "a duration in seconds, as in \"1.5s\"";
    return rfc3339_parse(text, length, seconds, nanos)
               ? NULL
               : "a time as RFC 3339 writes it, as in \"2026-11-23T10:20:30Z\"";
}

/* Written once at start-up, before there are threads. */
static const struct message_schema *const *any_types;
static size_t any_type_count;

void json_set_any_types(const struct message_schema *const *types, size_t count)
{
    any_types = types;
    any_type_count = count;
}

const struct message_schema *json_any_schema(const char *type_url, size_t length)
{
    const char *slash = memrchr(type_url, '/', length);

    if (!slash)
        return NULL;

    const char *name = slash + 1;
    size_t name_length = length - (size_t)(name - type_url);

    for (size_t i = 0; i < any_type_count; i++) {
        const char *known = any_types[i]->descriptor->name;

        if (strlen(known) == name_length && memcmp(known, name, name_length) == 0)
            return any_types[i];
    }
    return NULL;
}

const char *json_any_type_url(const ProtobufCMessage *any)
{
    return str_or_empty(*(char *const *)field_at(any, &any->descriptor->fields[FIRST]));
}

ProtobufCBinaryData json_any_value(const ProtobufCMessage *any)
{
    return *(const ProtobufCBinaryData *)field_at(any, &any->descriptor->fields[SECOND]);
}

ProtobufCMessage *json_any_unpack(struct arena *arena, const struct message_schema *schema,
                                  const ProtobufCMessage *any)
{
    ProtobufCBinaryData value = json_any_value(any);

    return protobuf_c_message_unpack(schema->descriptor, arena_protobuf(arena), value.len,
                                     value.data);
}

bool json_any_pack(struct arena *arena, const char *type_url, const ProtobufCMessage *message,
                   ProtobufCMessage *any)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    uint8_t *data = arena_try_raw(arena, length);

    if (!data)
        return false;
    (void)protobuf_c_message_pack(message, data);
    *(const char **)field_of(any, FIRST) = type_url;
    *(ProtobufCBinaryData *)field_of(any, SECOND) =
        (ProtobufCBinaryData){.len = length, .data = data};
    return true;
}
