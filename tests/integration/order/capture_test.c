/* capture_test.c - captures that the provider refuses for good: tried again, given up, never twice.
 */
#include "suites.h"

#include "bank.h"

static void until_status(enum payment_status wanted)
{
    world_until((int64_t)wanted, "SELECT payment_status FROM orders.orders");
}

static void ship_one(const struct sale *sale)
{
    Order__V1__ShipFulfillmentRequest req = ORDER__V1__SHIP_FULFILLMENT_REQUEST__INIT;
    Order__V1__ShipFulfillmentResponse reply = ORDER__V1__SHIP_FULFILLMENT_RESPONSE__INIT;

    req.fulfillment_id = order_now(sale)->fulfillments[0]->id;
    then_ok(order_ship_fulfillment(world_ctx(sale->daemon), &req, &reply));
}

/* As its consumer would, twice. */
static void when_capture_failed_is_heard(const struct sale *sale)
{
    Order__V1__PaymentCaptureFailed body = ORDER__V1__PAYMENT_CAPTURE_FAILED__INIT;
    Order__V1__PaymentSummary payment = ORDER__V1__PAYMENT_SUMMARY__INIT;

    for (int i = 0; i < 2; i++) {
        struct ctx *ctx = world_ctx(sale->daemon);
        const struct event event = {.id = uuid_v7(), .key = payment_of(sale)};
        payment.order_id = sale->checkout_id;
        payment.payment_id = uuid_text(ctx->arena, payment_of(sale));
        body.payment = &payment;
        body.failure_reason = "PROCESSING_ERROR";
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        then_ok(db_begin(ctx, &tx));
        then_ok(order_on_capture_failed(ctx, tx, &event, &body));
        then_ok(db_commit(&tx));
    }
}

static struct sale given_refused_capture(int refusals)
{
    world_setenv("ORDER_CAPTURE_TRIES", "3");
    world_setenv("ORDER_CAPTURE_RETRY", "10ms");
    given_bank();
    struct sale sale = given_authorized(given_order_daemon(), "stripe");

    bank_script(&sale, "capture", "refuse", refusals);
    then_ok(sale_place(&sale, NULL));
    until_status(PAYMENT_STATUS_FAILED);
    return sale;
}

START_TEST(a_capture_that_was_refused_is_tried_again_under_a_new_key)
{
    struct sale sale = given_refused_capture(1);

    when_capture_failed_is_heard(&sale);
    until_status(PAYMENT_STATUS_PAID);

    when_capture_failed_is_heard(&sale); // late
    then_bank(&sale, 1, 0, SALE_TOTAL, 0);
    ck_assert_int_eq(world_sql_int("SELECT capture_count FROM payment"), 2);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    ck_assert_int_eq(outbox_count("OrderCancelled"), 0);
    then_books_balance();
}
END_TEST

START_TEST(an_order_whose_capture_is_refused_too_often_is_cancelled_once)
{
    struct sale sale = given_refused_capture(100);

    for (int64_t failures = 1; failures <= 3; failures++) {
        world_until(failures, "SELECT count(*) FROM orders.payment_entry"
                              " WHERE kind = 2 AND outcome = 3");
        when_capture_failed_is_heard(&sale);
    }
    until_status(PAYMENT_STATUS_VOIDED);

    when_capture_failed_is_heard(&sale);
    ck_assert_str_eq(order_now(&sale)->cancel_reason, "PAYMENT_FAILED");
    ck_assert_int_eq(outbox_count("OrderCancelled"), 1);
    ck_assert_int_eq(world_sql_int("SELECT capture_count FROM payment"), 3);
    then_bank(&sale, 1, 0, 0, 0);
    then_books_balance();
}
END_TEST

START_TEST(an_order_whose_authorization_is_gone_is_cancelled_at_once)
{
    given_bank();
    struct sale sale = given_authorized(given_order_daemon(), "stripe");

    bank_script(&sale, "capture", "decline", 1);
    then_ok(sale_place(&sale, NULL));
    until_status(PAYMENT_STATUS_FAILED);
    when_capture_failed_is_heard(&sale);

    ck_assert_int_eq((int)order_now(&sale)->state, ORDER_CANCELLED);
    ck_assert_int_eq(outbox_count("OrderCancelled"), 1);
    then_books_balance();
}
END_TEST

START_TEST(what_has_left_is_not_cancelled_for_a_refused_capture)
{
    given_bank();
    world_setenv("ORDER_CAPTURE_TRIES", "1");
    struct sale sale = given_placed(given_order_daemon(), "stripe-ship");

    bank_script(&sale, "capture", "refuse", 1);
    ship_one(&sale);
    until_status(PAYMENT_STATUS_FAILED);
    when_capture_failed_is_heard(&sale);

    ck_assert_int_eq((int)order_now(&sale)->state, ORDER_OPEN);
    ck_assert_int_eq((int)order_now(&sale)->payment_status, PAYMENT_STATUS_FAILED);
}
END_TEST

void capture_case(Suite *suite)
{
    TCase *capture = world_case(suite, "capture");

    tcase_add_test(capture, a_capture_that_was_refused_is_tried_again_under_a_new_key);
    tcase_add_test(capture, an_order_whose_capture_is_refused_too_often_is_cancelled_once);
    tcase_add_test(capture, an_order_whose_authorization_is_gone_is_cancelled_at_once);
    tcase_add_test(capture, what_has_left_is_not_cancelled_for_a_refused_capture);
}
