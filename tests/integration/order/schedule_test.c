/* schedule_test.c - when a checkout that nobody drives is looked at again, and by whom. */
#include "suites.h"

static struct sale given_left_alone(void)
{
    world_setenv("ORDER_REAP_INTERVAL", "50ms");
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    world_sql("UPDATE checkout SET lease_until = now()");
    return sale;
}

/* The row says how long it waits: between three quarters and five quarters of the plan, counted
 * from its last update, which the reaper's request may have followed by `late_ms`. */
static void then_waits(int64_t planned_ms, int64_t late_ms)
{
    const int64_t wait_ms = world_sql_int(
        "SELECT (extract(epoch FROM wake_time - update_time) * 1000)::bigint FROM checkout");

    ck_assert_int_ge(wait_ms, planned_ms * 3 / 4 - 1);
    ck_assert_int_le(wait_ms, planned_ms * 5 / 4 + late_ms);
}

START_TEST(a_checkout_left_alone_is_asked_for_less_and_less_often)
{
    static const int64_t WAITS_MS[] = {5000, 15000, 60000, 300000, 300000};
    given_left_alone();

    for (size_t i = 0; i < ARRAY_LEN(WAITS_MS); i++) {
        world_until((int64_t)i + 1, "SELECT attempts FROM checkout");
        ck_assert_int_eq(outbox_count("CheckoutResumeRequested"), (int64_t)i + 1);
        then_waits(WAITS_MS[i], 5000);
        world_sql("UPDATE checkout SET wake_time = now(), update_time = now()");
    }
}
END_TEST

START_TEST(an_operator_may_shorten_the_waits)
{
    world_setenv("ORDER_RETRY_MAX", "50ms");
    given_left_alone();

    world_until(4, "SELECT least(attempts, 4) FROM checkout");
}
END_TEST

START_TEST(who_goes_on_in_vain_waits_as_planned_and_who_gets_on_begins_anew)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    world_sql("UPDATE checkout SET attempts = 3, lease_until = now()");
    then_ok(sale_claim(&sale, NULL));
    then_ok(sale_release(&sale, 0));
    then_waits(60000, 1);

    then_ok(sale_claim(&sale, NULL));
    then_ok(sale_price(&sale));
    then_ok(sale_release(&sale, 0));
    then_waits(2000, 1);
}
END_TEST

/* As a webhook leaves it: the payment says more than the checkout. */
static struct sale given_authorized_unnoticed(void)
{
    struct sale sale = given_authorized(given_order_daemon(), "manual");

    world_sql("UPDATE checkout SET state = 5, deadline = now(), lease_until = now()");
    return sale;
}

START_TEST(past_its_deadline_a_checkout_that_was_paid_in_time_goes_forward)
{
    struct sale sale = given_authorized_unnoticed();
    Order__V1__ClaimCheckoutResponse claimed;

    then_ok(sale_claim(&sale, &claimed));
    ck_assert_int_eq(claimed.checkout->state,
                     ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_ACTION_REQUIRED);

    then_ok(sale_authorize(&sale, NULL));
    then_ok(sale_place(&sale, NULL));
    then_books_balance();
}
END_TEST

START_TEST(past_its_deadline_a_buyer_who_asks_again_gets_what_was_paid_in_time)
{
    struct sale sale = given_authorized_unnoticed();
    Order__V1__BeginCheckoutResponse begun;

    then_ok(sale_begin(&sale, &begun));
    ck_assert(begun.is_driver);

    then_ok(sale_authorize(&sale, NULL));
    then_ok(sale_place(&sale, NULL));
}
END_TEST

START_TEST(a_driver_that_never_heard_of_its_lease_goes_on_at_once)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");
    Order__V1__BeginCheckoutResponse again;
    struct sale lost;

    then_ok(sale_begin(&sale, NULL)); // and the answer was lost
    lost = sale;
    sale.is_sole_run = true;
    then_ok(sale_begin(&sale, &again));

    ck_assert(again.is_driver);
    ck_assert_int_eq(again.epoch, 2);
    then_reason(sale_price(&lost), STATUS_ABORTED, "CHECKOUT_FENCED"); // should it turn up
    then_ok(sale_price(&sale));
}
END_TEST

START_TEST(a_lost_claim_is_claimed_again_by_the_same_driver_only)
{
    struct sale sale = given_sale(given_order_daemon(), "manual");

    then_ok(sale_begin(&sale, NULL));
    sale.is_sole_run = true; // sale_claim() is another driver
    then_reason(sale_claim(&sale, NULL), STATUS_FAILED_PRECONDITION, "CHECKOUT_LEASED");
    world_sql("UPDATE checkout SET lease_until = now()");
    then_ok(sale_claim(&sale, NULL));
    then_ok(sale_claim(&sale, NULL));
    ck_assert_int_eq(sale.epoch, 3);
    sale.is_sole_run = false;
    then_reason(sale_claim(&sale, NULL), STATUS_FAILED_PRECONDITION, "CHECKOUT_LEASED");
}
END_TEST

static int64_t lease_left_ms(void)
{
    return world_sql_int("SELECT (extract(epoch FROM lease_until - now()) * 1000)::bigint"
                         " FROM checkout");
}

