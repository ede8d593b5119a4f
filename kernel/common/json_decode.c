/* json_decode.c - proto3 JSON straight into a message in the arena.
 *
 * The scanner answers one event at a time; a frame per open object or array says where its values
 * go. There is no recursion, and at most JSON_DEPTH_MAX frames. */
#include "json_decode.h"

#include "arena_grow.h"
#include "json_known.h"
#include "json_value.h"
#include "message_field.h"

#include <stdlib.h>
#include <string.h>

bool json_refuse(struct json_decoder *decoder, const char *wanted)
{
    decoder->wanted = wanted;
    return false;
}

static struct json_frame *push(struct json_decoder *decoder, enum json_frame_kind kind,
                               const struct message_schema *schema, ProtobufCMessage *message)
{
    // The scanner refuses what is deeper than the frames reach.
    struct json_frame *frame = &decoder->frames[decoder->depth++];

    *frame = (struct json_frame){.kind = kind, .schema = schema, .message = message, .field = -1};
    return frame;
}

static ProtobufCMessage *create_message(struct json_decoder *decoder,
                                        const struct message_schema *schema)
{
    ProtobufCMessage *message = arena_try_raw(decoder->arena, schema->descriptor->sizeof_message);

    if (message)
        schema->descriptor->message_init(message);
    else
        (void)json_refuse(decoder, JSON_TOO_LARGE);
    return message;
}

static bool open_message(struct json_decoder *decoder, const struct message_schema *schema,
                         ProtobufCMessage *message)
{
    struct json_frame *frame = push(decoder, JSON_FRAME_MESSAGE, schema, message);
    unsigned field_count = schema->descriptor->n_fields;

    frame->seen = &frame->seen_few;
    if (field_count > 64)
        frame->seen = arena_try_alloc(decoder->arena, (field_count + 63) / 64 * sizeof(uint64_t));
    return frame->seen || json_refuse(decoder, JSON_TOO_LARGE);
}

/* Looks ahead for "@type", which may stand anywhere in the object just opened. */
static bool find_any_type(const struct json_decoder *decoder, struct json_slice *ret_type)
{
    struct json_scan ahead = decoder->scan;

    for (int depth = ahead.depth; ahead.depth >= depth;) {
        enum json_event event = json_scan_next(&ahead);

        if (event == JSON_EVENT_PROBLEM)
            return false;
        if (event == JSON_EVENT_STRING && ahead.depth == depth &&
            json_slice_is(ahead.key, "@type")) {
            *ret_type = ahead.token;
            return true;
        }
        if (!json_scan_skip(&ahead, event))
            return false;
        if (event == JSON_EVENT_END)
            break;
    }
    return false;
}

static bool open_any(struct json_decoder *decoder, ProtobufCMessage *any)
{
    const struct message_schema *schema;
    struct json_slice type;
    size_t length;

    if (!find_any_type(decoder, &type))
        return json_refuse(decoder, "an object with \"@type\"");

    char *type_url = json_slice_text(decoder->arena, type, &length);

    if (!type_url)
        return json_refuse(decoder, JSON_TOO_LARGE);
    schema = json_any_schema(type_url, length);
    if (!schema || schema->well_known == WELL_KNOWN_ANY || schema->well_known == WELL_KNOWN_STRUCT)
        return json_refuse(decoder, "an \"@type\" that is known here");

    ProtobufCMessage *message = create_message(decoder, schema);

    if (!message || !open_message(decoder, schema, message))
        return false;
    decoder->frames[decoder->depth - 1].any = any;
    decoder->frames[decoder->depth - 1].any_type = type_url;
    return true;
}

static bool read_known(struct json_decoder *decoder, enum json_event event, enum well_known kind,
                       ProtobufCMessage *message)
{
    size_t length;

    if (event != JSON_EVENT_STRING)
        return json_refuse(decoder, kind == WELL_KNOWN_DURATION ? "a duration as a string"
                                                                : "a time as a string");

    const char *text = json_slice_text(decoder->arena, decoder->scan.token, &length);
    const char *wanted = text ? json_read_known(kind, text, length, message) : JSON_TOO_LARGE;

    return !wanted || json_refuse(decoder, wanted);
}

static bool read_message(struct json_decoder *decoder, enum json_event event,
                         const struct message_schema *schema, ProtobufCMessage **ret_message)
{
    enum well_known kind = schema->well_known;
    ProtobufCMessage *message = create_message(decoder, schema);

    if (!message)
        return false;
    *ret_message = message;
    if (kind == WELL_KNOWN_TIMESTAMP || kind == WELL_KNOWN_DURATION)
        return read_known(decoder, event, kind, message);
    if (kind == WELL_KNOWN_STRUCT)
        return json_refuse(decoder, "nothing: google.protobuf.Struct has no JSON form here");
    if (event != JSON_EVENT_OBJECT)
        return json_refuse(decoder, "an object");
    return kind == WELL_KNOWN_ANY ? open_any(decoder, message)
                                  : open_message(decoder, schema, message);
}

