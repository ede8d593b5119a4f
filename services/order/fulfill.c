/* fulfill.c - from the order to the parcel: planning, packing once paid, shipping, delivery. */
#include "store.h"
#include "tables.h"

#include "events/consumer.h"
#include "events/outbox.h"
#include "order/v1/events.schema.h"

static const char ORDER_TOPIC[] = "order.order.events.v1";

const struct event_kind ORDER_FULFILLMENT_CHANGED = {
    ORDER_TOPIC, &order__v1__order_fulfillment_changed__schema, "order id"};
const struct event_kind SHIPMENT_SHIPPED_EVENT = {ORDER_TOPIC, &order__v1__shipment_shipped__schema,
                                                  "order id"};
const struct event_kind SHIPMENT_DELIVERED_EVENT = {
    ORDER_TOPIC, &order__v1__shipment_delivered__schema, "order id"};

const struct error_def FULFILLMENT_NOT_READY = {
    STATUS_FAILED_PRECONDITION, "FULFILLMENT_NOT_READY",
    "Only a fulfillment that is paid for and not finished can be shipped"};
const struct error_def SHIP_QUANTITY_EXCEEDED = {
    STATUS_INVALID_ARGUMENT, "SHIP_QUANTITY_EXCEEDED",
    "Ship at most what is left of the fulfillment's lines"};
const struct error_def SHIPMENT_ID_TAKEN = {STATUS_ALREADY_EXISTS, "SHIPMENT_ID_TAKEN",
                                            "The id is of a parcel of another fulfillment"};
const struct error_def SHIPMENT_NOT_SHIPPED = {STATUS_FAILED_PRECONDITION, "SHIPMENT_NOT_SHIPPED",
                                               "Only a parcel that has left can arrive"};

static struct fulfillment *fulfillment_of(struct order *order, struct uuid id);
static struct shipment *shipment_of(struct order *order, struct uuid id);
static struct fulfillment_line *part_of(struct fulfillment *f, const char *line_id);
static struct order_line *line_of(struct order *order, const char *line_id);
static struct status check_parcel(struct db_tx *tx, struct order *order,
                                  const struct fulfillment *f, struct uuid asked);
static struct shipment *choose_parcel(struct order *order, const struct fulfillment *f,
                                      struct uuid asked);
static struct status fill_parcel(struct ctx *ctx, const Order__V1__ShipFulfillmentRequest *req,
                                 struct fulfillment *f, struct shipment *parcel);
static void send(struct order *order, struct fulfillment *f, const struct shipment *parcel);
static struct status take_money_on_ship(struct db_tx *tx, struct order *order);
static struct status publish_shipped(struct db_tx *tx, const struct order *order,
                                     const struct fulfillment *f, const struct shipment *parcel);
static struct uuid order_of(const struct event_item *item);
static bool is_among(const struct order_to_pack *orders, size_t count, struct uuid id);
static struct status pack(struct db_tx *tx, struct uuid id);

struct uuid first_shipment_id(struct uuid fulfillment_id)
{
    return uuid_derive(fulfillment_id, "shipment");
}

/* Of an allocation over several stock items only the first counts units of the variant; the others
 * have none and belong to the same parcel. */
void fulfillments_plan(struct ctx *ctx, struct order *order, const Order__V1__Checkout *allocations)
{
    const size_t count = allocations == NULL ? 0 : allocations->n_allocations;

    order->fulfillments = arena_array(ctx->arena, struct fulfillment, count);
    order->shipments = arena_array(ctx->arena, struct shipment, count);
    for (size_t i = 0; i < count; i++) {
        const Order__V1__CheckoutAllocation *part = allocations->allocations[i];
        if (part->variant_quantity == 0)
            continue;
        const struct uuid warehouse_id = message_uuid(part->warehouse_id);
        const struct uuid id = uuid_derive(order->id, part->warehouse_id);
        struct fulfillment *f = fulfillment_of(order, id);
        if (f == NULL) {
            f = &order->fulfillments[order->fulfillment_count++];
            *f = (struct fulfillment){
                .id = id,
                .order_id = order->id,
                .warehouse_id = warehouse_id,
                .state = FULFILLMENT_PENDING,
                .lines = arena_array(ctx->arena, struct fulfillment_line, count),
            };
        }
        struct fulfillment_line *line = part_of(f, part->line_id);
        if (line == NULL) {
            line = &f->lines[f->line_count++];
            *line = (struct fulfillment_line){.fulfillment_id = id,
                                              .variant_id = message_uuid(part->variant_id),
                                              .line_id = part->line_id};
        }
        line->quantity += part->variant_quantity;
    }
}

