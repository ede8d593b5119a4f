/* reservation_test.c - pin, extend, commit, release, expiry, and what is purged. */
#include "suites.h"

#include "common/clock.h"

static struct uuid berlin, mug;

static void given_mugs(int64_t count)
{
    given_inventory();
    berlin = given_warehouse("berlin", "DE", 1);
    mug = uuid_v7();
    given_stock(berlin, mug, count);
}

/* The contract asks for at least a second; inside the process shorter ones are possible. */
static struct uuid given_short_hold(int64_t quantity, int64_t ttl_ms)
{
    struct ctx *ctx = world_ctx(inventory);
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct uuid id = uuid_v7();
    struct wanted wanted = {mug, quantity};
    Inventory__V1__ReserveRequest *req = reserve_request(ctx, id, &wanted, 1);

    req->ttl_ms = ttl_ms;
    then_ok(inventory_reserve(ctx, req, &rep));
    return id;
}

static struct status extending(struct uuid id, int64_t ttl_ms, int64_t *ret_left_s)
{
    Inventory__V1__ExtendReservationRequest req = INVENTORY__V1__EXTEND_RESERVATION_REQUEST__INIT;
    Inventory__V1__ExtendReservationResponse rep = INVENTORY__V1__EXTEND_RESERVATION_RESPONSE__INIT;

    req.reservation_id = text(id);
    req.ttl_ms = ttl_ms;
    TRY(inventory_extend_reservation(world_ctx(inventory), &req, &rep));
    *ret_left_s = rep.reservation->expire_time == NULL
                      ? -1
                      : rep.reservation->expire_time->seconds - clock_now_us() / 1000000;
    return status_ok();
}

