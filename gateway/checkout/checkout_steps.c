/* checkout_steps.c - what each step of the checkout does, and what takes it back.
 *
 * Every call carries ids that derive from the checkout, so any replica may repeat it. */
#include "checkout/checkout.h"

#include "cart/v1/service.client.h"
#include "chassis/rpc.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "common/uuid.h"
#include "inventory/v1/service.client.h"
#include "marketing/v1/service.client.h"
#include "order/v1/service.client.h"
#include "storefront/shipping_offer.h"

#include <inttypes.h>

/* tidy: macro: the generated name says its enum twice */
#define STATE(name) ORDER__V1__CHECKOUT_STATE__CHECKOUT_STATE_##name
/* tidy: macro: the generated name says its enum twice */
#define PROBLEM(name) CART__V1__PROBLEM_KIND__PROBLEM_KIND_##name

enum { ACTION_WAIT_MS = 15 * 60 * 1000, VIOLATIONS_MAX = 100 };

const struct error_def CART_INCOMPLETE = {STATUS_FAILED_PRECONDITION, "CART_INCOMPLETE",
                                          "set what the violations name, then check out again"};
const struct error_def CART_HAS_PROBLEMS = {STATUS_FAILED_PRECONDITION, "CART_HAS_PROBLEMS",
                                            "read the cart's problems and change its lines"};
/* What marketing says of a code that goes before it is held: the same words a moment later. */
const struct error_def COUPON_NOT_USABLE = {
    STATUS_FAILED_PRECONDITION, "COUPON_NOT_USABLE",
    "the violation says why: unknown, over, used up, or not for this buyer; remove the code"};
const struct error_def PRICE_CHANGED = {STATUS_FAILED_PRECONDITION, "PRICE_CHANGED",
                                        "show the buyer the new total and check out with it"};

static struct checkout *of(struct saga *saga)
{
    return (struct checkout *)(void *)saga;
}

static const Cart__V1__Cart *cart_of(const struct checkout *checkout)
{
    return checkout->cart ? checkout->cart : checkout->row->snapshot->cart;
}

/* What an order cannot do without. */
static struct status check_complete(struct ctx *ctx, const Cart__V1__Cart *cart)
{
    if (cart->n_lines == 0)
        ctx_violation(ctx, "cart.lines", "", "at least one line");
    if (str_is_empty(cart->email))
        ctx_violation(ctx, "cart.email", "", "an e-mail address");
    if (!cart->shipping_address)
        ctx_violation(ctx, "cart.shippingAddress", "", "an address");
    if (!cart->shipping)
        ctx_violation(ctx, "cart.shipping", "", "a shipping option");
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &CART_INCOMPLETE, "cart %s", cart->id);
    return status_ok();
}

/* A changed price alone is no obstacle: the total that the buyer agreed to decides. Stock is
 * decided by the reservation; coupons are looked at by themselves. */
static bool is_obstacle(const Cart__V1__CartProblem *problem)
{
    return problem->kind != PROBLEM(PRICE_CHANGED) && problem->kind != PROBLEM(SHORT_STOCK) &&
           problem->kind != PROBLEM(COUPON);
}

static struct status check_problems(struct ctx *ctx, const Cart__V1__FreezeCartResponse *frozen)
{
    for (size_t i = 0; i < frozen->n_problems; i++)
        if (is_obstacle(frozen->problems[i]))
            ctx_violation(ctx,
                          arena_printf(ctx->arena, "cart.lines[%s]", frozen->problems[i]->line_id),
                          frozen->problems[i]->detail, "a line without problems");
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &CART_HAS_PROBLEMS, "cart %s", frozen->cart->id);
    return status_ok();
}

static struct status check_coupons(struct ctx *ctx, const Cart__V1__FreezeCartResponse *frozen)
{
    const Cart__V1__Quote *quote = frozen->quote;
    for (size_t i = 0; i < quote->n_unapplied; i++)
        if (!str_is_empty(quote->unapplied[i]->coupon_code))
            ctx_violation(ctx, "couponCodes", quote->unapplied[i]->coupon_code,
                          quote->unapplied[i]->reason);
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &COUPON_NOT_USABLE, "cart %s", frozen->cart->id);
    return status_ok();
}

