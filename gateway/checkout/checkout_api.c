/* checkout_api.c - the checkout's routes: start or join it, look at it, change how it is paid.
 *
 * 201 when the order is placed, 202 with Location while the answer is not final, a problem when it
 * was refused and nothing is held any more. Whatever key a client brings, one cart has one live
 * checkout, and every answer leads to it; a refusal is told to the key that it came to. */
#include "checkout/checkout.h"

#include "chassis/crash_point.h"
#include "chassis/db.h" /* ERROR_CONFLICT */
#include "chassis/metrics.h"
#include "chassis/rpc.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "gateway/v1/store.pb-c.h"
#include "order/v1/service.client.h"
#include "storefront/views.h"

#include <inttypes.h>
#include <sodium.h>

/* tidy: macro: the generated name says its enum twice */
#define STATE(name) ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_##name

enum { BEGIN_TRIES_MAX = 4 };

const struct error_def CHECKOUT_NOT_FOUND = {STATUS_NOT_FOUND, "CHECKOUT_NOT_FOUND",
                                             "use the id that starting the checkout answered"};

static const char *fingerprint(struct ctx *ctx, const struct http_request *http)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)http->body, http->body_length);
    return str_hex(ctx->arena, digest, sizeof digest);
}

/* The refusal that ended a checkout, as its client has to hear it: the same to whoever asks. */
static struct status refusal_of(struct ctx *ctx, const Order__V1__Checkout *row)
{
    struct status refusal = {
        .code = row->failure_code != 0 ? (enum status_code)row->failure_code
                                       : STATUS_FAILED_PRECONDITION,
        .reason = row->failure_reason,
        .detail = row->failure_detail,
        .violations =
            wire_violation_list(ctx->arena, row->failure_violations, row->n_failure_violations),
    };
    return refusal;
}

static struct status load_order(struct ctx *ctx, const char *id, const Order__V1__Order **ret_order)
{
    Order__V1__GetOrderRequest request = ORDER__V1__GET_ORDER_REQUEST__INIT;
    const Order__V1__GetOrderResponse *reply;
    request.id = id;
    TRY(order_v1_get_order(ctx, &request, &reply));
    *ret_order = reply->order;
    return status_ok();
}

/* What there is to buy with now: while the provider waits for the buyer, where to send them. */
static void show_action(const Order__V1__Checkout *row, Gateway__V1__CheckoutView *view)
{
    for (size_t i = 0; i < row->n_tenders; i++) {
        if (!str_is_empty(row->tenders[i]->action_url))
            view->action_url = row->tenders[i]->action_url;
        if (!str_is_empty(row->tenders[i]->client_secret))
            view->client_secret = row->tenders[i]->client_secret;
    }
}

/* `order` is NULL when it is not at hand. */
static struct status show(struct ctx *ctx, struct exchange *exchange,
                          const Order__V1__Checkout *row, const Order__V1__Order *order,
                          Gateway__V1__CheckoutView *view)
{
    if (row->state == STATE(CANCELLED))
        return refusal_of(ctx, row);

    view->id = row->id;
    view->state = row->state;
    view->cart_id = row->cart_id;
    view->total = row->expected_total;
    exchange->location = arena_printf(ctx->arena, "/store/v1/checkouts/%s", row->id);
    if (row->state != STATE(PLACED)) {
        if (row->state != STATE(CANCELLING)) // what is being given back is not paid any more
            show_action(row, view);
        exchange->success = 202;
        return status_ok();
    }
    if (!order)
        TRY(load_order(ctx, row->order_id, &order));
    view->order_id = order->id;
    view->order_number = order->number;
    view->order = order_view(ctx, order);
    return status_ok();
}

/* Whoever holds the rows for longer than a statement waits: nothing was done, so it is asked again.
 */
static struct status begin_patiently(struct ctx *ctx, const Order__V1__BeginCheckoutRequest *begin,
                                     const Order__V1__BeginCheckoutResponse **ret_begun)
{
    struct status status = order_v1_begin_checkout(ctx, begin, ret_begun);
    for (int try = 1; try < BEGIN_TRIES_MAX && rpc_reason_is(status, &ERROR_CONFLICT) &&
                      ctx_remaining_ms(ctx) > 0;
         try++)
        status = order_v1_begin_checkout(ctx, begin, ret_begun);
    return status;
}

static struct status begin(struct ctx *ctx, struct exchange *exchange,
                           const Gateway__V1__StartCheckoutRequest *request,
                           struct checkout_run *run,
                           const Order__V1__BeginCheckoutResponse **ret_begun)
{
    struct gateway *self = ctx_state(ctx);
    Order__V1__BeginCheckoutRequest begin = ORDER__V1__BEGIN_CHECKOUT_REQUEST__INIT;
    begin.cart_id = request->cart_id;
    begin.cart_version = exchange->expected_version;
    // Guests share an actor: their cart tells them apart, wherever they come back from.
    begin.client_key = arena_printf(ctx->arena, "%s:%s:%s", ctx->caller.actor,
                                    exchange->visitor.customer_id ? "" : request->cart_id,
                                    exchange->idempotency_key);
    begin.fingerprint = fingerprint(ctx, exchange->http);
    begin.expected_total = request->expected_total;
    begin.n_tenders = request->n_tenders;
    begin.tenders = request->tenders;
    begin.driver = self->replica;
    begin.lease_ms = self->checkout_lease_ms;
    begin.customer_id = str_or_empty(exchange->visitor.customer_id);
    begin.is_sole_run = checkout_run_enter(self->runs, run, request->cart_id, NULL);
    TRY(begin_patiently(ctx, &begin, ret_begun));
    checkout_run_name(run, request->cart_id, (*ret_begun)->checkout->id);
    return status_ok();
}

