/* checkout.c - what every method on a checkout needs: the fence, the moves, the message. */
#include "order.h"

#include "chassis/wire.h"

const struct error_def CHECKOUT_FENCED = {
    STATUS_ABORTED, "CHECKOUT_FENCED",
    "Another driver has taken the checkout over: stop, it goes on from the recorded state"};
const struct error_def CHECKOUT_REFUSED_STATE = {
    STATUS_FAILED_PRECONDITION, "CHECKOUT_STATE",
    "The checkout is not in a state for this: read it and go on from there"};

enum { TENDERS_MAX = 5 };

static const char EXPIRED[] = "CHECKOUT_EXPIRED";

static Order__V1__Tender *tender_message(struct ctx *ctx, const Order__V1__TenderInput *input,
                                         int64_t number, const struct checkout *checkout,
                                         struct payment_list payments);

struct status checkout_fence(struct ctx *ctx, const struct checkout *checkout, int64_t epoch)
{
    if (checkout->epoch == epoch)
        return status_ok();
    return ctx_fail(ctx, &CHECKOUT_FENCED, "epoch %" PRId64 ", the checkout is at %" PRId64, epoch,
                    checkout->epoch);
}

struct status checkout_move(struct ctx *ctx, struct checkout *checkout, enum checkout_state to,
                            enum checkout_mover mover)
{
    if (!checkout_may(checkout->state, to, mover))
        return ctx_fail(ctx, &CHECKOUT_REFUSED_STATE, "from state %d to %d", (int)checkout->state,
                        (int)to);
    checkout->state = to;
    checkout->attempts = 0;
    return status_ok();
}

bool checkout_is_leased(const struct checkout *checkout, const char *driver, bool is_sole_run)
{
    if (checkout->lease_until_us <= checkout->now_us)
        return false;
    return !is_sole_run || !str_equal(checkout->driver, driver);
}

void checkout_lease(struct ctx *ctx, struct checkout *checkout, const char *driver,
                    int64_t lease_ms)
{
    checkout->epoch++;
    checkout->driver = driver;
    checkout->lease_until_us = checkout->now_us + lease_ms * 1000;
    checkout->wake_us = checkout_next_look_us(ctx, checkout);
}

void checkout_renew(struct ctx *ctx, struct checkout *checkout, int64_t lease_ms, bool is_asking)
{
    const struct order_daemon *self = ctx_state(ctx);
    const int64_t longest_ms = is_asking ? lease_ms + self->stripe_timeout_ms : lease_ms;

    if (lease_ms > 0)
        checkout->lease_until_us = checkout->now_us + longest_ms * 1000;
}

int64_t checkout_next_look_us(struct ctx *ctx, const struct checkout *checkout)
{
    const struct order_daemon *self = ctx_state(ctx);
    const int64_t planned = checkout_wait_ms(checkout->attempts);
    const int64_t wait_ms = planned < self->retry_max_ms ? planned : self->retry_max_ms;
    const int64_t jitter = (int64_t)checkout->id.bytes[sizeof checkout->id.bytes - 1] - 128;

    return checkout->now_us + wait_ms * 1000 + wait_ms * 1000 * jitter / 512;
}

/* Where its payments are, which may be further than it has been moved. */
static enum checkout_state state_of_payments(const struct payment_list *payments)
{
    enum payment_state states[TENDERS_MAX];

    for (size_t i = 0; i < payments->count; i++)
        states[i] = payments->items[i].state;
    return tender_outcome(states, payments->count);
}

bool checkout_is_answered(const struct checkout *checkout, const struct payment_list *payments)
{
    if (checkout->state != CHECKOUT_AUTH_PENDING && checkout->state != CHECKOUT_ACTION_REQUIRED)
        return false;
    return payments->count > 0 && state_of_payments(payments) != checkout->state;
}

/* A buyer whose bank said yes in time is not told that they were late because nobody looked. The
 * stock is still there: a pinned reservation ends with its checkout and not before. */
bool checkout_expire(struct checkout *checkout, const struct payment_list *payments)
{
    if (!checkout_can_expire(checkout->state) || checkout->deadline_us > checkout->now_us)
        return false;
    if (payments->count > 0 && state_of_payments(payments) == CHECKOUT_AUTHORIZED)
        return false;
    checkout->state = CHECKOUT_CANCELLING;
    checkout->attempts = 0;
    checkout->failure_reason = EXPIRED;
    checkout->failure_code = STATUS_FAILED_PRECONDITION;
    return true;
}

