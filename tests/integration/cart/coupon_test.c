/* coupon_test.c - a code takes off, waits for its conditions, or is refused for good. */
#include "suites.h"

static struct status applying(const char *id, const char *code)
{
    return asking(call_of(apply_coupon), "{'cartId': '%s', 'couponCode': '%s'}", id, code);
}

static struct status removing(const char *id, const char *code)
{
    return asking(call_of(remove_coupon), "{'cartId': '%s', 'couponCode': '%s'}", id, code);
}

START_TEST(a_code_takes_off_until_it_is_removed)
{
    given_shop();
    given_coupon("SUN", "");
    const char *id = given_cart();
    then_ok(applying(id, "sun"));
    ck_assert_int_eq(said->quote->discount_minor, 200);
    ck_assert_int_eq(said->quote->total_minor, 1800);
    ck_assert_uint_eq(said->quote->n_adjustments, 1);
    ck_assert_int_eq(said->quote->lines[0]->discount_minor, 200);
    ck_assert_int_eq(said->quote->lines[0]->unit_discounts[0]->count, 2);
    ck_assert_int_eq(said->quote->lines[0]->unit_discounts[0]->amount_minor, 100);
    then_ok(applying(id, "SUN")); // the same code once
    ck_assert_uint_eq(said->cart->n_coupon_codes, 1);
    then_ok(removing(id, "SUN"));
    ck_assert_int_eq(said->quote->total_minor, 2000);
    ck_assert_uint_eq(said->cart->n_coupon_codes, 0);
}
END_TEST

START_TEST(a_code_is_the_same_with_blanks_around_it_and_in_any_case)
{
    given_shop();
    given_coupon("SUN", "");
    const char *id = given_cart();
    then_ok(applying(id, "SUN"));
    then_ok(applying(id, " sun "));
    ck_assert_uint_eq(said->cart->n_coupon_codes, 1);
    then_ok(removing(id, "  Sun "));
    ck_assert_uint_eq(said->cart->n_coupon_codes, 0);
    then_ok(applying(id, " sun "));
    ck_assert_str_eq(said->cart->coupon_codes[0], "sun");
    then_code(applying(id, "  "), STATUS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_code_that_nobody_knows_is_refused)
{
    given_shop();
    const char *id = given_cart();
    then_reason(applying(id, "MOON"), STATUS_FAILED_PRECONDITION, "CART_COUPON_REFUSED");
    then_allowed("couponCode", "COUPON_UNKNOWN");
    then_ok(getting(id));
    ck_assert_uint_eq(said->cart->n_coupon_codes, 0);
    then_published(id, "CartCreated");
}
END_TEST

START_TEST(a_code_waits_for_its_conditions)
{
    given_shop();
    given_coupon("BIG", "'isExclusive': false, 'validFrom': '2020-01-01T00:00:00Z',"
                        " 'validUntil': '2020-01-02T00:00:00Z',");
    const char *id = given_cart();
    then_ok(applying(id, "BIG"));
    then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_COUPON, "");
    ck_assert_int_eq(said->quote->total_minor, 2000);
}
END_TEST

void coupon_case(Suite *suite)
{
    TCase *coupon = world_case(suite, "coupon");

    tcase_add_test(coupon, a_code_takes_off_until_it_is_removed);
    tcase_add_test(coupon, a_code_is_the_same_with_blanks_around_it_and_in_any_case);
    tcase_add_test(coupon, a_code_that_nobody_knows_is_refused);
    tcase_add_test(coupon, a_code_waits_for_its_conditions);
}
