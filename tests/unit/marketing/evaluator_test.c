/* evaluator_test.c - what comes off which line, and why something does not. */
#include "suites.h"

#define OPERATOR(name) COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_##name

START_TEST(a_percentage_of_the_order_is_shared_by_value)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    given_line(2, 0, 1, 2000);
    off_percent(given_promotion("ten"), 10, ORDER);
    evaluated();

    ck_assert_int_eq(off("a"), 100);
    ck_assert_int_eq(off("b"), 200);
}
END_TEST

START_TEST(odd_cents_go_to_the_largest_remainders)
{
    given_campaign();
    for (int i = 1; i <= 3; i++)
        given_line(i, 0, 1, 1000);
    off_amount(given_promotion("one-euro"), 100, ORDER);
    evaluated();

    ck_assert_int_eq(off("a") + off("b") + off("c"), 100);
    ck_assert_int_eq(off("a"), 34);
    ck_assert_int_eq(off("b"), 33);
}
END_TEST

START_TEST(an_amount_never_takes_more_than_there_is)
{
    given_campaign();
    given_line(1, 0, 1, 300);
    off_amount(given_promotion("five-euro"), 500, ORDER);
    off_amount(given_promotion("more"), 500, ORDER);
    evaluated();

    ck_assert_int_eq(off("a"), 300);
    ck_assert_str_eq(why_not("more"), "NOTHING_LEFT");
}
END_TEST

START_TEST(of_a_line_an_amount_is_per_unit)
{
    given_campaign();
    given_line(1, 0, 3, 3000);
    given_line(2, 0, 1, 500);
    Marketing__V1__Action *action = off_amount(given_promotion("each"), 200, LINES);
    const char *wanted[] = {uuid_text(arena, numbered(1))};
    action->n_product_ids = 1;
    action->product_ids = wanted;
    evaluated();

    ck_assert_int_eq(off("a"), 600);
    ck_assert_int_eq(off("b"), 0);
}
END_TEST

START_TEST(lines_are_chosen_by_category)
{
    given_campaign();
    given_line(1, 7, 1, 1000);
    given_line(2, 8, 1, 1000);
    Marketing__V1__Action *action = off_percent(given_promotion("sevens"), 50, LINES);
    const char *wanted[] = {uuid_text(arena, numbered(7))};
    action->n_category_ids = 1;
    action->category_ids = wanted;
    evaluated();

    ck_assert_int_eq(off("a"), 500);
    ck_assert_int_eq(off("b"), 0);
}
END_TEST

START_TEST(promotions_compound_in_their_order)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    off_percent(given_promotion("half"), 50, ORDER);
    off_percent(given_promotion("tenth"), 10, ORDER);
    evaluated();

    ck_assert_int_eq(off_by("half", "a"), 500);
    ck_assert_int_eq(off_by("tenth", "a"), 50); // of what the first one left
}
END_TEST

START_TEST(an_exclusive_one_that_applied_ends_the_list)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    Marketing__V1__Promotion *only = given_promotion("only");
    off_percent(only, 20, ORDER);
    only->is_exclusive = true;
    off_percent(given_promotion("late"), 10, ORDER);
    evaluated();

    ck_assert_int_eq(off("a"), 200);
    ck_assert_str_eq(why_not("late"), "EXCLUDED_BY_EXCLUSIVE");
}
END_TEST

START_TEST(an_exclusive_one_that_did_not_apply_excludes_nothing)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    Marketing__V1__Promotion *only = given_promotion("only");
    off_percent(only, 20, ORDER);
    only->is_exclusive = true;
    under_condition(only, "cart.subtotal", OPERATOR(GE), "5000");
    off_percent(given_promotion("late"), 10, ORDER);
    evaluated();

    ck_assert_int_eq(off("a"), 100);
    ck_assert_str_eq(why_not("only"), "CONDITION_NOT_MET");
}
END_TEST

START_TEST(free_shipping_takes_shipping_and_nothing_else)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    given_shipping(490);
    free_shipping(given_promotion("free"));
    free_shipping(given_promotion("again"));
    evaluated();

    ck_assert_int_eq(off(""), 490);
    ck_assert_int_eq(off("a"), 0);
    ck_assert_str_eq(why_not("again"), "NOTHING_LEFT");
}
END_TEST

START_TEST(an_amount_in_another_currency_does_not_apply)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    off_amount(given_promotion("dollars"), 100, ORDER)->amounts[0]->currency_code = "USD";
    evaluated();

    ck_assert_str_eq(why_not("dollars"), "NO_AMOUNT_FOR_CURRENCY");
}
END_TEST

START_TEST(no_line_that_matches_is_told)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    Marketing__V1__Action *action = off_percent(given_promotion("others"), 10, LINES);
    const char *wanted[] = {uuid_text(arena, numbered(99))};
    action->n_variant_ids = 1;
    action->variant_ids = wanted;
    evaluated();

    ck_assert_str_eq(why_not("others"), "NO_MATCHING_LINE");
}
END_TEST