const Order__V1__UpdateTendersRequest *checkout_tenders(struct ctx *ctx,
                                                        const struct checkout *checkout)
{
    return message_unpack(ctx, &order__v1__update_tenders_request__descriptor, checkout->tenders);
}

Order__V1__Checkout *checkout_message(struct ctx *ctx, const struct checkout *c,
                                      struct payment_list payments)
{
    const Order__V1__Checkout *allocations =
        message_unpack(ctx, &order__v1__checkout__descriptor, c->allocations);
    const Order__V1__Checkout *violations =
        message_unpack(ctx, &order__v1__checkout__descriptor, c->violations);
    const Order__V1__UpdateTendersRequest *inputs = checkout_tenders(ctx, c);
    const Order__V1__CheckoutSnapshot *snapshot =
        message_unpack(ctx, &order__v1__checkout_snapshot__descriptor, c->snapshot);
    Order__V1__Checkout *out = arena_new(ctx->arena, Order__V1__Checkout);

    order__v1__checkout__init(out);
    out->id = message_id(ctx, c->id);
    out->state = (Order__V1__CheckoutState)c->state;
    out->cart_id = message_id(ctx, c->cart_id);
    out->cart_version = c->cart_version;
    out->expected_total = message_money(ctx, c->expected_minor, c->currency_code);
    if (snapshot != NULL)
        out->snapshot = arena_memdup(ctx->arena, snapshot, sizeof *snapshot);
    out->reservation_id = message_id(ctx, c->reservation_id);
    out->reservation_attempt = c->reservation_attempt;
    if (allocations != NULL) {
        out->allocations = allocations->allocations;
        out->n_allocations = allocations->n_allocations;
    }
    if (inputs != NULL) {
        out->tenders = arena_array(ctx->arena, Order__V1__Tender *, inputs->n_tenders);
        for (; out->n_tenders < inputs->n_tenders; out->n_tenders++)
            out->tenders[out->n_tenders] = tender_message(ctx, inputs->tenders[out->n_tenders],
                                                          (int64_t)out->n_tenders + 1, c, payments);
    }
    if (c->state == CHECKOUT_PLACED)
        out->order_id = out->id;
    out->order_number = str_or_empty(c->order_number);
    out->failure_reason = str_or_empty(c->failure_reason);
    out->failure_detail = str_or_empty(c->failure_detail);
    out->failure_code = (int32_t)c->failure_code;
    if (violations != NULL) {
        out->failure_violations = violations->failure_violations;
        out->n_failure_violations = violations->n_failure_violations;
    }
    out->deadline = wire_time(ctx->arena, c->deadline_us);
    out->create_time = wire_time(ctx->arena, c->create_us);
    out->update_time = wire_time(ctx->arena, c->update_us);
    out->epoch = c->epoch;
    out->driver = c->driver;
    out->lease_until = wire_time(ctx->arena, c->lease_until_us);
    out->customer_id = message_id(ctx, c->customer_id);
    if (c->has_quoted)
        out->quoted_total = message_money(ctx, c->quoted_minor, c->quoted_currency);
    return out;
}

/* A tender has no payment until it is authorized; its id is known all the same. */
static Order__V1__Tender *tender_message(struct ctx *ctx, const Order__V1__TenderInput *input,
                                         int64_t number, const struct checkout *checkout,
                                         struct payment_list payments)
{
    Order__V1__Tender *out = arena_new(ctx->arena, Order__V1__Tender);

    order__v1__tender__init(out);
    out->number = number;
    out->provider_account = input->provider_account;
    out->payment_id = message_id(ctx, payment_id_of(checkout->id, number));
    out->amount_minor = input->amount_minor;
    out->state = ORDER__V1__PAYMENT_STATE__PAYMENT_STATE_NEW;
    for (size_t i = 0; i < payments.count; i++) {
        const struct payment *p = &payments.items[i];
        if (p->number != number)
            continue;
        out->provider = p->provider;
        out->amount_minor = p->amount;
        out->state = (Order__V1__PaymentState)p->state;
        out->action_url = str_or_empty(p->action_url);
        out->client_secret = str_or_empty(p->client_secret);
        out->failure_reason = str_or_empty(p->failure_reason);
    }
    return out;
}
