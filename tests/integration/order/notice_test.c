/* notice_test.c - webhooks about what is long gone, and about what others did at the provider. */
#include "suites.h"

#include "bank.h"

static struct sale given_buyer_at_the_bank(void)
{
    given_bank();
    struct sale sale = given_sale(given_order_daemon(), "stripe");

    sale.payment_method = "pm_card_authenticationRequired";
    then_ok(sale_begin(&sale, NULL));
    then_ok(sale_price(&sale));
    then_ok(sale_reserve(&sale));
    then_ok(sale_authorize(&sale, NULL));
    return sale;
}

START_TEST(an_authorization_after_the_checkout_was_purged_is_given_back)
{
    struct sale sale = given_buyer_at_the_bank();

    world_sql(
        "UPDATE payment SET is_cancelled = true, state = 7"); // as a cancelled checkout left it
    world_sql("DELETE FROM checkout");
    bank_complete(&sale, "succeed");
    then_bank(&sale, 1, SALE_TOTAL, 0, 0);
    then_ok(bank_webhook(&sale, "payment_intent.amount_capturable_updated", false, NULL));

    world_until(0, "SELECT authorized_minor FROM payment");
    then_bank(&sale, 1, 0, 0, 0);
}
END_TEST

START_TEST(a_webhook_about_a_payment_that_nobody_knows_is_taken)
{
    struct sale sale = given_buyer_at_the_bank();
    const char *checkout_id;

    bank_complete(&sale, "succeed");
    world_sql("DELETE FROM checkout");
    world_sql("UPDATE payment SET id = gen_random_uuid(), provider_reference = 'pi_other'");
    then_ok(bank_webhook(&sale, "payment_intent.amount_capturable_updated", false, &checkout_id));

    ck_assert_str_eq(str_or_empty(checkout_id), "");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM webhook_event WHERE payment_id IS NULL"),
                     1);
}
END_TEST

START_TEST(a_webhook_wakes_its_checkout_should_nobody_hear_the_answer)
{
    struct sale sale = given_buyer_at_the_bank();

    then_ok(sale_release(&sale, 900000));
    bank_complete(&sale, "succeed");
    then_ok(bank_webhook(&sale, "payment_intent.amount_capturable_updated", false, NULL));

    world_until(1, "SELECT sign(attempts)::bigint FROM checkout"); // the reaper asked already
}
END_TEST

static struct sale given_paid(void)
{
    given_bank();
    struct sale sale = given_placed(given_order_daemon(), "stripe");

    world_until(PAYMENT_STATUS_PAID, "SELECT payment_status FROM orders.orders");
    return sale;
}

START_TEST(what_is_refunded_at_the_dashboard_is_booked_once)
{
    struct sale sale = given_paid();

    bank_refund(&sale, 2000);
    then_ok(bank_webhook(&sale, "charge.refunded", false, NULL));
    then_ok(bank_webhook(&sale, "charge.refunded", false, NULL)); // delivered twice
    ck_assert_int_eq((int)order_now(&sale)->payment_status, PAYMENT_STATUS_PARTIALLY_REFUNDED);
    ck_assert_int_eq(order_now(&sale)->refunded->minor_units, 2000);

    bank_refund(&sale, SALE_TOTAL - 2000);
    then_ok(bank_webhook(&sale, "charge.refunded", false, NULL));
    ck_assert_int_eq((int)order_now(&sale)->payment_status, PAYMENT_STATUS_REFUNDED);
    ck_assert_int_eq(outbox_count("PaymentRefunded"), 2);
    then_bank(&sale, 1, 0, SALE_TOTAL, SALE_TOTAL);
    then_books_balance();
}
END_TEST

START_TEST(our_own_refund_is_not_booked_again_and_takes_only_what_is_left)
{
    struct sale sale = given_paid();

    bank_refund(&sale, 2000);
    then_ok(bank_webhook(&sale, "charge.refunded", false, NULL));
    when_cancelled(&sale);
    world_until(PAYMENT_STATUS_REFUNDED, "SELECT payment_status FROM orders.orders");
    then_ok(bank_webhook(&sale, "charge.refunded", false, NULL)); // of ours

    ck_assert_int_eq(outbox_count("PaymentRefunded"), 2);
    then_bank(&sale, 1, 0, SALE_TOTAL, SALE_TOTAL);
    then_books_balance();
}
END_TEST

void notice_case(Suite *suite)
{
    TCase *notice = world_case(suite, "notice");

    tcase_add_test(notice, an_authorization_after_the_checkout_was_purged_is_given_back);
    tcase_add_test(notice, a_webhook_about_a_payment_that_nobody_knows_is_taken);
    tcase_add_test(notice, what_is_refunded_at_the_dashboard_is_booked_once);
    tcase_add_test(notice, our_own_refund_is_not_booked_again_and_takes_only_what_is_left);
    tcase_add_test(notice, a_webhook_wakes_its_checkout_should_nobody_hear_the_answer);
}
