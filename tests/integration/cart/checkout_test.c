/* checkout_test.c - frozen for one checkout with what it was told, thawed, closed. */
#include "suites.h"

#include "cart/v1/events.schema.h"
#include "example.h"
#include "order/v1/events.schema.h"

#include <string.h>

static struct db_bytes packed(const ProtobufCMessage *message)
{
    struct db_bytes bytes = {.length = protobuf_c_message_get_packed_size(message)};
    uint8_t *data = arena_alloc(world_client()->arena, bytes.length);
    protobuf_c_message_pack(message, data);
    bytes.data = data;
    return bytes;
}

static struct status order_placed(const char *cart_id, const char *checkout_id)
{
    Order__V1__OrderPlaced placed = ORDER__V1__ORDER_PLACED__INIT;
    struct event event = {.id = uuid_v7(), .topic = "order.order.events.v1"};
    placed.cart_id = cart_id;
    placed.checkout_id = checkout_id;
    return cart_on_order_placed(world_ctx(cart), NULL, &event, &placed);
}

START_TEST(the_same_checkout_is_told_the_same_bytes)
{
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    given_price(mug, 1200);
    then_ok(freezing(id, checkout)); // with a problem: the price moved
    struct db_bytes first = packed(&said->base);
    ck_assert_uint_eq(said->n_problems, 1);
    given_price(mug, 1500);
    given_unpublished_mug();
    then_ok(freezing(id, checkout));
    struct db_bytes second = packed(&said->base);
    ck_assert_uint_eq(first.length, second.length);
    ck_assert_mem_eq(first.data, second.data, first.length);
    ck_assert_int_eq(said->quote->total_minor, 2400);
    then_published(id, "CartCreated CartFrozen");
    then_example(&cart__v1__cart_frozen__schema);
}
END_TEST

START_TEST(a_frozen_cart_does_not_change)
{
    given_shop();
    const char *id = given_cart();
    const char *line = said->cart->lines[0]->line_id;
    then_reason(asking(call_of(freeze_cart),
                       "{'cartId': '%s', 'checkoutId': '%s', 'expectedVersion': 7}", id, new_id()),
                STATUS_ABORTED, "CART_VERSION_CONFLICT");
    then_allowed("expectedVersion", "1");
    then_ok(freezing(id, new_id()));
    then_reason(adding(id, tee, 1), STATUS_FAILED_PRECONDITION, "CART_FROZEN");
    then_reason(asking(call_of(remove_line), "{'cartId': '%s', 'lineId': '%s'}", id, line),
                STATUS_FAILED_PRECONDITION, "CART_FROZEN");
    then_reason(freezing(id, new_id()), STATUS_FAILED_PRECONDITION, "CART_FROZEN");
    then_published(id, "CartCreated CartFrozen");
}
END_TEST

START_TEST(thaw_is_for_the_checkout_that_froze)
{
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    then_ok(freezing(id, checkout));
    then_ok(thawing(id, new_id())); // not its cart: nothing happens
    then_published(id, "CartCreated CartFrozen");
    then_ok(thawing(id, checkout));
    then_ok(thawing(id, checkout));
    then_published(id, "CartCreated CartFrozen CartThawed");
    then_example(&cart__v1__cart_thawed__schema);
    then_ok(adding(id, tee, 1));
    ck_assert_int_eq(said->cart->state, CART__V1__CART_STATE__CART_STATE_OPEN);
    then_reason(freezing(id, checkout), STATUS_FAILED_PRECONDITION, "CART_THAWED");
    then_ok(freezing(id, new_id()));
    ck_assert_int_eq(said->quote->total_minor, 4500);
}
END_TEST

START_TEST(a_freeze_that_comes_after_its_thaw_is_refused)
{
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    then_ok(thawing(id, checkout));
    then_reason(freezing(id, checkout), STATUS_FAILED_PRECONDITION, "CART_THAWED");
    then_ok(adding(id, tee, 1));
    then_published(id, "CartCreated CartThawed CartChanged");
}
END_TEST

START_TEST(a_cart_with_problems_stays_open)
{
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    given_unpublished_mug();
    for (int i = 0; i < 2; i++) { // told again to who asks again
        then_ok(freezing(id, checkout));
        then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED,
                     said->cart->lines[0]->line_id);
        ck_assert_int_eq(said->cart->state, CART__V1__CART_STATE__CART_STATE_OPEN);
    }
    then_published(id, "CartCreated");
}
END_TEST

START_TEST(a_closed_cart_stays_closed)
{
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    then_ok(freezing(id, checkout));
    then_ok(closing(id, checkout));
    then_ok(closing(id, checkout));
    then_ok(thawing(id, checkout));
    then_reason(adding(id, tee, 1), STATUS_FAILED_PRECONDITION, "CART_CLOSED");
    then_reason(freezing(id, new_id()), STATUS_FAILED_PRECONDITION, "CART_CLOSED");
    then_ok(freezing(id, checkout)); // its own checkout, late: as it was
    ck_assert_int_eq(said->quote->total_minor, 2000);
    then_published(id, "CartCreated CartFrozen CartClosed");
    then_example(&cart__v1__cart_closed__schema);
}
END_TEST

START_TEST(an_order_closes_its_cart_once)
{
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    then_ok(order_placed(id, checkout)); // too early: not frozen, nothing to close
    then_ok(freezing(id, checkout));
    then_ok(order_placed(id, new_id()));
    then_published(id, "CartCreated CartFrozen");
    then_ok(order_placed(id, checkout));
    then_ok(order_placed(id, checkout)); // duplicate
    then_published(id, "CartCreated CartFrozen CartClosed");
    then_ok(order_placed(new_id(), checkout)); // too late: the draft ran out
}
END_TEST

START_TEST(the_example_of_an_order_is_understood)
{
    given_shop();
    struct ctx *ctx = world_ctx(cart);
    struct event event = {.id = uuid_v7(), .topic = "order.order.events.v1"};
    then_ok(cart_on_order_placed(ctx, NULL, &event,
                                 example_of(ctx->arena, &order__v1__order_placed__schema)));
}
END_TEST

void checkout_case(Suite *suite)
{
    TCase *checkout = world_case(suite, "checkout");

    tcase_add_test(checkout, the_same_checkout_is_told_the_same_bytes);
    tcase_add_test(checkout, a_frozen_cart_does_not_change);
    tcase_add_test(checkout, thaw_is_for_the_checkout_that_froze);
    tcase_add_test(checkout, a_freeze_that_comes_after_its_thaw_is_refused);
    tcase_add_test(checkout, a_cart_with_problems_stays_open);
    tcase_add_test(checkout, a_closed_cart_stays_closed);
    tcase_add_test(checkout, an_order_closes_its_cart_once);
    tcase_add_test(checkout, the_example_of_an_order_is_understood);
}
