/* coupon_test.c - when a code can be used, and how codes compare. */
#include "suites.h"

static const struct {
    const char *label;
    struct coupon coupon;
    const char *obstacle; /* NULL: none */
} CASES[] = {
    {"no limits", {.is_active = true}, NULL},
    {"inactive", {.is_active = false}, "COUPON_INACTIVE"},
    {"tomorrow", {.is_active = true, .valid_from_us = NOW + 1}, "COUPON_NOT_YET_VALID"},
    {"from now", {.is_active = true, .valid_from_us = NOW}, NULL},
    {"over", {.is_active = true, .valid_until_us = NOW}, "COUPON_EXPIRED"},
    {"last moment", {.is_active = true, .valid_until_us = NOW + 1}, NULL},
    {"one left", {.is_active = true, .usage_limit = 2, .held_count = 1}, NULL},
    {"held and used up",
     {.is_active = true, .usage_limit = 2, .held_count = 1, .redeemed_count = 1},
     "COUPON_EXHAUSTED"},
    {"once each",
     {.is_active = true, .per_customer_limit = 1, .customer_uses = 1},
     "COUPON_CUSTOMER_LIMIT"},
    {"twice each", {.is_active = true, .per_customer_limit = 2, .customer_uses = 1}, NULL},
};

START_TEST(a_coupon_has_its_obstacle)
{
    const char *obstacle = coupon_obstacle(&CASES[_i].coupon, NOW);

    if (CASES[_i].obstacle)
        ck_assert_str_eq(obstacle, CASES[_i].obstacle);
    else
        ck_assert_msg(!obstacle, "%s: %s", CASES[_i].label, obstacle);
}
END_TEST

START_TEST(codes_compare_without_case_and_surrounding_space)
{
    given_campaign();
    ck_assert_str_eq(coupon_key(arena, "  Sun-10 "), "SUN-10");
    ck_assert_str_eq(coupon_key(arena, "sun-10"), "SUN-10");
    ck_assert_str_eq(coupon_key(arena, "   "), "");
}
END_TEST

TCase *coupon_case(void)
{
    TCase *tcase = tcase_create("coupons");

    tcase_add_loop_test(tcase, a_coupon_has_its_obstacle, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, codes_compare_without_case_and_surrounding_space);
    return tcase;
}
