/* drive_checkout.c - driving a checkout: claim, advance, release, read.
 *
 * The lease says who may act, the epoch makes sure of it: a driver that lost its lease without
 * noticing finds another epoch and changes nothing. Only the database's clock ends a lease. */
#include "store.h"

#include "chassis/wire.h"
#include "events/outbox.h"
#include "order/v1/events.schema.h"

static const char CHECKOUT_TOPIC[] = "order.checkout.events.v1";

const struct event_kind CHECKOUT_RESUME_REQUESTED = {
    CHECKOUT_TOPIC, &order__v1__checkout_resume_requested__schema, "checkout id"};
const struct event_kind CHECKOUT_CANCELLED_EVENT = {
    CHECKOUT_TOPIC, &order__v1__checkout_cancelled__schema, "checkout id"};

const struct error_def CHECKOUT_LEASED = {STATUS_FAILED_PRECONDITION, "CHECKOUT_LEASED",
                                          "Somebody drives it: wait until the lease runs out"};
const struct error_def TENDERS_NOT_VOIDED = {
    STATUS_FAILED_PRECONDITION, "TENDERS_NOT_VOIDED",
    "A payment may still hold money: VoidTenders until it is done, then cancel"};

static int64_t wake_of(const struct locked_checkout *locked, int64_t wanted_us);
static struct status apply(struct ctx *ctx, const Order__V1__AdvanceCheckoutRequest *req,
                           const struct payment_list *payments, struct checkout *checkout);
static struct status take_snapshot(struct ctx *ctx, const Order__V1__CheckoutSnapshot *snapshot,
                                   struct checkout *checkout);
static struct status take_reservation(struct ctx *ctx,
                                      const struct checkout_reservation *reservation,
                                      struct checkout *checkout);
static void take_failure(struct ctx *ctx, const Order__V1__AdvanceCheckoutRequest *req,
                         struct checkout *checkout);
static struct status check_voided(struct ctx *ctx, const struct payment_list *payments);
static bool is_quoted(const Cart__V1__CartLine *line, const Cart__V1__Quote *quote);
static bool is_covered(const Cart__V1__CartLine *line,
                       const struct checkout_reservation *reservation);
static struct status publish_cancelled(struct db_tx *tx, struct checkout *checkout);

struct status order_claim_checkout(struct ctx *ctx, const Order__V1__ClaimCheckoutRequest *req,
                                   Order__V1__ClaimCheckoutResponse *rep)
{
    struct locked_checkout locked;
    struct checkout *checkout = &locked.checkout;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_checkout(tx, message_uuid(req->checkout_id), LOCK_ALONE, &locked));
    if (checkout_is_live(checkout->state)) {
        if (checkout_is_leased(checkout, req->driver, req->is_sole_run))
            return ctx_fail(ctx, &CHECKOUT_LEASED, "by %s", checkout->driver);
        checkout_expire(checkout, &locked.payments);
        checkout_lease(ctx, checkout, req->driver, req->lease_ms);
        TRY(store_save_checkout(tx, checkout));
        rep->epoch = checkout->epoch;
    }
    rep->checkout = checkout_message(ctx, checkout, locked.payments);
    return db_commit(&tx);
}

/* The same state again is the same report again, and changes nothing but the lease. */
struct status order_advance_checkout(struct ctx *ctx, const Order__V1__AdvanceCheckoutRequest *req,
                                     Order__V1__AdvanceCheckoutResponse *rep)
{
    struct locked_checkout locked;
    struct checkout *checkout = &locked.checkout;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_checkout(tx, message_uuid(req->checkout_id), LOCK_ALONE, &locked));
    TRY(checkout_fence(ctx, checkout, req->epoch));
    if ((enum checkout_state)req->to_state != checkout->state) {
        TRY(apply(ctx, req, &locked.payments, checkout));
        if (checkout->state == CHECKOUT_CANCELLED)
            TRY(publish_cancelled(tx, checkout));
    }
    checkout_renew(ctx, checkout, req->lease_ms, false);
    TRY(store_save_checkout(tx, checkout));
    rep->checkout = checkout_message(ctx, checkout, locked.payments);
    return db_commit(&tx);
}

