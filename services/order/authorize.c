/* authorize.c - holding the money: every tender of a checkout with its provider.
 *
 * Local providers decide inside the first transaction: one commit. Others are asked between two:
 * the first records what is asked for and under which key, the second what came of it. Whoever dies
 * in between leaves a key that the next caller sends again.
 *
 * The transaction that finds everything held places the order too, when the caller wants that: a
 * commit, a lock and a call less, and no moment at which money is held for nothing. */
#include "store.h"

enum { TENDERS_MAX = 5 };

/* What was asked of one payment's provider, and what it said. */
struct asked {
    enum entry_kind kind; /* 0: a query */
    bool is_asked;
    struct payment_answer answer;
};

static struct status prepare(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                             struct locked_checkout *locked, struct order *ret_order);
static struct status make_payments(struct db_tx *tx, struct locked_checkout *locked);
static struct status start(struct db_tx *tx, struct payment *payment);
static struct status settle(struct ctx *ctx, struct locked_checkout *locked);
static void ask_all(struct ctx *ctx, const struct payment_list *payments, struct asked *ret_asked);
static struct status record(struct db_tx *tx, const struct payment_list *before,
                            const struct asked *asked, struct locked_checkout *now);
static struct status conclude(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                              struct locked_checkout *locked, struct order *ret_order);
static struct status load_if_placed(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                                    const struct checkout *checkout, struct order *ret_order);
static struct status place_or_save(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                                   bool is_asking, struct locked_checkout *locked,
                                   struct order *ret_order);
static bool is_waiting(enum checkout_state state);

struct status order_authorize_tenders(struct ctx *ctx,
                                      const Order__V1__AuthorizeTendersRequest *req,
                                      Order__V1__AuthorizeTendersResponse *rep)
{
    const struct uuid id = message_uuid(req->checkout_id);
    struct asked asked[TENDERS_MAX] = {0};
    struct locked_checkout locked, after;
    struct order order;

    ctx->idempotency = NULL; // two transactions; repeatable by the providers' keys
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_checkout(tx, id, req->place ? LOCK_TO_PLACE : LOCK_TO_PAY, &locked));
    TRY(checkout_fence(ctx, &locked.checkout, req->epoch));
    TRY(checkout_take_progress(
        ctx, req->snapshot,
        &(struct checkout_reservation){req->reservation_id, req->allocations, req->n_allocations},
        &locked.checkout));
    TRY(prepare(tx, req, &locked, &order));
    TRY(db_commit(&tx));
    after = locked;

    if (is_waiting(locked.checkout.state)) {
        ask_all(ctx, &locked.payments, asked);
        TRY(db_begin(ctx, &tx));
        TRY(store_lock_checkout(tx, id, LOCK_ALONE, &after));
        after.order_number = locked.order_number;    // one is enough, whoever locks
        if (after.checkout.state != CHECKOUT_PLACED) // else the order's lock would come first
            TRY(record(tx, &locked.payments, asked, &after));
        if (after.checkout.epoch == req->epoch)
            TRY(conclude(tx, req, &after, &order));
        TRY(db_commit(&tx)); // what was learned stays, whoever else drives now
        TRY(checkout_fence(ctx, &after.checkout, req->epoch));
    }
    rep->checkout = checkout_message(ctx, &after.checkout, after.payments);
    if (req->place && after.checkout.state == CHECKOUT_PLACED)
        rep->order = order_message(ctx, &order, true);
    return status_ok();
}

/* A checkout that is placed or given up answers as it is. */
static struct status prepare(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                             struct locked_checkout *locked, struct order *ret_order)
{
    struct checkout *checkout = &locked->checkout;
    struct ctx *ctx = db_ctx(tx);

    if (checkout->state < CHECKOUT_RESERVED)
        return ctx_fail(ctx, &CHECKOUT_REFUSED_STATE, "authorize in state %d",
                        (int)checkout->state);
    if (checkout->state > CHECKOUT_AUTHORIZED)
        return load_if_placed(tx, req, checkout, ret_order);
    if (checkout->state != CHECKOUT_AUTHORIZED && !checkout_expire(checkout, &locked->payments)) {
        if (locked->payments.count == 0)
            TRY(make_payments(tx, locked));
        for (size_t i = 0; i < locked->payments.count; i++)
            TRY(start(tx, &locked->payments.items[i]));
        TRY(settle(ctx, locked));
    }
    return place_or_save(tx, req, is_waiting(checkout->state), locked, ret_order);
}

/* The answers are in; a retry of this very call may have been faster. */
static struct status conclude(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                              struct locked_checkout *locked, struct order *ret_order)
{
    if (locked->checkout.state > CHECKOUT_AUTHORIZED)
        return load_if_placed(tx, req, &locked->checkout, ret_order);
    if (is_waiting(locked->checkout.state))
        TRY(settle(db_ctx(tx), locked));
    return place_or_save(tx, req, false, locked, ret_order);
}

static struct status load_if_placed(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                                    const struct checkout *checkout, struct order *ret_order)
{
    if (!req->place || checkout->state != CHECKOUT_PLACED)
        return status_ok();
    return store_load_order(tx, checkout->id, false, ret_order);
}

/* `is_asking`: a provider is about to be asked, which takes its time. Placing saves the payments
 * too, with what is captured of them. */
