/* stripe_test.c - the sale with cards, and everything a payment provider does to a shop.
 *
 * After each test the bank's book and ours agree: never two holds, never money without an order. */
#include "bank.h"
#include "suites.h"

static bool voiding(struct sale *sale)
{
    Order__V1__VoidTendersResponse reply;

    then_ok(sale_void(sale, &reply));
    return reply.is_done;
}

static struct status change_method(struct sale *sale, const char *payment_method)
{
    Order__V1__UpdateTendersRequest req = ORDER__V1__UPDATE_TENDERS_REQUEST__INIT;
    Order__V1__UpdateTendersResponse reply = ORDER__V1__UPDATE_TENDERS_RESPONSE__INIT;
    Order__V1__TenderInput tender = ORDER__V1__TENDER_INPUT__INIT;
    Order__V1__TenderInput *tenders[] = {&tender};

    tender.provider_account = "stripe";
    tender.payment_method = payment_method;
    req.checkout_id = sale->checkout_id;
    req.epoch = sale->epoch;
    req.tenders = tenders;
    req.n_tenders = 1;
    return order_update_tenders(world_ctx(sale->daemon), &req, &reply);
}

START_TEST(a_card_is_held_then_charged_when_the_order_is_placed)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    then_bank(&sale, 1, SALE_TOTAL, 0, 0);
    then_ok(sale_place(&sale, NULL));
    until_payment_status(&sale, PAYMENT_STATUS_PAID);

    then_bank(&sale, 1, 0, SALE_TOTAL, 0);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    ck_assert_int_eq(outbox_count("OrderPaymentChanged"), 1);
    then_books_balance();
}
END_TEST

START_TEST(a_declined_card_cancels)
{
    struct sale sale = given_card("pm_card_chargeDeclinedInsufficientFunds");

    sale.is_placing = _i == 1;

    then_authorizing(&sale, CHECKOUT_CANCELLING);

    Order__V1__Checkout *checkout = checkout_now(&sale);
    ck_assert_str_eq(checkout->failure_reason, "PAYMENT_DECLINED");
    ck_assert_str_eq(checkout->failure_detail, "INSUFFICIENT_FUNDS");
    then_published_as_example("orders", &order__v1__payment_declined__schema);
    ck_assert(voiding(&sale));
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));
    then_bank(&sale, 1, 0, 0, 0);
    then_books_balance();
}
END_TEST

START_TEST(the_buyer_confirms_at_the_bank_and_the_webhook_resumes)
{
    struct sale sale = given_card("pm_card_authenticationRequired");
    Order__V1__AuthorizeTendersResponse reply;
    const char *checkout_id = "";

    then_ok(sale_authorize(&sale, &reply));
    ck_assert_int_eq((int)reply.checkout->state, CHECKOUT_ACTION_REQUIRED);
    ck_assert(str_starts_with(reply.checkout->tenders[0]->action_url, "https://bank.example/"));
    ck_assert_str_ne(reply.checkout->tenders[0]->client_secret, "");
    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);

    bank_complete(&sale, "succeed");
    then_ok(bank_webhook(&sale, "payment_intent.amount_capturable_updated", false, &checkout_id));
    ck_assert_str_eq(checkout_id, sale.checkout_id);
    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    then_bank(&sale, 1, SALE_TOTAL, 0, 0);
    then_books_balance();
}
END_TEST

START_TEST(the_buyer_may_take_a_day_at_the_bank)
{
    struct sale sale = given_card("pm_card_authenticationRequired");

    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout"
                                   " WHERE deadline > now() + interval '23 hours'"),
                     1);
}
END_TEST

START_TEST(the_buyer_fails_at_the_bank)
{
    struct sale sale = given_card("pm_card_authenticationRequired");

    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);
    bank_complete(&sale, "fail");
    then_authorizing(&sale, CHECKOUT_CANCELLING);
    then_bank(&sale, 1, 0, 0, 0);
}
END_TEST

START_TEST(another_card_replaces_the_one_that_waits_for_the_buyer)
{
    struct sale sale = given_card("pm_card_authenticationRequired");

    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);
    then_ok(change_method(&sale, "pm_card_visa"));
    then_authorizing(&sale, CHECKOUT_AUTHORIZED);

    then_bank(&sale, 2, SALE_TOTAL, 0, 0);
    ck_assert_int_eq(world_sql_int("SELECT attempt FROM payment"), 2);
    then_books_balance();
}
END_TEST

