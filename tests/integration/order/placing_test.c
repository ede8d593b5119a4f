/* placing_test.c - an order is placed by the transaction that learns that its money is held, and
 * packed from then on or when its money comes. */
#include "bank.h"
#include "suites.h"

static struct sale given_paid_later(void)
{
    struct sale sale = given_card("pm_card_visa");

    sale.is_placing = true;
    then_authorizing(&sale, CHECKOUT_PLACED);
    return sale;
}

START_TEST(a_card_that_is_held_at_once_is_placed_with_the_banks_answer)
{
    struct sale sale = given_paid_later();

    then_authorizing(&sale, CHECKOUT_PLACED);
    until_payment_status(&sale, PAYMENT_STATUS_PAID);

    then_bank(&sale, 1, 0, SALE_TOTAL, 0);
    ck_assert_int_eq(outbox_count("OrderPlaced"), 1);
    then_books_balance();
}
END_TEST

START_TEST(the_heard_capture_starts_the_shipments_once)
{
    struct sale sale = given_paid_later();
    Order__V1__ShipFulfillmentRequest ship = ORDER__V1__SHIP_FULFILLMENT_REQUEST__INIT;
    Order__V1__ShipFulfillmentResponse shipped = ORDER__V1__SHIP_FULFILLMENT_RESPONSE__INIT;

    ship.fulfillment_id = order_now(&sale)->fulfillments[0]->id;
    then_reason(order_ship_fulfillment(world_ctx(sale.daemon), &ship, &shipped),
                STATUS_FAILED_PRECONDITION, "FULFILLMENT_NOT_READY");
    until_payment_status(&sale, PAYMENT_STATUS_PAID);
    then_ok(when_captured_is_heard(&sale));
    then_ok(when_captured_is_heard(&sale));

    ck_assert_int_eq(order_now(&sale)->fulfillment_status,
                     ORDER__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_IN_PROGRESS);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM fulfillment WHERE state = 2"), 2);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM shipment WHERE state = 1"), 2);
    ck_assert_int_eq(outbox_count("OrderFulfillmentChanged"), 1);
    then_published_as_example("orders", &order__v1__order_fulfillment_changed__schema);
    then_books_balance();
}
END_TEST

START_TEST(captures_that_are_heard_together_start_each_order_once)
{
    struct sale first = given_paid_later();
    struct sale second = given_sale(first.daemon, "stripe");
    const char *ids[] = {NULL, "", first.checkout_id, NULL, NULL};

    second.payment_method = "pm_card_visa";
    second.client_key = "another-key";
    second.is_placing = true;
    then_ok(sale_begin(&second, NULL));
    then_ok(sale_price(&second));
    then_ok(sale_reserve(&second));
    then_authorizing(&second, CHECKOUT_PLACED);
    until_payment_status(&first, PAYMENT_STATUS_PAID);
    until_payment_status(&second, PAYMENT_STATUS_PAID);
    ids[0] = ids[3] = second.checkout_id;
    ids[4] = "018f0000-0000-7000-8000-0000000000ff";

    then_reason(when_captures_are_heard(first.daemon, ids, 5), STATUS_NOT_FOUND, "NOT_FOUND");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM shipment"), 0);
    then_ok(when_captures_are_heard(first.daemon, ids, 4));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM shipment"), 4);
    ck_assert_int_eq(outbox_count("OrderFulfillmentChanged"), 2);
    then_books_balance();
}
END_TEST

START_TEST(a_capture_heard_after_the_cancellation_starts_nothing)
{
    struct sale sale = given_paid_later();

    until_payment_status(&sale, PAYMENT_STATUS_PAID);
    when_cancelled(&sale);
    then_ok(when_captured_is_heard(&sale));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM shipment"), 0);
}
END_TEST

START_TEST(nothing_is_placed_before_the_bank_says_yes)
{
    struct sale sale = given_card("pm_card_authenticationRequired");

    sale.is_placing = true;
    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM orders"), 0);
    bank_complete(&sale, "succeed");
    then_authorizing(&sale, CHECKOUT_PLACED);
    until_payment_status(&sale, PAYMENT_STATUS_PAID);

    then_bank(&sale, 1, 0, SALE_TOTAL, 0);
    then_books_balance();
}
END_TEST

void placing_case(Suite *suite)
{
    TCase *placing = world_case(suite, "placing");

    tcase_add_test(placing, a_card_that_is_held_at_once_is_placed_with_the_banks_answer);
    tcase_add_test(placing, nothing_is_placed_before_the_bank_says_yes);
    tcase_add_test(placing, the_heard_capture_starts_the_shipments_once);
    tcase_add_test(placing, captures_that_are_heard_together_start_each_order_once);
    tcase_add_test(placing, a_capture_heard_after_the_cancellation_starts_nothing);
}
