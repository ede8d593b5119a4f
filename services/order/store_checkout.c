/* store_checkout.c - checkouts and the accounts that their tenders name.
 *
 * Locks are taken in the order checkout, order, payments, everywhere. */
#include "store.h"

#include <inttypes.h>

#define CHECKOUT_COLUMNS                                                                           \
    "id, cart_id, customer_id, reservation_id, state, cart_version, reservation_attempt, epoch,"   \
    " event_count, client_key, fingerprint, driver, order_number, failure_reason,"                 \
    " failure_detail, expected_minor, currency_code, quoted_minor, quoted_currency, tenders,"      \
    " snapshot, allocations, lease_until, wake_time, deadline, create_time, update_time,"          \
    " clock_timestamp(), coalesce(failure_code, 0), attempts, failure_violations"
#define CHECKOUT_OUT "uuuuiiiiittttttititbbbddddddiib"

/* Behind the columns of the checkout. */
enum { EPOCH = sizeof CHECKOUT_OUT - 1, NUMBER };
#define ACCOUNT_EPOCH ", (SELECT epoch FROM orders.account_epoch)"

static const struct db_stmt ADD_CHECKOUT = {
    .name = "add_checkout",
    .in = "uuittuitbtii",
    .out = CHECKOUT_OUT "i",
    .sql = "INSERT INTO orders.checkout (id, state, cart_id, cart_version, client_key, fingerprint,"
           " customer_id, expected_minor, currency_code, tenders, driver, lease_until, wake_time,"
           " deadline)"
           " SELECT $1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
           " clock_timestamp() + $11::bigint * interval '1 millisecond', clock_timestamp(),"
           " clock_timestamp() + $12::bigint * interval '1 millisecond'"
           " WHERE NOT EXISTS (SELECT FROM orders.checkout WHERE cart_id = $2 AND state = 7)"
           " ON CONFLICT DO NOTHING RETURNING " CHECKOUT_COLUMNS ACCOUNT_EPOCH,
};

/* By enum lock_extra. Gaps are fine: an order number is a name, not a count, and never a
 * credential.
 */
static const struct db_stmt LOCK_CHECKOUT[] = {
    [LOCK_ALONE] = {.name = "lock_checkout",
                    .in = "u",
                    .out = CHECKOUT_OUT,
                    .sql = "SELECT " CHECKOUT_COLUMNS
                           " FROM orders.checkout WHERE id = $1 FOR UPDATE"},
    [LOCK_TO_PAY] = {.name = "lock_checkout_to_pay",
                     .in = "u",
                     .out = CHECKOUT_OUT "i",
                     .sql = "SELECT " CHECKOUT_COLUMNS ACCOUNT_EPOCH
                            " FROM orders.checkout WHERE id = $1 FOR UPDATE"},
    [LOCK_TO_PLACE] = {.name = "lock_checkout_to_place",
                       .in = "u",
                       .out = CHECKOUT_OUT "ii",
                       .sql = "SELECT " CHECKOUT_COLUMNS ACCOUNT_EPOCH
                              ", nextval('orders.order_number')"
                              " FROM orders.checkout WHERE id = $1 FOR UPDATE"},
};

/* Who stands in the way of a new checkout: the one of its key, else the live one of its cart, else
 * the one that bought it. */
static const struct db_stmt LOCK_RIVAL = {
    .name = "lock_rival_checkout",
    .in = "tu", /* client key, cart */
    .out = CHECKOUT_OUT,
    .sql = "SELECT " CHECKOUT_COLUMNS " FROM orders.checkout"
           " WHERE client_key = $1 OR (cart_id = $2 AND (is_live OR state = 7))"
           " ORDER BY (client_key = $1) DESC, is_live DESC LIMIT 1 FOR UPDATE",
};

static const struct db_stmt GET_CHECKOUT = {
    .name = "get_checkout",
    .in = "u",
    .out = CHECKOUT_OUT,
    .sql = "SELECT " CHECKOUT_COLUMNS " FROM orders.checkout WHERE id = $1",
    .read_only = true,
};

