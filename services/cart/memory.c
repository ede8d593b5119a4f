/* memory.c - entries of the cache, and the two marks that make them worthless. */
#include "memory.h"

#include "chassis/cache.h"
#include "chassis/wire.h"

#include <string.h>

static const struct cache_tag CATALOG = {'c', NULL};
static const struct cache_tag TERMS = {'t', NULL};

static const char *variant_key(struct ctx *ctx, const Cart__V1__Cart *cart, const char *variant_id)
{
    return arena_printf(ctx->arena, "v %s %s %s", variant_id, cart->channel_id, cart->locale);
}

const Catalog__V1__VariantSnapshot *memory_variant(struct ctx *ctx, const Cart__V1__Cart *cart,
                                                   const char *variant_id)
{
    struct cart_daemon *self = ctx_state(ctx);
    const struct cache_question question = {variant_key(ctx, cart, variant_id), &CATALOG, 1, NULL};
    return (const void *)cache_get_message(ctx, self->memory, &question,
                                           &catalog__v1__variant_snapshot__descriptor);
}

void memory_keep_variant(struct ctx *ctx, const Cart__V1__Cart *cart,
                         const Catalog__V1__VariantSnapshot *variant, int64_t asked_at_us)
{
    struct cart_daemon *self = ctx_state(ctx);
    cache_put_message(ctx, self->memory, variant_key(ctx, cart, variant->variant_id),
                      &variant->base, (struct cache_moments){.asked_at_us = asked_at_us});
}

const Pricing__V1__PriceBreakdown *memory_price(struct ctx *ctx, const char *key)
{
    struct cart_daemon *self = ctx_state(ctx);
    const struct cache_question question = {key, &TERMS, 1, NULL};
    return (const void *)cache_get_message(ctx, self->memory, &question,
                                           &pricing__v1__price_breakdown__descriptor);
}

void memory_keep_price(struct ctx *ctx, const char *key,
                       const Pricing__V1__PriceBreakdown *breakdown, int64_t asked_at_us)
{
    struct cart_daemon *self = ctx_state(ctx);
    cache_put_message(
        ctx, self->memory, key, &breakdown->base,
        (struct cache_moments){asked_at_us, wire_time_us(breakdown->valid_until), NULL});
}

static const char PROMOTIONS_EPOCH[] = "e";

int64_t memory_promotions_epoch(struct ctx *ctx)
{
    struct cart_daemon *self = ctx_state(ctx);
    const struct cache_question question = {PROMOTIONS_EPOCH, &TERMS, 1, NULL};
    struct db_bytes value;
    int64_t epoch = 0;
    if (cache_get(ctx, self->memory, &question, &value))
        memcpy(&epoch, value.data, sizeof epoch);
    return epoch;
}

void memory_keep_promotions_epoch(struct ctx *ctx, int64_t epoch, int64_t asked_at_us)
{
    struct cart_daemon *self = ctx_state(ctx);
    cache_put(self->memory, PROMOTIONS_EPOCH, (struct db_bytes){&epoch, sizeof epoch},
              (struct cache_moments){.asked_at_us = asked_at_us});
}

/* One view a cart, the last one: nobody asks for what an older version cost. */
static const char *view_key(struct ctx *ctx, const Cart__V1__Cart *cart)
{
    return arena_printf(ctx->arena, "q %s", cart->id);
}

bool memory_view(struct ctx *ctx, Cart__V1__Cart *cart, struct cart_view *ret_view)
{
    const struct cache_tag tags[] = {CATALOG, TERMS};
    struct cart_daemon *self = ctx_state(ctx);
    const struct cache_question question = {view_key(ctx, cart), tags, ARRAY_LEN(tags), NULL};
    const Cart__V1__FreezeCartResponse *told = (const void *)cache_get_message(
        ctx, self->memory, &question, &cart__v1__freeze_cart_response__descriptor);
    if (!told || !told->cart || told->cart->version != cart->version)
        return false;
    *ret_view = cart_view_told(cart, told);
    return true;
}

/* How often a coupon was used is not known here: carts with coupons are worked out each time. So
 * are empty ones, which takes no question. */
void memory_keep_view(struct ctx *ctx, const struct cart_view *view)
{
    struct cart_daemon *self = ctx_state(ctx);
    Cart__V1__Cart of = CART__V1__CART__INIT;
    if (view->asked_at_us == 0 || view->cart->n_coupon_codes > 0 || view->cart->n_lines == 0)
        return;
    Cart__V1__FreezeCartResponse *told = cart_view_tell(ctx, view);
    of.version = view->cart->version;
    told->cart = &of;
    cache_put_message(
        ctx, self->memory, view_key(ctx, view->cart), &told->base,
        (struct cache_moments){view->asked_at_us,
                               view->quote ? wire_time_us(view->quote->valid_until) : 0, NULL});
}

void memory_forget_view(struct ctx *ctx, const Cart__V1__Cart *cart)
{
    struct cart_daemon *self = ctx_state(ctx);
    cache_forget(self->memory, view_key(ctx, cart));
}

static struct status mark(struct ctx *ctx, struct cache_tag tag)
{
    struct cart_daemon *self = ctx_state(ctx);
    cache_mark(self->memory, tag);
    return status_ok();
}

struct status memory_on_catalog_changed(struct ctx *ctx, struct db_tx *tx,
                                        const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    (void)body;
    return mark(ctx, CATALOG);
}

struct status memory_on_terms_changed(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                      const void *body)
{
    (void)tx;
    (void)event;
    (void)body;
    return mark(ctx, TERMS);
}

void memory_forget(void *state)
{
    struct cart_daemon *self = state;
    cache_flush(self->memory);
}
