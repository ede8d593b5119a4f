/* headers_test.c - the byte form of headers survives the trip and refuses what is cut. */
#include "events/headers.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(1 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static struct db_bytes three_headers(void)
{
    struct buffer out;

    buffer_init(&out, arena, 64);
    headers_append(&out, "ce_id", "0190-1");
    headers_append(&out, "absent", NULL);
    headers_append(&out, "empty", "");
    headers_append(&out, "ce_type", "inventory.v1.StockReserved");
    return (struct db_bytes){out.data, out.length};
}

START_TEST(headers_come_back_in_order_and_absent_ones_do_not)
{
    static const char *const NAMES[] = {"ce_id", "empty", "ce_type"};
    struct db_bytes list = three_headers();
    struct header header;
    size_t count = 0;

    for (; headers_next(&list, &header); count++) {
        ck_assert_uint_lt(count, ARRAY_LEN(NAMES));
        ck_assert_str_eq(arena_strndup(arena, header.name, header.name_length), NAMES[count]);
    }
    ck_assert_uint_eq(count, ARRAY_LEN(NAMES));
    ck_assert_uint_eq(list.length, 0);
    ck_assert_str_eq(headers_find(arena, three_headers(), "ce_type"), "inventory.v1.StockReserved");
    ck_assert_str_eq(headers_find(arena, three_headers(), "empty"), "");
    ck_assert_ptr_null(headers_find(arena, three_headers(), "ce_typ"));
}
END_TEST

START_TEST(a_list_cut_anywhere_gives_whole_headers_only)
{
    struct db_bytes whole = three_headers();

    for (size_t length = 0; length < whole.length; length++) {
        uint8_t *exact = malloc(length + 1); /* its end is where a sanitizer looks */
        memcpy(exact, whole.data, length);
        struct db_bytes list = {exact, length};
        struct header header;
        size_t count = 0;

        while (headers_next(&list, &header))
            count++;
        ck_assert_uint_lt(count, 3);
        free(exact);
    }
}
END_TEST

START_TEST(a_value_that_is_too_long_is_cut)
{
    struct buffer out;
    char *value = memset(arena_alloc(arena, HEADER_VALUE_MAX + 10), 'x', HEADER_VALUE_MAX + 9);

    buffer_init(&out, arena, 64);
    headers_append(&out, "long", value);
    headers_append(&out, "next", "1");

    struct db_bytes list = {out.data, out.length};
    ck_assert_uint_eq(strlen(headers_find(arena, list, "long")), HEADER_VALUE_MAX);
    ck_assert_str_eq(headers_find(arena, list, "next"), "1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("headers");
    TCase *tests = tcase_create("headers");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, headers_come_back_in_order_and_absent_ones_do_not);
    tcase_add_test(tests, a_list_cut_anywhere_gives_whole_headers_only);
    tcase_add_test(tests, a_value_that_is_too_long_is_cut);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
