/* reserve_test.c - Reserve: all lines or none, once, from the right warehouse. */
#include "suites.h"

#include "common/clock.h"
#include "common/str.h"

#include <pthread.h>

static struct uuid berlin, paris, mug, tee;

static void given_stock_of_mugs_and_tees(int64_t mugs, int64_t tees)
{
    given_inventory();
    berlin = given_warehouse("berlin", "DE", 1);
    paris = given_warehouse("paris", "FR", 2);
    mug = uuid_v7();
    tee = uuid_v7();
    if (mugs > 0)
        given_stock(berlin, mug, mugs);
    if (tees > 0)
        given_stock(berlin, tee, tees);
}

START_TEST(what_is_held_is_not_available)
{
    given_stock_of_mugs_and_tees(10, 0);
    struct ctx *ctx = world_ctx(inventory);
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct wanted wanted = {mug, 3};

    then_ok(inventory_reserve(ctx, reserve_request(ctx, uuid_v7(), &wanted, 1), &rep));

    then_level(berlin, mug, 7, 3, 0);
    ck_assert_int_eq(rep.reservation->state,
                     INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_HELD);
    ck_assert_ptr_nonnull(rep.reservation->expire_time);
    ck_assert_uint_eq(rep.reservation->n_allocations, 1);
    ck_assert_str_eq(rep.reservation->allocations[0]->warehouse_id, text(berlin));
    ck_assert_int_eq(rep.reservation->allocations[0]->variant_quantity, 3);
    ck_assert_int_eq(published(&STOCK_RESERVED), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(one_short_line_leaves_every_line_unheld)
{
    given_stock_of_mugs_and_tees(10, 1);
    struct wanted wanted[] = {{mug, 2}, {tee, 2}, {uuid_v7(), 1}};

    struct status status = reserving(uuid_v7(), wanted, 3);

    then_reason(status, STATUS_FAILED_PRECONDITION, "INSUFFICIENT_STOCK");
    ck_assert_str_eq(status.violations->field, "lines[1].quantity");
    ck_assert_str_eq(status.violations->allowed, "at most 1");
    ck_assert_str_eq(status.violations->next->field, "lines[2].quantity");
    ck_assert_str_eq(status.violations->next->allowed, "at most 0");
    then_level(berlin, mug, 10, 0, 0);
    ck_assert_int_eq(published(&STOCK_RESERVED), 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.reservation"), 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(the_same_id_again_answers_what_the_first_call_did)
{
    given_stock_of_mugs_and_tees(10, 10);
    struct uuid id = uuid_v7();
    struct ctx *ctx = world_ctx(inventory);
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct wanted first = {mug, 3}, other = {tee, 9};

    then_ok(reserving(id, &first, 1));
    then_ok(inventory_reserve(ctx, reserve_request(ctx, id, &other, 1), &rep));

    ck_assert_uint_eq(rep.reservation->n_allocations, 1);
    ck_assert_int_eq(rep.reservation->allocations[0]->quantity, 3);
    ck_assert_str_eq(rep.reservation->allocations[0]->line_id, "1");
    then_level(berlin, mug, 7, 3, 0);
    then_level(berlin, tee, 10, 0, 0);
    ck_assert_int_eq(published(&STOCK_RESERVED), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_release_that_came_first_refuses_a_late_reserve)
{
    given_stock_of_mugs_and_tees(10, 0);
    struct uuid id = uuid_v7();

    then_ok(releasing(id));
    then_reason(reserving(id, &(struct wanted){mug, 1}, 1), STATUS_FAILED_PRECONDITION,
                "RESERVATION_RELEASED");
    then_ok(releasing(id));

    then_level(berlin, mug, 10, 0, 0);
    ck_assert_int_eq(published(&STOCK_RELEASED), 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_line_is_served_by_as_many_warehouses_as_it_takes)
{
    given_stock_of_mugs_and_tees(3, 0);
    given_stock(paris, mug, 5);

    given_reservation(mug, 6);

    then_level(berlin, mug, 0, 3, 0);
    then_level(paris, mug, 2, 3, 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(nearest_sourcing_prefers_the_country_of_the_buyer)
{
    world_setenv("INVENTORY_SOURCING", "nearest");
    given_stock_of_mugs_and_tees(5, 0);
    given_stock(paris, mug, 5);
    struct ctx *ctx = world_ctx(inventory);
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct wanted wanted = {mug, 2};
    Inventory__V1__ReserveRequest *req = reserve_request(ctx, uuid_v7(), &wanted, 1);

    req->country_code = "FR";
    then_ok(inventory_reserve(ctx, req, &rep));

    then_level(berlin, mug, 5, 0, 0);
    then_level(paris, mug, 3, 2, 0);
}
END_TEST

START_TEST(an_unknown_sourcing_stops_the_start)
{
    struct daemon *refused;

    world_setenv("INVENTORY_SOURCING", "astrology");
    then_reason(world_try_start(&INVENTORY, &refused), STATUS_INVALID_ARGUMENT, "UNKNOWN_SOURCING");
}
END_TEST

START_TEST(a_kit_takes_its_components)
{
    given_stock_of_mugs_and_tees(10, 4);
    struct uuid kit = uuid_v7();
    given_kit(kit, (struct component[]){{kit, mug, 2}, {kit, tee, 1}}, 2);

    given_reservation(kit, 3);
    then_level(berlin, mug, 4, 6, 0);
    then_level(berlin, tee, 1, 3, 0);
    then_code(reserving(uuid_v7(), &(struct wanted){kit, 2}, 1), STATUS_FAILED_PRECONDITION);

    // The kit and the mug of which it is made, in one order.
    struct wanted both[] = {{kit, 1}, {mug, 2}};
    then_ok(reserving(uuid_v7(), both, 2));
    then_level(berlin, mug, 0, 10, 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_backorder_ends_at_its_limit)
{
    given_stock_of_mugs_and_tees(1, 0);
    given_policy(berlin, mug, 0, 2);

    given_reservation(mug, 2);
    then_level(berlin, mug, -1, 2, 0);
    then_code(reserving(uuid_v7(), &(struct wanted){mug, 2}, 1), STATUS_FAILED_PRECONDITION);
    given_reservation(mug, 1);

    then_level(berlin, mug, -2, 3, 0);
    ck_assert_int_eq(published(&OUT_OF_STOCK), 1);
    given_stock(berlin, mug, 5);
    ck_assert_int_eq(published(&BACK_IN_STOCK), 2);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_closed_warehouse_sells_nothing)
{
    given_stock_of_mugs_and_tees(10, 0);
    world_sql("UPDATE inventory.warehouse SET is_active = false WHERE code = 'berlin'");

    then_reason(reserving(uuid_v7(), &(struct wanted){mug, 1}, 1), STATUS_FAILED_PRECONDITION,
                "INSUFFICIENT_STOCK");
}
END_TEST

START_TEST(pinned_at_once_it_never_expires)
{
    given_stock_of_mugs_and_tees(10, 0);
    struct ctx *ctx = world_ctx(inventory);
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct uuid id = uuid_v7();
    struct wanted wanted = {mug, 1};
    Inventory__V1__ReserveRequest *req = reserve_request(ctx, id, &wanted, 1);

    req->pin = true;
    then_ok(inventory_reserve(ctx, req, &rep));

    ck_assert_int_eq(rep.reservation->state,
                     INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_PINNED);
    ck_assert_ptr_null(rep.reservation->expire_time);
    then_state(id, "pinned");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.reservation"
                                   " WHERE pin_time IS NOT NULL"),
                     1);
}
END_TEST

START_TEST(a_line_comes_once)
{
    given_stock_of_mugs_and_tees(10, 0);
    struct ctx *ctx = world_ctx(inventory);
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct wanted wanted[] = {{mug, 1}, {mug, 1}};
    Inventory__V1__ReserveRequest *req = reserve_request(ctx, uuid_v7(), wanted, 2);

    req->lines[1]->line_id = "1";
    then_reason(inventory_reserve(ctx, req, &rep), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(a_reservation_spread_over_too_much_is_refused)
{
    given_stock_of_mugs_and_tees(0, 0);
    struct uuid kit = uuid_v7();
    struct component components[10];
    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        components[i] = (struct component){kit, uuid_v7(), 1};
        given_stock(berlin, components[i].stock_item_id, 1000);
    }
    given_kit(kit, components, ARRAY_LEN(components));
    struct wanted wanted[101];
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        wanted[i] = (struct wanted){kit, 1};

    then_reason(reserving(uuid_v7(), wanted, 101), STATUS_INVALID_ARGUMENT,
                "RESERVATION_TOO_LARGE");
    then_ok(reserving(uuid_v7(), wanted, 100));
    then_level(berlin, components[0].stock_item_id, 900, 100, 0);
    then_the_books_are_right();
}
END_TEST

static void given_request(struct reserve_request *ret_request, struct uuid id, struct uuid variant,
                          int64_t quantity)
{
    struct ctx *ctx = world_ctx(inventory);
    struct reserve_line *line = arena_new(ctx->arena, struct reserve_line);

    *line = (struct reserve_line){"1", variant, quantity};
    *ret_request = (struct reserve_request){.ctx = ctx,
                                            .reservation_id = id,
                                            .lines = line,
                                            .line_count = 1,
                                            .country_code = "",
                                            .ttl_ms = 60000};
}

START_TEST(requests_of_one_batch_are_decided_in_order_each_by_itself)
{
    given_stock_of_mugs_and_tees(5, 5);
    struct uuid known = given_reservation(tee, 1), tombstone = uuid_v7();
    then_ok(releasing(tombstone));
    struct reserve_request requests[6];
    struct reserve_request *batch[6];
    given_request(&requests[0], uuid_v7(), mug, 3);
    given_request(&requests[1], uuid_v7(), mug, 3); // two are left
    given_request(&requests[2], known, mug, 5);     // a retry
    given_request(&requests[3], uuid_v7(), mug, 2);
    given_request(&requests[4], tombstone, tee, 1);
    given_request(&requests[5], uuid_v7(), tee, 4);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        batch[i] = &requests[i];

    then_ok(reserve_batch_run(world_ctx(inventory), batch, ARRAY_LEN(requests)));

    then_ok(requests[0].status);
    then_reason(requests[1].status, STATUS_FAILED_PRECONDITION, "INSUFFICIENT_STOCK");
    then_ok(requests[2].status);
    ck_assert_int_eq(requests[2].result.allocations.rows[0].quantity, 1);
    then_ok(requests[3].status);
    then_reason(requests[4].status, STATUS_FAILED_PRECONDITION, "RESERVATION_RELEASED");
    then_ok(requests[5].status);
    then_level(berlin, mug, 0, 5, 0);
    then_level(berlin, tee, 0, 5, 0);
    ck_assert_int_eq(published(&OUT_OF_STOCK), 2);
    then_the_books_are_right();
}
END_TEST

struct late_caller {
    struct reserve_request request;
    struct ctx *work;
    pthread_t thread;
};

static void *submit(void *argument)
{
    struct late_caller *self = argument;
    struct inventory *state = ctx_state(self->request.ctx);

    reserve_queues_submit(state->queues, &self->request);
    return NULL;
}

static void *run_batch(void *argument)
{
    struct late_caller *self = argument;
    struct reserve_request *batch[] = {&self->request};

    self->request.status = status_error(STATUS_INTERNAL, "NOT_DECIDED", NULL);
    if (reserve_batch_run(self->work, batch, 1).code != STATUS_OK)
        self->request.status = status_error(STATUS_INTERNAL, "FAILED", NULL);
    return NULL;
}

/* Somebody holds the mug; this one waits for it to make a kit, which meanwhile is made of tees. The
 * batch refuses; the queue tries once more. */
START_TEST(a_mapping_that_changes_while_its_old_items_are_locked_is_not_trusted)
{
    bool is_queued = _i == 1;

    given_stock_of_mugs_and_tees(10, 10);
    struct uuid kit = uuid_v7();
    given_kit(kit, &(struct component){kit, mug, 1}, 1);
    struct ctx *holder = world_ctx(inventory);
    struct late_caller late = {.work = world_ctx(inventory)};
    struct book book;
    given_request(&late.request, uuid_v7(), kit, 1);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    then_ok(db_begin(holder, &tx));
    then_ok(store_open_book(tx, (struct ids){&mug, 1}, (struct ids){&berlin, 1}, &book));
    pthread_create(&late.thread, NULL, is_queued ? submit : run_batch, &late);
    world_until(1, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted");
    given_kit(kit, &(struct component){kit, tee, 1}, 1);
    db_rollback(&tx);
    pthread_join(late.thread, NULL);

    if (is_queued)
        then_ok(late.request.status);
    else
        then_reason(late.request.status, STATUS_ABORTED, "STOCK_ITEMS_CHANGED");
    then_level(berlin, mug, 10, 0, 0);
    then_level(berlin, tee, is_queued ? 9 : 10, is_queued ? 1 : 0, 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(who_waits_behind_a_batch_gives_up_at_his_deadline)
{
    given_stock_of_mugs_and_tees(10, 0);
    struct ctx *holder = world_ctx(inventory);
    struct late_caller leader, behind;
    struct book book;
    given_request(&leader.request, uuid_v7(), mug, 1);
    given_request(&behind.request, uuid_v7(), mug, 1);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    then_ok(db_begin(holder, &tx));
    then_ok(store_open_book(tx, (struct ids){&mug, 1}, (struct ids){&berlin, 1}, &book));
    pthread_create(&leader.thread, NULL, submit, &leader);
    world_until(1, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted");
    behind.request.ctx->deadline_us = clock_monotonic_us() + 20000;
    submit(&behind);
    then_code(behind.request.status, STATUS_DEADLINE_EXCEEDED);
    db_rollback(&tx);
    pthread_join(leader.thread, NULL);

    then_ok(leader.request.status);
    then_level(berlin, mug, 9, 1, 0);
    then_the_books_are_right();
}
END_TEST

void reserve_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "reserve");

    tcase_add_test(tcase, what_is_held_is_not_available);
    tcase_add_test(tcase, one_short_line_leaves_every_line_unheld);
    tcase_add_test(tcase, the_same_id_again_answers_what_the_first_call_did);
    tcase_add_test(tcase, a_release_that_came_first_refuses_a_late_reserve);
    tcase_add_test(tcase, a_line_is_served_by_as_many_warehouses_as_it_takes);
    tcase_add_test(tcase, nearest_sourcing_prefers_the_country_of_the_buyer);
    tcase_add_test(tcase, an_unknown_sourcing_stops_the_start);
    tcase_add_test(tcase, a_kit_takes_its_components);
    tcase_add_test(tcase, a_backorder_ends_at_its_limit);
    tcase_add_test(tcase, a_closed_warehouse_sells_nothing);
    tcase_add_test(tcase, pinned_at_once_it_never_expires);
    tcase_add_test(tcase, a_line_comes_once);
    tcase_add_test(tcase, a_reservation_spread_over_too_much_is_refused);
    tcase_add_test(tcase, requests_of_one_batch_are_decided_in_order_each_by_itself);
    tcase_add_loop_test(tcase, a_mapping_that_changes_while_its_old_items_are_locked_is_not_trusted,
                        0, 2);
    tcase_add_test(tcase, who_waits_behind_a_batch_gives_up_at_his_deadline);
}
