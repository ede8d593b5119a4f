/* json_property_test.c - what holds for every message and every byte sequence. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"
#include "kinds.schema.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct random dice;

static void set_up(void)
{
    arena = arena_create((size_t)8 << 20);
    dice.state = 20261123;
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static const char *random_text(void)
{
    static const char *const PIECES[] = {
        "a",
        "Z",
        "\"",
        "\\",
        "\n",
        "\x01",
        "\x1F",
        " ",
        "\x7F",
        "\xC3\xA4",
        "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80",
        "0123456789abcdef",
        "/",
        "\xEF\xBF\xBD",
        "{}",
        "\t",
    };
    struct buffer text;

    buffer_init(&text, arena, 0);
    for (uint64_t n = random_below(&dice, 12); n > 0; n--)
        buffer_puts(&text, PIECES[random_below(&dice, ARRAY_LEN(PIECES))]);
    return text.data;
}

static ProtobufCMessage *random_message(const struct message_schema *schema, int depth);

/* Any value that has a JSON form; a zero often enough. */
static void fill(const ProtobufCFieldDescriptor *field, const struct field_schema *schema, void *at,
                 int depth)
{
    int64_t number = random_int64(&dice);

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(const char **)at = random_text();
        break;
    case PROTOBUF_C_TYPE_BYTES: {
        const char *text = random_text();

        *(ProtobufCBinaryData *)at =
            (ProtobufCBinaryData){strlen(text), (uint8_t *)arena_strdup(arena, text)};
        break;
    }
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = (protobuf_c_boolean)random_below(&dice, 2);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(at, &number, sizeof(number));
        if (isnan(*(double *)at))
            *(double *)at = 1.0 / 3.0;
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        memcpy(at, &number, sizeof(float));
        if (isnan(*(float *)at))
            *(float *)at = 1.0F / 3.0F;
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)at = random_message(schema->message, depth + 1);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        *(int64_t *)at = number;
        break;
    default:
        *(int32_t *)at = (int32_t)number;
    }
}

static void fill_known(ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *fields = message->descriptor->fields;

    *(int64_t *)(void *)((char *)message + fields[0].offset) =
        (int64_t)random_below(&dice, 200000000000);
    *(int32_t *)(void *)((char *)message + fields[1].offset) =
        (int32_t)random_below(&dice, 2) * (int32_t)random_below(&dice, 1000000000);
}

/* Keys of a map are distinct: the item's number is part of them. */
static void fill_list(const ProtobufCFieldDescriptor *field, const struct field_schema *schema,
                      char *message, int depth)
{
    size_t count = (size_t)random_below(&dice, 4), size = 16;
    char *items = arena_calloc(arena, count, size);
    bool is_pointer =
        field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

    if (is_pointer || field->type == PROTOBUF_C_TYPE_INT64 ||
        field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_DOUBLE)
        size = 8;
    else if (field->type != PROTOBUF_C_TYPE_BYTES)
        size = 4;
    for (size_t i = 0; i < count; i++) {
        fill(field, schema, items + i * size, depth);
        if (!(schema->flags & FIELD_MAP))
            continue;

        ProtobufCMessage *entry = *(ProtobufCMessage **)(void *)(items + i * size);
        const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
        void *at = (char *)entry + key->offset;

        if (key->type == PROTOBUF_C_TYPE_STRING)
            *(const char **)at = arena_printf(arena, "%zu%s", i, random_text());
        else if (key->type == PROTOBUF_C_TYPE_BOOL)
            count = count > 2 ? 2 : count, *(protobuf_c_boolean *)at = (int)i;
        else
            *(int32_t *)at = (int32_t)i;
    }
    *(size_t *)(void *)(message + field->quantifier_offset) = count;
    *(void **)(void *)(message + field->offset) = items;
}

static ProtobufCMessage *random_message(const struct message_schema *schema, int depth)
{
    ProtobufCMessage *message = arena_alloc(arena, schema->descriptor->sizeof_message);

    schema->descriptor->message_init(message);
    if (schema->well_known == WELL_KNOWN_TIMESTAMP || schema->well_known == WELL_KNOWN_DURATION) {
        fill_known(message);
        return message;
    }
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
        const struct field_schema *extra = &schema->fields[i];
        bool is_entry = schema->descriptor->n_fields == 2 && depth > 0 &&
                        strstr(schema->descriptor->name, "Entry");

        if (extra->message && extra->message->well_known == WELL_KNOWN_ANY)
            continue;
        if (!is_entry && random_below(&dice, 3) == 0)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            fill_list(field, extra, (char *)message, depth);
            continue;
        }
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            *(uint32_t *)(void *)((char *)message + field->quantifier_offset) = field->id;
        fill(field, extra, (char *)message + field->offset, depth);
    }
    return message;
}

