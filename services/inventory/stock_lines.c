/* stock_lines.c - the lines of receipts, counts and transfers: which stock item, how many units. */
#include "store.h"

#include "common/str.h"

#include <stdlib.h>

const struct error_def VARIANT_HAS_COMPONENTS = {
    STATUS_FAILED_PRECONDITION, "VARIANT_HAS_COMPONENTS",
    "The variant takes several stock items: name the stock item that was moved"};

static struct status refuse(struct ctx *ctx, size_t line, const char *field, const char *value,
                            const char *allowed);
static struct status check_line(struct ctx *ctx, const Inventory__V1__StockQuantity *line,
                                size_t index, int64_t quantity_min);
static struct status map_variants(struct ctx *ctx, struct db_tx *tx,
                                  Inventory__V1__StockQuantity *const *lines, size_t count,
                                  struct stock_line *mapped);
static struct status refuse_twice(struct ctx *ctx, const struct stock_line *lines, size_t count);

struct status stock_lines_resolve(struct ctx *ctx, struct db_tx *tx,
                                  Inventory__V1__StockQuantity *const *lines, size_t count,
                                  int64_t quantity_min, struct stock_line **ret_lines)
{
    struct stock_line *resolved = arena_array(ctx->arena, struct stock_line, count);
    bool has_variant = false;

    for (size_t i = 0; i < count; i++) {
        TRY(check_line(ctx, lines[i], i, quantity_min));
        resolved[i] = (struct stock_line){parsed(lines[i]->stock_item_id), lines[i]->quantity};
        has_variant = has_variant || !str_is_empty(lines[i]->variant_id);
    }
    if (has_variant)
        TRY(map_variants(ctx, tx, lines, count, resolved));
    TRY(refuse_twice(ctx, resolved, count));
    *ret_lines = resolved;
    return status_ok();
}

struct ids stock_line_items(struct ctx *ctx, const struct stock_line *lines, size_t count)
{
    struct uuid *items = arena_array(ctx->arena, struct uuid, count);

    for (size_t i = 0; i < count; i++)
        items[i] = lines[i].stock_item_id;
    return (struct ids){items, count};
}

struct level *stock_line_level(const struct book *book, const struct stock_line *line,
                               struct uuid warehouse_id)
{
    return book_find_level(book, line->stock_item_id, warehouse_id);
}

static struct status refuse(struct ctx *ctx, size_t line, const char *field, const char *value,
                            const char *allowed)
{
    return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST,
                          arena_printf(ctx->arena, "lines[%zu].%s", line, field), value, allowed);
}

static struct status check_line(struct ctx *ctx, const Inventory__V1__StockQuantity *line,
                                size_t index, int64_t quantity_min)
{
    if (str_is_empty(line->stock_item_id) == str_is_empty(line->variant_id))
        return refuse(ctx, index, "stockItemId", line->stock_item_id,
                      "either a stock item or a variant");
    if (line->quantity < quantity_min)
        return refuse(ctx, index, "quantity", "0", "at least 1");
    return status_ok();
}

/* Two six-packs are twelve bottles. */
static struct status map_variants(struct ctx *ctx, struct db_tx *tx,
                                  Inventory__V1__StockQuantity *const *lines, size_t count,
                                  struct stock_line *mapped)
{
    struct uuid *variants = arena_array(ctx->arena, struct uuid, count);
    struct component *components;
    size_t component_count;

    for (size_t i = 0; i < count; i++)
        variants[i] = parsed(lines[i]->variant_id);
    TRY(store_read_components(tx, variants, count, &components, &component_count));
    for (size_t i = 0; i < count; i++) {
        if (str_is_empty(lines[i]->variant_id))
            continue;
        size_t found = 0;
        mapped[i].stock_item_id = variants[i];
        for (size_t j = 0; j < component_count; j++) {
            if (!uuid_equal(components[j].variant_id, variants[i]))
                continue;
            found++;
            mapped[i].stock_item_id = components[j].stock_item_id;
            mapped[i].quantity = lines[i]->quantity * components[j].quantity;
        }
        if (found > 1)
            return ctx_fail(ctx, &VARIANT_HAS_COMPONENTS, "variant %s takes %zu stock items",
                            lines[i]->variant_id, found);
    }
    return status_ok();
}

static struct status refuse_twice(struct ctx *ctx, const struct stock_line *lines, size_t count)
{
    struct uuid *items = arena_array(ctx->arena, struct uuid, count);

    for (size_t i = 0; i < count; i++)
        items[i] = lines[i].stock_item_id;
    qsort(items, count, sizeof *items, uuid_compare);
    for (size_t i = 1; i < count; i++)
        if (uuid_equal(items[i - 1], items[i]))
            return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "lines",
                                  uuid_text(ctx->arena, items[i]), "each stock item once");
    return status_ok();
}
