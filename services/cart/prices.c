/* prices.c - what the lines of a cart and its shipping cost before promotions.
 *
 * Pricing says it. For a buyer who looks, this replica remembers each line's price until an event
 * says that prices or taxes changed; what a checkout freezes is always asked for. */
#include "quote.h"

#include "chassis/cache.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "memory.h"
#include "price_breakdown/breakdown.h"
#include "pricing/v1/service.client.h"

#include <inttypes.h>
#include <string.h>

static const Pricing__V1__TaxInclusion UNTOLD =
    PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_UNSPECIFIED;

/* The question, and under which key each part of the answer is remembered. */
struct prices {
    Pricing__V1__CalculateRequest request;
    const char **line_keys;
    const char *shipping_key; /* NULL without shipping */
};

static Pricing__V1__PriceContext *price_context(struct ctx *ctx, const Cart__V1__Cart *cart)
{
    Pricing__V1__PriceContext *context = arena_new(ctx->arena, Pricing__V1__PriceContext);
    pricing__v1__price_context__init(context);
    context->channel_id = cart->channel_id;
    context->currency_code = cart->currency_code;
    context->country_code = cart->country_code;
    context->customer_group = cart->customer_group;
    if (cart->shipping_address)
        context->region = cart->shipping_address->region;
    return context;
}

static Pricing__V1__ShippingLine *shipping_line(struct ctx *ctx,
                                                const Cart__V1__CartShipping *shipping)
{
    if (!shipping)
        return NULL;
    Pricing__V1__ShippingLine *line = arena_new(ctx->arena, Pricing__V1__ShippingLine);
    pricing__v1__shipping_line__init(line);
    line->price = shipping->price;
    line->tax_category_code = shipping->tax_category_code;
    line->home_country_code = shipping->home_country_code;
    line->tax_inclusion = shipping->is_gross ? PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS
                                             : PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_NET;
    return line;
}

/* What anybody may have typed goes into a key as its digest. */
static const char *digest(struct ctx *ctx, const char *text)
{
    static const struct uuid TEXTS = {{0x2e, 0x91, 0x5c, 0x04, 0x7b, 0x3d, 0x4c, 0x68, 0xa9, 0x10,
                                       0xf3, 0x6e, 0x58, 0xc2, 0xd7, 0x4a}};
    return str_is_empty(text) ? "" : uuid_text(ctx->arena, uuid_v5(TEXTS, text, strlen(text)));
}

static const char *context_key(struct ctx *ctx, const Pricing__V1__PriceContext *context)
{
    return arena_printf(ctx->arena, "%s %s %s %s %s", context->channel_id, context->currency_code,
                        context->country_code, digest(ctx, context->region),
                        digest(ctx, context->customer_group));
}

static void add_line(struct ctx *ctx, const Cart__V1__CartLine *from,
                     const Catalog__V1__VariantSnapshot *variant, const char *context,
                     struct prices *prices)
{
    Pricing__V1__PriceLine *line = arena_new(ctx->arena, Pricing__V1__PriceLine);
    pricing__v1__price_line__init(line);
    line->line_id = from->line_id;
    line->variant_id = from->variant_id;
    line->quantity = from->quantity;
    line->tax_category_code = variant->tax_category_code;
    prices->line_keys[prices->request.n_lines] =
        arena_printf(ctx->arena, "p %s %s %" PRId64 " %s", context, line->variant_id,
                     line->quantity, line->tax_category_code);
    prices->request.lines[prices->request.n_lines++] = line;
}

/* Only what catalog sells in this channel is priced. */
static void ask(struct ctx *ctx, const Cart__V1__Cart *cart, const struct map *variants,
                struct prices *prices)
{
    Pricing__V1__CalculateRequest *request = &prices->request;
    pricing__v1__calculate_request__init(request);
    request->context = price_context(ctx, cart);
    request->shipping = shipping_line(ctx, cart->shipping);
    request->lines = arena_array(ctx->arena, Pricing__V1__PriceLine *, cart->n_lines);
    prices->line_keys = arena_array(ctx->arena, const char *, cart->n_lines);
    const char *context = context_key(ctx, request->context);
    for (size_t i = 0; i < cart->n_lines; i++) {
        const Catalog__V1__VariantSnapshot *variant = map_get(variants, cart->lines[i]->variant_id);
        if (variant && variant->is_published)
            add_line(ctx, cart->lines[i], variant, context, prices);
    }
    const Pricing__V1__ShippingLine *shipping = request->shipping;
    if (shipping)
        prices->shipping_key = arena_printf(
            ctx->arena, "s %s %" PRId64 " %s %d %s %s", context, shipping->price->minor_units,
            shipping->price->currency_code, (int)shipping->tax_inclusion,
            shipping->home_country_code, shipping->tax_category_code);
}

