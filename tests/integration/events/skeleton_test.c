/* skeleton_test.c - a row becomes a record, the record an effect. */
#include "suites.h"
#include "world.h"

static struct world *w;

static void set_up(void)
{
    w = world_create();
}

static void tear_down(void)
{
    world_destroy(w);
}

START_TEST(a_committed_row_reaches_the_handler_once)
{
    struct uuid key = uuid_v7();

    world_relay(w, NULL);
    world_consumer(w, NULL);
    world_publish(w, (struct shop_sale){.key = key, .first = 1, .count = 3});

    world_await(w, "SELECT count(*) FROM shop.effect", 3, 20);
    ck_assert_int_eq(world_number(w, "SELECT count(DISTINCT event_id) FROM shop.effect"), 3);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.inbox"), 3);
}
END_TEST

START_TEST(a_rolled_back_row_never_appears)
{
    struct uuid key = uuid_v7();

    world_relay(w, NULL);
    world_publish(w,
                  (struct shop_sale){.key = key, .first = 1, .count = 2, .is_rolled_back = true});
    world_publish(w, (struct shop_sale){.key = key, .first = 3, .count = 1});

    struct seen_list seen = world_read(w, NULL, 1, 20);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_int_eq(seen.items[0].number, 3);
    ck_assert_str_eq(seen.items[0].type, "common.v1.Money");
    ck_assert(uuid_equal(seen.items[0].key, key));
}
END_TEST

Suite *skeleton_suite(void)
{
    Suite *suite = suite_create("skeleton");
    TCase *tests = tcase_create("skeleton");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_committed_row_reaches_the_handler_once);
    tcase_add_test(tests, a_rolled_back_row_never_appears);
    suite_add_tcase(suite, tests);
    return suite;
}
