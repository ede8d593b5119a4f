/* store_shipping.c - the statements of shipping options. */
#include "platform.h"

#include "chassis/wire.h"
#include "common/json.h"
#include "common/str.h"
#include "platform/v1/service.schema.h"

#include <string.h>

enum { CONDITIONS_COLUMN = 14, NOW_COLUMN };

#define OPTION_COLUMNS                                                                             \
    "option.id, option.channel_id, option.code, option.name_locales, option.names,"                \
    " option.country_codes, option.price_currencies, option.price_minors, option.is_gross,"        \
    " option.home_country_code, option.tax_category_code, option.is_active, option.position,"      \
    " option.version, jsonb_build_object('conditions', option.conditions)"
#define OPTION_COLUMN_TYPES "uutTTTTIfttfiij"
/* The last is a shipping option in proto3 JSON that has nothing but conditions, whose array is what
 * the table keeps. */
#define CONDITIONS "coalesce($15::jsonb -> 'conditions', '[]')"

static const struct db_stmt ADD_OPTION = {
    .name = "add_shipping_option",
    .in = OPTION_COLUMN_TYPES "i", /* ..., the most its channel may have */
    .out = "",
    .sql = "INSERT INTO platform.shipping_option (id, channel_id, code, name_locales, names,"
           " country_codes, price_currencies, price_minors, is_gross, home_country_code,"
           " tax_category_code, is_active, position, version, conditions)"
           " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, " CONDITIONS
           " WHERE (SELECT count(*) FROM platform.shipping_option WHERE channel_id = $2) < $16",
};

static const struct db_stmt CHANGE_OPTION = {
    .name = "change_shipping_option",
    .in = OPTION_COLUMN_TYPES,
    .out = "",
    .sql = "UPDATE platform.shipping_option SET channel_id = $2, code = $3, name_locales = $4,"
           " names = $5, country_codes = $6, price_currencies = $7, price_minors = $8,"
           " is_gross = $9, home_country_code = $10, tax_category_code = $11, is_active = $12,"
           " position = $13, version = $14, conditions = " CONDITIONS " WHERE id = $1",
};

static const struct db_stmt FIND_OPTION = {
    .name = "find_shipping_option",
    .in = "u",
    .out = OPTION_COLUMN_TYPES,
    .sql = "SELECT " OPTION_COLUMNS " FROM platform.shipping_option AS option WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_OPTION = {
    .name = "lock_shipping_option",
    .in = "u",
    .out = OPTION_COLUMN_TYPES,
    .sql = "SELECT " OPTION_COLUMNS
           " FROM platform.shipping_option AS option WHERE id = $1 FOR UPDATE",
};

/* Who asks by country or currency is a buyer: inactive options and inactive countries stay out. A
 * buyer asks of one channel: without a choice in that place the plan is kept. */
// tidy: macro: a statement's text is a constant, and here there are two of it
#define OPTIONS_SQL(of_channel)                                                                    \
    "SELECT " OPTION_COLUMNS ", clock_timestamp() FROM platform.shipping_option AS option"         \
    "  JOIN platform.channel ON channel.id = option.channel_id"                                    \
    " WHERE " of_channel "   AND ($2 = '' OR ($2 = ANY (channel.country_codes)"                    \
    "        AND (option.country_codes = '{}' OR $2 = ANY (option.country_codes))))"               \
    "   AND ($3 = '' OR $3 = ANY (option.price_currencies))"                                       \
    "   AND (option.is_active OR ($2 = '' AND $3 = ''))"                                           \
    " ORDER BY option.channel_id, option.position, option.id LIMIT $4"

static const struct db_stmt LIST_OPTIONS = {
    .name = "list_shipping_options",
    .in = "utti",                   /* channel, country, currency, limit */
    .out = OPTION_COLUMN_TYPES "d", /* ..., now */
    .sql = OPTIONS_SQL("($1::uuid IS NULL OR option.channel_id = $1)"),
    .read_only = true,
};

static const struct db_stmt LIST_OPTIONS_OF_CHANNEL = {
    .name = "list_shipping_options_of_channel",
    .in = "utti",
    .out = OPTION_COLUMN_TYPES "d",
    .sql = OPTIONS_SQL("option.channel_id = $1"),
    .read_only = true,
};

