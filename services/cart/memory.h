/* memory.h - what this replica remembers, until an event says otherwise: what catalog said of a
 * variant, what a line and shipping are priced at, and what a cart cost.
 *
 * All serve a buyer who looks; what a checkout freezes is always asked for. Thread-safe. */
#pragma once

#include "cart.h"
#include "catalog/v1/service.pb-c.h"
#include "pricing/v1/service.pb-c.h"

/* NULL when it has to be asked for. In the ctx's arena. */
const Catalog__V1__VariantSnapshot *memory_variant(struct ctx *ctx, const Cart__V1__Cart *cart,
                                                   const char *variant_id);
/* asked_at_us: cache_now_us() before the question. */
void memory_keep_variant(struct ctx *ctx, const Cart__V1__Cart *cart,
                         const Catalog__V1__VariantSnapshot *variant, int64_t asked_at_us);

/* A breakdown of one line, or of shipping alone, under a key that names all it depends on. */
const Pricing__V1__PriceBreakdown *memory_price(struct ctx *ctx, const char *key);
void memory_keep_price(struct ctx *ctx, const char *key,
                       const Pricing__V1__PriceBreakdown *breakdown, int64_t asked_at_us);

/* Of marketing's promotions, while no event told of a change; 0: unknown. */
int64_t memory_promotions_epoch(struct ctx *ctx);
void memory_keep_promotions_epoch(struct ctx *ctx, int64_t epoch, int64_t asked_at_us);

/* What this version of the cart, as it is stored, costs; false when it has to be worked out. */
bool memory_view(struct ctx *ctx, Cart__V1__Cart *cart, struct cart_view *ret_view);
/* Of a cart that is stored with this version. */
void memory_keep_view(struct ctx *ctx, const struct cart_view *view);
/* Whoever looks next is told anew. */
void memory_forget_view(struct ctx *ctx, const Cart__V1__Cart *cart);

/* Rows of main.c's SUBSCRIPTIONS. */
event_handler memory_on_catalog_changed;
event_handler memory_on_terms_changed; /* of prices, taxes, promotions */
/* For consumer_on_gap(): `state` is the daemon's. */
void memory_forget(void *state);
