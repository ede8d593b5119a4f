/* schema_validate.c - what a wire decoder lets through, found by walking the schema.
 *
 * Iterative, a frame per open message. A NUL inside a string cannot be seen here: protobuf-c hands
 * on what stands before it, and that is what everybody uses. */
#include "line.h"
#include "message_field.h"
#include "rfc3339.h"

#include "common/json.h"
#include "common/str.h"
#include "common/uuid.h"

#include <string.h>

enum { FINDINGS_MAX = 20, ENUM_NAMES_MAX = 10, NANOS = 1000000000 };

#define DURATION_SECONDS_MAX 315576000000

struct frame {
    const struct message_schema *schema;
    const ProtobufCMessage *message;
    unsigned next_field;
    bool is_open; // the field before next_field is a list or map whose items are being walked
    size_t next_item, count;
};

struct walk {
    schema_refuse *refuse;
    void *closure;
    int findings;
    int depth;
    struct frame frames[JSON_DEPTH_MAX];
};

static void add_map_key(struct line *path, const ProtobufCMessage *entry)
{
    const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
    const void *at = field_at(entry, key);

    line_add(path, "[\"");
    if (key->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = str_or_empty(*(const char *const *)at);

        line_add_excerpt(path, text, strlen(text));
    } else if (key->type == PROTOBUF_C_TYPE_BOOL) {
        line_add(path, "%s", *(const protobuf_c_boolean *)at ? "true" : "false");
    } else if (field_item_size(key) == 8) {
        line_add(path, "%lld", *(const long long *)at);
    } else {
        line_add(path, "%d", *(const int32_t *)at);
    }
    line_add(path, "\"]");
}

static const ProtobufCMessage *entry_of(const ProtobufCMessage *message,
                                        const ProtobufCFieldDescriptor *field, size_t index)
{
    return (*(const ProtobufCMessage *const *const *)field_at(message, field))[index];
}

/* lines[2].quantity; answers whether any part of the way is personal data. */
static bool describe(const struct walk *walk, struct line *path)
{
    bool is_personal = false;

    for (int i = 0; i < walk->depth; i++) {
        const struct frame *frame = &walk->frames[i];
        const struct field_schema *field = &frame->schema->fields[frame->next_field - 1];

        is_personal |= (field->flags & FIELD_PERSONAL) != 0;
        line_add(path, "%s%s", i > 0 ? "." : "", field->json_name);
        if (!frame->is_open)
            continue;
        if (field->flags & FIELD_MAP)
            add_map_key(path, entry_of(frame->message,
                                       &frame->schema->descriptor->fields[frame->next_field - 1],
                                       frame->next_item - 1));
        else
            line_add(path, "[%zu]", frame->next_item - 1);
    }
    return is_personal;
}

static void find(struct walk *walk, const struct line *value, const char *allowed)
{
    struct line path = {0};
    bool is_personal = describe(walk, &path);

    walk->findings++;
    walk->refuse(walk->closure, path.text, is_personal ? "" : value->text, allowed);
}

static void find_text(struct walk *walk, const char *text, size_t length, const char *allowed)
{
    struct line value = {0};

    line_add_excerpt(&value, text, length);
    find(walk, &value, allowed);
}

static void find_excess(struct walk *walk, size_t count, uint32_t max, const char *unit)
{
    struct line value = {0}, allowed = {0};

    line_add(&value, "%zu %s", count, unit);
    line_add(&allowed, "at most %u %s", max, unit);
    find(walk, &value, allowed.text);
}

static bool is_canonical_uuid(const char *text)
{
    struct uuid id;
    char canonical[UUID_TEXT_LENGTH + 1];

    if (!uuid_parse(text, &id))
        return false;
    uuid_format(id, canonical);
    return strcmp(text, canonical) == 0;
}

static void check_string(struct walk *walk, const struct field_schema *schema, const char *text,
                         bool is_required, bool is_item)
{
    size_t length = strlen(text);

    if (is_required && length == 0)
        find_text(walk, "", 0, "a text: it is required");
    else if (length > schema->max_length)
        find_excess(walk, length, schema->max_length, "bytes");
    else if (!str_is_utf8(text, length))
        find_text(walk, text, length, "well-formed UTF-8");
    else if (schema->flags & FIELD_UUID && (length > 0 || is_item) && !is_canonical_uuid(text))
        find_text(walk, text, length,
                  "a UUID in lower case, as in 0193549b-0a3c-7000-8000-000000000001");
}