static const struct {
    const char *behaviour;
    int intents; /* at the bank after the first call */
} UNKNOWNS[] = {
    {"timeout_before", 0}, {"timeout_after", 1}, {"error_after", 1},
    {"unavailable", 0},    {"conflict", 0},      {"limit", 0},
};

START_TEST(an_unknown_outcome_is_never_a_decline_and_never_a_second_hold)
{
    struct sale sale = given_card("pm_card_visa");

    bank_script(&sale, "create", UNKNOWNS[_i].behaviour, 1);
    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
    then_reason(change_method(&sale, "pm_card_visa"), STATUS_FAILED_PRECONDITION,
                "TENDER_IN_FLIGHT");
    ck_assert_int_eq(bank_book(&sale).intents, UNKNOWNS[_i].intents);
    then_authorizing(&sale, CHECKOUT_AUTHORIZED);

    then_bank(&sale, 1, SALE_TOTAL, 0, 0);
    ck_assert_int_eq(world_sql_int("SELECT attempt FROM payment"), 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM payment_entry WHERE outcome = 4"), 1);
    then_books_balance();
}
END_TEST

START_TEST(a_replayed_error_is_waited_out_until_the_search_finds)
{
    struct sale sale = given_card("pm_card_visa");

    bank_script(&sale, "create", "error_after", 1);
    bank_script(&sale, "search", "miss", 1);
    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
    then_authorizing(&sale, CHECKOUT_AUTH_PENDING); // not found yet, and the 500 is replayed
    then_authorizing(&sale, CHECKOUT_AUTHORIZED);

    then_bank(&sale, 1, SALE_TOTAL, 0, 0);
}
END_TEST

START_TEST(a_wrong_key_of_ours_is_not_the_buyers_decline)
{
    given_bank();
    world_setenv("ORDER_STRIPE_SECRET", "sk_live_wrong");
    struct sale sale = given_reserved(given_order_daemon(), "stripe");

    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
}
END_TEST

START_TEST(a_bank_that_is_down_is_waited_for)
{
    world_setenv("ORDER_STRIPE_URL", "http://127.0.0.1:1");
    struct sale sale = given_reserved(given_order_daemon(), "stripe");

    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
}
END_TEST

START_TEST(a_webhook_overtakes_our_own_answer)
{
    struct sale sale = given_card("pm_card_visa");
    const char *checkout_id = "";

    bank_script(&sale, "create", "timeout_after", 1);
    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
    then_ok(bank_webhook(&sale, "payment_intent.amount_capturable_updated", false, &checkout_id));

    ck_assert_str_eq(checkout_id, sale.checkout_id);
    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    then_bank(&sale, 1, SALE_TOTAL, 0, 0);
}
END_TEST

START_TEST(a_webhook_counts_once_and_only_when_it_is_the_banks)
{
    struct sale sale = given_card("pm_card_authenticationRequired");
    const char *type = "payment_intent.amount_capturable_updated";
    const char *checkout_id = "";

    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);
    bank_complete(&sale, "succeed");
    then_reason(bank_webhook(&sale, type, true, NULL), STATUS_UNAUTHENTICATED, "WEBHOOK_REFUSED");
    then_ok(bank_webhook(&sale, type, false, &checkout_id));
    then_ok(bank_webhook(&sale, type, false, &checkout_id));

    ck_assert_str_eq(checkout_id, "");
    ck_assert_int_eq(outbox_count("PaymentAuthorized"), 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM webhook_event"), 1);
    // late and out of order: the payment is asked for, not the event believed
    then_ok(bank_webhook(&sale, "payment_intent.requires_action", false, &checkout_id));
    ck_assert_int_eq(world_sql_int("SELECT state FROM payment"), PAYMENT_AUTHORIZED);
}
END_TEST

START_TEST(only_accounts_whose_provider_sends_webhooks_take_them)
{
    struct daemon *daemon = given_order_daemon();
    Order__V1__ReceiveWebhookRequest req = ORDER__V1__RECEIVE_WEBHOOK_REQUEST__INIT;
    Order__V1__ReceiveWebhookResponse reply = ORDER__V1__RECEIVE_WEBHOOK_RESPONSE__INIT;

    req.signature = "t=1,v1=00";
    req.provider_account = "manual";
    then_reason(order_receive_webhook(world_ctx(daemon), &req, &reply), STATUS_NOT_FOUND,
                "NO_WEBHOOKS");
    req.provider_account = "nobody";
    then_reason(order_receive_webhook(world_ctx(daemon), &req, &reply), STATUS_NOT_FOUND,
                "NO_WEBHOOKS");
}
END_TEST

START_TEST(a_webhook_whose_payment_cannot_be_fetched_is_delivered_again)
{
    struct sale sale = given_card("pm_card_authenticationRequired");
    const char *type = "payment_intent.amount_capturable_updated";

    then_authorizing(&sale, CHECKOUT_ACTION_REQUIRED);
    bank_complete(&sale, "succeed");
    bank_script(&sale, "retrieve", "unavailable", 1);

    then_reason(bank_webhook(&sale, type, false, NULL), STATUS_UNAVAILABLE, "PROVIDER_SILENT");
    then_ok(bank_webhook(&sale, type, false, NULL));
    ck_assert_int_eq(world_sql_int("SELECT state FROM payment"), PAYMENT_AUTHORIZED);
}
END_TEST

START_TEST(a_cancel_overtakes_a_slow_authorization)
{
    struct sale sale = given_card("pm_card_visa");

    bank_script(&sale, "create", "timeout_after", 1);
    bank_script(&sale, "search", "miss", 1);
    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "STOCK_LOST"));
    ck_assert(!voiding(&sale)); // not found, but too young to be sure
    then_reason(sale_advance(&sale, CHECKOUT_CANCELLED, ""), STATUS_FAILED_PRECONDITION,
                "TENDERS_NOT_VOIDED");
    ck_assert(voiding(&sale));
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));

    then_bank(&sale, 1, 0, 0, 0);
    then_books_balance();
}
END_TEST