/* Money enough to pack: paid, or to be captured with the shipment. */
static bool may_pack(const struct order *order)
{
    for (size_t i = 0; i < order->payments.count; i++) {
        const struct payment *p = &order->payments.items[i];
        const int64_t secured = p->capture_policy == CAPTURE_ON_SHIP ? p->authorized : p->captured;
        if (p->is_cancelled || secured < p->amount)
            return false;
    }
    return true;
}

/* Too early cannot be: the event follows the order in its transaction's outbox. Too late is an
 * order that was cancelled or is packed already; who was paid when the order was placed is packed
 * since then. Orders are locked by id. */
struct status order_on_payments_captured(struct ctx *ctx, struct db_tx *tx,
                                         const struct event_item *items, size_t count)
{
    struct uuid *ids = arena_array(ctx->arena, struct uuid, count);
    struct order_to_pack *orders;
    size_t order_count;

    for (size_t i = 0; i < count; i++)
        ids[i] = order_of(&items[i]);
    TRY(store_find_to_pack(tx, ids, count, &orders, &order_count));
    for (size_t i = 0; i < count; i++)
        if (!uuid_is_nil(ids[i]) && !is_among(orders, order_count, ids[i]))
            return ctx_fail(ctx, &ERROR_NOT_FOUND, "order %s", uuid_text(ctx->arena, ids[i]));
    for (size_t i = 0; i < order_count; i++) {
        size_t cause = 0;
        if (!orders[i].is_waiting)
            continue;
        while (!uuid_equal(ids[cause], orders[i].id))
            cause++;
        event_enter(ctx, items[cause].event);
        TRY(pack(tx, orders[i].id));
    }
    return status_ok();
}

/* Nil: captured before its order was placed, which will find that. */
static struct uuid order_of(const struct event_item *item)
{
    const Order__V1__PaymentCaptured *captured = item->body;

    return message_uuid(captured->payment->order_id);
}

static bool is_among(const struct order_to_pack *orders, size_t count, struct uuid id)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(orders[i].id, id))
            return true;
    return false;
}

static struct status pack(struct db_tx *tx, struct uuid id)
{
    Order__V1__OrderFulfillmentChanged changed = ORDER__V1__ORDER_FULFILLMENT_CHANGED__INIT;
    struct order order;

    TRY(store_load_order(tx, id, true, &order));
    if (order.state != ORDER_OPEN || !order_open_packing(&order))
        return status_ok();
    order_derive(&order);
    order.version++;
    TRY(store_save_order(tx, &order));
    TRY(store_open_fulfillments(tx, order.id));
    TRY(store_put_shipments(tx, &order));
    changed.order = order_summary(db_ctx(tx), &order);
    return outbox_add(tx, &ORDER_FULFILLMENT_CHANGED, order.id, order.version, &changed);
}

struct status order_ship_fulfillment(struct ctx *ctx, const Order__V1__ShipFulfillmentRequest *req,
                                     Order__V1__ShipFulfillmentResponse *rep)
{
    const struct uuid id = message_uuid(req->fulfillment_id);
    struct uuid order_id;
    struct order order;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_find_order_of_fulfillment(tx, id, &order_id));
    TRY(store_load_order(tx, order_id, true, &order));
    struct fulfillment *f = fulfillment_of(&order, id);
    TRY(check_parcel(tx, &order, f, message_uuid(req->shipment_id)));
    struct shipment *parcel = choose_parcel(&order, f, message_uuid(req->shipment_id));
    if (parcel->state == SHIPMENT_PREPARING) {
        if (f->state != FULFILLMENT_READY)
            return ctx_fail(ctx, &FULFILLMENT_NOT_READY, "state %d", (int)f->state);
        TRY(fill_parcel(ctx, req, f, parcel));
        send(&order, f, parcel);
        TRY(take_money_on_ship(tx, &order));
        order_derive(&order);
        order.version++;
        TRY(store_save_order(tx, &order));
        TRY(store_save_lines(tx, &order));
        TRY(store_save_fulfillments(tx, &order));
        TRY(store_put_shipments(tx, &order));
        TRY(store_add_shipment_lines(tx, parcel));
        TRY(publish_shipped(tx, &order, f, parcel));
        TRY(db_audit(tx, "order.ship", order.id, uuid_text(ctx->arena, parcel->id)));
        TRY(notify_buyer(tx, &order, "order_shipped"));
    }
    TRY(order_reply(tx, order.id, &rep->order));
    return db_commit(&tx);
}

