/* time_test.c - instants as RFC 3339 text. */
#include "suites.h"

#include "common/clock.h"
#include "common/compiler.h"
#include "random.h"

#include <string.h>
#include <time.h>

static const struct {
    const char *text;
    int64_t time_us;
    const char *canonical;
} CASES[] = {
    {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
    {"1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z"},
    {"2026-11-23T10:20:30.123456Z", 1795429230123456, "2026-11-23T10:20:30.123456Z"},
    {"2026-11-23T10:20:30.123456999Z", 1795429230123456, "2026-11-23T10:20:30.123456Z"},
    {"2026-11-23T10:20:30.5Z", 1795429230500000, "2026-11-23T10:20:30.500Z"},
    {"2026-11-23T12:20:30+02:00", 1795429230000000, "2026-11-23T10:20:30Z"},
    {"2026-11-22T22:50:30-11:30", 1795429230000000, "2026-11-23T10:20:30Z"},
    {"2026-11-23T10:20:30-00:00", 1795429230000000, "2026-11-23T10:20:30Z"},
    {"2000-02-29T00:00:00Z", 951782400000000, "2000-02-29T00:00:00Z"},
    {"0001-01-01T00:00:00Z", -62135596800000000, "0001-01-01T00:00:00Z"},
    {"9999-12-31T23:59:59.999999Z", 253402300799999999, "9999-12-31T23:59:59.999999Z"},
};

START_TEST(an_instant_is_read_and_written)
{
    struct arena *arena = arena_create(0);
    int64_t time_us;

    ck_assert_msg(clock_parse(CASES[_i].text, &time_us), "%s", CASES[_i].text);
    ck_assert_int_eq(time_us, CASES[_i].time_us);
    ck_assert_str_eq(clock_format(arena, time_us), CASES[_i].canonical);
    arena_destroy(arena);
}
END_TEST

static const char *const REFUSED[] = {
    "",
    "2026",
    "2026-11-23",
    "2026-11-23T10:20:30",
    "2026-11-23 10:20:30Z",
    "2026-11-23t10:20:30Z",
    "2026-11-23T10:20:30z",
    "2026-11-23T10:20Z",
    "2026-11-23T10:20:30.Z",
    "2026-11-23T10:20:30.1234567890Z",
    "2026-11-23T10:20:30+0200",
    "2026-11-23T10:20:30+02",
    "2026-11-23T10:20:30+24:00",
    "2026-11-23T10:20:30+02:60",
    "2026-11-23T10:20:30Z ",
    "2026-11-23T10:20:30ZZ",
    "0000-01-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z",
    "+026-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "2026-11-23T10:20:30,5Z",
};

START_TEST(anything_else_is_no_instant)
{
    int64_t time_us = 5;

    ck_assert_msg(!clock_parse(REFUSED[_i], &time_us), "%s", REFUSED[_i]);
    ck_assert_int_eq(time_us, 5);
    ck_assert(!clock_parse(NULL, &time_us));
}
END_TEST

/* The C library's calendar is the oracle. */
START_TEST(the_calendar_agrees_with_the_c_library)
{
    struct random dice = {7};
    struct arena *arena = arena_create(0);

    for (int i = 0; i < 20000; i++) {
        time_t seconds = (time_t)random_below(&dice, 315537897600) - 62135596800;
        struct tm parts;
        char expected[32];
        int64_t back;

        ck_assert_ptr_nonnull(gmtime_r(&seconds, &parts));
        ck_assert_uint_gt(strftime(expected, sizeof(expected), "T%H:%M:%SZ", &parts), 0);

        char *date = arena_printf(arena, "%04d-%02d-%02d%s", parts.tm_year + 1900, parts.tm_mon + 1,
                                  parts.tm_mday, expected);

        ck_assert_str_eq(clock_format(arena, (int64_t)seconds * 1000000), date);
        ck_assert(clock_parse(date, &back));
        ck_assert_int_eq(back, (int64_t)seconds * 1000000);
        arena_reset(arena);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(an_instant_outside_the_calendar_is_written_as_the_nearest_inside)
{
    struct arena *arena = arena_create(0);

    ck_assert_str_eq(clock_format(arena, INT64_MAX), "9999-12-31T23:59:59.999999999Z");
    ck_assert_str_eq(clock_format(arena, INT64_MIN), "0001-01-01T00:00:00Z");
    arena_destroy(arena);
}
END_TEST

START_TEST(the_clocks_run)
{
    int64_t now = clock_now_us(), start = clock_monotonic_us();

    ck_assert_int_le((int64_t)time(NULL) - now / 1000000, 1);
    ck_assert_int_ge(clock_monotonic_us(), start);
}
END_TEST

Suite *time_suite(void)
{
    Suite *suite = suite_create("time");
    TCase *tcase = tcase_create("time");

    tcase_add_loop_test(tcase, an_instant_is_read_and_written, 0, ARRAY_LEN(CASES));
    tcase_add_loop_test(tcase, anything_else_is_no_instant, 0, ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, the_calendar_agrees_with_the_c_library);
    tcase_add_test(tcase, an_instant_outside_the_calendar_is_written_as_the_nearest_inside);
    tcase_add_test(tcase, the_clocks_run);
    suite_add_tcase(suite, tcase);
    return suite;
}
