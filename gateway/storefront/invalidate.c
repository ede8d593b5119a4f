/* invalidate.c - which events make which answers worthless.
 *
 * The order of arrival does not matter: a mark only says that something changed. */
#include "storefront/invalidate.h"

#include "catalog/v1/events.pb-c.h"
#include "gateway.h"
#include "inventory/v1/events.pb-c.h"
#include "pricing/v1/events.pb-c.h"
#include "storefront/tags.h"

static void mark(struct ctx *ctx, char kind, const char *id)
{
    struct gateway *self = ctx_state(ctx);
    cache_mark(self->cache, (struct cache_tag){kind, id});
}

static struct status product_changed(struct ctx *ctx, const Catalog__V1__Product *product)
{
    mark(ctx, TAG_PRODUCT, product->id);
    mark(ctx, TAG_LISTS, NULL);
    return status_ok();
}

struct status invalidate_product_created(struct ctx *ctx, struct db_tx *tx,
                                         const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return product_changed(ctx, ((const Catalog__V1__ProductCreated *)body)->product);
}

struct status invalidate_product_updated(struct ctx *ctx, struct db_tx *tx,
                                         const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return product_changed(ctx, ((const Catalog__V1__ProductUpdated *)body)->product);
}

struct status invalidate_product_published(struct ctx *ctx, struct db_tx *tx,
                                           const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return product_changed(ctx, ((const Catalog__V1__ProductPublished *)body)->product);
}

struct status invalidate_product_unpublished(struct ctx *ctx, struct db_tx *tx,
                                             const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return product_changed(ctx, ((const Catalog__V1__ProductUnpublished *)body)->product);
}

static struct status variant_changed(struct ctx *ctx, const Catalog__V1__Variant *variant)
{
    mark(ctx, TAG_PRODUCT, variant->product_id);
    return status_ok();
}

struct status invalidate_variant_created(struct ctx *ctx, struct db_tx *tx,
                                         const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return variant_changed(ctx, ((const Catalog__V1__VariantCreated *)body)->variant);
}

struct status invalidate_variant_updated(struct ctx *ctx, struct db_tx *tx,
                                         const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return variant_changed(ctx, ((const Catalog__V1__VariantUpdated *)body)->variant);
}

struct status invalidate_variant_removed(struct ctx *ctx, struct db_tx *tx,
                                         const struct event *event, const void *body)
{
    (void)tx;
    (void)event;
    return variant_changed(ctx, ((const Catalog__V1__VariantRemoved *)body)->variant);
}

struct status invalidate_category(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                  const void *body)
{
    (void)tx;
    (void)event;
    (void)body;
    mark(ctx, TAG_CATEGORIES, NULL);
    mark(ctx, TAG_LISTS, NULL); // a moved category changes what lies below its parents
    return status_ok();
}

struct status invalidate_price_changed(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                       const void *body)
{
    const Pricing__V1__PriceChanged *changed = body;
    (void)tx;
    (void)event;
    for (size_t i = 0; i < changed->n_prices; i++)
        mark(ctx, TAG_PRICE, changed->prices[i]->variant_id);
    return status_ok();
}

struct status invalidate_prices(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                const void *body)
{
    (void)tx;
    (void)event;
    (void)body;
    mark(ctx, TAG_PRICES, NULL);
    return status_ok();
}

struct status invalidate_shipping(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                  const void *body)
{
    (void)tx;
    (void)event;
    (void)body;
    mark(ctx, TAG_SHIPPING, NULL);
    return status_ok();
}

static struct status stock_moved(struct ctx *ctx, Inventory__V1__ReservedLine *const *lines,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        mark(ctx, TAG_STOCK, lines[i]->variant_id);
    return status_ok();
}

struct status invalidate_stock_reserved(struct ctx *ctx, struct db_tx *tx,
                                        const struct event *event, const void *body)
{
    const Inventory__V1__StockReserved *reserved = body;
    (void)tx;
    (void)event;
    return stock_moved(ctx, reserved->lines, reserved->n_lines);
}

struct status invalidate_stock_released(struct ctx *ctx, struct db_tx *tx,
                                        const struct event *event, const void *body)
{
    const Inventory__V1__StockReleased *released = body;
    (void)tx;
    (void)event;
    return stock_moved(ctx, released->lines, released->n_lines);
}

struct status invalidate_stock_committed(struct ctx *ctx, struct db_tx *tx,
                                         const struct event *event, const void *body)
{
    const Inventory__V1__StockCommitted *committed = body;
    (void)tx;
    (void)event;
    return stock_moved(ctx, committed->lines, committed->n_lines);
}

struct status invalidate_stock_changed(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                       const void *body)
{
    const Inventory__V1__StockChanged *changed = body;
    (void)tx;
    (void)event;
    for (size_t i = 0; i < changed->level->n_variant_ids; i++)
        mark(ctx, TAG_STOCK, changed->level->variant_ids[i]);
    return status_ok();
}

void invalidate_everything(void *state)
{
    struct gateway *self = state;
    cache_flush(self->cache);
}
