/* quote_build.c - a quote and its problems from what the three services said. Pure. */
#include "quote.h"

#include "chassis/wire.h"
#include "common/str.h"

#include <inttypes.h>

/* tidy: macro: the generated name says its enum twice */
#define PROBLEM(name) CART__V1__PROBLEM_KIND__PROBLEM_KIND_##name

struct builder {
    struct arena *arena;
    Cart__V1__Cart *cart;
    const struct quote_parts *parts;
    struct cart_view *view;
};

static Cart__V1__CartProblem *add_problem(struct builder *builder, Cart__V1__ProblemKind kind,
                                          const char *line_id, const char *detail)
{
    Cart__V1__CartProblem *problem = arena_new(builder->arena, Cart__V1__CartProblem);
    cart__v1__cart_problem__init(problem);
    problem->kind = kind;
    problem->line_id = line_id;
    problem->detail = detail;
    builder->view->problems[builder->view->problem_count++] = problem;
    return problem;
}

static const Pricing__V1__PricedLine *find_priced(const struct builder *builder,
                                                  const char *line_id)
{
    const Pricing__V1__PriceBreakdown *breakdown = builder->parts->breakdown;
    for (size_t i = 0; i < breakdown->n_lines; i++)
        if (str_equal(breakdown->lines[i]->line_id, line_id))
            return breakdown->lines[i];
    return NULL;
}

static const char *price_problem(const struct builder *builder, const char *line_id)
{
    const Pricing__V1__PriceBreakdown *breakdown = builder->parts->breakdown;
    for (size_t i = 0; i < breakdown->n_problems; i++)
        if (str_equal(breakdown->problems[i]->line_id, line_id))
            return breakdown->problems[i]->reason;
    return "NO_PRICE";
}

static void report_unpriced(struct builder *builder, const Cart__V1__CartLine *line)
{
    const Catalog__V1__VariantSnapshot *variant =
        map_get(builder->parts->variants, line->variant_id);
    if (!variant || !variant->is_published) {
        (void)add_problem(builder, PROBLEM(UNPUBLISHED), line->line_id,
                          "a variant that is published in this channel");
        return;
    }
    const char *reason = price_problem(builder, line->line_id);
    bool is_tax = str_equal(reason, "NO_TAX_RATE");
    (void)add_problem(builder, is_tax ? PROBLEM(NO_TAX_RATE) : PROBLEM(NO_PRICE), line->line_id,
                      arena_printf(builder->arena, "a variant with a price in %s (%s)",
                                   builder->cart->currency_code, reason));
}

/* The discount of a line per unit: the first units carry the odd minor units. */
static void share_discount(struct arena *arena, Cart__V1__QuoteLine *line)
{
    int64_t odd = line->discount_minor % line->quantity;
    const int64_t counts[] = {odd, line->quantity - odd};
    const int64_t amounts[] = {line->discount_minor / line->quantity + 1,
                               line->discount_minor / line->quantity};
    if (line->discount_minor == 0)
        return;
    line->unit_discounts = arena_array(arena, Cart__V1__UnitDiscount *, ARRAY_LEN(counts));
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (counts[i] == 0)
            continue;
        Cart__V1__UnitDiscount *share = arena_new(arena, Cart__V1__UnitDiscount);
        cart__v1__unit_discount__init(share);
        share->count = counts[i];
        share->amount_minor = amounts[i];
        line->unit_discounts[line->n_unit_discounts++] = share;
    }
}

static void describe(struct builder *builder, const Cart__V1__CartLine *line,
                     Cart__V1__QuoteLine *quoted)
{
    const Catalog__V1__VariantSnapshot *variant =
        map_get(builder->parts->variants, line->variant_id);
    quoted->product_id = variant->product_id;
    quoted->sku = variant->sku;
    quoted->name = variant->name;
    quoted->image_url = variant->image_url;
    quoted->weight_grams = variant->weight_grams;
    quoted->slug = variant->slug;
    quoted->n_options = variant->n_options;
    quoted->options = arena_array(builder->arena, Cart__V1__QuoteOption *, variant->n_options);
    for (size_t i = 0; i < variant->n_options; i++) {
        quoted->options[i] = arena_new(builder->arena, Cart__V1__QuoteOption);
        cart__v1__quote_option__init(quoted->options[i]);
        quoted->options[i]->name = variant->options[i]->name;
        quoted->options[i]->value = variant->options[i]->value;
    }
    quoted->n_attributes = line->n_attributes;
    quoted->attributes =
        arena_array(builder->arena, Cart__V1__QuoteLine__AttributesEntry *, line->n_attributes);
    for (size_t i = 0; i < line->n_attributes; i++) {
        quoted->attributes[i] = arena_new(builder->arena, Cart__V1__QuoteLine__AttributesEntry);
        cart__v1__quote_line__attributes_entry__init(quoted->attributes[i]);
        quoted->attributes[i]->key = line->attributes[i]->key;
        quoted->attributes[i]->value = line->attributes[i]->value;
    }
}

