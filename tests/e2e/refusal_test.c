/* refusal_test.c - what the shop must refuse, and how it says so. */
#include "given.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_price_that_changed_after_the_buyer_saw_it_is_refused)
{
    struct item item = given_item(1900, 10);
    const char *cart = given_cart(item, 1);
    int64_t seen = total_of(cart);

    given_price(item, 2900);
    struct answer answer = when_buying(cart, seen, new_key());

    expect_problem(answer, 409, "PRICE_CHANGED");
    ck_assert_int_eq(total_of(cart), seen + 1000);
    ck_assert_int_eq(available(item), 10);
}
END_TEST

START_TEST(after_a_refusal_the_cart_can_be_bought_at_the_new_price)
{
    struct item item = given_item(1900, 10);
    const char *cart = given_cart(item, 1);
    int64_t seen = total_of(cart);
    given_price(item, 2900);
    expect_problem(when_buying(cart, seen, new_key()), 409, "PRICE_CHANGED");

    struct answer checkout = bought(cart);

    ck_assert_int_eq(int_at(checkout, "total.minorUnits"), seen + 1000);
}
END_TEST

START_TEST(a_cart_that_changed_after_the_buyer_saw_it_is_refused)
{
    const char *cart = given_cart(given_item(1900, 10), 1);
    const char *body = arena_printf(arena,
                                    "{\"cartId\":\"%s\",\"expectedTotal\":{\"minorUnits\":\"1\","
                                    "\"currencyCode\":\"EUR\"},\"tenders\":"
                                    "[{\"providerAccount\":\"manual\"}]}",
                                    cart);

    expect_problem(store_for_version("POST", "/checkouts", body, new_key(), 1), 409,
                   "CART_VERSION_CONFLICT");

    bought(cart);
}
END_TEST

START_TEST(a_refusal_is_the_same_when_it_is_asked_for_again)
{
    const char *key = new_key(), *nobodys_cart = new_key();

    expect_problem(when_buying(nobodys_cart, 1900, key), 404, "CART_NOT_FOUND");
    expect_problem(when_buying(nobodys_cart, 1900, key), 404, "CART_NOT_FOUND");
}
END_TEST

START_TEST(a_line_that_cannot_be_sold_any_more_stops_the_checkout)
{
    struct item kept = given_item(1900, 10), gone = given_item(500, 10);
    const char *cart = given_cart(kept, 1);
    expect(store("POST", arena_printf(arena, "/carts/%s/lines", cart),
                 arena_printf(arena, "{\"lines\":[{\"variantId\":\"%s\",\"quantity\":\"1\"}]}",
                              gone.variant_id),
                 NULL),
           200);
    given_unpublished(gone);

    expect_problem(when_buying(cart, total_of(cart), new_key()), 409, "CART_HAS_PROBLEMS");

    ck_assert_int_eq(available(kept), 10);
}
END_TEST

START_TEST(a_checkout_without_a_key_is_refused)
{
    const char *cart = given_cart(given_item(1900, 10), 1);

    expect_problem(when_buying(cart, total_of(cart), NULL), 400, "IDEMPOTENCY_KEY_REQUIRED");
    expect_problem(store_with("POST", "/checkouts", "{}", "Torg-Publishable-Key", "pk_nobody"), 401,
                   "PUBLISHABLE_KEY_UNKNOWN"); /* who asks comes before what is missing */
}
END_TEST

START_TEST(a_key_with_another_body_is_refused)
{
    const char *cart = given_cart(given_item(1900, 10), 1), *key = new_key();
    int64_t total = total_of(cart);
    ck_assert_int_eq(when_buying(cart, total, key).status / 100, 2);

    expect_problem(when_buying(cart, total + 1, key), 422, "IDEMPOTENCY_KEY_REUSED");
}
END_TEST

START_TEST(an_exhausted_coupon_stops_the_checkout_and_frees_the_stock)
{
    const char *coupon = given_coupon(1);
    const char *body = arena_printf(arena, "{\"couponCode\":\"%s\"}", coupon);
    struct item item = given_item(3000, 10);
    const char *first = given_cart(item, 1), *second = given_cart(item, 1);
    expect(store("POST", arena_printf(arena, "/carts/%s/coupons", first), body, NULL), 200);
    expect(store("POST", arena_printf(arena, "/carts/%s/coupons", second), body, NULL), 200);
    int64_t discounted = total_of(second);
    bought(first);

    const char *key = new_key();
    struct answer answer = when_buying(second, discounted, key);
    struct answer repeated = when_buying(second, discounted, key);

    expect_problem(answer, 409, "COUPON_NOT_USABLE");
    expect_problem(repeated, 409, "COUPON_NOT_USABLE");
    ck_assert_str_eq(text_at(answer, "violations.0.allowed"), "COUPON_EXHAUSTED");
    ck_assert_str_eq(text_at(repeated, "violations.0.allowed"), "COUPON_EXHAUSTED");
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", "9");
}
END_TEST

