/* store_payment.c - payments, their ledger and the webhook inbox. */
#include "store.h"

#include "order.h"

#include <string.h>

#define PAYMENT_COLUMNS                                                                            \
    "id, checkout_id, order_id, number, account, provider, capture_policy, payment_method,"        \
    " return_url, currency_code, amount_minor, authorized_minor, capture_requested_minor,"         \
    " captured_minor, refund_requested_minor, refunded_minor, state, attempt, tries,"              \
    " capture_count, refund_count, void_count, is_voiding, is_cancelled, provider_reference,"      \
    " action_url, client_secret, failure_reason, version,"                                         \
    " coalesce((extract(epoch FROM clock_timestamp() - request_time) * 1000)::bigint, 0)"
#define PAYMENT_OUT                                                                                \
    "uuuittittti"                                                                                  \
    "iiiiiiiiiii"                                                                                  \
    "ff"                                                                                           \
    "tttt"                                                                                         \
    "ii"

/* Of one checkout by "=" and not by ANY: a plan for an array is never cheap enough to be kept, so
 * the statement would be planned at each call. */
static const struct db_stmt LIST_PAYMENTS = {
    .name = "list_payments",
    .in = "u", /* checkout */
    .out = PAYMENT_OUT,
    .sql = "SELECT " PAYMENT_COLUMNS " FROM orders.payment WHERE checkout_id = $1 ORDER BY number",
    .read_only = true,
};

static const struct db_stmt LOCK_PAYMENTS = {
    .name = "lock_payments",
    .in = "u",
    .out = PAYMENT_OUT,
    .sql = "SELECT " PAYMENT_COLUMNS " FROM orders.payment WHERE checkout_id = $1 ORDER BY number"
           " FOR UPDATE",
};

static const struct db_stmt LIST_PAYMENTS_OF_MANY = {
    .name = "list_payments_of_many",
    .in = "U",
    .out = PAYMENT_OUT,
    .sql = "SELECT " PAYMENT_COLUMNS " FROM orders.payment WHERE checkout_id = ANY ($1)"
           " ORDER BY checkout_id DESC, number",
    .read_only = true,
};

static const struct db_stmt LOAD_PAYMENT = {
    .name = "load_payment",
    .in = "u",
    .out = PAYMENT_OUT,
    .sql = "SELECT " PAYMENT_COLUMNS " FROM orders.payment WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_PAYMENT = {
    .name = "lock_payment",
    .in = "u",
    .out = PAYMENT_OUT,
    .sql = "SELECT " PAYMENT_COLUMNS " FROM orders.payment WHERE id = $1 FOR UPDATE",
};

static const struct db_stmt FIND_PAYMENT = {
    .name = "find_payment_by_reference",
    .in = "tt", /* provider, reference */
    .out = "u",
    .sql = "SELECT id FROM orders.payment WHERE provider = $1 AND provider_reference = $2 LIMIT 1",
    .read_only = true,
};

#define PAYMENT_IN                                                                                 \
    "uuuittittt"                                                                                   \
    "iiiiiii"                                                                                      \
    "iiiii"                                                                                        \
    "ff"                                                                                           \
    "tttti"
#define ENTRY_IN "iiiuittt" /* kind, number, outcome, id, amount, key, reference, reason */

/* Inserts or overwrites: who saves a payment holds its lock, or that of the checkout that has none
 * yet. What names the payment is never overwritten. */
