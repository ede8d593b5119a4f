/* checkout.c - the checkout: steps and their compensations, side by side.
 *
 * States live in order's checkout row. A step is pending while the row has not passed the state
 * that the step leads to. The last step is the pivot: what it authorized is voided until the order
 * is placed, and everything after that is driven by order's events. */
#include "checkout/checkout.h"

#include "chassis/log.h"
#include "chassis/rpc.h"
#include "common/clock.h"
#include "order/v1/service.client.h"

enum { RELEASE_US = 500 * 1000 };

/* tidy: macro: the generated name says its enum twice */
#define STATE(name) ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_##name

/* The limits: 300 ms for each answer of cart, marketing and order, 500 ms for a reservation, 8 s
 * and 1 s to connect for a provider, and 1 s for the pivot. */
static const struct saga_step CHECKOUT[] = {
    {"freeze_cart", step_freeze_cart, step_thaw_cart, STATE(BEGUN), 600},
    {"hold_coupons", step_hold_coupons, step_release_coupons, STATE(BEGUN), 300},
    {"reserve_stock", step_reserve_stock, step_release_stock, STATE(PRICED), 500},
    {"place_order", step_place_order, step_void_payment, STATE(AUTHORIZED), 10500},
    {0},
};

enum { RECORD_MS = 300 };

static int state_of(const struct saga *saga)
{
    return (int)((const struct checkout *)(const void *)saga)->row->state;
}

static const struct saga_ops OPS = {
    .steps = CHECKOUT,
    .state = state_of,
    .begin_undo = checkout_begin_undo,
    .end_undo = checkout_end_undo,
    .record_ms = RECORD_MS,
    .undoing_state = STATE(CANCELLING),
    .first_final_state = STATE(PLACED),
    .last_final_state = STATE(CANCELLED),
};

void checkout_init(struct checkout *checkout, const Order__V1__Checkout *row, int64_t epoch)
{
    *checkout = (struct checkout){.saga = {.ops = &OPS}, .row = row, .epoch = epoch};
}

void checkout_release(struct ctx *ctx, const struct checkout *checkout)
{
    Order__V1__ReleaseCheckoutRequest request = ORDER__V1__RELEASE_CHECKOUT_REQUEST__INIT;
    const Order__V1__ReleaseCheckoutResponse *reply;
    request.checkout_id = checkout->row->id;
    request.epoch = checkout->epoch;
    request.wake_after_ms = checkout->saga.wait_ms;
    struct status released = order_v1_release_checkout(ctx, &request, &reply);
    if (released.code != STATUS_OK)
        log_warn(ctx, "checkout_lease_kept", LOG_STR("checkout", checkout->row->id),
                 LOG_STR("reason", released.reason));
}

/* Whoever waits is answered in time, and there is time left to hand the lease back. */
static int64_t budget_end(const struct ctx *ctx)
{
    const struct gateway *self = ctx_state(ctx);
    int64_t own = clock_monotonic_us() + self->checkout_budget_ms * 1000;
    int64_t theirs = ctx->deadline_us - RELEASE_US;
    return own < theirs ? own : theirs;
}

enum saga_outcome checkout_drive(struct ctx *ctx, struct checkout *checkout)
{
    int64_t deadline_us = ctx->deadline_us;
    ctx->correlation_id = checkout->row->id;
    ctx->deadline_us = budget_end(ctx);
    enum saga_outcome outcome = saga_run(ctx, &checkout->saga);
    ctx->deadline_us = deadline_us;
    if (outcome == SAGA_WAITING)
        checkout_release(ctx, checkout);
    return outcome;
}

/* Whoever brings the news, a provider or the reaper, is not the buyer: the authority is our own.
 * But nothing is done for a buyer that they could not have done: a cart of somebody else stays
 * closed. */
static const char *buyer_of(struct ctx *ctx, const Order__V1__Checkout *row)
{
    if (str_is_empty(row->customer_id))
        return "guest";
    return arena_printf(ctx->arena, "customer:%s", row->customer_id);
}

struct status checkout_claim(struct ctx *ctx, const char *checkout_id, struct checkout_run *run,
                             const Order__V1__ClaimCheckoutResponse **ret_claimed)
{
    struct gateway *self = ctx_state(ctx);
    Order__V1__ClaimCheckoutRequest request = ORDER__V1__CLAIM_CHECKOUT_REQUEST__INIT;
    request.checkout_id = checkout_id;
    request.driver = self->replica;
    request.lease_ms = self->checkout_lease_ms;
    request.is_sole_run = checkout_run_enter(self->runs, run, NULL, checkout_id);
    TRY(order_v1_claim_checkout(ctx, &request, ret_claimed));
    checkout_run_name(run, (*ret_claimed)->checkout->cart_id, checkout_id);
    return status_ok();
}

struct status checkout_resume(struct ctx *ctx, const char *checkout_id,
                              struct checkout *ret_checkout, enum saga_outcome *ret_outcome)
{
    _cleanup_(checkout_run_leave) struct checkout_run run = {0};
    const Order__V1__ClaimCheckoutResponse *claimed;
    ctx->caller = (struct caller){.service = "gateway", .actor = "system", .scopes = "*"};

    struct status status = checkout_claim(ctx, checkout_id, &run, &claimed);
    *ret_outcome = SAGA_LOST;
    if (saga_is_refusal(status))
        return status_ok(); // somebody drives it, or there is nothing left to drive
    TRY(status);
    ctx->caller.actor = buyer_of(ctx, claimed->checkout);
    checkout_init(ret_checkout, claimed->checkout, claimed->epoch);
    *ret_outcome = checkout_drive(ctx, ret_checkout);
    return status_ok();
}
