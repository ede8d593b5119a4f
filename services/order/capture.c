/* capture.c - taking the money that is held: when the order is placed, when it ships, or on demand.
 *
 * A capture is requested in the transaction of its cause and done by a durable task. Its number is
 * its key: an attempt whose outcome is unknown is sent again, never anew. One that failed for good
 * is followed by others under keys of their own, hours apart; when none helps, an order of which
 * nothing has left is cancelled. */
#include "store.h"
#include "tables.h"

#include "chassis/log.h"
#include "events/consumer.h"

#include <string.h>

const struct error_def CAPTURE_PENDING = {STATUS_UNAVAILABLE, "CAPTURE_PENDING",
                                          "The provider has not confirmed yet: it is asked again"};
const struct error_def CAPTURE_EXCEEDS_AUTHORIZATION = {
    STATUS_FAILED_PRECONDITION, "CAPTURE_EXCEEDS_AUTHORIZATION",
    "Capture at most what is authorized and not captured or being captured"};
const struct error_def ORDER_NOT_OPEN = {STATUS_FAILED_PRECONDITION, "ORDER_NOT_OPEN",
                                         "The order was cancelled or is closed"};

static struct status run(struct ctx *ctx, const struct task *task);

const struct task_kind CAPTURE_PAYMENT = {
    .name = "capture_payment",
    .run = run,
    .timeout_ms = 15000,
    .attempts_max = 200,
    .backoff_ms = 2000,
    .backoff_max_ms = 1800000,
};

static struct status retry(struct ctx *ctx, const struct task *task);

/* Only tries to begin the next capture, which is a task of its own. */
const struct task_kind RETRY_CAPTURE = {
    .name = "retry_capture",
    .run = retry,
    .timeout_ms = 15000,
    .attempts_max = 200,
    .backoff_ms = 2000,
    .backoff_max_ms = 1800000,
};

enum { RETRY_FACTOR = 4 };

static int64_t retry_delay_ms(struct ctx *ctx, int64_t failures);
static struct payment *payment_of(struct order *order, struct uuid payment_id);
static const char *task_key(struct ctx *ctx, const struct payment *payment);
static bool parse_key(const char *key, struct uuid *ret_payment_id, int64_t *ret_number);
static bool is_open(const struct payment *payment, int64_t number);

struct status order_capture_payment(struct ctx *ctx, const Order__V1__CapturePaymentRequest *req,
                                    Order__V1__CapturePaymentResponse *rep)
{
    struct order order;
    bool is_started;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_order(tx, message_uuid(req->order_id), true, &order));
    struct payment *payment = payment_of(&order, message_uuid(req->payment_id));
    if (payment == NULL)
        return ctx_fail(ctx, &ERROR_NOT_FOUND, "payment %s of the order", req->payment_id);
    if (order.state == ORDER_CANCELLED)
        return ctx_fail(ctx, &ORDER_NOT_OPEN, "order %s", order.number);
    TRY(capture_start(tx, payment, req->amount_minor, &is_started));
    if (!is_started && req->amount_minor > 0)
        return ctx_fail_field(ctx, &CAPTURE_EXCEEDS_AUTHORIZATION, "amountMinor",
                              arena_printf(ctx->arena, "%" PRId64, req->amount_minor),
                              arena_printf(ctx->arena, "at most %" PRId64 ", one capture at a time",
                                           ledger_capturable(payment)));
    if (is_started) {
        TRY(order_payment_changed(tx, &order));
        TRY(db_audit(tx, "order.capture", order.id, req->payment_id));
    }
    TRY(order_reply(tx, order.id, &rep->order));
    return db_commit(&tx);
}

struct status capture_start(struct db_tx *tx, struct payment *payment, int64_t amount,
                            bool *ret_is_open)
{
    struct ctx *ctx = db_ctx(tx);
    const int64_t wanted = amount == 0 ? ledger_capturable(payment) : amount;

    *ret_is_open = false;
    if (payment->is_cancelled || wanted <= 0 || wanted > ledger_capturable(payment) ||
        payment->capture_requested > payment->captured)
        return status_ok();
    *ret_is_open = true;
    if (payment_is_local(ctx, payment)) {
        TRY(payment_settle(tx, payment, ENTRY_CAPTURE, wanted));
        return store_put_payment(tx, payment);
    }
    TRY(payment_request(tx, payment, ENTRY_CAPTURE, wanted, ret_is_open));
    TRY(store_put_payment(tx, payment));
    return task_add(tx, &CAPTURE_PAYMENT, task_key(ctx, payment), NULL, 0, 0);
}

/* An order that was cancelled meanwhile is left to its unwind task, which asks the provider whether
 * an earlier attempt of this capture got through. */
static struct status run(struct ctx *ctx, const struct task *task)
{
    struct payment_answer answer;
    struct payment payment;
    struct uuid payment_id;
    struct order order;
    int64_t number;