static void keep(struct ctx *ctx, const struct prices *prices,
                 const Pricing__V1__PriceBreakdown *breakdown, int64_t asked_at_us)
{
    const Pricing__V1__CalculateRequest *request = &prices->request;
    Pricing__V1__PriceBreakdown *part = breakdown_like(ctx->arena, breakdown, 1);
    part->n_lines = 1;
    for (size_t i = 0, line = 0; i < request->n_lines && line < breakdown->n_lines; i++) {
        if (!str_equal(request->lines[i]->line_id, breakdown->lines[line]->line_id))
            continue; // it has no price
        part->lines[0] = breakdown->lines[line++];
        memory_keep_price(ctx, prices->line_keys[i], part, asked_at_us);
    }
    part->n_lines = 0;
    part->shipping = breakdown->shipping;
    if (part->shipping)
        memory_keep_price(ctx, prices->shipping_key, part, asked_at_us);
}

static bool recall_line(struct ctx *ctx, const struct prices *prices, size_t line,
                        Pricing__V1__PriceBreakdown **whole)
{
    const Pricing__V1__PriceBreakdown *part = memory_price(ctx, prices->line_keys[line]);
    if (!part)
        return false;
    if (!*whole)
        *whole = breakdown_like(ctx->arena, part, prices->request.n_lines);
    if (part->tax_inclusion != (*whole)->tax_inclusion)
        return false; // pricing says which of them cannot be sold together
    part->lines[0]->line_id = prices->request.lines[line]->line_id;
    (*whole)->lines[(*whole)->n_lines++] = part->lines[0];
    (*whole)->valid_until = wire_time_first((*whole)->valid_until, part->valid_until);
    return true;
}

/* NULL when a part of it has to be asked for. */
static const Pricing__V1__PriceBreakdown *recall(struct ctx *ctx, const struct prices *prices)
{
    Pricing__V1__PriceBreakdown *whole = NULL;
    for (size_t i = 0; i < prices->request.n_lines; i++)
        if (!recall_line(ctx, prices, i, &whole))
            return NULL;
    if (!whole)
        return NULL;
    if (prices->shipping_key) {
        const Pricing__V1__PriceBreakdown *part = memory_price(ctx, prices->shipping_key);
        if (!part)
            return NULL;
        whole->shipping = part->shipping;
        whole->valid_until = wire_time_first(whole->valid_until, part->valid_until);
    }
    whole->at = wire_time(ctx->arena, clock_now_us()); // a checkout's freeze has the database's
    breakdown_sum_up(ctx->arena, whole);
    return whole;
}

/* While daemons are exchanged an older pricing may answer, which tells no rates by line: discounts
 * could not be taken off rightly. Its successor is asked by the next try. */
static struct status check_rates(struct ctx *ctx, const Pricing__V1__PriceBreakdown *breakdown)
{
    bool is_told = !breakdown->shipping || breakdown->shipping->tax_inclusion != UNTOLD;
    for (size_t i = 0; i < breakdown->n_lines; i++)
        is_told = is_told && breakdown->lines[i]->tax_inclusion != UNTOLD;
    if (is_told)
        return status_ok();
    return ctx_fail(ctx, &ERROR_UNAVAILABLE, "pricing is older than cart: it tells no rates");
}

struct status quote_prices(struct ctx *ctx, const Cart__V1__Cart *cart, enum quote_use use,
                           const struct map *variants,
                           const Pricing__V1__PriceBreakdown **ret_breakdown)
{
    const int64_t asked_at_us = cache_now_us();
    const Pricing__V1__CalculateResponse *reply;
    struct prices prices = {0};
    ask(ctx, cart, variants, &prices);
    *ret_breakdown = use == QUOTE_BINDING ? NULL : recall(ctx, &prices);
    if (*ret_breakdown)
        return status_ok();
    TRY(pricing_v1_calculate(ctx, &prices.request, &reply));
    TRY(check_rates(ctx, reply->breakdown));
    keep(ctx, &prices, reply->breakdown, asked_at_us);
    *ret_breakdown = reply->breakdown;
    return status_ok();
}