static bool read_value(struct json_decoder *decoder, enum json_event event,
                       const ProtobufCFieldDescriptor *field, const struct field_schema *schema,
                       void *at)
{
    if (event == JSON_EVENT_NULL)
        return json_refuse(decoder, "a value: null stands for an absent member only");
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(decoder, event, schema->message, at);

    const char *wanted = json_read_scalar(decoder->arena, &decoder->scan, event, field, at);

    return !wanted || json_refuse(decoder, wanted);
}

/* Members mostly come in the order of the fields, so the guess behind the last hit comes first. */
static int find_field(const struct json_decoder *decoder, const struct json_frame *frame,
                      struct json_slice key)
{
    const struct message_schema *schema = frame->schema;
    unsigned count = schema->descriptor->n_fields, guess = (unsigned)(frame->field + 1);

    for (unsigned i = 0; i < count; i++, guess++) {
        if (guess >= count)
            guess = 0;
        if (json_slice_is(key, schema->fields[guess].json_name))
            return (int)guess;
    }
    for (unsigned i = 0; i < count; i++)
        if (json_slice_is(key, schema->descriptor->fields[i].name))
            return (int)i;
    if (!key.has_escape)
        return -1;

    struct json_slice plain = {.has_escape = false};

    plain.data = json_slice_text(decoder->arena, key, &plain.length);
    return plain.data ? find_field(decoder, frame, plain) : -1;
}

/* "@type" was read ahead; a type with a JSON form of its own is the member "value". */
static bool read_any_member(struct json_decoder *decoder, struct json_frame *frame,
                            enum json_event event, bool *ret_is_done)
{
    *ret_is_done = true;
    if (json_slice_is(decoder->scan.key, "@type")) {
        if (frame->has_type)
            return json_refuse(decoder, "\"@type\" only once");
        frame->has_type = true;
        return true;
    }
    if (frame->schema->well_known != WELL_KNOWN_NONE) {
        if (!json_slice_is(decoder->scan.key, "value"))
            return json_refuse(decoder, "only \"@type\" and \"value\"");
        return read_known(decoder, event, frame->schema->well_known, frame->message);
    }
    *ret_is_done = false;
    return true;
}

static bool claim_oneof(struct json_decoder *decoder, struct json_frame *frame,
                        const ProtobufCFieldDescriptor *field)
{
    uint32_t *tag = (uint32_t *)(void *)((char *)frame->message + field->quantifier_offset);

    if (*tag != 0)
        return json_refuse(decoder, "nothing: another member of the same oneof is set");
    *tag = field->id;
    return true;
}

static bool open_list(struct json_decoder *decoder, struct json_frame *owner, enum json_event event,
                      bool is_map)
{
    if (event != (is_map ? JSON_EVENT_OBJECT : JSON_EVENT_ARRAY))
        return json_refuse(decoder, is_map ? "an object" : "a list");

    struct json_frame *frame =
        push(decoder, is_map ? JSON_FRAME_MAP : JSON_FRAME_LIST, owner->schema, owner->message);

    frame->field = owner->field;
    return true;
}

static bool read_member(struct json_decoder *decoder, struct json_frame *frame,
                        enum json_event event)
{
    bool is_done = false;

    if (frame->any && (!read_any_member(decoder, frame, event, &is_done) || is_done))
        return !decoder->wanted;

    int index = find_field(decoder, frame, decoder->scan.key);

    if (index < 0) {
        frame->is_unknown = true;
        if (!decoder->ignore_unknown)
            return json_refuse(decoder, "no such field");
        frame->is_unknown = false;
        return json_scan_skip(&decoder->scan, event) || json_refuse(decoder, decoder->scan.problem);
    }
    frame->field = index;

    const ProtobufCFieldDescriptor *field = &frame->schema->descriptor->fields[index];
    const struct field_schema *schema = &frame->schema->fields[index];
    uint64_t bit = (uint64_t)1 << (index % 64);

    if (frame->seen[index / 64] & bit)
        return json_refuse(decoder, "every member only once");
    frame->seen[index / 64] |= bit;
    if (event == JSON_EVENT_NULL)
        return true;
    if (field_is_repeated(field))
        return open_list(decoder, frame, event, (schema->flags & FIELD_MAP) != 0);
    if (field_is_in_oneof(field) && !claim_oneof(decoder, frame, field))
        return false;
    return read_value(decoder, event, field, schema, (char *)frame->message + field->offset);
}

/* Room for one more item of a list or map; NULL at the arena's limit. */
static void *add_item(struct json_decoder *decoder, struct json_frame *frame, size_t size)
{
    if (frame->count == frame->capacity) {
        size_t capacity = frame->capacity > 0 ? frame->capacity * 2 : 8;
        void *items = arena_try_raw(decoder->arena, capacity * size);

        if (!items) {
            (void)json_refuse(decoder, JSON_TOO_LARGE);
            return NULL;
        }
        if (frame->count > 0)
            memcpy(items, frame->items, frame->count * size);
        frame->items = items;
        frame->capacity = capacity;
    }
    return memset((char *)frame->items + frame->count++ * size, 0, size);
}

