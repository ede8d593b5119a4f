/* json_write_test.c - the streaming writer. */
#include "suites.h"

#include "common/json.h"
#include "kinds.schema.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct buffer out;
static struct json_writer writer;

static void set_up(void)
{
    arena = arena_create((size_t)1 << 20);
    buffer_init(&out, arena, 0);
    json_writer_init(&writer, &out);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

START_TEST(commas_and_quotes_are_its_business)
{
    Torg__Test__V1__Line line = TORG__TEST__V1__LINE__INIT;

    line.quantity = 2;
    json_begin_object(&writer);
    json_key(&writer, "a\"b");
    json_int(&writer, INT64_MIN);
    json_key(&writer, "list");
    json_begin_array(&writer);
    json_bool(&writer, true);
    json_bool(&writer, false);
    json_null(&writer);
    json_string(&writer, NULL);
    json_string_n(&writer, "xyz", 2);
    json_begin_object(&writer);
    json_end_object(&writer);
    json_begin_array(&writer);
    json_end_array(&writer);
    json_end_array(&writer);
    json_key(&writer, "raw");
    json_raw(&writer, "[1]", 3);
    json_key(&writer, "message");
    json_message(&writer, &torg__test__v1__line__schema, &line.base, false);
    json_end_object(&writer);

    ck_assert_str_eq(out.data, "{\"a\\\"b\":-9223372036854775808,\"list\":[true,false,null,null,"
                               "\"xy\",{},[]],\"raw\":[1],\"message\":{\"quantity\":\"2\"}}");
}
END_TEST

START_TEST(every_byte_survives_a_round_trip_or_is_replaced)
{
    for (int c = 1; c < 256; c++) {
        char text[] = {'a', (char)c, 'z', '\0'};
        const struct json_node *root;

        buffer_init(&out, arena, 0);
        json_string(&writer, text);

        struct status st = json_parse(arena, out.data, out.length, &root);

        ck_assert_msg(st.code == STATUS_OK, "byte %d: %s", c, out.data);
        ck_assert_str_eq(json_text(root), c < 0x80 ? text : "a\xEF\xBF\xBDz");
    }
}
END_TEST

START_TEST(sixty_four_levels_are_written)
{
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_begin_array(&writer);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_end_array(&writer);
    ck_assert_uint_eq(out.length, (size_t)2 * JSON_DEPTH_MAX);
}
END_TEST

START_TEST(one_level_more_ends_the_process)
{
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        json_begin_array(&writer);
}
END_TEST

Suite *json_write_suite(void)
{
    Suite *suite = suite_create("json_write");
    TCase *tcase = tcase_create("json_write");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, commas_and_quotes_are_its_business);
    tcase_add_test(tcase, every_byte_survives_a_round_trip_or_is_replaced);
    tcase_add_test(tcase, sixty_four_levels_are_written);
    if (!getenv("CK_FORK")) // without a fork the abort would be ours
        tcase_add_test_raise_signal(tcase, one_level_more_ends_the_process, SIGABRT);
    suite_add_tcase(suite, tcase);
    return suite;
}
