/* provider_test.c - what every payment provider has to do, whichever it is. */
#include "bank.h"
#include "suites.h"

static const char *const ACCOUNTS[] = {"manual", "stripe"};

static void until_status(const struct sale *sale, enum payment_status wanted)
{
    world_until((int64_t)wanted, "SELECT payment_status FROM orders.orders WHERE id = '%s'",
                sale->checkout_id);
}

static int64_t entries(enum entry_kind kind, enum entry_outcome outcome)
{
    return world_sql_int("SELECT count(*) FROM payment_entry WHERE kind = %d AND outcome = %d",
                         (int)kind, (int)outcome);
}

START_TEST(what_is_held_can_be_given_back)
{
    given_bank();
    struct sale sale = given_authorized(given_order_daemon(), ACCOUNTS[_i]);
    Order__V1__VoidTendersResponse reply;

    ck_assert_int_eq(world_sql_int("SELECT authorized_minor FROM payment"), SALE_TOTAL);
    ck_assert_str_ne(world_sql_text("SELECT provider_reference FROM payment"), "");
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "PLACE_FAILED"));
    then_ok(sale_void(&sale, &reply));
    ck_assert(reply.is_done);
    then_ok(sale_void(&sale, &reply));
    ck_assert(reply.is_done);

    ck_assert_int_eq(world_sql_int("SELECT authorized_minor FROM payment"), 0);
    ck_assert_int_eq(entries(ENTRY_VOID, ENTRY_SUCCEEDED), 1);
    then_books_balance();
}
END_TEST

START_TEST(what_is_taken_can_be_given_back)
{
    given_bank();
    struct sale sale = given_placed(given_order_daemon(), ACCOUNTS[_i]);
    Order__V1__CancelOrderRequest req = ORDER__V1__CANCEL_ORDER_REQUEST__INIT;
    Order__V1__CancelOrderResponse reply = ORDER__V1__CANCEL_ORDER_RESPONSE__INIT;

    until_status(&sale, PAYMENT_STATUS_PAID);
    req.order_id = sale.checkout_id;
    req.reason = "changed their mind";
    then_ok(order_cancel_order(world_ctx(sale.daemon), &req, &reply));
    until_status(&sale, PAYMENT_STATUS_REFUNDED);

    ck_assert_int_eq(entries(ENTRY_AUTHORIZE, ENTRY_SUCCEEDED), 1);
    ck_assert_int_eq(entries(ENTRY_CAPTURE, ENTRY_SUCCEEDED), 1);
    ck_assert_int_eq(entries(ENTRY_REFUND, ENTRY_SUCCEEDED), 1);
    ck_assert_int_eq(world_sql_int("SELECT captured_minor - refunded_minor FROM payment"), 0);
    then_books_balance();
}
END_TEST

START_TEST(a_partial_capture_takes_that_much)
{
    given_bank();
    struct sale sale = given_placed(given_order_daemon(), _i == 0 ? "manual-ship" : "stripe-ship");
    Order__V1__CapturePaymentRequest req = ORDER__V1__CAPTURE_PAYMENT_REQUEST__INIT;
    Order__V1__CapturePaymentResponse reply = ORDER__V1__CAPTURE_PAYMENT_RESPONSE__INIT;
    struct ctx *ctx = world_ctx(sale.daemon);

    req.order_id = sale.checkout_id;
    req.payment_id = uuid_text(ctx->arena, payment_of(&sale));
    req.amount_minor = 3000;
    then_ok(order_capture_payment(ctx, &req, &reply));
    until_status(&sale, PAYMENT_STATUS_PARTIALLY_PAID);

    ck_assert_int_eq(world_sql_int("SELECT captured_minor FROM payment"), 3000);
    then_books_balance();
}
END_TEST

void provider_case(Suite *suite)
{
    TCase *provider = world_case(suite, "provider");

    tcase_add_loop_test(provider, what_is_held_can_be_given_back, 0, ARRAY_LEN(ACCOUNTS));
    tcase_add_loop_test(provider, what_is_taken_can_be_given_back, 0, ARRAY_LEN(ACCOUNTS));
    tcase_add_loop_test(provider, a_partial_capture_takes_that_much, 0, ARRAY_LEN(ACCOUNTS));
}