/* The cart may have changed since the option was chosen, the option too. */
static struct status check_shipping(struct ctx *ctx, const Cart__V1__FreezeCartResponse *frozen)
{
    const Platform__V1__ListShippingOptionsResponse *offers;
    const Platform__V1__ShippingOption *option;
    TRY(shipping_offers(ctx, frozen->cart, frozen->quote, &offers));
    return shipping_offer_find(ctx, offers, "cart.shipping",
                               frozen->cart->shipping->shipping_option_id, &option);
}

static struct status check_total(struct ctx *ctx, const struct checkout *checkout,
                                 const Cart__V1__Quote *quote)
{
    const Common__V1__Money *expected = checkout->row->expected_total;
    if (expected->minor_units == quote->total_minor &&
        str_equal(expected->currency_code, quote->currency_code))
        return status_ok();
    return ctx_fail_field(
        ctx, &PRICE_CHANGED, "expectedTotal",
        arena_printf(ctx->arena, "%" PRId64 " %s", expected->minor_units, expected->currency_code),
        arena_printf(ctx->arena, "%" PRId64 " %s", quote->total_minor, quote->currency_code));
}

struct status step_freeze_cart(struct ctx *ctx, struct saga *saga)
{
    struct checkout *checkout = of(saga);
    Cart__V1__FreezeCartRequest request = CART__V1__FREEZE_CART_REQUEST__INIT;
    const Cart__V1__FreezeCartResponse *frozen;
    request.cart_id = checkout->row->cart_id;
    request.checkout_id = checkout->row->id;
    request.expected_version = checkout->row->cart_version;

    struct status status = cart_v1_freeze_cart(ctx, &request, &frozen);
    if (status_reason_is(status, "CART_VERSION_CONFLICT")) // no other version will come by itself
        status.code = STATUS_FAILED_PRECONDITION;
    TRY(status);
    checkout->cart = frozen->cart;
    checkout->quote = frozen->quote;
    checkout->customer_key = frozen->customer_key;
    TRY(check_complete(ctx, frozen->cart));
    TRY(check_problems(ctx, frozen));
    TRY(check_coupons(ctx, frozen));
    TRY(check_shipping(ctx, frozen));
    return check_total(ctx, checkout, frozen->quote);
}

struct status step_thaw_cart(struct ctx *ctx, struct saga *saga)
{
    Cart__V1__ThawCartRequest request = CART__V1__THAW_CART_REQUEST__INIT;
    const Cart__V1__ThawCartResponse *reply;
    request.cart_id = of(saga)->row->cart_id;
    request.checkout_id = of(saga)->row->id;
    struct status thawed = cart_v1_thaw_cart(ctx, &request, &reply);
    if (thawed.code == STATUS_NOT_FOUND)
        return status_ok(); // the draft ran out meanwhile
    return thawed;
}

struct status step_hold_coupons(struct ctx *ctx, struct saga *saga)
{
    struct checkout *checkout = of(saga);
    Marketing__V1__HoldCouponsRequest request = MARKETING__V1__HOLD_COUPONS_REQUEST__INIT;
    const Marketing__V1__HoldCouponsResponse *held;
    if (checkout->cart->n_coupon_codes == 0)
        return status_ok();
    request.checkout_id = checkout->row->id;
    request.n_coupon_codes = checkout->cart->n_coupon_codes;
    request.coupon_codes = checkout->cart->coupon_codes;
    request.customer_key = checkout->customer_key;

    TRY(marketing_v1_hold_coupons(ctx, &request, &held));
    checkout->coupon_ids = (const char *const *)held->coupon_ids;
    checkout->coupon_count = held->n_coupon_ids;
    return status_ok();
}

struct status step_release_coupons(struct ctx *ctx, struct saga *saga)
{
    struct checkout *checkout = of(saga);
    Marketing__V1__ReleaseCouponsRequest request = MARKETING__V1__RELEASE_COUPONS_REQUEST__INIT;
    const Marketing__V1__ReleaseCouponsResponse *reply;
    bool is_known = checkout->cart || checkout->row->snapshot;
    if (is_known && cart_of(checkout)->n_coupon_codes == 0)
        return status_ok();
    request.checkout_id = checkout->row->id;
    return marketing_v1_release_coupons(ctx, &request, &reply);
}

