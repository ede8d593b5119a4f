/* checkout_test.c - one live checkout per cart, whoever asks, and one driver at a time. */
#include "suites.h"

START_TEST(a_checkout_begins_with_its_driver)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    Order__V1__BeginCheckoutResponse reply;

    then_ok(sale_begin(&sale, &reply));

    ck_assert(reply.is_driver);
    ck_assert_int_eq(reply.epoch, 1);
    ck_assert_int_eq(reply.checkout->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_BEGUN);
    ck_assert_int_eq(reply.checkout->expected_total->minor_units, SALE_TOTAL);
    ck_assert_str_eq(reply.checkout->tenders[0]->provider_account, "manual");
    ck_assert_str_eq(checkout_now(&sale)->id, reply.checkout->id);
}
END_TEST

START_TEST(the_same_key_answers_the_same_checkout)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    Order__V1__BeginCheckoutResponse first, again;

    then_ok(sale_begin(&sale, &first));
    then_ok(sale_begin(&sale, &again));

    ck_assert_str_eq(first.checkout->id, again.checkout->id);
    ck_assert(!again.is_driver);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout"), 1);
}
END_TEST

START_TEST(any_key_on_the_cart_leads_to_its_live_checkout)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    struct sale other = sale;
    Order__V1__BeginCheckoutResponse first, second;

    other.client_key = "another-key";
    then_ok(sale_begin(&sale, &first));
    then_ok(sale_begin(&other, &second));

    ck_assert_str_eq(first.checkout->id, second.checkout->id);
    ck_assert(!second.is_driver);
}
END_TEST

START_TEST(a_cart_that_was_bought_leads_to_its_order_whatever_the_key)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    struct sale late = sale;
    Order__V1__BeginCheckoutResponse reply;

    late.client_key = "another-key";
    then_ok(sale_begin(&late, &reply));

    ck_assert(!reply.is_driver && reply.is_of_other_key);
    ck_assert_str_eq(reply.checkout->order_id, sale.checkout_id);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout"), 1);
}
END_TEST

START_TEST(once_a_checkout_is_cancelled_another_key_begins_anew)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");
    struct sale next = sale;
    Order__V1__BeginCheckoutResponse reply;

    next.client_key = "another-key";
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "OUT_OF_STOCK"));
    then_ok(sale_begin(&next, &reply));
    ck_assert(reply.is_of_other_key && !reply.is_driver);
    ck_assert_str_eq(reply.checkout->id, sale.checkout_id);

    then_ok(sale_void(&sale, NULL));
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));
    then_ok(sale_begin(&next, &reply));
    ck_assert(!reply.is_of_other_key && reply.is_driver);
    ck_assert_str_ne(reply.checkout->id, sale.checkout_id);
}
END_TEST

START_TEST(a_customers_checkout_is_not_there_for_others)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    struct sale stranger = sale;

    then_ok(sale_begin(&sale, NULL));
    world_sql("UPDATE checkout SET customer_id = gen_random_uuid(), lease_until = now()");
    stranger.client_key = "another-key";

    then_reason(sale_begin(&stranger, NULL), STATUS_NOT_FOUND, "NOT_FOUND");
    ck_assert_int_eq(world_sql_int("SELECT epoch FROM checkout"), 1);
}
END_TEST

START_TEST(a_key_with_another_request_is_refused)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    world_sql("UPDATE checkout SET fingerprint = 'other'");

    then_reason(sale_begin(&sale, NULL), STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED");
}
END_TEST

START_TEST(the_key_of_a_finished_checkout_answers_it)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    struct sale again = sale;
    Order__V1__BeginCheckoutResponse reply;

    then_ok(sale_begin(&again, &reply));

    ck_assert_str_eq(reply.checkout->id, sale.checkout_id);
    ck_assert_int_eq(reply.checkout->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_PLACED);
    ck_assert_str_eq(reply.checkout->order_number, "T-100001");
    ck_assert(!reply.is_driver);
}
END_TEST