static bool read_item(struct json_decoder *decoder, struct json_frame *frame, enum json_event event)
{
    const ProtobufCFieldDescriptor *field = &frame->schema->descriptor->fields[frame->field];
    void *at = add_item(decoder, frame, field_item_size(field));

    return at && read_value(decoder, event, field, &frame->schema->fields[frame->field], at);
}

static bool read_entry(struct json_decoder *decoder, struct json_frame *frame,
                       enum json_event event)
{
    const struct message_schema *schema = frame->schema->fields[frame->field].message;
    const ProtobufCFieldDescriptor *key = &schema->descriptor->fields[0], *value = key + 1;
    size_t length;

    frame->key = json_slice_text(decoder->arena, decoder->scan.key, &length);

    ProtobufCMessage **at = frame->key ? add_item(decoder, frame, sizeof(*at)) : NULL;
    ProtobufCMessage *entry = at ? create_message(decoder, schema) : NULL;

    if (!entry)
        return json_refuse(decoder, JSON_TOO_LARGE);
    *at = entry;

    const char *wanted =
        json_read_key(decoder->arena, decoder->scan.key, key, (char *)entry + key->offset);

    if (wanted)
        return json_refuse(decoder, wanted);
    return read_value(decoder, event, value, &schema->fields[1], (char *)entry + value->offset);
}

static int compare_entries(const void *a, const void *b)
{
    return map_entry_compare(*(ProtobufCMessage *const *)a, *(ProtobufCMessage *const *)b);
}

/* Sorts a copy: a table of keys would cost a hostile request more memory than it sent. */
static bool check_keys(struct json_decoder *decoder, struct json_frame *frame)
{
    size_t size = frame->count * sizeof(ProtobufCMessage *);
    ProtobufCMessage **entries = frame->count > 1 ? arena_try_raw(decoder->arena, size) : NULL;

    if (frame->count < 2)
        return true;
    if (!entries)
        return json_refuse(decoder, JSON_TOO_LARGE);
    memcpy(entries, frame->items, size);
    qsort(entries, frame->count, sizeof(entries[0]), compare_entries);
    frame->key = NULL;
    for (size_t i = 1; i < frame->count; i++)
        if (compare_entries(&entries[i - 1], &entries[i]) == 0)
            return json_refuse(decoder, "every key only once");
    return true;
}

static bool close_frame(struct json_decoder *decoder, struct json_frame *frame)
{
    if (frame->kind == JSON_FRAME_MAP && !check_keys(decoder, frame))
        return false;
    decoder->depth--;
    if (frame->kind == JSON_FRAME_MESSAGE)
        return !frame->any ||
               json_any_pack(decoder->arena, frame->any_type, frame->message, frame->any) ||
               json_refuse(decoder, JSON_TOO_LARGE);

    const ProtobufCFieldDescriptor *field = &frame->schema->descriptor->fields[frame->field];
    char *message = (char *)frame->message;

    *(size_t *)(void *)(message + field->quantifier_offset) = frame->count;
    *(void **)(void *)(message + field->offset) = frame->items;
    return true;
}

static bool take_event(struct json_decoder *decoder, enum json_event event)
{
    struct json_frame *frame = &decoder->frames[decoder->depth - 1];

    if (event == JSON_EVENT_PROBLEM)
        return json_refuse(decoder, decoder->scan.problem);
    if (event == JSON_EVENT_END)
        return close_frame(decoder, frame);
    switch (frame->kind) {
    case JSON_FRAME_MESSAGE:
        return read_member(decoder, frame, event);
    case JSON_FRAME_LIST:
        return read_item(decoder, frame, event);
    case JSON_FRAME_MAP:
        return read_entry(decoder, frame, event);
    }
    return false;
}

static bool decode(struct json_decoder *decoder, const struct message_schema *schema,
                   ProtobufCMessage **ret_message)
{
    enum json_event event = json_scan_next(&decoder->scan);

    if (event == JSON_EVENT_PROBLEM)
        return json_refuse(decoder, decoder->scan.problem);
    if (!read_message(decoder, event, schema, ret_message))
        return false;
    while (decoder->depth > 0)
        if (!take_event(decoder, json_scan_next(&decoder->scan)))
            return false;
    return json_scan_next(&decoder->scan) == JSON_EVENT_DONE ||
           json_refuse(decoder, decoder->scan.problem);
}

struct status json_decode(struct arena *arena, const struct message_schema *schema,
                          const char *text, size_t length, bool ignore_unknown,
                          ProtobufCMessage **ret_message)
{
    ProtobufCMessage *message = NULL;
    struct json_decoder decoder; // the frames are left as they are: each is set when it opens

    decoder.arena = arena;
    decoder.text = text;
    decoder.ignore_unknown = ignore_unknown;
    decoder.wanted = NULL;
    decoder.depth = 0;
    json_scan_init(&decoder.scan, text, length);
    if (!decode(&decoder, schema, &message))
        return json_refusal(&decoder);
    *ret_message = message;
    return status_ok();
}