/* The live one, else the one that was placed, else the last. */
static const struct db_stmt GET_CHECKOUT_BY_CART = {
    .name = "get_checkout_by_cart",
    .in = "u",
    .out = CHECKOUT_OUT,
    .sql = "SELECT " CHECKOUT_COLUMNS " FROM orders.checkout WHERE cart_id = $1"
           " ORDER BY is_live DESC, (state = 7) DESC, id DESC LIMIT 1",
    .read_only = true,
};

static const struct db_stmt SAVE_CHECKOUT = {
    .name = "save_checkout",
    .in = "uiuiittttitbbbdddiib",
    .out = "",
    .sql = "UPDATE orders.checkout SET state = $2, reservation_id = $3, epoch = $4,"
           " event_count = $5, driver = $6, order_number = $7, failure_reason = $8,"
           " failure_detail = $9, quoted_minor = $10, quoted_currency = $11,"
           " tenders = coalesce($12, tenders), snapshot = coalesce($13, snapshot),"
           " allocations = coalesce($14, allocations), lease_until = $15, wake_time = $16,"
           " deadline = $17, failure_code = $18, attempts = $19,"
           " failure_violations = coalesce($20, failure_violations),"
           " update_time = clock_timestamp() WHERE id = $1",
};

/* Nobody drives it, and somebody should have looked. Should the request be lost, the next one
 * follows by the schedule all the same. */
static const struct db_stmt WAKE_CHECKOUTS = {
    .name = "wake_checkouts",
    .in = "Iii", /* milliseconds to wait by attempt, most of them, batch */
    .out = "uui",
    .sql = "UPDATE orders.checkout SET attempts = attempts + 1, event_count = event_count + 1,"
           " wake_time = clock_timestamp() + (0.75 + random() / 2) * interval '1 millisecond'"
           " * least($2::bigint, ($1::bigint[])[least(attempts + 2, cardinality($1))])"
           " WHERE id IN (SELECT id FROM orders.checkout WHERE is_live AND wake_time <= now()"
           " AND lease_until <= now() ORDER BY wake_time LIMIT $3 FOR UPDATE SKIP LOCKED)"
           " RETURNING id, cart_id, event_count",
};

/* After some 20 minutes without a step forward, when it is not the buyer who is waited for. */
#define IS_STUCK "attempts >= 8 AND state <> 5"

static const struct db_stmt COUNT_STALLED = {
    .name = "count_stalled_checkouts",
    .in = "",
    .out = "iii",
    .sql = "SELECT count(*), coalesce(extract(epoch FROM now() - min(create_time))::bigint, 0),"
           " count(*) FILTER (WHERE " IS_STUCK ")"
           " FROM orders.checkout WHERE is_live AND attempts > 0",
    .read_only = true,
};

static const struct db_stmt LIST_STUCK = {
    .name = "list_stuck_payments",
    .in = "",
    .out = "uiuitd",
    .sql = "(SELECT id, state, NULL::uuid, attempts, failure_reason, create_time AS since"
           " FROM orders.checkout WHERE is_live AND attempts > 0 AND " IS_STUCK
           " ORDER BY create_time LIMIT 100)"
           " UNION ALL (SELECT payment.checkout_id, coalesce(checkout.state, 9), payment.id,"
           " task.attempts, task.last_error, task.created_at FROM task"
           " JOIN orders.payment ON payment.id = task.key::uuid"
           " LEFT JOIN orders.checkout ON checkout.id = payment.checkout_id"
           " WHERE task.kind = 'unwind_payment' AND task.failed_at IS NOT NULL"
           " ORDER BY task.created_at LIMIT 100) ORDER BY since LIMIT 100",
    .read_only = true,
};

/* With them goes what their payments knew of the buyer's card; the books stay. */
static const struct db_stmt PURGE_CHECKOUTS = {
    .name = "purge_checkouts",
    .in = "ii", /* milliseconds to keep, batch */
    .out = "i",
    .sql = "WITH gone AS (DELETE FROM orders.checkout WHERE id IN ("
           " SELECT id FROM orders.checkout WHERE NOT is_live"
           " AND create_time < now() - $1::bigint * interval '1 millisecond'"
           " AND update_time < now() - $1::bigint * interval '1 millisecond'"
           " ORDER BY create_time LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id),"
           " forgotten AS (UPDATE orders.payment SET payment_method = NULL, return_url = NULL,"
           " action_url = NULL, client_secret = NULL FROM gone WHERE checkout_id = gone.id)"
           " SELECT count(*) FROM gone",
};

