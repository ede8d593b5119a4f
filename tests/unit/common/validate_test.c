/* validate_test.c - what the wire lets through and the schema does not. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"
#include "kinds.schema.h"

#include <string.h>

enum { FINDINGS_MAX = 64 };

struct findings {
    struct arena *arena;
    size_t count;
    struct violation at[FINDINGS_MAX];
};

static struct findings findings;

static void set_up(void)
{
    findings = (struct findings){.arena = arena_create((size_t)4 << 20)};
}

static void tear_down(void)
{
    arena_destroy(findings.arena);
}

static void note(void *closure, const char *path, const char *value, const char *allowed)
{
    struct findings *noted = closure;

    ck_assert_uint_lt(noted->count, FINDINGS_MAX);
    noted->at[noted->count++] = (struct violation){
        .field = arena_strdup(noted->arena, path),
        .value = arena_strdup(noted->arena, value),
        .allowed = arena_strdup(noted->arena, allowed),
    };
}

#define ID "0193549b-0a3c-7000-8000-000000000001"
/* What a valid message needs; the cases add to it. */
#define VALID "\"id\":\"" ID "\",\"quantity\":1,\"colour\":1,\"line\":{},\"count\":0"

static const struct {
    const char *text;
    const char *field, *value, *allowed;
} CASES[] = {
    {"{\"id\":\"\",\"quantity\":1,\"colour\":1,\"line\":{},\"count\":0}", "id", "",
     "a text: it is required"},
    {"{\"id\":\"x\",\"quantity\":1,\"colour\":1,\"line\":{},\"count\":0}", "id", "x",
     "a UUID in lower case, as in 0193549b-0a3c-7000-8000-000000000001"},
    {"{\"id\":\"0193549B-0a3c-7000-8000-000000000001\",\"quantity\":1,\"colour\":1,\"line\":{},"
     "\"count\":0}",
     "id", "0193549B-0a3c-7000-8000-000000000001",
     "a UUID in lower case, as in 0193549b-0a3c-7000-8000-000000000001"},
    {"{\"id\":\"" ID "\",\"quantity\":0,\"colour\":1,\"line\":{},\"count\":0}", "quantity", "0",
     "from 1 to 100"},
    {"{\"id\":\"" ID "\",\"quantity\":101,\"colour\":1,\"line\":{},\"count\":0}", "quantity", "101",
     "from 1 to 100"},
    {"{\"id\":\"" ID "\",\"quantity\":1,\"line\":{},\"count\":0}", "colour", "0",
     "one of COLOUR_BELOW_ZERO, COLOUR_RED, COLOUR_GREEN"},
    {"{\"id\":\"" ID "\",\"quantity\":1,\"colour\":9,\"line\":{},\"count\":0}", "colour", "9",
     "one of COLOUR_BELOW_ZERO, COLOUR_RED, COLOUR_GREEN"},
    {"{\"id\":\"" ID "\",\"quantity\":1,\"colour\":1,\"count\":0}", "line", "",
     "a value: it is required"},
    {"{\"id\":\"" ID "\",\"quantity\":1,\"colour\":1,\"line\":{}}", "count", "",
     "a value: it is required"},
    {"{\"id\":\"" ID "\",\"quantity\":1,\"colour\":1,\"line\":{},\"count\":-1}", "count", "-1",
     "at least 0"},
    {"{" VALID ",\"name\":\"12345678901\"}", "name", "11 bytes", "at most 10 bytes"},
    {"{" VALID ",\"name\":\"\\u20ac\\u20ac\\u20ac\\u20ac\"}", "name", "12 bytes",
     "at most 10 bytes"},
    {"{" VALID ",\"big\":18446744073709551615}", "big", "18446744073709551615", "at most 1000"},
    {"{" VALID ",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "tags", "4 items", "at most 3 items"},
    {"{" VALID ",\"tags\":[\"a\",\"123456\"]}", "tags[1]", "6 bytes", "at most 5 bytes"},
    {"{" VALID ",\"email\":\"a@b.cd\"}", "email", "", "at most 5 bytes"},
    {"{" VALID ",\"children\":[{\"code\":\"a\"},{\"code\":\"\"}]}", "children[1].code", "",
     "a text: it is required"},
    {"{" VALID ",\"children\":[{\"code\":\"a\",\"low\":-6}]}", "children[0].low", "-6",
     "at least -5"},
    {"{" VALID ",\"labels\":{\"a\":\"12345\"}}", "labels[\"a\"]", "5 bytes", "at most 4 bytes"},
    {"{" VALID ",\"labels\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}}", "labels", "3 items",
     "at most 2 items"},
    {"{" VALID ",\"blob\":\"AQIDBA==\"}", "blob", "4 bytes", "at most 3 bytes"},
    {"{" VALID ",\"ids\":[\"" ID "\",\"\"]}", "ids[1]", "",
     "a UUID in lower case, as in 0193549b-0a3c-7000-8000-000000000001"},
    {"{" VALID ",\"byNumber\":{\"-7\":{}}}", "byNumber[\"-7\"].code", "", "a text: it is required"},
};

static const Torg__Test__V1__Strict *given(const char *text)
{
    ProtobufCMessage *message;
    struct status st = json_decode(findings.arena, &torg__test__v1__strict__schema, text,
                                   strlen(text), false, &message);

    ck_assert_msg(st.code == STATUS_OK, "%s", st.detail);
    return (const Torg__Test__V1__Strict *)message;
}

static bool validate(const Torg__Test__V1__Strict *message)
{
    return schema_validate(&torg__test__v1__strict__schema, &message->base, note, &findings);
}

START_TEST(a_finding_names_path_value_and_what_is_allowed)
{
    ck_assert(!validate(given(CASES[_i].text)));
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_str_eq(findings.at[0].field, CASES[_i].field);
    ck_assert_str_eq(findings.at[0].value, CASES[_i].value);
    ck_assert_str_eq(findings.at[0].allowed, CASES[_i].allowed);
}
END_TEST

START_TEST(a_valid_message_has_no_finding)
{
    ck_assert(validate(given("{" VALID "}")));
    ck_assert(
        validate(given("{" VALID ",\"name\":\"1234567890\",\"big\":1000,"
                       "\"tags\":[\"a\",\"\",\"12345\"],\"labels\":{\"a\":\"1234\"},"
                       "\"children\":[{\"code\":\"x\",\"low\":-5}],\"ids\":[\"" ID "\"],"
                       "\"at\":\"9999-12-31T23:59:59Z\",\"for\":\"-1.5s\",\"blob\":\"AQID\"}")));
    ck_assert_uint_eq(findings.count, 0);
}
END_TEST

static Torg__Test__V1__Strict valid(void)
{
    return *given("{" VALID "}");
}

START_TEST(text_that_is_not_utf8_is_found_and_quoted_readably)
{
    Torg__Test__V1__Strict message = valid();

    message.name = "a\xFFz";
    ck_assert(!validate(&message));
    ck_assert_str_eq(findings.at[0].value, "a?z");
    ck_assert_str_eq(findings.at[0].allowed, "well-formed UTF-8");
}
END_TEST

START_TEST(a_key_that_a_map_holds_twice_is_found)
{
    Torg__Test__V1__Strict__LabelsEntry label = TORG__TEST__V1__STRICT__LABELS_ENTRY__INIT;
    Torg__Test__V1__Strict__LabelsEntry again = TORG__TEST__V1__STRICT__LABELS_ENTRY__INIT;
    Torg__Test__V1__Strict__LabelsEntry *labels[] = {&label, &again};
    Torg__Test__V1__Strict message = valid();

    label.key = "size";
    label.value = "S";
    again.key = "colour";
    message.labels = labels;
    message.n_labels = ARRAY_LEN(labels);
    ck_assert(validate(&message));

    again.key = "size";
    ck_assert(!validate(&message));
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_str_eq(findings.at[0].field, "labels[\"size\"]");
    ck_assert_str_eq(findings.at[0].allowed, "every key only once");
}
END_TEST

START_TEST(a_number_that_is_a_key_twice_is_found_wherever_it_stands)
{
    static const int32_t KEYS[] = {7, -1, 8, -1};
    Torg__Test__V1__Strict2 child = TORG__TEST__V1__STRICT2__INIT;
    Torg__Test__V1__Strict__ByNumberEntry entries[ARRAY_LEN(KEYS)], *listed[ARRAY_LEN(KEYS)];
    Torg__Test__V1__Strict message = valid();

    child.code = "x";
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        torg__test__v1__strict__by_number_entry__init(&entries[i]);
        entries[i].key = KEYS[i];
        entries[i].value = &child;
        listed[i] = &entries[i];
    }
    message.by_number = listed;
    message.n_by_number = ARRAY_LEN(KEYS);
    ck_assert(!validate(&message));
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_str_eq(findings.at[0].field, "byNumber[\"-1\"]");
}
END_TEST