#define PUT_SQL                                                                                    \
    "INSERT INTO orders.payment (id, checkout_id, order_id, number, account, provider,"            \
    " capture_policy, payment_method, return_url, currency_code, amount_minor,"                    \
    " authorized_minor, capture_requested_minor, captured_minor, refund_requested_minor,"          \
    " refunded_minor, state, attempt, tries, capture_count, refund_count, void_count,"             \
    " is_voiding, is_cancelled, provider_reference, action_url, client_secret,"                    \
    " failure_reason, version, request_time)"                                                      \
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"         \
    " $18::bigint, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,"                         \
    " CASE WHEN $18::bigint > 0 THEN clock_timestamp() END)"                                       \
    " ON CONFLICT (id) DO UPDATE SET order_id = excluded.order_id,"                                \
    " account = excluded.account, provider = excluded.provider,"                                   \
    " capture_policy = excluded.capture_policy, payment_method = excluded.payment_method,"         \
    " return_url = excluded.return_url, amount_minor = excluded.amount_minor,"                     \
    " authorized_minor = excluded.authorized_minor,"                                               \
    " capture_requested_minor = excluded.capture_requested_minor,"                                 \
    " captured_minor = excluded.captured_minor,"                                                   \
    " refund_requested_minor = excluded.refund_requested_minor,"                                   \
    " refunded_minor = excluded.refunded_minor, state = excluded.state,"                           \
    " attempt = excluded.attempt, tries = excluded.tries,"                                         \
    " capture_count = excluded.capture_count, refund_count = excluded.refund_count,"               \
    " void_count = excluded.void_count, is_voiding = excluded.is_voiding,"                         \
    " is_cancelled = excluded.is_cancelled,"                                                       \
    " provider_reference = excluded.provider_reference, action_url = excluded.action_url,"         \
    " client_secret = excluded.client_secret, failure_reason = excluded.failure_reason,"           \
    " version = excluded.version, update_time = clock_timestamp(),"                                \
    " request_time = CASE WHEN payment.attempt = excluded.attempt"                                 \
    " THEN payment.request_time ELSE excluded.request_time END"

static const struct db_stmt PUT_PAYMENT = {
    .name = "put_payment",
    .in = PAYMENT_IN,
    .out = "",
    .sql = PUT_SQL,
};

#define ADD_ENTRY_SQL                                                                              \
    "INSERT INTO orders.payment_entry (payment_id, kind, number, outcome, id, amount_minor,"       \
    " provider_key, provider_reference, failure_reason)"

/* A line of the ledger and the sums that it changes. */
static const struct db_stmt PUT_PAYMENT_WITH_ENTRY = {
    .name = "put_payment_with_entry",
    .in = PAYMENT_IN ENTRY_IN,
    .out = "",
    .sql = "WITH entry AS (" ADD_ENTRY_SQL
           " VALUES ($1, $30, $31, $32, $33, $34, $35, $36, $37) ON CONFLICT DO NOTHING) " PUT_SQL,
};

static const struct db_stmt ADD_ENTRY = {
    .name = "add_payment_entry",
    .in = "u" ENTRY_IN,
    .out = "",
    .sql = ADD_ENTRY_SQL " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
};

/* How many of a payment's captures failed, and how much the last one wanted: 0 when it did not
 * fail.
 */
static const struct db_stmt SUM_FAILED_CAPTURES = {
    .name = "sum_failed_captures",
    .in = "ui", /* payment, number of the last capture */
    .out = "ii",
    .sql = "SELECT count(*), coalesce(max(amount_minor) FILTER (WHERE number = $2), 0)::bigint"
           " FROM orders.payment_entry WHERE payment_id = $1 AND kind = 2 AND outcome = 3",
    .read_only = true,
};

static const struct db_stmt FIND_WEBHOOK = {
    .name = "find_webhook",
    .in = "tt", /* account, event id */
    .out = "t",
    .sql = "SELECT event_id FROM orders.webhook_event WHERE account = $1 AND event_id = $2",
    .read_only = true,
};

static const struct db_stmt ADD_WEBHOOK = {
    .name = "add_webhook",
    .in = "tttu", /* account, event id, type, payment */
    .out = "",
    .sql = "INSERT INTO orders.webhook_event (account, event_id, type, payment_id)"
           " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
};

static const struct db_stmt PURGE_WEBHOOKS = {
    .name = "purge_webhooks",
    .in = "ii", /* milliseconds to keep, batch */
    .out = "",
    .sql = "DELETE FROM orders.webhook_event WHERE (account, event_id) IN ("
           " SELECT account, event_id FROM orders.webhook_event"
           " WHERE receive_time < now() - $1::bigint * interval '1 millisecond'"
           " ORDER BY receive_time LIMIT $2)",
};

const struct db_stmt *const STORE_PAYMENT_STATEMENTS[] = {
    &LIST_PAYMENTS,  &LIST_PAYMENTS_OF_MANY,
    &LOCK_PAYMENTS,  &LOAD_PAYMENT,
    &LOCK_PAYMENT,   &FIND_PAYMENT,
    &PUT_PAYMENT,    &PUT_PAYMENT_WITH_ENTRY,
    &ADD_ENTRY,      &SUM_FAILED_CAPTURES,
    &FIND_WEBHOOK,   &ADD_WEBHOOK,
    &PURGE_WEBHOOKS, NULL,
};

