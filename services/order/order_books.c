/* order_books.c - what every change of an order does: derive its statuses, count its version, say
 * it.
 */
#include "store.h"

#include "chassis/wire.h"
#include "events/outbox.h"
#include "order/v1/events.schema.h"

const struct event_kind ORDER_PAYMENT_CHANGED = {
    "order.order.events.v1", &order__v1__order_payment_changed__schema, "order id"};

static bool is_packing(const struct order *order);

bool order_derive(struct order *order)
{
    const enum payment_status payment_before = order->payment_status;
    const enum fulfillment_status fulfillment_before = order->fulfillment_status;
    const struct payment_sums sums =
        ledger_sums(order->payments.items, order->payments.count, order->total_minor);
    struct quantity_sums quantities = {.is_started = is_packing(order)};

    for (size_t i = 0; i < order->line_count; i++) {
        quantities.ordered += order->lines[i].quantity;
        quantities.shipped += order->lines[i].shipped;
        quantities.delivered += order->lines[i].delivered;
        quantities.cancelled += order->lines[i].cancelled;
    }
    order->payment_status = order_payment_status(&sums);
    order->fulfillment_status = order_fulfillment_status(&quantities);
    if (order->state == ORDER_OPEN &&
        order_is_complete(order->payment_status, order->fulfillment_status))
        order->state = ORDER_CLOSED;
    return order->payment_status != payment_before ||
           order->fulfillment_status != fulfillment_before;
}

struct status order_payment_changed(struct db_tx *tx, struct order *order)
{
    Order__V1__OrderPaymentChanged body = ORDER__V1__ORDER_PAYMENT_CHANGED__INIT;

    if (!order_derive(order))
        return status_ok();
    order->version++;
    TRY(store_save_order(tx, order));
    body.order = order_summary(db_ctx(tx), order);
    return outbox_add(tx, &ORDER_PAYMENT_CHANGED, order->id, order->version, &body);
}

struct status order_reply(struct db_tx *tx, struct uuid id, Order__V1__Order **ret_message)
{
    struct order order;

    TRY(store_load_order(tx, id, false, &order));
    *ret_message = order_message(db_ctx(tx), &order, true);
    return status_ok();
}

Order__V1__OrderSummary *order_summary(struct ctx *ctx, const struct order *order)
{
    Order__V1__OrderSummary *out = arena_new(ctx->arena, Order__V1__OrderSummary);

    order__v1__order_summary__init(out);
    out->order_id = message_id(ctx, order->id);
    out->number = order->number;
    out->state = (Order__V1__OrderState)order->state;
    out->payment_status = (Order__V1__PaymentStatus)order->payment_status;
    out->fulfillment_status = (Order__V1__FulfillmentStatus)order->fulfillment_status;
    out->version = order->version;
    out->revision = order->revision;
    out->channel_id = message_id(ctx, order->channel_id);
    out->customer_id = message_id(ctx, order->customer_id);
    out->locale = order->locale;
    out->total = message_money(ctx, order->total_minor, order->currency_code);
    out->lines = order_line_messages(ctx, order);
    out->n_lines = order->line_count;
    out->place_time = wire_time(ctx->arena, order->place_us);
    return out;
}

Order__V1__OrderLine **order_line_messages(struct ctx *ctx, const struct order *order)
{
    Order__V1__OrderLine **out = arena_array(ctx->arena, Order__V1__OrderLine *, order->line_count);

    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        out[i] = arena_new(ctx->arena, Order__V1__OrderLine);
        order__v1__order_line__init(out[i]);
        out[i]->line_id = line->line_id;
        out[i]->parent_line_id = line->parent_line_id;
        out[i]->variant_id = message_id(ctx, line->variant_id);
        out[i]->product_id = message_id(ctx, line->product_id);
        out[i]->sku = line->sku;
        out[i]->name = line->name;
        out[i]->quantity = line->quantity;
        out[i]->gross_minor = line->gross_minor;
        out[i]->net_minor = line->net_minor;
        out[i]->tax_minor = line->tax_minor;
        out[i]->discount_minor = line->discount_minor;
        out[i]->shipped_quantity = line->shipped;
        out[i]->cancelled_quantity = line->cancelled;
    }
    return out;
}

static bool is_packing(const struct order *order)
{
    for (size_t i = 0; i < order->fulfillment_count; i++)
        if (order->fulfillments[i].state == FULFILLMENT_READY)
            return true;
    return false;
}