START_TEST(a_personal_message_hides_all_it_holds)
{
    Torg__Test__V1__Strict message = valid();
    Torg__Test__V1__Party party = TORG__TEST__V1__PARTY__INIT;

    party.name = "Ada\xFF";
    message.party = &party;
    ck_assert(!validate(&message));
    ck_assert_str_eq(findings.at[0].field, "party.name");
    ck_assert_str_eq(findings.at[0].value, "");
}
END_TEST

static const struct {
    int64_t seconds;
    int32_t nanos;
    bool is_time, is_duration;
} INSTANTS[] = {
    {0, 0, true, true},
    {0, -1, false, true},
    {0, 1000000000, false, false},
    {1, -1, false, false},
    {-1, 1, true, false},
    {-1, -1, false, true},
    {253402300799, 999999999, true, true},
    {253402300800, 0, false, true},
    {-62135596800, 0, true, true},
    {-62135596801, 0, false, true},
    {315576000000, 0, false, true},
    {315576000001, 0, false, false},
    {INT64_MIN, INT32_MIN, false, false},
};

START_TEST(times_and_durations_have_their_ranges)
{
    Torg__Test__V1__Strict message = valid();
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;

    time.seconds = duration.seconds = INSTANTS[_i].seconds;
    time.nanos = duration.nanos = INSTANTS[_i].nanos;
    message.at = &time;
    ck_assert_int_eq(validate(&message), INSTANTS[_i].is_time);
    message.at = NULL;
    message.for_ = &duration;
    ck_assert_int_eq(validate(&message), INSTANTS[_i].is_duration);
}
END_TEST

