/* adjust.c - corrections with a reason, and what a stock level allows. */
#include "store.h"

#include "common/str.h"

static const enum movement_kind MOVEMENT_OF_REASON[] = {
    [INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_FOUND] = MOVEMENT_FIND,
    [INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_LOST] = MOVEMENT_LOSE,
    [INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_QUARANTINED] = MOVEMENT_QUARANTINE,
    [INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_CLEARED] = MOVEMENT_CLEAR,
    [INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_SCRAPPED] = MOVEMENT_SCRAP,
};

static struct status post(struct ctx *ctx, struct book *book, struct level *level,
                          const Inventory__V1__AdjustStockRequest *req, int64_t quantity);

struct status inventory_adjust_stock(struct ctx *ctx, const Inventory__V1__AdjustStockRequest *req,
                                     Inventory__V1__AdjustStockResponse *rep)
{
    Inventory__V1__StockQuantity wanted = INVENTORY__V1__STOCK_QUANTITY__INIT;
    Inventory__V1__StockQuantity *const wanted_lines[] = {&wanted};
    struct uuid warehouse = parsed(req->warehouse_id);
    struct event_list events = {0};
    struct stock_line *line;
    struct book book;

    wanted.stock_item_id = req->stock_item_id;
    wanted.variant_id = req->variant_id;
    wanted.quantity = req->quantity;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(stock_lines_resolve(ctx, tx, wanted_lines, 1, 1, &line));
    TRY(store_open_book(tx, (struct ids){&line->stock_item_id, 1}, (struct ids){&warehouse, 1},
                        &book));
    struct level *level = stock_line_level(&book, line, warehouse);
    TRY(post(ctx, &book, level, req, line->quantity));
    TRY(stock_events_add(ctx, &events, &book, book.movements[0].kind));
    TRY(store_save_book(tx, &book, &events));
    TRY(db_audit(tx, "adjust_stock", line->stock_item_id,
                 arena_printf(ctx->arena, "%s %lld in %s, reference \"%s\"",
                              MOVEMENT_RULES[book.movements[0].kind].name,
                              (long long)line->quantity, req->warehouse_id,
                              str_or_empty(req->reference))));

    rep->level = reply_level(ctx, level);
    return db_commit(&tx);
}

/* Changes what may happen from now on, not what has: no level crosses anything by it. */
struct status inventory_set_stock_level_policy(struct ctx *ctx,
                                               const Inventory__V1__SetStockLevelPolicyRequest *req,
                                               Inventory__V1__SetStockLevelPolicyResponse *rep)
{
    struct uuid warehouse = parsed(req->warehouse_id);
    struct uuid item = parsed(req->stock_item_id);
    struct book book;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_open_book(tx, (struct ids){&item, 1}, (struct ids){&warehouse, 1}, &book));
    struct level *level = book_find_level(&book, item, warehouse);
    if (level->low_threshold != req->low_threshold ||
        level->backorder_limit != req->backorder_limit) {
        level->low_threshold = req->low_threshold;
        level->backorder_limit = req->backorder_limit;
        level->version++;
        TRY(store_set_policy(tx, level));
        TRY(db_audit(tx, "set_stock_level_policy", item,
                     arena_printf(ctx->arena, "warehouse %s: low %lld, backorder %lld",
                                  req->warehouse_id, (long long)req->low_threshold,
                                  (long long)req->backorder_limit)));
    }

    rep->level = reply_level(ctx, level);
    return db_commit(&tx);
}

/* Only what is there can be lost, set apart or scrapped: never what a backorder lends. */
static struct status post(struct ctx *ctx, struct book *book, struct level *level,
                          const Inventory__V1__AdjustStockRequest *req, int64_t quantity)
{
    enum movement_kind kind = MOVEMENT_OF_REASON[req->adjustment_reason];
    const struct movement_rule *rule = &MOVEMENT_RULES[kind];

    if (rule->from < ACCOUNTS_INSIDE && level->now[rule->from] < quantity)
        return ctx_fail(ctx, &INSUFFICIENT_STOCK, "%s: wanted %lld, there are %lld",
                        account_name(rule->from), (long long)quantity,
                        (long long)level->now[rule->from]);
    book_post(book, &(struct movement){
                        .kind = kind,
                        .from = rule->from < ACCOUNTS_INSIDE ? level : NULL,
                        .to = rule->to < ACCOUNTS_INSIDE ? level : NULL,
                        .quantity = quantity,
                        .cause_id = uuid_v7(),
                        .reference = req->reference,
                        .actor = ctx->caller.actor,
                    });
    return status_ok();
}
