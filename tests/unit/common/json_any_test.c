/* json_any_test.c - google.protobuf.Any, with the types that were registered. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"
#include "google/protobuf/duration.schema.h"
#include "google/protobuf/timestamp.schema.h"
#include "kinds.schema.h"

#include <string.h>

static const struct message_schema *const TYPES[] = {&torg__test__v1__line__schema,
                                                     &torg__test__v1__kinds__schema,
                                                     &google__protobuf__timestamp__schema};
static struct arena *arena;

static void set_up(void)
{
    arena = arena_create((size_t)1 << 20);
    json_set_any_types(TYPES, ARRAY_LEN(TYPES));
}

static void tear_down(void)
{
    json_set_any_types(NULL, 0);
    arena_destroy(arena);
}

static const struct {
    const char *text, *canonical;
} CASES[] = {
    {"{\"any\":{\"@type\":\"type.googleapis.com/torg.test.v1.Line\",\"sku\":\"a\"}}", NULL},
    {"{\"any\":{\"sku\":\"a\",\"@type\":\"type.googleapis.com/torg.test.v1.Line\"}}",
     "{\"any\":{\"@type\":\"type.googleapis.com/torg.test.v1.Line\",\"sku\":\"a\"}}"},
    {"{\"any\":{\"tags\":[\"@type\"],\"@type\":\"x/torg.test.v1.Line\"}}",
     "{\"any\":{\"@type\":\"x/torg.test.v1.Line\",\"tags\":[\"@type\"]}}"},
    {"{\"any\":{\"@type\":\"x/google.protobuf.Timestamp\",\"value\":\"2026-01-01T00:00:00Z\"}}",
     NULL},
    {"{\"anys\":[{\"@type\":\"x/torg.test.v1.Kinds\",\"any\":{\"@type\":\"x/torg.test.v1.Line\","
     "\"quantity\":\"3\"}},{\"@type\":\"x/torg.test.v1.Line\"}]}",
     NULL},
};

START_TEST(an_any_is_its_message_with_a_type)
{
    const char *text = CASES[_i].text;
    ProtobufCMessage *message;
    struct buffer out;
    struct status st =
        json_decode(arena, &torg__test__v1__kinds__schema, text, strlen(text), false, &message);

    ck_assert_msg(st.code == STATUS_OK, "%s: %s", text, st.detail);
    buffer_init(&out, arena, 0);
    json_encode(&out, &torg__test__v1__kinds__schema, message, false);
    ck_assert_str_eq(out.data, CASES[_i].canonical ? CASES[_i].canonical : text);
}
END_TEST

static const char *const REFUSED[] = {
    "{\"any\":{}}",
    "{\"any\":{\"@type\":1}}",
    "{\"any\":\"x\"}",
    "{\"any\":{\"@type\":\"torg.test.v1.Line\"}}",
    "{\"any\":{\"@type\":\"x/torg.test.v1.Party\"}}",
    "{\"any\":{\"inner\":{\"@type\":\"x/torg.test.v1.Line\"}}}",
    "{\"any\":{\"@type\":\"x/torg.test.v1.Line\",\"nope\":1}}",
    "{\"any\":{\"@type\":\"x/torg.test.v1.Line\",\"@type\":\"x/torg.test.v1.Line\"}}",
    "{\"any\":{\"@type\":\"x/google.protobuf.Timestamp\",\"seconds\":1}}",
    "{\"any\":{\"@type\":\"x/torg.test.v1.Line\"",
};

START_TEST(another_shape_is_refused)
{
    ProtobufCMessage *message;
    struct status st = json_decode(arena, &torg__test__v1__kinds__schema, REFUSED[_i],
                                   strlen(REFUSED[_i]), false, &message);

    ck_assert_msg(st.code == STATUS_INVALID_ARGUMENT, "%s", REFUSED[_i]);
}
END_TEST

START_TEST(a_type_that_nobody_registered_is_written_as_its_bytes)
{
    Torg__Test__V1__Kinds kinds = TORG__TEST__V1__KINDS__INIT;
    Google__Protobuf__Any any;
    uint8_t value[] = {1, 2, 3};
    struct buffer out;

    google__protobuf__any__init(&any);
    any.type_url = (char *)(uintptr_t) "x/unknown.Type";
    any.value = (ProtobufCBinaryData){.len = sizeof(value), .data = value};
    kinds.any = &any;
    buffer_init(&out, arena, 0);
    json_encode(&out, &torg__test__v1__kinds__schema, &kinds.base, false);
    ck_assert_str_eq(out.data, "{\"any\":{\"@type\":\"x/unknown.Type\",\"value\":\"AQID\"}}");
}
END_TEST

START_TEST(a_hundred_anys_inside_each_other_cost_no_stack)
{
    Torg__Test__V1__Kinds kinds = TORG__TEST__V1__KINDS__INIT;
    Google__Protobuf__Any any;
    struct buffer out;

    google__protobuf__any__init(&any);
    any.type_url = (char *)(uintptr_t) "x/torg.test.v1.Kinds";
    kinds.any = &any;
    for (int i = 0; i < 100; i++) {
        size_t length = protobuf_c_message_get_packed_size(&kinds.base);
        uint8_t *packed = arena_alloc(arena, length);

        (void)protobuf_c_message_pack(&kinds.base, packed);
        any.value = (ProtobufCBinaryData){.len = length, .data = packed};
    }
    buffer_init(&out, arena, 0);
    json_encode(&out, &torg__test__v1__kinds__schema, &kinds.base, false);

    ck_assert_ptr_nonnull(strstr(out.data, "\"any\":null}}}}"));
}
END_TEST

Suite *json_any_suite(void)
{
    Suite *suite = suite_create("json_any");
    TCase *tcase = tcase_create("json_any");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, an_any_is_its_message_with_a_type, 0, ARRAY_LEN(CASES));
    tcase_add_loop_test(tcase, another_shape_is_refused, 0, ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, a_type_that_nobody_registered_is_written_as_its_bytes);
    tcase_add_test(tcase, a_hundred_anys_inside_each_other_cost_no_stack);
    suite_add_tcase(suite, tcase);
    return suite;
}
