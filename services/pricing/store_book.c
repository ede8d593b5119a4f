/* store_book.c - everything a calculation depends on, in one round trip. */
#include "pricing.h"

#include "common/str.h"
#include "store.h"

/* Lists of the currency that hold now or later; for explain all of them. */
static const struct db_stmt BOOK_LISTS = {
    .name = "book_lists",
    .in = "tdf",
    .out = LIST_COLUMN_TYPES,
    .sql = "SELECT " LIST_COLUMNS " FROM pricing.price_list"
           " WHERE $3 OR (currency_code = $1 AND is_active"
           " AND valid_until > coalesce($2, clock_timestamp())) ORDER BY id LIMIT 10000",
    .read_only = true,
};

static const struct db_stmt BOOK_PRICES = {
    .name = "book_prices",
    .in = "Utdf",
    .out = PRICE_COLUMN_TYPES,
    .sql = "SELECT price.id, price.price_list_id, price.variant_id, price.min_quantity,"
           " price.unit_unscaled, price.unit_scale, price.compare_unscaled, price.compare_scale,"
           " price.valid_from, nullif(price.valid_until, 'infinity')"
           " FROM pricing.price JOIN pricing.price_list ON price_list.id = price.price_list_id"
           " WHERE price.variant_id = ANY ($1)"
           " AND ($4 OR (price_list.currency_code = $2 AND price_list.is_active"
           "   AND price.valid_until > coalesce($3, clock_timestamp())))"
           " AND price.valid_until > price.valid_from"
           " ORDER BY price.variant_id, price.price_list_id, price.min_quantity, price.valid_from"
           " LIMIT 20000",
    .read_only = true,
};

static const struct db_stmt BOOK_RATES = {
    .name = "book_rates",
    .in = "d",
    .out = RATE_COLUMN_TYPES,
    .sql = "SELECT " RATE_COLUMNS " FROM pricing.tax_rate"
           " WHERE valid_until > coalesce($1, clock_timestamp()) AND valid_until > valid_from"
           " ORDER BY id LIMIT 10000",
    .read_only = true,
};

static const struct db_stmt BOOK_CURRENCY = {
    .name = "book_currency",
    .in = "td",
    .out = "di",
    .sql = "SELECT coalesce($2, clock_timestamp()),"
           " (SELECT exponent FROM pricing.currency WHERE code = $1)",
    .read_only = true,
};

struct status store_load_book(struct db_tx *tx, const struct book_query *query,
                              struct price_book *ret_book)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct db_value at = db_time_or_null(query->at_us);
    struct db_call calls[] = {
        {.stmt = &BOOK_CURRENCY, .args = DB_ARGS(db_text(query->currency_code), at)},
        {.stmt = &BOOK_LISTS,
         .args = DB_ARGS(db_text(query->currency_code), at, db_bool(query->all_lists))},
        {.stmt = &BOOK_PRICES,
         .args = DB_ARGS(db_uuids(query->variant_ids, query->variant_count),
                         db_text(query->currency_code), at, db_bool(query->all_lists))},
        {.stmt = &BOOK_RATES, .args = DB_ARGS(at)},
    };
    struct price_book book = {0};

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book.at_us = db_get_time(&calls[0].rows, 0, 0);
    book.knows_currency = !db_is_null(&calls[0].rows, 0, 1);
    book.exponent = (int32_t)db_get_int(&calls[0].rows, 0, 1);

    struct price_list *lists = arena_array(arena, struct price_list, calls[1].rows.count);
    for (size_t i = 0; i < calls[1].rows.count; i++)
        store_read_list(&calls[1].rows, i, &lists[i]);
    book.lists = lists;
    book.list_count = calls[1].rows.count;
    book.prices = store_read_prices(tx, &calls[2].rows, &book.price_count);
    book.rates = store_read_rates(tx, &calls[3].rows, &book.rate_count);
    *ret_book = book;
    return status_ok();
}

const struct db_stmt *const STORE_BOOK_STATEMENTS[] = {
    &BOOK_LISTS, &BOOK_PRICES, &BOOK_RATES, &BOOK_CURRENCY, NULL,
};