    if (!parse_key(task->key, &payment_id, &number))
        return ctx_fail(ctx, &ERROR_INTERNAL, "task key %s", task->key);
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_payment(tx, payment_id, false, &payment));
    TRY(db_commit(&tx));
    if (payment.is_cancelled || !is_open(&payment, number))
        return status_ok();
    payment_ask(ctx, &payment, ENTRY_CAPTURE, &answer);

    TRY(db_begin(ctx, &tx));
    TRY(store_load_order(tx, payment.order_id, true, &order));
    struct payment *target = payment_of(&order, payment_id);
    const bool is_ours = is_open(target, number);
    if (is_ours) {
        TRY(payment_learn(tx, target, ENTRY_CAPTURE, &answer));
        TRY(order_payment_changed(tx, &order));
    }
    TRY(db_commit(&tx));
    if (is_ours && answer.outcome == OUTCOME_UNKNOWN)
        return ctx_fail(ctx, &CAPTURE_PENDING, "payment %s", task->key);
    return status_ok();
}

/* Too early cannot be: the event follows its failure. Too late, the capture was begun anew or the
 * order is cancelled, and nothing is left to do. */
struct status order_on_capture_failed(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                      const void *body)
{
    const struct order_daemon *self = ctx_state(ctx);
    const Order__V1__PaymentCaptureFailed *failed = body;
    int64_t failures, amount;
    struct order order;

    (void)event;
    if (str_is_empty(failed->payment->order_id))
        return status_ok();
    TRY(store_load_order(tx, message_uuid(failed->payment->order_id), true, &order));
    const struct payment *payment = payment_of(&order, message_uuid(failed->payment->payment_id));
    if (order.state != ORDER_OPEN || payment->is_cancelled ||
        is_open(payment, payment->capture_count))
        return status_ok();
    TRY(store_sum_failed_captures(tx, payment, &failures, &amount));
    if (amount == 0) // the last one succeeded
        return status_ok();
    if (amount <= ledger_capturable(payment) && failures < self->capture_tries)
        return task_add(tx, &RETRY_CAPTURE, task_key(ctx, payment), NULL, 0,
                        retry_delay_ms(ctx, failures));
    log_warn(ctx, "capture_given_up", LOG_STR("order", order.number),
             LOG_STR("reason", failed->failure_reason));
    if (order_has_shipped(&order)) // it stays visible as failed: only people can get the money now
        return status_ok();
    return order_cancel(tx, &order, "PAYMENT_FAILED");
}

static int64_t retry_delay_ms(struct ctx *ctx, int64_t failures)
{
    const struct order_daemon *self = ctx_state(ctx);
    int64_t delay_ms = self->capture_retry_ms;

    for (int64_t i = 1; i < failures; i++)
        delay_ms *= RETRY_FACTOR;
    return delay_ms;
}

/* The task is of the capture that failed: when another followed it, by hand, that one decides. */
static struct status retry(struct ctx *ctx, const struct task *task)
{
    int64_t number, failures, amount;
    struct uuid payment_id;
    struct payment found;
    struct order order;
    bool is_started;

    if (!parse_key(task->key, &payment_id, &number))
        return ctx_fail(ctx, &ERROR_INTERNAL, "task key %s", task->key);
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_payment(tx, payment_id, false, &found));
    TRY(store_load_order(tx, found.order_id, true, &order));
    struct payment *payment = payment_of(&order, payment_id);
    if (order.state != ORDER_OPEN || payment->capture_count != number || is_open(payment, number))
        return status_ok();
    TRY(store_sum_failed_captures(tx, payment, &failures, &amount));
    TRY(capture_start(tx, payment, amount, &is_started));
    TRY(order_payment_changed(tx, &order));
    return db_commit(&tx);
}

static struct payment *payment_of(struct order *order, struct uuid payment_id)
{
    for (size_t i = 0; i < order->payments.count; i++)
        if (uuid_equal(order->payments.items[i].id, payment_id))
            return &order->payments.items[i];
    return NULL;
}

static bool is_open(const struct payment *payment, int64_t number)
{
    return payment->capture_requested > payment->captured && payment->capture_count == number;
}

/* "<payment id>/<number>" */
static const char *task_key(struct ctx *ctx, const struct payment *payment)
{
    return arena_printf(ctx->arena, "%s/%" PRId64, uuid_text(ctx->arena, payment->id),
                        payment->capture_count);
}

static bool parse_key(const char *key, struct uuid *ret_payment_id, int64_t *ret_number)
{
    char id[UUID_TEXT_LENGTH + 1] = "";

    if (strlen(key) <= UUID_TEXT_LENGTH + 1 || key[UUID_TEXT_LENGTH] != '/')
        return false;
    memcpy(id, key, UUID_TEXT_LENGTH);
    return uuid_parse(id, ret_payment_id) && str_to_int64(key + UUID_TEXT_LENGTH + 1, ret_number);
}