static void drive(struct ctx *ctx, struct checkout *checkout)
{
    metric_add(&CHECKOUTS, (int)checkout_drive(ctx, checkout), 1);
}

static struct status tell(struct ctx *ctx, struct exchange *exchange,
                          const struct checkout *checkout, Gateway__V1__CheckoutView *view)
{
    TRY(crash_point(CRASH_SAGA_UNANSWERED, NULL));
    if (checkout->row->state == STATE(CANCELLED))
        TRY(checkout->refusal);
    return show(ctx, exchange, checkout->row, checkout->order, view);
}

/* A refusal that came to another key, whose checkout was in the cart's way and left alone, is not
 * ours: the request is made again, and is what it would have been without it. */
static struct status begin_and_drive(struct ctx *ctx, struct exchange *exchange,
                                     const Gateway__V1__StartCheckoutRequest *request,
                                     struct checkout *ret_checkout)
{
    _cleanup_(checkout_run_leave) struct checkout_run run = {0};
    const Order__V1__BeginCheckoutResponse *begun;
    bool is_others = true;
    for (int round = 0; round < 2 && is_others; round++) {
        checkout_run_leave(&run);
        TRY(begin(ctx, exchange, request, &run, &begun));
        checkout_init(ret_checkout, begun->checkout, begun->epoch);
        if (begun->is_driver)
            drive(ctx, ret_checkout);
        is_others = begun->is_of_other_key && ret_checkout->row->state == STATE(CANCELLED);
    }
    return status_ok();
}

struct status checkout_start(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage *response)
{
    struct checkout checkout;
    TRY(begin_and_drive(ctx, exchange, (const void *)request, &checkout));
    exchange->success = 201;
    return tell(ctx, exchange, &checkout, (void *)response);
}

/* Who signed in sees their own; a guest's checkout is known by its id, which nobody can guess. */
static struct status find(struct ctx *ctx, struct exchange *exchange, const char *id,
                          const Order__V1__Checkout **ret_row)
{
    Order__V1__GetCheckoutRequest request = ORDER__V1__GET_CHECKOUT_REQUEST__INIT;
    const Order__V1__GetCheckoutResponse *found;
    request.checkout_id = id;
    struct status asked = order_v1_get_checkout(ctx, &request, &found);
    if (asked.code == STATUS_NOT_FOUND)
        return ctx_fail_field(ctx, &CHECKOUT_NOT_FOUND, "checkoutId", id, "a checkout of yours");
    TRY(asked);
    if (!str_is_empty(found->checkout->customer_id) &&
        !str_equal(found->checkout->customer_id, exchange->visitor.customer_id))
        return ctx_fail_field(ctx, &CHECKOUT_NOT_FOUND, "checkoutId", id, "a checkout of yours");
    *ret_row = found->checkout;
    return status_ok();
}

struct status checkout_get(struct ctx *ctx, struct exchange *exchange,
                           const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Order__V1__Checkout *row;
    const Gateway__V1__GetCheckoutRequest *get = (const void *)request;
    TRY(find(ctx, exchange, get->checkout_id, &row));
    return show(ctx, exchange, row, NULL, (Gateway__V1__CheckoutView *)(void *)response);
}

/* After a decline that left the checkout open, or instead of an action the buyer cannot do. */
struct status checkout_change_tenders(struct ctx *ctx, struct exchange *exchange,
                                      const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__ChangeCheckoutTendersRequest *change = (const void *)request;
    _cleanup_(checkout_run_leave) struct checkout_run run = {0};
    Order__V1__UpdateTendersRequest update = ORDER__V1__UPDATE_TENDERS_REQUEST__INIT;
    const Order__V1__ClaimCheckoutResponse *claimed;
    const Order__V1__UpdateTendersResponse *updated;
    const Order__V1__Checkout *row;
    struct checkout checkout;

    TRY(find(ctx, exchange, change->checkout_id, &row));
    TRY(checkout_claim(ctx, row->id, &run, &claimed));
    if (claimed->epoch == 0) // it has ended: there is nothing left to pay
        return show(ctx, exchange, claimed->checkout, NULL, (void *)response);
    update.checkout_id = row->id;
    update.epoch = claimed->epoch;
    update.n_tenders = change->n_tenders;
    update.tenders = change->tenders;
    checkout_init(&checkout, claimed->checkout, claimed->epoch);
    struct status status = order_v1_update_tenders(ctx, &update, &updated);
    if (status.code != STATUS_OK) {
        checkout_release(ctx, &checkout); // as it was: it goes on with the tenders that it has
        return status;
    }
    checkout.row = updated->checkout;
    drive(ctx, &checkout);
    return tell(ctx, exchange, &checkout, (void *)response);
}