static const struct db_stmt LIST_ACCOUNTS = {
    .name = "list_provider_accounts",
    .in = "",
    .out = "ttifT",
    .sql = "SELECT code, provider, capture_policy, is_active, currency_codes"
           " FROM orders.provider_account ORDER BY code LIMIT 100",
    .read_only = true,
};

static const struct db_stmt ADD_ACCOUNT = {
    .name = "add_provider_account",
    .in = "ttifT",
    .out = "",
    .sql = "INSERT INTO orders.provider_account (code, provider, capture_policy, is_active,"
           " currency_codes) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (code) DO NOTHING",
};

const struct db_stmt *const STORE_CHECKOUT_STATEMENTS[] = {
    &ADD_CHECKOUT,
    &LOCK_CHECKOUT[LOCK_ALONE],
    &LOCK_CHECKOUT[LOCK_TO_PAY],
    &LOCK_CHECKOUT[LOCK_TO_PLACE],
    &LOCK_RIVAL,
    &GET_CHECKOUT,
    &GET_CHECKOUT_BY_CART,
    &SAVE_CHECKOUT,
    &WAKE_CHECKOUTS,
    &COUNT_STALLED,
    &LIST_STUCK,
    &PURGE_CHECKOUTS,
    &LIST_ACCOUNTS,
    &ADD_ACCOUNT,
    NULL,
};

static struct db_value bytes_if(bool is_new, struct db_bytes bytes);
static struct checkout read_checkout(const struct db_rows *rows);
static struct account_list read_accounts(struct ctx *ctx, const struct db_rows *rows);
static struct status accounts_of(struct db_tx *tx, int64_t epoch,
                                 struct account_list *ret_accounts);

struct status store_add_checkout(struct db_tx *tx, const struct checkout *c, int64_t lease_ms,
                                 int64_t ttl_ms, struct account_list *ret_accounts,
                                 struct checkout *ret_checkout)
{
    struct db_rows rows;

    TRY(db_many(tx, &ADD_CHECKOUT,
                DB_ARGS(db_uuid(c->id), db_uuid(c->cart_id), db_int(c->cart_version),
                        db_text(c->client_key), db_text(c->fingerprint),
                        db_uuid_or_null(c->customer_id), db_int(c->expected_minor),
                        db_text(c->currency_code), db_blob(c->tenders.data, c->tenders.length),
                        db_text(c->driver), db_int(lease_ms), db_int(ttl_ms)),
                &rows));
    *ret_checkout = (struct checkout){0};
    if (rows.count == 0)
        return status_ok();
    *ret_checkout = read_checkout(&rows);
    return accounts_of(tx, db_get_int(&rows, 0, EPOCH), ret_accounts);
}

struct status store_find_rival(struct db_tx *tx, const struct checkout *wanted,
                               struct checkout *ret_checkout, bool *ret_is_found)
{
    struct db_rows rows;

    TRY(db_many(tx, &LOCK_RIVAL, DB_ARGS(db_text(wanted->client_key), db_uuid(wanted->cart_id)),
                &rows));
    *ret_is_found = rows.count > 0;
    if (*ret_is_found)
        *ret_checkout = read_checkout(&rows);
    return status_ok();
}

