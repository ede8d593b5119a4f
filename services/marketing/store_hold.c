/* store_hold.c - the statements of holds and uses. */
#include "store_coupon.h"

#include "common/str.h"

/* Two calls for one checkout meet here: the second waits for the first to commit. */
static const struct db_stmt ADD_HOLD = {
    .name = "add_hold",
    .in = "utt",
    .out = "f",
    .sql = "INSERT INTO marketing.hold (checkout_id, state, coupon_ids, customer_key)"
           " VALUES ($1, $2, '{}', $3) ON CONFLICT (checkout_id) DO NOTHING RETURNING true",
};

static const struct db_stmt LOCK_HOLDS = {
    .name = "lock_holds",
    .in = "U",
    .out = "utU",
    .sql = "SELECT checkout_id, state, coupon_ids FROM marketing.hold"
           " WHERE checkout_id = ANY (ARRAY(SELECT unnest($1)))" // its length unseen: planned once
           " ORDER BY checkout_id FOR UPDATE",
};

/* Nobody waits for a coupon that is used up: when a code is gone, hundreds still ask for it. */
static const struct db_stmt LOCK_COUPONS = {
    .name = "lock_coupons",
    .in = "T",
    .out = "u",
    .sql = "SELECT id FROM marketing.coupon WHERE code_key = ANY ($1)"
           " AND (usage_limit = 0 OR held_count + redeemed_count < usage_limit)"
           " ORDER BY id FOR UPDATE",
};

/* A statement of its own: one that waited for the locks would count what was there before. */
static const struct db_stmt READ_COUPONS = {
    .name = "read_coupons",
    .in = "Tt",
    .out = COUPON_COLUMN_TYPES "id",
    .sql = "SELECT " COUPON_COLUMNS ", " COUPON_CUSTOMER_USES ", clock_timestamp()"
           " FROM marketing.coupon WHERE code_key = ANY ($1) ORDER BY coupon.id",
    .read_only = true,
};

static const struct db_stmt LOCK_COUPONS_BY_ID = {
    .name = "lock_coupons_by_id",
    .in = "U",
    .out = COUPON_COLUMN_TYPES,
    .sql = "SELECT " COUPON_COLUMNS " FROM marketing.coupon"
           " WHERE id = ANY (ARRAY(SELECT unnest($1))) ORDER BY id FOR UPDATE",
};

static const struct db_stmt SET_COUNTS = {
    .name = "set_counts",
    .in = "UIII",
    .out = "",
    .sql = "UPDATE marketing.coupon SET held_count = now.held, redeemed_count = now.redeemed,"
           " version = now.version FROM unnest($1, $2, $3, $4) AS now(id, held, redeemed, version)"
           " WHERE coupon.id = now.id",
};

static const struct db_stmt NAME_COUPONS = {
    .name = "name_coupons",
    .in = "uU",
    .out = "",
    .sql = "UPDATE marketing.hold SET coupon_ids = $2 WHERE checkout_id = $1",
};

static const struct db_stmt ADD_USES = {
    .name = "add_uses",
    .in = "utU",
    .out = "",
    .sql = "INSERT INTO marketing.coupon_use (checkout_id, coupon_id, customer_key, is_live)"
           " SELECT $1, coupon_id, $2, true FROM unnest($3) AS coupon_id",
};

static const struct db_stmt END_USES = {
    .name = "end_uses",
    .in = "u",
    .out = "",
    .sql = "UPDATE marketing.coupon_use SET is_live = false WHERE checkout_id = $1",
};

static const struct db_stmt FINISH_HOLD = {
    .name = "finish_hold",
    .in = "utu",
    .out = "",
    .sql = "UPDATE marketing.hold SET state = $2, order_id = $3 WHERE checkout_id = $1",
};

struct status store_lock_holds(struct db_tx *tx, const struct uuid *checkout_ids, size_t count,
                               struct hold *ret_holds)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;
    TRY(db_many(tx, &LOCK_HOLDS, DB_ARGS(db_uuids(checkout_ids, count)), &rows));
    for (size_t i = 0; i < count; i++) {
        size_t row = 0;
        while (row < rows.count && !uuid_equal(db_get_uuid(&rows, row, 0), checkout_ids[i]))
            row++;
        if (row == rows.count)
            return ctx_fail_field(ctx, &HOLD_NOT_FOUND, "checkoutId",
                                  uuid_text(ctx->arena, checkout_ids[i]),
                                  "a checkout that holds coupons");
        ret_holds[i] = (struct hold){.state = db_get_text(&rows, row, 1)};
        ret_holds[i].coupon_ids = db_get_uuids(ctx, &rows, row, 2, &ret_holds[i].coupon_count);
    }
    return status_ok();
}

