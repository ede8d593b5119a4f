/* stateless_test.c - daemons without a database: broadcast to caches, views that retry and give up.
 */
#include "suites.h"
#include "world.h"

#include <stdlib.h>
#include <unistd.h>

static struct world *w;
static struct daemon *daemon_under_test;

static void set_up(void)
{
    w = world_create();
    shop_seen.gaps = shop_seen.handled = shop_seen.refused = 0; // tests may share a process
    setenv("SHOP_CACHE_LISTEN", "127.0.0.1:0", 1);
    setenv("SHOP_VIEW_LISTEN", "127.0.0.1:0", 1);
    setenv("EVENTS_PARK_ATTEMPTS", "3", 1);
    setenv("EVENTS_RETRY_BACKOFF", "20ms", 1);
    world_relay(w, NULL);
}

static void tear_down(void)
{
    service_stop(daemon_under_test);
    world_destroy(w);
}

static void start(const struct service *service)
{
    int port;

    ck_assert_int_eq(service_start(service, &daemon_under_test, &port).code, STATUS_OK);
}

static void sell(int64_t first, int64_t count, const char *currency)
{
    world_publish(w, (struct shop_sale){uuid_v7(), first, count, currency, false});
}

static void then_soon(atomic_int *number, int expected)
{
    for (int i = 0; i < 400 && *number != expected; i++)
        usleep(50 * 1000);
    ck_assert_int_eq(*number, expected);
}

START_TEST(a_cache_hears_what_happens_after_its_first_gap)
{
    sell(1, 5, "EUR");
    ck_assert_uint_eq(world_read(w, NULL, 5, 15).count, 5);
    start(&SHOP_CACHE);
    then_soon(&shop_seen.gaps, 1);
    sell(1, 7, "EUR");
    then_soon(&shop_seen.handled, 7);
}
END_TEST

START_TEST(a_cache_that_cannot_follow_an_event_is_told_of_a_gap)
{
    start(&SHOP_CACHE);
    then_soon(&shop_seen.gaps, 1);
    sell(1, 1, "BAD");
    then_soon(&shop_seen.gaps, 2);
    sell(1, 1, "EUR");
    then_soon(&shop_seen.handled, 1);
}
END_TEST

START_TEST(a_view_gives_up_a_record_after_its_attempts)
{
    start(&SHOP_VIEW);
    sell(1, 1, "BAD");
    then_soon(&shop_seen.refused, 3);
    sell(2, 1, "EUR");
    then_soon(&shop_seen.handled, 1);
    usleep(200 * 1000);
    ck_assert_int_eq(shop_seen.refused, 3);
}
END_TEST

START_TEST(a_view_waits_as_long_as_it_takes)
{
    shop_seen.is_away = true;
    start(&SHOP_VIEW);
    sell(1, 1, "AWY");
    sell(1, 1, "AWY");
    usleep(500 * 1000);
    ck_assert_int_eq(shop_seen.handled, 0);
    shop_seen.is_away = false;
    then_soon(&shop_seen.handled, 2);
}
END_TEST

Suite *stateless_suite(void)
{
    Suite *suite = suite_create("stateless");
    TCase *tests = tcase_create("stateless");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_cache_hears_what_happens_after_its_first_gap);
    tcase_add_test(tests, a_cache_that_cannot_follow_an_event_is_told_of_a_gap);
    tcase_add_test(tests, a_view_gives_up_a_record_after_its_attempts);
    tcase_add_test(tests, a_view_waits_as_long_as_it_takes);
    suite_add_tcase(suite, tests);
    return suite;
}