struct status order_deliver_shipment(struct ctx *ctx, const Order__V1__DeliverShipmentRequest *req,
                                     Order__V1__DeliverShipmentResponse *rep)
{
    Order__V1__ShipmentDelivered body = ORDER__V1__SHIPMENT_DELIVERED__INIT;
    const struct uuid id = message_uuid(req->shipment_id);
    struct uuid order_id;
    struct order order;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_find_order_of_shipment(tx, id, &order_id));
    TRY(store_load_order(tx, order_id, true, &order));
    struct shipment *parcel = shipment_of(&order, id);
    if (parcel->state != SHIPMENT_SHIPPED && parcel->state != SHIPMENT_DELIVERED)
        return ctx_fail(ctx, &SHIPMENT_NOT_SHIPPED, "state %d", (int)parcel->state);
    if (parcel->state == SHIPMENT_SHIPPED) {
        parcel->state = SHIPMENT_DELIVERED;
        for (size_t i = 0; i < parcel->line_count; i++)
            line_of(&order, parcel->lines[i].line_id)->delivered += parcel->lines[i].quantity;
        order_derive(&order);
        order.version++;
        TRY(store_save_order(tx, &order));
        TRY(store_save_lines(tx, &order));
        TRY(store_put_shipments(tx, &order));
        body.order = order_summary(ctx, &order);
        body.shipment_id = message_id(ctx, parcel->id);
        TRY(outbox_add(tx, &SHIPMENT_DELIVERED_EVENT, order.id, order.version, &body));
        TRY(db_audit(tx, "order.deliver", order.id, req->shipment_id));
    }
    TRY(order_reply(tx, order.id, &rep->order));
    return db_commit(&tx);
}

/* The caller chooses the id: it must not be that of somebody else's parcel. */
static struct status check_parcel(struct db_tx *tx, struct order *order,
                                  const struct fulfillment *f, struct uuid asked)
{
    struct ctx *ctx = db_ctx(tx);
    struct uuid order_id;

    if (uuid_is_nil(asked))
        return status_ok();
    const struct shipment *own = shipment_of(order, asked);
    const struct status found =
        own == NULL ? store_find_order_of_shipment(tx, asked, &order_id) : status_ok();
    if (own != NULL ? uuid_equal(own->fulfillment_id, f->id) : found.code == STATUS_NOT_FOUND)
        return status_ok();
    TRY(found);
    return ctx_fail(ctx, &SHIPMENT_ID_TAKEN, "shipment %s", uuid_text(ctx->arena, asked));
}

/* The parcel of that id; else, the one being prepared when no id was given; else a new one. */
static struct shipment *choose_parcel(struct order *order, const struct fulfillment *f,
                                      struct uuid asked)
{
    struct shipment *found = uuid_is_nil(asked) ? NULL : shipment_of(order, asked);

    for (size_t i = 0; found == NULL && uuid_is_nil(asked) && i < order->shipment_count; i++)
        if (uuid_equal(order->shipments[i].fulfillment_id, f->id) &&
            order->shipments[i].state == SHIPMENT_PREPARING)
            found = &order->shipments[i];
    if (found != NULL)
        return found;
    found = &order->shipments[order->shipment_count++];
    *found = (struct shipment){.id = uuid_is_nil(asked) ? uuid_v7() : asked,
                               .fulfillment_id = f->id,
                               .state = SHIPMENT_PREPARING};
    return found;
}

static struct status fill_parcel(struct ctx *ctx, const Order__V1__ShipFulfillmentRequest *req,
                                 struct fulfillment *f, struct shipment *parcel)
{
    const size_t room = f->line_count + req->n_lines;

    parcel->carrier = req->carrier;
    parcel->tracking_number = req->tracking_number;
    parcel->lines = arena_array(ctx->arena, struct shipment_line, room);
    for (size_t i = 0; req->n_lines == 0 && i < f->line_count; i++)
        if (f->lines[i].quantity > f->lines[i].shipped)
            parcel->lines[parcel->line_count++] = (struct shipment_line){
                parcel->id, f->lines[i].line_id, f->lines[i].quantity - f->lines[i].shipped};
    for (size_t i = 0; i < req->n_lines; i++)
        parcel->lines[parcel->line_count++] =
            (struct shipment_line){parcel->id, req->lines[i]->line_id, req->lines[i]->quantity};
    for (size_t i = 0; i < parcel->line_count; i++) {
        struct fulfillment_line *line = part_of(f, parcel->lines[i].line_id);
        if (line != NULL)
            line->shipped += parcel->lines[i].quantity;
        if (line == NULL || line->shipped > line->quantity)
            return ctx_fail_field(ctx, &SHIP_QUANTITY_EXCEEDED,
                                  arena_printf(ctx->arena, "lines[%zu].quantity", i),
                                  arena_printf(ctx->arena, "%" PRId64, parcel->lines[i].quantity),
                                  "at most what is left of the line in this fulfillment");
    }
    return status_ok();
}

