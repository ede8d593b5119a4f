/* store_channel.c - the statements of stores and channels. */
#include "platform.h"

#define STORE_COLUMNS                                                                              \
    "store.id, store.code, store.name, store.legal_entity, store.tax_id, store.country_code,"      \
    " store.sender_email"
#define STORE_COLUMN_TYPES "utttttt"
#define CHANNEL_COLUMNS                                                                            \
    "channel.id, channel.store_id, channel.code, channel.name, channel.currency_codes,"            \
    " channel.locales, channel.country_codes, channel.prices_include_tax, channel.is_active,"      \
    " channel.version, channel.publishable_key"
#define CHANNEL_COLUMN_TYPES "uuttTTTffit"

enum { CHANNEL_COLUMN_COUNT = sizeof CHANNEL_COLUMN_TYPES - 1 };

static const struct db_stmt ADD_STORE = {
    .name = "add_store",
    .in = "utttttti", /* ..., the most there may be */
    .out = "",
    .sql = "INSERT INTO platform.store (id, code, name, legal_entity, tax_id, country_code,"
           " sender_email) SELECT $1, $2, $3, $4, $5, $6, $7"
           " WHERE (SELECT count(*) FROM platform.store) < $8",
};

static const struct db_stmt LIST_STORES = {
    .name = "list_stores",
    .in = "i",
    .out = STORE_COLUMN_TYPES,
    .sql = "SELECT " STORE_COLUMNS " FROM platform.store ORDER BY id LIMIT $1",
    .read_only = true,
};

static const struct db_stmt ADD_CHANNEL = {
    .name = "add_channel",
    .in = CHANNEL_COLUMN_TYPES "i", /* ..., the most there may be */
    .out = "",
    .sql = "INSERT INTO platform.channel (id, store_id, code, name, currency_codes, locales,"
           " country_codes, prices_include_tax, is_active, version, publishable_key)"
           " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11"
           " WHERE (SELECT count(*) FROM platform.channel) < $12",
};

static const struct db_stmt LOCK_CHANNEL = {
    .name = "lock_channel",
    .in = "u",
    .out = CHANNEL_COLUMN_TYPES,
    .sql = "SELECT " CHANNEL_COLUMNS " FROM platform.channel WHERE id = $1 FOR UPDATE",
};

static const struct db_stmt CHANGE_CHANNEL = {
    .name = "change_channel",
    .in = CHANNEL_COLUMN_TYPES,
    .out = "",
    .sql = "UPDATE platform.channel SET store_id = $2, code = $3, name = $4, currency_codes = $5,"
           " locales = $6, country_codes = $7, prices_include_tax = $8, is_active = $9,"
           " version = $10, publishable_key = $11 WHERE id = $1",
};

static const struct db_stmt LIST_CHANNELS = {
    .name = "list_channels",
    .in = "i",
    .out = CHANNEL_COLUMN_TYPES,
    .sql = "SELECT " CHANNEL_COLUMNS " FROM platform.channel ORDER BY id LIMIT $1",
    .read_only = true,
};

static const struct db_stmt FIND_CHANNEL_BY_KEY = {
    .name = "find_channel_by_key",
    .in = "t",
    .out = CHANNEL_COLUMN_TYPES STORE_COLUMN_TYPES,
    .sql = "SELECT " CHANNEL_COLUMNS ", " STORE_COLUMNS
           "  FROM platform.channel JOIN platform.store ON store.id = channel.store_id"
           " WHERE publishable_key = $1",
    .read_only = true,
};

static Platform__V1__Store *read_store(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                       size_t column);
static Platform__V1__Channel *read_channel(struct ctx *ctx, const struct db_rows *rows, size_t row);

struct status store_add_store(struct db_tx *tx, const Platform__V1__Store *store, bool *ret_added)
{
    int64_t count;

    TRY(db_exec(tx, &ADD_STORE,
                DB_ARGS(db_uuid(parsed(store->id)), db_text(store->code), db_text(store->name),
                        db_text(store->legal_entity), db_text(store->tax_id),
                        db_text(store->country_code), db_text(store->sender_email),
                        db_int(STORES_MAX)),
                &count));
    *ret_added = count > 0;
    return status_ok();
}

struct status store_list_stores(struct db_tx *tx, Platform__V1__Store ***ret_stores,
                                size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    TRY(db_many(tx, &LIST_STORES, DB_ARGS(db_int(STORES_MAX)), &rows));
    *ret_stores = arena_array(ctx->arena, Platform__V1__Store *, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_stores)[i] = read_store(ctx, &rows, i, 0);
    return status_ok();
}

