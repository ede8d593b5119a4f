/* quote.h - the answers of three services, and the quote and problems that they make. */
#pragma once

#include "cart.h"
#include "catalog/v1/service.pb-c.h"
#include "common/map.h"
#include "marketing/v1/service.pb-c.h"
#include "pricing/v1/service.pb-c.h"

struct quote_parts {
    struct map *variants;                         /* variant id -> Catalog__V1__VariantSnapshot */
    const Pricing__V1__PriceBreakdown *breakdown; /* NULL for a cart without lines */
    const Marketing__V1__EvaluateResponse *evaluation;
    const char *customer_key;
};

/* Before promotions. `variants` as in the parts; those that catalog does not sell are left out. */
struct status quote_prices(struct ctx *ctx, const Cart__V1__Cart *cart, enum quote_use use,
                           const struct map *variants,
                           const Pricing__V1__PriceBreakdown **ret_breakdown);

/* Pure. Fills the view's quote and problems, and notes in each line the unit price that its owner
 * sees with this answer, where none was noted. Lines keep the cart's order. */
void quote_build(struct arena *arena, Cart__V1__Cart *cart, const struct quote_parts *parts,
                 struct cart_view *view);
