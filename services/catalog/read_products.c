/* read_products.c - the read side: products by id, slug, category and channel, and the snapshots of
 * variants. Each costs one round trip. */
#include "catalog/v1/service.handlers.h"
#include "chassis/page.h"
#include "chassis/wire.h"
#include "store.h"

static const struct uuid *parse_ids(struct ctx *ctx, const char *const *texts, size_t count)
{
    struct uuid *ids = arena_array(ctx->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        ids[i] = store_id_of(texts[i]);
    return ids;
}

struct status catalog_get_product(struct ctx *ctx, const Catalog__V1__GetProductRequest *req,
                                  Catalog__V1__GetProductResponse *rep)
{
    Catalog__V1__Product **products;
    size_t count;
    struct uuid id = store_id_of(req->id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_products(tx, &id, 1, &products, &count));
    if (count == 0)
        return ctx_fail_field(ctx, &PRODUCT_NOT_FOUND, "id", req->id, "the id of a product");
    rep->product = products[0];
    return status_ok();
}

struct status catalog_get_product_by_slug(struct ctx *ctx,
                                          const Catalog__V1__GetProductBySlugRequest *req,
                                          Catalog__V1__GetProductBySlugResponse *rep)
{
    struct slug_query query = {
        .slug = req->slug,
        .locale = req->locale,
        .store_id = store_id_of(req->store_id),
        .channel_id = store_id_of(req->channel_id),
    };

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_find_by_slug(tx, &query, &rep->product);
}

struct status catalog_batch_get_products(struct ctx *ctx,
                                         const Catalog__V1__BatchGetProductsRequest *req,
                                         Catalog__V1__BatchGetProductsResponse *rep)
{
    const struct uuid *ids = parse_ids(ctx, req->ids, req->n_ids);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_load_products(tx, ids, req->n_ids, &rep->products, &rep->n_products);
}

struct status catalog_list_products(struct ctx *ctx, const Catalog__V1__ListProductsRequest *req,
                                    Catalog__V1__ListProductsResponse *rep)
{
    int64_t size = page_size(req->page);
    int64_t valid_until_us;
    struct product_filter filter = {
        .category_id = store_id_of(req->category_id),
        .channel_id = store_id_of(req->channel_id),
        .limit = size + 1,
    };
    TRY(page_after_uuids(ctx, req->page, 1, &filter.after));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_products(tx, &filter, &rep->products, &rep->n_products, &valid_until_us));
    rep->page = page_last(ctx);
    if (rep->n_products > (size_t)size) {
        struct uuid last = store_id_of(rep->products[size - 1]->id);
        rep->n_products = (size_t)size;
        rep->page = page_next_uuids(ctx, &last, 1);
    }
    rep->valid_until = wire_time(ctx->arena, valid_until_us);
    return status_ok();
}

struct status catalog_batch_get_variants(struct ctx *ctx,
                                         const Catalog__V1__BatchGetVariantsRequest *req,
                                         Catalog__V1__BatchGetVariantsResponse *rep)
{
    struct snapshot_query query = {
        .ids = parse_ids(ctx, req->ids, req->n_ids),
        .count = req->n_ids,
        .locale = req->locale,
        .channel_id = store_id_of(req->channel_id),
    };

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_load_snapshots(tx, &query, &rep->variants, &rep->n_variants);
}