static void check_bytes(struct walk *walk, const struct field_schema *schema,
                        ProtobufCBinaryData bytes, bool is_required)
{
    if (is_required && bytes.len == 0)
        find_text(walk, "", 0, "some bytes: they are required");
    else if (bytes.len > schema->max_length)
        find_excess(walk, bytes.len, schema->max_length, "bytes");
}

static void check_enum(struct walk *walk, const ProtobufCEnumDescriptor *descriptor, int32_t number,
                       bool is_required)
{
    if (protobuf_c_enum_descriptor_get_value(descriptor, number) && !(is_required && number == 0))
        return;

    struct line value = {0}, allowed = {0};
    unsigned named = 0;

    line_add(&value, "%d", number);
    line_add(&allowed, "one of");
    for (unsigned i = 0; i < descriptor->n_values && named < ENUM_NAMES_MAX; i++)
        if (descriptor->values[i].value != 0 || !is_required)
            line_add(&allowed, "%s %s", named++ > 0 ? "," : "", descriptor->values[i].name);
    if (descriptor->n_values > ENUM_NAMES_MAX)
        line_add(&allowed, ", ...");
    find(walk, &value, allowed.text);
}

static __int128 read_integer(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return *(const uint64_t *)at;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return *(const uint32_t *)at;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return *(const int64_t *)at;
    default:
        return *(const int32_t *)at;
    }
}

static void check_range(struct walk *walk, const ProtobufCFieldDescriptor *field,
                        const struct field_schema *schema, const void *at)
{
    bool has_min = schema->flags & FIELD_HAS_MIN, has_max = schema->flags & FIELD_HAS_MAX;
    __int128 number = has_min || has_max ? read_integer(field, at) : 0;

    if ((!has_min || number >= schema->min) && (!has_max || number <= schema->max))
        return;

    struct line value = {0}, allowed = {0};

    if (number > INT64_MAX)
        line_add(&value, "%llu", (unsigned long long)number);
    else
        line_add(&value, "%lld", (long long)number);
    if (has_min && has_max)
        line_add(&allowed, "from %lld to %lld", (long long)schema->min, (long long)schema->max);
    else if (has_min)
        line_add(&allowed, "at least %lld", (long long)schema->min);
    else
        line_add(&allowed, "at most %lld", (long long)schema->max);
    find(walk, &value, allowed.text);
}

static bool is_timestamp(int64_t seconds, int32_t nanos)
{
    return seconds >= RFC3339_SECONDS_MIN && seconds <= RFC3339_SECONDS_MAX && nanos >= 0 &&
           nanos < NANOS;
}

static bool is_duration(int64_t seconds, int32_t nanos)
{
    return seconds >= -DURATION_SECONDS_MAX && seconds <= DURATION_SECONDS_MAX && nanos > -NANOS &&
           nanos < NANOS && !(seconds > 0 && nanos < 0) && !(seconds < 0 && nanos > 0);
}

static void check_known(struct walk *walk, enum well_known kind, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *fields = message->descriptor->fields;
    int64_t seconds = *(const int64_t *)field_at(message, &fields[0]);
    int32_t nanos = *(const int32_t *)field_at(message, &fields[1]);
    bool is_time = kind == WELL_KNOWN_TIMESTAMP;

    if (is_time ? is_timestamp(seconds, nanos) : is_duration(seconds, nanos))
        return;

    struct line value = {0};

    line_add(&value, "%lld s and %d ns", (long long)seconds, nanos);
    find(walk, &value,
         is_time ? "a time in the years 0001 to 9999, nanos from 0 to 999999999"
                 : "a duration of at most 10000 years, both parts of one sign");
}

static void open_message(struct walk *walk, const struct message_schema *schema,
                         const ProtobufCMessage *message)
{
    if (!message)
        return;
    if (schema->well_known == WELL_KNOWN_TIMESTAMP || schema->well_known == WELL_KNOWN_DURATION) {
        check_known(walk, schema->well_known, message);
        return;
    }
    if (walk->depth == JSON_DEPTH_MAX) {
        find_text(walk, "", 0, "less nesting");
        return;
    }
    walk->frames[walk->depth++] = (struct frame){.schema = schema, .message = message};
}

