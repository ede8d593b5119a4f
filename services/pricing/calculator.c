/* calculator.c - context and lines to a price breakdown. */
#include "calculator.h"

#include "chassis/wire.h"
#include "common/str.h"
#include "price_breakdown/breakdown.h"

#include <stdlib.h>

/* What one line or shipping owes to whom. */
struct charge {
    Pricing__V1__TaxInclusion inclusion;
    Common__V1__Decimal *percentage;
    Common__V1__Decimal *home_percentage; /* NULL: net, or taxed at home */
    const char *tax_name;
    const char *problem; /* a reason of PriceProblem, or NULL */
};

static const char *destination(const struct calculation *input, bool is_gross, const char *home)
{
    const char *country = input->context.country_code;
    return str_is_empty(country) && is_gross ? home : country;
}

static Pricing__V1__TaxInclusion inclusion_of(bool is_gross)
{
    return is_gross ? PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS
                    : PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_NET;
}

/* A category without a rate is a problem where the country is known; no category is untaxed. */
static struct charge find_charge(struct arena *arena, const struct price_book *book,
                                 const struct calculation *input, const char *category,
                                 const struct price_list *list)
{
    static const struct tax_rate UNTAXED = {.name = ""};
    const char *home = list->home_country_code;
    const char *country = destination(input, list->is_gross, home);
    const bool is_abroad = list->is_gross && !str_equal(country, home);
    const struct tax_rate *rate = &UNTAXED, *home_rate = &UNTAXED;

    if (!str_is_empty(category) && !str_is_empty(country)) {
        rate = select_rate(book, category, country, input->context.region, book->at_us);
        home_rate = is_abroad ? select_rate(book, category, home, "", book->at_us) : rate;
    }
    if (!rate || !home_rate)
        return (struct charge){.problem = "NO_TAX_RATE"};
    return (struct charge){
        .inclusion = inclusion_of(list->is_gross),
        .percentage = wire_decimal(arena, rate->percentage),
        .home_percentage = is_abroad ? wire_decimal(arena, home_rate->percentage) : NULL,
        .tax_name = rate->name,
    };
}

static bool base_of(const struct price_book *book, const struct calculation *input,
                    struct decimal unit, int64_t quantity, int64_t *ret_base)
{
    const enum rounding rounding = breakdown_rounding(input->rounding_mode);
    if (input->rounding_level != PRICING__V1__ROUNDING_LEVEL__ROUNDING_LEVEL_UNIT)
        return decimal_multiply_round(unit, quantity, book->exponent, rounding, ret_base);
    int64_t rounded;
    return decimal_multiply_round(unit, 1, book->exponent, rounding, &rounded) &&
           !__builtin_mul_overflow(rounded, quantity, ret_base);
}

static const char *price_line(struct arena *arena, const struct price_book *book,
                              const struct calculation *input, const Pricing__V1__PriceLine *line,
                              struct candidate candidate, Pricing__V1__PricedLine *priced)
{
    const struct charge charge =
        find_charge(arena, book, input, line->tax_category_code, candidate.list);
    int64_t base;

    if (charge.problem)
        return charge.problem;
    if (!base_of(book, input, candidate.price->unit, line->quantity, &base))
        return "AMOUNT_TOO_LARGE";

    pricing__v1__priced_line__init(priced);
    priced->line_id = line->line_id;
    priced->variant_id = line->variant_id;
    priced->quantity = line->quantity;
    priced->price_id = uuid_text(arena, candidate.price->id);
    priced->price_list_id = uuid_text(arena, candidate.list->id);
    priced->unit_price = wire_decimal(arena, candidate.price->unit);
    if (candidate.price->has_compare_at)
        priced->compare_at_price = wire_decimal(arena, candidate.price->compare_at);
    priced->base_minor = base;
    priced->discount_minor = line->discount_minor;
    priced->tax_inclusion = charge.inclusion;
    priced->tax_percentage = charge.percentage;
    priced->home_tax_percentage = charge.home_percentage;
    priced->tax_name = charge.tax_name;
    priced->tax_category_code = line->tax_category_code;
    return NULL;
}

static const char *price_shipping(struct arena *arena, const struct price_book *book,
                                  const struct calculation *input, Pricing__V1__PriceBreakdown *out)
{
    const Pricing__V1__ShippingLine *line = input->shipping;
    const struct price_list terms = {
        .is_gross = line->tax_inclusion == PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS,
        .home_country_code = line->home_country_code,
    };
    const struct charge charge = find_charge(arena, book, input, line->tax_category_code, &terms);

    if (charge.problem)
        return charge.problem;
    if (!str_equal(line->price->currency_code, input->context.currency_code))
        return "OTHER_CURRENCY";

    Pricing__V1__PricedShipping *priced = arena_new(arena, Pricing__V1__PricedShipping);
    pricing__v1__priced_shipping__init(priced);
    priced->base_minor = line->price->minor_units;
    priced->discount_minor = line->discount_minor;
    priced->tax_inclusion = charge.inclusion;
    priced->tax_percentage = charge.percentage;
    priced->home_tax_percentage = charge.home_percentage;
    priced->tax_name = charge.tax_name;
    priced->tax_category_code = line->tax_category_code;
    const char *problem = breakdown_tax_shipping(out, priced);
    if (!problem)
        out->shipping = priced;
    return problem;
}

