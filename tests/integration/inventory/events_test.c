/* events_test.c - each event is published as its example says, when it should be, and not twice. */
#include "suites.h"

#include "example.h"
#include "inventory/v1/events.schema.h"

static struct uuid berlin, mug;

static void given_mugs(int64_t count)
{
    given_inventory();
    berlin = given_warehouse("berlin", "DE", 1);
    mug = uuid_v7();
    struct uuid pair = uuid_v7();
    given_kit(pair, &(struct component){pair, mug, 2}, 1);
    given_stock(berlin, mug, count);
}

START_TEST(events_are_as_their_examples)
{
    given_mugs(10);
    given_policy(berlin, mug, 4, 0);
    then_published_as_example("inventory", &inventory__v1__stock_changed__schema);
    then_published_as_example("inventory", &inventory__v1__back_in_stock__schema);

    struct uuid first = given_reservation(mug, 7);
    then_published_as_example("inventory", &inventory__v1__stock_reserved__schema);
    then_published_as_example("inventory", &inventory__v1__stock_low__schema);

    then_ok(committing(first));
    then_published_as_example("inventory", &inventory__v1__stock_committed__schema);

    struct uuid second = given_reservation(mug, 3);
    then_published_as_example("inventory", &inventory__v1__out_of_stock__schema);

    then_ok(releasing(second));
    then_published_as_example("inventory", &inventory__v1__stock_released__schema);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_crossing_is_told_each_time_and_only_then)
{
    given_mugs(10);
    given_policy(berlin, mug, 5, 0);

    struct uuid half = given_reservation(mug, 5); // 5: low
    ck_assert_int_eq(published(&STOCK_LOW), 1);
    given_reservation(mug, 1); // 4: still low
    ck_assert_int_eq(published(&STOCK_LOW), 1);
    then_ok(releasing(half));  // 9
    given_reservation(mug, 9); // 0: low again, and out
    ck_assert_int_eq(published(&STOCK_LOW), 2);
    ck_assert_int_eq(published(&OUT_OF_STOCK), 1);
    ck_assert_int_eq(published(&STOCK_CHANGED), 1); // the receipt; reservations have their own
    given_policy(berlin, mug, 100, 0);
    ck_assert_int_eq(published(&STOCK_LOW), 2);
    then_the_books_are_right();
}
END_TEST

START_TEST(what_was_rolled_back_was_not_told)
{
    given_mugs(10);
    int64_t before = world_sql_int("SELECT count(*) FROM inventory.outbox");

    then_code(reserving(uuid_v7(), &(struct wanted){mug, 11}, 1), STATUS_FAILED_PRECONDITION);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.outbox"), before);
}
END_TEST

void events_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "events");

    tcase_add_test(tcase, events_are_as_their_examples);
    tcase_add_test(tcase, a_crossing_is_told_each_time_and_only_then);
    tcase_add_test(tcase, what_was_rolled_back_was_not_told);
}
