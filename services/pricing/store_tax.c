/* store_tax.c - the statements of currencies and taxes. */
#include "pricing.h"

#include "store.h"

static const struct db_stmt SET_CURRENCY = {
    .name = "set_currency",
    .in = "ti",
    .out = "",
    .sql = "INSERT INTO pricing.currency (code, exponent) VALUES ($1, $2)"
           " ON CONFLICT (code) DO UPDATE SET exponent = excluded.exponent",
};

static const struct db_stmt LIST_CURRENCIES = {
    .name = "list_currencies",
    .in = "",
    .out = "ti",
    .sql = "SELECT code, exponent FROM pricing.currency ORDER BY code LIMIT 300",
    .read_only = true,
};

static const struct db_stmt SET_TAX_CATEGORY = {
    .name = "set_tax_category",
    .in = "tt",
    .out = "",
    .sql = "INSERT INTO pricing.tax_category (code, name) VALUES ($1, $2)"
           " ON CONFLICT (code) DO UPDATE SET name = excluded.name",
};

static const struct db_stmt LIST_TAX_CATEGORIES = {
    .name = "list_tax_categories",
    .in = "",
    .out = "tt",
    .sql = "SELECT code, name FROM pricing.tax_category ORDER BY code LIMIT 300",
    .read_only = true,
};

/* Rates of one category change one after the other. */
static const struct db_stmt LOCK_TAX_CATEGORY = {
    .name = "lock_tax_category",
    .in = "t",
    .out = "d",
    .sql = "SELECT clock_timestamp() FROM pricing.tax_category WHERE code = $1 FOR UPDATE",
};

static const struct db_stmt LOAD_RATES = {
    .name = "load_rates",
    .in = "tttd",
    .out = RATE_COLUMN_TYPES,
    .sql = "SELECT " RATE_COLUMNS " FROM pricing.tax_rate WHERE tax_category_code = $1"
           " AND country_code = $2 AND region = $3 AND valid_until > $4 ORDER BY valid_from",
};

static const struct db_stmt END_RATE = {
    .name = "end_rate",
    .in = "udi",
    .out = "",
    .sql = "UPDATE pricing.tax_rate SET valid_until = $2, version = $3 WHERE id = $1",
};

static const struct db_stmt ADD_RATE = {
    .name = "add_rate",
    .in = "uttttiidd",
    .out = "",
    .sql = "INSERT INTO pricing.tax_rate (id, tax_category_code, country_code, region, name,"
           " percentage_unscaled, percentage_scale, valid_from, valid_until)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, 'infinity'))",
};

static const struct db_stmt LIST_RATES = {
    .name = "list_rates",
    .in = "tui",
    .out = RATE_COLUMN_TYPES,
    .sql = "SELECT " RATE_COLUMNS " FROM pricing.tax_rate"
           " WHERE ($1 = '' OR country_code = $1) AND id > $2 ORDER BY id LIMIT $3",
    .read_only = true,
};

void store_read_rate(const struct db_rows *rows, size_t row, struct tax_rate *rate)
{
    *rate = (struct tax_rate){
        .id = db_get_uuid(rows, row, 0),
        .tax_category_code = db_get_text(rows, row, 1),
        .country_code = db_get_text(rows, row, 2),
        .region = db_get_text(rows, row, 3),
        .name = db_get_text(rows, row, 4),
        .percentage = {db_get_int(rows, row, 5), (int32_t)db_get_int(rows, row, 6)},
        .valid_from_us = db_get_time(rows, row, 7),
        .valid_until_us = db_get_time(rows, row, 8),
        .version = db_get_int(rows, row, 9),
    };
}

struct tax_rate *store_read_rates(struct db_tx *tx, const struct db_rows *rows, size_t *ret_count)
{
    struct tax_rate *rates = arena_array(db_ctx(tx)->arena, struct tax_rate, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        store_read_rate(rows, i, &rates[i]);
    *ret_count = rows->count;
    return rates;
}

struct status store_set_currency(struct db_tx *tx, const char *code, int64_t exponent)
{
    return db_later(tx, &SET_CURRENCY, DB_ARGS(db_text(code), db_int(exponent)));
}

struct status store_list_currencies(struct db_tx *tx, struct db_rows *ret_rows)
{
    return db_many(tx, &LIST_CURRENCIES, DB_NONE, ret_rows);
}

struct status store_set_tax_category(struct db_tx *tx, const char *code, const char *name)
{
    return db_later(tx, &SET_TAX_CATEGORY, DB_ARGS(db_text(code), db_text(name)));
}

struct status store_list_tax_categories(struct db_tx *tx, struct db_rows *ret_rows)
{
    return db_many(tx, &LIST_TAX_CATEGORIES, DB_NONE, ret_rows);
}

struct status store_lock_tax_category(struct db_tx *tx, const char *code, int64_t *ret_now_us)
{
    struct db_rows rows;
    struct status found = db_one(tx, &LOCK_TAX_CATEGORY, DB_ARGS(db_text(code)), &rows);
    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(db_ctx(tx), &UNKNOWN_TAX_CATEGORY, "taxRate.taxCategoryCode", code,
                              "a code that ListTaxCategories shows");
    TRY(found);
    *ret_now_us = db_get_time(&rows, 0, 0);
    return status_ok();
}

struct status store_load_rates(struct db_tx *tx, const struct tax_rate *like, int64_t from_us,
                               struct tax_rate **ret_rates, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LOAD_RATES,
                DB_ARGS(db_text(like->tax_category_code), db_text(like->country_code),
                        db_text(like->region), db_time(from_us)),
                &rows));
    *ret_rates = store_read_rates(tx, &rows, ret_count);
    return status_ok();
}

struct status store_end_rate(struct db_tx *tx, const struct tax_rate *rate)
{
    return db_later(
        tx, &END_RATE,
        DB_ARGS(db_uuid(rate->id), db_time(rate->valid_until_us), db_int(rate->version)));
}

struct status store_add_rate(struct db_tx *tx, const struct tax_rate *rate)
{
    return db_later(tx, &ADD_RATE,
                    DB_ARGS(db_uuid(rate->id), db_text(rate->tax_category_code),
                            db_text(rate->country_code), db_text(rate->region), db_text(rate->name),
                            db_int(rate->percentage.unscaled), db_int(rate->percentage.scale),
                            db_time(rate->valid_from_us), db_time_or_null(rate->valid_until_us)));
}

struct status store_list_rates(struct db_tx *tx, const char *country_code, struct uuid after,
                               int64_t limit, struct tax_rate **ret_rates, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_RATES, DB_ARGS(db_text(country_code), db_uuid(after), db_int(limit)),
                &rows));
    *ret_rates = store_read_rates(tx, &rows, ret_count);
    return status_ok();
}

const struct db_stmt *const STORE_TAX_STATEMENTS[] = {
    &SET_CURRENCY, &LIST_CURRENCIES, &SET_TAX_CATEGORY, &LIST_TAX_CATEGORIES, &LOCK_TAX_CATEGORY,
    &LOAD_RATES,   &END_RATE,        &ADD_RATE,         &LIST_RATES,          NULL,
};
