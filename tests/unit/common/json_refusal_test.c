/* json_refusal_test.c - a refusal names the path, the value and what is allowed. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"
#include "kinds.schema.h"

#include <string.h>

static const struct {
    const char *text, *field, *value, *allowed;
} CASES[] = {
    {"{\"fInt32\":\"x\"}", "fInt32", "x", "a 32-bit integer"},
    {"{\"f_int32\":1.5}", "fInt32", "1.5", "a 32-bit integer"},
    {"{\"lines\":[{},{},{\"quantity\":\"many\"}]}", "lines[2].quantity", "many",
     "a 64-bit integer"},
    {"{\"strings\":[\"a\",7]}", "strings[1]", "7", "a string"},
    {"{\"labels\":{\"a\":\"b\",\"colour\":{}}}", "labels[\"colour\"]", "an object", "a string"},
    {"{\"linesByNumber\":{\"7\":{\"sku\":[]}}}", "linesByNumber[\"7\"].sku", "a list", "a string"},
    {"{\"fColour\":\"BLUE\"}", "fColour", "BLUE",
     "one of COLOUR_BELOW_ZERO, COLOUR_UNSPECIFIED, COLOUR_RED, COLOUR_GREEN"},
    {"{\"fLine\":{\"skew\":1}}", "fLine.skew", "", "one of the fields sku, quantity, tags"},
    {"{\"fLine\":{\"sku\":\"a\",\"sku\":\"b\"}}", "fLine.sku", "b", "every member only once"},
    {"{\"choiceText\":\"a\",\"choiceNumber\":\"5\"}", "choiceNumber", "5",
     "nothing: another member of the same oneof is set"},
    {"{\"strings\":[null]}", "strings[0]", "null",
     "a value: null stands for an absent member only"},
    {"[1]", "", "a list", "an object"},
    {"{\"fInt32\":1}}", "", "", "nothing after the document"},
    {"{\"fInt32\":1,\"lines\":[{\"sku\":\"a\",x}]}", "lines[0]", "", "a member's name in quotes"},
    {"{\"fTime\":\"yesterday\"}", "fTime", "yesterday",
     "a time as RFC 3339 writes it, as in \"2026-11-23T10:20:30Z\""},
};

START_TEST(it_names_path_value_and_what_is_allowed)
{
    struct arena *arena = arena_create((size_t)1 << 20);
    ProtobufCMessage *message;
    struct status st = json_decode(arena, &torg__test__v1__kinds__schema, CASES[_i].text,
                                   strlen(CASES[_i].text), false, &message);

    ck_assert_int_eq(st.code, STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(st.violations->field, CASES[_i].field);
    ck_assert_str_eq(st.violations->value, CASES[_i].value);
    ck_assert_str_eq(st.violations->allowed, CASES[_i].allowed);
    arena_destroy(arena);
}
END_TEST

START_TEST(a_personal_value_is_never_repeated)
{
    static const char *const TEXTS[] = {
        "{\"email\":5551234}",         "{\"party\":{\"name\":5551234}}", "{\"party\":\"5551234\"}",
        "{\"party\":{\"5551234\":1}}", "{\"email\":\"5551234\xFF\"}",
    };

    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct arena *arena = arena_create((size_t)1 << 20);
        ProtobufCMessage *message;
        struct status st = json_decode(arena, &torg__test__v1__strict__schema, TEXTS[i],
                                       strlen(TEXTS[i]), false, &message);

        ck_assert_int_eq(st.code, STATUS_INVALID_ARGUMENT);
        ck_assert_str_eq(st.violations->value, "");
        arena_destroy(arena);
    }
}
END_TEST

START_TEST(a_long_value_is_shortened_to_whole_characters)
{
    struct arena *arena = arena_create((size_t)1 << 20);
    ProtobufCMessage *message;
    struct buffer text;

    buffer_init(&text, arena, 0);
    buffer_puts(&text, "{\"fInt32\":\"");
    for (int i = 0; i < 500; i++)
        buffer_puts(&text, "\xE2\x82\xAC");
    buffer_puts(&text, "\"}");

    struct status st =
        json_decode(arena, &torg__test__v1__kinds__schema, text.data, text.length, false, &message);

    ck_assert_int_eq(st.code, STATUS_INVALID_ARGUMENT);
    ck_assert(strlen(st.violations->value) < 80);
    ck_assert(str_is_utf8(st.violations->value, strlen(st.violations->value)));
    arena_destroy(arena);
}
END_TEST

START_TEST(the_detail_tells_the_byte)
{
    struct arena *arena = arena_create((size_t)1 << 20);
    ProtobufCMessage *message;
    static const char TEXT[] = "{\"fInt32\": x}";
    struct status st =
        json_decode(arena, &torg__test__v1__kinds__schema, TEXT, strlen(TEXT), false, &message);

    ck_assert_str_eq(st.detail, "byte 11: expected a JSON value");
    arena_destroy(arena);
}
END_TEST

Suite *json_refusal_suite(void)
{
    Suite *suite = suite_create("json_refusal");
    TCase *tcase = tcase_create("json_refusal");

    tcase_add_loop_test(tcase, it_names_path_value_and_what_is_allowed, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, a_personal_value_is_never_repeated);
    tcase_add_test(tcase, a_long_value_is_shortened_to_whole_characters);
    tcase_add_test(tcase, the_detail_tells_the_byte);
    suite_add_tcase(suite, tcase);
    return suite;
}