/* A process of its own, as a second buyer is; exits 0 when the order was placed. */
static pid_t start_buyer(const char *cart, int64_t total)
{
    pid_t pid = fork();
    if (pid == 0) {
        shop_forked();
        struct answer answer = when_buying(cart, total, new_key());
        _exit(answer.status == 201 ? 0 : answer.status == 409 ? 1 : 2);
    }
    return pid;
}

START_TEST(of_two_buyers_of_the_last_unit_exactly_one_gets_it)
{
    struct item item = given_item(1900, 1);
    const char *carts[] = {given_cart(item, 1), given_cart(item, 1)};
    int64_t total = total_of(carts[0]);
    int outcomes[3] = {0};

    pid_t buyers[] = {start_buyer(carts[0], total), start_buyer(carts[1], total)};
    for (int i = 0; i < 2; i++) {
        int state = 0;
        waitpid(buyers[i], &state, 0);
        outcomes[WIFEXITED(state) && WEXITSTATUS(state) < 2 ? WEXITSTATUS(state) : 2]++;
    }

    ck_assert_msg(outcomes[0] == 1 && outcomes[1] == 1, "%d placed, %d refused, %d otherwise",
                  outcomes[0], outcomes[1], outcomes[2]);
    until(arena_printf(arena, "/products/%s", item.slug), "product.variants.0.available", NULL);
}
END_TEST

static struct answer choosing_free_express(const char *cart)
{
    const char *option = id_by_code("/shipping-options", "shippingOptions", "express-free");

    return store("PUT", arena_printf(arena, "/carts/%s/shipping-option", cart),
                 arena_printf(arena, "{\"shippingOptionId\":\"%s\"}", option), NULL);
}

static int offered(const char *cart)
{
    const char *path = arena_printf(arena, "/carts/%s/shipping-options", cart);
    struct answer answer = expect(store("GET", path, NULL, NULL), 200);
    int count = 0;

    while (node_at(answer, arena_printf(arena, "shippingOptions.%d", count)))
        count++;
    return count;
}

START_TEST(a_shipping_option_is_for_the_carts_that_meet_its_conditions)
{
    struct item item = given_item(10000, 10);
    const char *small = given_cart(item, 1), *large = given_cart(item, 2);

    struct answer refused = choosing_free_express(small);

    expect_problem(refused, 409, "SHIPPING_OPTION_UNAVAILABLE");
    ck_assert_ptr_nonnull(strstr(refused.text, "cart.subtotal is 10000, must be at least 15000"));
    expect(choosing_free_express(large), 200);
    ck_assert_int_eq(offered(large), offered(small) + 1);
}
END_TEST

START_TEST(a_cart_that_no_longer_meets_its_shipping_is_not_bought)
{
    struct item item = given_item(10000, 10);
    const char *cart = given_cart(item, 2);
    struct answer chosen = expect(choosing_free_express(cart), 200);
    const char *line =
        arena_printf(arena, "/carts/%s/lines/%s", cart, text_at(chosen, "cart.lines.0.lineId"));
    expect(store("PATCH", line, "{\"quantity\":\"1\"}", NULL), 200);

    struct answer refused = when_buying(cart, total_of(cart), new_key());

    expect_problem(refused, 409, "SHIPPING_OPTION_UNAVAILABLE");
    ck_assert_int_eq(available(item), 10);
    expect(store("PATCH", line, "{\"quantity\":\"2\"}", NULL), 200);
    bought(cart);
}
END_TEST

START_TEST(an_unpublished_product_is_not_found)
{
    expect(store("GET", "/products/advent-calendar", NULL, NULL), 404);
}
END_TEST

START_TEST(both_apis_ask_for_a_key)
{
    expect(anonymous("/admin/v1/orders"), 401);
    expect(anonymous("/store/v1/products"), 401);
}
END_TEST

START_TEST(keys_that_nobody_gave_out_are_refused)
{
    expect_problem(store_with("GET", "/products", NULL, "Torg-Publishable-Key", "pk_nobody"), 401,
                   "PUBLISHABLE_KEY_UNKNOWN");
    expect_problem(store_with("GET", "/account", NULL, "Accept", "application/json"), 401,
                   "TOKEN_REQUIRED");
}
END_TEST

START_TEST(what_is_not_there_has_its_own_reason)
{
    const char *nobody = "/01890000-0000-7000-8000-000000000000";
    expect_problem(store("GET", arena_printf(arena, "/carts%s", nobody), NULL, NULL), 404,
                   "CART_NOT_FOUND");
    expect_problem(store("GET", arena_printf(arena, "/checkouts%s", nobody), NULL, NULL), 404,
                   "CHECKOUT_NOT_FOUND");
    expect_problem(store("GET", arena_printf(arena, "/orders%s", nobody), NULL, NULL), 404,
                   "ORDER_NOT_FOUND");
}
END_TEST