struct status order_release_checkout(struct ctx *ctx, const Order__V1__ReleaseCheckoutRequest *req,
                                     Order__V1__ReleaseCheckoutResponse *rep)
{
    struct locked_checkout locked;
    struct checkout *checkout = &locked.checkout;

    (void)rep;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_checkout(tx, message_uuid(req->checkout_id), LOCK_ALONE, &locked));
    TRY(checkout_fence(ctx, checkout, req->epoch));
    if (checkout_is_live(checkout->state)) {
        checkout->lease_until_us = checkout->now_us;
        checkout->wake_us =
            wake_of(&locked, req->wake_after_ms > 0 ? checkout->now_us + req->wake_after_ms * 1000
                                                    : checkout_next_look_us(ctx, checkout));
        TRY(store_save_checkout(tx, checkout));
    }
    return db_commit(&tx);
}

/* When somebody has to look, whatever the driver thought: at the deadline; and at once when a
 * webhook brought an answer while the lease kept everybody away. */
static int64_t wake_of(const struct locked_checkout *locked, int64_t wanted_us)
{
    const struct checkout *checkout = &locked->checkout;

    if (checkout_is_answered(checkout, &locked->payments))
        return checkout->now_us;
    if (checkout_can_expire(checkout->state) && checkout->deadline_us < wanted_us)
        return checkout->deadline_us;
    return wanted_us;
}

struct status order_get_checkout(struct ctx *ctx, const Order__V1__GetCheckoutRequest *req,
                                 Order__V1__GetCheckoutResponse *rep)
{
    struct locked_checkout found;

    if (str_is_empty(req->checkout_id) == str_is_empty(req->cart_id))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "checkoutId", req->checkout_id,
                              "one of checkoutId and cartId");
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_get_checkout(tx, message_uuid(req->checkout_id), message_uuid(req->cart_id), &found));
    rep->checkout = checkout_message(ctx, &found.checkout, found.payments);
    return db_commit(&tx);
}

static struct status apply(struct ctx *ctx, const Order__V1__AdvanceCheckoutRequest *req,
                           const struct payment_list *payments, struct checkout *checkout)
{
    TRY(checkout_move(ctx, checkout, (enum checkout_state)req->to_state, CHECKOUT_BY_DRIVER));
    switch (checkout->state) {
    case CHECKOUT_PRICED:
        return take_snapshot(ctx, req->snapshot, checkout);
    case CHECKOUT_RESERVED:
        return take_reservation(ctx,
                                &(struct checkout_reservation){
                                    req->reservation_id, req->allocations, req->n_allocations},
                                checkout);
    case CHECKOUT_CANCELLING:
        take_failure(ctx, req, checkout);
        return status_ok();
    case CHECKOUT_CANCELLED:
        return check_voided(ctx, payments);
    default:
        return status_ok();
    }
}

struct status checkout_take_progress(struct ctx *ctx, const Order__V1__CheckoutSnapshot *snapshot,
                                     const struct checkout_reservation *reservation,
                                     struct checkout *checkout)
{
    if (checkout->state == CHECKOUT_BEGUN && snapshot != NULL) {
        TRY(checkout_move(ctx, checkout, CHECKOUT_PRICED, CHECKOUT_BY_DRIVER));
        TRY(take_snapshot(ctx, snapshot, checkout));
    }
    if (checkout->state == CHECKOUT_PRICED && !str_is_empty(reservation->id)) {
        TRY(checkout_move(ctx, checkout, CHECKOUT_RESERVED, CHECKOUT_BY_DRIVER));
        TRY(take_reservation(ctx, reservation, checkout));
    }
    return status_ok();
}

/* What is frozen here is what will be charged, so it has to be what the buyer agreed to; a driver
 * that finds another total cancels with PRICE_CHANGED instead. */
static struct status take_snapshot(struct ctx *ctx, const Order__V1__CheckoutSnapshot *snapshot,
                                   struct checkout *checkout)
{
    if (snapshot == NULL || snapshot->cart == NULL || snapshot->quote == NULL)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "snapshot", NULL,
                              "required for PRICED, with cart and quote");
    if (snapshot->quote->n_lines == 0)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "snapshot.quote.lines", NULL,
                              "at least one line");
    for (size_t i = 0; i < snapshot->cart->n_lines; i++)
        if (!is_quoted(snapshot->cart->lines[i], snapshot->quote))
            return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "snapshot.quote.lines",
                                  snapshot->cart->lines[i]->line_id,
                                  "every line of the cart with its quantity");
    if (snapshot->quote->total_minor != checkout->expected_minor ||
        !str_equal(snapshot->quote->currency_code, checkout->currency_code))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "snapshot.quote.totalMinor",
                              arena_printf(ctx->arena, "%" PRId64, snapshot->quote->total_minor),
                              "the checkout's expected total");
    checkout->snapshot = wire_pack(ctx->arena, &snapshot->base);
    checkout->is_snapshot_new = true;
    return status_ok();
}

