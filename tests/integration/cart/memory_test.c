/* memory_test.c - what is remembered, for how long, and where it must not count. */
#include "suites.h"

#include "memory.h"

START_TEST(a_look_costs_nothing_until_something_changes)
{
    given_shop();
    const char *id = given_cart();
    given_price(mug, 1200);
    then_ok(getting(id));
    ck_assert_int_eq(said->quote->total_minor, 2000); /* its event is on the way */

    given_events_arrived();
    then_ok(getting(id));
    ck_assert_int_eq(said->quote->total_minor, 2400);
}
END_TEST

START_TEST(what_a_checkout_freezes_is_never_remembered)
{
    given_shop();
    const char *dearer = given_cart(), *gone = given_cart();
    given_price(mug, 1200);
    then_ok(freezing(dearer, new_id()));
    ck_assert_int_eq(said->quote->total_minor, 2400);

    given_unpublished_mug();
    then_ok(freezing(gone, new_id()));
    ck_assert_uint_eq(said->n_problems, 1);
    ck_assert_int_eq(said->problems[0]->kind, CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED);
}
END_TEST

START_TEST(who_was_refused_for_a_new_price_sees_it)
{
    given_shop();
    const char *id = given_cart(), *checkout_id = new_id();
    given_price(mug, 1200);
    then_ok(getting(id));
    ck_assert_int_eq(said->quote->total_minor, 2000);
    then_ok(freezing(id, checkout_id));
    then_ok(thawing(id, checkout_id));

    then_ok(getting(id)); /* the event is still on the way */
    ck_assert_int_eq(said->quote->total_minor, 2400);
}
END_TEST

START_TEST(a_change_costs_what_is_known_until_something_changes)
{
    given_shop();
    const char *id = given_cart();
    given_price(mug, 1200);
    then_ok(asking(call_of(set_email), "{'cartId': '%s', 'email': 'a@b.example'}", id));
    ck_assert_int_eq(said->quote->total_minor, 2000);

    given_events_arrived();
    then_ok(asking(call_of(set_email), "{'cartId': '%s', 'email': 'b@b.example'}", id));
    ck_assert_int_eq(said->quote->total_minor, 2400);
}
END_TEST

START_TEST(a_price_that_is_not_known_is_asked_for_with_all_others)
{
    given_shop();
    const char *id = given_cart();
    given_price(mug, 1200);
    then_ok(adding(id, tee, 1));
    ck_assert_int_eq(said->quote->total_minor, 2 * 1200 + 2500);
    then_ok(getting(id)); /* and remembered as such */
    ck_assert_int_eq(said->quote->total_minor, 2 * 1200 + 2500);
}
END_TEST

START_TEST(a_version_that_lost_its_race_is_not_remembered)
{
    given_shop();
    const char *id = given_cart();
    int64_t version = said->cart->version;
    then_ok(adding(id, tee, 1));
    then_reason(asking(call_of(add_lines),
                       "{'cartId': '%s', 'lines': [{'variantId': '%s', 'quantity': 5}],"
                       " 'expectedVersion': '%lld'}",
                       id, tee, (long long)version),
                STATUS_ABORTED, "CART_VERSION_CONFLICT");
    then_ok(getting(id));
    ck_assert_int_eq(said->quote->total_minor, 2 * 1000 + 2500);
}
END_TEST

START_TEST(a_gap_in_the_events_forgets_everything)
{
    given_shop();
    const char *id = given_cart();
    given_price(mug, 1200);
    memory_forget(ctx_state(world_ctx(cart)));
    then_ok(getting(id));
    ck_assert_int_eq(said->quote->total_minor, 2400);
}
END_TEST

START_TEST(coupons_are_counted_anew_each_time)
{
    given_shop();
    const char *id = given_cart();
    given_coupon("TEN", "");
    given_events_arrived();
    then_ok(asking(call_of(apply_coupon), "{'cartId': '%s', 'couponCode': 'TEN'}", id));
    ck_assert_int_eq(said->quote->total_minor, 1800);
    world_sql("UPDATE marketing.coupon SET is_active = false");
    then_ok(getting(id));
    ck_assert_int_eq(said->quote->total_minor, 2000);
}
END_TEST

void memory_case(Suite *suite)
{
    TCase *memory = world_case(suite, "memory");

    tcase_add_test(memory, a_look_costs_nothing_until_something_changes);
    tcase_add_test(memory, what_a_checkout_freezes_is_never_remembered);
    tcase_add_test(memory, who_was_refused_for_a_new_price_sees_it);
    tcase_add_test(memory, a_change_costs_what_is_known_until_something_changes);
    tcase_add_test(memory, a_price_that_is_not_known_is_asked_for_with_all_others);
    tcase_add_test(memory, a_version_that_lost_its_race_is_not_remembered);
    tcase_add_test(memory, a_gap_in_the_events_forgets_everything);
    tcase_add_test(memory, coupons_are_counted_anew_each_time);
}
