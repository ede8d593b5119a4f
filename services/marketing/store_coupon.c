/* store_coupon.c - the statements of coupons. */
#include "store_coupon.h"

#include "common/str.h"

static const struct db_stmt ADD_COUPON = {
    .name = "add_coupon",
    .in = "uttuiiddfi",
    .out = "",
    .sql = "INSERT INTO marketing.coupon (id, code, code_key, promotion_id, usage_limit,"
           " per_customer_limit, valid_from, valid_until, is_active, version)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, 'infinity'), $9, $10)",
};

static const struct db_stmt CHANGE_COUPON = {
    .name = "change_coupon",
    .in = "uttuiiddfi",
    .out = "",
    .sql = "UPDATE marketing.coupon SET code = $2, code_key = $3, promotion_id = $4,"
           " usage_limit = $5, per_customer_limit = $6, valid_from = $7,"
           " valid_until = coalesce($8, 'infinity'), is_active = $9, version = $10 WHERE id = $1",
};

static const struct db_stmt LOAD_COUPON = {
    .name = "load_coupon",
    .in = "ut",
    .out = COUPON_COLUMN_TYPES,
    .sql = "SELECT " COUPON_COLUMNS " FROM marketing.coupon"
           " WHERE ($1::uuid IS NOT NULL AND id = $1) OR ($1::uuid IS NULL AND code_key = $2)",
    .read_only = true,
};

static const struct db_stmt LOCK_COUPON = {
    .name = "lock_coupon",
    .in = "u",
    .out = COUPON_COLUMN_TYPES,
    .sql = "SELECT " COUPON_COLUMNS " FROM marketing.coupon WHERE id = $1 FOR UPDATE",
};

static const struct db_stmt LIST_COUPONS = {
    .name = "list_coupons",
    .in = "uui",
    .out = COUPON_COLUMN_TYPES,
    .sql = "SELECT " COUPON_COLUMNS " FROM marketing.coupon"
           " WHERE ($1::uuid IS NULL OR promotion_id = $1) AND id > $2 ORDER BY id LIMIT $3",
    .read_only = true,
};

static const struct db_stmt EVALUATION_EPOCH = {
    .name = "evaluation_epoch",
    .in = "",
    .out = "di",
    .sql = "SELECT clock_timestamp(), epoch FROM marketing.promotion_epoch",
    .read_only = true,
};

static const struct db_stmt EVALUATION_COUPONS = {
    .name = "evaluation_coupons",
    .in = "Tt",
    .out = COUPON_COLUMN_TYPES "it",
    .sql = "SELECT " COUPON_COLUMNS ", " COUPON_CUSTOMER_USES ", coupon.code_key"
           " FROM marketing.coupon WHERE code_key = ANY ($1)",
    .read_only = true,
};

void store_read_coupon(const struct db_rows *rows, size_t row, struct coupon *coupon)
{
    *coupon = (struct coupon){
        .id = db_get_uuid(rows, row, 0),
        .code = db_get_text(rows, row, 1),
        .promotion_id = db_get_uuid(rows, row, 2),
        .usage_limit = db_get_int(rows, row, 3),
        .per_customer_limit = db_get_int(rows, row, 4),
        .valid_from_us = db_get_time(rows, row, 5),
        .valid_until_us = db_get_time(rows, row, 6),
        .is_active = db_get_bool(rows, row, 7),
        .held_count = db_get_int(rows, row, 8),
        .redeemed_count = db_get_int(rows, row, 9),
        .version = db_get_int(rows, row, 10),
    };
}

static struct status write_coupon(struct db_tx *tx, const struct db_stmt *stmt,
                                  const struct coupon *coupon, const char *code_key)
{
    return db_exec(tx, stmt,
                   DB_ARGS(db_uuid(coupon->id), db_text(coupon->code), db_text(code_key),
                           db_uuid(coupon->promotion_id), db_int(coupon->usage_limit),
                           db_int(coupon->per_customer_limit), db_time(coupon->valid_from_us),
                           db_time_or_null(coupon->valid_until_us), db_bool(coupon->is_active),
                           db_int(coupon->version)),
                   NULL);
}

struct status store_add_coupon(struct db_tx *tx, const struct coupon *coupon, const char *code_key)
{
    return write_coupon(tx, &ADD_COUPON, coupon, code_key);
}

struct status store_change_coupon(struct db_tx *tx, const struct coupon *coupon,
                                  const char *code_key)
{
    return write_coupon(tx, &CHANGE_COUPON, coupon, code_key);
}

struct status store_load_coupon(struct db_tx *tx, struct uuid id, const char *code_key,
                                bool for_update, struct coupon *ret_coupon)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    struct status found =
        for_update
            ? db_one(tx, &LOCK_COUPON, DB_ARGS(db_uuid(id)), &rows)
            : db_one(tx, &LOAD_COUPON, DB_ARGS(db_uuid_or_null(id), db_text(code_key)), &rows);
    if (found.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &COUPON_NOT_FOUND, uuid_is_nil(id) ? "code" : "id",
                              uuid_is_nil(id) ? code_key : uuid_text(ctx->arena, id),
                              "the id or code of a coupon");
    TRY(found);
    store_read_coupon(&rows, 0, ret_coupon);
    return status_ok();
}

struct status store_list_coupons(struct db_tx *tx, struct uuid promotion_id, struct uuid after,
                                 int64_t limit, struct coupon **ret_coupons, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_COUPONS,
                DB_ARGS(db_uuid_or_null(promotion_id), db_uuid(after), db_int(limit)), &rows));
    *ret_coupons = arena_array(db_ctx(tx)->arena, struct coupon, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        store_read_coupon(&rows, i, &(*ret_coupons)[i]);
    return status_ok();
}

struct status store_load_evaluation(struct db_tx *tx, const char *const *code_keys, size_t count,
                                    const char *customer_key, struct evaluation_facts *ret_facts)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct db_call calls[] = {
        {.stmt = &EVALUATION_EPOCH, .args = DB_NONE},
        {.stmt = &EVALUATION_COUPONS,
         .args = DB_ARGS(db_texts(code_keys, count), db_text(str_or_empty(customer_key)))},
    };
    TRY(db_batch(tx, calls, count > 0 ? 2 : 1));
    const struct db_rows *rows = &calls[1].rows;
    struct evaluation_facts facts = {
        .now_us = db_get_time(&calls[0].rows, 0, 0),
        .epoch = db_get_int(&calls[0].rows, 0, 1),
        .coupons = arena_array(arena, struct coupon, rows->count),
        .keys = arena_array(arena, const char *, rows->count),
        .count = rows->count,
    };
    for (size_t i = 0; i < rows->count; i++) {
        store_read_coupon(rows, i, &facts.coupons[i]);
        facts.coupons[i].customer_uses = db_get_int(rows, i, COUPON_COLUMN_COUNT);
        facts.keys[i] = db_get_text(rows, i, COUPON_COLUMN_COUNT + 1);
    }
    *ret_facts = facts;
    return status_ok();
}

const struct db_stmt *const STORE_COUPON_STATEMENTS[] = {
    &ADD_COUPON,   &CHANGE_COUPON,    &LOAD_COUPON,        &LOCK_COUPON,
    &LIST_COUPONS, &EVALUATION_EPOCH, &EVALUATION_COUPONS, NULL,
};
