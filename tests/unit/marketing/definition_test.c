/* definition_test.c - what a promotion may not say. */
#include "suites.h"

#include "chassis/wire.h"

#include <string.h>

static struct status compiled(const Marketing__V1__Promotion *promotion)
{
    static struct ctx ctx;
    const struct rule *rule;
    ctx = (struct ctx){.arena = arena};
    return definition_compile(&ctx, arena, promotion, &rule);
}

static void then_refused(const Marketing__V1__Promotion *promotion, const char *field)
{
    struct status status = compiled(promotion);
    ck_assert_int_eq(status.code, STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(status.violations);
    ck_assert_msg(strstr(status.violations->field, field) != NULL, "%s", status.violations->field);
}

START_TEST(a_percentage_lies_above_0_and_at_most_100)
{
    given_campaign();
    Marketing__V1__Promotion *promotion = given_promotion("p");
    Marketing__V1__Action *action = off_percent(promotion, 100, ORDER);
    ck_assert_int_eq(compiled(promotion).code, STATUS_OK);
    action->percentage->unscaled = 101;
    then_refused(promotion, "actions[0].percentage");
    action->percentage->unscaled = 0;
    then_refused(promotion, "actions[0].percentage");
}
END_TEST

START_TEST(an_amount_names_each_currency_once)
{
    given_campaign();
    Marketing__V1__Promotion *promotion = given_promotion("p");
    Marketing__V1__Action *action = off_amount(promotion, 100, ORDER);
    Common__V1__Money *twice[] = {action->amounts[0], action->amounts[0]};
    action->n_amounts = 2;
    action->amounts = twice;
    then_refused(promotion, "actions[0].amounts");
    action->n_amounts = 0;
    then_refused(promotion, "actions[0].amounts");
}
END_TEST

START_TEST(only_free_shipping_has_no_target)
{
    given_campaign();
    Marketing__V1__Promotion *promotion = given_promotion("p");
    off_percent(promotion, 10, MARKETING__V1__ACTION_TARGET__ACTION_TARGET_UNSPECIFIED);
    then_refused(promotion, "actions[0].target");

    Marketing__V1__Promotion *shipping = given_promotion("s");
    free_shipping(shipping);
    ck_assert_int_eq(compiled(shipping).code, STATUS_OK);
    shipping->actions[0]->target = ORDER;
    then_refused(shipping, "actions[0].target");
}
END_TEST

START_TEST(a_condition_names_a_fact_that_exists)
{
    given_campaign();
    Marketing__V1__Promotion *promotion = given_promotion("p");
    off_percent(promotion, 10, ORDER);
    under_condition(promotion, "cart.weather",
                    COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_EQ, "sunny");
    struct status status = compiled(promotion);
    ck_assert_str_eq(status.reason, "INVALID_RULE");
    ck_assert_str_eq(status.violations->field, "promotion.conditions[0].fact");
}
END_TEST

START_TEST(an_end_comes_after_its_start)
{
    given_campaign();
    Marketing__V1__Promotion *promotion = given_promotion("p");
    off_percent(promotion, 10, ORDER);
    promotion->valid_from = wire_time(arena, 2000000);
    promotion->valid_until = wire_time(arena, 1000000);
    then_refused(promotion, "validUntil");
}
END_TEST

TCase *definition_case(void)
{
    TCase *tcase = tcase_create("definitions");

    tcase_add_test(tcase, a_percentage_lies_above_0_and_at_most_100);
    tcase_add_test(tcase, an_amount_names_each_currency_once);
    tcase_add_test(tcase, only_free_shipping_has_no_target);
    tcase_add_test(tcase, a_condition_names_a_fact_that_exists);
    tcase_add_test(tcase, an_end_comes_after_its_start);
    return tcase;
}
