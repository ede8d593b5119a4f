/* order_test.c - what orders do to stock: in time, twice, too early and too late. */
#include "suites.h"

#include "common/str.h"
#include "example.h"
#include "order/v1/events.schema.h"

static struct uuid berlin, paris, mug;

static void given_mugs(int64_t in_berlin, int64_t in_paris)
{
    given_inventory();
    berlin = given_warehouse("berlin", "DE", 1);
    paris = given_warehouse("paris", "FR", 2);
    mug = uuid_v7();
    given_stock(berlin, mug, in_berlin);
    given_stock(paris, mug, in_paris);
}

static struct status handle(event_handler *handler, const void *body)
{
    struct ctx *ctx = world_ctx(inventory);
    struct event event = {.id = uuid_v7(), .topic = "order.order.events.v1"};

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(handler(ctx, tx, &event, body));
    return db_commit(&tx);
}

enum { ORDERS_MAX = 8 };

static struct status all_placed(const struct uuid *reservations, size_t count)
{
    struct ctx *ctx = world_ctx(inventory);
    Order__V1__OrderPlaced bodies[ORDERS_MAX];
    struct event_item items[ORDERS_MAX];
    struct event event = {.id = uuid_v7(), .topic = "order.order.events.v1", .type = "placed"};

    for (size_t i = 0; i < count; i++) {
        order__v1__order_placed__init(&bodies[i]);
        bodies[i].reservation_id = text(reservations[i]);
        items[i] = (struct event_item){&event, &bodies[i]};
    }
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(inventory_on_orders_placed(ctx, tx, items, count));
    return db_commit(&tx);
}

static struct status placed(struct uuid reservation)
{
    return all_placed(&reservation, 1);
}

static struct status cancelled(struct uuid reservation)
{
    Order__V1__OrderCancelled body = ORDER__V1__ORDER_CANCELLED__INIT;

    body.reservation_id = text(reservation);
    return handle(inventory_on_order_cancelled, &body);
}

static struct status shipped(struct uuid reservation, struct uuid warehouse, const char *line_id,
                             int64_t quantity)
{
    Order__V1__ShipmentShipped body = ORDER__V1__SHIPMENT_SHIPPED__INIT;
    Order__V1__ShipmentLine line = ORDER__V1__SHIPMENT_LINE__INIT;
    Order__V1__ShipmentLine *lines[] = {&line};

    line.line_id = line_id;
    line.quantity = quantity;
    body.reservation_id = text(reservation);
    body.shipment_id = text(uuid_v7());
    body.warehouse_id = text(warehouse);
    body.lines = lines;
    body.n_lines = 1;
    return handle(inventory_on_shipment_shipped, &body);
}