static void check_value(struct walk *walk, const ProtobufCFieldDescriptor *field,
                        const struct field_schema *schema, const void *at, bool is_item)
{
    bool is_required = schema->flags & FIELD_REQUIRED && !is_item;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        check_string(walk, schema, str_or_empty(*(const char *const *)at), is_required, is_item);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        check_bytes(walk, schema, *(const ProtobufCBinaryData *)at, is_required);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        check_enum(walk, field->descriptor, *(const int32_t *)at, is_required);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        open_message(walk, schema->message, *(const ProtobufCMessage *const *)at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        break;
    default:
        check_range(walk, field, schema, at);
    }
}

/* On the wire the last of equal keys would win, but protobuf-c keeps them all, and code behind
 * looks up the first, counts entries, and writes JSON that must not name a member twice. No writer
 * of maps makes one. The entries are few: max_items bounds what is compared. */
static void check_key(struct walk *walk, const ProtobufCFieldDescriptor *field,
                      const struct frame *frame, size_t index)
{
    const ProtobufCMessage *entry = entry_of(frame->message, field, index);

    for (size_t i = 0; i < index; i++)
        if (map_entry_compare(entry_of(frame->message, field, i), entry) == 0) {
            find_text(walk, "", 0, "every key only once");
            return;
        }
}

static void check_item(struct walk *walk, struct frame *frame)
{
    const ProtobufCFieldDescriptor *field =
        &frame->schema->descriptor->fields[frame->next_field - 1];
    const struct field_schema *schema = &frame->schema->fields[frame->next_field - 1];
    size_t index = frame->next_item++;

    if (!(schema->flags & FIELD_MAP)) {
        const char *items = *(const char *const *)field_at(frame->message, field);

        check_value(walk, field, schema, items + index * field_item_size(field), true);
        return;
    }

    const ProtobufCMessage *entry = entry_of(frame->message, field, index);
    const ProtobufCFieldDescriptor *parts = entry->descriptor->fields;

    check_key(walk, field, frame, index);
    for (int i = 0; i < 2; i++)
        check_value(walk, &parts[i], &schema->message->fields[i], field_at(entry, &parts[i]), true);
}

static void check_field(struct walk *walk, struct frame *frame)
{
    const ProtobufCFieldDescriptor *field = &frame->schema->descriptor->fields[frame->next_field];
    const struct field_schema *schema = &frame->schema->fields[frame->next_field];
    bool is_required = schema->flags & FIELD_REQUIRED;

    frame->next_field++;
    frame->is_open = false;
    if (field_is_repeated(field)) {
        size_t count = field_count(frame->message, field);

        if (is_required && count == 0)
            find_text(walk, "", 0, "at least one item: it is required");
        else if (count > schema->max_items)
            find_excess(walk, count, schema->max_items, "items");
        frame->count = count <= schema->max_items ? count : 0;
        frame->next_item = 0;
        return;
    }
    frame->count = frame->next_item = 0;
    if (field_is_set(frame->message, field)) {
        check_value(walk, field, schema, field_at(frame->message, field), false);
        return;
    }
    // Which member of a real oneof is set is the sender's choice.
    if (is_required && (schema->flags & FIELD_PRESENCE || !field_is_in_oneof(field)))
        find_text(walk, "", 0, "a value: it is required");
}

bool schema_validate(const struct message_schema *schema, const ProtobufCMessage *message,
                     schema_refuse *refuse, void *closure)
{
    struct walk walk;

    walk.refuse = refuse; // the frames are left as they are: each is set when it opens
    walk.closure = closure;
    walk.findings = 0;
    walk.depth = 0;
    open_message(&walk, schema, message);
    while (walk.depth > 0 && walk.findings < FINDINGS_MAX) {
        struct frame *frame = &walk.frames[walk.depth - 1];

        if (frame->next_item < frame->count) {
            frame->is_open = true;
            check_item(&walk, frame);
        } else if (frame->next_field < frame->schema->descriptor->n_fields) {
            check_field(&walk, frame);
        } else {
            walk.depth--;
        }
    }
    return walk.findings == 0;
}