/* A line of the ledger that waits for its payment to be saved. */
struct payment_entry {
    struct uuid id;
    struct payment_fact fact;
    const char *provider_key, *provider_reference;
};

enum {
    PAYMENT_PARAMETERS = sizeof PAYMENT_IN - 1,
    ENTRY_PARAMETERS = sizeof ENTRY_IN - 1,
};

static struct payment read_payment(const struct db_rows *rows, size_t row);
static void put_entry(const struct payment_entry *entry, struct db_value values[ENTRY_PARAMETERS]);

struct db_call store_payments_call(const struct db_value *checkout_id, bool for_update)
{
    const struct db_stmt *stmt = for_update ? &LOCK_PAYMENTS : &LIST_PAYMENTS;

    if (checkout_id->type == 'U')
        stmt = &LIST_PAYMENTS_OF_MANY;
    return (struct db_call){.stmt = stmt, .args = {checkout_id, 1}};
}

struct payment_list store_payments_read(struct ctx *ctx, const struct db_rows *rows)
{
    struct payment_list list = {.items = arena_array(ctx->arena, struct payment, rows->count),
                                .count = rows->count};

    for (size_t i = 0; i < rows->count; i++)
        list.items[i] = read_payment(rows, i);
    return list;
}

struct status store_list_payments(struct db_tx *tx, struct uuid checkout_id,
                                  struct payment_list *ret_payments)
{
    struct db_rows rows;

    TRY(db_many(tx, &LIST_PAYMENTS, DB_ARGS(db_uuid(checkout_id)), &rows));
    *ret_payments = store_payments_read(db_ctx(tx), &rows);
    return status_ok();
}

struct status store_load_payment(struct db_tx *tx, struct uuid id, bool for_update,
                                 struct payment *ret_payment)
{
    struct db_rows rows;

    TRY(db_one(tx, for_update ? &LOCK_PAYMENT : &LOAD_PAYMENT, DB_ARGS(db_uuid(id)), &rows));
    *ret_payment = read_payment(&rows, 0);
    return status_ok();
}

struct status store_find_payment_by_reference(struct db_tx *tx, const char *provider,
                                              const char *reference, struct uuid *ret_id)
{
    struct db_rows rows;

    TRY(db_one(tx, &FIND_PAYMENT, DB_ARGS(db_text(provider), db_text(reference)), &rows));
    *ret_id = db_get_uuid(&rows, 0, 0);
    return status_ok();
}

struct status store_put_payment(struct db_tx *tx, struct payment *p)
{
    const struct payment_entry *entry = p->unsaved;
    const struct db_value payment[PAYMENT_PARAMETERS] = {
        db_uuid(p->id),
        db_uuid(p->checkout_id),
        db_uuid_or_null(p->order_id),
        db_int(p->number),
        db_text(p->account),
        db_text(p->provider),
        db_int(p->capture_policy),
        db_text(p->payment_method),
        db_text(p->return_url),
        db_text(p->currency_code),
        db_int(p->amount),
        db_int(p->authorized),
        db_int(p->capture_requested),
        db_int(p->captured),
        db_int(p->refund_requested),
        db_int(p->refunded),
        db_int(p->state),
        db_int(p->attempt),
        db_int(p->tries),
        db_int(p->capture_count),
        db_int(p->refund_count),
        db_int(p->void_count),
        db_bool(p->is_voiding),
        db_bool(p->is_cancelled),
        db_text(p->provider_reference),
        db_text(p->action_url),
        db_text(p->client_secret),
        db_text(p->failure_reason),
        db_int(p->version),
    };
    struct db_value values[PAYMENT_PARAMETERS + ENTRY_PARAMETERS];

    memcpy(values, payment, sizeof payment);
    p->unsaved = NULL;
    if (entry == NULL)
        return db_later(tx, &PUT_PAYMENT, (struct db_args){values, PAYMENT_PARAMETERS});
    put_entry(entry, values + PAYMENT_PARAMETERS);
    return db_later(tx, &PUT_PAYMENT_WITH_ENTRY, (struct db_args){values, ARRAY_LEN(values)});
}

