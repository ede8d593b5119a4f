/* offers.c - prices and stock of many variants: the cache first, then both daemons at once.
 *
 * A call carries at most 500 variants; a page that has more sends several calls in parallel. */
#include "storefront/catalogue.h"

#include "chassis/rpc.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "inventory/v1/service.client.h"
#include "pricing/v1/service.client.h"
#include "storefront/tags.h"

#include <string.h>

enum { BATCH = 500 };

struct loading {
    struct ctx *ctx;
    const struct visitor *visitor;
    struct offer **all; /* every variant of the page */
    size_t count;
    const char **tax_categories; /* parallel to all */
    size_t *unpriced;            /* indexes into all */
    size_t unpriced_count;
    size_t *unstocked;
    size_t unstocked_count;
    int64_t asked_at_us;
};

static const char *price_key(const struct loading *loading, const char *variant_id)
{
    const struct visitor *visitor = loading->visitor;
    return arena_printf(loading->ctx->arena, "price:%s:%s:%s:%s:%s", visitor->channel_id,
                        visitor->currency_code, str_or_empty(visitor->country_code),
                        str_or_empty(visitor->customer_group), variant_id);
}

static const char *stock_key(const struct loading *loading, const char *variant_id)
{
    return arena_printf(loading->ctx->arena, "stock:%s", variant_id);
}

static bool read_price(struct loading *loading, struct offer *offer)
{
    struct gateway *self = ctx_state(loading->ctx);
    const struct cache_tag tags[] = {{TAG_PRICE, offer->variant->id},
                                     {TAG_PRICES, NULL},
                                     {TAG_PRODUCT, offer->variant->product_id}};
    struct db_bytes bytes;
    const struct cache_question question = {price_key(loading, offer->variant->id), tags,
                                            ARRAY_LEN(tags), loading->visitor->trail};
    if (!cache_get(loading->ctx, self->cache, &question, &bytes))
        return false;
    memcpy(&offer->price, bytes.data, sizeof offer->price);
    return true;
}

static bool read_stock(struct loading *loading, struct offer *offer)
{
    struct gateway *self = ctx_state(loading->ctx);
    const struct cache_tag tags[] = {{TAG_STOCK, offer->variant->id}};
    struct db_bytes bytes;
    const struct cache_question question = {stock_key(loading, offer->variant->id), tags,
                                            ARRAY_LEN(tags), loading->visitor->trail};
    if (!cache_get(loading->ctx, self->cache, &question, &bytes))
        return false;
    memcpy(&offer->available, bytes.data, sizeof offer->available);
    return true;
}

static Pricing__V1__BatchGetPricesRequest *price_request(struct loading *loading, size_t first,
                                                         size_t count)
{
    struct arena *arena = loading->ctx->arena;
    Pricing__V1__BatchGetPricesRequest *request =
        arena_new(arena, Pricing__V1__BatchGetPricesRequest);
    Pricing__V1__PriceContext *context = arena_new(arena, Pricing__V1__PriceContext);
    pricing__v1__batch_get_prices_request__init(request);
    pricing__v1__price_context__init(context);
    context->channel_id = loading->visitor->channel_id;
    context->currency_code = loading->visitor->currency_code;
    context->country_code = str_or_empty(loading->visitor->country_code);
    context->customer_group = str_or_empty(loading->visitor->customer_group);
    request->context = context;
    request->n_queries = count;
    request->queries = arena_array(arena, Pricing__V1__PriceQuery *, count);
    for (size_t i = 0; i < count; i++) {
        size_t index = loading->unpriced[first + i];
        request->queries[i] = arena_new(arena, Pricing__V1__PriceQuery);
        pricing__v1__price_query__init(request->queries[i]);
        request->queries[i]->variant_id = loading->all[index]->variant->id;
        request->queries[i]->tax_category_code = loading->tax_categories[index];
    }
    return request;
}

