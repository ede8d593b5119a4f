/* read_orders.c - reading orders and what was done to them. */
#include "store.h"

#include "chassis/page.h"
#include "chassis/wire.h"

static Order__V1__AuditEntry *audit_message(struct ctx *ctx, const struct db_rows *rows,
                                            size_t row);

struct status order_get_order(struct ctx *ctx, const Order__V1__GetOrderRequest *req,
                              Order__V1__GetOrderResponse *rep)
{
    struct uuid id = message_uuid(req->id);
    struct order order;

    if (str_is_empty(req->id) == str_is_empty(req->number))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "id", req->id, "one of id and number");
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    if (uuid_is_nil(id))
        TRY(store_find_order(tx, req->number, &id));
    TRY(store_load_order(tx, id, false, &order));
    rep->order = order_message(ctx, &order, true);
    return db_commit(&tx);
}

struct status order_list_orders(struct ctx *ctx, const Order__V1__ListOrdersRequest *req,
                                Order__V1__ListOrdersResponse *rep)
{
    const int64_t size = page_size(req->page);
    struct order_filter filter = {
        .customer_id = message_uuid(req->customer_id),
        .state = req->state,
        .payment_status = req->payment_status,
        .fulfillment_status = req->fulfillment_status,
        .limit = size + 1,
    };
    struct order *orders;
    struct uuid *ids;
    size_t count;

    TRY(page_after_uuids(ctx, req->page, 1, &filter.before));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_order_ids(tx, &filter, &ids, &count));
    const bool has_more = count > (size_t)size;
    if (has_more)
        count = (size_t)size;
    rep->page = has_more ? page_next_uuids(ctx, &ids[count - 1], 1) : page_last(ctx);
    if (count > 0) {
        TRY(store_load_orders(tx, ids, count, &orders, &count));
        rep->orders = arena_array(ctx->arena, Order__V1__Order *, count);
        for (; rep->n_orders < count; rep->n_orders++)
            rep->orders[rep->n_orders] = order_message(ctx, &orders[rep->n_orders], false);
    }
    return db_commit(&tx);
}

struct status order_list_order_audit(struct ctx *ctx, const Order__V1__ListOrderAuditRequest *req,
                                     Order__V1__ListOrderAuditResponse *rep)
{
    const int64_t size = page_size(req->page);
    struct uuid before;
    struct db_rows rows;

    TRY(page_after_uuids(ctx, req->page, 1, &before));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_audit(tx, message_uuid(req->order_id), before, size + 1, &rows));
    const size_t count = rows.count > (size_t)size ? (size_t)size : rows.count;
    rep->entries = arena_array(ctx->arena, Order__V1__AuditEntry *, count);
    for (; rep->n_entries < count; rep->n_entries++)
        rep->entries[rep->n_entries] = audit_message(ctx, &rows, rep->n_entries);
    rep->page = page_last(ctx);
    if (rows.count > count) {
        const struct uuid last = db_get_uuid(&rows, count - 1, 0);
        rep->page = page_next_uuids(ctx, &last, 1);
    }
    return db_commit(&tx);
}

static Order__V1__AuditEntry *audit_message(struct ctx *ctx, const struct db_rows *rows, size_t row)
{
    Order__V1__AuditEntry *entry = arena_new(ctx->arena, Order__V1__AuditEntry);

    order__v1__audit_entry__init(entry);
    entry->id = message_id(ctx, db_get_uuid(rows, row, 0));
    entry->time = wire_time(ctx->arena, db_get_time(rows, row, 1));
    entry->actor = str_or_empty(db_get_text(rows, row, 2));
    entry->on_behalf_of = str_or_empty(db_get_text(rows, row, 3));
    entry->action = str_or_empty(db_get_text(rows, row, 4));
    entry->reason = str_or_empty(db_get_text(rows, row, 5));
    entry->detail = str_or_empty(db_get_text(rows, row, 6));
    return entry;
}
