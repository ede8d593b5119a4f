/* lines_test.c - lines come, change and go; what went wrong with one is a problem. */
#include "suites.h"

#include "cart/v1/events.schema.h"

START_TEST(the_same_again_adds_up)
{
    given_shop();
    const char *id = given_cart();
    then_ok(adding(id, mug, 3));
    ck_assert_uint_eq(said->cart->n_lines, 1);
    ck_assert_int_eq(said->cart->lines[0]->quantity, 5);
    then_ok(asking(call_of(add_lines),
                   "{'cartId': '%s', 'lines': [{'variantId': '%s', 'quantity': 1,"
                   " 'attributes': {'engraving': 'A'}}]}",
                   id, mug));
    ck_assert_uint_eq(said->cart->n_lines, 2); // another identity
    ck_assert_int_eq(said->quote->total_minor, 6000);
    then_published(id, "CartCreated CartChanged CartChanged");
    then_example(&cart__v1__cart_changed__schema);
}
END_TEST

START_TEST(a_retry_adds_once_and_another_request_needs_another_key)
{
    given_shop();
    const char *id = given_cart();
    struct call add = call_of(add_lines);
    static const char ADD[] = "{'cartId': '%s', 'lines': [{'variantId': '%s', 'quantity': %d}]}";
    add.key = "k1";
    then_ok(asking(add, ADD, id, tee, 1));
    then_ok(asking(add, ADD, id, tee, 1));
    ck_assert_int_eq(said->cart->lines[1]->quantity, 1);
    ck_assert_int_eq(said->cart->version, 2);
    then_reason(asking(add, ADD, id, tee, 2), STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED");
    add.key = "k2";
    then_ok(asking(add, ADD, id, tee, 1));
    ck_assert_int_eq(said->cart->lines[1]->quantity, 2);
    then_published(id, "CartCreated CartChanged CartChanged");
}
END_TEST

START_TEST(a_stale_version_is_told_the_current_one)
{
    given_shop();
    const char *id = given_cart();
    then_ok(adding(id, tee, 1));
    then_reason(asking(call_of(add_lines),
                       "{'cartId': '%s', 'expectedVersion': 1,"
                       " 'lines': [{'variantId': '%s', 'quantity': 1}]}",
                       id, tee),
                STATUS_ABORTED, "CART_VERSION_CONFLICT");
    then_allowed("expectedVersion", "2");
    then_ok(asking(call_of(add_lines),
                   "{'cartId': '%s', 'expectedVersion': 2,"
                   " 'lines': [{'variantId': '%s', 'quantity': 1}]}",
                   id, tee));
    ck_assert_int_eq(said->cart->version, 3);
}
END_TEST

START_TEST(a_removed_line_takes_its_descendants_along)
{
    given_shop();
    const char *id = given_cart();
    const char *parent = said->cart->lines[0]->line_id;
    static const char ADD[] = "{'cartId': '%s', 'lines': [{'variantId': '%s', 'quantity': 1,"
                              " 'parentLineId': '%s'}]}";
    then_ok(asking(call_of(add_lines), ADD, id, tee, parent));
    then_ok(asking(call_of(add_lines), ADD, id, mug, said->cart->lines[1]->line_id));
    then_ok(adding(id, tee, 1));
    ck_assert_uint_eq(said->cart->n_lines, 4);
    then_ok(asking(call_of(remove_line), "{'cartId': '%s', 'lineId': '%s'}", id, parent));
    ck_assert_uint_eq(said->cart->n_lines, 1);
    ck_assert_int_eq(said->quote->total_minor, 2500);
    then_ok(asking(call_of(change_line), "{'cartId': '%s', 'lineId': '%s', 'quantity': 0}", id,
                   said->cart->lines[0]->line_id));
    ck_assert_uint_eq(said->cart->n_lines, 0);
    ck_assert_int_eq(said->quote->total_minor, 0);
    then_reason(asking(call_of(add_lines), ADD, id, tee, parent), STATUS_NOT_FOUND,
                "CART_LINE_NOT_FOUND");
    then_reason(asking(call_of(remove_line), "{'cartId': '%s', 'lineId': '%s'}", id, parent),
                STATUS_NOT_FOUND, "CART_LINE_NOT_FOUND");
    then_reason(
        asking(call_of(change_line), "{'cartId': '%s', 'lineId': '%s', 'quantity': 2}", id, parent),
        STATUS_NOT_FOUND, "CART_LINE_NOT_FOUND");
}
END_TEST

START_TEST(a_cart_holds_so_many_lines_and_a_line_so_many_pieces)
{
    world_setenv("CART_LINES_MAX", "1");
    given_shop();
    const char *id = given_cart();
    then_reason(adding(id, tee, 1), STATUS_FAILED_PRECONDITION, "CART_TOO_LARGE");
    then_reason(adding(id, mug, 999999), STATUS_INVALID_ARGUMENT, "CART_QUANTITY_TOO_LARGE");
    then_ok(adding(id, mug, 999998));
    then_published(id, "CartCreated CartChanged");
}
END_TEST

START_TEST(what_cannot_be_sold_does_not_get_in)
{
    given_shop();
    const char *id = given_cart();
    then_reason(adding(id, unpriced, 1), STATUS_FAILED_PRECONDITION, "CART_VARIANT_UNAVAILABLE");
    then_reason(adding(id, new_id(), 1), STATUS_FAILED_PRECONDITION, "CART_VARIANT_UNAVAILABLE");
    then_ok(getting(id));
    ck_assert_int_eq(said->cart->version, 1);
}
END_TEST

START_TEST(a_line_that_went_wrong_stays_with_its_problem)
{
    given_shop();
    const char *id = given_cart();
    const char *line = said->cart->lines[0]->line_id;
    given_unpublished_mug();
    given_events_arrived();
    then_ok(getting(id)); // no line can be priced any more
    then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED, line);
    ck_assert_int_eq(said->quote->total_minor, 0);
    then_ok(adding(id, tee, 1));
    then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED, line);
    ck_assert_int_eq(said->quote->total_minor, 2500);
    then_ok(asking(call_of(remove_line), "{'cartId': '%s', 'lineId': '%s'}", id, line));
    ck_assert_uint_eq(said->n_problems, 0);
}
END_TEST