START_TEST(an_unknown_account_is_refused_and_leaves_nothing)
{
    struct sale sale = given_sale(given_order_daemon(), "nobody");

    then_reason(sale_begin(&sale, NULL), STATUS_INVALID_ARGUMENT, "UNKNOWN_PROVIDER_ACCOUNT");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout"), 0);
}
END_TEST

START_TEST(an_account_takes_its_currencies_only)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    world_sql("UPDATE provider_account SET currency_codes = '{USD}' WHERE code = 'manual'");

    then_reason(sale_begin(&sale, NULL), STATUS_INVALID_ARGUMENT, "UNKNOWN_PROVIDER_ACCOUNT");
}
END_TEST

START_TEST(tenders_have_to_pay_the_total)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    sale.first_minor = SALE_TOTAL - 1;

    then_reason(sale_begin(&sale, NULL), STATUS_INVALID_ARGUMENT, "TENDERS_MISMATCH");
}
END_TEST

START_TEST(rivals_that_come_and_go_are_not_waited_for_for_ever)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    world_sql("CREATE FUNCTION ghost() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN RETURN NULL; END'");
    world_sql("CREATE TRIGGER ghost BEFORE INSERT ON checkout FOR EACH ROW"
              " EXECUTE FUNCTION ghost()"); // a rival is in the way, and gone when looked for

    then_reason(sale_begin(&sale, NULL), STATUS_ABORTED, "CHECKOUT_RACED");
}
END_TEST

START_TEST(a_leased_checkout_is_not_taken)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));

    then_reason(sale_claim(&sale, NULL), STATUS_FAILED_PRECONDITION, "CHECKOUT_LEASED");
}
END_TEST

START_TEST(who_lost_the_lease_changes_nothing)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    struct sale late;

    then_ok(sale_begin(&sale, NULL));
    late = sale;
    world_sql("UPDATE checkout SET lease_until = now()");
    then_ok(sale_claim(&sale, NULL));

    then_reason(sale_price(&late), STATUS_ABORTED, "CHECKOUT_FENCED");
    then_reason(sale_release(&late, 0), STATUS_ABORTED, "CHECKOUT_FENCED");
    then_reason(sale_authorize(&late, NULL), STATUS_ABORTED, "CHECKOUT_FENCED");
    then_reason(sale_place(&late, NULL), STATUS_ABORTED, "CHECKOUT_FENCED");
    then_ok(sale_price(&sale));
}
END_TEST

START_TEST(a_retry_after_the_lease_takes_over)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    Order__V1__BeginCheckoutResponse reply;

    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_release(&sale, 60000));
    then_ok(sale_begin(&sale, &reply));

    ck_assert(reply.is_driver);
    ck_assert_int_eq(reply.epoch, 2);
}
END_TEST

START_TEST(steps_are_taken_in_order_and_may_be_repeated)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    then_reason(sale_reserve(&sale), STATUS_FAILED_PRECONDITION, "CHECKOUT_STATE");
    then_reason(sale_authorize(&sale, NULL), STATUS_FAILED_PRECONDITION, "CHECKOUT_STATE");
    then_reason(sale_place(&sale, NULL), STATUS_FAILED_PRECONDITION, "CHECKOUT_STATE");
    then_reason(sale_void(&sale, NULL), STATUS_FAILED_PRECONDITION, "CHECKOUT_STATE");
    then_ok(sale_price(&sale));
    then_ok(sale_price(&sale));
    then_ok(sale_reserve(&sale));
    then_ok(sale_reserve(&sale));
}
END_TEST

START_TEST(an_authorization_records_what_was_frozen_and_reserved)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    Order__V1__AuthorizeTendersResponse first, again;

    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_authorize_with_all(&sale, &first));
    ck_assert_int_eq(first.checkout->state, CHECKOUT_AUTHORIZED);
    ck_assert_str_eq(first.checkout->reservation_id,
                     world_sql_text("SELECT reservation_id::text FROM checkout"));
    then_ok(sale_authorize_with_all(&sale, &again)); // the answer was lost: nothing is done twice
    ck_assert_int_eq(again.checkout->state, CHECKOUT_AUTHORIZED);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM payment"), 1);
    then_ok(sale_place(&sale, NULL));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM fulfillment"), 2);
}
END_TEST

