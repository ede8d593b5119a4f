/* calculator.c - context and lines to a price breakdown. */
#include "calculator.h"

#include "chassis/wire.h"
#include "common/str.h"
#include "tax.h"

#include <stdlib.h>

static const struct decimal UNTAXED = {0, 0};

/* Of one line or of shipping: so many of them may be in a cart that their sums fit. */
static const int64_t AMOUNT_MAX = INT64_MAX / 1024;

/* What one line or shipping owes to whom. */
struct charge {
    struct tax_terms terms;
    const char *tax_name;
    const char *problem; /* a reason of PriceProblem, or NULL */
};

static const char *destination(const struct calculation *input, bool is_gross, const char *home)
{
    const char *country = input->context.country_code;
    return str_is_empty(country) && is_gross ? home : country;
}

/* A category without a rate is a problem where the country is known; no category is untaxed. */
static struct charge find_charge(const struct price_book *book, const struct calculation *input,
                                 const char *category, bool is_gross, const char *home)
{
    const char *country = destination(input, is_gross, home);
    struct charge charge = {
        .terms = {.is_gross = is_gross, .percentage = UNTAXED, .home_percentage = UNTAXED},
        .tax_name = "",
    };
    charge.terms.rounding = input->rounding;
    charge.terms.is_home = str_equal(country, home);
    if (str_is_empty(category) || str_is_empty(country))
        return charge;

    const struct tax_rate *rate =
        select_rate(book, category, country, input->context.region, book->at_us);
    const struct tax_rate *home_rate = is_gross && !charge.terms.is_home
                                           ? select_rate(book, category, home, "", book->at_us)
                                           : rate;
    if (!rate || !home_rate) {
        charge.problem = "NO_TAX_RATE";
        return charge;
    }
    charge.terms.percentage = rate->percentage;
    charge.terms.home_percentage = home_rate->percentage;
    charge.tax_name = rate->name;
    return charge;
}

static bool base_of(const struct price_book *book, const struct calculation *input,
                    struct decimal unit, int64_t quantity, int64_t *ret_base)
{
    if (!input->rounds_units)
        return decimal_multiply_round(unit, quantity, book->exponent, input->rounding, ret_base);
    int64_t rounded;
    return decimal_multiply_round(unit, 1, book->exponent, input->rounding, &rounded) &&
           !__builtin_mul_overflow(rounded, quantity, ret_base);
}

static bool add_times(struct taxed *sum, const struct taxed *unit, int64_t count)
{
    int64_t net, tax, gross;
    return !__builtin_mul_overflow(unit->net_minor, count, &net) &&
           !__builtin_mul_overflow(unit->tax_minor, count, &tax) &&
           !__builtin_mul_overflow(unit->gross_minor, count, &gross) &&
           !__builtin_add_overflow(sum->net_minor, net, &sum->net_minor) &&
           !__builtin_add_overflow(sum->tax_minor, tax, &sum->tax_minor) &&
           !__builtin_add_overflow(sum->gross_minor, gross, &sum->gross_minor);
}

/* Per unit: what is charged is shared over the units, the odd minor units going to the first of
 * them, and each unit is taxed by itself. */
static bool tax_units(const struct tax_terms *terms, int64_t amount, int64_t quantity,
                      struct taxed *ret_taxed)
{
    struct taxed sum = {0};
    struct taxed unit;
    int64_t odd = amount % quantity;
    if (!tax_split(terms, amount / quantity, &unit) || !add_times(&sum, &unit, quantity - odd))
        return false;
    if (odd > 0 &&
        (!tax_split(terms, amount / quantity + 1, &unit) || !add_times(&sum, &unit, odd)))
        return false;
    *ret_taxed = sum;
    return true;
}

static const char *price_line(struct arena *arena, const struct price_book *book,
                              const struct calculation *input, const Pricing__V1__PriceLine *line,
                              struct candidate candidate, Pricing__V1__PricedLine *priced)
{
    const struct price_list *list = candidate.list;
    struct charge charge =
        find_charge(book, input, line->tax_category_code, list->is_gross, list->home_country_code);
    struct taxed taxed;
    int64_t base;

    if (charge.problem)
        return charge.problem;
    if (!base_of(book, input, candidate.price->unit, line->quantity, &base))
        return "AMOUNT_TOO_LARGE";
    if (line->discount_minor > base)
        return "DISCOUNT_TOO_LARGE";
    int64_t charged = base - line->discount_minor;
    if (!(input->rounds_units ? tax_units(&charge.terms, charged, line->quantity, &taxed)
                              : tax_split(&charge.terms, charged, &taxed)) ||
        base > AMOUNT_MAX || taxed.gross_minor > AMOUNT_MAX)
        return "AMOUNT_TOO_LARGE";

    pricing__v1__priced_line__init(priced);
    priced->line_id = line->line_id;
    priced->variant_id = line->variant_id;
    priced->quantity = line->quantity;
    priced->price_id = uuid_text(arena, candidate.price->id);
    priced->price_list_id = uuid_text(arena, list->id);
    priced->unit_price = wire_decimal(arena, candidate.price->unit);
    if (candidate.price->has_compare_at)
        priced->compare_at_price = wire_decimal(arena, candidate.price->compare_at);
    priced->base_minor = base;
    priced->discount_minor = line->discount_minor;
    priced->net_minor = taxed.net_minor;
    priced->tax_minor = taxed.tax_minor;
    priced->gross_minor = taxed.gross_minor;
    priced->tax_percentage = wire_decimal(arena, charge.terms.percentage);
    priced->tax_name = charge.tax_name;
    priced->tax_category_code = line->tax_category_code;
    return NULL;
}

