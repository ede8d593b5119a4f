/* reservation_events.c - what is told about reservations. */
#include "inventory.h"

#include "chassis/wire.h"
#include "inventory/v1/events.schema.h"

static const char TOPIC[] = "inventory.reservation.events.v1";

const struct event_kind STOCK_RESERVED = {TOPIC, &inventory__v1__stock_reserved__schema,
                                          "reservation id"};
const struct event_kind STOCK_RELEASED = {TOPIC, &inventory__v1__stock_released__schema,
                                          "reservation id"};
const struct event_kind STOCK_COMMITTED = {TOPIC, &inventory__v1__stock_committed__schema,
                                           "reservation id"};

static size_t add_lines(struct ctx *ctx, const struct reservation *reservation,
                        Inventory__V1__ReservedLine ***ret_lines);

struct status stock_reserved_add(struct ctx *ctx, struct event_list *events,
                                 struct reservation *reservation)
{
    Inventory__V1__StockReserved body = INVENTORY__V1__STOCK_RESERVED__INIT;

    body.reservation_id = uuid_text(ctx->arena, reservation->id);
    body.n_lines = add_lines(ctx, reservation, &body.lines);
    body.expire_time = wire_time(ctx->arena, reservation->expire_time_us);
    return event_list_add(ctx, events, &STOCK_RESERVED, reservation->id,
                          ++reservation->event_sequence, &body);
}

struct status stock_committed_add(struct ctx *ctx, struct event_list *events,
                                  struct reservation *reservation)
{
    Inventory__V1__StockCommitted body = INVENTORY__V1__STOCK_COMMITTED__INIT;

    body.reservation_id = uuid_text(ctx->arena, reservation->id);
    body.n_lines = add_lines(ctx, reservation, &body.lines);
    return event_list_add(ctx, events, &STOCK_COMMITTED, reservation->id,
                          ++reservation->event_sequence, &body);
}

struct status stock_released_add(struct ctx *ctx, struct event_list *events,
                                 struct reservation *reservation, bool is_expired)
{
    Inventory__V1__StockReleased body = INVENTORY__V1__STOCK_RELEASED__INIT;

    body.reservation_id = uuid_text(ctx->arena, reservation->id);
    body.n_lines = add_lines(ctx, reservation, &body.lines);
    body.is_expired = is_expired;
    if (body.n_lines == 0)
        return status_ok();
    return event_list_add(ctx, events, &STOCK_RELEASED, reservation->id,
                          ++reservation->event_sequence, &body);
}

/* What is still in a warehouse: shipped units are nobody's to release. */
static size_t add_lines(struct ctx *ctx, const struct reservation *reservation,
                        Inventory__V1__ReservedLine ***ret_lines)
{
    const struct allocations *allocations = &reservation->allocations;
    Inventory__V1__ReservedLine *rows =
        arena_array(ctx->arena, Inventory__V1__ReservedLine, allocations->count);
    Inventory__V1__ReservedLine **lines =
        arena_array(ctx->arena, Inventory__V1__ReservedLine *, allocations->count);
    size_t count = 0;

    for (size_t i = 0; i < allocations->count; i++) {
        const struct allocation *allocation = &allocations->rows[i];
        if (allocation->shipped_quantity == allocation->quantity)
            continue;
        Inventory__V1__ReservedLine *line = &rows[count];
        inventory__v1__reserved_line__init(line);
        line->line_id = allocation->line_id;
        line->variant_id = uuid_text(ctx->arena, allocation->variant_id);
        line->stock_item_id = uuid_text(ctx->arena, allocation->stock_item_id);
        line->warehouse_id = uuid_text(ctx->arena, allocation->warehouse_id);
        line->quantity = allocation->quantity - allocation->shipped_quantity;
        lines[count++] = line;
    }
    *ret_lines = lines;
    return count;
}