START_TEST(a_cart_without_an_address_is_incomplete_and_stays_open)
{
    struct item item = given_item(1900, 10);
    const char *lines =
        arena_printf(arena, "{\"lines\":[{\"variantId\":\"%s\",\"quantity\":1}]}", item.variant_id);
    struct answer made = expect(store("POST", "/carts", lines, NULL), 201);
    const char *cart = text_at(made, "cart.id");

    struct answer answer = when_buying(cart, int_at(made, "quote.totalMinor"), new_key());

    expect_problem(answer, 409, "CART_INCOMPLETE");
    struct answer after =
        expect(store("GET", arena_printf(arena, "/carts/%s", cart), NULL, NULL), 200);
    ck_assert_str_eq(text_at(after, "cart.state"), "CART_STATE_OPEN");
}
END_TEST

START_TEST(a_cart_with_a_line_that_is_no_longer_sold_has_problems)
{
    struct item item = given_item(1900, 10);
    const char *cart = given_cart(item, 1);
    int64_t seen = total_of(cart);
    const char *channel = id_by_code("/channels", "channels", "eu");
    expect(admin("DELETE",
                 arena_printf(arena, "/products/%s/publications/%s", item.product_id, channel),
                 NULL),
           200);

    expect_problem(when_buying(cart, seen, new_key()), 409, "CART_HAS_PROBLEMS");
}
END_TEST

START_TEST(a_shipping_option_of_another_channel_is_unavailable)
{
    const char *cart = given_cart(given_item(1900, 10), 1);
    struct answer options = expect(admin("GET",
                                         arena_printf(arena, "/shipping-options?channel_id=%s",
                                                      id_by_code("/channels", "channels", "us")),
                                         NULL),
                                   200);
    const char *body = arena_printf(arena, "{\"shippingOptionId\":\"%s\"}",
                                    text_at(options, "shippingOptions.0.id"));

    expect_problem(store("PUT", arena_printf(arena, "/carts/%s/shipping-option", cart), body, NULL),
                   409, "SHIPPING_OPTION_UNAVAILABLE");
}
END_TEST

START_TEST(a_stale_version_is_told_the_current_one)
{
    const char *cart = given_cart(given_item(1900, 10), 1);
    const char *path = arena_printf(arena, "/carts/%s/email", cart);
    const char *body = "{\"email\":\"other@buyer.example\"}";

    expect_problem(store_with("PUT", path, body, "If-Match", "\"1\""), 409,
                   "CART_VERSION_CONFLICT");
    expect_problem(store_with("PUT", path, body, "If-Match", "1"), 400, "BAD_IF_MATCH");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusal");
    TCase *refusal = shop_case(suite, "refusal");
    tcase_add_test(refusal, a_price_that_changed_after_the_buyer_saw_it_is_refused);
    tcase_add_test(refusal, after_a_refusal_the_cart_can_be_bought_at_the_new_price);
    tcase_add_test(refusal, a_cart_that_changed_after_the_buyer_saw_it_is_refused);
    tcase_add_test(refusal, a_refusal_is_the_same_when_it_is_asked_for_again);
    tcase_add_test(refusal, a_line_that_cannot_be_sold_any_more_stops_the_checkout);
    tcase_add_test(refusal, a_checkout_without_a_key_is_refused);
    tcase_add_test(refusal, a_key_with_another_body_is_refused);
    tcase_add_test(refusal, an_exhausted_coupon_stops_the_checkout_and_frees_the_stock);
    tcase_add_test(refusal, of_two_buyers_of_the_last_unit_exactly_one_gets_it);
    tcase_add_test(refusal, a_shipping_option_is_for_the_carts_that_meet_its_conditions);
    tcase_add_test(refusal, a_cart_that_no_longer_meets_its_shipping_is_not_bought);
    tcase_add_test(refusal, an_unpublished_product_is_not_found);
    tcase_add_test(refusal, both_apis_ask_for_a_key);
    tcase_add_test(refusal, keys_that_nobody_gave_out_are_refused);
    tcase_add_test(refusal, what_is_not_there_has_its_own_reason);
    tcase_add_test(refusal, a_cart_without_an_address_is_incomplete_and_stays_open);
    tcase_add_test(refusal, a_cart_with_a_line_that_is_no_longer_sold_has_problems);
    tcase_add_test(refusal, a_shipping_option_of_another_channel_is_unavailable);
    tcase_add_test(refusal, a_stale_version_is_told_the_current_one);
    return shop_run(suite);
}
