/* inventory.h - what the files of the inventory daemon share. */
#pragma once

#include "chassis/db.h"
#include "chassis/service.h"
#include "events/consumer.h"
#include "events/event.h"
#include "events/outbox.h"
#include "inventory/v1/events.pb-c.h"
#include "inventory/v1/service.handlers.h"
#include "ledger.h"
#include "reservation_state.h"
#include "sourcing.h"

struct reserve_queues;

struct ids {
    const struct uuid *ids;
    size_t count;
};

/* The daemon's state: configuration first, then what start() makes of it. */
struct inventory {
    const char *sourcing_name;
    int64_t hold_ttl_ms;
    int64_t expiry_interval_ms;
    int64_t expiry_batch;
    int64_t reserve_batch;
    int64_t reserve_queue_count;
    int64_t pin_overdue_ms;
    int64_t watch_interval_ms;
    int64_t retention_ms;
    int64_t purge_interval_ms;
    const struct sourcing_ops *sourcing;
    struct reserve_queues *queues;
};

/* The event of one reservation and the StockReserved beside it stay below what an event may hold.
 */
enum { ALLOCATIONS_MAX = 1000 };

struct reservation {
    struct uuid id;
    enum reservation_state state;
    int64_t expire_time_us; /* of the database's clock; 0 unless held */
    int64_t event_sequence; /* of the last event published about it */
    struct allocations allocations;
};

struct status inventory_start(struct ctx *boot); /* start.c */
void inventory_stop(void *state);

/* ---- events ---- */
extern const struct event_kind STOCK_RESERVED, STOCK_RELEASED,
    STOCK_COMMITTED; /* reservation_events.c */
extern const struct event_kind STOCK_CHANGED, STOCK_LOW, OUT_OF_STOCK,
    BACK_IN_STOCK; /* stock_events.c */

/* What a transaction will publish. */
struct event_list {
    struct outbox_record *records;
    size_t count;
    size_t capacity;
};

/* stock_events.c. Numbers the event by the stock item, whose row the caller has locked. `kind` is
 * why the levels changed: StockChanged for each of them, MOVEMENT_KINDS for none (a reservation
 * has events of its own). The crossings are told in any case. */
struct status stock_events_add(struct ctx *ctx, struct event_list *events, struct book *book,
                               enum movement_kind kind);
struct status event_list_add(struct ctx *ctx, struct event_list *events,
                             const struct event_kind *kind, struct uuid key, int64_t sequence,
                             const void *body);

/* reservation_events.c. Each takes the reservation's next sequence. */
struct status stock_reserved_add(struct ctx *ctx, struct event_list *events,
                                 struct reservation *reservation);
struct status stock_committed_add(struct ctx *ctx, struct event_list *events,
                                  struct reservation *reservation);
/* Names what came back: nothing is published when that is nothing. */
struct status stock_released_add(struct ctx *ctx, struct event_list *events,
                                 struct reservation *reservation, bool is_expired);

/* ---- replies ---- (replies.c) */
Inventory__V1__StockLevel *reply_level(struct ctx *ctx, const struct level *level);
Inventory__V1__Reservation *reply_reservation(struct ctx *ctx,
                                              const struct reservation *reservation);

/* ---- reserve.c, reserve_queue.c, reserve_batch.c ---- */

/* One Reserve call, from its caller's thread to whoever decides it. */
struct reserve_request {
    struct ctx *ctx; /* of the caller, who waits: the result lives in its arena */
    struct uuid reservation_id;
    const struct reserve_line *lines;
    size_t line_count;
    const char *country_code;
    int64_t ttl_ms;
    bool is_pinned;
    struct reservation result;
    struct status status;
};

struct status reserve_queues_create(struct ctx *boot, struct inventory *self);
void reserve_queues_destroy(struct reserve_queues *queues); /* accepts NULL */
/* Waits until the request is decided, at most its deadline; request->status is the answer. */
void reserve_queues_submit(struct reserve_queues *queues, struct reserve_request *request);

/* One transaction for all requests: each gets its own status, in the order given. Reservation ids
 * are distinct. Not OK: nothing was written, and no status was set that may be answered. */
