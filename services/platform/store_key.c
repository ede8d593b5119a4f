/* store_key.c - the statements of API keys. */
#include "platform.h"

#include "chassis/wire.h"

#define KEY_COLUMNS "id, name, scopes, created_at, revoked_at"
#define KEY_COLUMN_TYPES "utTdd"

static const struct db_stmt ADD_KEY = {
    .name = "add_api_key",
    .in = "utTti", /* id, name, scopes, digest, the most that may be active */
    .out = "d",
    .sql = "INSERT INTO platform.api_key (id, name, scopes, digest) SELECT $1, $2, $3, $4"
           " WHERE (SELECT count(*) FROM platform.api_key WHERE revoked_at IS NULL) < $5"
           " RETURNING created_at",
};

static const struct db_stmt LIST_KEYS = {
    .name = "list_api_keys",
    .in = "i",
    .out = KEY_COLUMN_TYPES,
    .sql = "SELECT " KEY_COLUMNS " FROM platform.api_key"
           " ORDER BY revoked_at IS NOT NULL, id DESC LIMIT $1",
    .read_only = true,
};

static const struct db_stmt RESOLVE_KEY = {
    .name = "resolve_api_key",
    .in = "t",
    .out = KEY_COLUMN_TYPES,
    .sql = "SELECT " KEY_COLUMNS " FROM platform.api_key"
           " WHERE digest = $1 AND revoked_at IS NULL",
    .read_only = true,
};

static const struct db_stmt REVOKE_KEY = {
    .name = "revoke_api_key",
    .in = "u",
    .out = "f", /* is it revoked by this */
    .sql = "WITH revoked AS (UPDATE platform.api_key SET revoked_at = now()"
           "   WHERE id = $1 AND revoked_at IS NULL RETURNING id)"
           " SELECT EXISTS (SELECT FROM revoked) FROM platform.api_key WHERE id = $1",
};

static Platform__V1__ApiKey *read_key(struct ctx *ctx, const struct db_rows *rows, size_t row);

struct status store_add_api_key(struct db_tx *tx, Platform__V1__ApiKey *key, const char *digest,
                                bool *ret_added)
{
    struct db_rows rows;

    TRY(db_many(tx, &ADD_KEY,
                DB_ARGS(db_uuid(parsed(key->id)), db_text(key->name),
                        db_texts(key->scopes, key->n_scopes), db_text(digest),
                        db_int(API_KEYS_MAX)),
                &rows));
    *ret_added = rows.count > 0;
    if (*ret_added)
        key->create_time = wire_time(db_ctx(tx)->arena, db_get_time(&rows, 0, 0));
    key->revoke_time = NULL;
    return status_ok();
}

struct status store_list_api_keys(struct db_tx *tx, Platform__V1__ApiKey ***ret_keys,
                                  size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    TRY(db_many(tx, &LIST_KEYS, DB_ARGS(db_int(API_KEYS_MAX)), &rows));
    *ret_keys = arena_array(ctx->arena, Platform__V1__ApiKey *, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_keys)[i] = read_key(ctx, &rows, i);
    return status_ok();
}

struct status store_resolve_api_key(struct db_tx *tx, const char *digest,
                                    Platform__V1__ApiKey **ret_key)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found = db_one(tx, &RESOLVE_KEY, DB_ARGS(db_text(digest)), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail(ctx, &API_KEY_NOT_FOUND, "no active key has this digest");
    TRY(found);
    *ret_key = read_key(ctx, &rows, 0);
    return status_ok();
}

struct status store_revoke_api_key(struct db_tx *tx, const char *id, bool *ret_revoked)
{
    struct db_rows rows;
    struct status found = db_one(tx, &REVOKE_KEY, DB_ARGS(db_uuid(parsed(id))), &rows);

    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(db_ctx(tx), &API_KEY_NOT_FOUND, "id", id, "the id of an API key");
    TRY(found);
    *ret_revoked = db_get_bool(&rows, 0, 0);
    return status_ok();
}

static Platform__V1__ApiKey *read_key(struct ctx *ctx, const struct db_rows *rows, size_t row)
{
    Platform__V1__ApiKey *key = arena_new(ctx->arena, Platform__V1__ApiKey);

    platform__v1__api_key__init(key);
    key->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    key->name = db_get_text(rows, row, 1);
    key->scopes = wire_texts(ctx, rows, row, 2, &key->n_scopes);
    key->create_time = wire_time(ctx->arena, db_get_time(rows, row, 3));
    key->revoke_time = wire_time(ctx->arena, db_get_time(rows, row, 4));
    return key;
}

const struct db_stmt *const STORE_KEY_STATEMENTS[] = {
    &ADD_KEY, &LIST_KEYS, &RESOLVE_KEY, &REVOKE_KEY, NULL,
};
