/* stock_events.c - what is told about stock levels: changes, and crossings exactly once.
 *
 * A crossing is computed from what available was when it was locked and what it is when that
 * transaction ends, so no other transaction can see the same crossing. */
#include "inventory.h"

#include "inventory/v1/events.schema.h"

#include <string.h>

enum { EVENTS_FIRST = 8, VARIANTS_TOLD_MAX = 100 };

static const char TOPIC[] = "inventory.stock.events.v1";

const struct event_kind STOCK_CHANGED = {TOPIC, &inventory__v1__stock_changed__schema,
                                         "stock item id"};
const struct event_kind STOCK_LOW = {TOPIC, &inventory__v1__stock_low__schema, "stock item id"};
const struct event_kind OUT_OF_STOCK = {TOPIC, &inventory__v1__out_of_stock__schema,
                                        "stock item id"};
const struct event_kind BACK_IN_STOCK = {TOPIC, &inventory__v1__back_in_stock__schema,
                                         "stock item id"};

static struct status add_changed(struct ctx *ctx, struct event_list *events,
                                 struct stock_item *item, Inventory__V1__StockLevelState *state,
                                 enum movement_kind kind);
static struct status add_crossings(struct ctx *ctx, struct event_list *events,
                                   struct stock_item *item, const struct level *level,
                                   Inventory__V1__StockLevelState *state);
static struct status add(struct ctx *ctx, struct event_list *events, struct stock_item *item,
                         const struct event_kind *kind, const void *body);
static Inventory__V1__StockLevelState *level_state(struct ctx *ctx, const struct stock_item *item,
                                                   const struct level *level);

struct status stock_events_add(struct ctx *ctx, struct event_list *events, struct book *book,
                               enum movement_kind kind)
{
    for (size_t i = 0; i < book->level_count; i++) {
        const struct level *level = &book->levels[i];
        if (!level_has_changed(level))
            continue;
        struct stock_item *item = book_find_item(book, level->stock_item_id);
        Inventory__V1__StockLevelState *state = level_state(ctx, item, level);
        if (kind != MOVEMENT_KINDS)
            TRY(add_changed(ctx, events, item, state, kind));
        TRY(add_crossings(ctx, events, item, level, state));
    }
    return status_ok();
}

struct status event_list_add(struct ctx *ctx, struct event_list *events,
                             const struct event_kind *kind, struct uuid key, int64_t sequence,
                             const void *body)
{
    if (events->count == events->capacity) {
        size_t capacity = events->capacity * 2 + EVENTS_FIRST;
        struct outbox_record *grown = arena_array(ctx->arena, struct outbox_record, capacity);
        if (events->count > 0)
            memcpy(grown, events->records, events->count * sizeof *grown);
        events->records = grown;
        events->capacity = capacity;
    }
    TRY(outbox_encode(ctx, kind, key, sequence, body, &events->records[events->count]));
    events->count++;
    return status_ok();
}

static struct status add_changed(struct ctx *ctx, struct event_list *events,
                                 struct stock_item *item, Inventory__V1__StockLevelState *state,
                                 enum movement_kind kind)
{
    Inventory__V1__StockChanged changed = INVENTORY__V1__STOCK_CHANGED__INIT;

    changed.level = state;
    changed.movement_kind = MOVEMENT_RULES[kind].name;
    return add(ctx, events, item, &STOCK_CHANGED, &changed);
}

static struct status add_crossings(struct ctx *ctx, struct event_list *events,
                                   struct stock_item *item, const struct level *level,
                                   Inventory__V1__StockLevelState *state)
{
    if (level_became_low(level)) {
        Inventory__V1__StockLow low = INVENTORY__V1__STOCK_LOW__INIT;
        low.level = state;
        low.low_threshold = level->low_threshold;
        TRY(add(ctx, events, item, &STOCK_LOW, &low));
    }
    if (level_ran_out(level)) {
        Inventory__V1__OutOfStock out = INVENTORY__V1__OUT_OF_STOCK__INIT;
        out.level = state;
        TRY(add(ctx, events, item, &OUT_OF_STOCK, &out));
    }
    if (level_came_back(level)) {
        Inventory__V1__BackInStock back = INVENTORY__V1__BACK_IN_STOCK__INIT;
        back.level = state;
        TRY(add(ctx, events, item, &BACK_IN_STOCK, &back));
    }
    return status_ok();
}

static struct status add(struct ctx *ctx, struct event_list *events, struct stock_item *item,
                         const struct event_kind *kind, const void *body)
{
    item->has_events = true;
    return event_list_add(ctx, events, kind, item->id, ++item->event_sequence, body);
}

/* The item itself stands for the variant of the same id, which needs it unless it is mapped. */
static Inventory__V1__StockLevelState *level_state(struct ctx *ctx, const struct stock_item *item,
                                                   const struct level *level)
{
    Inventory__V1__StockLevelState *state = arena_new(ctx->arena, Inventory__V1__StockLevelState);
    const char **variants = arena_array(ctx->arena, const char *, VARIANTS_TOLD_MAX);

    inventory__v1__stock_level_state__init(state);
    state->stock_item_id = uuid_text(ctx->arena, level->stock_item_id);
    state->warehouse_id = uuid_text(ctx->arena, level->warehouse_id);
    state->available = level->now[ACCOUNT_AVAILABLE];
    state->reserved = level->now[ACCOUNT_RESERVED];
    state->allocated = level->now[ACCOUNT_ALLOCATED];
    state->quarantine = level->now[ACCOUNT_QUARANTINE];
    state->variant_ids = variants;
    variants[state->n_variant_ids++] = state->stock_item_id;
    for (size_t i = 0; i < item->variant_count && state->n_variant_ids < VARIANTS_TOLD_MAX; i++)
        if (!uuid_equal(item->variant_ids[i], item->id))
            variants[state->n_variant_ids++] = uuid_text(ctx->arena, item->variant_ids[i]);
    return state;
}
