/* sourcing.c - takes a line from the warehouses that can serve it. A kit is never split: all
 * components of one unit come from one warehouse. */
#include "sourcing.h"

#include <string.h>

enum { ALLOCATIONS_FIRST = 8 };

static size_t find_sources(const struct book *book, const struct sourcing_query *query,
                           struct source *ret_sources);
static struct level **component_levels(const struct book *book, const struct sourcing_query *query,
                                       struct uuid warehouse_id);
static int64_t take_units(struct source *source, const struct sourcing_query *query, int64_t wanted,
                          bool with_backorder);
static void post(struct book *book, const struct sourcing_query *query, const struct source *source,
                 struct allocations *ret);

int64_t source_line(struct book *book, const struct sourcing_query *query, struct allocations *ret)
{
    size_t level_count;
    int64_t missing = query->line->quantity;

    (void)book_item_levels(book, query->components[0].stock_item_id, &level_count);
    struct source *sources = arena_array(book->arena, struct source, level_count);
    size_t count = find_sources(book, query, sources);
    query->sourcing->rank(sources, count, query->country_code);

    for (size_t i = 0; i < count; i++)
        missing -= take_units(&sources[i], query, missing, false);
    for (size_t i = 0; i < count; i++)
        missing -= take_units(&sources[i], query, missing, true);
    if (missing > 0)
        return query->line->quantity - missing;

    for (size_t i = 0; i < count; i++)
        if (sources[i].units > 0)
            post(book, query, &sources[i], ret);
    return query->line->quantity;
}

void allocations_add(struct allocations *allocations, const struct allocation *allocation)
{
    if (allocations->count == allocations->capacity) {
        size_t capacity = allocations->capacity * 2 + ALLOCATIONS_FIRST;
        struct allocation *grown = arena_array(allocations->arena, struct allocation, capacity);
        if (allocations->count > 0)
            memcpy(grown, allocations->rows, allocations->count * sizeof *grown);
        allocations->rows = grown;
        allocations->capacity = capacity;
    }
    allocations->rows[allocations->count++] = *allocation;
}

/* Active warehouses that keep every component. */
static size_t find_sources(const struct book *book, const struct sourcing_query *query,
                           struct source *ret_sources)
{
    size_t level_count, count = 0;
    const struct level *levels =
        book_item_levels(book, query->components[0].stock_item_id, &level_count);

    for (size_t i = 0; i < level_count; i++) {
        if (!levels[i].is_active)
            continue;
        struct level **components = component_levels(book, query, levels[i].warehouse_id);
        if (components == NULL)
            continue;
        ret_sources[count++] = (struct source){.warehouse_id = levels[i].warehouse_id,
                                               .country_code = levels[i].country_code,
                                               .priority = levels[i].priority,
                                               .levels = components};
    }
    return count;
}

static struct level **component_levels(const struct book *book, const struct sourcing_query *query,
                                       struct uuid warehouse_id)
{
    struct level **levels = arena_array(book->arena, struct level *, query->component_count);

    for (size_t i = 0; i < query->component_count; i++) {
        levels[i] = book_find_level(book, query->components[i].stock_item_id, warehouse_id);
        if (levels[i] == NULL)
            return NULL;
    }
    return levels;
}

static int64_t take_units(struct source *source, const struct sourcing_query *query, int64_t wanted,
                          bool with_backorder)
{
    int64_t units = wanted;

    for (size_t i = 0; i < query->component_count; i++) {
        const struct level *level = source->levels[i];
        int64_t quantity = query->components[i].quantity;
        int64_t left = level->now[ACCOUNT_AVAILABLE] - source->units * quantity +
                       (with_backorder ? level->backorder_limit : 0);
        int64_t whole = left > 0 ? left / quantity : 0;
        if (whole < units)
            units = whole;
    }
    source->units += units;
    return units;
}

static void post(struct book *book, const struct sourcing_query *query, const struct source *source,
                 struct allocations *ret)
{
    for (size_t i = 0; i < query->component_count; i++) {
        const struct component *component = &query->components[i];
        struct movement movement = *query->movement;

        movement.from = source->levels[i];
        movement.to = source->levels[i];
        movement.quantity = source->units * component->quantity;
        book_post(book, &movement);
        allocations_add(ret, &(struct allocation){
                                 .line_id = query->line->line_id,
                                 .variant_id = query->line->variant_id,
                                 .stock_item_id = component->stock_item_id,
                                 .warehouse_id = source->warehouse_id,
                                 .quantity = movement.quantity,
                                 .unit_quantity = component->quantity,
                                 .variant_quantity = i == 0 ? source->units : 0,
                             });
    }
}