static void price(const Cart__V1__CartLine *line, const Pricing__V1__PricedLine *priced,
                  Cart__V1__QuoteLine *quoted)
{
    quoted->line_id = line->line_id;
    quoted->parent_line_id = line->parent_line_id;
    quoted->variant_id = line->variant_id;
    quoted->quantity = line->quantity;
    quoted->unit_price = priced->unit_price;
    quoted->compare_at_price = priced->compare_at_price;
    quoted->price_id = priced->price_id;
    quoted->price_list_id = priced->price_list_id;
    quoted->base_minor = priced->base_minor;
    quoted->discount_minor = priced->discount_minor;
    quoted->net_minor = priced->net_minor;
    quoted->tax_minor = priced->tax_minor;
    quoted->gross_minor = priced->gross_minor;
    quoted->tax_percentage = priced->tax_percentage;
    quoted->tax_name = priced->tax_name;
    quoted->tax_category_code = priced->tax_category_code;
}

/* A price that moved since its owner looked is told, until they touch the line. */
static void compare_with_seen(struct builder *builder, Cart__V1__CartLine *line,
                              const Pricing__V1__PricedLine *priced)
{
    int64_t unit_minor = 0;
    (void)decimal_multiply_round(wire_decimal_value(priced->unit_price), 1,
                                 builder->parts->breakdown->currency_exponent, ROUND_HALF_EVEN,
                                 &unit_minor);
    if (line->seen_unit_minor == 0) {
        line->seen_unit_minor = unit_minor;
        return;
    }
    if (line->seen_unit_minor == unit_minor)
        return;
    Cart__V1__CartProblem *problem =
        add_problem(builder, PROBLEM(PRICE_CHANGED), line->line_id,
                    arena_printf(builder->arena, "the unit price was %" PRId64 " and is %" PRId64,
                                 line->seen_unit_minor, unit_minor));
    problem->old_minor = line->seen_unit_minor;
    problem->new_minor = unit_minor;
}

static void build_lines(struct builder *builder, Cart__V1__Quote *quote)
{
    Cart__V1__Cart *cart = builder->cart;
    quote->lines = arena_array(builder->arena, Cart__V1__QuoteLine *, cart->n_lines);
    for (size_t i = 0; i < cart->n_lines; i++) {
        const Pricing__V1__PricedLine *priced = find_priced(builder, cart->lines[i]->line_id);
        if (!priced) {
            report_unpriced(builder, cart->lines[i]);
            continue;
        }
        Cart__V1__QuoteLine *quoted = arena_new(builder->arena, Cart__V1__QuoteLine);
        cart__v1__quote_line__init(quoted);
        price(cart->lines[i], priced, quoted);
        describe(builder, cart->lines[i], quoted);
        share_discount(builder->arena, quoted);
        compare_with_seen(builder, cart->lines[i], priced);
        quote->lines[quote->n_lines++] = quoted;
    }
}

static void build_shipping(struct builder *builder, Cart__V1__Quote *quote)
{
    const Pricing__V1__PricedShipping *priced = builder->parts->breakdown->shipping;
    const Cart__V1__CartShipping *chosen = builder->cart->shipping;
    if (!chosen)
        return;
    if (!priced) {
        const char *reason = price_problem(builder, "");
        (void)add_problem(builder, PROBLEM(NO_TAX_RATE), "",
                          arena_printf(builder->arena, "another shipping option (%s)", reason));
        return;
    }
    Cart__V1__QuoteShipping *shipping = arena_new(builder->arena, Cart__V1__QuoteShipping);
    cart__v1__quote_shipping__init(shipping);
    shipping->shipping_option_id = chosen->shipping_option_id;
    shipping->name = chosen->name;
    shipping->base_minor = priced->base_minor;
    shipping->discount_minor = priced->discount_minor;
    shipping->net_minor = priced->net_minor;
    shipping->tax_minor = priced->tax_minor;
    shipping->gross_minor = priced->gross_minor;
    shipping->tax_percentage = priced->tax_percentage;
    shipping->tax_name = priced->tax_name;
    shipping->tax_category_code = priced->tax_category_code;
    quote->shipping = shipping;
}

static const char *name_in(const Marketing__V1__Adjustment *adjustment, const char *locale)
{
    for (size_t i = 0; i < adjustment->n_names; i++)
        if (str_equal(adjustment->names[i]->key, locale))
            return adjustment->names[i]->value;
    return adjustment->n_names > 0 ? adjustment->names[0]->value : adjustment->promotion_code;
}

