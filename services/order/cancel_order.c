/* cancel_order.c - taking an order back before anything was sent.
 *
 * The order is cancelled at once; the money comes back by unwinding each payment, the stock by
 * inventory when it hears of it. */
#include "store.h"

#include "events/outbox.h"
#include "order/v1/events.schema.h"

const struct event_kind ORDER_CANCELLED_EVENT = {"order.order.events.v1",
                                                 &order__v1__order_cancelled__schema, "order id"};

const struct error_def ORDER_SHIPPED = {
    STATUS_FAILED_PRECONDITION, "ORDER_SHIPPED",
    "A parcel has left: what comes back is a return, not a cancellation"};

static void cancel(struct order *order, const char *reason);
static struct status publish(struct db_tx *tx, const struct order *order);

struct status order_cancel_order(struct ctx *ctx, const Order__V1__CancelOrderRequest *req,
                                 Order__V1__CancelOrderResponse *rep)
{
    struct order order;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_order(tx, message_uuid(req->order_id), true, &order));
    if (order.state != ORDER_CANCELLED) {
        TRY(ctx_check_version(ctx, req->expected_version, order.version));
        if (order_has_shipped(&order))
            return ctx_fail(ctx, &ORDER_SHIPPED, "order %s", order.number);
        TRY(order_cancel(tx, &order, req->reason));
        TRY(db_audit(tx, "order.cancel", order.id, req->reason));
    }
    TRY(order_reply(tx, order.id, &rep->order));
    return db_commit(&tx);
}

struct status order_cancel(struct db_tx *tx, struct order *order, const char *reason)
{
    cancel(order, reason);
    for (size_t i = 0; i < order->payments.count; i++)
        TRY(unwind_start(tx, &order->payments.items[i]));
    order_derive(order);
    order->version++;
    TRY(store_save_order(tx, order));
    TRY(store_save_lines(tx, order));
    TRY(store_save_fulfillments(tx, order));
    TRY(store_put_shipments(tx, order));
    TRY(publish(tx, order));
    return notify_buyer(tx, order, "order_cancelled");
}

static void cancel(struct order *order, const char *reason)
{
    order->state = ORDER_CANCELLED;
    order->cancel_reason = reason;
    for (size_t i = 0; i < order->line_count; i++)
        order->lines[i].cancelled = order->lines[i].quantity;
    for (size_t i = 0; i < order->fulfillment_count; i++)
        order->fulfillments[i].state = FULFILLMENT_CANCELLED;
    for (size_t i = 0; i < order->shipment_count; i++)
        order->shipments[i].state = SHIPMENT_CANCELLED;
}

bool order_has_shipped(const struct order *order)
{
    for (size_t i = 0; i < order->line_count; i++)
        if (order->lines[i].shipped > 0)
            return true;
    return false;
}

static struct status publish(struct db_tx *tx, const struct order *order)
{
    struct ctx *ctx = db_ctx(tx);
    Order__V1__OrderCancelled body = ORDER__V1__ORDER_CANCELLED__INIT;

    body.order = order_summary(ctx, order);
    body.checkout_id = message_id(ctx, order->id);
    body.reservation_id = message_id(ctx, order->reservation_id);
    body.cancel_reason = order->cancel_reason;
    return outbox_add(tx, &ORDER_CANCELLED_EVENT, order->id, order->version, &body);
}
