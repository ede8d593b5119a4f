/* quote.c - what a cart costs now: prices, promotions, prices with what those take off.
 *
 * The only place where the three services meet. A cart's totals and the quote that checkout freezes
 * are this call. Variants come first, since a line's tax category is catalog's to say. */
#include "quote.h"

#include "catalog/v1/service.client.h"
#include "chassis/cache.h"
#include "chassis/wire.h"
#include "common/map.h"
#include "common/str.h"
#include "marketing/v1/service.client.h"
#include "memory.h"
#include "price_breakdown/breakdown.h"

#include <ctype.h>
#include <string.h>

const char *quote_customer_key(struct ctx *ctx, const Cart__V1__Cart *cart)
{
    /* Guests are told apart by their address, whatever its case; only its digest leaves the cart.
     */
    static const struct uuid GUESTS = {{0x5d, 0x8e, 0x11, 0x7c, 0x40, 0xa3, 0x4f, 0x5b, 0x86, 0x1d,
                                        0x2c, 0x99, 0x07, 0xf6, 0x6a, 0x3e}};
    if (!str_is_empty(cart->customer_id))
        return cart->customer_id;
    if (str_is_empty(cart->email))
        return "";
    char *email = arena_strdup(ctx->arena, cart->email);
    for (char *at = email; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return uuid_text(ctx->arena, uuid_v5(GUESTS, email, strlen(email)));
}

/* The variants that have to be asked for; those that are remembered go into the map at once. */
static void choose_variants(struct ctx *ctx, const Cart__V1__Cart *cart, enum quote_use use,
                            struct map *variants, Catalog__V1__BatchGetVariantsRequest *request)
{
    request->ids = arena_array(ctx->arena, const char *, cart->n_lines);
    for (size_t i = 0; i < cart->n_lines; i++) {
        const char *id = cart->lines[i]->variant_id;
        if (map_get(variants, id))
            continue;
        const Catalog__V1__VariantSnapshot *known =
            use == QUOTE_BINDING ? NULL : memory_variant(ctx, cart, id);
        map_set(variants, id, known ? (void *)(uintptr_t)known : request->ids);
        if (!known)
            request->ids[request->n_ids++] = id;
    }
}

static struct status load_variants(struct ctx *ctx, const Cart__V1__Cart *cart, enum quote_use use,
                                   struct map *variants)
{
    Catalog__V1__BatchGetVariantsRequest request = CATALOG__V1__BATCH_GET_VARIANTS_REQUEST__INIT;
    const Catalog__V1__BatchGetVariantsResponse *reply;
    int64_t asked_at_us = cache_now_us();
    choose_variants(ctx, cart, use, variants, &request);
    if (request.n_ids == 0)
        return status_ok();
    request.locale = cart->locale;
    request.channel_id = cart->channel_id;
    TRY(catalog_v1_batch_get_variants(ctx, &request, &reply));
    for (size_t i = 0; i < request.n_ids; i++)
        map_set(variants, request.ids[i], NULL);
    for (size_t i = 0; i < reply->n_variants; i++) {
        map_set(variants, reply->variants[i]->variant_id, reply->variants[i]);
        memory_keep_variant(ctx, cart, reply->variants[i], asked_at_us);
    }
    return status_ok();
}

static Marketing__V1__EvaluateLine *evaluate_line(struct ctx *ctx, const struct quote_parts *parts,
                                                  const Pricing__V1__PricedLine *priced)
{
    const Catalog__V1__VariantSnapshot *variant = map_get(parts->variants, priced->variant_id);
    Marketing__V1__EvaluateLine *line = arena_new(ctx->arena, Marketing__V1__EvaluateLine);
    marketing__v1__evaluate_line__init(line);
    line->line_id = priced->line_id;
    line->variant_id = priced->variant_id;
    line->product_id = variant->product_id;
    line->n_category_ids = variant->n_category_ids;
    line->category_ids = variant->category_ids;
    line->quantity = priced->quantity;
    line->base_minor = priced->base_minor;
    return line;
}

static struct status evaluate(struct ctx *ctx, const Cart__V1__Cart *cart, enum quote_use use,
                              struct quote_parts *parts)
{
    const int64_t asked_at_us = cache_now_us();
    const Pricing__V1__PriceBreakdown *breakdown = parts->breakdown;
    Marketing__V1__EvaluateRequest request = MARKETING__V1__EVALUATE_REQUEST__INIT;
    request.channel_id = cart->channel_id;
    request.currency_code = cart->currency_code;
    request.country_code = cart->country_code;
    request.customer_group = cart->customer_group;
    request.customer_key = parts->customer_key;
    request.shipping_minor = breakdown->shipping_minor;
    request.n_coupon_codes = cart->n_coupon_codes;
    request.coupon_codes = cart->coupon_codes;
    request.at = breakdown->at;
    request.promotions_epoch = use == QUOTE_BINDING ? 0 : memory_promotions_epoch(ctx);
    request.n_lines = breakdown->n_lines;
    request.lines = arena_array(ctx->arena, Marketing__V1__EvaluateLine *, breakdown->n_lines);
    for (size_t i = 0; i < breakdown->n_lines; i++)
        request.lines[i] = evaluate_line(ctx, parts, breakdown->lines[i]);
    TRY(marketing_v1_evaluate(ctx, &request, &parts->evaluation));
    if (parts->evaluation->promotions_epoch != request.promotions_epoch)
        memory_keep_promotions_epoch(ctx, parts->evaluation->promotions_epoch, asked_at_us);
    return status_ok();
}

/* Puts what promotions take off into the breakdown. */
static void take_off(struct ctx *ctx, struct quote_parts *parts)
{
    const Marketing__V1__EvaluateResponse *evaluation = parts->evaluation;
    const Pricing__V1__PriceBreakdown *breakdown = parts->breakdown;
    int64_t *discounts = arena_array(ctx->arena, int64_t, breakdown->n_lines);
    int64_t shipping_discount = 0;
    for (size_t i = 0; i < evaluation->n_adjustments; i++) {
        const Marketing__V1__Adjustment *adjustment = evaluation->adjustments[i];
        if (str_is_empty(adjustment->line_id))
            shipping_discount += adjustment->amount_minor;
        for (size_t line = 0; line < breakdown->n_lines; line++)
            if (str_equal(breakdown->lines[line]->line_id, adjustment->line_id))
                discounts[line] += adjustment->amount_minor;
    }
    parts->breakdown = breakdown_discounted(ctx->arena, breakdown, discounts, shipping_discount);
}

static struct status quote_now(struct ctx *ctx, const Cart__V1__Cart *cart, enum quote_use use,
                               struct quote_parts *parts)
{
    TRY(load_variants(ctx, cart, use, parts->variants));
    TRY(quote_prices(ctx, cart, use, parts->variants, &parts->breakdown));
    TRY(evaluate(ctx, cart, use, parts));
    if (parts->evaluation->n_adjustments > 0)
        take_off(ctx, parts);
    return status_ok();
}

static struct status work_out(struct ctx *ctx, Cart__V1__Cart *cart, enum quote_use use,
                              struct cart_view *view)
{
    *view = (struct cart_view){
        .cart = cart,
        .customer_key = quote_customer_key(ctx, cart),
        .asked_at_us = cache_now_us(),
    };
    struct quote_parts parts = {
        .variants = map_create(ctx->arena, cart->n_lines + 1),
        .customer_key = view->customer_key,
    };
    if (cart->n_lines > 0)
        TRY(quote_now(ctx, cart, use, &parts));
    quote_build(ctx->arena, cart, &parts, view);
    return status_ok();
}

struct status quote_cart(struct ctx *ctx, const struct draft *draft, enum quote_use use,
                         struct cart_view *ret_view)
{
    if (draft->frozen) {
        *ret_view = cart_view_told(draft->cart, draft->frozen);
        return status_ok();
    }
    if (use != QUOTE_STORED || draft->cart->n_lines == 0)
        return work_out(ctx, draft->cart, use, ret_view);
    if (memory_view(ctx, draft->cart, ret_view))
        return status_ok();
    TRY(work_out(ctx, draft->cart, use, ret_view));
    memory_keep_view(ctx, ret_view);
    return status_ok();
}

Cart__V1__FreezeCartResponse *cart_view_tell(struct ctx *ctx, const struct cart_view *view)
{
    Cart__V1__FreezeCartResponse *told = arena_new(ctx->arena, Cart__V1__FreezeCartResponse);
    cart__v1__freeze_cart_response__init(told);
    told->quote = view->quote;
    told->n_problems = view->problem_count;
    told->problems = view->problems;
    told->customer_key = view->customer_key;
    return told;
}

struct cart_view cart_view_told(Cart__V1__Cart *cart, const Cart__V1__FreezeCartResponse *told)
{
    return (struct cart_view){
        .cart = cart,
        .quote = told->quote,
        .problems = told->problems,
        .problem_count = told->n_problems,
        .customer_key = told->customer_key,
    };
}
