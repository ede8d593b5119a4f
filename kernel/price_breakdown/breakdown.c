/* breakdown.c - the arithmetic of a price breakdown. */
#include "price_breakdown/breakdown.h"

#include "common/str.h"
#include "price_breakdown/tax.h"

/* Of one line or of shipping: so many of them may be in a cart that their sums fit. */
static const int64_t AMOUNT_MAX = INT64_MAX / 1024;

static struct decimal value_of(const Common__V1__Decimal *decimal)
{
    return decimal ? (struct decimal){decimal->unscaled, decimal->scale} : (struct decimal){0, 0};
}

enum rounding breakdown_rounding(Pricing__V1__RoundingMode mode)
{
    switch (mode) {
    case PRICING__V1__ROUNDING_MODE__ROUNDING_MODE_HALF_UP:
        return ROUND_HALF_UP;
    case PRICING__V1__ROUNDING_MODE__ROUNDING_MODE_HALF_DOWN:
        return ROUND_HALF_DOWN;
    default:
        return ROUND_HALF_EVEN;
    }
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

/* Of a line and of shipping alike. */
struct amount {
    int64_t base, discount, quantity;
    bool is_by_unit;
    struct tax_terms terms;
};

static struct tax_terms terms_of(const Pricing__V1__PriceBreakdown *breakdown,
                                 Pricing__V1__TaxInclusion inclusion,
                                 const Common__V1__Decimal *home,
                                 const Common__V1__Decimal *percentage)
{
    return (struct tax_terms){
        .is_gross = inclusion == PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS,
        .is_home = home == NULL,
        .home_percentage = value_of(home),
        .percentage = value_of(percentage),
        .rounding = breakdown_rounding(breakdown->rounding_mode),
    };
}

static const char *tax(const struct amount *amount, struct taxed *ret_taxed)
{
    if (amount->discount > amount->base)
        return "DISCOUNT_TOO_LARGE";
    int64_t charged = amount->base - amount->discount;
    bool fits = amount->is_by_unit ? tax_units(&amount->terms, charged, amount->quantity, ret_taxed)
                                   : tax_split(&amount->terms, charged, ret_taxed);
    if (!fits || amount->base > AMOUNT_MAX || ret_taxed->gross_minor > AMOUNT_MAX)
        return "AMOUNT_TOO_LARGE";
    return NULL;
}

const char *breakdown_tax_line(const Pricing__V1__PriceBreakdown *breakdown,
                               Pricing__V1__PricedLine *line)
{
    const struct amount amount = {
        .base = line->base_minor,
        .discount = line->discount_minor,
        .quantity = line->quantity,
        .is_by_unit = breakdown->rounding_level == PRICING__V1__ROUNDING_LEVEL__ROUNDING_LEVEL_UNIT,
        .terms = terms_of(breakdown, line->tax_inclusion, line->home_tax_percentage,
                          line->tax_percentage),
    };
    struct taxed taxed = {0};
    const char *problem = tax(&amount, &taxed);
    line->net_minor = taxed.net_minor;
    line->tax_minor = taxed.tax_minor;
    line->gross_minor = taxed.gross_minor;
    return problem;
}

const char *breakdown_tax_shipping(const Pricing__V1__PriceBreakdown *breakdown,
                                   Pricing__V1__PricedShipping *shipping)
{
    const struct amount amount = {
        .base = shipping->base_minor,
        .discount = shipping->discount_minor,
        .terms = terms_of(breakdown, shipping->tax_inclusion, shipping->home_tax_percentage,
                          shipping->tax_percentage),
    };
    struct taxed taxed = {0};
    const char *problem = tax(&amount, &taxed);
    shipping->net_minor = taxed.net_minor;
    shipping->tax_minor = taxed.tax_minor;
    shipping->gross_minor = taxed.gross_minor;
    return problem;
}

void breakdown_reserve(struct arena *arena, Pricing__V1__PriceBreakdown *breakdown,
                       size_t line_count)
{
    breakdown->lines = arena_array(arena, Pricing__V1__PricedLine *, line_count);
    breakdown->problems = arena_array(arena, Pricing__V1__PriceProblem *, line_count + 1);
}

Pricing__V1__PriceBreakdown *
breakdown_like(struct arena *arena, const Pricing__V1__PriceBreakdown *other, size_t line_count)
{
    Pricing__V1__PriceBreakdown *out = arena_new(arena, Pricing__V1__PriceBreakdown);
    pricing__v1__price_breakdown__init(out);
    out->currency_code = other->currency_code;
    out->currency_exponent = other->currency_exponent;
    out->rounding_mode = other->rounding_mode;
    out->rounding_level = other->rounding_level;
    out->tax_inclusion = other->tax_inclusion;
    out->at = other->at;
    out->valid_until = other->valid_until;
    breakdown_reserve(arena, out, line_count);
    return out;
}

void breakdown_add_problem(struct arena *arena, Pricing__V1__PriceBreakdown *breakdown,
                           const char *line_id, const char *reason)
{
    Pricing__V1__PriceProblem *problem = arena_new(arena, Pricing__V1__PriceProblem);
    pricing__v1__price_problem__init(problem);
    problem->line_id = line_id;
    problem->reason = reason;
    breakdown->problems[breakdown->n_problems++] = problem;
}

/* Adds to the portion of that name and rate; the portions stand in the order of first use. */
static void add_portion(struct arena *arena, Pricing__V1__PriceBreakdown *out, const char *name,
                        Common__V1__Decimal *percentage, struct taxed taxed)
{
    Pricing__V1__TaxPortion *portion = NULL;
    for (size_t i = 0; i < out->n_tax_portions && !portion; i++)
        if (str_equal(out->tax_portions[i]->name, name) &&
            decimal_compare(value_of(out->tax_portions[i]->percentage), value_of(percentage)) == 0)
            portion = out->tax_portions[i];
    if (!portion) {
        portion = arena_new(arena, Pricing__V1__TaxPortion);
        pricing__v1__tax_portion__init(portion);
        portion->name = name;
        portion->percentage = percentage;
        out->tax_portions[out->n_tax_portions++] = portion;
    }
    portion->net_minor += taxed.net_minor;
    portion->tax_minor += taxed.tax_minor;
}

void breakdown_sum_up(struct arena *arena, Pricing__V1__PriceBreakdown *out)
{
    out->tax_portions = arena_array(arena, Pricing__V1__TaxPortion *, out->n_lines + 1);
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

static void discount_lines(struct arena *arena, const Pricing__V1__PriceBreakdown *from,
                           const int64_t *discounts, Pricing__V1__PriceBreakdown *out)
{
    for (size_t i = 0; i < from->n_lines; i++) {
        Pricing__V1__PricedLine *line = arena_memdup(arena, from->lines[i], sizeof *line);
        line->discount_minor = discounts[i];
        const char *problem = breakdown_tax_line(out, line);
        if (problem)
            breakdown_add_problem(arena, out, line->line_id, problem);
        else
            out->lines[out->n_lines++] = line;
    }
}

static void discount_shipping(struct arena *arena, const Pricing__V1__PriceBreakdown *from,
                              int64_t discount, Pricing__V1__PriceBreakdown *out)
{
    if (!from->shipping)
        return;
    Pricing__V1__PricedShipping *shipping = arena_memdup(arena, from->shipping, sizeof *shipping);
    shipping->discount_minor = discount;
    const char *problem = breakdown_tax_shipping(out, shipping);
    if (problem)
        breakdown_add_problem(arena, out, "", problem);
    else
        out->shipping = shipping;
}

Pricing__V1__PriceBreakdown *breakdown_discounted(struct arena *arena,
                                                  const Pricing__V1__PriceBreakdown *breakdown,
                                                  const int64_t *line_discounts,
                                                  int64_t shipping_discount)
{
    Pricing__V1__PriceBreakdown *out =
        breakdown_like(arena, breakdown, breakdown->n_lines + breakdown->n_problems);
    for (; out->n_problems < breakdown->n_problems; out->n_problems++)
        out->problems[out->n_problems] = breakdown->problems[out->n_problems];
    discount_lines(arena, breakdown, line_discounts, out);
    discount_shipping(arena, breakdown, shipping_discount, out);
    breakdown_sum_up(arena, out);
    return out;
}