/* The first priced line decides whether the breakdown is net or gross. */
static const char *price_one(struct arena *arena, const struct price_book *book,
                             const struct calculation *input, const Pricing__V1__PriceLine *line,
                             Pricing__V1__PriceBreakdown *out)
{
    struct uuid variant_id;
    if (!book->knows_currency || !uuid_parse(line->variant_id, &variant_id))
        return "NO_PRICE";
    struct candidate candidate = select_price(book, &input->context, variant_id, line->quantity);
    if (!candidate.price)
        return "NO_PRICE";

    const Pricing__V1__TaxInclusion inclusion = inclusion_of(candidate.list->is_gross);
    if (out->n_lines > 0 && out->tax_inclusion != inclusion)
        return "MIXED_TAX_INCLUSION";
    Pricing__V1__PricedLine *priced = arena_new(arena, Pricing__V1__PricedLine);
    const char *problem = price_line(arena, book, input, line, candidate, priced);
    if (!problem)
        problem = breakdown_tax_line(out, priced);
    if (problem)
        return problem;
    out->tax_inclusion = inclusion;
    out->lines[out->n_lines++] = priced;
    return NULL;
}

Pricing__V1__PriceBreakdown *calculate(struct arena *arena, const struct price_book *book,
                                       const struct calculation *input)
{
    Pricing__V1__PriceBreakdown *out = arena_new(arena, Pricing__V1__PriceBreakdown);
    pricing__v1__price_breakdown__init(out);
    out->currency_code = input->context.currency_code;
    out->currency_exponent = book->exponent;
    out->at = wire_time(arena, book->at_us);
    out->rounding_mode = input->rounding_mode;
    out->rounding_level = input->rounding_level;
    breakdown_reserve(arena, out, input->line_count);

    for (size_t i = 0; i < input->line_count; i++) {
        const char *problem = price_one(arena, book, input, input->lines[i], out);
        if (problem)
            breakdown_add_problem(arena, out, input->lines[i]->line_id, problem);
    }
    const char *problem = input->shipping ? price_shipping(arena, book, input, out) : NULL;
    if (problem)
        breakdown_add_problem(arena, out, "", problem);
    breakdown_sum_up(arena, out);
    int64_t boundary_us = select_boundary(book, book->at_us);
    out->valid_until = wire_time(arena, boundary_us);
    return out;
}

static Common__V1__Money *compare_at_money(struct arena *arena, const struct price_book *book,
                                           const struct calculation *input,
                                           const Pricing__V1__PricedLine *priced)
{
    int64_t minor;
    if (!priced->compare_at_price ||
        !decimal_multiply_round(wire_decimal_value(priced->compare_at_price), 1, book->exponent,
                                breakdown_rounding(input->rounding_mode), &minor))
        return NULL;
    return wire_money(arena, money_of(minor, input->context.currency_code));
}

Pricing__V1__UnitPrice *calculate_unit(struct arena *arena, const struct price_book *book,
                                       const struct calculation *input, const char *variant_id,
                                       const char *tax_category_code)
{
    Pricing__V1__UnitPrice *unit = arena_new(arena, Pricing__V1__UnitPrice);
    Pricing__V1__PriceLine line = PRICING__V1__PRICE_LINE__INIT;
    struct calculation one = *input;
    const Pricing__V1__PriceLine *lines[] = {&line};
    const char *currency = input->context.currency_code;

    pricing__v1__unit_price__init(unit);
    unit->variant_id = variant_id;
    line.variant_id = variant_id;
    line.tax_category_code = tax_category_code;
    line.quantity = 1;
    one.lines = lines;
    one.line_count = 1;
    one.shipping = NULL;
    const Pricing__V1__PriceBreakdown *breakdown = calculate(arena, book, &one);
    if (breakdown->n_lines == 0)
        return unit;

    const Pricing__V1__PricedLine *priced = breakdown->lines[0];
    unit->price_id = priced->price_id;
    unit->price_list_id = priced->price_list_id;
    unit->unit_price = priced->unit_price;
    unit->compare_at_price = priced->compare_at_price;
    unit->net = wire_money(arena, money_of(priced->net_minor, currency));
    unit->tax = wire_money(arena, money_of(priced->tax_minor, currency));
    unit->gross = wire_money(arena, money_of(priced->gross_minor, currency));
    unit->compare_at = compare_at_money(arena, book, input, priced);
    unit->tax_percentage = priced->tax_percentage;
    unit->tax_inclusion = breakdown->tax_inclusion;
    return unit;
}