static void build_adjustments(struct builder *builder, Cart__V1__Quote *quote)
{
    const Marketing__V1__EvaluateResponse *evaluation = builder->parts->evaluation;
    quote->adjustments =
        arena_array(builder->arena, Cart__V1__QuoteAdjustment *, evaluation->n_adjustments);
    for (size_t i = 0; i < evaluation->n_adjustments; i++) {
        const Marketing__V1__Adjustment *from = evaluation->adjustments[i];
        Cart__V1__QuoteAdjustment *to = arena_new(builder->arena, Cart__V1__QuoteAdjustment);
        cart__v1__quote_adjustment__init(to);
        to->promotion_id = from->promotion_id;
        to->promotion_code = from->promotion_code;
        to->coupon_code = from->coupon_code;
        to->line_id = from->line_id;
        to->amount_minor = from->amount_minor;
        to->name = name_in(from, builder->cart->locale);
        quote->adjustments[quote->n_adjustments++] = to;
    }
}

static void build_unapplied(struct builder *builder, Cart__V1__Quote *quote)
{
    const Marketing__V1__EvaluateResponse *evaluation = builder->parts->evaluation;
    quote->unapplied =
        arena_array(builder->arena, Cart__V1__QuoteUnapplied *, evaluation->n_unapplied);
    for (size_t i = 0; i < evaluation->n_unapplied; i++) {
        const Marketing__V1__Unapplied *from = evaluation->unapplied[i];
        if (str_equal(from->reason, "COUPON_REQUIRED")) // a campaign the buyer was not told of
            continue;
        Cart__V1__QuoteUnapplied *to = arena_new(builder->arena, Cart__V1__QuoteUnapplied);
        cart__v1__quote_unapplied__init(to);
        to->promotion_code = from->promotion_code;
        to->coupon_code = from->coupon_code;
        to->reason = from->reason;
        to->detail = from->detail;
        quote->unapplied[quote->n_unapplied++] = to;
        if (!str_is_empty(from->coupon_code))
            (void)add_problem(
                builder, PROBLEM(COUPON), "",
                arena_printf(builder->arena, "%s: %s", from->coupon_code, from->reason));
    }
}

static void build_taxes(struct builder *builder, Cart__V1__Quote *quote)
{
    const Pricing__V1__PriceBreakdown *breakdown = builder->parts->breakdown;
    quote->taxes = arena_array(builder->arena, Cart__V1__QuoteTax *, breakdown->n_tax_portions);
    for (size_t i = 0; i < breakdown->n_tax_portions; i++) {
        Cart__V1__QuoteTax *tax = arena_new(builder->arena, Cart__V1__QuoteTax);
        cart__v1__quote_tax__init(tax);
        tax->name = breakdown->tax_portions[i]->name;
        tax->percentage = breakdown->tax_portions[i]->percentage;
        tax->net_minor = breakdown->tax_portions[i]->net_minor;
        tax->tax_minor = breakdown->tax_portions[i]->tax_minor;
        quote->taxes[quote->n_taxes++] = tax;
    }
}

static void build_totals(const struct quote_parts *parts, Cart__V1__Quote *quote)
{
    const Pricing__V1__PriceBreakdown *breakdown = parts->breakdown;
    quote->currency_exponent = breakdown->currency_exponent;
    quote->subtotal_minor = breakdown->subtotal_minor;
    quote->discount_minor = breakdown->discount_minor;
    quote->shipping_minor = breakdown->shipping_minor;
    quote->net_minor = breakdown->net_minor;
    quote->tax_minor = breakdown->tax_minor;
    quote->total_minor = breakdown->gross_minor;
    quote->at = breakdown->at;
    quote->valid_until = wire_time_first(breakdown->valid_until, parts->evaluation->valid_until);
    quote->prices_include_tax =
        breakdown->tax_inclusion == PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS;
}

void quote_build(struct arena *arena, Cart__V1__Cart *cart, const struct quote_parts *parts,
                 struct cart_view *view)
{
    struct builder builder = {.arena = arena, .cart = cart, .parts = parts, .view = view};
    size_t unapplied = parts->evaluation ? parts->evaluation->n_unapplied : 0;
    Cart__V1__Quote *quote = arena_new(arena, Cart__V1__Quote);
    cart__v1__quote__init(quote);
    quote->currency_code = cart->currency_code;
    view->quote = quote;
    view->problems = arena_array(arena, Cart__V1__CartProblem *, 2 * cart->n_lines + unapplied + 1);
    if (!parts->breakdown)
        return;
    build_lines(&builder, quote);
    build_shipping(&builder, quote);
    build_adjustments(&builder, quote);
    build_unapplied(&builder, quote);
    build_taxes(&builder, quote);
    build_totals(parts, quote);
}
