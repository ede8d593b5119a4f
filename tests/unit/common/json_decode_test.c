/* json_decode_test.c - proto3 JSON into messages: every kind of field, every accepted spelling. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"
#include "kinds.schema.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define KINDS (&torg__test__v1__kinds__schema)

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create((size_t)16 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static struct status decode(const char *text, ProtobufCMessage **ret_message)
{
    return json_decode(arena, KINDS, text, strlen(text), false, ret_message);
}

static const Torg__Test__V1__Kinds *decoded(const char *text)
{
    ProtobufCMessage *message = NULL;
    struct status st = decode(text, &message);

    ck_assert_msg(st.code == STATUS_OK, "%s: %s", text, st.detail);
    return (const Torg__Test__V1__Kinds *)message;
}

/* Input and the canonical JSON of what it means. */
static const struct {
    const char *text, *canonical;
} SPELLINGS[] = {
    {"{}", "{}"},
    {" \t\r\n{ } \n", "{}"},
    {"{\"fInt32\":1}", "{\"fInt32\":1}"},
    {"{\"f_int32\":1}", "{\"fInt32\":1}"},
    {"{\"f\\u0049nt32\":1}", "{\"fInt32\":1}"},
    {"{\"fInt32\":\"1\"}", "{\"fInt32\":1}"},
    {"{\"fInt32\":\"\\u0031\"}", "{\"fInt32\":1}"},
    {"{\"fInt32\":1.0}", "{\"fInt32\":1}"},
    {"{\"fInt32\":1e3}", "{\"fInt32\":1000}"},
    {"{\"fInt32\":1.5E+1}", "{\"fInt32\":15}"},
    {"{\"fInt32\":1200e-2}", "{\"fInt32\":12}"},
    {"{\"fInt32\":-0}", "{}"},
    {"{\"fInt32\":0e99999999999999999999}", "{}"},
    {"{\"fInt32\":2147483647}", "{\"fInt32\":2147483647}"},
    {"{\"fInt32\":-2147483648}", "{\"fInt32\":-2147483648}"},
    {"{\"fSint32\":-7,\"fSfixed32\":-8}", "{\"fSint32\":-7,\"fSfixed32\":-8}"},
    {"{\"fUint32\":4294967295,\"fFixed32\":4294967295}",
     "{\"fUint32\":4294967295,\"fFixed32\":4294967295}"},
    {"{\"fInt64\":9223372036854775807}", "{\"fInt64\":\"9223372036854775807\"}"},
    {"{\"fInt64\":\"-9223372036854775808\"}", "{\"fInt64\":\"-9223372036854775808\"}"},
    {"{\"fInt64\":9.223372036854775807e18}", "{\"fInt64\":\"9223372036854775807\"}"},
    {"{\"fUint64\":\"18446744073709551615\",\"fFixed64\":1}",
     "{\"fUint64\":\"18446744073709551615\",\"fFixed64\":\"1\"}"},
    {"{\"fSint64\":-3,\"fSfixed64\":-4}", "{\"fSint64\":\"-3\",\"fSfixed64\":\"-4\"}"},
    {"{\"fBool\":true}", "{\"fBool\":true}"},
    {"{\"fBool\":false}", "{}"},
    {"{\"fDouble\":1.5}", "{\"fDouble\":1.5}"},
    {"{\"fDouble\":\"1.5\"}", "{\"fDouble\":1.5}"},
    {"{\"fDouble\":0.1}", "{\"fDouble\":0.1}"},
    {"{\"fDouble\":-0.0}", "{\"fDouble\":-0}"},
    {"{\"fDouble\":1.7976931348623157e308}", "{\"fDouble\":1.7976931348623157e+308}"},
    {"{\"fDouble\":5e-324}", "{\"fDouble\":4.94065645841247e-324}"},
    {"{\"fDouble\":\"NaN\"}", "{\"fDouble\":\"NaN\"}"},
    {"{\"fDouble\":\"-Infinity\"}", "{\"fDouble\":\"-Infinity\"}"},
    {"{\"fFloat\":\"Infinity\"}", "{\"fFloat\":\"Infinity\"}"},
    {"{\"fFloat\":0.1}", "{\"fFloat\":0.1}"},
    {"{\"fFloat\":3.4028235e38}", "{\"fFloat\":3.4028235e+38}"},
    {"{\"fString\":\"\"}", "{}"},
    {"{\"fString\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
     "{\"fString\":\"a\\\"\\\\/\\b\\f\\n\\r\\t\"}"},
    {"{\"fString\":\"\\u00e4\\u20ac\\ud83d\\ude00\"}",
     "{\"fString\":\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"}"},
    {"{\"fString\":\"\\u0001\x7f\"}", "{\"fString\":\"\\u0001\x7f\"}"},
    {"{\"fBytes\":\"AQID\"}", "{\"fBytes\":\"AQID\"}"},
    {"{\"fBytes\":\"+/8=\"}", "{\"fBytes\":\"+/8=\"}"},
    {"{\"fBytes\":\"-_8\"}", "{\"fBytes\":\"+/8=\"}"},
    {"{\"fBytes\":\"-_8=\"}", "{\"fBytes\":\"+/8=\"}"},
    {"{\"fBytes\":\"\"}", "{}"},
    {"{\"fColour\":\"COLOUR_RED\"}", "{\"fColour\":\"COLOUR_RED\"}"},
    {"{\"fColour\":2}", "{\"fColour\":\"COLOUR_GREEN\"}"},
    {"{\"fColour\":-5}", "{\"fColour\":\"COLOUR_BELOW_ZERO\"}"},
    {"{\"fColour\":77}", "{\"fColour\":77}"},
    {"{\"fLine\":{}}", "{\"fLine\":{}}"},
    {"{\"fLine\":{\"quantity\":2,\"sku\":\"mug\"}}",
     "{\"fLine\":{\"sku\":\"mug\",\"quantity\":\"2\"}}"},
    {"{\"fLine\":null,\"fInt32\":null,\"strings\":null,\"labels\":null,\"choiceText\":null}", "{}"},
    {"{\"fTime\":\"2026-11-23T10:20:30.5+02:00\"}", "{\"fTime\":\"2026-11-23T08:20:30.500Z\"}"},
    {"{\"fTime\":\"0001-01-01T00:00:00Z\"}", "{\"fTime\":\"0001-01-01T00:00:00Z\"}"},
    {"{\"fTime\":\"9999-12-31T23:59:59.999999999Z\"}",
     "{\"fTime\":\"9999-12-31T23:59:59.999999999Z\"}"},
    {"{\"fDuration\":\"1.5s\"}", "{\"fDuration\":\"1.500s\"}"},
    {"{\"fDuration\":\"-0.000001s\"}", "{\"fDuration\":\"-0.000001s\"}"},
    {"{\"fDuration\":\"315576000000s\"}", "{\"fDuration\":\"315576000000s\"}"},
    {"{\"fDuration\":\"-315576000000s\"}", "{\"fDuration\":\"-315576000000s\"}"},
    {"{\"strings\":[]}", "{}"},
    {"{\"strings\":[\"a\",\"\",\"b\"]}", "{\"strings\":[\"a\",\"\",\"b\"]}"},
    {"{\"int32s\":[1,\"2\",3.0]}", "{\"int32s\":[1,2,3]}"},
    {"{\"int64s\":[1,2,3,4,5,6,7,8,9]}",
     "{\"int64s\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}"},
    {"{\"doubles\":[1,\"NaN\"],\"floats\":[0.5]}", "{\"doubles\":[1,\"NaN\"],\"floats\":[0.5]}"},
    {"{\"bools\":[true,false]}", "{\"bools\":[true,false]}"},
    {"{\"blobs\":[\"AQ==\",\"\"]}", "{\"blobs\":[\"AQ==\",\"\"]}"},
    {"{\"colours\":[\"COLOUR_RED\",0]}", "{\"colours\":[\"COLOUR_RED\",\"COLOUR_UNSPECIFIED\"]}"},
    {"{\"lines\":[{},{\"sku\":\"a\",\"tags\":[\"x\"]}]}",
     "{\"lines\":[{},{\"sku\":\"a\",\"tags\":[\"x\"]}]}"},
    {"{\"times\":[\"1970-01-01T00:00:00Z\"]}", "{\"times\":[\"1970-01-01T00:00:00Z\"]}"},
    {"{\"labels\":{}}", "{}"},
    {"{\"labels\":{\"a\":\"1\",\"\":\"2\"}}", "{\"labels\":{\"a\":\"1\",\"\":\"2\"}}"},
    {"{\"linesByNumber\":{\"-1\":{\"sku\":\"a\"},\"2\":{}}}",
     "{\"linesByNumber\":{\"-1\":{\"sku\":\"a\"},\"2\":{}}}"},
    {"{\"counts\":{\"true\":1,\"false\":\"2\"}}", "{\"counts\":{\"true\":\"1\",\"false\":\"2\"}}"},
    {"{\"coloursById\":{\"18446744073709551615\":\"COLOUR_RED\"}}",
     "{\"coloursById\":{\"18446744073709551615\":\"COLOUR_RED\"}}"},
    {"{\"pInt32\":0,\"pString\":\"\",\"pBool\":false,\"pColour\":0}",
     "{\"pInt32\":0,\"pString\":\"\",\"pBool\":false,\"pColour\":\"COLOUR_UNSPECIFIED\"}"},
    {"{\"pInt32\":null}", "{}"},
    {"{\"choiceText\":\"\"}", "{\"choiceText\":\"\"}"},
    {"{\"choiceNumber\":0}", "{\"choiceNumber\":\"0\"}"},
    {"{\"choiceLine\":{}}", "{\"choiceLine\":{}}"},
    {"{\"choiceText\":null,\"choiceNumber\":1}", "{\"choiceNumber\":\"1\"}"},
    {"{\"newName\":\"a\"}", "{\"newName\":\"a\"}"},
    {"{\"renamed\":\"a\"}", "{\"newName\":\"a\"}"},
};

