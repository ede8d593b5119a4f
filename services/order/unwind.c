/* unwind.c - giving money back: what is held is voided, what was taken is refunded.
 *
 * One routine for a cancelled checkout, a cancelled order, and an authorization that shows up after
 * either. The tombstone comes first, so that nothing new begins; then steps are taken until nothing
 * is held and nothing is kept, each under a key of its own that a retry sends again. */
#include "store.h"

const struct error_def UNWIND_PENDING = {STATUS_UNAVAILABLE, "UNWIND_PENDING",
                                         "The provider has not confirmed yet: it is asked again"};

enum { STEPS_MAX = 4 };

static struct status run(struct ctx *ctx, const struct task *task);

const struct task_kind UNWIND_PAYMENT = {
    .name = "unwind_payment",
    .run = run,
    .timeout_ms = 30000,
    .attempts_max = 200, // days: a provider that is down today will be asked tomorrow
    .backoff_ms = 2000,
    .backoff_max_ms = 1800000,
};

static struct status bury(struct db_tx *tx, struct locked_checkout *locked);
static struct status request_step(struct db_tx *tx, struct payment *payment,
                                  enum entry_kind *ret_kind);
static struct status unwind_local(struct db_tx *tx, struct payment *payment);
static struct status take_step(struct ctx *ctx, struct uuid payment_id, bool *ret_is_done,
                               bool *ret_may_go_on);
static struct status learn_step(struct ctx *ctx, const struct payment *asked, enum entry_kind kind,
                                const struct payment_answer *answer, bool *ret_is_done);

struct status order_void_tenders(struct ctx *ctx, const Order__V1__VoidTendersRequest *req,
                                 Order__V1__VoidTendersResponse *rep)
{
    const struct uuid id = message_uuid(req->checkout_id);
    struct locked_checkout locked;
    bool is_done, may_go_on;

    ctx->idempotency = NULL; // several transactions; repeatable by the providers' keys
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_checkout(tx, id, LOCK_TO_PAY, &locked));
    TRY(checkout_fence(ctx, &locked.checkout, req->epoch));
    if (locked.checkout.state != CHECKOUT_CANCELLING && locked.checkout.state != CHECKOUT_CANCELLED)
        return ctx_fail(ctx, &CHECKOUT_REFUSED_STATE, "void in state %d",
                        (int)locked.checkout.state);
    TRY(bury(tx, &locked));
    checkout_renew(ctx, &locked.checkout, req->lease_ms, true);
    TRY(store_save_checkout(tx, &locked.checkout));
    TRY(db_commit(&tx));

    rep->is_done = true;
    for (size_t i = 0; i < locked.payments.count; i++) {
        struct payment *payment = &locked.payments.items[i];
        if (ledger_unwind_step(payment) == 0)
            continue;
        TRY(take_step(ctx, payment->id, &is_done, &may_go_on));
        rep->is_done = rep->is_done && is_done;
    }
    return status_ok();
}

struct status unwind_start(struct db_tx *tx, struct payment *payment)
{
    payment->is_cancelled = true;
    if (payment_is_local(db_ctx(tx), payment))
        return unwind_local(tx, payment);
    TRY(store_put_payment(tx, payment));
    return ledger_unwind_step(payment) == 0 ? status_ok() : unwind_later(tx, payment);
}

struct status unwind_later(struct db_tx *tx, const struct payment *payment)
{
    return task_add(tx, &UNWIND_PAYMENT, uuid_text(db_ctx(tx)->arena, payment->id), NULL, 0, 0);
}

/* Also for tenders that were never authorized: their payment exists from now on, as a tombstone. */
static struct status bury(struct db_tx *tx, struct locked_checkout *locked)
{
    const struct checkout *checkout = &locked->checkout;
    struct ctx *ctx = db_ctx(tx);
    const Order__V1__UpdateTendersRequest *inputs = checkout_tenders(ctx, checkout);

