/* store_price.c - the statements of price rows. */
#include "pricing.h"

#include "store.h"

/* The list's row is locked before any of its prices: SetPrices calls on one list queue here. The
 * database's clock says what "now" is. */
static const struct db_stmt LOCK_LIST = {
    .name = "lock_list",
    .in = "u",
    .out = LIST_COLUMN_TYPES "d",
    .sql = "SELECT " LIST_COLUMNS ", clock_timestamp() FROM pricing.price_list WHERE id = $1"
           " FOR UPDATE",
};

static const struct db_stmt LOAD_OPEN_PRICES = {
    .name = "load_open_prices",
    .in = "uUd",
    .out = PRICE_COLUMN_TYPES,
    .sql = "SELECT " PRICE_COLUMNS " FROM pricing.price"
           " WHERE price_list_id = $1 AND variant_id = ANY ($2) AND valid_until > $3"
           " AND valid_until > valid_from",
};

static const struct db_stmt END_PRICES = {
    .name = "end_prices",
    .in = "UD",
    .out = "",
    .sql = "UPDATE pricing.price SET valid_until = ended.valid_until"
           " FROM unnest($1, $2) AS ended(id, valid_until) WHERE price.id = ended.id",
};

static const struct db_stmt ADD_PRICES = {
    .name = "add_prices",
    .in = "UuUIIIIIDD",
    .out = "",
    .sql =
        "INSERT INTO pricing.price (id, price_list_id, variant_id, min_quantity, unit_unscaled,"
        " unit_scale, compare_unscaled, compare_scale, valid_from, valid_until)"
        " SELECT id, $2, variant_id, min_quantity, unit_unscaled, unit_scale,"
        " CASE WHEN compare_scale >= 0 THEN compare_unscaled END,"
        " CASE WHEN compare_scale >= 0 THEN compare_scale END,"
        " valid_from, CASE WHEN valid_until = 'epoch' THEN 'infinity' ELSE valid_until END"
        " FROM unnest($1, $3, $4, $5, $6, $7, $8, $9, $10) AS added(id, variant_id, min_quantity,"
        " unit_unscaled, unit_scale, compare_unscaled, compare_scale, valid_from, valid_until)",
};

static const struct db_stmt LIST_PRICES = {
    .name = "list_prices",
    .in = "uufui",
    .out = PRICE_COLUMN_TYPES,
    .sql = "SELECT " PRICE_COLUMNS " FROM pricing.price"
           " WHERE ($1::uuid IS NULL OR price_list_id = $1)"
           " AND ($2::uuid IS NULL OR variant_id = $2)"
           " AND ($3 OR valid_until > clock_timestamp()) AND id > $4 ORDER BY id LIMIT $5",
    .read_only = true,
};

void store_read_price(const struct db_rows *rows, size_t row, struct price *price)
{
    *price = (struct price){
        .id = db_get_uuid(rows, row, 0),
        .price_list_id = db_get_uuid(rows, row, 1),
        .variant_id = db_get_uuid(rows, row, 2),
        .min_quantity = db_get_int(rows, row, 3),
        .unit = {db_get_int(rows, row, 4), (int32_t)db_get_int(rows, row, 5)},
        .has_compare_at = !db_is_null(rows, row, 6),
        .compare_at = {db_get_int(rows, row, 6), (int32_t)db_get_int(rows, row, 7)},
        .valid_from_us = db_get_time(rows, row, 8),
        .valid_until_us = db_get_time(rows, row, 9),
    };
}

struct price *store_read_prices(struct db_tx *tx, const struct db_rows *rows, size_t *ret_count)
{
    struct price *prices = arena_array(db_ctx(tx)->arena, struct price, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        store_read_price(rows, i, &prices[i]);
    *ret_count = rows->count;
    return prices;
}

struct status store_lock_list(struct db_tx *tx, struct uuid list_id, struct price_list *ret_list,
                              int64_t *ret_now_us)
{
    struct db_rows rows;
    struct status found = db_one(tx, &LOCK_LIST, DB_ARGS(db_uuid(list_id)), &rows);
    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(db_ctx(tx), &PRICE_LIST_NOT_FOUND, "priceListId",
                              uuid_text(db_ctx(tx)->arena, list_id), "the id of a price list");
    TRY(found);
    store_read_list(&rows, 0, ret_list);
    *ret_now_us = db_get_time(&rows, 0, 14);
    return status_ok();
}

struct status store_load_open_prices(struct db_tx *tx, struct uuid list_id,
                                     const struct uuid *variant_ids, size_t count, int64_t from_us,
                                     struct price **ret_prices, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LOAD_OPEN_PRICES,
                DB_ARGS(db_uuid(list_id), db_uuids(variant_ids, count), db_time(from_us)), &rows));
    *ret_prices = store_read_prices(tx, &rows, ret_count);
    return status_ok();
}

struct status store_end_prices(struct db_tx *tx, const struct price *prices, size_t count)
{
    struct arena *arena = db_ctx(tx)->arena;
    if (count == 0)
        return status_ok();
    struct uuid *ids = arena_array(arena, struct uuid, count);
    int64_t *untils = arena_array(arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = prices[i].id;
        untils[i] = prices[i].valid_until_us;
    }
    return db_later(tx, &END_PRICES, DB_ARGS(db_uuids(ids, count), db_times(untils, count)));
}

/* An absent compare-at price travels as scale -1, an open end as the epoch: arrays have no NULLs.
 */
struct status store_add_prices(struct db_tx *tx, const struct price *prices, size_t count)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *ids = arena_array(arena, struct uuid, count);
    struct uuid *variants = arena_array(arena, struct uuid, count);
    int64_t *columns[7];
    for (size_t c = 0; c < ARRAY_LEN(columns); c++)
        columns[c] = arena_array(arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = prices[i].id;
        variants[i] = prices[i].variant_id;
        columns[0][i] = prices[i].min_quantity;
        columns[1][i] = prices[i].unit.unscaled;
        columns[2][i] = prices[i].unit.scale;
        columns[3][i] = prices[i].compare_at.unscaled;
        columns[4][i] = prices[i].has_compare_at ? prices[i].compare_at.scale : -1;
        columns[5][i] = prices[i].valid_from_us;
        columns[6][i] = prices[i].valid_until_us;
    }
    return db_later(tx, &ADD_PRICES,
                    DB_ARGS(db_uuids(ids, count), db_uuid(prices[0].price_list_id),
                            db_uuids(variants, count), db_ints(columns[0], count),
                            db_ints(columns[1], count), db_ints(columns[2], count),
                            db_ints(columns[3], count), db_ints(columns[4], count),
                            db_times(columns[5], count), db_times(columns[6], count)));
}

struct status store_list_prices(struct db_tx *tx, const struct price_filter *filter,
                                struct price **ret_prices, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_PRICES,
                DB_ARGS(db_uuid_or_null(filter->list_id), db_uuid_or_null(filter->variant_id),
                        db_bool(filter->include_history), db_uuid(filter->after),
                        db_int(filter->limit)),
                &rows));
    *ret_prices = store_read_prices(tx, &rows, ret_count);
    return status_ok();
}

const struct db_stmt *const STORE_PRICE_STATEMENTS[] = {
    &LOCK_LIST, &LOAD_OPEN_PRICES, &END_PRICES, &ADD_PRICES, &LIST_PRICES, NULL,
};
