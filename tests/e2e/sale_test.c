/* sale_test.c - the sale, from the JSON API to the events on Kafka and back. */
#include "given.h"

static const char *const SALE_EVENTS[] = {
    "cart.v1.CartFrozen",   "inventory.v1.StockReserved",   "order.v1.PaymentAuthorized",
    "order.v1.OrderPlaced", "inventory.v1.StockCommitted",  "order.v1.PaymentCaptured",
    "cart.v1.CartClosed",   "platform.v1.SendNotification", NULL,
};

START_TEST(a_cart_becomes_a_paid_order_and_its_events_reach_kafka)
{
    struct item item = given_item(1900, 10);
    const char *cart = given_cart(item, 2);
    int64_t total = total_of(cart);

    struct answer checkout = bought(cart);

    ck_assert_int_ge(total, 2 * 1900);
    ck_assert_int_eq(int_at(checkout, "total.minorUnits"), total);
    struct answer order = until(arena_printf(arena, "/orders/%s", text_at(checkout, "orderId")),
                                "paymentStatus", "PAYMENT_STATUS_PAID");
    ck_assert_str_eq(text_at(order, "state"), "ORDER_STATE_OPEN");
    ck_assert_str_eq(text_at(order, "number"), text_at(checkout, "orderNumber"));
    ck_assert_int_eq(int_at(order, "total.minorUnits"), total);
    then_events(text_at(checkout, "id"), SALE_EVENTS);
}
END_TEST

START_TEST(stock_that_was_sold_is_gone_from_the_product_page)
{
    struct item item = given_item(1900, 10);
    ck_assert_int_eq(available(item), 10);

    bought(given_cart(item, 3));

    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "7");
}
END_TEST

START_TEST(net_and_tax_add_up_to_what_is_paid)
{
    const char *cart = given_cart(given_item(1999, 10), 3);

    struct answer answer =
        expect(store("GET", arena_printf(arena, "/carts/%s", cart), NULL, NULL), 200);

    ck_assert_int_eq(int_at(answer, "quote.netMinor") + int_at(answer, "quote.taxMinor"),
                     int_at(answer, "quote.totalMinor"));
    ck_assert_int_gt(int_at(answer, "quote.taxMinor"), 0);
}
END_TEST

START_TEST(a_coupon_takes_its_amount_off_and_is_redeemed)
{
    const char *coupon = given_coupon(5);
    const char *cart = given_cart(given_item(3000, 10), 1);
    int64_t before = total_of(cart);

    expect(store("POST", arena_printf(arena, "/carts/%s/coupons", cart),
                 arena_printf(arena, "{\"couponCode\":\"%s\"}", coupon), NULL),
           200);
    struct answer checkout = bought(cart);

    ck_assert_int_eq(int_at(checkout, "total.minorUnits"), before - 500);
    then_events(
        text_at(checkout, "id"),
        (const char *const[]){"marketing.v1.CouponHeld", "marketing.v1.CouponRedeemed", NULL});
}
END_TEST

START_TEST(the_same_key_answers_the_same_order_and_sells_once)
{
    struct item item = given_item(1900, 10);
    const char *cart = given_cart(item, 1), *key = new_key();
    int64_t total = total_of(cart);

    struct answer first = when_buying(cart, total, key);
    struct answer again = when_buying(cart, total, key);

    ck_assert_str_eq(text_at(first, "id"), text_at(again, "id"));
    const char *path = arena_printf(arena, "/checkouts/%s", text_at(first, "id"));
    until(path, "state", "CHECKOUT_STATE_PLACED");
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "9");
    then_events(text_at(first, "id"), (const char *const[]){"order.v1.OrderPlaced", NULL});
    ck_assert_int_eq(event_count(text_at(first, "id"), "order.v1.OrderPlaced"), 1);
}
END_TEST

START_TEST(a_cancelled_order_gives_its_stock_back)
{
    struct item item = given_item(1900, 5);
    struct answer checkout = bought(given_cart(item, 2));
    const char *order = text_at(checkout, "orderId");
    until(arena_printf(arena, "/orders/%s", order), "paymentStatus", "PAYMENT_STATUS_PAID");

    expect(admin("POST", arena_printf(arena, "/orders/%s/cancel", order),
                 "{\"reason\":\"the buyer changed their mind\"}"),
           200);

    until(arena_printf(arena, "/orders/%s", order), "state", "ORDER_STATE_CANCELLED");
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "5");
}
END_TEST

START_TEST(the_buyer_gets_one_confirmation_by_mail)
{
    struct answer checkout = bought(given_cart(given_item(1900, 5), 1));
    const char *path =
        arena_printf(arena, "/deliveries?subject_id=%s", text_at(checkout, "orderId"));

    admin_until(path, "deliveries.0.state", "DELIVERY_STATE_SENT");
}
END_TEST

START_TEST(the_ledger_agrees_with_its_balances)
{
    bought(given_cart(given_item(1900, 5), 1));

    then_ledger_agrees();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sale");
    TCase *sale = shop_case(suite, "sale");
    tcase_add_test(sale, a_cart_becomes_a_paid_order_and_its_events_reach_kafka);
    tcase_add_test(sale, stock_that_was_sold_is_gone_from_the_product_page);
    tcase_add_test(sale, net_and_tax_add_up_to_what_is_paid);
    tcase_add_test(sale, a_coupon_takes_its_amount_off_and_is_redeemed);
    tcase_add_test(sale, the_same_key_answers_the_same_order_and_sells_once);
    tcase_add_test(sale, a_cancelled_order_gives_its_stock_back);
    tcase_add_test(sale, the_buyer_gets_one_confirmation_by_mail);
    tcase_add_test(sale, the_ledger_agrees_with_its_balances);
    return shop_run(suite);
}