static struct status find(struct db_tx *tx, const struct db_stmt *stmt, const char *id,
                          Platform__V1__ShippingOption **ret_option);
static struct status read_option(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                 Platform__V1__ShippingOption **ret_option);
static void read_names(struct ctx *ctx, const struct db_rows *rows, size_t row,
                       Platform__V1__ShippingOption *option);
static void read_prices(struct ctx *ctx, const struct db_rows *rows, size_t row,
                        Platform__V1__ShippingOption *option);

/* The parallel arrays of names and prices, and the conditions in JSON. */
struct option_columns {
    const char **name_locales, **names;
    const char **currencies;
    int64_t *minors;
    const char *conditions;
};

static const char *conditions_of(struct ctx *ctx, const Platform__V1__ShippingOption *option)
{
    Platform__V1__ShippingOption only = PLATFORM__V1__SHIPPING_OPTION__INIT;
    struct buffer json;

    only.conditions = option->conditions;
    only.n_conditions = option->n_conditions;
    buffer_init(&json, ctx->arena, 0);
    json_encode(&json, &platform__v1__shipping_option__schema, &only.base, false);
    return json.data;
}

static struct option_columns columns_of(struct ctx *ctx, const Platform__V1__ShippingOption *option)
{
    struct option_columns columns = {
        .name_locales = arena_array(ctx->arena, const char *, option->n_names),
        .names = arena_array(ctx->arena, const char *, option->n_names),
        .currencies = arena_array(ctx->arena, const char *, option->n_prices),
        .minors = arena_array(ctx->arena, int64_t, option->n_prices),
        .conditions = conditions_of(ctx, option),
    };

    for (size_t i = 0; i < option->n_names; i++) {
        columns.name_locales[i] = option->names[i]->key;
        columns.names[i] = option->names[i]->value;
    }
    for (size_t i = 0; i < option->n_prices; i++) {
        columns.currencies[i] = option->prices[i]->currency_code;
        columns.minors[i] = option->prices[i]->minor_units;
    }
    return columns;
}

struct status store_add_shipping_option(struct db_tx *tx,
                                        const Platform__V1__ShippingOption *option, bool *ret_added)
{
    const struct option_columns columns = columns_of(db_ctx(tx), option);
    int64_t count;

    TRY(db_exec(tx, &ADD_OPTION,
                DB_ARGS(db_uuid(parsed(option->id)), db_uuid(parsed(option->channel_id)),
                        db_text(option->code), db_texts(columns.name_locales, option->n_names),
                        db_texts(columns.names, option->n_names),
                        db_texts(option->country_codes, option->n_country_codes),
                        db_texts(columns.currencies, option->n_prices),
                        db_ints(columns.minors, option->n_prices), db_bool(option->is_gross),
                        db_text(option->home_country_code), db_text(option->tax_category_code),
                        db_bool(option->is_active), db_int(option->position),
                        db_int(option->version), db_json(columns.conditions),
                        db_int(SHIPPING_OPTIONS_MAX)),
                &count));
    *ret_added = count > 0;
    return status_ok();
}

struct status store_change_shipping_option(struct db_tx *tx,
                                           const Platform__V1__ShippingOption *option)
{
    const struct option_columns columns = columns_of(db_ctx(tx), option);

    return db_exec(tx, &CHANGE_OPTION,
                   DB_ARGS(db_uuid(parsed(option->id)), db_uuid(parsed(option->channel_id)),
                           db_text(option->code), db_texts(columns.name_locales, option->n_names),
                           db_texts(columns.names, option->n_names),
                           db_texts(option->country_codes, option->n_country_codes),
                           db_texts(columns.currencies, option->n_prices),
                           db_ints(columns.minors, option->n_prices), db_bool(option->is_gross),
                           db_text(option->home_country_code), db_text(option->tax_category_code),
                           db_bool(option->is_active), db_int(option->position),
                           db_int(option->version), db_json(columns.conditions)),
                   NULL);
}

struct status store_lock_shipping_option(struct db_tx *tx, const char *id,
                                         Platform__V1__ShippingOption **ret_option)
{
    return find(tx, &LOCK_OPTION, id, ret_option);
}

struct status store_find_shipping_option(struct db_tx *tx, const char *id,
                                         Platform__V1__ShippingOption **ret_option)
{
    return find(tx, &FIND_OPTION, id, ret_option);
}

