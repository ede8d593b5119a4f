/* catalogue.h - products with their prices and stock, for a visitor: from the cache, and what is
 * not there from the daemons in parallel batches, never one call a row. */
#pragma once

#include "catalog/v1/service.pb-c.h"
#include "gateway.h"
#include "gateway/v1/store.pb-c.h"
#include "rest/rest.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers only: the cache keeps it as it is. Amounts are for one piece in the visitor's currency.
 */
struct price_figures {
    bool has_price;
    bool has_compare_at;
    int32_t tax_scale;
    int64_t net_minor, tax_minor, gross_minor, compare_at_minor, tax_unscaled;
};

/* One variant as it is offered to the visitor. */
struct offer {
    const Catalog__V1__Variant *variant;
    struct price_figures price;
    int64_t available; /* never below 0 */
};

/* Products by id, in the order of the ids; absent ones are NULL. */
struct status catalogue_products(struct ctx *ctx, const struct visitor *visitor,
                                 const char *const *ids, size_t count,
                                 const Catalog__V1__Product **ret_products);
/* Remembers products that another call brought along. */
void catalogue_remember(struct ctx *ctx, const struct visitor *visitor,
                        const Catalog__V1__Product *product, int64_t asked_at_us);

/* Offers of all variants of the products, one after the other: product i has its own at
 * (*ret_offers)[i], one per variant. NULL products are skipped. */
struct status catalogue_offers(struct ctx *ctx, const struct visitor *visitor,
                               const Catalog__V1__Product *const *products, size_t count,
                               struct offer ***ret_offers);

/* The text of the visitor's locale, else of its language, else the first; NULL without any. */
const Catalog__V1__ProductText *catalogue_text(const Catalog__V1__Product *product,
                                               const struct visitor *visitor);
bool catalogue_is_published(const Catalog__V1__Product *product, const struct visitor *visitor);
Gateway__V1__PriceView *catalogue_price(struct ctx *ctx, const struct visitor *visitor,
                                        const struct offer *offer);
