/* quote_build_test.c - lines in the cart's order, shares that add up, a problem of each kind. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/str.h"
#include "quote.h"

#include <stdlib.h>

enum { LINES = 3 };

static struct arena *arena;
static Cart__V1__Cart cart;
static Cart__V1__CartLine lines[LINES], *line_refs[LINES];
static Catalog__V1__VariantSnapshot variants[LINES];
static Pricing__V1__PriceBreakdown breakdown;
static Pricing__V1__PricedLine priced[LINES], *priced_refs[LINES];
static Pricing__V1__PriceProblem price_problem, *price_problems[] = {&price_problem};
static Marketing__V1__EvaluateResponse evaluation;
static struct quote_parts parts;
static struct cart_view view;

/* Lines "0", "1", "2" of variants "v0", "v1", "v2" at 10.00, all fine; pricing answers backwards.
 */
static void set_up(void)
{
    arena = arena_create(1 << 20);
    cart__v1__cart__init(&cart);
    pricing__v1__price_breakdown__init(&breakdown);
    pricing__v1__price_problem__init(&price_problem);
    marketing__v1__evaluate_response__init(&evaluation);
    view = (struct cart_view){0};
    parts = (struct quote_parts){map_create(arena, LINES), &breakdown, &evaluation, ""};
    cart.currency_code = "EUR";
    for (int i = 0; i < LINES; i++) {
        cart__v1__cart_line__init(&lines[i]);
        catalog__v1__variant_snapshot__init(&variants[i]);
        pricing__v1__priced_line__init(&priced[i]);
        lines[i].line_id = priced[i].line_id = arena_printf(arena, "%d", i);
        lines[i].variant_id = priced[i].variant_id = arena_printf(arena, "v%d", i);
        lines[i].quantity = priced[i].quantity = i + 1;
        variants[i].is_published = true;
        variants[i].sku = arena_printf(arena, "SKU-%d", i);
        priced[i].unit_price = wire_decimal(arena, (struct decimal){1000, 2});
        map_set(parts.variants, lines[i].variant_id, &variants[i]);
        line_refs[i] = &lines[i];
        priced_refs[LINES - 1 - i] = &priced[i];
    }
    cart.n_lines = breakdown.n_lines = LINES;
    cart.lines = line_refs;
    breakdown.lines = priced_refs;
    breakdown.currency_exponent = 2;
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static void build(void)
{
    view.problem_count = 0;
    quote_build(arena, &cart, &parts, &view);
}

/* Pricing answers no more than the first `count` lines, and why. */
static void given_priced(size_t count, const char *reason)
{
    for (size_t i = 0; i < count; i++)
        priced_refs[i] = &priced[i];
    breakdown.n_lines = count;
    price_problem.line_id = lines[count].line_id;
    price_problem.reason = reason;
    breakdown.n_problems = 1;
    breakdown.problems = price_problems;
}

static void then_one_problem(Cart__V1__ProblemKind kind, const char *line_id)
{
    ck_assert_uint_eq(view.problem_count, 1);
    ck_assert_int_eq(view.problems[0]->kind, kind);
    ck_assert_str_eq(view.problems[0]->line_id, line_id);
}

START_TEST(lines_keep_the_carts_order)
{
    build();
    ck_assert_uint_eq(view.quote->n_lines, LINES);
    ck_assert_uint_eq(view.problem_count, 0);
    for (int i = 0; i < LINES; i++) {
        ck_assert_str_eq(view.quote->lines[i]->line_id, lines[i].line_id);
        ck_assert_str_eq(view.quote->lines[i]->sku, variants[i].sku);
        ck_assert_int_eq(view.quote->lines[i]->quantity, i + 1);
        ck_assert_int_eq(lines[i].seen_unit_minor, 1000);
    }
}
END_TEST

static uint64_t random_state = 1;

static int64_t drawn_below(int64_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((random_state >> 33) % (uint64_t)bound);
}

START_TEST(unit_discounts_add_up)
{
    for (int round = 0; round < 2000; round++) {
        lines[0].quantity = priced[0].quantity = 1 + drawn_below(1000);
        priced[0].discount_minor = drawn_below(100000);
        build();
        const Cart__V1__QuoteLine *line = view.quote->lines[0];
        int64_t units = 0, minor = 0, least = INT64_MAX, most = 0;
        for (size_t i = 0; i < line->n_unit_discounts; i++) {
            const Cart__V1__UnitDiscount *share = line->unit_discounts[i];
            ck_assert_int_gt(share->count, 0);
            units += share->count;
            minor += share->count * share->amount_minor;
            least = share->amount_minor < least ? share->amount_minor : least;
            most = share->amount_minor > most ? share->amount_minor : most;
        }
        ck_assert_int_eq(minor, priced[0].discount_minor);
        ck_assert_int_eq(units, minor > 0 ? line->quantity : 0);
        ck_assert(minor == 0 || most - least <= 1);
    }
}
END_TEST

START_TEST(a_line_that_is_not_sold_is_unpublished)
{
    variants[2].is_published = false;
    given_priced(2, "NO_PRICE");
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED, "2");
    ck_assert_uint_eq(view.quote->n_lines, 2);
    map_set(parts.variants, "v2", NULL); // catalog does not know it
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED, "2");
}
END_TEST