struct status store_add_hold(struct db_tx *tx, struct uuid checkout_id, const char *state,
                             const char *customer_key, struct hold *ret_hold)
{
    struct db_rows rows;
    TRY(db_many(tx, &ADD_HOLD,
                DB_ARGS(db_uuid(checkout_id), db_text(state), db_text(str_or_empty(customer_key))),
                &rows));
    if (rows.count == 0)
        return store_lock_holds(tx, &checkout_id, 1, ret_hold);
    *ret_hold = (struct hold){.state = state, .is_new = true};
    return status_ok();
}

static struct coupon *read_coupons(struct db_tx *tx, const struct db_rows *rows)
{
    struct coupon *coupons = arena_array(db_ctx(tx)->arena, struct coupon, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        store_read_coupon(rows, i, &coupons[i]);
    return coupons;
}

static bool has_row(const struct db_rows *ids, struct uuid id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (uuid_equal(db_get_uuid(ids, i, 0), id))
            return true;
    return false;
}

struct status store_lock_coupons(struct db_tx *tx, const char *const *code_keys, size_t count,
                                 const char *customer_key, struct coupon **ret_coupons,
                                 size_t *ret_count, int64_t *ret_now_us)
{
    struct db_call calls[] = {
        {.stmt = &LOCK_COUPONS, .args = DB_ARGS(db_texts(code_keys, count))},
        {.stmt = &READ_COUPONS,
         .args = DB_ARGS(db_texts(code_keys, count), db_text(str_or_empty(customer_key)))},
    };
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    const struct db_rows *rows = &calls[1].rows;
    *ret_coupons = read_coupons(tx, rows);
    *ret_count = rows->count;
    *ret_now_us = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct coupon *coupon = &(*ret_coupons)[i];
        coupon->is_locked = has_row(&calls[0].rows, coupon->id);
        coupon->customer_uses = db_get_int(rows, i, COUPON_COLUMN_COUNT);
        *ret_now_us = db_get_time(rows, i, COUPON_COLUMN_COUNT + 1);
    }
    return status_ok();
}

struct status store_lock_coupons_by_id(struct db_tx *tx, const struct uuid *ids, size_t count,
                                       struct coupon **ret_coupons, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LOCK_COUPONS_BY_ID, DB_ARGS(db_uuids(ids, count)), &rows));
    *ret_coupons = read_coupons(tx, &rows);
    *ret_count = rows.count;
    return status_ok();
}

struct status store_set_counts(struct db_tx *tx, const struct coupon *coupons, size_t count)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *ids = arena_array(arena, struct uuid, count);
    int64_t *held = arena_array(arena, int64_t, count);
    int64_t *redeemed = arena_array(arena, int64_t, count);
    int64_t *versions = arena_array(arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = coupons[i].id;
        held[i] = coupons[i].held_count;
        redeemed[i] = coupons[i].redeemed_count;
        versions[i] = coupons[i].version;
    }
    return db_later(tx, &SET_COUNTS,
                    DB_ARGS(db_uuids(ids, count), db_ints(held, count), db_ints(redeemed, count),
                            db_ints(versions, count)));
}

struct status store_add_uses(struct db_tx *tx, struct uuid checkout_id, const char *customer_key,
                             const struct uuid *coupon_ids, size_t count)
{
    TRY(db_later(tx, &NAME_COUPONS, DB_ARGS(db_uuid(checkout_id), db_uuids(coupon_ids, count))));
    return db_later(tx, &ADD_USES,
                    DB_ARGS(db_uuid(checkout_id), db_text(str_or_empty(customer_key)),
                            db_uuids(coupon_ids, count)));
}

struct status store_end_uses(struct db_tx *tx, struct uuid checkout_id)
{
    return db_later(tx, &END_USES, DB_ARGS(db_uuid(checkout_id)));
}

struct status store_finish_hold(struct db_tx *tx, struct uuid checkout_id, const char *state,
                                struct uuid order_id)
{
    return db_later(tx, &FINISH_HOLD,
                    DB_ARGS(db_uuid(checkout_id), db_text(state), db_uuid_or_null(order_id)));
}

const struct db_stmt *const STORE_HOLD_STATEMENTS[] = {
    &ADD_HOLD,           &LOCK_HOLDS,  &LOCK_COUPONS, &READ_COUPONS,
    &LOCK_COUPONS_BY_ID, &SET_COUNTS,  &NAME_COUPONS, &ADD_USES,
    &END_USES,           &FINISH_HOLD, NULL,
};