/* Else stock would be reserved, and sent, that nobody pays for. */
static bool is_quoted(const Cart__V1__CartLine *line, const Cart__V1__Quote *quote)
{
    for (size_t i = 0; i < quote->n_lines; i++)
        if (str_equal(quote->lines[i]->line_id, line->line_id))
            return quote->lines[i]->quantity == line->quantity;
    return false;
}

static struct status take_reservation(struct ctx *ctx,
                                      const struct checkout_reservation *reservation,
                                      struct checkout *checkout)
{
    const Order__V1__CheckoutSnapshot *snapshot =
        message_unpack(ctx, &order__v1__checkout_snapshot__descriptor, checkout->snapshot);
    Order__V1__Checkout kept = ORDER__V1__CHECKOUT__INIT;

    if (str_is_empty(reservation->id))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "reservationId", "",
                              "required for RESERVED");
    for (size_t i = 0; i < snapshot->cart->n_lines; i++)
        if (!is_covered(snapshot->cart->lines[i], reservation))
            return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "allocations",
                                  snapshot->cart->lines[i]->line_id,
                                  "variantQuantity that adds up to the quantity of every line");
    kept.allocations = reservation->allocations;
    kept.n_allocations = reservation->count;
    checkout->reservation_id = message_uuid(reservation->id);
    checkout->allocations = wire_pack(ctx->arena, &kept.base);
    checkout->is_allocations_new = true;
    return status_ok();
}

/* Else a part of the order would belong to no fulfillment and never be sent. */
static bool is_covered(const Cart__V1__CartLine *line,
                       const struct checkout_reservation *reservation)
{
    int64_t left = line->quantity;

    for (size_t i = 0; i < reservation->count; i++)
        if (str_equal(reservation->allocations[i]->line_id, line->line_id))
            left -= reservation->allocations[i]->variant_quantity;
    return left == 0;
}

static void take_failure(struct ctx *ctx, const Order__V1__AdvanceCheckoutRequest *req,
                         struct checkout *checkout)
{
    Order__V1__Checkout kept = ORDER__V1__CHECKOUT__INIT;

    checkout->failure_reason = req->failure_reason;
    checkout->failure_detail = req->failure_detail;
    checkout->failure_code = req->failure_code;
    if (req->n_failure_violations > 0) {
        kept.failure_violations = req->failure_violations;
        kept.n_failure_violations = req->n_failure_violations;
        checkout->violations = wire_pack(ctx->arena, &kept.base);
        checkout->is_violations_new = true;
    }
    if (req->quoted_total != NULL && money_is_currency(req->quoted_total->currency_code)) {
        checkout->has_quoted = true;
        checkout->quoted_minor = req->quoted_total->minor_units;
        checkout->quoted_currency = req->quoted_total->currency_code;
    }
}

/* Cancelled is said to the buyer, so nothing may be held on the card any more. */
static struct status check_voided(struct ctx *ctx, const struct payment_list *payments)
{
    for (size_t i = 0; i < payments->count; i++)
        if (ledger_unwind_step(&payments->items[i]) != 0)
            return ctx_fail(ctx, &TENDERS_NOT_VOIDED, "payment %s",
                            uuid_text(ctx->arena, payments->items[i].id));
    return status_ok();
}

static struct status publish_cancelled(struct db_tx *tx, struct checkout *checkout)
{
    struct ctx *ctx = db_ctx(tx);
    Order__V1__CheckoutCancelled body = ORDER__V1__CHECKOUT_CANCELLED__INIT;

    body.checkout_id = message_id(ctx, checkout->id);
    body.cart_id = message_id(ctx, checkout->cart_id);
    body.failure_reason = str_or_empty(checkout->failure_reason);
    checkout->event_count++;
    return outbox_add(tx, &CHECKOUT_CANCELLED_EVENT, checkout->id, checkout->event_count, &body);
}