static ProtobufCBinaryData packed(const ProtobufCMessage *message)
{
    ProtobufCBinaryData bytes = {.len = protobuf_c_message_get_packed_size(message)};

    bytes.data = arena_alloc(arena, bytes.len);
    (void)protobuf_c_message_pack(message, bytes.data);
    return bytes;
}

static struct buffer random_document(bool with_defaults, const ProtobufCMessage **ret_message)
{
    struct buffer text;

    *ret_message = random_message(&torg__test__v1__kinds__schema, 0);
    buffer_init(&text, arena, 0);
    json_encode(&text, &torg__test__v1__kinds__schema, *ret_message, with_defaults);
    return text;
}

static struct status decode(const char *text, size_t length, ProtobufCMessage **ret_message)
{
    return json_decode(arena, &torg__test__v1__kinds__schema, text, length, false, ret_message);
}

/* Equal on the wire: that is what equal means for messages. */
START_TEST(a_message_survives_the_round_trip_through_json)
{
    for (int n = 0; n < 2000; n++) {
        const ProtobufCMessage *message;
        ProtobufCMessage *back = NULL;
        struct buffer text = random_document(n % 2, &message);
        struct status st = decode(text.data, text.length, &back);

        ck_assert_msg(st.code == STATUS_OK, "%s\n%s", st.detail, text.data);

        ProtobufCBinaryData before = packed(message), after = packed(back);

        ck_assert_msg(before.len == after.len && memcmp(before.data, after.data, before.len) == 0,
                      "%s", text.data);
        arena_reset(arena);
    }
}
END_TEST

START_TEST(the_encoder_writes_what_the_plain_parser_reads)
{
    for (int n = 0; n < 500; n++) {
        const ProtobufCMessage *message;
        const struct json_node *root;
        struct buffer text = random_document(true, &message);
        struct status st = json_parse(arena, text.data, text.length, &root);

        ck_assert_msg(st.code == STATUS_OK, "%s\n%s", st.detail, text.data);
        arena_reset(arena);
    }
}
END_TEST

/* Each in memory of its own exact size, so that a sanitizer sees any byte read beyond. */
START_TEST(every_truncation_is_refused)
{
    for (int n = 0; n < 20; n++) {
        const ProtobufCMessage *message;
        struct buffer text = random_document(n % 2, &message);

        for (size_t length = 0; length < text.length; length++) {
            char *exact = malloc(length + 1);
            ProtobufCMessage *back;
            const struct json_node *root;

            memcpy(exact + 1, text.data, length);

            struct status st = decode(exact + 1, length, &back);
            struct status tree = json_parse(arena, exact + 1, length, &root);

            ck_assert_int_eq(st.code, STATUS_INVALID_ARGUMENT);
            ck_assert_int_eq(tree.code, STATUS_INVALID_ARGUMENT);
            free(exact);
        }
        arena_reset(arena);
    }
}
END_TEST

START_TEST(a_mutation_is_refused_or_means_a_message)
{
    for (int n = 0; n < 20000; n++) {
        const ProtobufCMessage *message;
        ProtobufCMessage *back;
        struct buffer text, again;

        if (n % 50 == 0) {
            arena_reset(arena);
            dice.state = (uint64_t)n;
        }
        text = random_document(false, &message);
        for (uint64_t i = 1 + random_below(&dice, 3); i > 0; i--) {
            static const char BYTES[] = "{}[]\",:\\0-eu\x00\xFF\xC3tnf .";

            text.data[random_below(&dice, text.length)] = BYTES[random_below(&dice, sizeof(BYTES))];
        }

        struct status st = decode(text.data, text.length, &back);

        if (st.code != STATUS_OK) {
            ck_assert_str_eq(st.reason, "MALFORMED_JSON");
            continue;
        }
        buffer_init(&again, arena, 0);
        json_encode(&again, &torg__test__v1__kinds__schema, back, false);
        st = decode(again.data, again.length, &back);
        ck_assert_msg(st.code == STATUS_OK, "%s\n%s", st.detail, again.data);
    }
}
END_TEST

Suite *json_property_suite(void)
{
    Suite *suite = suite_create("json_property");
    TCase *tcase = tcase_create("json_property");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_message_survives_the_round_trip_through_json);
    tcase_add_test(tcase, the_encoder_writes_what_the_plain_parser_reads);
    tcase_add_test(tcase, every_truncation_is_refused);
    tcase_add_test(tcase, a_mutation_is_refused_or_means_a_message);
    suite_add_tcase(suite, tcase);
    return suite;
}
