/* store_promotion.c - the statements of promotions. */
#include "marketing.h"

#include "chassis/wire.h"
#include "common/json.h"
#include "marketing/v1/types.schema.h"

#include <string.h>

static const struct db_stmt BUMP_EPOCH = {
    .name = "bump_epoch",
    .in = "",
    .out = "",
    .sql = "UPDATE marketing.promotion_epoch SET epoch = epoch + 1",
};

static const struct db_stmt COUNT_LIVE = {
    .name = "count_live",
    .in = "",
    .out = "i",
    .sql = "SELECT count(*) FROM marketing.promotion WHERE is_active",
    .read_only = true,
};

static const struct db_stmt ADD_PROMOTION = {
    .name = "add_promotion",
    .in = "utfiddji",
    .out = "",
    .sql =
        "INSERT INTO marketing.promotion (id, code, is_active, priority, valid_from, valid_until,"
        " definition, version) VALUES ($1, $2, $3, $4, $5, coalesce($6, 'infinity'), $7, $8)",
};

static const struct db_stmt CHANGE_PROMOTION = {
    .name = "change_promotion",
    .in = "utfiddji",
    .out = "",
    .sql = "UPDATE marketing.promotion SET code = $2, is_active = $3, priority = $4,"
           " valid_from = $5, valid_until = coalesce($6, 'infinity'), definition = $7, version = $8"
           " WHERE id = $1",
};

static const struct db_stmt LOAD_PROMOTION = {
    .name = "load_promotion",
    .in = "u",
    .out = "j",
    .sql = "SELECT definition FROM marketing.promotion WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_PROMOTION = {
    .name = "lock_promotion",
    .in = "u",
    .out = "j",
    .sql = "SELECT definition FROM marketing.promotion WHERE id = $1 FOR UPDATE",
};

static const struct db_stmt LIST_PROMOTIONS = {
    .name = "list_promotions",
    .in = "ui",
    .out = "j",
    .sql = "SELECT definition FROM marketing.promotion WHERE id > $1 ORDER BY id LIMIT $2",
    .read_only = true,
};

static const struct db_stmt LOAD_LIVE = {
    .name = "load_live",
    .in = "i",
    .out = "j",
    .sql = "SELECT definition FROM marketing.promotion"
           " WHERE is_active AND valid_until > clock_timestamp() ORDER BY priority, code LIMIT $1",
    .read_only = true,
};

struct status store_bump_epoch(struct db_tx *tx)
{
    return db_exec(tx, &BUMP_EPOCH, DB_NONE, NULL);
}

struct status store_count_live(struct db_tx *tx, int64_t *ret_count)
{
    struct db_rows rows;
    TRY(db_one(tx, &COUNT_LIVE, DB_NONE, &rows));
    *ret_count = db_get_int(&rows, 0, 0);
    return status_ok();
}

static struct status write_promotion(struct db_tx *tx, const struct db_stmt *stmt,
                                     const Marketing__V1__Promotion *promotion)
{
    struct uuid id = {0};
    struct buffer json;
    (void)uuid_parse(promotion->id, &id);
    buffer_init(&json, db_ctx(tx)->arena, 1024);
    json_encode(&json, &marketing__v1__promotion__schema, &promotion->base, false);
    return db_exec(tx, stmt,
                   DB_ARGS(db_uuid(id), db_text(promotion->code), db_bool(promotion->is_active),
                           db_int(promotion->priority),
                           db_time(wire_time_us(promotion->valid_from)),
                           db_time_or_null(wire_time_us(promotion->valid_until)),
                           db_json(json.data), db_int(promotion->version)),
                   NULL);
}

struct status store_add_promotion(struct db_tx *tx, const Marketing__V1__Promotion *promotion)
{
    return write_promotion(tx, &ADD_PROMOTION, promotion);
}

struct status store_change_promotion(struct db_tx *tx, const Marketing__V1__Promotion *promotion)
{
    return write_promotion(tx, &CHANGE_PROMOTION, promotion);
}

static struct status decode(struct db_tx *tx, const struct db_rows *rows, size_t row,
                            Marketing__V1__Promotion **ret_promotion)
{
    const char *json = db_get_text(rows, row, 0);
    ProtobufCMessage *message;
    TRY(json_decode(db_ctx(tx)->arena, &marketing__v1__promotion__schema, json, strlen(json), true,
                    &message));
    *ret_promotion = (Marketing__V1__Promotion *)(void *)message;
    return status_ok();
}

struct status store_load_promotion(struct db_tx *tx, struct uuid id, bool for_update,
                                   Marketing__V1__Promotion **ret_promotion)
{
    struct db_rows rows;
    struct status found =
        db_one(tx, for_update ? &LOCK_PROMOTION : &LOAD_PROMOTION, DB_ARGS(db_uuid(id)), &rows);
    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(db_ctx(tx), &PROMOTION_NOT_FOUND, "id",
                              uuid_text(db_ctx(tx)->arena, id), "the id of a promotion");
    TRY(found);
    return decode(tx, &rows, 0, ret_promotion);
}

struct status store_list_promotions(struct db_tx *tx, struct uuid after, int64_t limit,
                                    Marketing__V1__Promotion ***ret_promotions, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_PROMOTIONS, DB_ARGS(db_uuid(after), db_int(limit)), &rows));
    *ret_promotions = arena_array(db_ctx(tx)->arena, Marketing__V1__Promotion *, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        TRY(decode(tx, &rows, i, &(*ret_promotions)[i]));
    return status_ok();
}

struct status store_load_live(struct db_tx *tx, int64_t limit, struct db_rows *ret_rows)
{
    return db_many(tx, &LOAD_LIVE, DB_ARGS(db_int(limit)), ret_rows);
}

const struct db_stmt *const STORE_PROMOTION_STATEMENTS[] = {
    &BUMP_EPOCH,       &COUNT_LIVE,     &ADD_PROMOTION,
    &CHANGE_PROMOTION, &LOAD_PROMOTION, &LOCK_PROMOTION,
    &LIST_PROMOTIONS,  &LOAD_LIVE,      NULL,
};