/* A parcel that was begun for this fulfillment and is not needed any more is dropped. */
static void send(struct order *order, struct fulfillment *f, const struct shipment *parcel)
{
    int64_t left = 0;

    for (size_t i = 0; i < parcel->line_count; i++)
        line_of(order, parcel->lines[i].line_id)->shipped += parcel->lines[i].quantity;
    for (size_t i = 0; i < f->line_count; i++)
        left += f->lines[i].quantity - f->lines[i].shipped;
    shipment_of(order, parcel->id)->state = SHIPMENT_SHIPPED;
    if (left > 0)
        return;
    f->state = FULFILLMENT_SHIPPED;
    for (size_t i = 0; i < order->shipment_count; i++)
        if (uuid_equal(order->shipments[i].fulfillment_id, f->id) &&
            order->shipments[i].state == SHIPMENT_PREPARING)
            order->shipments[i].state = SHIPMENT_CANCELLED;
}

/* With the first parcel: most providers close an authorization with its first capture, so taking it
 * parcel by parcel would lose the rest. */
static struct status take_money_on_ship(struct db_tx *tx, struct order *order)
{
    bool is_started;

    for (size_t i = 0; i < order->payments.count; i++)
        if (order->payments.items[i].capture_policy == CAPTURE_ON_SHIP)
            TRY(capture_start(tx, &order->payments.items[i], 0, &is_started));
    return status_ok();
}

static struct status publish_shipped(struct db_tx *tx, const struct order *order,
                                     const struct fulfillment *f, const struct shipment *parcel)
{
    struct ctx *ctx = db_ctx(tx);
    Order__V1__ShipmentShipped body = ORDER__V1__SHIPMENT_SHIPPED__INIT;

    body.order = order_summary(ctx, order);
    body.shipment_id = message_id(ctx, parcel->id);
    body.fulfillment_id = message_id(ctx, f->id);
    body.warehouse_id = message_id(ctx, f->warehouse_id);
    body.reservation_id = message_id(ctx, order->reservation_id);
    body.carrier = parcel->carrier;
    body.tracking_number = parcel->tracking_number;
    body.lines = arena_array(ctx->arena, Order__V1__ShipmentLine *, parcel->line_count);
    for (; body.n_lines < parcel->line_count; body.n_lines++) {
        Order__V1__ShipmentLine *line = arena_new(ctx->arena, Order__V1__ShipmentLine);
        order__v1__shipment_line__init(line);
        line->line_id = parcel->lines[body.n_lines].line_id;
        line->quantity = parcel->lines[body.n_lines].quantity;
        body.lines[body.n_lines] = line;
    }
    return outbox_add(tx, &SHIPMENT_SHIPPED_EVENT, order->id, order->version, &body);
}

bool order_open_packing(struct order *order)
{
    bool is_opened = false;

    if (!may_pack(order))
        return false;
    for (size_t i = 0; i < order->fulfillment_count; i++) {
        struct fulfillment *f = &order->fulfillments[i];
        if (f->state != FULFILLMENT_PENDING)
            continue;
        f->state = FULFILLMENT_READY;
        order->shipments[order->shipment_count++] = (struct shipment){
            .id = first_shipment_id(f->id), .fulfillment_id = f->id, .state = SHIPMENT_PREPARING};
        is_opened = true;
    }
    return is_opened;
}

static struct fulfillment *fulfillment_of(struct order *order, struct uuid id)
{
    for (size_t i = 0; i < order->fulfillment_count; i++)
        if (uuid_equal(order->fulfillments[i].id, id))
            return &order->fulfillments[i];
    return NULL;
}

static struct shipment *shipment_of(struct order *order, struct uuid id)
{
    for (size_t i = 0; i < order->shipment_count; i++)
        if (uuid_equal(order->shipments[i].id, id))
            return &order->shipments[i];
    return NULL;
}

static struct fulfillment_line *part_of(struct fulfillment *f, const char *line_id)
{
    for (size_t i = 0; i < f->line_count; i++)
        if (str_equal(f->lines[i].line_id, line_id))
            return &f->lines[i];
    return NULL;
}

static struct order_line *line_of(struct order *order, const char *line_id)
{
    for (size_t i = 0; i < order->line_count; i++)
        if (str_equal(order->lines[i].line_id, line_id))
            return &order->lines[i];
    return NULL;
}
