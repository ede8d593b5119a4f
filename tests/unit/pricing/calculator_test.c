/* calculator_test.c - breakdowns: sums that add up on random carts, whatever the order of lines. */
#include "suites.h"

#include "common/str.h"
#include "price_breakdown/breakdown.h"

#include <string.h>

static void given_shop(void)
{
    given_book();
    given_list(1, "", "", -1, 0);
    given_rate("standard", "DE", "19");
    given_rate("standard", "AT", "20");
    for (int variant = 1; variant <= 9; variant++)
        given_price(1, variant, 1, arena_printf(arena, "%d.%02d", variant * 7, variant * 11 % 100));
}

START_TEST(three_of_1_08_show_the_difference_between_unit_and_line)
{
    given_book();
    given_list(1, "", "", -1, 0)->is_gross = false;
    given_price(1, 1, 1, "1.08");
    given_rate("standard", "DE", "19");
    struct calculation input = context_of("DE");
    with_line(&input, 1, 3, 0);

    ck_assert_int_eq(calculate(arena, &book, &input)->gross_minor, 386); // 3.24 + 0.62
    input.rounding_level = PRICING__V1__ROUNDING_LEVEL__ROUNDING_LEVEL_UNIT;
    ck_assert_int_eq(calculate(arena, &book, &input)->gross_minor, 387); // 3 * (1.08 + 0.21)
}
END_TEST

START_TEST(a_unit_price_may_be_finer_than_the_currency)
{
    given_book();
    given_list(1, "", "", -1, 0);
    given_price(1, 1, 1, "0.0125");
    given_rate("standard", "DE", "19");
    struct calculation input = context_of("");
    with_line(&input, 1, 1000, 0);

    ck_assert_int_eq(calculate(arena, &book, &input)->lines[0]->base_minor, 1250);
}
END_TEST

START_TEST(what_cannot_be_priced_is_a_problem_and_not_in_the_sum)
{
    given_shop();
    struct calculation input = context_of("DE");
    with_line(&input, 1, 1, 0);
    with_line(&input, 77, 1, 0);
    with_line(&input, 2, 1, 999999);

    const Pricing__V1__PriceBreakdown *out = calculate(arena, &book, &input);

    ck_assert_int_eq((int)out->n_lines, 1);
    ck_assert_int_eq((int)out->n_problems, 2);
    ck_assert_str_eq(out->problems[0]->line_id, "b");
    ck_assert_str_eq(out->problems[0]->reason, "NO_PRICE");
    ck_assert_str_eq(out->problems[1]->reason, "DISCOUNT_TOO_LARGE");
    ck_assert_int_eq(out->gross_minor, out->lines[0]->gross_minor);
}
END_TEST

START_TEST(amounts_whose_sum_may_not_fit_are_no_amounts)
{
    given_book();
    given_list(1, "", "", -1, 0);
    given_rate("standard", "DE", "19");
    given_price(1, 1, 1, "90000000000.00");
    struct calculation input = context_of("");
    with_line(&input, 1, 1000000, 0); // 9 * 10^18: fits alone, and not twice
    with_line(&input, 1, 1000000, 0);

    const Pricing__V1__PriceBreakdown *out = calculate(arena, &book, &input);

    ck_assert_int_eq((int)out->n_lines, 0);
    ck_assert_str_eq(out->problems[0]->reason, "AMOUNT_TOO_LARGE");
}
END_TEST

START_TEST(a_country_without_a_rate_is_told)
{
    given_shop();
    struct calculation input = context_of("FR");
    with_line(&input, 1, 1, 0);

    ck_assert_str_eq(calculate(arena, &book, &input)->problems[0]->reason, "NO_TAX_RATE");
}
END_TEST

/* Gross, at home or abroad; before discount. */
static Pricing__V1__ShippingLine *given_shipping(int64_t minor_units)
{
    Common__V1__Money *price = arena_new(arena, Common__V1__Money);
    Pricing__V1__ShippingLine *shipping = arena_new(arena, Pricing__V1__ShippingLine);
    common__v1__money__init(price);
    price->minor_units = minor_units;
    price->currency_code = "EUR";
    pricing__v1__shipping_line__init(shipping);
    shipping->price = price;
    shipping->tax_category_code = "standard";
    shipping->tax_inclusion = PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS;
    shipping->home_country_code = "DE";
    return shipping;
}

