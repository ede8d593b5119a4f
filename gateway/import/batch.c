/* batch.c - one round of calls for up to fifty products. */
#include "import/batch.h"

#include "catalog/v1/service.client.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "inventory/v1/service.client.h"
#include "pricing/v1/service.client.h"

#include <string.h>

enum {
    BATCH_VARIANTS_MAX = 200,
    BATCH_BYTES_MAX = 512 * 1024, /* a request has room for twice as much */
    PRICES_MAX = 250,             /* of one request, as the contracts say */
    COUNTS_MAX = 200,
    CALLS_MAX = 8,
};

/* A variant that catalog took. */
struct taken {
    const struct draft_variant *variant;
    const char *id;
};

struct taken_list {
    struct taken *items;
    size_t count;
};

static struct status upsert(struct ctx *ctx, struct draft **drafts, size_t *count,
                            struct taken_list *taken, Catalog__V1__ImportCounts *counts);
static void take(struct ctx *ctx, const struct draft *draft, const Catalog__V1__Product *product,
                 struct taken_list *taken);
static struct status set_prices_and_stock(struct ctx *ctx, const Catalog__V1__ImportTarget *target,
                                          const struct taken_list *taken,
                                          Catalog__V1__ImportCounts *counts);

bool batch_has_room(const struct batch *batch, const struct draft *draft)
{
    size_t bytes = protobuf_c_message_get_packed_size(&draft->product->base);

    return batch->count == 0 ||
           (batch->count < BATCH_PRODUCTS_MAX &&
            batch->variant_count + draft->variant_count <= BATCH_VARIANTS_MAX &&
            batch->bytes + bytes <= BATCH_BYTES_MAX);
}

void batch_add(struct batch *batch, struct draft *draft)
{
    batch->drafts[batch->count++] = draft;
    batch->variant_count += draft->variant_count;
    batch->bytes += protobuf_c_message_get_packed_size(&draft->product->base);
}

/* Each round, what was refused for one variant is tried without it. */
struct status batch_send(struct ctx *ctx, const Catalog__V1__ImportTarget *target,
                         struct batch *batch, Catalog__V1__ImportCounts *counts)
{
    struct draft *pending[BATCH_PRODUCTS_MAX];
    size_t count = batch->count;
    struct taken_list taken = {arena_array(ctx->arena, struct taken, batch->variant_count), 0};

    memcpy(pending, batch->drafts, count * sizeof(struct draft *));
    while (count > 0)
        TRY(upsert(ctx, pending, &count, &taken, counts));
    return set_prices_and_stock(ctx, target, &taken, counts);
}

/* Whether the product is to be tried again. */
static bool refuse(struct draft *draft, const Catalog__V1__UpsertProductResult *result)
{
    const char *reason = str_equal(result->reason, "SKU_TAKEN") ? "DUPLICATE_SKU" : result->reason;
    bool is_variant =
        result->variant_index >= 0 && (size_t)result->variant_index < draft->variant_count;

    if (is_variant)
        draft_refuse_variant(draft, (size_t)result->variant_index, reason, result->detail);
    else
        draft_refuse(draft, reason, "", "", result->detail);
    return !draft->is_refused;
}

static struct status upsert(struct ctx *ctx, struct draft **drafts, size_t *count,
                            struct taken_list *taken, Catalog__V1__ImportCounts *counts)
{
    Catalog__V1__UpsertProductsRequest request = CATALOG__V1__UPSERT_PRODUCTS_REQUEST__INIT;
    const Catalog__V1__UpsertProductsResponse *response;
    Catalog__V1__Product *products[BATCH_PRODUCTS_MAX];
    size_t left = 0;

    for (size_t i = 0; i < *count; i++)
        products[i] = drafts[i]->product;
    request.products = products;
    request.n_products = *count;
    TRY(catalog_v1_upsert_products(ctx, &request, &response));
    if (response->n_results != *count)
        return ctx_fail(ctx, &ERROR_INTERNAL, "catalog answered %zu of %zu products",
                        response->n_results, *count);
    for (size_t i = 0; i < *count; i++) {
        const Catalog__V1__UpsertProductResult *result = response->results[i];
        struct draft *draft = drafts[i];
        if (result->outcome == CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_REFUSED) {
            if (refuse(draft, result))
                drafts[left++] = draft;
            else
                counts->products_refused++;
            continue;
        }
        counts->products_created +=
            result->outcome == CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_CREATED;
        counts->products_updated +=
            result->outcome == CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_UPDATED;
        counts->products_unchanged +=
            result->outcome == CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_UNCHANGED;
        take(ctx, draft, result->product, taken);
    }
    *count = left;
    return status_ok();
}

