/* receive.c - stock that comes in, is counted, or goes to another warehouse. */
#include "store.h"

#include "common/str.h"

static void count_line(struct book *book, const struct stock_line *line, struct movement movement,
                       struct uuid warehouse_id);
static struct status take_line(struct ctx *ctx, struct book *book, const struct stock_line *line,
                               struct movement movement, const struct uuid *warehouses);
static Inventory__V1__StockLevel **reply_levels(struct ctx *ctx, const struct book *book,
                                                const struct stock_line *lines, size_t count,
                                                struct uuid warehouse_id);
static struct movement movement_of(struct ctx *ctx, enum movement_kind kind, const char *reference);
static const char *audit_detail(struct ctx *ctx, size_t lines, const char *reference);

struct status inventory_receive_stock(struct ctx *ctx,
                                      const Inventory__V1__ReceiveStockRequest *req,
                                      Inventory__V1__ReceiveStockResponse *rep)
{
    struct movement movement = movement_of(ctx, MOVEMENT_RECEIVE, req->reference);
    struct uuid warehouse = parsed(req->warehouse_id);
    struct event_list events = {0};
    struct stock_line *lines;
    struct book book;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(stock_lines_resolve(ctx, tx, req->lines, req->n_lines, 1, &lines));
    TRY(store_open_book(tx, stock_line_items(ctx, lines, req->n_lines), (struct ids){&warehouse, 1},
                        &book));
    for (size_t i = 0; i < req->n_lines; i++) {
        movement.to = stock_line_level(&book, &lines[i], warehouse);
        movement.quantity = lines[i].quantity;
        book_post(&book, &movement);
    }
    TRY(stock_events_add(ctx, &events, &book, MOVEMENT_RECEIVE));
    TRY(store_save_book(tx, &book, &events));
    TRY(db_audit(tx, "receive_stock", warehouse, audit_detail(ctx, req->n_lines, req->reference)));

    rep->n_levels = req->n_lines;
    rep->levels = reply_levels(ctx, &book, lines, req->n_lines, warehouse);
    return db_commit(&tx);
}

struct status inventory_count_stock(struct ctx *ctx, const Inventory__V1__CountStockRequest *req,
                                    Inventory__V1__CountStockResponse *rep)
{
    struct movement movement = movement_of(ctx, MOVEMENT_COUNT_UP, req->reference);
    struct uuid warehouse = parsed(req->warehouse_id);
    struct event_list events = {0};
    struct stock_line *lines;
    struct book book;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(stock_lines_resolve(ctx, tx, req->lines, req->n_lines, 0, &lines));
    TRY(store_open_book(tx, stock_line_items(ctx, lines, req->n_lines), (struct ids){&warehouse, 1},
                        &book));
    for (size_t i = 0; i < req->n_lines; i++)
        count_line(&book, &lines[i], movement, warehouse);
    TRY(stock_events_add(ctx, &events, &book, MOVEMENT_COUNT_UP));
    TRY(store_save_book(tx, &book, &events));
    if (book.movement_count > 0)
        TRY(db_audit(tx, "count_stock", warehouse,
                     audit_detail(ctx, book.movement_count, req->reference)));

    rep->changed_count = (int64_t)book.movement_count;
    rep->n_levels = req->n_lines;
    rep->levels = reply_levels(ctx, &book, lines, req->n_lines, warehouse);
    return db_commit(&tx);
}

