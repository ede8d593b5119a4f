/* variant_stock_items.c - what selling one unit of a variant takes from stock. */
#include "store.h"

static struct status parse(struct ctx *ctx, const Inventory__V1__SetVariantStockItemsRequest *req,
                           struct component *ret_components);

struct status
inventory_set_variant_stock_items(struct ctx *ctx,
                                  const Inventory__V1__SetVariantStockItemsRequest *req,
                                  Inventory__V1__SetVariantStockItemsResponse *rep)
{
    struct component *components = arena_array(ctx->arena, struct component, req->n_components);
    struct uuid variant_id = parsed(req->variant_id);

    (void)rep; // the message has no fields
    TRY(parse(ctx, req, components));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_replace_components(tx, variant_id, components, req->n_components));
    TRY(db_audit(tx, "set_variant_stock_items", variant_id, NULL));
    return db_commit(&tx);
}

/* A variant without a mapping is its own stock item. */
struct status
inventory_get_variant_stock_items(struct ctx *ctx,
                                  const Inventory__V1__GetVariantStockItemsRequest *req,
                                  Inventory__V1__GetVariantStockItemsResponse *rep)
{
    struct uuid variant_id = parsed(req->variant_id);
    struct component *components;
    size_t count;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_read_components(tx, &variant_id, 1, &components, &count));
    if (count == 0) {
        components = arena_new(ctx->arena, struct component);
        *components = (struct component){variant_id, variant_id, 1};
        count = 1;
    }

    rep->n_components = count;
    rep->components = arena_array(ctx->arena, Inventory__V1__StockComponent *, count);
    for (size_t i = 0; i < count; i++) {
        Inventory__V1__StockComponent *row = arena_new(ctx->arena, Inventory__V1__StockComponent);
        inventory__v1__stock_component__init(row);
        row->stock_item_id = uuid_text(ctx->arena, components[i].stock_item_id);
        row->quantity = components[i].quantity;
        rep->components[i] = row;
    }
    return status_ok();
}

static struct status parse(struct ctx *ctx, const Inventory__V1__SetVariantStockItemsRequest *req,
                           struct component *ret_components)
{
    struct uuid variant_id = parsed(req->variant_id);

    for (size_t i = 0; i < req->n_components; i++) {
        struct uuid item = parsed(req->components[i]->stock_item_id);
        for (size_t j = 0; j < i; j++)
            if (uuid_equal(ret_components[j].stock_item_id, item))
                return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST,
                                      arena_printf(ctx->arena, "components[%zu].stockItemId", i),
                                      req->components[i]->stock_item_id, "each stock item once");
        ret_components[i] = (struct component){variant_id, item, req->components[i]->quantity};
    }
    return status_ok();
}