START_TEST(shipping_is_taxed_like_a_line)
{
    given_shop();
    struct calculation input = context_of("DE");
    Pricing__V1__ShippingLine *shipping = given_shipping(595);
    shipping->discount_minor = 100;
    input.shipping = shipping;

    const Pricing__V1__PriceBreakdown *out = calculate(arena, &book, &input);

    ck_assert_int_eq(out->shipping_minor, 595);
    ck_assert_int_eq(out->gross_minor, 495);
    ck_assert_int_eq(out->net_minor, 416);
    ck_assert_int_eq(out->tax_minor, 79);
}
END_TEST

static uint64_t random_state = 7;

static int64_t random_below(int64_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((random_state >> 33) % (uint64_t)bound);
}

static struct calculation random_cart(int lines)
{
    struct calculation input = context_of(random_below(2) ? "DE" : "AT");
    input.rounding_level = (Pricing__V1__RoundingLevel)random_below(3);
    for (int i = 0; i < lines; i++)
        with_line(&input, 1 + (int)random_below(9), 1 + random_below(20), random_below(300));
    return input;
}

static void then_sums_agree(const Pricing__V1__PriceBreakdown *out)
{
    int64_t net = 0, tax = 0, portions_net = 0, portions_tax = 0;
    for (size_t i = 0; i < out->n_lines; i++) {
        const Pricing__V1__PricedLine *line = out->lines[i];
        ck_assert_int_eq(line->net_minor + line->tax_minor, line->gross_minor);
        net += line->net_minor;
        tax += line->tax_minor;
    }
    for (size_t i = 0; i < out->n_tax_portions; i++) {
        portions_net += out->tax_portions[i]->net_minor;
        portions_tax += out->tax_portions[i]->tax_minor;
    }
    ck_assert_int_eq(net, out->net_minor);
    ck_assert_int_eq(tax, out->tax_minor);
    ck_assert_int_eq(portions_net, out->net_minor);
    ck_assert_int_eq(portions_tax, out->tax_minor);
    ck_assert_int_eq(out->net_minor + out->tax_minor, out->gross_minor);
}

START_TEST(net_plus_tax_is_gross_and_portions_add_up_on_random_carts)
{
    given_shop();
    for (int round = 0; round < 500; round++) {
        struct calculation input = random_cart(1 + (int)random_below(12));
        then_sums_agree(calculate(arena, &book, &input));
    }
}
END_TEST

START_TEST(the_order_of_the_lines_does_not_matter)
{
    given_shop();
    for (int round = 0; round < 300; round++) {
        struct calculation input = random_cart(2 + (int)random_below(8));
        int64_t before = calculate(arena, &book, &input)->gross_minor;
        const Pricing__V1__PriceLine **lines =
            (const Pricing__V1__PriceLine **)(uintptr_t)input.lines;
        for (size_t i = input.line_count - 1; i > 0; i--) {
            size_t k = (size_t)random_below((int64_t)i + 1);
            const Pricing__V1__PriceLine *swap = lines[i];
            lines[i] = lines[k];
            lines[k] = swap;
        }
        ck_assert_int_eq(calculate(arena, &book, &input)->gross_minor, before);
    }
}
END_TEST

START_TEST(equal_input_gives_equal_bytes)
{
    given_shop();
    struct calculation input = random_cart(9);
    uint8_t first[8192], second[8192];
    size_t length = pricing__v1__price_breakdown__pack(calculate(arena, &book, &input), first);

    ck_assert(length < sizeof first);
    ck_assert_int_eq(
        (int)pricing__v1__price_breakdown__pack(calculate(arena, &book, &input), second),
        (int)length);
    ck_assert(memcmp(first, second, length) == 0);
}
END_TEST

static size_t packed(const Pricing__V1__PriceBreakdown *breakdown, uint8_t bytes[8192])
{
    ck_assert(pricing__v1__price_breakdown__get_packed_size(breakdown) < 8192);
    return pricing__v1__price_breakdown__pack(breakdown, bytes);
}