struct status store_add_channel(struct db_tx *tx, const Platform__V1__Channel *channel,
                                bool *ret_added)
{
    int64_t count;

    TRY(db_exec(tx, &ADD_CHANNEL,
                DB_ARGS(db_uuid(parsed(channel->id)), db_uuid(parsed(channel->store_id)),
                        db_text(channel->code), db_text(channel->name),
                        db_texts(channel->currency_codes, channel->n_currency_codes),
                        db_texts(channel->locales, channel->n_locales),
                        db_texts(channel->country_codes, channel->n_country_codes),
                        db_bool(channel->prices_include_tax), db_bool(channel->is_active),
                        db_int(channel->version), db_text(channel->publishable_key),
                        db_int(CHANNELS_MAX)),
                &count));
    *ret_added = count > 0;
    return status_ok();
}

struct status store_lock_channel(struct db_tx *tx, const char *id,
                                 Platform__V1__Channel **ret_channel)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found = db_one(tx, &LOCK_CHANNEL, DB_ARGS(db_uuid(parsed(id))), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &CHANNEL_NOT_FOUND, "channel.id", id, "the id of a channel");
    TRY(found);
    *ret_channel = read_channel(ctx, &rows, 0);
    return status_ok();
}

struct status store_change_channel(struct db_tx *tx, const Platform__V1__Channel *channel)
{
    return db_exec(tx, &CHANGE_CHANNEL,
                   DB_ARGS(db_uuid(parsed(channel->id)), db_uuid(parsed(channel->store_id)),
                           db_text(channel->code), db_text(channel->name),
                           db_texts(channel->currency_codes, channel->n_currency_codes),
                           db_texts(channel->locales, channel->n_locales),
                           db_texts(channel->country_codes, channel->n_country_codes),
                           db_bool(channel->prices_include_tax), db_bool(channel->is_active),
                           db_int(channel->version), db_text(channel->publishable_key)),
                   NULL);
}

struct status store_list_channels(struct db_tx *tx, Platform__V1__Channel ***ret_channels,
                                  size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    TRY(db_many(tx, &LIST_CHANNELS, DB_ARGS(db_int(CHANNELS_MAX)), &rows));
    *ret_channels = arena_array(ctx->arena, Platform__V1__Channel *, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_channels)[i] = read_channel(ctx, &rows, i);
    return status_ok();
}

struct status store_find_channel_by_key(struct db_tx *tx, const char *key,
                                        Platform__V1__Channel **ret_channel,
                                        Platform__V1__Store **ret_store)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found = db_one(tx, &FIND_CHANNEL_BY_KEY, DB_ARGS(db_text(key)), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &CHANNEL_NOT_FOUND, "publishableKey", key,
                              "the publishable key of a channel");
    TRY(found);
    *ret_channel = read_channel(ctx, &rows, 0);
    *ret_store = read_store(ctx, &rows, 0, CHANNEL_COLUMN_COUNT);
    return status_ok();
}

static Platform__V1__Store *read_store(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                       size_t column)
{
    Platform__V1__Store *store = arena_new(ctx->arena, Platform__V1__Store);

    platform__v1__store__init(store);
    store->id = uuid_text(ctx->arena, db_get_uuid(rows, row, column));
    store->code = db_get_text(rows, row, column + 1);
    store->name = db_get_text(rows, row, column + 2);
    store->legal_entity = db_get_text(rows, row, column + 3);
    store->tax_id = db_get_text(rows, row, column + 4);
    store->country_code = db_get_text(rows, row, column + 5);
    store->sender_email = db_get_text(rows, row, column + 6);
    return store;
}

static Platform__V1__Channel *read_channel(struct ctx *ctx, const struct db_rows *rows, size_t row)
{
    Platform__V1__Channel *channel = arena_new(ctx->arena, Platform__V1__Channel);

    platform__v1__channel__init(channel);
    channel->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    channel->store_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 1));
    channel->code = db_get_text(rows, row, 2);
    channel->name = db_get_text(rows, row, 3);
    channel->currency_codes = wire_texts(ctx, rows, row, 4, &channel->n_currency_codes);
    channel->locales = wire_texts(ctx, rows, row, 5, &channel->n_locales);
    channel->country_codes = wire_texts(ctx, rows, row, 6, &channel->n_country_codes);
    channel->prices_include_tax = db_get_bool(rows, row, 7);
    channel->is_active = db_get_bool(rows, row, 8);
    channel->version = db_get_int(rows, row, 9);
    channel->publishable_key = db_get_text(rows, row, 10);
    return channel;
}

const struct db_stmt *const STORE_CHANNEL_STATEMENTS[] = {
    &ADD_STORE,      &LIST_STORES,   &ADD_CHANNEL,         &LOCK_CHANNEL,
    &CHANGE_CHANNEL, &LIST_CHANNELS, &FIND_CHANNEL_BY_KEY, NULL,
};