START_TEST(a_changed_price_is_told_until_the_line_is_touched)
{
    given_shop();
    const char *id = given_cart();
    const char *line = said->cart->lines[0]->line_id;
    given_price(mug, 1200);
    given_events_arrived();
    then_ok(getting(id));
    then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_PRICE_CHANGED, line);
    ck_assert_int_eq(said->problems[0]->old_minor, 1000);
    ck_assert_int_eq(said->problems[0]->new_minor, 1200);
    ck_assert_int_eq(said->quote->total_minor, 2400);
    then_ok(adding(id, tee, 1));
    then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_PRICE_CHANGED, line);
    then_ok(
        asking(call_of(change_line), "{'cartId': '%s', 'lineId': '%s', 'quantity': 2}", id, line));
    ck_assert_uint_eq(said->n_problems, 0);
    then_ok(getting(id));
    ck_assert_uint_eq(said->n_problems, 0);
}
END_TEST

void lines_case(Suite *suite)
{
    TCase *lines = world_case(suite, "lines");

    tcase_add_test(lines, the_same_again_adds_up);
    tcase_add_test(lines, a_retry_adds_once_and_another_request_needs_another_key);
    tcase_add_test(lines, a_stale_version_is_told_the_current_one);
    tcase_add_test(lines, a_removed_line_takes_its_descendants_along);
    tcase_add_test(lines, a_cart_holds_so_many_lines_and_a_line_so_many_pieces);
    tcase_add_test(lines, what_cannot_be_sold_does_not_get_in);
    tcase_add_test(lines, a_line_that_went_wrong_stays_with_its_problem);
    tcase_add_test(lines, a_changed_price_is_told_until_the_line_is_touched);
}