struct status store_lock_checkout(struct db_tx *tx, struct uuid id, enum lock_extra extra,
                                  struct locked_checkout *ret_locked)
{
    const struct db_value key = db_uuid(id);
    struct db_call calls[] = {
        {&LOCK_CHECKOUT[extra], {&key, 1}, {0}},
        store_payments_call(&key, true),
    };
    const struct db_rows *rows = &calls[0].rows;
    struct ctx *ctx = db_ctx(tx);

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    if (rows->count == 0)
        return ctx_fail(ctx, &ERROR_NOT_FOUND, "checkout %s", uuid_text(ctx->arena, id));
    *ret_locked = (struct locked_checkout){
        .checkout = read_checkout(rows),
        .payments = store_payments_read(ctx, &calls[1].rows),
    };
    if (extra == LOCK_ALONE)
        return status_ok();
    if (extra == LOCK_TO_PLACE)
        ret_locked->order_number =
            arena_printf(ctx->arena, "T-%" PRId64, db_get_int(rows, 0, NUMBER));
    return accounts_of(tx, db_get_int(rows, 0, EPOCH), &ret_locked->accounts);
}

struct status store_get_checkout(struct db_tx *tx, struct uuid id, struct uuid cart_id,
                                 struct locked_checkout *ret_found)
{
    struct db_rows rows;

    if (!uuid_is_nil(id))
        TRY(db_one(tx, &GET_CHECKOUT, DB_ARGS(db_uuid(id)), &rows));
    else
        TRY(db_one(tx, &GET_CHECKOUT_BY_CART, DB_ARGS(db_uuid(cart_id)), &rows));
    const struct checkout checkout = read_checkout(&rows);
    const struct db_value key = db_uuid(checkout.id);
    struct db_call payments = store_payments_call(&key, false);

    TRY(db_batch(tx, &payments, 1));
    *ret_found = (struct locked_checkout){
        .checkout = checkout,
        .payments = store_payments_read(db_ctx(tx), &payments.rows),
    };
    return status_ok();
}

struct status store_save_checkout(struct db_tx *tx, const struct checkout *c)
{
    return db_later(
        tx, &SAVE_CHECKOUT,
        DB_ARGS(db_uuid(c->id), db_int(c->state), db_uuid_or_null(c->reservation_id),
                db_int(c->epoch), db_int(c->event_count), db_text(c->driver),
                db_text(c->order_number), db_text(c->failure_reason), db_text(c->failure_detail),
                db_int_or_null(c->has_quoted, c->quoted_minor), db_text(c->quoted_currency),
                bytes_if(c->is_tenders_new, c->tenders), bytes_if(c->is_snapshot_new, c->snapshot),
                bytes_if(c->is_allocations_new, c->allocations), db_time(c->lease_until_us),
                db_time(c->wake_us), db_time(c->deadline_us), db_int(c->failure_code),
                db_int(c->attempts), bytes_if(c->is_violations_new, c->violations)));
}

struct status store_wake_checkouts(struct db_tx *tx, int64_t wait_max_ms, int64_t batch,
                                   struct db_rows *ret_rows)
{
    return db_many(
        tx, &WAKE_CHECKOUTS,
        DB_ARGS(db_ints(CHECKOUT_WAITS_MS, CHECKOUT_WAITS), db_int(wait_max_ms), db_int(batch)),
        ret_rows);
}

struct status store_list_stuck(struct db_tx *tx, struct db_rows *ret_rows)
{
    return db_many(tx, &LIST_STUCK, DB_NONE, ret_rows);
}

struct status store_count_stalled(struct db_tx *tx, int64_t *ret_count, int64_t *ret_oldest_s,
                                  int64_t *ret_stuck)
{
    struct db_rows rows;

    TRY(db_one(tx, &COUNT_STALLED, DB_NONE, &rows));
    *ret_count = db_get_int(&rows, 0, 0);
    *ret_oldest_s = db_get_int(&rows, 0, 1);
    *ret_stuck = db_get_int(&rows, 0, 2);
    return status_ok();
}

struct status store_purge_checkouts(struct db_tx *tx, int64_t keep_ms, int64_t batch,
                                    int64_t *ret_count)
{
    struct db_rows rows;

    TRY(db_one(tx, &PURGE_CHECKOUTS, DB_ARGS(db_int(keep_ms), db_int(batch)), &rows));
    *ret_count = db_get_int(&rows, 0, 0);
    return status_ok();
}

struct status store_list_accounts(struct db_tx *tx, struct account_list *ret_accounts)
{
    struct db_rows rows;