static struct status place_or_save(struct db_tx *tx, const Order__V1__AuthorizeTendersRequest *req,
                                   bool is_asking, struct locked_checkout *locked,
                                   struct order *ret_order)
{
    if (req->place && locked->checkout.state == CHECKOUT_AUTHORIZED)
        return order_place(tx, locked, ret_order);
    for (size_t i = 0; i < locked->payments.count; i++)
        if (locked->payments.items[i].unsaved != NULL)
            TRY(store_put_payment(tx, &locked->payments.items[i]));
    checkout_renew(db_ctx(tx), &locked->checkout, req->lease_ms, is_asking);
    return store_save_checkout(tx, &locked->checkout);
}

static struct status make_payments(struct db_tx *tx, struct locked_checkout *locked)
{
    const struct checkout *checkout = &locked->checkout;
    struct ctx *ctx = db_ctx(tx);
    const Order__V1__UpdateTendersRequest *inputs = checkout_tenders(ctx, checkout);
    int64_t asked[TENDERS_MAX], amounts[TENDERS_MAX];
    const size_t count = inputs->n_tenders;

    for (size_t i = 0; i < count; i++)
        asked[i] = inputs->tenders[i]->amount_minor;
    if (!tender_split(checkout->expected_minor, asked, count, amounts))
        return ctx_fail(ctx, &TENDERS_MISMATCH, "of %" PRId64, checkout->expected_minor);
    locked->payments.items = arena_array(ctx->arena, struct payment, count);
    locked->payments.count = count;
    for (size_t i = 0; i < count; i++) {
        const Order__V1__TenderInput *input = inputs->tenders[i];
        const struct account *account =
            account_find(&locked->accounts, input->provider_account, checkout->currency_code);
        if (account == NULL)
            return ctx_fail(ctx, &UNKNOWN_PROVIDER_ACCOUNT, "%s", input->provider_account);
        locked->payments.items[i] = (struct payment){
            .id = payment_id_of(checkout->id, (int64_t)i + 1),
            .checkout_id = checkout->id,
            .number = (int64_t)i + 1,
            .account = account->code,
            .provider = account->provider,
            .capture_policy = account->capture_policy,
            .payment_method = input->payment_method,
            .return_url = input->return_url,
            .currency_code = checkout->currency_code,
            .amount = amounts[i],
            .state = PAYMENT_NEW,
        };
    }
    return status_ok();
}

/* A payment that its provider knows by name is asked about, not asked for again. */
static struct status start(struct db_tx *tx, struct payment *payment)
{
    bool is_open;

    if (payment->state != PAYMENT_NEW && payment->state != PAYMENT_PENDING)
        return status_ok();
    if (payment->amount == 0) {
        payment->state = PAYMENT_AUTHORIZED; // nothing to hold: the other tenders pay it all
        return store_put_payment(tx, payment);
    }
    if (payment_is_local(db_ctx(tx), payment))
        return payment_settle(tx, payment, ENTRY_AUTHORIZE, payment->amount);
    if (payment->provider_reference != NULL && payment->state == PAYMENT_PENDING)
        return status_ok();
    TRY(payment_request(tx, payment, ENTRY_AUTHORIZE, payment->amount, &is_open));
    return store_put_payment(tx, payment);
}

/* Moves the checkout to where its payments are. */
static struct status settle(struct ctx *ctx, struct locked_checkout *locked)
{
    const struct order_daemon *self = ctx_state(ctx);
    struct checkout *checkout = &locked->checkout;
    enum payment_state states[TENDERS_MAX];
    const char *reason = NULL;

    for (size_t i = 0; i < locked->payments.count; i++) {
        states[i] = locked->payments.items[i].state;
        if (states[i] == PAYMENT_DECLINED)
            reason = locked->payments.items[i].failure_reason;
    }
    const enum checkout_state to = tender_outcome(states, locked->payments.count);
    if (to == checkout->state)
        return status_ok();
    TRY(checkout_move(ctx, checkout, to, CHECKOUT_BY_PAYMENTS));
    if (to == CHECKOUT_CANCELLING) {
        checkout->failure_reason = "PAYMENT_DECLINED";
        checkout->failure_code = STATUS_FAILED_PRECONDITION;
        checkout->failure_detail = reason;
    }
    if (to == CHECKOUT_ACTION_REQUIRED) // the buyer has to act at a bank, which takes its time
        checkout->deadline_us = checkout->now_us + self->action_ttl_ms * 1000;
    return status_ok();
}

static void ask_all(struct ctx *ctx, const struct payment_list *payments, struct asked *ret_asked)
{
    for (size_t i = 0; i < payments->count; i++) {
        const struct payment *p = &payments->items[i];
        struct asked *asked = &ret_asked[i];
        if (p->state != PAYMENT_PENDING && p->state != PAYMENT_ACTION_REQUIRED)
            continue;
        asked->is_asked = true;
        if (p->provider_reference != NULL) {
            payment_query(ctx, p, &asked->answer);
        } else {
            asked->kind = ENTRY_AUTHORIZE;
            payment_ask(ctx, p, ENTRY_AUTHORIZE, &asked->answer);
        }
    }
}

/* An answer belongs to the attempt that it was asked for. */
static struct status record(struct db_tx *tx, const struct payment_list *before,
                            const struct asked *asked, struct locked_checkout *now)
{
    for (size_t i = 0; i < before->count && i < now->payments.count; i++)
        if (asked[i].is_asked && before->items[i].attempt == now->payments.items[i].attempt)
            TRY(payment_learn(tx, &now->payments.items[i], asked[i].kind, &asked[i].answer));
    return status_ok();
}

static bool is_waiting(enum checkout_state state)
{
    return state == CHECKOUT_AUTH_PENDING || state == CHECKOUT_ACTION_REQUIRED;
}