START_TEST(an_authorization_with_a_wrong_snapshot_leaves_nothing)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    sale.is_line_unquoted = true;

    then_reason(sale_authorize_with_all(&sale, NULL), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    ck_assert_int_eq(world_sql_int("SELECT state FROM checkout"), CHECKOUT_BEGUN);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM payment"), 0);
}
END_TEST

START_TEST(a_snapshot_of_another_total_is_refused)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    world_sql("UPDATE checkout SET expected_minor = 6999");

    then_reason(sale_price(&sale), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(a_snapshot_that_sells_a_line_for_nothing_is_refused)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    sale.is_line_unquoted = true;

    then_reason(sale_price(&sale), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(an_answer_that_came_during_the_lease_wakes_the_checkout)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");

    then_ok(sale_authorize(&sale, NULL));
    world_sql("UPDATE checkout SET state = 5"); // as a webhook leaves it: the payment knows better
    then_ok(sale_release(&sale, 900000));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout WHERE wake_time <= now()"), 1);
}
END_TEST

START_TEST(a_refusal_keeps_its_code)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");

    sale.failure_code = STATUS_NOT_FOUND;
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "CART_NOT_FOUND"));

    ck_assert_int_eq(checkout_now(&sale)->failure_code, STATUS_NOT_FOUND);
}
END_TEST

START_TEST(a_refusal_keeps_what_it_was_about)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");
    Order__V1__AdvanceCheckoutRequest req = ORDER__V1__ADVANCE_CHECKOUT_REQUEST__INIT;
    Order__V1__AdvanceCheckoutResponse reply = ORDER__V1__ADVANCE_CHECKOUT_RESPONSE__INIT;
    Common__V1__FieldViolation violation = COMMON__V1__FIELD_VIOLATION__INIT;
    Common__V1__FieldViolation *violations[] = {&violation};
    violation.field = "couponCodes";
    violation.value = "SUN";
    violation.allowed = "COUPON_EXHAUSTED";
    req.checkout_id = sale.checkout_id;
    req.epoch = sale.epoch;
    req.to_state = (Order__V1__CheckoutState)CHECKOUT_CANCELLING;
    req.failure_reason = "COUPON_NOT_USABLE";
    req.n_failure_violations = ARRAY_LEN(violations);
    req.failure_violations = violations;
    then_ok(order_advance_checkout(world_ctx(sale.daemon), &req, &reply));

    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, "")); // nothing was held: it may end

    const Order__V1__Checkout *row = checkout_now(&sale);
    ck_assert_int_eq(row->n_failure_violations, 1);
    ck_assert_str_eq(row->failure_violations[0]->field, "couponCodes");
    ck_assert_str_eq(row->failure_violations[0]->value, "SUN");
    ck_assert_str_eq(row->failure_violations[0]->allowed, "COUPON_EXHAUSTED");
}
END_TEST

START_TEST(a_cancelled_checkout_frees_its_cart)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");
    struct sale next = sale;
    Order__V1__BeginCheckoutResponse reply;
    Order__V1__VoidTendersResponse voided;

    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "PRICE_CHANGED"));
    then_ok(sale_void(&sale, &voided));
    ck_assert(voided.is_done);
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));

    ck_assert_str_eq(checkout_now(&sale)->failure_reason, "PRICE_CHANGED");
    then_published_as_example("orders", &order__v1__checkout_cancelled__schema);
    next.client_key = "next-key";
    then_ok(sale_begin(&next, &reply));
    ck_assert(reply.is_driver);
    ck_assert_str_ne(reply.checkout->id, sale.checkout_id);
    then_books_balance();
}
END_TEST

START_TEST(a_void_before_any_authorization_leaves_a_tombstone)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");

    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "STOCK_LOST"));
    then_ok(sale_void(&sale, NULL));
    world_sql("UPDATE checkout SET state = 3"); // as if a late authorize had not seen the cancel
    then_ok(sale_authorize(&sale, NULL));

    ck_assert_int_eq(world_sql_int("SELECT sum(authorized_minor) FROM payment"), 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM payment_entry"), 0);
    ck_assert_int_eq(checkout_now(&sale)->state,
                     ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_CANCELLING);
}
END_TEST

