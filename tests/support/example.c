/* example.c - compares published events with their examples. */
#include "example.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/str.h"
#include "common/uuid.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLE_MAX = 1024 * 1024, IDS_MAX = 1000 };

static const char *path_of(struct arena *arena, const struct message_schema *body);
static char *read_example(struct arena *arena, const char *path, size_t *ret_length);
static const uint8_t *published(struct arena *arena, const char *schema,
                                const struct message_schema *body, size_t *ret_length);
static const char *decoded(struct arena *arena, const struct message_schema *body,
                           const uint8_t *payload, size_t length);
static const char *json_of(struct arena *arena, const struct message_schema *body,
                           const ProtobufCMessage *message);
static const char *normalized(struct arena *arena, const char *json);
static const char *copy_string(struct buffer *out, const char *json, char (*ids)[37],
                               size_t *id_count);

void then_published_as_example(const char *schema, const struct message_schema *body)
{
    struct arena *arena = arena_create(EXAMPLE_MAX * 16);
    size_t length;
    const uint8_t *payload = published(arena, schema, body, &length);

    then_payload_as_example(body, payload, length);
    arena_destroy(arena);
}

void then_payload_as_example(const struct message_schema *body, const void *payload, size_t length)
{
    struct arena *arena = arena_create(EXAMPLE_MAX * 16);
    const char *path = path_of(arena, body);
    const char *came = decoded(arena, body, payload, length);
    size_t old_length;

    if (read_example(arena, path, &old_length) == NULL && getenv("TORG_WRITE_EXAMPLES") != NULL) {
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        fprintf(file, "%s\n", came);
        fclose(file);
    }
    const char *wanted = json_of(arena, body, example_of(arena, body));
    ck_assert_str_eq(normalized(arena, came), normalized(arena, wanted));
    arena_destroy(arena);
}

const void *example_of(struct arena *arena, const struct message_schema *body)
{
    ProtobufCMessage *message = NULL;
    size_t length;

    char *json = read_example(arena, path_of(arena, body), &length);
    ck_assert_msg(json != NULL, "there is no example of %s", body->descriptor->name);
    struct status status = json_decode(arena, body, json, length, false, &message);
    ck_assert_msg(status.code == STATUS_OK, "%s: %s", body->descriptor->name,
                  str_or_empty(status.detail));
    return message;
}

static const char *path_of(struct arena *arena, const struct message_schema *body)
{
    return arena_printf(arena, "%s/tests/contract/events/%s.json", SOURCE_DIR,
                        body->descriptor->name);
}

static char *read_example(struct arena *arena, const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return NULL;
    char *text = arena_alloc(arena, EXAMPLE_MAX + 1);
    *ret_length = fread(text, 1, EXAMPLE_MAX, file);
    fclose(file);
    return text;
}

/* The newest event of the type. The type is found by its header, ce_type. */
static const uint8_t *published(struct arena *arena, const char *schema,
                                const struct message_schema *body, size_t *ret_length)
{
    const char *name = body->descriptor->name;

    const char *hex =
        world_sql_text("SELECT encode(payload, 'hex') FROM %s.outbox"
                       " WHERE position(convert_to('ce_type', 'UTF8') || '\\x00%02zx'::bytea"
                       "                || convert_to('%s', 'UTF8') IN headers) > 0"
                       " ORDER BY seq DESC LIMIT 1",
                       schema, strlen(name), name);
    ck_assert_msg(hex != NULL, "no %s was published", name);
    *ret_length = strlen(hex) / 2;
    uint8_t *payload = arena_alloc(arena, *ret_length);
    ck_assert(str_from_hex(hex, payload, *ret_length));
    return payload;
}

/* As proto3 JSON. */
static const char *decoded(struct arena *arena, const struct message_schema *body,
                           const uint8_t *payload, size_t length)
{
    ProtobufCMessage *message =
        protobuf_c_message_unpack(body->descriptor, arena_protobuf(arena), length, payload);
    ck_assert_msg(message != NULL, "%s does not decode", body->descriptor->name);
    return json_of(arena, body, message);
}

static const char *json_of(struct arena *arena, const struct message_schema *body,
                           const ProtobufCMessage *message)
{
    struct buffer json;

    buffer_init(&json, arena, 1024);
    json_encode(&json, body, message, false);
    return json.data;
}

/* Ids become their order of appearance, times "time". */
static const char *normalized(struct arena *arena, const char *json)
{
    char(*ids)[37] = arena_calloc(arena, IDS_MAX, sizeof *ids);
    size_t id_count = 0;
    struct buffer out;

    buffer_init(&out, arena, 1024);
    while (*json != '\0') {
        if (*json == '"')
            json = copy_string(&out, json, ids, &id_count);
        else
            buffer_putc(&out, *json++);
    }
    return out.data;
}

/* Takes one string, opening quote first; answers what follows it. */
static const char *copy_string(struct buffer *out, const char *json, char (*ids)[37],
                               size_t *id_count)
{
    const char *end = json + 1;
    struct uuid id;
    int64_t time_us;
    size_t i = 0;

    while (*end != '"' && *end != '\0')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    char *text = arena_strndup(out->arena, json + 1, (size_t)(end - json - 1));
    if (uuid_parse(text, &id)) {
        while (i < *id_count && !str_equal(ids[i], text))
            i++;
        ck_assert_uint_lt(i, IDS_MAX);
        if (i == *id_count)
            memcpy(ids[(*id_count)++], text, sizeof *ids);
        buffer_printf(out, "\"id %zu\"", i + 1);
    } else if (clock_parse(text, &time_us)) {
        buffer_puts(out, "\"time\"");
    } else {
        buffer_printf(out, "\"%s\"", text);
    }
    return *end == '"' ? end + 1 : end;
}