/* The answer holds variants of earlier imports, too. */
static void take(struct ctx *ctx, const struct draft *draft, const Catalog__V1__Product *product,
                 struct taken_list *taken)
{
    struct map *ids = map_create(ctx->arena, product->n_variants);

    for (size_t i = 0; i < product->n_variants; i++)
        map_set(ids, product->variants[i]->sku, arena_strdup(ctx->arena, product->variants[i]->id));
    for (size_t i = 0; i < draft->variant_count; i++) {
        const char *id = map_get(ids, draft->variants[i].message->sku);
        if (id)
            taken->items[taken->count++] = (struct taken){&draft->variants[i], id};
    }
}

static Pricing__V1__SetPricesRequest *price_request(struct ctx *ctx, const char *price_list_id,
                                                    const struct taken *items, size_t count)
{
    Pricing__V1__SetPricesRequest *request = arena_new(ctx->arena, Pricing__V1__SetPricesRequest);

    pricing__v1__set_prices_request__init(request);
    request->price_list_id = price_list_id;
    request->prices = arena_array(ctx->arena, Pricing__V1__Price *, count);
    for (size_t i = 0; i < count; i++) {
        Pricing__V1__Price *price = arena_new(ctx->arena, Pricing__V1__Price);
        pricing__v1__price__init(price);
        price->variant_id = items[i].id;
        price->unit_price = wire_decimal(ctx->arena, items[i].variant->price);
        if (items[i].variant->has_compare_at)
            price->compare_at_price = wire_decimal(ctx->arena, items[i].variant->compare_at);
        request->prices[request->n_prices++] = price;
    }
    return request;
}

static Inventory__V1__CountStockRequest *count_request(struct ctx *ctx, const char *warehouse_id,
                                                       const struct taken *items, size_t count)
{
    Inventory__V1__CountStockRequest *request =
        arena_new(ctx->arena, Inventory__V1__CountStockRequest);

    inventory__v1__count_stock_request__init(request);
    request->warehouse_id = warehouse_id;
    request->reference = ctx->caller.reason;
    request->lines = arena_array(ctx->arena, Inventory__V1__StockQuantity *, count);
    for (size_t i = 0; i < count; i++) {
        Inventory__V1__StockQuantity *line = arena_new(ctx->arena, Inventory__V1__StockQuantity);
        inventory__v1__stock_quantity__init(line);
        line->variant_id = items[i].id;
        line->quantity = items[i].variant->quantity;
        request->lines[request->n_lines++] = line;
    }
    return request;
}

static size_t at_most(size_t count, size_t max)
{
    return count < max ? count : max;
}

/* All at once: pricing and inventory know nothing of each other. */
static struct status set_prices_and_stock(struct ctx *ctx, const Catalog__V1__ImportTarget *target,
                                          const struct taken_list *taken,
                                          Catalog__V1__ImportCounts *counts)
{
    struct taken *counted = arena_array(ctx->arena, struct taken, taken->count);
    struct rpc_call calls[CALLS_MAX];
    size_t counted_count = 0, call_count = 0;

    for (size_t i = 0; i < taken->count; i++)
        if (taken->items[i].variant->has_quantity)
            counted[counted_count++] = taken->items[i];
    for (size_t i = 0; i < taken->count && call_count < CALLS_MAX; i += PRICES_MAX)
        calls[call_count++] = pricing_v1_set_prices_call(price_request(
            ctx, target->price_list_id, &taken->items[i], at_most(taken->count - i, PRICES_MAX)));
    size_t price_calls = call_count;
    for (size_t i = 0; i < counted_count && call_count < CALLS_MAX; i += COUNTS_MAX)
        calls[call_count++] = inventory_v1_count_stock_call(count_request(
            ctx, target->warehouse_id, &counted[i], at_most(counted_count - i, COUNTS_MAX)));

    rpc_call_all(ctx, calls, call_count);
    for (size_t i = 0; i < call_count; i++) {
        TRY(calls[i].status);
        if (i < price_calls)
            counts->prices_changed +=
                ((const Pricing__V1__SetPricesResponse *)(const void *)calls[i].reply)
                    ->changed_count;
        else
            counts->stock_changed +=
                ((const Inventory__V1__CountStockResponse *)(const void *)calls[i].reply)
                    ->changed_count;
    }
    return status_ok();
}
