/* on_order.c - what orders mean for stock. All three events of an order come in its order.
 *
 * Too early: the reservation is made before its order is placed, so one that cannot be found is a
 * mistake somewhere; the event is parked and tried again, and told in the end. Too late: what was
 * done before is done. */
#include "store.h"

#include "order/v1/events.pb-c.h"

#include "common/str.h"

const struct error_def RESERVATION_NOT_COMMITTED = {
    STATUS_FAILED_PRECONDITION, "RESERVATION_NOT_COMMITTED",
    "Shipped before the order's placing was heard of, or after its cancelling"};
const struct error_def SHIPPED_TOO_MUCH = {
    STATUS_FAILED_PRECONDITION, "SHIPPED_TOO_MUCH",
    "The shipment has more than the warehouse has allocated to the order"};

static struct status ship_lines(struct ctx *ctx, struct book *book, struct reservation *reservation,
                                const Order__V1__ShipmentShipped *shipped);
static struct status ship_allocation(struct ctx *ctx, struct book *book,
                                     struct allocation *allocation, struct movement movement,
                                     int64_t units);

/* The stock items of all orders are locked once, in id order, as Reserve does it. */
struct status inventory_on_orders_placed(struct ctx *ctx, struct db_tx *tx,
                                         const struct event_item *items, size_t count)
{
    struct reservation **committed = arena_array(ctx->arena, struct reservation *, count);
    struct uuid *ids = arena_array(ctx->arena, struct uuid, count);
    struct event_list events = {0};
    struct reservation_view view;
    size_t committed_count = 0;

    for (size_t i = 0; i < count; i++) // the key is the order; the body names the reservation
        ids[i] = parsed(((const Order__V1__OrderPlaced *)items[i].body)->reservation_id);
    TRY(store_open_reservations(tx, (struct ids){ids, count}, &view));
    for (size_t i = 0; i < count; i++) {
        struct reservation *reservation = reservation_find(view.reservations, view.count, ids[i]);
        event_enter(ctx, items[i].event);
        if (reservation == NULL)
            return ctx_fail(ctx, &RESERVATION_NOT_FOUND, "%s", uuid_text(ctx->arena, ids[i]));
        const enum reservation_state before = reservation->state;
        TRY(reservation_commit(ctx, &view.book, &events, reservation));
        if (reservation->state != before)
            committed[committed_count++] = reservation;
    }
    if (committed_count == 0)
        return status_ok();
    return reservations_save(tx, &view.book, &events, committed, committed_count);
}

/* What is reserved or allocated comes back, what was shipped stays with the customer. */
struct status inventory_on_order_cancelled(struct ctx *ctx, struct db_tx *tx,
                                           const struct event *event, const void *body)
{
    const Order__V1__OrderCancelled *cancelled = body;
    struct reservation reservation;

    (void)event;
    return reservation_apply(ctx, tx, parsed(cancelled->reservation_id), RESERVATION_CANCEL, 0,
                             &reservation);
}

struct status inventory_on_shipment_shipped(struct ctx *ctx, struct db_tx *tx,
                                            const struct event *event, const void *body)
{
    const Order__V1__ShipmentShipped *shipped = body;
    struct event_list events = {0};
    struct reservation reservation;
    struct book book;
    int64_t now_us;

    (void)event;
    TRY(store_open_reservation(tx, parsed(shipped->reservation_id), &reservation, &book, &now_us));
    if (reservation.state == RESERVATION_NONE)
        return ctx_fail(ctx, &RESERVATION_NOT_FOUND, "%s", shipped->reservation_id);
    if (reservation.state != RESERVATION_COMMITTED)
        return ctx_fail(ctx, &RESERVATION_NOT_COMMITTED, "%s is %s", shipped->reservation_id,
                        reservation_state_name(reservation.state));
    TRY(ship_lines(ctx, &book, &reservation, shipped));
    TRY(stock_events_add(ctx, &events, &book, MOVEMENT_SHIP));
    TRY(store_save_book(tx, &book, &events));
    return store_save_shipped(tx, &reservation);
}

/* A line of a kit ships all its components. */
static struct status ship_lines(struct ctx *ctx, struct book *book, struct reservation *reservation,
                                const Order__V1__ShipmentShipped *shipped)
{
    struct movement movement = {.kind = MOVEMENT_SHIP,
                                .cause_id = parsed(shipped->shipment_id),
                                .reference = shipped->tracking_number,
                                .actor = ctx->caller.actor};
    struct uuid warehouse = parsed(shipped->warehouse_id);

    for (size_t i = 0; i < shipped->n_lines; i++) {
        const Order__V1__ShipmentLine *line = shipped->lines[i];
        bool is_found = false;
        for (size_t j = 0; j < reservation->allocations.count; j++) {
            struct allocation *allocation = &reservation->allocations.rows[j];
            if (!str_equal(allocation->line_id, line->line_id) ||
                !uuid_equal(allocation->warehouse_id, warehouse))
                continue;
            TRY(ship_allocation(ctx, book, allocation, movement, line->quantity));
            is_found = true;
        }
        if (!is_found)
            return ctx_fail(ctx, &SHIPPED_TOO_MUCH, "line %s: nothing allocated in %s",
                            line->line_id, shipped->warehouse_id);
    }
    return status_ok();
}

static struct status ship_allocation(struct ctx *ctx, struct book *book,
                                     struct allocation *allocation, struct movement movement,
                                     int64_t units)
{
    int64_t left = allocation->quantity - allocation->shipped_quantity;

    movement.from = book_find_level(book, allocation->stock_item_id, allocation->warehouse_id);
    movement.quantity = units * allocation->unit_quantity;
    if (movement.quantity > left)
        return ctx_fail(ctx, &SHIPPED_TOO_MUCH, "line %s: shipped %lld, allocated %lld",
                        allocation->line_id, (long long)movement.quantity, (long long)left);
    allocation->shipped_quantity += movement.quantity;
    book_post(book, &movement);
    return status_ok();
}