START_TEST(cancelled_is_not_said_while_money_is_held)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");

    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "PLACE_FAILED"));
    then_reason(sale_advance(&sale, CHECKOUT_CANCELLED, ""), STATUS_FAILED_PRECONDITION,
                "TENDERS_NOT_VOIDED");
    then_ok(sale_void(&sale, NULL));
    then_ok(sale_advance(&sale, CHECKOUT_CANCELLED, ""));
    then_published_as_example("orders", &order__v1__payment_voided__schema);
    then_books_balance();
}
END_TEST

START_TEST(past_its_deadline_a_checkout_is_claimed_to_be_cancelled)
{
    struct sale sale = given_reserved(given_order_daemon(), "manual");
    Order__V1__ClaimCheckoutResponse reply;

    world_sql("UPDATE checkout SET lease_until = now(), deadline = now()");
    then_ok(sale_claim(&sale, &reply));

    ck_assert_int_eq(reply.checkout->state, ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_CANCELLING);
    ck_assert_str_eq(reply.checkout->failure_reason, "CHECKOUT_EXPIRED");
}
END_TEST

START_TEST(the_reaper_asks_for_what_nobody_drives_and_not_again_at_once)
{
    world_setenv("ORDER_REAP_INTERVAL", "60s");
    struct daemon *daemon = given_order_daemon();
    struct sale sale = given_reserved(daemon, "manual");

    then_ok(reap_checkouts(world_ctx(daemon)));
    ck_assert_int_eq(outbox_count("CheckoutResumeRequested"), 0);
    then_ok(sale_release(&sale, 1));
    world_until(1, "SELECT count(*) FROM checkout WHERE wake_time <= now()");
    then_ok(reap_checkouts(world_ctx(daemon)));
    then_ok(reap_checkouts(world_ctx(daemon)));

    ck_assert_int_eq(outbox_count("CheckoutResumeRequested"), 1);
    then_published_as_example("orders", &order__v1__checkout_resume_requested__schema);
    world_sql("UPDATE checkout SET wake_time = now()");
    then_ok(reap_checkouts(world_ctx(daemon)));
    ck_assert_int_eq(outbox_count("CheckoutResumeRequested"), 2);
    then_books_balance();
}
END_TEST

START_TEST(a_cart_finds_its_checkout_live_or_not)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");
    Order__V1__GetCheckoutRequest req = ORDER__V1__GET_CHECKOUT_REQUEST__INIT;
    Order__V1__GetCheckoutResponse reply = ORDER__V1__GET_CHECKOUT_RESPONSE__INIT;

    req.cart_id = sale.cart_id;
    then_ok(order_get_checkout(world_ctx(sale.daemon), &req, &reply));
    ck_assert_str_eq(reply.checkout->id, sale.checkout_id);
    req.checkout_id = sale.checkout_id;
    then_reason(order_get_checkout(world_ctx(sale.daemon), &req, &reply), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
}
END_TEST

START_TEST(a_released_checkout_sleeps_until_its_time)
{
    world_setenv("ORDER_REAP_INTERVAL", "60s");
    struct daemon *daemon = given_order_daemon();
    struct sale sale = given_reserved(daemon, "manual");

    then_ok(sale_release(&sale, 60000));
    then_ok(reap_checkouts(world_ctx(daemon)));

    ck_assert_int_eq(outbox_count("CheckoutResumeRequested"), 0);
}
END_TEST

START_TEST(finished_checkouts_are_purged_and_live_ones_stay)
{
    struct daemon *daemon = given_order_daemon();
    struct sale done = given_placed(daemon, "manual");

    (void)given_reserved(daemon, "manual");
    world_sql("UPDATE checkout SET create_time = now() - interval '31 days',"
              " update_time = now() - interval '31 days'");
    then_ok(purge_finished(world_ctx(daemon)));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout"), 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM orders WHERE id = '%s'", done.checkout_id),
                     1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM payment WHERE payment_method IS NULL"
                                   " AND return_url IS NULL"),
                     1);
}
END_TEST

