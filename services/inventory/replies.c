/* replies.c - our values as the messages of inventory.v1. */
#include "inventory.h"

#include "chassis/wire.h"

Inventory__V1__StockLevel *reply_level(struct ctx *ctx, const struct level *level)
{
    Inventory__V1__StockLevel *reply = arena_new(ctx->arena, Inventory__V1__StockLevel);

    inventory__v1__stock_level__init(reply);
    reply->stock_item_id = uuid_text(ctx->arena, level->stock_item_id);
    reply->warehouse_id = uuid_text(ctx->arena, level->warehouse_id);
    reply->available = level->now[ACCOUNT_AVAILABLE];
    reply->reserved = level->now[ACCOUNT_RESERVED];
    reply->allocated = level->now[ACCOUNT_ALLOCATED];
    reply->quarantine = level->now[ACCOUNT_QUARANTINE];
    reply->on_hand = level_on_hand(level);
    reply->low_threshold = level->low_threshold;
    reply->backorder_limit = level->backorder_limit;
    reply->version = level->version + (level_has_changed(level) ? 1 : 0);
    return reply;
}

Inventory__V1__Reservation *reply_reservation(struct ctx *ctx,
                                              const struct reservation *reservation)
{
    static const Inventory__V1__ReservationState STATES[RESERVATION_STATES] = {
        [RESERVATION_HELD] = INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_HELD,
        [RESERVATION_PINNED] = INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_PINNED,
        [RESERVATION_COMMITTED] = INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_COMMITTED,
        [RESERVATION_RELEASED] = INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_RELEASED,
        [RESERVATION_EXPIRED] = INVENTORY__V1__RESERVATION_STATE__RESERVATION_STATE_EXPIRED,
    };
    const struct allocations *allocations = &reservation->allocations;
    Inventory__V1__Reservation *reply = arena_new(ctx->arena, Inventory__V1__Reservation);
    Inventory__V1__Allocation *rows =
        arena_array(ctx->arena, Inventory__V1__Allocation, allocations->count);

    inventory__v1__reservation__init(reply);
    reply->id = uuid_text(ctx->arena, reservation->id);
    reply->state = STATES[reservation->state];
    reply->expire_time = wire_time(ctx->arena, reservation->expire_time_us);
    reply->n_allocations = allocations->count;
    reply->allocations = arena_array(ctx->arena, Inventory__V1__Allocation *, allocations->count);
    for (size_t i = 0; i < allocations->count; i++) {
        const struct allocation *allocation = &allocations->rows[i];
        inventory__v1__allocation__init(&rows[i]);
        rows[i].line_id = allocation->line_id;
        rows[i].variant_id = uuid_text(ctx->arena, allocation->variant_id);
        rows[i].stock_item_id = uuid_text(ctx->arena, allocation->stock_item_id);
        rows[i].warehouse_id = uuid_text(ctx->arena, allocation->warehouse_id);
        rows[i].quantity = allocation->quantity;
        rows[i].variant_quantity = allocation->variant_quantity;
        reply->allocations[i] = &rows[i];
    }
    return reply;
}

struct uuid parsed(const char *id)
{
    struct uuid value = {0};

    (void)uuid_parse(id, &value); // the contract's rules were checked before the handler; "" is nil
    return value;
}