START_TEST(a_promotion_that_needs_a_coupon_waits_for_it)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    Marketing__V1__Promotion *secret = given_promotion("secret");
    off_percent(secret, 10, ORDER);
    secret->requires_coupon = true;
    given_coupon("SUN", secret);
    evaluated();
    ck_assert_str_eq(why_not("secret"), "COUPON_REQUIRED");

    present("sun");
    const Marketing__V1__EvaluateResponse *with = evaluated();
    ck_assert_int_eq(off("a"), 100);
    ck_assert_str_eq(with->adjustments[0]->coupon_code, "sun");
}
END_TEST

static const struct {
    const char *fact, *value;
    Common__V1__ConditionOperator operator_;
    bool holds;
} CONDITIONS[] = {
    {"cart.subtotal", "3000", OPERATOR(GE), true},
    {"cart.subtotal", "3001", OPERATOR(GE), false},
    {"cart.quantity", "3", OPERATOR(EQ), true},
    {"cart.quantity", "3", OPERATOR(LT), false},
    {"cart.currency", "EUR", OPERATOR(EQ), true},
    {"context.country", "FR", OPERATOR(EQ), false},
    {"context.country", "DE", OPERATOR(IN), true},
    {"customer.group", "club", OPERATOR(EQ), false},
    {"context.time", "1970-01-01T00:00:02Z", OPERATOR(LT), true},
    {"cart.coupons", "SUN", OPERATOR(HAS_ANY), false},
};

START_TEST(conditions_are_about_the_cart)
{
    given_campaign();
    given_line(1, 0, 1, 1000);
    given_line(2, 0, 2, 2000);
    Marketing__V1__Promotion *promotion = given_promotion("if");
    off_percent(promotion, 10, ORDER);
    under_condition(promotion, CONDITIONS[_i].fact, CONDITIONS[_i].operator_, CONDITIONS[_i].value);
    evaluated();

    ck_assert_msg((off("a") > 0) == CONDITIONS[_i].holds, "%s %s", CONDITIONS[_i].fact,
                  CONDITIONS[_i].value);
}
END_TEST

static uint64_t random_state = 3;

static int64_t random_below(int64_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((random_state >> 33) % (uint64_t)bound);
}

START_TEST(shares_add_up_and_no_line_falls_below_zero_on_random_carts)
{
    for (int round = 0; round < 300; round++) {
        int64_t base[10];
        int lines = 1 + (int)random_below(10);
        given_campaign();
        for (int i = 0; i < lines; i++)
            given_line(i, 0, 1, base[i] = random_below(5000));
        off_percent(given_promotion("p"), 1 + random_below(100), ORDER);
        off_amount(given_promotion("a"), 1 + random_below(5000), ORDER);
        const Marketing__V1__EvaluateResponse *result = evaluated();
        int64_t total = 0, adjusted = 0;
        for (int i = 0; i < lines; i++) {
            char id[] = {(char)('a' + i), 0};
            ck_assert(off(id) >= 0 && off(id) <= base[i]);
            total += off(id);
        }
        for (size_t i = 0; i < result->n_adjustments; i++) {
            ck_assert_int_gt(result->adjustments[i]->amount_minor, 0);
            adjusted += result->adjustments[i]->amount_minor;
        }
        ck_assert_int_eq(total, adjusted);
    }
}
END_TEST

TCase *evaluator_case(void)
{
    TCase *tcase = tcase_create("evaluator");

    tcase_add_test(tcase, a_percentage_of_the_order_is_shared_by_value);
    tcase_add_test(tcase, odd_cents_go_to_the_largest_remainders);
    tcase_add_test(tcase, an_amount_never_takes_more_than_there_is);
    tcase_add_test(tcase, of_a_line_an_amount_is_per_unit);
    tcase_add_test(tcase, lines_are_chosen_by_category);
    tcase_add_test(tcase, promotions_compound_in_their_order);
    tcase_add_test(tcase, an_exclusive_one_that_applied_ends_the_list);
    tcase_add_test(tcase, an_exclusive_one_that_did_not_apply_excludes_nothing);
    tcase_add_test(tcase, free_shipping_takes_shipping_and_nothing_else);
    tcase_add_test(tcase, an_amount_in_another_currency_does_not_apply);
    tcase_add_test(tcase, no_line_that_matches_is_told);
    tcase_add_test(tcase, a_promotion_that_needs_a_coupon_waits_for_it);
    tcase_add_loop_test(tcase, conditions_are_about_the_cart, 0, ARRAY_LEN(CONDITIONS));
    tcase_add_test(tcase, shares_add_up_and_no_line_falls_below_zero_on_random_carts);
    return tcase;
}