static Inventory__V1__BatchGetAvailabilityRequest *stock_request(struct loading *loading,
                                                                 size_t first, size_t count)
{
    struct arena *arena = loading->ctx->arena;
    Inventory__V1__BatchGetAvailabilityRequest *request =
        arena_new(arena, Inventory__V1__BatchGetAvailabilityRequest);
    inventory__v1__batch_get_availability_request__init(request);
    request->n_variant_ids = count;
    request->variant_ids = arena_array(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        request->variant_ids[i] = loading->all[loading->unstocked[first + i]]->variant->id;
    return request;
}

static void take_price(struct loading *loading, struct offer *offer,
                       const Pricing__V1__UnitPrice *price, int64_t valid_until_us)
{
    struct gateway *self = ctx_state(loading->ctx);
    struct price_figures figures;
    memset(&figures, 0, sizeof figures); // padding too: it is kept as bytes
    figures.has_price = price->gross != NULL;
    if (figures.has_price) {
        struct decimal tax = wire_decimal_value(price->tax_percentage);
        figures.net_minor = price->net->minor_units;
        figures.tax_minor = price->tax->minor_units;
        figures.gross_minor = price->gross->minor_units;
        figures.tax_unscaled = tax.unscaled;
        figures.tax_scale = tax.scale;
        figures.has_compare_at = price->compare_at != NULL;
        figures.compare_at_minor = price->compare_at ? price->compare_at->minor_units : 0;
    }
    offer->price = figures;
    cache_put(
        self->cache, price_key(loading, offer->variant->id),
        (struct db_bytes){&figures, sizeof figures},
        (struct cache_moments){loading->asked_at_us, valid_until_us, loading->visitor->trail});
}

static struct status take_prices(struct loading *loading, const struct rpc_call *call, size_t first)
{
    TRY(call->status);
    const Pricing__V1__BatchGetPricesResponse *reply =
        (const Pricing__V1__BatchGetPricesResponse *)(const void *)call->reply;
    for (size_t i = 0; i < reply->n_prices; i++)
        take_price(loading, loading->all[loading->unpriced[first + i]], reply->prices[i],
                   wire_time_us(reply->valid_until));
    return status_ok();
}

static struct status take_stock(struct loading *loading, const struct rpc_call *call, size_t first)
{
    struct gateway *self = ctx_state(loading->ctx);
    TRY(call->status);
    const Inventory__V1__BatchGetAvailabilityResponse *reply =
        (const Inventory__V1__BatchGetAvailabilityResponse *)(const void *)call->reply;
    for (size_t i = 0; i < reply->n_availabilities; i++) {
        struct offer *offer = loading->all[loading->unstocked[first + i]];
        int64_t available = reply->availabilities[i]->available;
        offer->available = available > 0 ? available : 0;
        cache_put(self->cache, stock_key(loading, offer->variant->id),
                  (struct db_bytes){&offer->available, sizeof offer->available},
                  (struct cache_moments){.asked_at_us = loading->asked_at_us});
    }
    return status_ok();
}

static size_t batches(size_t count)
{
    return (count + BATCH - 1) / BATCH;
}

static size_t batch_size(size_t count, size_t first)
{
    return count - first < BATCH ? count - first : BATCH;
}

static struct status ask(struct loading *loading)
{
    size_t price_calls = batches(loading->unpriced_count);
    size_t stock_calls = batches(loading->unstocked_count);
    struct rpc_call *calls =
        arena_array(loading->ctx->arena, struct rpc_call, price_calls + stock_calls);
    if (price_calls + stock_calls == 0)
        return status_ok();

    loading->asked_at_us = cache_now_us();
    for (size_t i = 0; i < price_calls; i++)
        calls[i] = pricing_v1_batch_get_prices_call(
            price_request(loading, i * BATCH, batch_size(loading->unpriced_count, i * BATCH)));
    for (size_t i = 0; i < stock_calls; i++)
        calls[price_calls + i] = inventory_v1_batch_get_availability_call(
            stock_request(loading, i * BATCH, batch_size(loading->unstocked_count, i * BATCH)));
    rpc_call_all(loading->ctx, calls, price_calls + stock_calls);
    for (size_t i = 0; i < price_calls; i++)
        TRY(take_prices(loading, &calls[i], i * BATCH));
    for (size_t i = 0; i < stock_calls; i++)
        TRY(take_stock(loading, &calls[price_calls + i], i * BATCH));
    return status_ok();
}

/* Lays out one offer per variant and notes what the cache does not know. */
static void lay_out(struct loading *loading, const Catalog__V1__Product *product,
                    struct offer *offers)
{
    for (size_t i = 0; i < product->n_variants; i++) {
        const Catalog__V1__Variant *variant = product->variants[i];
        size_t index = loading->count++;
        offers[i].variant = variant;
        loading->all[index] = &offers[i];
        loading->tax_categories[index] = str_is_empty(variant->tax_category_code)
                                             ? product->tax_category_code
                                             : variant->tax_category_code;
        if (!read_price(loading, &offers[i]))
            loading->unpriced[loading->unpriced_count++] = index;
        if (!read_stock(loading, &offers[i]))
            loading->unstocked[loading->unstocked_count++] = index;
    }
}

struct status catalogue_offers(struct ctx *ctx, const struct visitor *visitor,
                               const Catalog__V1__Product *const *products, size_t count,
                               struct offer ***ret_offers)
{
    struct loading loading = {.ctx = ctx, .visitor = visitor};
    struct offer **offers = arena_array(ctx->arena, struct offer *, count);
    size_t variants = 0;
    for (size_t i = 0; i < count; i++)
        variants += products[i] ? products[i]->n_variants : 0;
    loading.all = arena_array(ctx->arena, struct offer *, variants);
    loading.tax_categories = arena_array(ctx->arena, const char *, variants);
    loading.unpriced = arena_array(ctx->arena, size_t, variants);
    loading.unstocked = arena_array(ctx->arena, size_t, variants);
    for (size_t i = 0; i < count; i++) {
        if (!products[i])
            continue;
        offers[i] = arena_array(ctx->arena, struct offer, products[i]->n_variants);
        lay_out(&loading, products[i], offers[i]);
    }
    *ret_offers = offers;
    return ask(&loading);
}
