/* ledger.c - accounts, movement kinds, and who may move what where. Pure. */
#include "ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOVEMENTS_FIRST = 16 };

const struct movement_rule MOVEMENT_RULES[MOVEMENT_KINDS] = {
    [MOVEMENT_RECEIVE] = {"receive", ACCOUNT_SUPPLIER, ACCOUNT_AVAILABLE},
    [MOVEMENT_FIND] = {"find", ACCOUNT_LOSS, ACCOUNT_AVAILABLE},
    [MOVEMENT_LOSE] = {"lose", ACCOUNT_AVAILABLE, ACCOUNT_LOSS},
    [MOVEMENT_QUARANTINE] = {"quarantine", ACCOUNT_AVAILABLE, ACCOUNT_QUARANTINE},
    [MOVEMENT_CLEAR] = {"clear", ACCOUNT_QUARANTINE, ACCOUNT_AVAILABLE},
    [MOVEMENT_SCRAP] = {"scrap", ACCOUNT_QUARANTINE, ACCOUNT_LOSS},
    [MOVEMENT_COUNT_UP] = {"count", ACCOUNT_LOSS, ACCOUNT_AVAILABLE},
    [MOVEMENT_COUNT_DOWN] = {"count", ACCOUNT_AVAILABLE, ACCOUNT_LOSS},
    [MOVEMENT_TRANSFER] = {"transfer", ACCOUNT_AVAILABLE, ACCOUNT_AVAILABLE},
    [MOVEMENT_RESERVE] = {"reserve", ACCOUNT_AVAILABLE, ACCOUNT_RESERVED},
    [MOVEMENT_RELEASE] = {"release", ACCOUNT_RESERVED, ACCOUNT_AVAILABLE},
    [MOVEMENT_EXPIRE] = {"expire", ACCOUNT_RESERVED, ACCOUNT_AVAILABLE},
    [MOVEMENT_COMMIT] = {"commit", ACCOUNT_RESERVED, ACCOUNT_ALLOCATED},
    [MOVEMENT_CANCEL] = {"cancel", ACCOUNT_ALLOCATED, ACCOUNT_AVAILABLE},
    [MOVEMENT_SHIP] = {"ship", ACCOUNT_ALLOCATED, ACCOUNT_CUSTOMER},
};

static void move(const struct movement *movement, int64_t quantity);
static int compare_item(const void *key, const void *item);
static int compare_level(const void *key, const void *level);

const char *account_name(enum account account)
{
    static const char *const NAMES[] = {
        [ACCOUNT_AVAILABLE] = "available", [ACCOUNT_RESERVED] = "reserved",
        [ACCOUNT_ALLOCATED] = "allocated", [ACCOUNT_QUARANTINE] = "quarantine",
        [ACCOUNT_SUPPLIER] = "supplier",   [ACCOUNT_CUSTOMER] = "customer",
        [ACCOUNT_LOSS] = "loss",
    };

    return NAMES[account];
}

struct stock_item *book_find_item(const struct book *book, struct uuid stock_item_id)
{
    if (book->item_count == 0)
        return NULL;
    return bsearch(&stock_item_id, book->items, book->item_count, sizeof *book->items,
                   compare_item);
}

struct level *book_find_level(const struct book *book, struct uuid stock_item_id,
                              struct uuid warehouse_id)
{
    struct uuid key[2] = {stock_item_id, warehouse_id};

    if (book->level_count == 0)
        return NULL;
    return bsearch(key, book->levels, book->level_count, sizeof *book->levels, compare_level);
}

struct level *book_item_levels(const struct book *book, struct uuid stock_item_id,
                               size_t *ret_count)
{
    size_t low = 0, high = book->level_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(&book->levels[middle].stock_item_id, &stock_item_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < book->level_count && uuid_equal(book->levels[end].stock_item_id, stock_item_id))
        end++;
    *ret_count = end - low;
    return book->levels + low;
}

void book_post(struct book *book, const struct movement *movement)
{
    assert(movement->quantity > 0);
    assert(movement->from != NULL || movement->to != NULL);

    if (book->movement_count == book->movement_capacity) {
        size_t capacity = book->movement_capacity * 2 + MOVEMENTS_FIRST;
        struct movement *grown = arena_array(book->arena, struct movement, capacity);
        if (book->movement_count > 0)
            memcpy(grown, book->movements, book->movement_count * sizeof *grown);
        book->movements = grown;
        book->movement_capacity = capacity;
    }
    book->movements[book->movement_count++] = *movement;
    move(movement, movement->quantity);
}

void book_rewind(struct book *book, size_t movement_count)
{
    while (book->movement_count > movement_count) {
        const struct movement *last = &book->movements[--book->movement_count];
        move(last, -last->quantity);
    }
}

int64_t level_on_hand(const struct level *level)
{
    int64_t sum = 0;

    for (size_t i = 0; i < ACCOUNTS_INSIDE; i++)
        sum += level->now[i];
    return sum;
}

bool level_has_changed(const struct level *level)
{
    return memcmp(level->before, level->now, sizeof level->now) != 0;
}

bool level_became_low(const struct level *level)
{
    return level->low_threshold > 0 && level->before[ACCOUNT_AVAILABLE] > level->low_threshold &&
           level->now[ACCOUNT_AVAILABLE] <= level->low_threshold;
}

bool level_ran_out(const struct level *level)
{
    return level->before[ACCOUNT_AVAILABLE] > 0 && level->now[ACCOUNT_AVAILABLE] <= 0;
}

bool level_came_back(const struct level *level)
{
    return level->before[ACCOUNT_AVAILABLE] <= 0 && level->now[ACCOUNT_AVAILABLE] > 0;
}

/* An account inside belongs to a level, an account outside to none. */
static void move(const struct movement *movement, int64_t quantity)
{
    const struct movement_rule *rule = &MOVEMENT_RULES[movement->kind];

    assert((rule->from < ACCOUNTS_INSIDE) == (movement->from != NULL));
    assert((rule->to < ACCOUNTS_INSIDE) == (movement->to != NULL));
    if (movement->from != NULL)
        movement->from->now[rule->from] -= quantity;
    if (movement->to != NULL)
        movement->to->now[rule->to] += quantity;
}

static int compare_item(const void *key, const void *item)
{
    return uuid_compare(key, &((const struct stock_item *)item)->id);
}

static int compare_level(const void *key, const void *level)
{
    const struct uuid *ids = key;
    const struct level *candidate = level;
    int order = uuid_compare(&ids[0], &candidate->stock_item_id);

    return order != 0 ? order : uuid_compare(&ids[1], &candidate->warehouse_id);
}
