/* stuck.c - what no machine brought to an end: shown to people, and begun anew when they say so. */
#include "store.h"
#include "tables.h"

#include "chassis/wire.h"

struct status order_list_stuck_payments(struct ctx *ctx,
                                        const Order__V1__ListStuckPaymentsRequest *req,
                                        Order__V1__ListStuckPaymentsResponse *rep)
{
    struct db_rows rows;

    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_stuck(tx, &rows));
    rep->payments = arena_array(ctx->arena, Order__V1__StuckPayment *, rows.count);
    for (; rep->n_payments < rows.count; rep->n_payments++) {
        Order__V1__StuckPayment *out = arena_new(ctx->arena, Order__V1__StuckPayment);
        order__v1__stuck_payment__init(out);
        out->checkout_id = message_id(ctx, db_get_uuid(&rows, rep->n_payments, 0));
        out->state = (Order__V1__CheckoutState)db_get_int(&rows, rep->n_payments, 1);
        out->payment_id = message_id(ctx, db_get_uuid(&rows, rep->n_payments, 2));
        out->attempts = db_get_int(&rows, rep->n_payments, 3);
        out->last_error = str_or_empty(db_get_text(&rows, rep->n_payments, 4));
        out->create_time = wire_time(ctx->arena, db_get_time(&rows, rep->n_payments, 5));
        rep->payments[rep->n_payments] = out;
    }
    return db_commit(&tx);
}

/* The checkout may be purged by now; its payments are not. */
struct status order_retry_stuck_payment(struct ctx *ctx,
                                        const Order__V1__RetryStuckPaymentRequest *req,
                                        Order__V1__RetryStuckPaymentResponse *rep)
{
    const struct uuid id = message_uuid(req->checkout_id);
    struct locked_checkout locked;
    struct payment_list payments;

    (void)rep;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    const struct status found = store_lock_checkout(tx, id, LOCK_ALONE, &locked);
    if (found.code == STATUS_OK && checkout_is_live(locked.checkout.state)) {
        locked.checkout.attempts = 0;
        locked.checkout.wake_us = locked.checkout.now_us;
        TRY(store_save_checkout(tx, &locked.checkout));
    } else if (found.code != STATUS_OK && found.code != STATUS_NOT_FOUND) {
        return found;
    }
    TRY(store_list_payments(tx, id, &payments));
    if (found.code == STATUS_NOT_FOUND && payments.count == 0)
        return found;
    for (size_t i = 0; i < payments.count; i++) {
        const struct status woken =
            task_wake(tx, &UNWIND_PAYMENT, uuid_text(ctx->arena, payments.items[i].id));
        if (woken.code != STATUS_NOT_FOUND)
            TRY(woken);
    }
    TRY(db_audit(tx, "checkout.retry", id, ""));
    return db_commit(&tx);
}