START_TEST(a_line_without_price_or_rate_says_which)
{
    given_priced(2, "NO_PRICE");
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_NO_PRICE, "2");
    given_priced(2, "NO_TAX_RATE");
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_NO_TAX_RATE, "2");
}
END_TEST

START_TEST(a_price_that_moved_is_told_and_what_was_seen_is_kept)
{
    lines[1].seen_unit_minor = 900;
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_PRICE_CHANGED, "1");
    ck_assert_int_eq(view.problems[0]->old_minor, 900);
    ck_assert_int_eq(view.problems[0]->new_minor, 1000);
    ck_assert_int_eq(lines[1].seen_unit_minor, 900);
}
END_TEST

START_TEST(a_coupon_that_does_nothing_is_a_problem_and_a_hidden_campaign_is_none)
{
    Marketing__V1__Unapplied waits = MARKETING__V1__UNAPPLIED__INIT;
    Marketing__V1__Unapplied hidden = MARKETING__V1__UNAPPLIED__INIT;
    Marketing__V1__Unapplied *unapplied[] = {&hidden, &waits};
    waits.coupon_code = "SUN";
    waits.reason = "CONDITION_NOT_MET";
    hidden.promotion_code = "vip";
    hidden.reason = "COUPON_REQUIRED";
    evaluation.n_unapplied = ARRAY_LEN(unapplied);
    evaluation.unapplied = unapplied;
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_COUPON, "");
    ck_assert_str_eq(view.problems[0]->detail, "SUN: CONDITION_NOT_MET");
    ck_assert_uint_eq(view.quote->n_unapplied, 1);
}
END_TEST

START_TEST(shipping_without_a_rate_is_a_problem_of_the_cart)
{
    Cart__V1__CartShipping chosen = CART__V1__CART_SHIPPING__INIT;
    cart.shipping = &chosen;
    build();
    then_one_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_NO_TAX_RATE, "");
    ck_assert_ptr_null(view.quote->shipping);
}
END_TEST

START_TEST(an_empty_cart_costs_nothing)
{
    cart.n_lines = 0;
    parts.breakdown = NULL;
    parts.evaluation = NULL;
    build();
    ck_assert_uint_eq(view.problem_count, 0);
    ck_assert_int_eq(view.quote->total_minor, 0);
    ck_assert_str_eq(view.quote->currency_code, "EUR");
}
END_TEST

TCase *quote_build_case(void)
{
    TCase *quote = tcase_create("quote_build");

    tcase_add_checked_fixture(quote, set_up, tear_down);
    tcase_add_test(quote, lines_keep_the_carts_order);
    tcase_add_test(quote, unit_discounts_add_up);
    tcase_add_test(quote, a_line_that_is_not_sold_is_unpublished);
    tcase_add_test(quote, a_line_without_price_or_rate_says_which);
    tcase_add_test(quote, a_price_that_moved_is_told_and_what_was_seen_is_kept);
    tcase_add_test(quote, a_coupon_that_does_nothing_is_a_problem_and_a_hidden_campaign_is_none);
    tcase_add_test(quote, shipping_without_a_rate_is_a_problem_of_the_cart);
    tcase_add_test(quote, an_empty_cart_costs_nothing);
    return quote;
}