START_TEST(an_unknown_void_is_asked_again)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "PLACE_FAILED"));
    bank_script(&sale, "cancel", "timeout_after", 1);
    ck_assert(!voiding(&sale));
    ck_assert(voiding(&sale));

    then_bank(&sale, 1, 0, 0, 0);
    ck_assert_int_eq(outbox_count("PaymentVoided"), 1);
    then_books_balance();
}
END_TEST

START_TEST(a_success_after_the_cancellation_is_given_back)
{
    world_setenv("ORDER_STRIPE_SETTLE", "0s");
    struct sale sale = given_card("pm_card_visa");
    const char *checkout_id = "";

    bank_script(&sale, "create", "timeout_after", 1);
    bank_script(&sale, "search", "miss", 1);
    then_authorizing(&sale, CHECKOUT_AUTH_PENDING);
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "STOCK_LOST"));
    ck_assert(voiding(&sale)); // taken for never arrived
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));
    then_bank(&sale, 1, SALE_TOTAL, 0, 0);

    then_ok(bank_webhook(&sale, "payment_intent.amount_capturable_updated", false, &checkout_id));
    world_until(PAYMENT_VOIDED, "SELECT state FROM orders.payment");

    ck_assert_str_eq(checkout_id, "");
    then_bank(&sale, 1, 0, 0, 0);
    then_books_balance();
}
END_TEST

START_TEST(an_unknown_capture_is_sent_again_under_its_key)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    bank_script(&sale, "capture", _i == 0 ? "timeout_after" : "timeout_before", 1);
    then_ok(sale_place(&sale, NULL));
    world_until(1, "SELECT count(*) FROM orders.task WHERE last_error LIKE '%%CAPTURE_PENDING%%'");
    until_payment_status(&sale, PAYMENT_STATUS_PAID);

    then_bank(&sale, 1, 0, SALE_TOTAL, 0);
    ck_assert_int_eq(world_sql_int("SELECT capture_count FROM payment"), 1);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    then_books_balance();
}
END_TEST

/* A 500 is replayed for its key: without another one the money would be taken a day later. */
static const char *const CAPTURE_ERRORS[] = {"error_before", "error_after"};

