/* shipping_rule_test.c - for which carts, where and when a shipping option is offered. */
#include "platform.h"

#include "common/clock.h"
#include "common/compiler.h"

#include <check.h>
#include <stdlib.h>

#define OPERATOR(name) COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_##name

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(0);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

/* To a cart of 3 for 5000 EUR cents, 900 grams, to DE, on a Monday. */
static void offer(Platform__V1__ShippingOption *option, const char *now,
                  Platform__V1__ListShippingOptionsResponse *rep)
{
    Platform__V1__ListShippingOptionsRequest request =
        PLATFORM__V1__LIST_SHIPPING_OPTIONS_REQUEST__INIT;
    Platform__V1__CartFacts cart = PLATFORM__V1__CART_FACTS__INIT;
    struct listed_options listed = {.options = &option, .count = 1};

    ck_assert(clock_parse(now, &listed.now_us));
    cart.subtotal_minor = 5000;
    cart.quantity = 3;
    cart.weight_grams = 900;
    request.currency_code = "EUR";
    request.country_code = "DE";
    request.cart = &cart;
    struct status offered = shipping_rule_offer(arena, &request, &listed, rep);
    ck_assert_msg(offered.code == STATUS_OK, "%s", offered.detail);
    ck_assert_uint_eq(rep->n_shipping_options + rep->n_unmet, 1);
}

static bool is_offered(const char *fact, Common__V1__ConditionOperator operator_, const char *value,
                       const char *now)
{
    Platform__V1__ShippingOption option = PLATFORM__V1__SHIPPING_OPTION__INIT;
    Platform__V1__ListShippingOptionsResponse rep =
        PLATFORM__V1__LIST_SHIPPING_OPTIONS_RESPONSE__INIT;
    Common__V1__Condition condition = COMMON__V1__CONDITION__INIT;

    condition.parent = -1;
    condition.operator_ = operator_;
    condition.fact = fact;
    condition.values = &value;
    condition.n_values = 1;
    option.conditions = &(Common__V1__Condition *){&condition};
    option.n_conditions = 1;
    offer(&option, now, &rep);
    return rep.n_shipping_options == 1;
}

static const struct {
    const char *fact;
    Common__V1__ConditionOperator operator_;
    const char *value;
    bool is_offered;
} CONDITIONS[] = {
    {"cart.subtotal", OPERATOR(GE), "5000", true},
    {"cart.subtotal", OPERATOR(GE), "5001", false},
    {"cart.quantity", OPERATOR(LE), "3", true},
    {"cart.quantity", OPERATOR(LE), "2", false},
    {"cart.weight", OPERATOR(LE), "900", true},
    {"cart.weight", OPERATOR(LE), "899", false},
    {"cart.currency", OPERATOR(EQ), "EUR", true},
    {"cart.currency", OPERATOR(EQ), "CHF", false},
    {"context.country", OPERATOR(EQ), "DE", true},
    {"context.country", OPERATOR(NE), "DE", false},
    {"context.time", OPERATOR(GE), "2026-11-23T12:00:00Z", true},
    {"context.time", OPERATOR(GT), "2026-11-23T12:00:00Z", false},
};

START_TEST(an_option_is_for_the_carts_that_meet_its_condition)
{
    ck_assert_msg(is_offered(CONDITIONS[_i].fact, CONDITIONS[_i].operator_, CONDITIONS[_i].value,
                             "2026-11-23T12:00:00Z") == CONDITIONS[_i].is_offered,
                  "%s %s", CONDITIONS[_i].fact, CONDITIONS[_i].value);
}
END_TEST

static const struct {
    const char *now, *weekday;
} DAYS[] = {
    {"1970-01-01T00:00:00Z", "4"}, {"2026-11-23T00:00:00Z", "1"}, {"2026-11-27T23:59:59Z", "5"},
    {"2026-11-28T00:00:00Z", "6"}, {"2026-11-29T23:59:59Z", "7"},
};

START_TEST(the_week_begins_on_monday)
{
    ck_assert_msg(is_offered("context.weekday", OPERATOR(EQ), DAYS[_i].weekday, DAYS[_i].now), "%s",
                  DAYS[_i].now);
}
END_TEST

START_TEST(an_option_without_conditions_is_for_every_cart)
{
    Platform__V1__ShippingOption option = PLATFORM__V1__SHIPPING_OPTION__INIT;
    Platform__V1__ListShippingOptionsResponse rep =
        PLATFORM__V1__LIST_SHIPPING_OPTIONS_RESPONSE__INIT;

    offer(&option, "2026-11-23T12:00:00Z", &rep);

    ck_assert_uint_eq(rep.n_shipping_options, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shipping rules");
    TCase *tcase = tcase_create("shipping rules");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, an_option_is_for_the_carts_that_meet_its_condition, 0,
                        (int)ARRAY_LEN(CONDITIONS));
    tcase_add_loop_test(tcase, the_week_begins_on_monday, 0, (int)ARRAY_LEN(DAYS));
    tcase_add_test(tcase, an_option_without_conditions_is_for_every_cart);
    srunner_run_all(runner, CK_ENV);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
