/* store.h - every statement of this daemon, as functions. Only store_*.c runs SQL.
 *
 * Lock order: reservations, then stock items in id order. A stock item's row is the lock of its
 * levels, its outside balances and its events. */
#pragma once

#include "inventory.h"

extern const struct db_stmt *const STORE_WAREHOUSE_STATEMENTS[];
extern const struct db_stmt *const STORE_COMPONENT_STATEMENTS[];
extern const struct db_stmt *const STORE_LEDGER_STATEMENTS[];
extern const struct db_stmt *const STORE_RESERVATION_STATEMENTS[];
extern const struct db_stmt *const STORE_READ_STATEMENTS[];

/* ---- store_warehouse.c ---- */
struct warehouse {
    struct uuid id;
    const char *code;
    const char *name;
    const char *country_code;
    int64_t priority;
    bool is_active;
    int64_t version;
};

struct status store_add_warehouse(struct db_tx *tx, const struct warehouse *warehouse);
/* NOT_FOUND, or ABORTED when `expected_version` (0: any) is not the current one. */
struct status store_update_warehouse(struct db_tx *tx, struct warehouse *warehouse,
                                     int64_t expected_version);
/* By code, those after `after_code` (NULL: from the first). */
struct status store_list_warehouses(struct db_tx *tx, const char *after_code, int64_t limit,
                                    struct warehouse **ret_warehouses, size_t *ret_count);

/* ---- store_component.c ---- */

/* By variant, then position; a variant without a mapping has none. */
struct status store_read_components(struct db_tx *tx, const struct uuid *variant_ids, size_t count,
                                    struct component **ret_components, size_t *ret_count);
struct status store_replace_components(struct db_tx *tx, struct uuid variant_id,
                                       const struct component *components, size_t count);
struct component *components_of_rows(struct ctx *ctx, const struct db_rows *rows);
extern const struct db_stmt READ_COMPONENTS;

/* ---- store_ledger.c ---- */

/* Which stock items to lock. */
enum stock_key {
    STOCK_BY_ITEM,        /* the ids are stock items */
    STOCK_BY_VARIANT,     /* variants: the stock items they need */
    STOCK_BY_RESERVATION, /* reservations: the stock items of their lines */
    STOCK_KEYS,
};
extern const struct db_stmt LOCK_ITEMS[STOCK_KEYS], READ_LEVELS[STOCK_KEYS];

/* For the rest of the transaction: statements keep the plan of their first use. Without waiting. */
struct status store_plan_once(struct db_tx *tx);

/* Locks the stock items and reads all their levels. Stock items and their levels in `warehouses`
 * are made when they are missing; WAREHOUSE_NOT_FOUND. One round trip. */
struct status store_open_book(struct db_tx *tx, struct ids stock_items, struct ids warehouses,
                              struct book *ret_book);
void book_of_rows(struct ctx *ctx, const struct db_rows *items, const struct db_rows *levels,
                  struct book *ret_book);
/* Writes what was posted, the events and their numbers, without waiting. */
struct status store_save_book(struct db_tx *tx, const struct book *book,
                              const struct event_list *events);
struct status store_set_policy(struct db_tx *tx, const struct level *level);

/* ---- store_reservation.c ---- */

/* What one Reserve transaction needs, in one round trip: stock items locked, then read after that
 * lock: levels, mapping, reservations that exist already, and the database's time. */
struct reserve_view {
    struct book book;
    struct component *components;
    size_t component_count;
    struct reservation *existing; /* by id */
    size_t existing_count;
    int64_t now_us;
};
struct status store_open_reserve(struct db_tx *tx, struct ids variant_ids,
                                 struct ids reservation_ids, struct reserve_view *ret_view);
struct status store_add_reservations(struct db_tx *tx, struct reservation *const *reservations,
                                     size_t count);

/* Locks the reservations that there are of these, then their stock items. */
struct reservation_view {
    struct book book;
    struct reservation *reservations; /* by id */
    size_t count;
    int64_t now_us;
};
struct status store_open_reservations(struct db_tx *tx, struct ids ids,
                                      struct reservation_view *ret_view);
/* The same of one. State RESERVATION_NONE when there is no row. */
struct status store_open_reservation(struct db_tx *tx, struct uuid id,
                                     struct reservation *ret_reservation, struct book *ret_book,
                                     int64_t *ret_now_us);
/* Due holds that nobody else has locked, oldest first, with their stock items locked. */
struct status store_open_expired(struct db_tx *tx, int64_t limit,
                                 struct reservation **ret_reservations, size_t *ret_count,
                                 struct book *ret_book);
struct status store_find_reservation(struct db_tx *tx, struct uuid id,
                                     struct reservation *ret_reservation);
/* False when the reservation exists by now: open it again. */
struct status store_add_tombstone(struct db_tx *tx, struct uuid id, bool *ret_is_added);
/* State, expiry and event sequence, without waiting. */
struct status store_save_reservations(struct db_tx *tx, struct reservation *const *reservations,
                                      size_t count);
/* What was shipped of each line, without waiting; finishes a reservation that is shipped whole. */
struct status store_save_shipped(struct db_tx *tx, const struct reservation *reservation);
struct status store_count_overdue_pins(struct db_tx *tx, int64_t overdue_ms, int64_t *ret_count);
struct status store_purge_reservations(struct db_tx *tx, int64_t retention_ms, int64_t limit,
                                       int64_t *ret_count);

/* ---- store_read.c ---- */
struct availability {
    struct uuid variant_id;
    int64_t available;
    bool is_backorderable;
};
/* Those that some active warehouse keeps, by variant. */
struct status store_read_availability(struct db_tx *tx, const struct uuid *variant_ids,
                                      size_t count, struct availability **ret_rows,
                                      size_t *ret_count);
/* Which part of a list. Nil ids: any. */
struct stock_page {
    struct uuid stock_item_id;
    struct uuid warehouse_id;
    struct uuid after[2]; /* the key of the last row before; nil: from the first */
    int64_t limit;
};
/* By stock item, then warehouse: the key is both. */
struct status store_list_levels(struct db_tx *tx, const struct stock_page *page,
                                struct level **ret_levels, size_t *ret_count);
/* Newest first: the key is after[0], a movement. */
struct status store_list_movements(struct db_tx *tx, const struct stock_page *page,
                                   struct db_rows *ret_rows);
/* Mismatches: stock item, warehouse (nil: outside), account, balance, sum of movements; and one row
 * with the numbers of balances and movements. Nil: all stock items. */
struct status store_audit(struct db_tx *tx, struct uuid stock_item_id, struct db_rows *ret_totals,
                          struct db_rows *ret_mismatches);