START_TEST(at_most_twenty_findings_are_told)
{
    struct buffer text;

    buffer_init(&text, findings.arena, 0);
    buffer_puts(&text, "{" VALID ",\"children\":[{}");
    for (int i = 0; i < 30; i++)
        buffer_puts(&text, ",{}");
    buffer_puts(&text, "]}");
    ck_assert(!validate(given(text.data)));
    ck_assert_uint_eq(findings.count, 20);
    ck_assert_str_eq(findings.at[19].field, "children[19].code");
}
END_TEST

START_TEST(a_long_path_is_cut)
{
    struct buffer text;

    buffer_init(&text, findings.arena, 0);
    buffer_puts(&text, "{" VALID ",\"labels\":{\"");
    for (int i = 0; i < 200; i++)
        buffer_puts(&text, "\xE2\x82\xAC");
    buffer_puts(&text, "\":\"12345\"}}");
    ck_assert(!validate(given(text.data)));
    ck_assert_uint_lt(strlen(findings.at[0].field), 100);
    ck_assert(str_is_utf8(findings.at[0].field, strlen(findings.at[0].field)));
}
END_TEST

Suite *validate_suite(void)
{
    Suite *suite = suite_create("validate");
    TCase *tcase = tcase_create("validate");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_finding_names_path_value_and_what_is_allowed, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, a_valid_message_has_no_finding);
    tcase_add_test(tcase, text_that_is_not_utf8_is_found_and_quoted_readably);
    tcase_add_test(tcase, a_key_that_a_map_holds_twice_is_found);
    tcase_add_test(tcase, a_number_that_is_a_key_twice_is_found_wherever_it_stands);
    tcase_add_test(tcase, a_personal_message_hides_all_it_holds);
    tcase_add_loop_test(tcase, times_and_durations_have_their_ranges, 0, ARRAY_LEN(INSTANTS));
    tcase_add_test(tcase, at_most_twenty_findings_are_told);
    tcase_add_test(tcase, a_long_path_is_cut);
    suite_add_tcase(suite, tcase);
    return suite;
}
