/* orders.c - what a buyer sees of an order.
 *
 * Who signed in sees their own; a guest's order is known by its id, which nobody can guess. */
#include "storefront/storefront.h"
#include "storefront/views.h"

#include "common/v1/page.pb-c.h"
#include "order/v1/service.client.h"

const struct error_def ORDER_NOT_FOUND = {STATUS_NOT_FOUND, "ORDER_NOT_FOUND",
                                          "use the id that the checkout answered"};

static Gateway__V1__ShipmentView *shipment_view(struct ctx *ctx,
                                                const Order__V1__Shipment *shipment)
{
    Gateway__V1__ShipmentView *view = arena_new(ctx->arena, Gateway__V1__ShipmentView);
    gateway__v1__shipment_view__init(view);
    view->id = shipment->id;
    view->state = shipment->state;
    view->n_lines = shipment->n_lines;
    view->lines = shipment->lines;
    view->carrier = shipment->carrier;
    view->tracking_number = shipment->tracking_number;
    view->ship_time = shipment->ship_time;
    return view;
}

static void show_shipments(struct ctx *ctx, const Order__V1__Order *order,
                           Gateway__V1__OrderView *view)
{
    size_t count = 0;
    for (size_t i = 0; i < order->n_fulfillments; i++)
        count += order->fulfillments[i]->n_shipments;
    view->shipments = arena_array(ctx->arena, Gateway__V1__ShipmentView *, count);
    for (size_t i = 0; i < order->n_fulfillments; i++)
        for (size_t j = 0; j < order->fulfillments[i]->n_shipments; j++)
            view->shipments[view->n_shipments++] =
                shipment_view(ctx, order->fulfillments[i]->shipments[j]);
}

Gateway__V1__OrderView *order_view(struct ctx *ctx, const Order__V1__Order *order)
{
    Gateway__V1__OrderView *view = arena_new(ctx->arena, Gateway__V1__OrderView);
    gateway__v1__order_view__init(view);
    view->id = order->id;
    view->number = order->number;
    view->state = order->state;
    view->payment_status = order->payment_status;
    view->fulfillment_status = order->fulfillment_status;
    view->total = order->total;
    view->quote = order->quote;
    view->party = order->party;
    view->place_time = order->place_time;
    view->cancel_reason = order->cancel_reason;
    show_shipments(ctx, order, view);
    return view;
}

struct status order_get(struct ctx *ctx, struct exchange *exchange, const ProtobufCMessage *request,
                        ProtobufCMessage *response)
{
    const Gateway__V1__GetOrderRequest *get = (const void *)request;
    Order__V1__GetOrderRequest to = ORDER__V1__GET_ORDER_REQUEST__INIT;
    const Order__V1__GetOrderResponse *found;
    to.id = get->order_id;
    struct status status = order_v1_get_order(ctx, &to, &found);
    if (status.code != STATUS_OK && status.code != STATUS_NOT_FOUND)
        return status;
    // What is not there and what is not theirs look alike.
    if (status.code == STATUS_NOT_FOUND ||
        (!str_is_empty(found->order->customer_id) &&
         !str_equal(found->order->customer_id, exchange->visitor.customer_id)))
        return ctx_fail_field(ctx, &ORDER_NOT_FOUND, "orderId", get->order_id, "an order of yours");
    *(Gateway__V1__OrderView *)(void *)response = *order_view(ctx, found->order);
    return status_ok();
}

struct status order_list(struct ctx *ctx, struct exchange *exchange,
                         const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__ListOrdersRequest *list = (const void *)request;
    Gateway__V1__ListOrdersResponse *listed = (void *)response;
    Order__V1__ListOrdersRequest to = ORDER__V1__LIST_ORDERS_REQUEST__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    const Order__V1__ListOrdersResponse *from;
    page.page_size = list->page_size;
    page.page_token = list->page_token;
    to.page = &page;
    to.customer_id = exchange->visitor.customer_id;
    TRY(order_v1_list_orders(ctx, &to, &from));
    listed->n_orders = from->n_orders;
    listed->orders = arena_array(ctx->arena, Gateway__V1__OrderView *, from->n_orders);
    for (size_t i = 0; i < from->n_orders; i++)
        listed->orders[i] = order_view(ctx, from->orders[i]);
    listed->page = from->page;
    return status_ok();
}