START_TEST(an_error_that_is_replayed_does_not_keep_a_capture_from_happening)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    bank_script(&sale, "capture", CAPTURE_ERRORS[_i], 1);
    then_ok(sale_place(&sale, NULL));
    until_payment_status(&sale, PAYMENT_STATUS_PAID);

    then_bank(&sale, 1, 0, SALE_TOTAL, 0);
    ck_assert_int_eq(outbox_count("PaymentCaptured"), 1);
    then_books_balance();
}
END_TEST

START_TEST(a_capture_that_fails_for_good_is_said)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    bank_script(&sale, "capture", "decline", 1);
    then_ok(sale_place(&sale, NULL));
    until_payment_status(&sale, PAYMENT_STATUS_FAILED);

    ck_assert_int_eq(outbox_count("PaymentCaptureFailed"), 1);
    then_published_as_example("orders", &order__v1__payment_capture_failed__schema);
    then_bank(&sale, 1, 0, 0, 0);
    then_books_balance();
}
END_TEST

START_TEST(a_cancelled_order_gets_its_money_back)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    then_ok(sale_place(&sale, NULL));
    until_payment_status(&sale, PAYMENT_STATUS_PAID);
    bank_script(&sale, "refund", "timeout_after", 1);
    when_cancelled(&sale);
    world_until(1, "SELECT count(*) FROM orders.task WHERE last_error LIKE '%%UNWIND_PENDING%%'");
    until_payment_status(&sale, PAYMENT_STATUS_REFUNDED);

    then_bank(&sale, 1, 0, SALE_TOTAL, SALE_TOTAL);
    ck_assert_int_eq(outbox_count("PaymentRefunded"), 1);
    then_books_balance();
}
END_TEST

START_TEST(a_refused_refund_is_tried_again_later_under_a_new_key)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    then_ok(sale_place(&sale, NULL));
    until_payment_status(&sale, PAYMENT_STATUS_PAID);
    bank_script(&sale, "refund", "decline", 1);
    when_cancelled(&sale);
    world_until(1, "SELECT count(*) FROM orders.payment_entry WHERE kind = 4 AND outcome = 3");
    until_payment_status(&sale, PAYMENT_STATUS_REFUNDED);

    then_bank(&sale, 1, 0, SALE_TOTAL, SALE_TOTAL);
    ck_assert_int_eq(world_sql_int("SELECT refund_count FROM payment"), 2);
    then_books_balance();
}
END_TEST

START_TEST(a_cancel_during_an_unknown_capture_refunds_what_was_taken)
{
    struct sale sale = given_card("pm_card_visa");

    then_authorizing(&sale, CHECKOUT_AUTHORIZED);
    bank_script(&sale, "capture", "timeout_after", 1);
    then_ok(sale_place(&sale, NULL));
    world_until(1, "SELECT count(*) FROM orders.payment_entry WHERE kind = 2 AND outcome = 4");
    when_cancelled(&sale);
    until_payment_status(&sale, PAYMENT_STATUS_REFUNDED);

    then_bank(&sale, 1, 0, SALE_TOTAL, SALE_TOTAL);
    then_books_balance();
}
END_TEST

START_TEST(a_cancel_before_the_capture_voids)
{
    given_bank();
    struct sale sale = given_placed(given_order_daemon(), "stripe-ship");

    when_cancelled(&sale);
    until_payment_status(&sale, PAYMENT_STATUS_VOIDED);

    then_bank(&sale, 1, 0, 0, 0);
    then_books_balance();
}
END_TEST

/* By another call once they are held, and at once. */
START_TEST(two_tenders_are_held_together_or_not_at_all)
{
    const bool is_good = _i % 2 == 0;
    given_bank();
    struct sale sale = given_sale(given_order_daemon(), "manual");

    sale.first_minor = 1000;
    sale.second_account = "stripe";
    sale.second_method = is_good ? "pm_card_visa" : "pm_card_chargeDeclined";
    sale.is_placing = _i >= 2;
    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_price(&sale));
    then_ok(sale_reserve(&sale));
    then_authorizing(&sale, !is_good          ? CHECKOUT_CANCELLING
                            : sale.is_placing ? CHECKOUT_PLACED
                                              : CHECKOUT_AUTHORIZED);
    if (is_good) {
        then_ok(sale_place(&sale, NULL));
        until_payment_status(&sale, PAYMENT_STATUS_PAID);
    } else {
        ck_assert(voiding(&sale));
        then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));
    }

    ck_assert_int_eq(world_sql_int("SELECT sum(captured_minor) FROM payment"),
                     is_good ? SALE_TOTAL : 0);
    ck_assert_int_eq(world_sql_int("SELECT sum(authorized_minor) FROM payment"),
                     is_good ? SALE_TOTAL : 0);
    then_books_balance();
}
END_TEST