static void add_problem(struct arena *arena, Pricing__V1__PriceBreakdown *out, const char *line_id,
                        const char *reason)
{
    Pricing__V1__PriceProblem *problem = arena_new(arena, Pricing__V1__PriceProblem);
    pricing__v1__price_problem__init(problem);
    problem->line_id = line_id;
    problem->reason = reason;
    out->problems[out->n_problems++] = problem;
}

static const char *price_shipping(struct arena *arena, const struct price_book *book,
                                  const struct calculation *input, Pricing__V1__PriceBreakdown *out)
{
    const Pricing__V1__ShippingLine *line = input->shipping;
    bool is_gross = line->tax_inclusion == PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS;
    struct charge charge =
        find_charge(book, input, line->tax_category_code, is_gross, line->home_country_code);
    int64_t base = line->price->minor_units;
    struct taxed taxed;

    if (charge.problem)
        return charge.problem;
    if (!str_equal(line->price->currency_code, input->context.currency_code))
        return "OTHER_CURRENCY";
    if (line->discount_minor > base)
        return "DISCOUNT_TOO_LARGE";
    if (!tax_split(&charge.terms, base - line->discount_minor, &taxed) || base > AMOUNT_MAX ||
        taxed.gross_minor > AMOUNT_MAX)
        return "AMOUNT_TOO_LARGE";

    Pricing__V1__PricedShipping *priced = arena_new(arena, Pricing__V1__PricedShipping);
    pricing__v1__priced_shipping__init(priced);
    priced->base_minor = base;
    priced->discount_minor = line->discount_minor;
    priced->net_minor = taxed.net_minor;
    priced->tax_minor = taxed.tax_minor;
    priced->gross_minor = taxed.gross_minor;
    priced->tax_percentage = wire_decimal(arena, charge.terms.percentage);
    priced->tax_name = charge.tax_name;
    priced->tax_category_code = line->tax_category_code;
    out->shipping = priced;
    return NULL;
}

/* Adds to the portion of that name and rate; the portions stand in the order of first use. */
static void add_portion(struct arena *arena, Pricing__V1__PriceBreakdown *out, const char *name,
                        const Common__V1__Decimal *percentage, struct taxed taxed)
{
    Pricing__V1__TaxPortion *portion = NULL;
    for (size_t i = 0; i < out->n_tax_portions && !portion; i++)
        if (str_equal(out->tax_portions[i]->name, name) &&
            decimal_compare(wire_decimal_value(out->tax_portions[i]->percentage),
                            wire_decimal_value(percentage)) == 0)
            portion = out->tax_portions[i];
    if (!portion) {
        portion = arena_new(arena, Pricing__V1__TaxPortion);
        pricing__v1__tax_portion__init(portion);
        portion->name = name;
        portion->percentage = wire_decimal(arena, wire_decimal_value(percentage));
        out->tax_portions[out->n_tax_portions++] = portion;
    }
    portion->net_minor += taxed.net_minor;
    portion->tax_minor += taxed.tax_minor;
}

static void sum_up(struct arena *arena, Pricing__V1__PriceBreakdown *out)
{
    for (size_t i = 0; i < out->n_lines; i++) {
        const Pricing__V1__PricedLine *line = out->lines[i];
        out->subtotal_minor += line->base_minor;
        out->discount_minor += line->discount_minor;
        out->net_minor += line->net_minor;
        out->tax_minor += line->tax_minor;
        out->gross_minor += line->gross_minor;
        add_portion(arena, out, line->tax_name, line->tax_percentage,
                    (struct taxed){line->net_minor, line->tax_minor, 0});
    }
    const Pricing__V1__PricedShipping *shipping = out->shipping;
    if (!shipping)
        return;
    out->shipping_minor = shipping->base_minor;
    out->discount_minor += shipping->discount_minor;
    out->net_minor += shipping->net_minor;
    out->tax_minor += shipping->tax_minor;
    out->gross_minor += shipping->gross_minor;
    add_portion(arena, out, shipping->tax_name, shipping->tax_percentage,
                (struct taxed){shipping->net_minor, shipping->tax_minor, 0});
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

    Pricing__V1__TaxInclusion inclusion = candidate.list->is_gross
                                              ? PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS
                                              : PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_NET;
    if (out->n_lines > 0 && out->tax_inclusion != inclusion)
        return "MIXED_TAX_INCLUSION";
    Pricing__V1__PricedLine *priced = arena_new(arena, Pricing__V1__PricedLine);
    const char *problem = price_line(arena, book, input, line, candidate, priced);
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
    out->lines = arena_array(arena, Pricing__V1__PricedLine *, input->line_count);
    out->problems = arena_array(arena, Pricing__V1__PriceProblem *, input->line_count + 1);
    out->tax_portions = arena_array(arena, Pricing__V1__TaxPortion *, input->line_count + 1);

    for (size_t i = 0; i < input->line_count; i++) {
        const char *problem = price_one(arena, book, input, input->lines[i], out);
        if (problem)
            add_problem(arena, out, input->lines[i]->line_id, problem);
    }
    const char *problem = input->shipping ? price_shipping(arena, book, input, out) : NULL;
    if (problem)
        add_problem(arena, out, "", problem);
    sum_up(arena, out);
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
                                input->rounding, &minor))
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
