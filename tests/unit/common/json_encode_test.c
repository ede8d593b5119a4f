/* json_encode_test.c - messages as proto3 JSON. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"
#include "google/protobuf/duration.schema.h"
#include "google/protobuf/timestamp.schema.h"
#include "kinds.schema.h"

#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create((size_t)1 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static const char *encoded(const struct message_schema *schema, const ProtobufCMessage *message,
                           bool with_defaults)
{
    struct buffer out;

    buffer_init(&out, arena, 0);
    json_encode(&out, schema, message, with_defaults);
    ck_assert_uint_eq(out.length, strlen(out.data));
    return out.data;
}

START_TEST(defaults_are_written_when_asked_but_not_what_is_absent)
{
    Torg__Test__V1__Kinds kinds = TORG__TEST__V1__KINDS__INIT;

    ck_assert_str_eq(
        encoded(&torg__test__v1__kinds__schema, &kinds.base, true),
        "{\"fDouble\":0,\"fFloat\":0,\"fInt32\":0,\"fInt64\":\"0\",\"fUint32\":0,\"fUint64\":\"0\","
        "\"fSint32\":0,\"fSint64\":\"0\",\"fFixed32\":0,\"fFixed64\":\"0\",\"fSfixed32\":0,"
        "\"fSfixed64\":\"0\",\"fBool\":false,\"fString\":\"\",\"fBytes\":\"\","
        "\"fColour\":\"COLOUR_UNSPECIFIED\",\"doubles\":[],\"floats\":[],\"int32s\":[],"
        "\"int64s\":[],\"uint64s\":[],\"bools\":[],\"strings\":[],\"blobs\":[],\"colours\":[],"
        "\"lines\":[],\"times\":[],\"labels\":{},\"linesByNumber\":{},\"counts\":{},"
        "\"coloursById\":{},\"anys\":[],\"newName\":\"\"}");
}
END_TEST

START_TEST(an_empty_message_is_an_empty_object)
{
    Torg__Test__V1__Empty empty = TORG__TEST__V1__EMPTY__INIT;

    ck_assert_str_eq(encoded(&torg__test__v1__empty__schema, &empty.base, true), "{}");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_become_the_replacement_character)
{
    Torg__Test__V1__Line line = TORG__TEST__V1__LINE__INIT;

    line.sku = "a\xFF"
               "b\xE2\x82";
    ck_assert_str_eq(encoded(&torg__test__v1__line__schema, &line.base, false),
                     "{\"sku\":\"a\xEF\xBF\xBD"
                     "b\xEF\xBF\xBD\xEF\xBF\xBD\"}");
}
END_TEST

static const struct {
    int64_t seconds;
    int32_t nanos;
    const char *time, *duration;
} INSTANTS[] = {
    {0, 0, "1970-01-01T00:00:00Z", "0s"},
    {1, 1, "1970-01-01T00:00:01.000000001Z", "1.000000001s"},
    {0, 120000000, "1970-01-01T00:00:00.120Z", "0.120s"},
    {0, 120000, "1970-01-01T00:00:00.000120Z", "0.000120s"},
    {0, -5, "1970-01-01T00:00:00Z", "-0.000000005s"},
    {-1, 0, "1969-12-31T23:59:59Z", "-1s"},
    {INT64_MAX, INT32_MAX, "9999-12-31T23:59:59.999999999Z", "315576000000.999999999s"},
    {INT64_MIN, INT32_MIN, "0001-01-01T00:00:00Z", "-315576000000.999999999s"},
};

START_TEST(times_and_durations_are_always_valid)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;

    time.seconds = duration.seconds = INSTANTS[_i].seconds;
    time.nanos = duration.nanos = INSTANTS[_i].nanos;

    const char *text = encoded(&google__protobuf__timestamp__schema, &time.base, false);

    ck_assert_str_eq(text, arena_printf(arena, "\"%s\"", INSTANTS[_i].time));
    text = encoded(&google__protobuf__duration__schema, &duration.base, false);
    ck_assert_str_eq(text, arena_printf(arena, "\"%s\"", INSTANTS[_i].duration));
}
END_TEST

START_TEST(a_map_entry_without_its_value_has_an_empty_one)
{
    Torg__Test__V1__Kinds kinds = TORG__TEST__V1__KINDS__INIT;
    Torg__Test__V1__Kinds__LinesByNumberEntry entry =
        TORG__TEST__V1__KINDS__LINES_BY_NUMBER_ENTRY__INIT;
    Torg__Test__V1__Kinds__LinesByNumberEntry *entries[] = {&entry};

    kinds.lines_by_number = entries;
    kinds.n_lines_by_number = 1;
    ck_assert_str_eq(encoded(&torg__test__v1__kinds__schema, &kinds.base, false),
                     "{\"linesByNumber\":{\"0\":{}}}");
}
END_TEST

Suite *json_encode_suite(void)
{
    Suite *suite = suite_create("json_encode");
    TCase *tcase = tcase_create("json_encode");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, defaults_are_written_when_asked_but_not_what_is_absent);
    tcase_add_test(tcase, an_empty_message_is_an_empty_object);
    tcase_add_test(tcase, bytes_that_are_not_utf8_become_the_replacement_character);
    tcase_add_loop_test(tcase, times_and_durations_are_always_valid, 0, ARRAY_LEN(INSTANTS));
    tcase_add_test(tcase, a_map_entry_without_its_value_has_an_empty_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
