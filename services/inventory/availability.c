/* availability.c - the read side: what may be sold, what there is, how it came about. */
#include "store.h"

#include "chassis/page.h"
#include "chassis/wire.h"

#include <stdlib.h>

static int by_variant(const void *a, const void *b);
static Inventory__V1__Availability *reply_availability(struct ctx *ctx, const char *variant_id,
                                                       const struct availability *rows,
                                                       size_t count);
static Inventory__V1__Movement *reply_movement(struct ctx *ctx, const struct db_rows *rows,
                                               size_t row);
static Inventory__V1__BalanceMismatch *reply_mismatch(struct ctx *ctx, const struct db_rows *rows,
                                                      size_t row);
static const char *text_or_empty(struct ctx *ctx, struct uuid id);

struct status
inventory_batch_get_availability(struct ctx *ctx,
                                 const Inventory__V1__BatchGetAvailabilityRequest *req,
                                 Inventory__V1__BatchGetAvailabilityResponse *rep)
{
    struct uuid *variants = arena_array(ctx->arena, struct uuid, req->n_variant_ids);
    struct availability *rows;
    size_t count;

    for (size_t i = 0; i < req->n_variant_ids; i++)
        variants[i] = parsed(req->variant_ids[i]);
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_read_availability(tx, variants, req->n_variant_ids, &rows, &count));

    rep->n_availabilities = req->n_variant_ids;
    rep->availabilities =
        arena_array(ctx->arena, Inventory__V1__Availability *, req->n_variant_ids);
    for (size_t i = 0; i < req->n_variant_ids; i++)
        rep->availabilities[i] = reply_availability(ctx, req->variant_ids[i], rows, count);
    return status_ok();
}

struct status inventory_list_stock_levels(struct ctx *ctx,
                                          const Inventory__V1__ListStockLevelsRequest *req,
                                          Inventory__V1__ListStockLevelsResponse *rep)
{
    int64_t size = page_size(req->page);
    struct stock_page page = {.stock_item_id = parsed(req->stock_item_id),
                              .warehouse_id = parsed(req->warehouse_id),
                              .limit = size + 1};
    struct level *levels;
    size_t count;

    TRY(page_after_uuids(ctx, req->page, 2, page.after));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_levels(tx, &page, &levels, &count));

    bool has_more = count > (size_t)size;
    rep->n_levels = has_more ? (size_t)size : count;
    rep->levels = arena_array(ctx->arena, Inventory__V1__StockLevel *, rep->n_levels);
    for (size_t i = 0; i < rep->n_levels; i++)
        rep->levels[i] = reply_level(ctx, &levels[i]);
    if (has_more) {
        const struct level *last = &levels[size - 1];
        struct uuid key[2] = {last->stock_item_id, last->warehouse_id};
        rep->page = page_next_uuids(ctx, key, 2);
    } else {
        rep->page = page_last(ctx);
    }
    return status_ok();
}

struct status inventory_list_movements(struct ctx *ctx,
                                       const Inventory__V1__ListMovementsRequest *req,
                                       Inventory__V1__ListMovementsResponse *rep)
{
    int64_t size = page_size(req->page);
    struct stock_page page = {.stock_item_id = parsed(req->stock_item_id),
                              .warehouse_id = parsed(req->warehouse_id),
                              .limit = size + 1};
    struct db_rows rows;

    TRY(page_after_uuids(ctx, req->page, 1, page.after));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_movements(tx, &page, &rows));

    bool has_more = rows.count > (size_t)size;
    rep->n_movements = has_more ? (size_t)size : rows.count;
    rep->movements = arena_array(ctx->arena, Inventory__V1__Movement *, rep->n_movements);
    for (size_t i = 0; i < rep->n_movements; i++)
        rep->movements[i] = reply_movement(ctx, &rows, i);
    if (has_more) {
        struct uuid key = db_get_uuid(&rows, rep->n_movements - 1, 0);
        rep->page = page_next_uuids(ctx, &key, 1);
    } else {
        rep->page = page_last(ctx);
    }
    return status_ok();
}

struct status inventory_audit_balances(struct ctx *ctx,
                                       const Inventory__V1__AuditBalancesRequest *req,
                                       Inventory__V1__AuditBalancesResponse *rep)
{
    struct db_rows totals, mismatches;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_audit(tx, parsed(req->stock_item_id), &totals, &mismatches));

    rep->balances_checked = db_get_int(&totals, 0, 0);
    rep->movements_checked = db_get_int(&totals, 0, 1);
    rep->n_mismatches = mismatches.count;
    rep->mismatches = arena_array(ctx->arena, Inventory__V1__BalanceMismatch *, mismatches.count);
    for (size_t i = 0; i < mismatches.count; i++)
        rep->mismatches[i] = reply_mismatch(ctx, &mismatches, i);
    return status_ok();
}

static Inventory__V1__Availability *reply_availability(struct ctx *ctx, const char *variant_id,
                                                       const struct availability *rows,
                                                       size_t count)
{
    Inventory__V1__Availability *reply = arena_new(ctx->arena, Inventory__V1__Availability);
    struct availability key = {.variant_id = parsed(variant_id)};
    const struct availability *found = bsearch(&key, rows, count, sizeof *rows, by_variant);

    inventory__v1__availability__init(reply);
    reply->variant_id = variant_id;
    if (found != NULL) {
        reply->available = found->available;
        reply->is_backorderable = found->is_backorderable;
    }
    return reply;
}

static int by_variant(const void *a, const void *b)
{
    const struct availability *left = a, *right = b;

    return uuid_compare(&left->variant_id, &right->variant_id);
}

static Inventory__V1__Movement *reply_movement(struct ctx *ctx, const struct db_rows *rows,
                                               size_t row)
{
    Inventory__V1__Movement *reply = arena_new(ctx->arena, Inventory__V1__Movement);
    const char *reference = db_get_text(rows, row, 9);

    inventory__v1__movement__init(reply);
    reply->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    reply->kind = db_get_text(rows, row, 1);
    reply->stock_item_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 2));
    reply->from_warehouse_id = text_or_empty(ctx, db_get_uuid(rows, row, 3));
    reply->from_account = db_get_text(rows, row, 4);
    reply->to_warehouse_id = text_or_empty(ctx, db_get_uuid(rows, row, 5));
    reply->to_account = db_get_text(rows, row, 6);
    reply->quantity = db_get_int(rows, row, 7);
    reply->cause_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 8));
    reply->reference = reference == NULL ? "" : reference;
    reply->actor = db_get_text(rows, row, 10);
    reply->create_time = wire_time(ctx->arena, db_get_time(rows, row, 11));
    return reply;
}

static Inventory__V1__BalanceMismatch *reply_mismatch(struct ctx *ctx, const struct db_rows *rows,
                                                      size_t row)
{
    Inventory__V1__BalanceMismatch *reply = arena_new(ctx->arena, Inventory__V1__BalanceMismatch);

    inventory__v1__balance_mismatch__init(reply);
    reply->stock_item_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    reply->warehouse_id = text_or_empty(ctx, db_get_uuid(rows, row, 1));
    reply->account = db_get_text(rows, row, 2);
    reply->balance = db_get_int(rows, row, 3);
    reply->sum_of_movements = db_get_int(rows, row, 4);
    return reply;
}

/* An account outside of every warehouse has none. */
static const char *text_or_empty(struct ctx *ctx, struct uuid id)
{
    return uuid_is_nil(id) ? "" : uuid_text(ctx->arena, id);
}