    for (size_t i = 0; i < locked->payments.count; i++) {
        struct payment *payment = &locked->payments.items[i];
        if (payment->is_cancelled && ledger_unwind_step(payment) == 0)
            continue;
        payment->is_cancelled = true;
        if (payment->attempt == 0)
            payment->state = PAYMENT_VOIDED;
        if (payment_is_local(ctx, payment))
            TRY(unwind_local(tx, payment));
        else
            TRY(store_put_payment(tx, payment));
    }
    for (size_t i = 0; locked->payments.count == 0 && i < inputs->n_tenders; i++) {
        const struct account *account = account_find(
            &locked->accounts, inputs->tenders[i]->provider_account, checkout->currency_code);
        struct payment tombstone = {
            .id = payment_id_of(checkout->id, (int64_t)i + 1),
            .checkout_id = checkout->id,
            .number = (int64_t)i + 1,
            .account = inputs->tenders[i]->provider_account,
            .provider = account == NULL ? "manual" : account->provider,
            .capture_policy = CAPTURE_ON_PLACE,
            .currency_code = checkout->currency_code,
            .state = PAYMENT_VOIDED,
            .is_cancelled = true,
        };
        TRY(store_put_payment(tx, &tombstone));
    }
    return status_ok();
}

static struct status unwind_local(struct db_tx *tx, struct payment *payment)
{
    for (enum entry_kind kind; (kind = ledger_unwind_step(payment)) != 0;)
        TRY(payment_settle(tx, payment, kind,
                           kind == ENTRY_REFUND ? payment->captured - payment->refunded
                                                : payment->authorized - payment->captured));
    return store_put_payment(tx, payment);
}

static struct status run(struct ctx *ctx, const struct task *task)
{
    const struct uuid payment_id = message_uuid(task->key);
    bool is_done = false;
    bool may_go_on = true;

    for (int step = 0; step < STEPS_MAX && may_go_on && !is_done; step++)
        TRY(take_step(ctx, payment_id, &is_done, &may_go_on));
    if (!is_done)
        return ctx_fail(ctx, &UNWIND_PENDING, "payment %s", task->key);
    return status_ok();
}

/* One step: what is asked for is recorded, asked, and its answer recorded. */
static struct status take_step(struct ctx *ctx, struct uuid payment_id, bool *ret_is_done,
                               bool *ret_may_go_on)
{
    struct payment_answer answer;
    struct payment payment;
    enum entry_kind kind;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_payment(tx, payment_id, true, &payment));
    TRY(request_step(tx, &payment, &kind));
    TRY(db_commit(&tx));
    *ret_is_done = kind == 0;
    *ret_may_go_on = true;
    if (kind == 0)
        return status_ok();
    payment_ask(ctx, &payment, kind, &answer);
    // a refusal is not argued with at once either: the next attempt has a new key
    *ret_may_go_on = answer.outcome != OUTCOME_UNKNOWN && answer.outcome != OUTCOME_REFUSED;
    return learn_step(ctx, &payment, kind, &answer, ret_is_done);
}

static struct status request_step(struct db_tx *tx, struct payment *payment,
                                  enum entry_kind *ret_kind)
{
    bool is_open = true;

    *ret_kind = ledger_unwind_step(payment);
    if (*ret_kind == ENTRY_VOID)
        TRY(payment_request(tx, payment, ENTRY_VOID, payment->authorized - payment->captured,
                            &is_open));
    if (*ret_kind == ENTRY_REFUND && payment->refund_requested == payment->refunded)
        TRY(payment_request(tx, payment, ENTRY_REFUND, payment->captured - payment->refunded,
                            &is_open));
    return *ret_kind == 0 ? status_ok() : store_put_payment(tx, payment);
}

static struct status learn_step(struct ctx *ctx, const struct payment *asked, enum entry_kind kind,
                                const struct payment_answer *answer, bool *ret_is_done)
{
    struct order order;
    struct payment payment;
    struct payment *target = &payment;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    if (uuid_is_nil(asked->order_id)) {
        TRY(store_load_payment(tx, asked->id, true, &payment));
        TRY(payment_learn(tx, &payment, kind, answer));
    } else {
        TRY(store_load_order(tx, asked->order_id, true, &order));
        target = &order.payments.items[asked->number - 1];
        TRY(payment_learn(tx, target, kind, answer));
        TRY(order_payment_changed(tx, &order));
    }
    *ret_is_done = ledger_unwind_step(target) == 0;
    return db_commit(&tx);
}