START_TEST(commit_moves_reserved_to_allocated_once)
{
    given_mugs(10);
    struct uuid id = given_reservation(mug, 3);

    then_ok(committing(id));
    then_ok(committing(id));

    then_level(berlin, mug, 7, 0, 3);
    then_state(id, "committed");
    ck_assert_int_eq(published(&STOCK_COMMITTED), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(release_gives_back_once)
{
    given_mugs(3);
    struct uuid id = given_reservation(mug, 3);

    then_ok(releasing(id));
    then_ok(releasing(id));

    then_level(berlin, mug, 3, 0, 0);
    then_state(id, "released");
    ck_assert_int_eq(published(&STOCK_RELEASED), 1);
    ck_assert_int_eq(published(&OUT_OF_STOCK), 1);
    ck_assert_int_eq(published(&BACK_IN_STOCK), 2); // the receipt, and now
    then_the_books_are_right();
}
END_TEST

START_TEST(what_is_over_is_over)
{
    given_mugs(10);
    struct uuid released = given_reservation(mug, 1), committed = given_reservation(mug, 1);
    int64_t left_s;
    then_ok(releasing(released));
    then_ok(committing(committed));

    then_reason(committing(released), STATUS_FAILED_PRECONDITION, "RESERVATION_RELEASED");
    then_reason(pinning(released), STATUS_FAILED_PRECONDITION, "RESERVATION_RELEASED");
    then_reason(extending(released, 5000, &left_s), STATUS_FAILED_PRECONDITION,
                "RESERVATION_RELEASED");
    then_reason(releasing(committed), STATUS_FAILED_PRECONDITION, "RESERVATION_COMMITTED");
    then_ok(pinning(committed));
    then_level(berlin, mug, 9, 0, 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(an_unknown_reservation_is_not_found)
{
    given_mugs(1);
    int64_t left_s;
    Inventory__V1__GetReservationRequest req = INVENTORY__V1__GET_RESERVATION_REQUEST__INIT;
    Inventory__V1__GetReservationResponse rep = INVENTORY__V1__GET_RESERVATION_RESPONSE__INIT;

    then_reason(committing(uuid_v7()), STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND");
    then_reason(pinning(uuid_v7()), STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND");
    then_reason(extending(uuid_v7(), 5000, &left_s), STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND");
    req.reservation_id = text(uuid_v7());
    then_reason(inventory_get_reservation(world_ctx(inventory), &req, &rep), STATUS_NOT_FOUND,
                "RESERVATION_NOT_FOUND");
}
END_TEST

START_TEST(a_hold_is_extended_and_never_shortened)
{
    given_mugs(1);
    struct uuid id = given_short_hold(1, 60000);
    int64_t left_s;

    then_ok(extending(id, 600000, &left_s));
    ck_assert_int_ge(left_s, 595);
    then_ok(extending(id, 1000, &left_s));
    ck_assert_int_ge(left_s, 590);
    then_ok(pinning(id));
    then_ok(extending(id, 1000, &left_s));
    ck_assert_int_eq(left_s, -1);
    then_state(id, "pinned");
}
END_TEST

START_TEST(a_hold_that_ran_out_gives_back_within_a_second)
{
    given_mugs(5);
    struct uuid id = given_short_hold(2, 300);
    int64_t due_us = world_sql_int("SELECT (extract(epoch FROM expire_time) * 1000000)::bigint"
                                   "  FROM inventory.reservation");

    world_until(1, "SELECT count(*) FROM inventory.reservation WHERE state = 'expired'");

    ck_assert_int_lt(world_sql_int("SELECT (extract(epoch FROM finish_time) * 1000000)::bigint"
                                   "  FROM inventory.reservation") -
                         due_us,
                     1000000);
    ck_assert_int_ge(world_sql_int("SELECT (extract(epoch FROM finish_time) * 1000000)::bigint"
                                   "  FROM inventory.reservation"),
                     due_us);
    then_level(berlin, mug, 5, 0, 0);
    then_reason(committing(id), STATUS_FAILED_PRECONDITION, "RESERVATION_EXPIRED");
    then_reason(reserving(id, &(struct wanted){mug, 1}, 1), STATUS_FAILED_PRECONDITION,
                "RESERVATION_EXPIRED");
    then_ok(releasing(id));
    ck_assert_int_eq(published(&STOCK_RELEASED), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_sweep_takes_what_is_due_and_nothing_else)
{
    world_setenv("INVENTORY_EXPIRY_INTERVAL", "1m");
    world_setenv("INVENTORY_EXPIRY_BATCH", "2");
    given_mugs(20);
    for (int i = 0; i < 5; i++)
        given_short_hold(1, 1);
    struct uuid held = given_short_hold(1, 60000), pinned = given_short_hold(1, 1);
    then_ok(pinning(pinned)); // it ran out, but still has its stock
    world_sql("SELECT pg_sleep(0.01)");

    then_ok(inventory_expire(world_ctx(inventory)));

    // the daemon's own sweep may have one of them in hand
    world_until(5, "SELECT count(*) FROM inventory.reservation WHERE state = 'expired'");
    then_state(held, "held");
    then_state(pinned, "pinned");
    then_level(berlin, mug, 18, 2, 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(overdue_pins_are_counted)
{
    world_setenv("INVENTORY_PIN_OVERDUE", "1s");
    given_mugs(5);
    then_ok(pinning(given_reservation(mug, 1)));
    then_ok(pinning(given_reservation(mug, 1)));
    world_sql("UPDATE inventory.reservation SET pin_time = pin_time - interval '1 minute'");

    then_ok(inventory_watch_pins(world_ctx(inventory)));

    ck_assert_int_eq(OVERDUE_PINS.values[0], 2);
}
END_TEST

START_TEST(finished_reservations_are_purged_after_the_retention)
{
    given_mugs(5);
    struct uuid old = given_reservation(mug, 1), fresh = given_reservation(mug, 1);
    struct uuid open = given_reservation(mug, 1);
    then_ok(releasing(old));
    then_ok(releasing(fresh));
    then_ok(committing(open));
    world_sql("UPDATE inventory.reservation SET finish_time = now() - interval '31 days'"
              " WHERE id = '%s'",
              text(old));

    then_ok(inventory_purge(world_ctx(inventory)));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.reservation"), 2);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.reservation_line"), 2);
    then_state(fresh, "released");
    then_state(open, "committed");
    then_the_books_are_right();
}
END_TEST

void reservation_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "reservation");

    tcase_add_test(tcase, commit_moves_reserved_to_allocated_once);
    tcase_add_test(tcase, release_gives_back_once);
    tcase_add_test(tcase, what_is_over_is_over);
    tcase_add_test(tcase, an_unknown_reservation_is_not_found);
    tcase_add_test(tcase, a_hold_is_extended_and_never_shortened);
    tcase_add_test(tcase, a_hold_that_ran_out_gives_back_within_a_second);
    tcase_add_test(tcase, a_sweep_takes_what_is_due_and_nothing_else);
    tcase_add_test(tcase, overdue_pins_are_counted);
    tcase_add_test(tcase, finished_reservations_are_purged_after_the_retention);
}