static struct status advance(struct ctx *ctx, struct checkout *checkout,
                             Order__V1__AdvanceCheckoutRequest *request)
{
    struct gateway *self = ctx_state(ctx);
    const Order__V1__AdvanceCheckoutResponse *reply;
    request->checkout_id = checkout->row->id;
    request->epoch = checkout->epoch;
    request->lease_ms = self->checkout_lease_ms;
    TRY(order_v1_advance_checkout(ctx, request, &reply));
    checkout->row = reply->checkout;
    return status_ok();
}

static const char *reservation_id(struct ctx *ctx, const struct checkout *checkout)
{
    struct uuid id = {0};
    int64_t attempt = checkout->row->reservation_attempt;
    (void)uuid_parse(checkout->row->id, &id);
    return uuid_text(ctx->arena, uuid_derive_n(id, "reservation", attempt > 0 ? attempt : 1));
}

struct status step_reserve_stock(struct ctx *ctx, struct saga *saga)
{
    struct checkout *checkout = of(saga);
    const Cart__V1__Cart *cart = cart_of(checkout);
    Inventory__V1__ReserveRequest request = INVENTORY__V1__RESERVE_REQUEST__INIT;
    const Inventory__V1__ReserveResponse *reply;
    request.reservation_id = reservation_id(ctx, checkout);
    request.country_code = cart->shipping_address->country_code;
    request.pin = true;
    request.n_lines = cart->n_lines;
    request.lines = arena_array(ctx->arena, Inventory__V1__ReserveLine *, cart->n_lines);
    for (size_t i = 0; i < cart->n_lines; i++) {
        request.lines[i] = arena_new(ctx->arena, Inventory__V1__ReserveLine);
        inventory__v1__reserve_line__init(request.lines[i]);
        request.lines[i]->line_id = cart->lines[i]->line_id;
        request.lines[i]->variant_id = cart->lines[i]->variant_id;
        request.lines[i]->quantity = cart->lines[i]->quantity;
    }
    TRY(inventory_v1_reserve(ctx, &request, &reply));
    checkout->reservation = reply->reservation;
    return status_ok();
}

struct status step_release_stock(struct ctx *ctx, struct saga *saga)
{
    Inventory__V1__ReleaseReservationRequest request =
        INVENTORY__V1__RELEASE_RESERVATION_REQUEST__INIT;
    const Inventory__V1__ReleaseReservationResponse *reply;
    request.reservation_id = reservation_id(ctx, of(saga));
    return inventory_v1_release_reservation(ctx, &request, &reply);
}

static struct status add_snapshot(struct ctx *ctx, const struct checkout *checkout,
                                  Order__V1__AuthorizeTendersRequest *request)
{
    if (!checkout->cart) // an earlier run recorded it
        return status_ok();
    request->snapshot = arena_new(ctx->arena, Order__V1__CheckoutSnapshot);
    order__v1__checkout_snapshot__init(request->snapshot);
    request->snapshot->cart = (Cart__V1__Cart *)(uintptr_t)checkout->cart;
    request->snapshot->quote = (Cart__V1__Quote *)(uintptr_t)checkout->quote;
    request->snapshot->n_coupon_ids = checkout->coupon_count;
    request->snapshot->coupon_ids = (const char **)(uintptr_t)checkout->coupon_ids;
    request->snapshot->seller = arena_new(ctx->arena, Order__V1__SellerSnapshot);
    order__v1__seller_snapshot__init(request->snapshot->seller);
    return checkout_seller(ctx, checkout->cart->channel_id, request->snapshot->seller);
}