struct status store_add_entry(struct db_tx *tx, struct payment *payment,
                              const struct payment_fact *fact, const char *provider_key)
{
    struct db_value values[1 + ENTRY_PARAMETERS] = {db_uuid(payment->id)};
    struct payment_entry *entry = arena_new(db_ctx(tx)->arena, struct payment_entry);
    struct status status = status_ok();

    if (payment->unsaved != NULL) { // two facts at once: only the last one waits for its payment
        put_entry(payment->unsaved, values + 1);
        status = db_later(tx, &ADD_ENTRY, (struct db_args){values, ARRAY_LEN(values)});
    }
    *entry = (struct payment_entry){.id = uuid_v7(),
                                    .fact = *fact,
                                    .provider_key = provider_key,
                                    .provider_reference = payment->provider_reference};
    payment->unsaved = entry;
    return status;
}

static void put_entry(const struct payment_entry *entry, struct db_value values[ENTRY_PARAMETERS])
{
    const struct db_value columns[ENTRY_PARAMETERS] = {
        db_int(entry->fact.kind),           db_int(entry->fact.number),
        db_int(entry->fact.outcome),        db_uuid(entry->id),
        db_int(entry->fact.amount),         db_text(entry->provider_key),
        db_text(entry->provider_reference), db_text(entry->fact.failure_reason),
    };

    memcpy(values, columns, sizeof columns);
}

struct status store_sum_failed_captures(struct db_tx *tx, const struct payment *payment,
                                        int64_t *ret_count, int64_t *ret_amount)
{
    struct db_rows rows;

    TRY(db_one(tx, &SUM_FAILED_CAPTURES,
               DB_ARGS(db_uuid(payment->id), db_int(payment->capture_count)), &rows));
    *ret_count = db_get_int(&rows, 0, 0);
    *ret_amount = db_get_int(&rows, 0, 1);
    return status_ok();
}

struct status store_is_webhook_known(struct db_tx *tx, const char *account, const char *event_id,
                                     bool *ret_is_known)
{
    struct db_rows rows;

    TRY(db_many(tx, &FIND_WEBHOOK, DB_ARGS(db_text(account), db_text(event_id)), &rows));
    *ret_is_known = rows.count > 0;
    return status_ok();
}

struct status store_add_webhook(struct db_tx *tx, const char *account,
                                const struct webhook_notice *notice, struct uuid payment_id)
{
    return db_later(tx, &ADD_WEBHOOK,
                    DB_ARGS(db_text(account), db_text(notice->event_id), db_text(notice->type),
                            db_uuid_or_null(payment_id)));
}

struct status store_purge_webhooks(struct db_tx *tx, int64_t keep_ms, int64_t batch,
                                   int64_t *ret_count)
{
    return db_exec(tx, &PURGE_WEBHOOKS, DB_ARGS(db_int(keep_ms), db_int(batch)), ret_count);
}

static struct payment read_payment(const struct db_rows *rows, size_t row)
{
    return (struct payment){
        .id = db_get_uuid(rows, row, 0),
        .checkout_id = db_get_uuid(rows, row, 1),
        .order_id = db_get_uuid(rows, row, 2),
        .number = db_get_int(rows, row, 3),
        .account = db_get_text(rows, row, 4),
        .provider = db_get_text(rows, row, 5),
        .capture_policy = (enum capture_policy)db_get_int(rows, row, 6),
        .payment_method = db_get_text(rows, row, 7),
        .return_url = db_get_text(rows, row, 8),
        .currency_code = db_get_text(rows, row, 9),
        .amount = db_get_int(rows, row, 10),
        .authorized = db_get_int(rows, row, 11),
        .capture_requested = db_get_int(rows, row, 12),
        .captured = db_get_int(rows, row, 13),
        .refund_requested = db_get_int(rows, row, 14),
        .refunded = db_get_int(rows, row, 15),
        .state = (enum payment_state)db_get_int(rows, row, 16),
        .attempt = db_get_int(rows, row, 17),
        .tries = db_get_int(rows, row, 18),
        .capture_count = db_get_int(rows, row, 19),
        .refund_count = db_get_int(rows, row, 20),
        .void_count = db_get_int(rows, row, 21),
        .is_voiding = db_get_bool(rows, row, 22),
        .is_cancelled = db_get_bool(rows, row, 23),
        .provider_reference = db_get_text(rows, row, 24),
        .action_url = db_get_text(rows, row, 25),
        .client_secret = db_get_text(rows, row, 26),
        .failure_reason = db_get_text(rows, row, 27),
        .version = db_get_int(rows, row, 28),
        .request_age_ms = db_get_int(rows, row, 29),
    };
}