enum { RACERS = 8 };

static void *race(void *closure)
{
    struct sale *sale = closure;

    then_ok(sale_begin(sale, NULL));
    return NULL;
}

START_TEST(many_keys_at_once_make_one_checkout)
{
    struct daemon *daemon = given_order_daemon();
    struct sale first = given_sale(daemon, "manual");
    struct sale sales[RACERS];
    pthread_t threads[RACERS];
    int drivers = 0;

    for (int i = 0; i < RACERS; i++) {
        sales[i] = first;
        sales[i].client_key = arena_printf(world_ctx(daemon)->arena, "key-%d", i);
    }
    for (int i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, race, &sales[i]);
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        drivers += sales[i].epoch == 1;
        ck_assert_str_eq(sales[i].checkout_id, sales[0].checkout_id);
    }

    ck_assert_int_eq(drivers, 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM checkout"), 1);
}
END_TEST

void checkout_case(Suite *suite)
{
    TCase *checkout = world_case(suite, "checkout");

    tcase_add_test(checkout, a_checkout_begins_with_its_driver);
    tcase_add_test(checkout, the_same_key_answers_the_same_checkout);
    tcase_add_test(checkout, any_key_on_the_cart_leads_to_its_live_checkout);
    tcase_add_test(checkout, a_cart_that_was_bought_leads_to_its_order_whatever_the_key);
    tcase_add_test(checkout, once_a_checkout_is_cancelled_another_key_begins_anew);
    tcase_add_test(checkout, a_customers_checkout_is_not_there_for_others);
    tcase_add_test(checkout, a_key_with_another_request_is_refused);
    tcase_add_test(checkout, the_key_of_a_finished_checkout_answers_it);
    tcase_add_test(checkout, an_unknown_account_is_refused_and_leaves_nothing);
    tcase_add_test(checkout, an_account_takes_its_currencies_only);
    tcase_add_test(checkout, tenders_have_to_pay_the_total);
    tcase_add_test(checkout, rivals_that_come_and_go_are_not_waited_for_for_ever);
    tcase_add_test(checkout, a_leased_checkout_is_not_taken);
    tcase_add_test(checkout, who_lost_the_lease_changes_nothing);
    tcase_add_test(checkout, a_retry_after_the_lease_takes_over);
    tcase_add_test(checkout, steps_are_taken_in_order_and_may_be_repeated);
    tcase_add_test(checkout, an_authorization_records_what_was_frozen_and_reserved);
    tcase_add_test(checkout, an_authorization_with_a_wrong_snapshot_leaves_nothing);
    tcase_add_test(checkout, a_snapshot_of_another_total_is_refused);
    tcase_add_test(checkout, a_snapshot_that_sells_a_line_for_nothing_is_refused);
    tcase_add_test(checkout, a_cancelled_checkout_frees_its_cart);
    tcase_add_test(checkout, a_refusal_keeps_its_code);
    tcase_add_test(checkout, a_refusal_keeps_what_it_was_about);
    tcase_add_test(checkout, a_void_before_any_authorization_leaves_a_tombstone);
    tcase_add_test(checkout, cancelled_is_not_said_while_money_is_held);
    tcase_add_test(checkout, past_its_deadline_a_checkout_is_claimed_to_be_cancelled);
    tcase_add_test(checkout, an_answer_that_came_during_the_lease_wakes_the_checkout);
    tcase_add_test(checkout, the_reaper_asks_for_what_nobody_drives_and_not_again_at_once);
    tcase_add_test(checkout, a_cart_finds_its_checkout_live_or_not);
    tcase_add_test(checkout, a_released_checkout_sleeps_until_its_time);
    tcase_add_test(checkout, finished_checkouts_are_purged_and_live_ones_stay);
    tcase_add_test(checkout, many_keys_at_once_make_one_checkout);
}