struct status reserve_batch_run(struct ctx *work, struct reserve_request *const *requests,
                                size_t count);

/* ---- reservation.c ---- */

/* Applies the action under the reservation's and the stock items' locks, with movements and events;
 * `ttl_ms` belongs to RESERVATION_EXTEND. Idempotent: what was done before is answered as it is. */
struct status reservation_apply(struct ctx *ctx, struct db_tx *tx, struct uuid id,
                                enum reservation_action action, int64_t ttl_ms,
                                struct reservation *ret_reservation);

/* Writes what was posted for them, with the events that it makes necessary. */
struct status reservations_save(struct db_tx *tx, struct book *book, struct event_list *events,
                                struct reservation *const *reservations, size_t count);
/* Commits one that is locked, with its movements and its event; the caller saves what it posted. As
 * it is when that was done before. */
struct status reservation_commit(struct ctx *ctx, struct book *book, struct event_list *events,
                                 struct reservation *reservation);
/* Of an array by id; NULL when it is not there. */
struct reservation *reservation_find(struct reservation *reservations, size_t count,
                                     struct uuid id);

/* Moves what is left of every line; shipped units have left the warehouse and do not move again. */
void reservation_post(struct ctx *ctx, struct book *book, const struct reservation *reservation,
                      enum movement_kind kind);

/* ---- expiry.c ---- */
struct status inventory_expire(struct ctx *ctx);
struct status inventory_watch_pins(struct ctx *ctx);
struct status inventory_purge(struct ctx *ctx);

/* ---- on_order.c ---- */
event_batch_handler inventory_on_orders_placed;
event_handler inventory_on_order_cancelled, inventory_on_shipment_shipped;

/* ---- stock_lines.c ---- */

/* One line of ReceiveStock, CountStock, TransferStock or AdjustStock, resolved. */
struct stock_line {
    struct uuid stock_item_id;
    int64_t quantity; /* units of the stock item */
};

/* Each line names a stock item or a variant that maps to exactly one; no stock item comes twice;
 * quantity is at least `quantity_min`. May read the mapping (one round trip when a variant is
 * named). */
struct status stock_lines_resolve(struct ctx *ctx, struct db_tx *tx,
                                  Inventory__V1__StockQuantity *const *lines, size_t count,
                                  int64_t quantity_min, struct stock_line **ret_lines);
struct ids stock_line_items(struct ctx *ctx, const struct stock_line *lines, size_t count);
/* The level is there, since the book was opened with its warehouse. */
struct level *stock_line_level(const struct book *book, const struct stock_line *line,
                               struct uuid warehouse_id);

struct uuid parsed(const char *id); /* of a field that the contract marks uuid and required */

/* ---- errors ---- */
extern const struct error_def UNKNOWN_SOURCING;                                /* start.c */
extern const struct error_def WAREHOUSE_NOT_FOUND, WAREHOUSE_CODE_TAKEN;       /* warehouse.c */
extern const struct error_def VARIANT_HAS_COMPONENTS;                          /* stock_lines.c */
extern const struct error_def INSUFFICIENT_STOCK, RESERVATION_TOO_LARGE;       /* reserve_batch.c */
extern const struct error_def STOCK_ITEMS_CHANGED;                             /* reserve_batch.c */
extern const struct error_def RESERVATION_NOT_FOUND, RESERVATION_WAS_RELEASED; /* reservation.c */
extern const struct error_def RESERVATION_HAS_EXPIRED, RESERVATION_IS_COMMITTED;
extern const struct error_def RESERVATION_NOT_COMMITTED, SHIPPED_TOO_MUCH; /* on_order.c */

/* ---- metrics ---- */
extern struct metric RESERVED_UNITS, SHORT_LINES;                             /* reserve_batch.c */
extern struct metric RESERVE_BATCHES, RESERVE_BATCHED;                        /* reserve_queue.c */
extern struct metric EXPIRED_RESERVATIONS, OVERDUE_PINS, PURGED_RESERVATIONS; /* expiry.c */