START_TEST(who_waits_for_a_provider_keeps_the_lease_meanwhile)
{
    world_setenv("ORDER_STRIPE_TIMEOUT", "60s");
    world_setenv("ORDER_STRIPE_URL", "http://127.0.0.1:1"); // nobody answers: an unknown outcome
    struct sale sale = given_reserved(given_order_daemon(), "stripe");

    world_sql("UPDATE checkout SET lease_until = now()");
    sale.renew_ms = 5000;
    then_ok(sale_authorize(&sale, NULL));
    ck_assert_int_gt(lease_left_ms(), 0);
    ck_assert_int_le(lease_left_ms(), 5000); // asked and answered

    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "OVER"));
    then_ok(sale_void(&sale, NULL));
    ck_assert_int_gt(lease_left_ms(), 5000); // the last answer of a void changes no checkout
}
END_TEST

static Order__V1__ListStuckPaymentsResponse stuck_now(const struct sale *sale)
{
    Order__V1__ListStuckPaymentsRequest req = ORDER__V1__LIST_STUCK_PAYMENTS_REQUEST__INIT;
    Order__V1__ListStuckPaymentsResponse rep = ORDER__V1__LIST_STUCK_PAYMENTS_RESPONSE__INIT;

    then_ok(order_list_stuck_payments(world_ctx(sale->daemon), &req, &rep));
    return rep;
}

static struct status retrying(const struct sale *sale, const char *checkout_id)
{
    Order__V1__RetryStuckPaymentRequest req = ORDER__V1__RETRY_STUCK_PAYMENT_REQUEST__INIT;
    Order__V1__RetryStuckPaymentResponse rep = ORDER__V1__RETRY_STUCK_PAYMENT_RESPONSE__INIT;

    req.checkout_id = checkout_id;
    return order_retry_stuck_payment(world_ctx(sale->daemon), &req, &rep);
}

START_TEST(what_never_comes_to_an_end_is_shown_to_people_who_may_try_again)
{
    world_setenv("ORDER_REAP_INTERVAL", "60s");
    struct sale sale = given_reserved(given_order_daemon(), "manual");

    then_ok(sale_advance(&sale, CHECKOUT_CANCELLING, "OVER"));
    ck_assert_uint_eq(stuck_now(&sale).n_payments, 0);
    world_sql("UPDATE checkout SET attempts = 9, wake_time = now() + interval '5 minutes'");
    const Order__V1__ListStuckPaymentsResponse stuck = stuck_now(&sale);
    ck_assert_uint_eq(stuck.n_payments, 1);
    ck_assert_str_eq(stuck.payments[0]->checkout_id, sale.checkout_id);
    ck_assert_int_eq(stuck.payments[0]->attempts, 9);
    ck_assert_str_eq(stuck.payments[0]->last_error, "OVER");

    then_ok(retrying(&sale, sale.checkout_id));
    ck_assert_uint_eq(stuck_now(&sale).n_payments, 0);
    ck_assert_int_eq(1, world_sql_int("SELECT count(*) FROM checkout WHERE wake_time <= now()"));
    then_code(retrying(&sale, WAREHOUSE_A), STATUS_NOT_FOUND);
}
END_TEST

START_TEST(money_that_could_not_be_given_back_is_shown_and_tried_again)
{
    struct sale sale = given_placed(given_order_daemon(), "manual");

    world_sql("INSERT INTO task (id, kind, key, payload, due_at, attempts, last_error, failed_at)"
              " SELECT id, 'unwind_payment', id::text, '', now(), 200, 'NO', now() FROM payment");
    const Order__V1__ListStuckPaymentsResponse stuck = stuck_now(&sale);
    ck_assert_uint_eq(stuck.n_payments, 1);
    ck_assert_str_eq(stuck.payments[0]->last_error, "NO");
    then_ok(retrying(&sale, sale.checkout_id));
    world_until(0, "SELECT count(*) FROM task WHERE failed_at IS NOT NULL");
}
END_TEST

void schedule_case(Suite *suite)
{
    TCase *schedule = world_case(suite, "schedule");

    tcase_add_test(schedule, a_checkout_left_alone_is_asked_for_less_and_less_often);
    tcase_add_test(schedule, an_operator_may_shorten_the_waits);
    tcase_add_test(schedule, who_goes_on_in_vain_waits_as_planned_and_who_gets_on_begins_anew);
    tcase_add_test(schedule, a_driver_that_never_heard_of_its_lease_goes_on_at_once);
    tcase_add_test(schedule, a_lost_claim_is_claimed_again_by_the_same_driver_only);
    tcase_add_test(schedule, who_waits_for_a_provider_keeps_the_lease_meanwhile);
    tcase_add_test(schedule, what_never_comes_to_an_end_is_shown_to_people_who_may_try_again);
    tcase_add_test(schedule, money_that_could_not_be_given_back_is_shown_and_tried_again);
    tcase_add_test(schedule, past_its_deadline_a_checkout_that_was_paid_in_time_goes_forward);
    tcase_add_test(schedule, past_its_deadline_a_buyer_who_asks_again_gets_what_was_paid_in_time);
}
