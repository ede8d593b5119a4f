/* place_order.c - the pivot: from here on everything goes forward.
 *
 * One transaction makes the order, its frozen snapshot, its party, its fulfillments and its events,
 * asks for the captures and closes the checkout. The order has the checkout's id, so a second call
 * finds it. The snapshot carries no personal data: that is the party's row. */
#include "store.h"

#include "chassis/wire.h"

#include "chassis/crash_point.h"
#include "events/outbox.h"
#include "order/v1/events.schema.h"

const struct event_kind ORDER_PLACED = {"order.order.events.v1", &order__v1__order_placed__schema,
                                        "order id"};

const struct error_def PAYMENT_MISSING = {
    STATUS_FAILED_PRECONDITION, "PAYMENT_MISSING",
    "The tenders do not hold the whole total: authorize them first"};

static struct status build(struct ctx *ctx, const struct locked_checkout *locked,
                           struct order *ret_order);
static void take_lines(struct ctx *ctx, const Cart__V1__Quote *quote, struct order *order);
static const char *unit_discounts(struct ctx *ctx, const Cart__V1__QuoteLine *line);
static struct db_bytes freeze(struct ctx *ctx, const Order__V1__CheckoutSnapshot *snapshot);
static struct status check_paid(struct ctx *ctx, const struct order *order);
static struct status take_money(struct db_tx *tx, struct order *order);
static struct status publish(struct db_tx *tx, const struct checkout *checkout,
                             const struct order *order);
static struct status write(struct db_tx *tx, struct checkout *checkout, struct order *order);

struct status order_place_order(struct ctx *ctx, const Order__V1__PlaceOrderRequest *req,
                                Order__V1__PlaceOrderResponse *rep)
{
    struct locked_checkout locked;
    struct order order;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_checkout(tx, message_uuid(req->checkout_id), LOCK_TO_PLACE, &locked));
    if (locked.checkout.state == CHECKOUT_PLACED) {
        TRY(store_load_order(tx, locked.checkout.id, false, &order));
    } else {
        TRY(checkout_fence(ctx, &locked.checkout, req->epoch));
        TRY(order_place(tx, &locked, &order));
    }
    rep->order = order_message(ctx, &order, true);
    return db_commit(&tx);
}

struct status order_place(struct db_tx *tx, struct locked_checkout *locked, struct order *ret_order)
{
    TRY(checkout_move(db_ctx(tx), &locked->checkout, CHECKOUT_PLACED, CHECKOUT_BY_PIVOT));
    TRY(build(db_ctx(tx), locked, ret_order));
    return write(tx, &locked->checkout, ret_order);
}

static struct status write(struct db_tx *tx, struct checkout *checkout, struct order *order)
{
    struct ctx *ctx = db_ctx(tx);

    if (ctx->correlation_id == NULL)
        ctx->correlation_id = uuid_text(ctx->arena, checkout->id);
    TRY(check_paid(ctx, order));
    TRY(take_money(tx, order));
    (void)order_open_packing(order);
    order_derive(order);
    TRY(store_add_order(tx, order));
    TRY(crash_point(CRASH_ORDER_INSERTED, NULL));
    if (order->shipment_count > 0)
        TRY(store_put_shipments(tx, order));
    checkout->order_number = order->number;
    TRY(store_save_checkout(tx, checkout));
    TRY(publish(tx, checkout, order));
    TRY(crash_point(CRASH_ORDER_PUBLISHED, NULL));
    return notify_buyer(tx, order, "order_placed");
}

static struct status build(struct ctx *ctx, const struct locked_checkout *locked,
                           struct order *ret_order)
{
    const struct checkout *checkout = &locked->checkout;
    Order__V1__CheckoutSnapshot *snapshot =
        message_unpack(ctx, &order__v1__checkout_snapshot__descriptor, checkout->snapshot);
    const Order__V1__Checkout *allocations =
        message_unpack(ctx, &order__v1__checkout__descriptor, checkout->allocations);
    const Cart__V1__Cart *cart = snapshot->cart;
    struct order order = {
        .id = checkout->id,
        .number = locked->order_number,
        .state = ORDER_OPEN,
        .version = 1,
        .revision = 1,
        .channel_id = message_uuid(cart->channel_id),
        .customer_id = message_uuid(cart->customer_id),
        .cart_id = checkout->cart_id,
        .reservation_id = checkout->reservation_id,
        .locale = cart->locale,
        .currency_code = checkout->currency_code,
        .total_minor = snapshot->quote->total_minor,
        .place_us = checkout->now_us,
        .update_us = checkout->now_us,
        .payments = locked->payments,
        .party = {.email = cart->email},
    };

