/* warehouse.c - places that hold stock. */
#include "store.h"

#include "chassis/page.h"
#include "common/str.h"

const struct error_def WAREHOUSE_NOT_FOUND = {STATUS_NOT_FOUND, "WAREHOUSE_NOT_FOUND",
                                              "ListWarehouses names those there are"};
const struct error_def WAREHOUSE_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "WAREHOUSE_CODE_TAKEN",
                                               "Choose a code that no other warehouse has"};

static struct status parse(struct ctx *ctx, const Inventory__V1__Warehouse *message,
                           struct warehouse *ret_warehouse);
static Inventory__V1__Warehouse *reply_warehouse(struct ctx *ctx,
                                                 const struct warehouse *warehouse);

struct status inventory_create_warehouse(struct ctx *ctx,
                                         const Inventory__V1__CreateWarehouseRequest *req,
                                         Inventory__V1__CreateWarehouseResponse *rep)
{
    struct warehouse warehouse;

    TRY(parse(ctx, req->warehouse, &warehouse));
    if (uuid_is_nil(warehouse.id))
        warehouse.id = uuid_v7();
    warehouse.version = 1;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_warehouse(tx, &warehouse));
    TRY(db_audit(tx, "create_warehouse", warehouse.id, warehouse.code));

    rep->warehouse = reply_warehouse(ctx, &warehouse);
    return db_commit(&tx);
}

struct status inventory_update_warehouse(struct ctx *ctx,
                                         const Inventory__V1__UpdateWarehouseRequest *req,
                                         Inventory__V1__UpdateWarehouseResponse *rep)
{
    struct warehouse warehouse;

    TRY(parse(ctx, req->warehouse, &warehouse));
    if (uuid_is_nil(warehouse.id))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "warehouse.id", "",
                              "the id of a warehouse");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_update_warehouse(tx, &warehouse, req->expected_version));
    TRY(db_audit(tx, "update_warehouse", warehouse.id, warehouse.code));

    rep->warehouse = reply_warehouse(ctx, &warehouse);
    return db_commit(&tx);
}

struct status inventory_list_warehouses(struct ctx *ctx,
                                        const Inventory__V1__ListWarehousesRequest *req,
                                        Inventory__V1__ListWarehousesResponse *rep)
{
    int64_t size = page_size(req->page);
    struct warehouse *warehouses;
    const char *after;
    size_t count;

    TRY(page_after_text(ctx, req->page, &after));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_warehouses(tx, after, size + 1, &warehouses, &count));

    bool has_more = count > (size_t)size;
    rep->n_warehouses = has_more ? (size_t)size : count;
    rep->warehouses = arena_array(ctx->arena, Inventory__V1__Warehouse *, rep->n_warehouses);
    for (size_t i = 0; i < rep->n_warehouses; i++)
        rep->warehouses[i] = reply_warehouse(ctx, &warehouses[i]);
    rep->page = has_more ? page_next_text(ctx, warehouses[size - 1].code) : page_last(ctx);
    return status_ok();
}

static struct status parse(struct ctx *ctx, const Inventory__V1__Warehouse *message,
                           struct warehouse *ret_warehouse)
{
    const char *country = message->country_code;

    for (size_t i = 0; i < 2; i++)
        if (country[i] < 'A' || country[i] > 'Z')
            return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "warehouse.countryCode", country,
                                  "an ISO 3166 code of two upper-case letters");
    *ret_warehouse = (struct warehouse){.id = parsed(message->id),
                                        .code = message->code,
                                        .name = message->name,
                                        .country_code = country,
                                        .priority = message->priority,
                                        .is_active = message->is_active};
    return status_ok();
}

static Inventory__V1__Warehouse *reply_warehouse(struct ctx *ctx, const struct warehouse *warehouse)
{
    Inventory__V1__Warehouse *reply = arena_new(ctx->arena, Inventory__V1__Warehouse);

    inventory__v1__warehouse__init(reply);
    reply->id = uuid_text(ctx->arena, warehouse->id);
    reply->code = warehouse->code;
    reply->name = warehouse->name;
    reply->country_code = warehouse->country_code;
    reply->priority = (int32_t)warehouse->priority;
    reply->is_active = warehouse->is_active;
    reply->version = warehouse->version;
    return reply;
}
