/* ledger.h - the double-entry ledger of stock, in memory: what a transaction locked and what it
 * moves.
 *
 * A movement takes a quantity of one stock item from one account to another. Nothing else changes a
 * balance. Pure: the store fills a book, a handler posts to it, the store saves what was posted. */
#pragma once

#include "common/arena.h"
#include "common/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum account {
    ACCOUNT_AVAILABLE,
    ACCOUNT_RESERVED,
    ACCOUNT_ALLOCATED,
    ACCOUNT_QUARANTINE,
    ACCOUNTS_INSIDE, /* those above are per warehouse, those below are outside of all */
    ACCOUNT_SUPPLIER = ACCOUNTS_INSIDE,
    ACCOUNT_CUSTOMER,
    ACCOUNT_LOSS,
};

enum movement_kind {
    MOVEMENT_RECEIVE,
    MOVEMENT_FIND,
    MOVEMENT_LOSE,
    MOVEMENT_QUARANTINE,
    MOVEMENT_CLEAR,
    MOVEMENT_SCRAP,
    MOVEMENT_COUNT_UP,
    MOVEMENT_COUNT_DOWN,
    MOVEMENT_TRANSFER,
    MOVEMENT_RESERVE,
    MOVEMENT_RELEASE,
    MOVEMENT_EXPIRE,
    MOVEMENT_COMMIT,
    MOVEMENT_CANCEL,
    MOVEMENT_SHIP,
    MOVEMENT_KINDS,
};

struct movement_rule {
    const char *name; /* in the table, in events and in ListMovements */
    enum account from, to;
};

extern const struct movement_rule MOVEMENT_RULES[MOVEMENT_KINDS];

const char *account_name(enum account account);

struct stock_item {
    struct uuid id;
    int64_t event_sequence;         /* of the last event published about it */
    bool has_events;                /* this transaction publishes */
    const struct uuid *variant_ids; /* that need it */
    size_t variant_count;
};

/* The accounts of one stock item in one warehouse, as locked and as they will be. */
struct level {
    struct uuid stock_item_id;
    struct uuid warehouse_id;
    int64_t before[ACCOUNTS_INSIDE];
    int64_t now[ACCOUNTS_INSIDE];
    int64_t low_threshold;   /* 0: never low */
    int64_t backorder_limit; /* how far below zero available may go */
    int64_t version;
    const char *country_code; /* of the warehouse, like the two below */
    int64_t priority;
    bool is_active;
};

struct movement {
    enum movement_kind kind;
    struct level *from; /* NULL: outside */
    struct level *to;   /* NULL: outside */
    int64_t quantity;
    struct uuid cause_id;
    const char *reference; /* or NULL */
    const char *actor;
};

struct book {
    struct arena *arena;
    struct stock_item *items; /* by id */
    size_t item_count;
    struct level *levels; /* by stock item, then warehouse */
    size_t level_count;
    struct movement *movements; /* in posting order */
    size_t movement_count;
    size_t movement_capacity;
};

/* NULL when the book does not hold it. */
struct stock_item *book_find_item(const struct book *book, struct uuid stock_item_id);
struct level *book_find_level(const struct book *book, struct uuid stock_item_id,
                              struct uuid warehouse_id);
/* The levels of one stock item; *ret_count 0 when there are none. */
struct level *book_item_levels(const struct book *book, struct uuid stock_item_id,
                               size_t *ret_count);

/* Adds the movement and moves the balances. The caller has decided that it may happen; an account
 * that must not go negative is guarded once more by the table's CHECK. */
void book_post(struct book *book, const struct movement *movement);
/* Takes back what was posted after the first `movement_count` movements. */
void book_rewind(struct book *book, size_t movement_count);

int64_t level_on_hand(const struct level *level);
bool level_has_changed(const struct level *level);

/* What available crossed between `before` and `now`: each is told once per crossing. */
bool level_became_low(const struct level *level);
bool level_ran_out(const struct level *level);
bool level_came_back(const struct level *level);