    if (uuid_is_nil(order.customer_id))
        order.customer_id = checkout->customer_id;
    if (cart->shipping_address != NULL)
        order.party.shipping_address = wire_pack(ctx->arena, &cart->shipping_address->base);
    if (cart->billing_address != NULL)
        order.party.billing_address = wire_pack(ctx->arena, &cart->billing_address->base);
    order.snapshot = freeze(ctx, snapshot);
    take_lines(ctx, snapshot->quote, &order);
    fulfillments_plan(ctx, &order, allocations);
    *ret_order = order;
    return status_ok();
}

static void take_lines(struct ctx *ctx, const Cart__V1__Quote *quote, struct order *order)
{
    order->line_count = quote->n_lines;
    order->lines = arena_array(ctx->arena, struct order_line, quote->n_lines);
    for (size_t i = 0; i < quote->n_lines; i++) {
        const Cart__V1__QuoteLine *line = quote->lines[i];
        order->lines[i] = (struct order_line){
            .line_id = line->line_id,
            .parent_line_id = line->parent_line_id,
            .sku = line->sku,
            .name = line->name,
            .variant_id = message_uuid(line->variant_id),
            .product_id = message_uuid(line->product_id),
            .quantity = line->quantity,
            .gross_minor = line->gross_minor,
            .net_minor = line->net_minor,
            .tax_minor = line->tax_minor,
            .discount_minor = line->discount_minor,
            .unit_discounts = unit_discounts(ctx, line),
        };
    }
}

/* [[units, minor units off each], ...]: what a return of one unit gives back. */
static const char *unit_discounts(struct ctx *ctx, const Cart__V1__QuoteLine *line)
{
    struct buffer json;

    buffer_init(&json, ctx->arena, 32);
    buffer_putc(&json, '[');
    for (size_t i = 0; i < line->n_unit_discounts; i++)
        buffer_printf(&json, "%s[%" PRId64 ",%" PRId64 "]", i == 0 ? "" : ",",
                      line->unit_discounts[i]->count, line->unit_discounts[i]->amount_minor);
    buffer_putc(&json, ']');
    return json.data;
}

static struct db_bytes freeze(struct ctx *ctx, const Order__V1__CheckoutSnapshot *snapshot)
{
    Order__V1__CheckoutSnapshot frozen = *snapshot;
    Cart__V1__Cart cart = *snapshot->cart;

    cart.email = "";
    cart.shipping_address = NULL;
    cart.billing_address = NULL;
    frozen.cart = &cart;
    return wire_pack(ctx->arena, &frozen.base);
}

static struct status check_paid(struct ctx *ctx, const struct order *order)
{
    int64_t held = 0;

    for (size_t i = 0; i < order->payments.count; i++)
        held += order->payments.items[i].authorized;
    if (held < order->total_minor)
        return ctx_fail(ctx, &PAYMENT_MISSING, "%" PRId64 " of %" PRId64, held, order->total_minor);
    return status_ok();
}

static struct status take_money(struct db_tx *tx, struct order *order)
{
    for (size_t i = 0; i < order->payments.count; i++) {
        struct payment *payment = &order->payments.items[i];
        bool is_started = false;
        payment->order_id = order->id;
        if (payment->capture_policy == CAPTURE_ON_PLACE)
            TRY(capture_start(tx, payment, 0, &is_started));
        if (!is_started)
            TRY(store_put_payment(tx, payment));
    }
    return status_ok();
}

static struct status publish(struct db_tx *tx, const struct checkout *checkout,
                             const struct order *order)
{
    struct ctx *ctx = db_ctx(tx);
    const Order__V1__CheckoutSnapshot *snapshot =
        message_unpack(ctx, &order__v1__checkout_snapshot__descriptor, order->snapshot);
    Order__V1__OrderPlaced body = ORDER__V1__ORDER_PLACED__INIT;

    body.order = order_summary(ctx, order);
    body.checkout_id = message_id(ctx, checkout->id);
    body.cart_id = message_id(ctx, checkout->cart_id);
    body.reservation_id = message_id(ctx, checkout->reservation_id);
    body.coupon_ids = snapshot->coupon_ids;
    body.n_coupon_ids = snapshot->n_coupon_ids;
    return outbox_add(tx, &ORDER_PLACED, order->id, order->version, &body);
}
