/* shelf.c - builds books from tables. */
#include "suites.h"

struct uuid numbered(int number)
{
    return (struct uuid){.bytes = {[15] = (uint8_t)number}};
}

struct book book_of_shelves(struct arena *arena, const struct shelf *shelves, size_t count)
{
    struct book book = {.arena = arena,
                        .items = arena_array(arena, struct stock_item, 3),
                        .item_count = 3,
                        .levels = arena_array(arena, struct level, 3 * count)};

    for (int item = 0; item < 3; item++) {
        book.items[item].id = numbered(item + 1);
        for (size_t i = 0; i < count; i++) {
            if (shelves[i].available[item] < 0)
                continue;
            struct level *level = &book.levels[book.level_count++];
            level->stock_item_id = numbered(item + 1);
            level->warehouse_id = numbered((int)i + 1);
            level->before[ACCOUNT_AVAILABLE] = shelves[i].available[item];
            level->now[ACCOUNT_AVAILABLE] = shelves[i].available[item];
            level->backorder_limit = shelves[i].backorder_limit;
            level->country_code = shelves[i].country_code;
            level->priority = shelves[i].priority;
            level->is_active = !shelves[i].is_closed;
        }
    }
    return book;
}