START_TEST(an_accepted_spelling_means_its_canonical_form)
{
    struct buffer out;

    buffer_init(&out, arena, 0);
    json_encode(&out, KINDS, &decoded(SPELLINGS[_i].text)->base, false);

    ck_assert_str_eq(out.data, SPELLINGS[_i].canonical);
}
END_TEST

static const char *const REFUSED[] = {
    "",
    " ",
    "null",
    "[]",
    "1",
    "\"a\"",
    "{",
    "}",
    "{]",
    "{\"fInt32\"",
    "{\"fInt32\":",
    "{\"fInt32\":1",
    "{\"fInt32\":1,}",
    "{,}",
    "{\"fInt32\" 1}",
    "{fInt32:1}",
    "{'fInt32':1}",
    "{} {}",
    "{}x",
    "\xEF\xBB\xBF{}",
    "{/**/}",
    // unknown and duplicate members
    "{\"nope\":1}",
    "{\"FINT32\":1}",
    "{\"\":1}",
    "{\"fInt32\":1,\"fInt32\":1}",
    "{\"fInt32\":1,\"f_int32\":1}",
    "{\"fInt32\":null,\"fInt32\":1}",
    "{\"strings\":[],\"strings\":[]}",
    "{\"labels\":{\"a\":\"1\",\"a\":\"1\"}}",
    "{\"linesByNumber\":{\"1\":{},\"1.0\":{}}}",
    "{\"counts\":{\"true\":1,\"false\":2,\"true\":3}}",
    // numbers
    "{\"fInt32\":01}",
    "{\"fInt32\":+1}",
    "{\"fInt32\":1.}",
    "{\"fInt32\":.5}",
    "{\"fInt32\":1e}",
    "{\"fInt32\":-}",
    "{\"fInt32\":0x1}",
    "{\"fInt32\":1.5}",
    "{\"fInt32\":1e-1}",
    "{\"fInt32\":2147483648}",
    "{\"fInt32\":-2147483649}",
    "{\"fInt32\":1e10}",
    "{\"fInt32\":\"\"}",
    "{\"fInt32\":\" 1\"}",
    "{\"fInt32\":\"1 \"}",
    "{\"fInt32\":\"a\"}",
    "{\"fInt32\":true}",
    "{\"fInt32\":[]}",
    "{\"fInt32\":{}}",
    "{\"fInt32\":\"NaN\"}",
    "{\"fInt32\":NaN}",
    "{\"fUint32\":-1}",
    "{\"fUint32\":4294967296}",
    "{\"fUint64\":-1}",
    "{\"fUint64\":18446744073709551616}",
    "{\"fInt64\":9223372036854775808}",
    "{\"fInt64\":-9223372036854775809}",
    "{\"fInt64\":1e19}",
    "{\"fInt64\":1e99999999999999999999}",
    "{\"fDouble\":1e400}",
    "{\"fDouble\":-1e400}",
    "{\"fDouble\":\"inf\"}",
    "{\"fDouble\":\"nan\"}",
    "{\"fDouble\":Infinity}",
    "{\"fDouble\":\"\"}",
    "{\"fDouble\":\"1x\"}",
    "{\"fFloat\":3.5e38}",
    // booleans, text, bytes, enums
    "{\"fBool\":1}",
    "{\"fBool\":\"true\"}",
    "{\"fBool\":True}",
    "{\"fBool\":tru}",
    "{\"fString\":1}",
    "{\"fString\":\"a}",
    "{\"fString\":\"\n\"}",
    "{\"fString\":\"\\x\"}",
    "{\"fString\":\"\\u12\"}",
    "{\"fString\":\"\\u12G4\"}",
    "{\"fString\":\"\\ud800\"}",
    "{\"fString\":\"\\udc00\"}",
    "{\"fString\":\"\\ud800\\u0041\"}",
    "{\"fString\":\"\\ud800x\"}",
    "{\"fString\":\"\\u0000\"}",
    "{\"fString\":\"\xFF\"}",
    "{\"fString\":\"\xC0\x80\"}",
    "{\"fString\":\"\xED\xA0\x80\"}",
    "{\"fString\":\"\xF4\x90\x80\x80\"}",
    "{\"fString\":\"\xE2\x82\"}",
    "{\"fString\":\"\\",
    "{\"fBytes\":\"A\"}",
    "{\"fBytes\":\"AQ=\"}",
    "{\"fBytes\":\"AQI==\"}",
    "{\"fBytes\":\"A Q=\"}",
    "{\"fBytes\":\"=AQI\"}",
    "{\"fBytes\":\"AR==\"}",
    "{\"fBytes\":1}",
    "{\"fColour\":\"RED\"}",
    "{\"fColour\":\"\"}",
    "{\"fColour\":\"1\"}",
    "{\"fColour\":1.5}",
    "{\"fColour\":3000000000}",
    "{\"fColour\":true}",
    // structure
    "{\"fLine\":[]}",
    "{\"fLine\":\"a\"}",
    "{\"strings\":{}}",
    "{\"strings\":\"a\"}",
    "{\"strings\":[1]}",
    "{\"strings\":[null]}",
    "{\"strings\":[\"a\",]}",
    "{\"strings\":[,]}",
    "{\"strings\":[\"a\" \"b\"]}",
    "{\"strings\":[\"a\"}",
    "{\"lines\":[null]}",
    "{\"labels\":[]}",
    "{\"labels\":{\"a\":null}}",
    "{\"labels\":{\"a\":1}}",
    "{\"labels\":{1:\"a\"}}",
    "{\"linesByNumber\":{\"\":{}}}",
    "{\"linesByNumber\":{\"x\":{}}}",
    "{\"linesByNumber\":{\"2147483648\":{}}}",
    "{\"counts\":{\"yes\":1}}",
    "{\"choiceText\":\"a\",\"choiceNumber\":1}",
    // times and durations
    "{\"fTime\":1}",
    "{\"fTime\":\"\"}",
    "{\"fTime\":\"2026-11-23\"}",
    "{\"fTime\":\"2026-11-23T10:20:30\"}",
    "{\"fTime\":\"2026-02-29T00:00:00Z\"}",
    "{\"fTime\":\"2026-11-23T24:00:00Z\"}",
    "{\"fTime\":\"2026-11-23t10:20:30z\"}",
    "{\"fTime\":\"0001-01-01T00:00:00+01:00\"}",
    "{\"fTime\":\"2026-11-23T10:20:30.1234567890Z\"}",
    "{\"fTime\":{}}",
    "{\"fDuration\":\"1\"}",
    "{\"fDuration\":\"s\"}",
    "{\"fDuration\":\".5s\"}",
    "{\"fDuration\":\"1.s\"}",
    "{\"fDuration\":\"1.0000000001s\"}",
    "{\"fDuration\":\"315576000001s\"}",
    "{\"fDuration\":\"315576000000.1s\"}",
    "{\"fDuration\":\"--1s\"}",
    "{\"fDuration\":5}",
};