static void *authorize(void *closure)
{
    struct sale *sale = closure;

    then_ok(sale_authorize(sale, NULL));
    return NULL;
}

START_TEST(many_authorizations_at_once_hold_the_money_once)
{
    enum { RACERS = 8 };
    struct sale sale = given_card("pm_card_visa");
    pthread_t threads[RACERS];

    sale.is_placing = _i == 1;

    for (int i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, authorize, &sale);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);

    then_authorizing(&sale, sale.is_placing ? CHECKOUT_PLACED : CHECKOUT_AUTHORIZED);
    if (sale.is_placing)
        until_payment_status(&sale, PAYMENT_STATUS_PAID);
    then_bank(&sale, 1, sale.is_placing ? 0 : SALE_TOTAL, sale.is_placing ? SALE_TOTAL : 0, 0);
    ck_assert_int_eq(outbox_count("PaymentAuthorized"), 1);
    ck_assert_int_eq(outbox_count("OrderPlaced"), sale.is_placing ? 1 : 0);
    then_books_balance();
}
END_TEST

void stripe_case(Suite *suite)
{
    TCase *stripe = world_case(suite, "stripe");

    tcase_add_test(stripe, a_card_is_held_then_charged_when_the_order_is_placed);
    tcase_add_loop_test(stripe, a_declined_card_cancels, 0, 2);
    tcase_add_test(stripe, the_buyer_confirms_at_the_bank_and_the_webhook_resumes);
    tcase_add_test(stripe, the_buyer_may_take_a_day_at_the_bank);
    tcase_add_test(stripe, the_buyer_fails_at_the_bank);
    tcase_add_test(stripe, another_card_replaces_the_one_that_waits_for_the_buyer);
    tcase_add_loop_test(stripe, an_unknown_outcome_is_never_a_decline_and_never_a_second_hold, 0,
                        ARRAY_LEN(UNKNOWNS));
    tcase_add_test(stripe, a_replayed_error_is_waited_out_until_the_search_finds);
    tcase_add_test(stripe, a_wrong_key_of_ours_is_not_the_buyers_decline);
    tcase_add_test(stripe, a_bank_that_is_down_is_waited_for);
    tcase_add_test(stripe, a_webhook_overtakes_our_own_answer);
    tcase_add_test(stripe, a_webhook_counts_once_and_only_when_it_is_the_banks);
    tcase_add_test(stripe, only_accounts_whose_provider_sends_webhooks_take_them);
    tcase_add_test(stripe, a_webhook_whose_payment_cannot_be_fetched_is_delivered_again);
    tcase_add_test(stripe, a_cancel_overtakes_a_slow_authorization);
    tcase_add_test(stripe, an_unknown_void_is_asked_again);
    tcase_add_test(stripe, a_success_after_the_cancellation_is_given_back);
    tcase_add_loop_test(stripe, an_unknown_capture_is_sent_again_under_its_key, 0, 2);
    tcase_add_loop_test(stripe, an_error_that_is_replayed_does_not_keep_a_capture_from_happening, 0,
                        ARRAY_LEN(CAPTURE_ERRORS));
    tcase_add_test(stripe, a_capture_that_fails_for_good_is_said);
    tcase_add_test(stripe, a_cancelled_order_gets_its_money_back);
    tcase_add_test(stripe, a_refused_refund_is_tried_again_later_under_a_new_key);
    tcase_add_test(stripe, a_cancel_during_an_unknown_capture_refunds_what_was_taken);
    tcase_add_test(stripe, a_cancel_before_the_capture_voids);
    tcase_add_loop_test(stripe, two_tenders_are_held_together_or_not_at_all, 0, 4);
    tcase_add_loop_test(stripe, many_authorizations_at_once_hold_the_money_once, 0, 2);
}