/* One movement from one warehouse to the other: nothing is ever in neither. */
struct status inventory_transfer_stock(struct ctx *ctx,
                                       const Inventory__V1__TransferStockRequest *req,
                                       Inventory__V1__TransferStockResponse *rep)
{
    struct movement movement = movement_of(ctx, MOVEMENT_TRANSFER, req->reference);
    struct uuid warehouses[2] = {parsed(req->from_warehouse_id), parsed(req->to_warehouse_id)};
    struct event_list events = {0};
    struct stock_line *lines;
    struct book book;

    if (uuid_equal(warehouses[0], warehouses[1]))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "toWarehouseId", req->to_warehouse_id,
                              "another warehouse than fromWarehouseId");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(stock_lines_resolve(ctx, tx, req->lines, req->n_lines, 1, &lines));
    TRY(store_open_book(tx, stock_line_items(ctx, lines, req->n_lines), (struct ids){warehouses, 2},
                        &book));
    for (size_t i = 0; i < req->n_lines; i++)
        TRY(take_line(ctx, &book, &lines[i], movement, warehouses));
    TRY(stock_events_add(ctx, &events, &book, MOVEMENT_TRANSFER));
    TRY(store_save_book(tx, &book, &events));
    TRY(db_audit(tx, "transfer_stock", warehouses[0],
                 audit_detail(ctx, req->n_lines, req->reference)));

    Inventory__V1__StockLevel **from = reply_levels(ctx, &book, lines, req->n_lines, warehouses[0]);
    Inventory__V1__StockLevel **to = reply_levels(ctx, &book, lines, req->n_lines, warehouses[1]);
    rep->n_levels = 2 * req->n_lines;
    rep->levels = arena_array(ctx->arena, Inventory__V1__StockLevel *, rep->n_levels);
    for (size_t i = 0; i < req->n_lines; i++) {
        rep->levels[2 * i] = from[i];
        rep->levels[2 * i + 1] = to[i];
    }
    return db_commit(&tx);
}

/* What was counted is what nobody has been promised: the difference goes to or comes from loss. */
static void count_line(struct book *book, const struct stock_line *line, struct movement movement,
                       struct uuid warehouse_id)
{
    struct level *level = stock_line_level(book, line, warehouse_id);
    int64_t difference = line->quantity - level->now[ACCOUNT_AVAILABLE];

    if (difference == 0)
        return;
    movement.kind = difference > 0 ? MOVEMENT_COUNT_UP : MOVEMENT_COUNT_DOWN;
    movement.to = difference > 0 ? level : NULL;
    movement.from = difference > 0 ? NULL : level;
    movement.quantity = difference > 0 ? difference : -difference;
    book_post(book, &movement);
}

static struct status take_line(struct ctx *ctx, struct book *book, const struct stock_line *line,
                               struct movement movement, const struct uuid *warehouses)
{
    movement.from = stock_line_level(book, line, warehouses[0]);
    movement.to = stock_line_level(book, line, warehouses[1]);
    movement.quantity = line->quantity;
    if (movement.from->now[ACCOUNT_AVAILABLE] < line->quantity)
        return ctx_fail(ctx, &INSUFFICIENT_STOCK, "stock item %s: wanted %lld, available %lld",
                        uuid_text(ctx->arena, line->stock_item_id), (long long)line->quantity,
                        (long long)movement.from->now[ACCOUNT_AVAILABLE]);
    book_post(book, &movement);
    return status_ok();
}

static Inventory__V1__StockLevel **reply_levels(struct ctx *ctx, const struct book *book,
                                                const struct stock_line *lines, size_t count,
                                                struct uuid warehouse_id)
{
    Inventory__V1__StockLevel **levels =
        arena_array(ctx->arena, Inventory__V1__StockLevel *, count);

    for (size_t i = 0; i < count; i++)
        levels[i] = reply_level(ctx, stock_line_level(book, &lines[i], warehouse_id));
    return levels;
}

static struct movement movement_of(struct ctx *ctx, enum movement_kind kind, const char *reference)
{
    return (struct movement){
        .kind = kind, .cause_id = uuid_v7(), .reference = reference, .actor = ctx->caller.actor};
}

static const char *audit_detail(struct ctx *ctx, size_t lines, const char *reference)
{
    return arena_printf(ctx->arena, "%zu lines, reference \"%s\"", lines, str_or_empty(reference));
}