static void add_reservation(struct ctx *ctx, const Inventory__V1__Reservation *reservation,
                            Order__V1__AuthorizeTendersRequest *request)
{
    if (!reservation) // an earlier run recorded it
        return;
    request->reservation_id = reservation->id;
    request->n_allocations = reservation->n_allocations;
    request->allocations =
        arena_array(ctx->arena, Order__V1__CheckoutAllocation *, reservation->n_allocations);
    for (size_t i = 0; i < reservation->n_allocations; i++) {
        const Inventory__V1__Allocation *from = reservation->allocations[i];
        Order__V1__CheckoutAllocation *to = arena_new(ctx->arena, Order__V1__CheckoutAllocation);
        order__v1__checkout_allocation__init(to);
        to->line_id = from->line_id;
        to->variant_id = from->variant_id;
        to->stock_item_id = from->stock_item_id;
        to->warehouse_id = from->warehouse_id;
        to->quantity = from->quantity;
        to->variant_quantity = from->variant_quantity;
        request->allocations[i] = to;
    }
}

/* Holds the money and places the order, in one call and, unless a provider is asked, one commit. */
struct status step_place_order(struct ctx *ctx, struct saga *saga)
{
    struct checkout *checkout = of(saga);
    const struct gateway *self = ctx_state(ctx);
    Order__V1__AuthorizeTendersRequest request = ORDER__V1__AUTHORIZE_TENDERS_REQUEST__INIT;
    const Order__V1__AuthorizeTendersResponse *reply;
    request.checkout_id = checkout->row->id;
    request.epoch = checkout->epoch;
    request.lease_ms = self->checkout_lease_ms;
    request.place = true;
    TRY(add_snapshot(ctx, checkout, &request));
    add_reservation(ctx, checkout->reservation, &request);

    TRY(order_v1_authorize_tenders(ctx, &request, &reply));
    checkout->row = reply->checkout;
    checkout->order = reply->order;
    if (checkout->row->state == STATE(ACTION_REQUIRED))
        return saga_wait(saga, ACTION_WAIT_MS);
    if (checkout->row->state < STATE(PLACED)) // a provider has not answered yet
        return saga_wait(saga, 0);
    return status_ok();
}

struct status step_void_payment(struct ctx *ctx, struct saga *saga)
{
    struct checkout *checkout = of(saga);
    const struct gateway *self = ctx_state(ctx);
    Order__V1__VoidTendersRequest request = ORDER__V1__VOID_TENDERS_REQUEST__INIT;
    const Order__V1__VoidTendersResponse *reply;
    request.checkout_id = checkout->row->id;
    request.epoch = checkout->epoch;
    request.lease_ms = self->checkout_lease_ms;
    TRY(order_v1_void_tenders(ctx, &request, &reply));
    return reply->is_done ? status_ok() : saga_wait(saga, 0);
}

struct status checkout_begin_undo(struct ctx *ctx, struct saga *saga, struct status refusal)
{
    struct checkout *checkout = of(saga);
    Order__V1__AdvanceCheckoutRequest request = ORDER__V1__ADVANCE_CHECKOUT_REQUEST__INIT;
    Common__V1__Money total = COMMON__V1__MONEY__INIT;
    request.to_state = STATE(CANCELLING);
    request.failure_code = (int32_t)refusal.code;
    request.failure_reason = str_or_empty(refusal.reason);
    request.failure_detail = arena_printf(ctx->arena, "%.900s", str_or_empty(refusal.detail));
    request.failure_violations =
        wire_violations(ctx->arena, refusal.violations, &request.n_failure_violations);
    if (request.n_failure_violations > VIOLATIONS_MAX) // a cart may have more lines
        request.n_failure_violations = VIOLATIONS_MAX;
    if (checkout->quote && rpc_reason_is(refusal, &PRICE_CHANGED)) {
        total.minor_units = checkout->quote->total_minor;
        total.currency_code = checkout->quote->currency_code;
        request.quoted_total = &total;
    }
    TRY(advance(ctx, checkout, &request));
    // Told only now: until the row says so, another driver may still place the order.
    checkout->refusal = refusal;
    return status_ok();
}

struct status checkout_end_undo(struct ctx *ctx, struct saga *saga)
{
    Order__V1__AdvanceCheckoutRequest request = ORDER__V1__ADVANCE_CHECKOUT_REQUEST__INIT;
    request.to_state = STATE(CANCELLED);
    return advance(ctx, of(saga), &request);
}
