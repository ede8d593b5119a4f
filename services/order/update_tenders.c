/* update_tenders.c - the buyer pays with something else.
 *
 * Possible until a provider was asked, and while the buyer has to act. An attempt that waits for
 * the buyer is voided first: it might still be completed in another window. While one is without an
 * answer there is no second one. */
#include "store.h"

#include "chassis/wire.h"

const struct error_def TENDER_IN_FLIGHT = {
    STATUS_FAILED_PRECONDITION, "TENDER_IN_FLIGHT",
    "A payment is still being decided by its provider: wait for it"};

static struct status load(struct ctx *ctx, struct db_tx *tx,
                          const Order__V1__UpdateTendersRequest *req,
                          struct locked_checkout *ret_locked);
static struct status void_open(struct ctx *ctx, const struct locked_checkout *locked);
static struct status void_attempt(struct ctx *ctx, const struct payment *payment);
static struct status replace(struct db_tx *tx, const Order__V1__UpdateTendersRequest *req,
                             struct locked_checkout *locked);

struct status order_update_tenders(struct ctx *ctx, const Order__V1__UpdateTendersRequest *req,
                                   Order__V1__UpdateTendersResponse *rep)
{
    struct locked_checkout locked;

    ctx->idempotency = NULL; // several transactions; the same tenders again are the same tenders
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(load(ctx, tx, req, &locked));
    db_rollback(&tx);
    TRY(void_open(ctx, &locked));

    TRY(db_begin(ctx, &tx));
    TRY(load(ctx, tx, req, &locked));
    TRY(replace(tx, req, &locked));
    rep->checkout = checkout_message(ctx, &locked.checkout, locked.payments);
    return db_commit(&tx);
}

static struct status load(struct ctx *ctx, struct db_tx *tx,
                          const Order__V1__UpdateTendersRequest *req,
                          struct locked_checkout *ret_locked)
{
    TRY(store_lock_checkout(tx, message_uuid(req->checkout_id), LOCK_TO_PAY, ret_locked));
    TRY(checkout_fence(ctx, &ret_locked->checkout, req->epoch));
    const enum checkout_state state = ret_locked->checkout.state;
    if (state > CHECKOUT_RESERVED && state != CHECKOUT_ACTION_REQUIRED)
        return state == CHECKOUT_AUTH_PENDING
                   ? ctx_fail(ctx, &TENDER_IN_FLIGHT, "checkout %s", req->checkout_id)
                   : ctx_fail(ctx, &CHECKOUT_REFUSED_STATE, "in state %d", (int)state);
    return status_ok();
}

static struct status void_open(struct ctx *ctx, const struct locked_checkout *locked)
{
    for (size_t i = 0; i < locked->payments.count; i++)
        if (locked->payments.items[i].state == PAYMENT_ACTION_REQUIRED)
            TRY(void_attempt(ctx, &locked->payments.items[i]));
    return status_ok();
}

static struct status void_attempt(struct ctx *ctx, const struct payment *waiting)
{
    struct payment_answer answer;
    struct payment payment;
    bool is_open;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_payment(tx, waiting->id, true, &payment));
    TRY(payment_request(tx, &payment, ENTRY_VOID, 0, &is_open));
    TRY(store_put_payment(tx, &payment));
    TRY(db_commit(&tx));
    payment_ask(ctx, &payment, ENTRY_VOID, &answer);

    TRY(db_begin(ctx, &tx));
    TRY(store_load_payment(tx, waiting->id, true, &payment));
    TRY(payment_learn(tx, &payment, ENTRY_VOID, &answer));
    TRY(db_commit(&tx));
    if (payment.state != PAYMENT_VOIDED)
        return ctx_fail(ctx, &TENDER_IN_FLIGHT, "payment %s", uuid_text(ctx->arena, payment.id));
    return status_ok();
}

/* Payments that exist stay the payments of their numbers: one that holds money only with the same
 * account, one that was voided with whatever the buyer says now. */
static struct status replace(struct db_tx *tx, const Order__V1__UpdateTendersRequest *req,
                             struct locked_checkout *locked)
{
    enum { TENDERS_MAX = 5 };
    struct checkout *checkout = &locked->checkout;
    struct ctx *ctx = db_ctx(tx);
    Order__V1__UpdateTendersRequest kept = ORDER__V1__UPDATE_TENDERS_REQUEST__INIT;
    int64_t asked[TENDERS_MAX], amounts[TENDERS_MAX];

    for (size_t i = 0; i < req->n_tenders; i++)
        asked[i] = req->tenders[i]->amount_minor;
    if (!tender_split(checkout->expected_minor, asked, req->n_tenders, amounts) ||
        (locked->payments.count != 0 && locked->payments.count != req->n_tenders))
        return ctx_fail_field(ctx, &TENDERS_MISMATCH, "tenders", NULL,
                              "as many as before, which add up to the total");
    for (size_t i = 0; i < req->n_tenders; i++) {
        const Order__V1__TenderInput *input = req->tenders[i];
        const struct account *account =
            account_find(&locked->accounts, input->provider_account, checkout->currency_code);
        if (account == NULL)
            return ctx_fail(ctx, &UNKNOWN_PROVIDER_ACCOUNT, "%s", input->provider_account);
        if (locked->payments.count == 0)
            continue;
        struct payment *payment = &locked->payments.items[i];
        if (payment->state != PAYMENT_VOIDED) {
            if (!str_equal(payment->account, account->code) || payment->amount != amounts[i])
                return ctx_fail(ctx, &TENDER_IN_FLIGHT, "tender %zu holds money", i + 1);
            continue;
        }
        payment->state = PAYMENT_NEW;
        payment->account = account->code;
        payment->provider = account->provider;
        payment->capture_policy = account->capture_policy;
        payment->payment_method = input->payment_method;
        payment->return_url = input->return_url;
        payment->amount = amounts[i];
        payment->provider_reference = NULL;
        payment->failure_reason = NULL;
        TRY(store_put_payment(tx, payment));
    }
    if (checkout->state == CHECKOUT_ACTION_REQUIRED)
        TRY(checkout_move(ctx, checkout, CHECKOUT_AUTH_PENDING, CHECKOUT_BY_PAYMENTS));
    kept.tenders = req->tenders;
    kept.n_tenders = req->n_tenders;
    checkout->tenders = wire_pack(ctx->arena, &kept.base);
    checkout->is_tenders_new = true;
    return store_save_checkout(tx, checkout);
}