START_TEST(a_placed_order_commits_its_reservation_once)
{
    given_mugs(10, 1);
    struct uuid id = given_reservation(mug, 3);
    then_ok(pinning(id));

    then_ok(placed(id));
    then_ok(placed(id));

    then_level(berlin, mug, 7, 0, 3);
    ck_assert_int_eq(published(&STOCK_COMMITTED), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(orders_that_come_together_commit_together)
{
    given_mugs(10, 1);
    struct uuid ids[] = {given_reservation(mug, 3), given_reservation(mug, 2), uuid_v7()};
    then_ok(placed(ids[0]));

    then_reason(all_placed(ids, 3), STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND");
    then_state(ids[1], "held");
    ids[2] = given_reservation(mug, 1);
    then_ok(all_placed(ids, 3));
    then_ok(all_placed(ids, 3));

    then_level(berlin, mug, 4, 0, 6);
    ck_assert_int_eq(published(&STOCK_COMMITTED), 3);
    then_the_books_are_right();
}
END_TEST

START_TEST(an_order_without_a_reservation_is_not_lost_but_refused)
{
    given_mugs(10, 1);
    struct uuid released = given_reservation(mug, 3);
    then_ok(releasing(released));

    then_reason(placed(uuid_v7()), STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND");
    then_reason(placed(released), STATUS_FAILED_PRECONDITION, "RESERVATION_RELEASED");
    then_reason(shipped(uuid_v7(), berlin, "1", 1), STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND");
}
END_TEST

START_TEST(a_cancelled_order_gives_everything_back_once)
{
    given_mugs(10, 1);
    struct uuid allocated = given_reservation(mug, 3), pinned = given_reservation(mug, 2);
    then_ok(placed(allocated));
    then_ok(pinning(pinned));

    then_ok(cancelled(allocated));
    then_ok(cancelled(allocated));
    then_ok(cancelled(pinned));

    then_level(berlin, mug, 10, 0, 0);
    then_state(allocated, "released");
    ck_assert_int_eq(published(&STOCK_RELEASED), 2);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_cancelled_order_that_was_never_reserved_refuses_a_late_reserve)
{
    given_mugs(10, 1);
    struct uuid id = uuid_v7();

    then_ok(cancelled(id));
    then_reason(reserving(id, &(struct wanted){mug, 1}, 1), STATUS_FAILED_PRECONDITION,
                "RESERVATION_RELEASED");
}
END_TEST

START_TEST(a_shipment_takes_its_warehouse_s_part_to_the_customer)
{
    given_mugs(3, 5);
    struct uuid id = given_reservation(mug, 5);
    then_ok(placed(id));
    int64_t told = published(&STOCK_CHANGED);

    then_ok(shipped(id, berlin, "1", 2));
    then_level(berlin, mug, 0, 0, 1);
    then_level(paris, mug, 3, 0, 2);
    ck_assert_int_eq(published(&STOCK_CHANGED), told + 1);
    then_ok(shipped(id, paris, "1", 2));
    ck_assert_int_eq(world_sql_int("SELECT count(finish_time) FROM inventory.reservation"), 0);
    then_ok(shipped(id, berlin, "1", 1));

    then_level(berlin, mug, 0, 0, 0);
    ck_assert_int_eq(world_sql_int("SELECT balance FROM inventory.outside_balance"
                                   " WHERE account = 'customer'"),
                     5);
    ck_assert_int_eq(world_sql_int("SELECT count(finish_time) FROM inventory.reservation"), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(more_than_was_allocated_does_not_ship)
{
    given_mugs(3, 5);
    struct uuid id = given_reservation(mug, 5), open = given_reservation(mug, 1);
    then_ok(placed(id));

    then_reason(shipped(id, berlin, "1", 4), STATUS_FAILED_PRECONDITION, "SHIPPED_TOO_MUCH");
    then_reason(shipped(id, berlin, "2", 1), STATUS_FAILED_PRECONDITION, "SHIPPED_TOO_MUCH");
    then_reason(shipped(open, berlin, "1", 1), STATUS_FAILED_PRECONDITION,
                "RESERVATION_NOT_COMMITTED");
    then_the_books_are_right();
}
END_TEST

START_TEST(what_was_shipped_does_not_come_back_with_a_cancellation)
{
    given_mugs(10, 1);
    struct uuid id = given_reservation(mug, 5);
    then_ok(placed(id));
    then_ok(shipped(id, berlin, "1", 2));

    then_ok(cancelled(id));

    then_level(berlin, mug, 8, 0, 0);
    then_reason(shipped(id, berlin, "1", 1), STATUS_FAILED_PRECONDITION,
                "RESERVATION_NOT_COMMITTED");
    then_the_books_are_right();
}
END_TEST

START_TEST(a_kit_ships_its_components)
{
    given_mugs(10, 1);
    struct uuid kit = uuid_v7(), lid = uuid_v7();
    given_stock(berlin, lid, 9);
    given_kit(kit, (struct component[]){{kit, mug, 2}, {kit, lid, 1}}, 2);
    struct uuid id = given_reservation(kit, 3);
    then_ok(placed(id));
    given_kit(kit, (struct component[]){{kit, mug, 5}}, 1); // does not change what was reserved

    then_ok(shipped(id, berlin, "1", 2));

    then_level(berlin, mug, 4, 0, 2);
    then_level(berlin, lid, 6, 0, 1);
    then_the_books_are_right();
}
END_TEST

/* Reserves what an order's example says, under its reservation's id. */
static void given_reserved(const char *reservation_id, const Order__V1__OrderSummary *order)
{
    struct wanted wanted[10];

    ck_assert_uint_le(order->n_lines, ARRAY_LEN(wanted));
    for (size_t i = 0; i < order->n_lines; i++) {
        wanted[i] = (struct wanted){parsed(order->lines[i]->variant_id), order->lines[i]->quantity};
        given_stock(berlin, wanted[i].variant, wanted[i].quantity);
    }
    then_ok(reserving(parsed(reservation_id), wanted, order->n_lines));
}

START_TEST(the_examples_of_order_are_understood)
{
    given_inventory();
    struct arena *arena = world_ctx(inventory)->arena;
    const Order__V1__OrderPlaced *order = example_of(arena, &order__v1__order_placed__schema);
    const Order__V1__OrderCancelled *ended = example_of(arena, &order__v1__order_cancelled__schema);
    const Order__V1__ShipmentShipped *parcel =
        example_of(arena, &order__v1__shipment_shipped__schema);
    world_sql("INSERT INTO inventory.warehouse (id, code, name, country_code, priority, is_active)"
              " VALUES ('%s', 'berlin', 'Berlin', 'DE', 1, true)",
              parcel->warehouse_id);
    berlin = parsed(parcel->warehouse_id);
    given_reserved(order->reservation_id, order->order);
    given_reserved(ended->reservation_id, ended->order);
    given_reserved(parcel->reservation_id, parcel->order);

    then_ok(placed(parsed(order->reservation_id)));
    then_ok(handle(inventory_on_order_cancelled, ended));
    then_ok(placed(parsed(parcel->reservation_id)));
    then_ok(handle(inventory_on_shipment_shipped, parcel));

    then_state(parsed(order->reservation_id), "committed");
    then_state(parsed(ended->reservation_id), "released");
    ck_assert_int_eq(world_sql_int("SELECT sum(shipped_quantity) FROM inventory.reservation_line"),
                     parcel->lines[0]->quantity);
    then_the_books_are_right();
}
END_TEST

void order_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "order");

    tcase_add_test(tcase, a_placed_order_commits_its_reservation_once);
    tcase_add_test(tcase, orders_that_come_together_commit_together);
    tcase_add_test(tcase, an_order_without_a_reservation_is_not_lost_but_refused);
    tcase_add_test(tcase, a_cancelled_order_gives_everything_back_once);
    tcase_add_test(tcase, a_cancelled_order_that_was_never_reserved_refuses_a_late_reserve);
    tcase_add_test(tcase, a_shipment_takes_its_warehouse_s_part_to_the_customer);
    tcase_add_test(tcase, more_than_was_allocated_does_not_ship);
    tcase_add_test(tcase, what_was_shipped_does_not_come_back_with_a_cancellation);
    tcase_add_test(tcase, a_kit_ships_its_components);
    tcase_add_test(tcase, the_examples_of_order_are_understood);
}