START_TEST(anything_else_is_refused_as_malformed_json)
{
    ProtobufCMessage *message = NULL;
    struct status st = decode(REFUSED[_i], &message);

    ck_assert_msg(st.code == STATUS_INVALID_ARGUMENT, "accepted: %s", REFUSED[_i]);
    ck_assert_str_eq(st.reason, "MALFORMED_JSON");
    ck_assert_ptr_nonnull(st.detail);
    ck_assert_ptr_nonnull(st.violations);
    ck_assert_ptr_null(st.violations->next);
    ck_assert_ptr_null(message);
}
END_TEST

START_TEST(presence_tells_an_absent_field_from_zero)
{
    const Torg__Test__V1__Kinds *absent = decoded("{}"), *zero = decoded("{\"pInt32\":0}");

    ck_assert_int_eq(absent->p_int32_presence_case, 0);
    ck_assert_int_eq(zero->p_int32_presence_case, TORG__TEST__V1__KINDS__P_INT32_PRESENCE_P_INT32);
}
END_TEST

START_TEST(unknown_members_are_skipped_when_asked_whatever_they_hold)
{
    static const char TEXT[] = "{\"a\":{\"b\":[1,{\"c\":[]},\"}\"]},\"fInt32\":5,\"z\":null,"
                               "\"fLine\":{\"what\":[[]],\"sku\":\"x\"},\"y\":-1.5e3}";
    ProtobufCMessage *message;
    struct status st = json_decode(arena, KINDS, TEXT, strlen(TEXT), true, &message);

    ck_assert_int_eq(st.code, STATUS_OK);
    ck_assert_int_eq(((Torg__Test__V1__Kinds *)message)->f_int32, 5);
    ck_assert_str_eq(((Torg__Test__V1__Kinds *)message)->f_line->sku, "x");
}
END_TEST