struct status store_list_shipping_options(struct db_tx *tx,
                                          const Platform__V1__ListShippingOptionsRequest *filter,
                                          struct listed_options *ret_listed)
{
    struct ctx *ctx = db_ctx(tx);
    struct listed_options listed = {0};
    struct db_rows rows;

    const struct uuid channel_id = parsed(filter->channel_id);
    TRY(db_many(tx, uuid_is_nil(channel_id) ? &LIST_OPTIONS : &LIST_OPTIONS_OF_CHANNEL,
                DB_ARGS(db_uuid_or_null(channel_id), db_text(filter->country_code),
                        db_text(filter->currency_code), db_int(SHIPPING_LIST_MAX)),
                &rows));
    listed.options = arena_array(ctx->arena, Platform__V1__ShippingOption *, rows.count);
    listed.count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        TRY(read_option(ctx, &rows, i, &listed.options[i]));
        listed.now_us = db_get_time(&rows, i, NOW_COLUMN);
    }
    *ret_listed = listed;
    return status_ok();
}

static struct status find(struct db_tx *tx, const struct db_stmt *stmt, const char *id,
                          Platform__V1__ShippingOption **ret_option)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found = db_one(tx, stmt, DB_ARGS(db_uuid(parsed(id))), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &SHIPPING_OPTION_NOT_FOUND, "id", id,
                              "the id of a shipping option");
    TRY(found);
    return read_option(ctx, &rows, 0, ret_option);
}

static struct status read_option(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                 Platform__V1__ShippingOption **ret_option)
{
    const char *conditions = db_get_text(rows, row, CONDITIONS_COLUMN);
    ProtobufCMessage *message;

    TRY(json_decode(ctx->arena, &platform__v1__shipping_option__schema, conditions,
                    strlen(conditions), true, &message));
    Platform__V1__ShippingOption *option = (Platform__V1__ShippingOption *)(void *)message;
    option->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    option->channel_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 1));
    option->code = db_get_text(rows, row, 2);
    read_names(ctx, rows, row, option);
    option->country_codes = wire_texts(ctx, rows, row, 5, &option->n_country_codes);
    read_prices(ctx, rows, row, option);
    option->is_gross = db_get_bool(rows, row, 8);
    option->home_country_code = db_get_text(rows, row, 9);
    option->tax_category_code = db_get_text(rows, row, 10);
    option->is_active = db_get_bool(rows, row, 11);
    option->position = (int32_t)db_get_int(rows, row, 12);
    option->version = db_get_int(rows, row, 13);
    *ret_option = option;
    return status_ok();
}

static void read_names(struct ctx *ctx, const struct db_rows *rows, size_t row,
                       Platform__V1__ShippingOption *option)
{
    size_t count;
    const char *const *locales = db_get_texts(ctx, rows, row, 3, &count);
    const char *const *names = db_get_texts(ctx, rows, row, 4, &option->n_names);

    option->names = arena_array(ctx->arena, Platform__V1__ShippingOption__NamesEntry *, count);
    for (size_t i = 0; i < count; i++) {
        option->names[i] = arena_new(ctx->arena, Platform__V1__ShippingOption__NamesEntry);
        platform__v1__shipping_option__names_entry__init(option->names[i]);
        option->names[i]->key = locales[i];
        option->names[i]->value = names[i];
    }
}

static void read_prices(struct ctx *ctx, const struct db_rows *rows, size_t row,
                        Platform__V1__ShippingOption *option)
{
    size_t count;
    const char *const *currencies = db_get_texts(ctx, rows, row, 6, &count);
    const int64_t *minors = db_get_ints(ctx, rows, row, 7, &option->n_prices);

    option->prices = arena_array(ctx->arena, Common__V1__Money *, count);
    for (size_t i = 0; i < count; i++) {
        option->prices[i] = arena_new(ctx->arena, Common__V1__Money);
        common__v1__money__init(option->prices[i]);
        option->prices[i]->currency_code = currencies[i];
        option->prices[i]->minor_units = minors[i];
    }
}

const struct db_stmt *const STORE_SHIPPING_STATEMENTS[] = {
    &ADD_OPTION,   &CHANGE_OPTION,           &FIND_OPTION, &LOCK_OPTION,
    &LIST_OPTIONS, &LIST_OPTIONS_OF_CHANNEL, NULL,
};
