/* store_book.c - everything a calculation depends on: prices by one statement, the terms in memory.
 */
#include "pricing.h"

#include "common/str.h"
#include "store.h"

static const struct db_stmt BUMP_TERMS = {
    .name = "bump_terms",
    .in = "",
    .out = "",
    .sql = "UPDATE pricing.terms_epoch SET epoch = epoch + 1",
};

static const struct db_stmt TERMS_LISTS = {
    .name = "terms_lists",
    .in = "",
    .out = LIST_COLUMN_TYPES,
    .sql = "SELECT " LIST_COLUMNS " FROM pricing.price_list ORDER BY id LIMIT 10000",
    .read_only = true,
};

static const struct db_stmt TERMS_RATES = {
    .name = "terms_rates",
    .in = "",
    .out = RATE_COLUMN_TYPES,
    .sql = "SELECT " RATE_COLUMNS " FROM pricing.tax_rate WHERE valid_until > valid_from"
           " ORDER BY id LIMIT 100000",
    .read_only = true,
};

static const struct db_stmt TERMS_CURRENCIES = {
    .name = "terms_currencies",
    .in = "",
    .out = "ti",
    .sql = "SELECT code, exponent FROM pricing.currency LIMIT 1000",
    .read_only = true,
};

/* There is always a row, which tells time and epoch; without prices its id is null. The sub-selects
 * hide the arrays' lengths: with a length in sight the statement would be planned at each call,
 * which takes four times what it does. */
#define BOOK_HEAD                                                                                  \
    "SELECT price.id, price.price_list_id, price.variant_id, price.min_quantity,"                  \
    " price.unit_unscaled, price.unit_scale, price.compare_unscaled, price.compare_scale,"         \
    " price.valid_from, nullif(price.valid_until, 'infinity'),"                                    \
    " coalesce($2, clock_timestamp()), (SELECT epoch FROM pricing.terms_epoch)"                    \
    " FROM (VALUES (1)) AS always (one) LEFT JOIN pricing.price"                                   \
    "   ON price.variant_id = ANY (ARRAY(SELECT unnest($1))) AND price.valid_until > "             \
    "price.valid_from"
#define BOOK_TAIL                                                                                  \
    " ORDER BY price.variant_id, price.price_list_id, price.min_quantity, price.valid_from"        \
    " LIMIT 20000"

static const struct db_stmt BOOK = {
    .name = "book",
    .in = "Udt",
    .out = PRICE_COLUMN_TYPES "di",
    .sql = BOOK_HEAD
    " AND price.valid_until > coalesce($2, clock_timestamp())"
    " AND price.price_list_id = ANY (ARRAY("
    "   SELECT id FROM pricing.price_list WHERE currency_code = $3 AND is_active))" BOOK_TAIL,
    .read_only = true,
};

static const struct db_stmt WHOLE_BOOK = {
    .name = "whole_book",
    .in = "Ud",
    .out = PRICE_COLUMN_TYPES "di",
    .sql = BOOK_HEAD BOOK_TAIL,
    .read_only = true,
};

struct status store_bump_terms(struct db_tx *tx)
{
    return db_later(tx, &BUMP_TERMS, DB_NONE);
}

static struct status load_terms(struct db_tx *tx, void *rows_of_epoch)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct terms *terms = rows_of_epoch;
    struct db_call calls[] = {
        {.stmt = &TERMS_LISTS}, {.stmt = &TERMS_RATES}, {.stmt = &TERMS_CURRENCIES}};
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));

    struct price_list *lists = arena_array(arena, struct price_list, calls[0].rows.count);
    for (size_t i = 0; i < calls[0].rows.count; i++)
        store_read_list(&calls[0].rows, i, &lists[i]);
    terms->lists = lists;
    terms->list_count = calls[0].rows.count;
    terms->rates = store_read_rates(tx, &calls[1].rows, &terms->rate_count);

    struct currency *currencies = arena_array(arena, struct currency, calls[2].rows.count);
    for (size_t i = 0; i < calls[2].rows.count; i++)
        currencies[i] = (struct currency){db_get_text(&calls[2].rows, i, 0),
                                          (int32_t)db_get_int(&calls[2].rows, i, 1)};
    terms->currencies = currencies;
    terms->currency_count = calls[2].rows.count;
    return status_ok();
}

static const struct epoch_kind TERMS = {.size = sizeof(struct terms), .load = load_terms};

static const struct currency *find_currency(const struct terms *terms, const char *code)
{
    for (size_t i = 0; i < terms->currency_count; i++)
        if (str_equal(terms->currencies[i].code, code))
            return &terms->currencies[i];
    return NULL;
}

struct status store_load_book(struct db_tx *tx, const struct book_query *query,
                              struct price_book *ret_book)
{
    enum { AT = sizeof(PRICE_COLUMN_TYPES) - 1, EPOCH };
    struct pricing *self = ctx_state(db_ctx(tx));
    struct db_rows rows;
    const void *rows_of_epoch;
    struct db_value variants = db_uuids(query->variant_ids, query->variant_count);
    struct db_value at = db_time_or_null(query->at_us);
    if (query->every_price)
        TRY(db_many(tx, &WHOLE_BOOK, DB_ARGS(variants, at), &rows));
    else
        TRY(db_many(tx, &BOOK, DB_ARGS(variants, at, db_text(query->currency_code)), &rows));
    TRY(epoch_rows_get(tx, &self->terms, &TERMS, db_get_int(&rows, 0, EPOCH), &rows_of_epoch));

    const struct terms *terms = rows_of_epoch;
    const struct currency *currency = find_currency(terms, query->currency_code);
    *ret_book = (struct price_book){
        .at_us = db_get_time(&rows, 0, AT),
        .knows_currency = currency != NULL,
        .exponent = currency ? currency->exponent : 0,
        .lists = terms->lists,
        .list_count = terms->list_count,
        .rates = terms->rates,
        .rate_count = terms->rate_count,
    };
    if (!db_is_null(&rows, 0, 0))
        ret_book->prices = store_read_prices(tx, &rows, &ret_book->price_count);
    return status_ok();
}

const struct db_stmt *const STORE_BOOK_STATEMENTS[] = {
    &BUMP_TERMS, &TERMS_LISTS, &TERMS_RATES, &TERMS_CURRENCIES, &BOOK, &WHOLE_BOOK, NULL,
};