START_TEST(skipped_members_must_be_json_too)
{
    static const char *const TEXTS[] = {"{\"a\":[1,]}", "{\"a\":{]}", "{\"a\":tru}",
                                        "{\"a\":\"\xFF\"}"};
    ProtobufCMessage *message;

    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct status st = json_decode(arena, KINDS, TEXTS[i], strlen(TEXTS[i]), true, &message);

        ck_assert_msg(st.code == STATUS_INVALID_ARGUMENT, "%s", TEXTS[i]);
    }
}
END_TEST

START_TEST(the_text_need_not_end_in_a_nul)
{
    static const char TEXT[] = {'{', '"', 'f', 'I', 'n', 't', '3', '2', '"', ':', '7', '}'};
    char *exact = arena_memdup(arena, TEXT, sizeof(TEXT));
    ProtobufCMessage *message;
    struct status st = json_decode(arena, KINDS, exact, sizeof(TEXT), false, &message);

    ck_assert_int_eq(st.code, STATUS_OK);
    ck_assert_int_eq(((Torg__Test__V1__Kinds *)message)->f_int32, 7);
}
END_TEST

/* What a worker of civetweb has: 100 KiB. */
static void *decode_nested(void *closure)
{
    const char *text = closure;
    ProtobufCMessage *message;
    const struct json_node *root;
    struct status strict = json_decode(arena, KINDS, text, strlen(text), false, &message);
    struct status lax = json_decode(arena, KINDS, text, strlen(text), true, &message);
    struct status tree = json_parse(arena, text, strlen(text), &root);

    ck_assert_int_eq(strict.code, STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(lax.code, STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(tree.code, STATUS_INVALID_ARGUMENT);
    return NULL;
}

START_TEST(a_hundred_thousand_brackets_cost_no_stack)
{
    static const char *const LEADS[] = {"", "{\"fInt32\":", "{\"nope\":", "{\"lines\":"};
    static const char *const BRACKETS[] = {"[", "{\"a\":", "[{\"a\":"};

    for (size_t i = 0; i < ARRAY_LEN(LEADS) * ARRAY_LEN(BRACKETS); i++) {
        struct buffer text;
        pthread_attr_t small;
        pthread_t worker;

        buffer_init(&text, arena, 0);
        buffer_puts(&text, LEADS[i % ARRAY_LEN(LEADS)]);
        for (int n = 0; n < 100000; n++)
            buffer_puts(&text, BRACKETS[i / ARRAY_LEN(LEADS)]);
        ck_assert_int_eq(pthread_attr_init(&small), 0);
        ck_assert_int_eq(pthread_attr_setstacksize(&small, (size_t)100 * 1024), 0);
        ck_assert_int_eq(pthread_create(&worker, &small, decode_nested, text.data), 0);
        ck_assert_int_eq(pthread_join(worker, NULL), 0);
        arena_reset(arena);
    }
}
END_TEST

START_TEST(sixty_four_levels_are_skipped_and_one_more_is_refused)
{
    for (int levels = JSON_DEPTH_MAX; levels <= JSON_DEPTH_MAX + 1; levels++) {
        struct buffer text;
        ProtobufCMessage *message;

        buffer_init(&text, arena, 0);
        buffer_puts(&text, "{\"a\":");
        for (int i = 1; i < levels; i++)
            buffer_putc(&text, '[');
        for (int i = 1; i < levels; i++)
            buffer_putc(&text, ']');
        buffer_putc(&text, '}');

        struct status st = json_decode(arena, KINDS, text.data, text.length, true, &message);

        ck_assert_int_eq(st.code, levels > JSON_DEPTH_MAX ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    }
}
END_TEST

START_TEST(a_document_that_unfolds_beyond_the_limit_is_refused)
{
    struct arena *small = arena_create((size_t)64 * 1024);
    struct buffer text;
    ProtobufCMessage *message;

    buffer_init(&text, arena, 0);
    buffer_puts(&text, "{\"lines\":[{}");
    for (int i = 0; i < 5000; i++)
        buffer_puts(&text, ",{}");
    buffer_puts(&text, "]}");

    struct status st = json_decode(small, KINDS, text.data, text.length, false, &message);

    ck_assert_int_eq(st.code, STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(st.violations->allowed, "a smaller document");
    arena_destroy(small);
}
END_TEST

Suite *json_decode_suite(void)
{
    Suite *suite = suite_create("json_decode");
    TCase *tcase = tcase_create("json_decode");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, an_accepted_spelling_means_its_canonical_form, 0,
                        ARRAY_LEN(SPELLINGS));
    tcase_add_loop_test(tcase, anything_else_is_refused_as_malformed_json, 0, ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, presence_tells_an_absent_field_from_zero);
    tcase_add_test(tcase, unknown_members_are_skipped_when_asked_whatever_they_hold);
    tcase_add_test(tcase, skipped_members_must_be_json_too);
    tcase_add_test(tcase, the_text_need_not_end_in_a_nul);
    tcase_add_test(tcase, a_hundred_thousand_brackets_cost_no_stack);
    tcase_add_test(tcase, sixty_four_levels_are_skipped_and_one_more_is_refused);
    tcase_add_test(tcase, a_document_that_unfolds_beyond_the_limit_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
