/* payment_test.c - cards: what the provider says, how late and how often, and what the shop makes
 * of it. tests/support/stripe_simulator stands in for Stripe. */
#include "given.h"

#include <string.h>

/* The simulator's intents of a checkout; *ret_last is the youngest. */
static int intents_of(const char *checkout_id, const struct json_node **ret_last)
{
    int count = 0;
    const struct json_node *node = node_at(expect(simulator("/book", NULL), 200), "intents");
    for (node = node ? node->child : NULL; node != NULL; node = node->next) {
        const char *checkout = json_text(json_member(node, "checkout_id"));
        if (checkout == NULL || strcmp(checkout, checkout_id) != 0)
            continue;
        *ret_last = node;
        count++;
    }
    return count;
}

static void then_charged_once(const char *checkout_id, int64_t total)
{
    const struct json_node *intent = NULL;
    int64_t captured = 0;
    ck_assert_int_eq(intents_of(checkout_id, &intent), 1);
    ck_assert(json_to_int64(json_member(intent, "captured"), &captured));
    ck_assert_int_eq(captured, total);
}

static void then_paid(const char *checkout_id)
{
    struct answer checkout =
        until(arena_printf(arena, "/checkouts/%s", checkout_id), "state", "CHECKOUT_STATE_PLACED");
    until(arena_printf(arena, "/orders/%s", text_at(checkout, "orderId")), "paymentStatus",
          "PAYMENT_STATUS_PAID");
    then_charged_once(checkout_id, int_at(checkout, "total.minorUnits"));
}

static void then_captured_once(const char *checkout_id)
{
    then_events(checkout_id, (const char *const[]){"order.v1.PaymentCaptured", NULL});
    ck_assert_int_eq(event_count(checkout_id, "order.v1.PaymentCaptured"), 1);
}

static void given_stripe(const char *operation, const char *behaviour)
{
    expect(simulator("/script", arena_printf(arena, "operation=%s&behaviour=%s&count=1", operation,
                                             behaviour)),
           200);
}

START_TEST(a_card_is_held_at_checkout_and_charged_once)
{
    const char *cart = given_cart(given_item(2500, 10), 1);

    struct answer checkout = expect(when_paying_with("pm_card_visa", cart), 201);

    then_paid(text_at(checkout, "id"));
    then_captured_once(text_at(checkout, "id"));
}
END_TEST

START_TEST(a_declined_card_is_refused_and_leaves_cart_and_stock_as_they_were)
{
    struct item item = given_item(2500, 4);
    const char *cart = given_cart(item, 3);

    expect_problem(when_paying_with("pm_card_chargeDeclined", cart), 409, "PAYMENT_DECLINED");

    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "4");
    then_paid(text_at(expect(when_paying_with("pm_card_visa", cart), 201), "id"));
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "1");
}
END_TEST

static struct answer given_a_buyer_at_the_bank(const char *cart)
{
    struct answer waiting = expect(when_paying_with("pm_card_authenticationRequired", cart), 202);
    ck_assert_ptr_nonnull(strstr(text_at(waiting, "clientSecret"), "_secret_"));
    return waiting;
}

START_TEST(a_buyer_who_confirms_at_the_bank_gets_the_order)
{
    struct answer waiting = given_a_buyer_at_the_bank(given_cart(given_item(2500, 10), 1));
    const char *checkout = text_at(waiting, "id");

    expect(simulator("/complete", arena_printf(arena, "checkout_id=%s&outcome=succeed", checkout)),
           200);

    then_paid(checkout); // the webhook moves it on, nobody asks
}
END_TEST

START_TEST(a_buyer_who_fails_at_the_bank_gets_no_order)
{
    struct item item = given_item(2500, 2);
    struct answer waiting = given_a_buyer_at_the_bank(given_cart(item, 2));
    const char *checkout = text_at(waiting, "id");

    expect(simulator("/complete", arena_printf(arena, "checkout_id=%s&outcome=fail", checkout)),
           200);

    until(arena_printf(arena, "/checkouts/%s", checkout), "reason", "PAYMENT_DECLINED");
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "2");
}
END_TEST

static const char *const FAULTS[][2] = {
    {"create", "error_after"},    {"create", "unavailable"},  {"create", "limit"},
    {"capture", "error_before"},  {"capture", "error_after"}, {"capture", "unavailable"},
    {"capture", "timeout_after"},
};

START_TEST(whatever_the_provider_fails_at_is_charged_once)
{
    const char *cart = given_cart(given_item(2500, 10), 1);
    given_stripe(FAULTS[_i][0], FAULTS[_i][1]);

    struct answer checkout = when_paying_with("pm_card_visa", cart);

    ck_assert_msg(checkout.status == 201 || checkout.status == 202, "%ld: %s", checkout.status,
                  checkout.text);
    then_paid(text_at(checkout, "id"));
}
END_TEST

START_TEST(webhooks_that_come_late_twice_and_backwards_change_nothing)
{
    const char *cart = given_cart(given_item(2500, 10), 1);
    expect(simulator("/webhooks", "copies=3&delay_ms=300&reverse=1"), 200);

    struct answer checkout = expect(when_paying_with("pm_card_visa", cart), 201);

    then_paid(text_at(checkout, "id"));
    expect(simulator("/webhooks", "copies=1&delay_ms=0&reverse=0"), 200);
    then_captured_once(text_at(checkout, "id"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("payment");
    TCase *payment = shop_case(suite, "payment");
    tcase_add_test(payment, a_card_is_held_at_checkout_and_charged_once);
    tcase_add_test(payment, a_declined_card_is_refused_and_leaves_cart_and_stock_as_they_were);
    tcase_add_test(payment, a_buyer_who_confirms_at_the_bank_gets_the_order);
    tcase_add_test(payment, a_buyer_who_fails_at_the_bank_gets_no_order);
    tcase_add_loop_test(payment, whatever_the_provider_fails_at_is_charged_once, 0,
                        ARRAY_LEN(FAULTS));
    tcase_add_test(payment, webhooks_that_come_late_twice_and_backwards_change_nothing);
    return shop_run(suite);
}
