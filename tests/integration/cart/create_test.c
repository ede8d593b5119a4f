/* create_test.c - a new cart, made once however often it is asked for, and who may see it. */
#include "suites.h"

#include "cart/v1/events.schema.h"

static struct status creating(const char *key, const char *variant, const char *email)
{
    struct call call = call_of(create_cart);
    call.key = key;
    return asking(call,
                  "{'channelId': '%s', 'currencyCode': 'EUR', 'countryCode': 'DE', 'locale': 'en',"
                  " 'email': '%s', 'lines': [{'variantId': '%s', 'quantity': 2}]}",
                  channel, email, variant);
}

START_TEST(a_new_cart_shows_what_it_costs)
{
    given_shop();
    const char *id = given_cart();
    ck_assert_int_eq(said->cart->version, 1);
    ck_assert_int_eq(said->quote->total_minor, 2000);
    ck_assert_int_eq(said->quote->tax_minor, 319);
    ck_assert_str_eq(said->quote->lines[0]->sku, "mug");
    ck_assert_uint_eq(said->n_problems, 0);
    then_ok(getting(id));
    ck_assert_int_eq(said->cart->lines[0]->seen_unit_minor, 1000);
    then_published(id, "CartCreated");
    then_example(&cart__v1__cart_created__schema);
}
END_TEST

START_TEST(a_key_makes_one_cart)
{
    given_shop();
    then_ok(creating("first", mug, ""));
    const char *id = said->cart->id;
    const char *line = said->cart->lines[0]->line_id;
    then_ok(creating("first", mug, ""));
    ck_assert_str_eq(said->cart->id, id);
    ck_assert_str_eq(said->cart->lines[0]->line_id, line);
    then_ok(adding(id, tee, 1)); // the cart goes on, the key still leads to it
    then_ok(creating("first", mug, ""));
    ck_assert_str_eq(said->cart->id, id);
    ck_assert_int_eq(said->cart->version, 2);
    then_reason(creating("first", tee, ""), STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED");
    then_ok(creating("second", mug, ""));
    ck_assert_str_ne(said->cart->id, id);
    then_published(id, "CartCreated CartChanged");
}
END_TEST

START_TEST(what_cannot_be_sold_makes_no_cart)
{
    given_shop();
    then_reason(creating(NULL, unpriced, ""), STATUS_FAILED_PRECONDITION,
                "CART_VARIANT_UNAVAILABLE");
    then_reason(creating(NULL, new_id(), ""), STATUS_FAILED_PRECONDITION,
                "CART_VARIANT_UNAVAILABLE");
    then_reason(creating(NULL, mug, "nobody"), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    ck_assert_uint_eq(published_of("cart.v1.CartCreated"), 0);
}
END_TEST

START_TEST(a_customers_cart_is_not_there_for_others)
{
    given_shop();
    const char *id = given_cart();
    const char *customer = new_id();
    struct arena *arena = world_client()->arena;
    struct call get = call_of(get_cart);

    get.actor = "guest";
    then_ok(asking(get, "{'cartId': '%s'}", id));
    then_ok(asking(call_of(set_customer), "{'cartId': '%s', 'customerId': '%s'}", id, customer));
    then_reason(asking(get, "{'cartId': '%s'}", id), STATUS_NOT_FOUND, "CART_NOT_FOUND");
    get.actor = arena_printf(arena, "customer:%s", new_id());
    then_reason(asking(get, "{'cartId': '%s'}", id), STATUS_NOT_FOUND, "CART_NOT_FOUND");
    get.actor = arena_printf(arena, "customer:%s", customer);
    then_ok(asking(get, "{'cartId': '%s'}", id));
    then_reason(getting(new_id()), STATUS_NOT_FOUND, "CART_NOT_FOUND");
}
END_TEST

START_TEST(a_cart_is_not_there_for_the_storefront_of_another_channel)
{
    given_shop();
    const char *id = given_cart();
    struct call get = call_of(get_cart);

    get.actor = "guest";
    get.channel_id = said->cart->channel_id;
    then_ok(asking(get, "{'cartId': '%s'}", id));
    get.channel_id = new_id();
    then_reason(asking(get, "{'cartId': '%s'}", id), STATUS_NOT_FOUND, "CART_NOT_FOUND");
    struct call email = call_of(set_email);
    email.actor = "guest";
    email.channel_id = new_id();
    then_reason(asking(email, "{'cartId': '%s', 'email': 'eve@example.com'}", id), STATUS_NOT_FOUND,
                "CART_NOT_FOUND");
}
END_TEST

void create_case(Suite *suite)
{
    TCase *create = world_case(suite, "create");

    tcase_add_test(create, a_new_cart_shows_what_it_costs);
    tcase_add_test(create, a_key_makes_one_cart);
    tcase_add_test(create, what_cannot_be_sold_makes_no_cart);
    tcase_add_test(create, a_customers_cart_is_not_there_for_others);
    tcase_add_test(create, a_cart_is_not_there_for_the_storefront_of_another_channel);
}