/* What a cart does with the answer that it has: the promotions are told afterwards. */
START_TEST(discounts_taken_off_later_are_discounts_calculated)
{
    given_shop();
    for (int round = 0; round < 300; round++) {
        struct calculation input = random_cart(1 + (int)random_below(9));
        Pricing__V1__ShippingLine *shipping = given_shipping(595);
        const int64_t off_shipping = random_below(595);
        shipping->discount_minor = off_shipping;
        input.shipping = shipping;
        const Pricing__V1__PriceBreakdown *wanted = calculate(arena, &book, &input);
        if (wanted->n_problems > 0)
            continue; // a discount that is too large: the next test's
        int64_t discounts[9];
        for (size_t i = 0; i < input.line_count; i++) {
            discounts[i] = input.lines[i]->discount_minor;
            ((Pricing__V1__PriceLine *)(uintptr_t)input.lines[i])->discount_minor = 0;
        }
        shipping->discount_minor = 0;
        const Pricing__V1__PriceBreakdown *full = calculate(arena, &book, &input);
        uint8_t first[8192], second[8192];
        size_t length = packed(wanted, first);

        ck_assert_int_eq(
            (int)packed(breakdown_discounted(arena, full, discounts, off_shipping), second),
            (int)length);
        ck_assert(memcmp(first, second, length) == 0);
    }
}
END_TEST

START_TEST(a_line_that_is_worth_less_than_its_discount_is_a_problem)
{
    given_shop();
    struct calculation input = context_of("AT"); // a gross list of DE, taxed abroad
    with_line(&input, 1, 1, 0);
    with_line(&input, 2, 1, 0);

    const Pricing__V1__PriceBreakdown *out = breakdown_discounted(
        arena, calculate(arena, &book, &input), (const int64_t[]){999999, 14}, 0);

    ck_assert_int_eq((int)out->n_lines, 1);
    ck_assert_str_eq(out->lines[0]->line_id, "b");
    ck_assert_int_eq(out->discount_minor, 14);
    ck_assert_str_eq(out->problems[0]->line_id, "a");
    ck_assert_str_eq(out->problems[0]->reason, "DISCOUNT_TOO_LARGE");
}
END_TEST

START_TEST(one_piece_is_what_a_list_shows)
{
    given_shop();
    struct calculation input = context_of("DE");
    const char *variant = uuid_text(arena, numbered(1));

    const Pricing__V1__UnitPrice *unit = calculate_unit(arena, &book, &input, variant, "standard");
    ck_assert_int_eq(unit->gross->minor_units, 711);
    ck_assert_int_eq(unit->net->minor_units, 597);
    ck_assert_str_eq(unit->gross->currency_code, "EUR");

    unit = calculate_unit(arena, &book, &input, uuid_text(arena, numbered(88)), "standard");
    ck_assert_ptr_null(unit->gross);
}
END_TEST

TCase *calculator_case(void)
{
    TCase *tcase = tcase_create("calculator");

    tcase_add_test(tcase, three_of_1_08_show_the_difference_between_unit_and_line);
    tcase_add_test(tcase, a_unit_price_may_be_finer_than_the_currency);
    tcase_add_test(tcase, what_cannot_be_priced_is_a_problem_and_not_in_the_sum);
    tcase_add_test(tcase, amounts_whose_sum_may_not_fit_are_no_amounts);
    tcase_add_test(tcase, a_country_without_a_rate_is_told);
    tcase_add_test(tcase, shipping_is_taxed_like_a_line);
    tcase_add_test(tcase, net_plus_tax_is_gross_and_portions_add_up_on_random_carts);
    tcase_add_test(tcase, the_order_of_the_lines_does_not_matter);
    tcase_add_test(tcase, equal_input_gives_equal_bytes);
    tcase_add_test(tcase, discounts_taken_off_later_are_discounts_calculated);
    tcase_add_test(tcase, a_line_that_is_worth_less_than_its_discount_is_a_problem);
    tcase_add_test(tcase, one_piece_is_what_a_list_shows);
    return tcase;
}