    TRY(db_many(tx, &LIST_ACCOUNTS, DB_NONE, &rows));
    *ret_accounts = read_accounts(db_ctx(tx), &rows);
    return status_ok();
}

static struct status load_accounts(struct db_tx *tx, void *rows_of_epoch)
{
    return store_list_accounts(tx, rows_of_epoch);
}

static struct status accounts_of(struct db_tx *tx, int64_t epoch, struct account_list *ret_accounts)
{
    static const struct epoch_kind ACCOUNTS = {sizeof(struct account_list), load_accounts};
    struct order_daemon *self = ctx_state(db_ctx(tx));
    const void *accounts;

    TRY(epoch_rows_get(tx, &self->accounts, &ACCOUNTS, epoch, &accounts));
    *ret_accounts = *(const struct account_list *)accounts;
    return status_ok();
}

struct status store_add_account(struct db_tx *tx, const struct account *account, bool *ret_is_added)
{
    int64_t count;

    TRY(db_exec(tx, &ADD_ACCOUNT,
                DB_ARGS(db_text(account->code), db_text(account->provider),
                        db_int(account->capture_policy), db_bool(account->is_active),
                        db_texts(account->currency_codes, account->currency_count)),
                &count));
    *ret_is_added = count > 0;
    return status_ok();
}

static struct account_list read_accounts(struct ctx *ctx, const struct db_rows *rows)
{
    struct account_list list = {.items = arena_array(ctx->arena, struct account, rows->count),
                                .count = rows->count};

    for (size_t i = 0; i < rows->count; i++) {
        struct account *account = &list.items[i];
        *account = (struct account){
            .code = db_get_text(rows, i, 0),
            .provider = db_get_text(rows, i, 1),
            .capture_policy = (enum capture_policy)db_get_int(rows, i, 2),
            .is_active = db_get_bool(rows, i, 3),
        };
        account->currency_codes = db_get_texts(ctx, rows, i, 4, &account->currency_count);
    }
    return list;
}

static struct db_value bytes_if(bool is_new, struct db_bytes bytes)
{
    return is_new ? db_blob(bytes.data, bytes.length) : db_null('b');
}

static struct checkout read_checkout(const struct db_rows *rows)
{
    return (struct checkout){
        .id = db_get_uuid(rows, 0, 0),
        .cart_id = db_get_uuid(rows, 0, 1),
        .customer_id = db_get_uuid(rows, 0, 2),
        .reservation_id = db_get_uuid(rows, 0, 3),
        .state = (enum checkout_state)db_get_int(rows, 0, 4),
        .cart_version = db_get_int(rows, 0, 5),
        .reservation_attempt = db_get_int(rows, 0, 6),
        .epoch = db_get_int(rows, 0, 7),
        .event_count = db_get_int(rows, 0, 8),
        .client_key = db_get_text(rows, 0, 9),
        .fingerprint = db_get_text(rows, 0, 10),
        .driver = db_get_text(rows, 0, 11),
        .order_number = db_get_text(rows, 0, 12),
        .failure_reason = db_get_text(rows, 0, 13),
        .failure_detail = db_get_text(rows, 0, 14),
        .expected_minor = db_get_int(rows, 0, 15),
        .currency_code = db_get_text(rows, 0, 16),
        .has_quoted = !db_is_null(rows, 0, 17),
        .quoted_minor = db_get_int(rows, 0, 17),
        .quoted_currency = db_get_text(rows, 0, 18),
        .tenders = db_get_bytes(rows, 0, 19),
        .snapshot = db_get_bytes(rows, 0, 20),
        .allocations = db_get_bytes(rows, 0, 21),
        .lease_until_us = db_get_time(rows, 0, 22),
        .wake_us = db_get_time(rows, 0, 23),
        .deadline_us = db_get_time(rows, 0, 24),
        .create_us = db_get_time(rows, 0, 25),
        .update_us = db_get_time(rows, 0, 26),
        .now_us = db_get_time(rows, 0, 27),
        .failure_code = db_get_int(rows, 0, 28),
        .attempts = db_get_int(rows, 0, 29),
        .violations = db_get_bytes(rows, 0, 30),
    };
}
