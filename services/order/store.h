/* store.h - what the store files offer the handlers. SQL and the code that runs it are there only.
 *
 * Locks are taken in the order checkout, order, payments, everywhere. */
#pragma once

#include "order.h"

/* Each ends with NULL; main.c lists them for the pool to prepare. */
extern const struct db_stmt *const STORE_CHECKOUT_STATEMENTS[];
extern const struct db_stmt *const STORE_PAYMENT_STATEMENTS[];
extern const struct db_stmt *const STORE_ORDER_STATEMENTS[];
extern const struct db_stmt *const STORE_ORDER_LIST_STATEMENTS[];

/* --- store_checkout.c --------------------------------------------------------------------------*/

struct account {
    const char *code, *provider;
    enum capture_policy capture_policy;
    bool is_active;
    const char *const *currency_codes; /* none: all */
    size_t currency_count;
};

struct account_list {
    struct account *items;
    size_t count;
};

/* account.c: the active account of that code which takes the currency, or NULL. */
const struct account *account_find(const struct account_list *accounts, const char *code,
                                   const char *currency_code);

/* To pay: with the accounts. To place: with an order number besides. */
enum lock_extra { LOCK_ALONE, LOCK_TO_PAY, LOCK_TO_PLACE };

struct locked_checkout {
    struct checkout checkout;
    struct payment_list payments;
    struct account_list accounts; /* with LOCK_TO_PAY and LOCK_TO_PLACE */
    const char *order_number;     /* with LOCK_TO_PLACE: a fresh one */
};

/* ret_checkout has the nil id when a rival was in the way; then ret_accounts is not set. */
struct status store_add_checkout(struct db_tx *tx, const struct checkout *checkout,
                                 int64_t lease_ms, int64_t ttl_ms,
                                 struct account_list *ret_accounts, struct checkout *ret_checkout);
/* Locks the checkout of the wanted one's key, else the live or the placed one of its cart. */
struct status store_find_rival(struct db_tx *tx, const struct checkout *wanted,
                               struct checkout *ret_checkout, bool *ret_is_found);
/* The checkout and its payments, locked, in one round trip. */
struct status store_lock_checkout(struct db_tx *tx, struct uuid id, enum lock_extra extra,
                                  struct locked_checkout *ret_locked);
/* By id, or of a cart: the live one, else the placed, else the last. */
struct status store_get_checkout(struct db_tx *tx, struct uuid id, struct uuid cart_id,
                                 struct locked_checkout *ret_found);
struct status store_save_checkout(struct db_tx *tx, const struct checkout *checkout);
/* Rows of (checkout, cart, sequence of the event to publish). */
struct status store_wake_checkouts(struct db_tx *tx, int64_t wait_max_ms, int64_t batch,
                                   struct db_rows *ret_rows);
struct status store_count_stalled(struct db_tx *tx, int64_t *ret_count, int64_t *ret_oldest_s,
                                  int64_t *ret_stuck);
/* Rows of (checkout, state, payment or NULL, attempts, last error, created), oldest first. */
struct status store_list_stuck(struct db_tx *tx, struct db_rows *ret_rows);
struct status store_purge_checkouts(struct db_tx *tx, int64_t keep_ms, int64_t batch,
                                    int64_t *ret_count);
struct status store_list_accounts(struct db_tx *tx, struct account_list *ret_accounts);
struct status store_add_account(struct db_tx *tx, const struct account *account,
                                bool *ret_is_added);

/* place_order.c: the pivot, in the transaction of who holds the lock: everything is authorized. */
struct status order_place(struct db_tx *tx, struct locked_checkout *locked,
                          struct order *ret_order);

/* --- store_order.c: changes -------------------------------------------------------------------*/

/* The whole order: its row, first revision, party, lines and fulfillments. */
struct status store_add_order(struct db_tx *tx, const struct order *order);
/* The order's own row. */
struct status store_save_order(struct db_tx *tx, const struct order *order);
struct status store_save_lines(struct db_tx *tx, const struct order *order);
/* Those that wait for payment may be packed. */
struct status store_open_fulfillments(struct db_tx *tx, struct uuid order_id);
struct status store_save_fulfillments(struct db_tx *tx, const struct order *order);
/* Inserts the new ones and moves those whose state differs. */
struct status store_put_shipments(struct db_tx *tx, const struct order *order);
struct status store_add_shipment_lines(struct db_tx *tx, const struct shipment *shipment);

/* --- store_order_list.c: reads -----------------------------------------------------------------*/

/* The whole order. `for_update` locks its row and its payments, and leaves the ledger out. */
struct status store_load_order(struct db_tx *tx, struct uuid id, bool for_update,
                               struct order *ret_order);
/* Those of the ids that exist, newest first, without snapshots and ledgers. */
struct status store_load_orders(struct db_tx *tx, const struct uuid *ids, size_t count,
                                struct order **ret_orders, size_t *ret_count);
/* Those of the ids that exist, by id, and whether they have a fulfillment that waits for money. */
struct order_to_pack {
    struct uuid id;
    bool is_waiting;
};
struct status store_find_to_pack(struct db_tx *tx, const struct uuid *ids, size_t count,
                                 struct order_to_pack **ret_orders, size_t *ret_count);
/* The order that a number, a fulfillment or a shipment belongs to. */
struct status store_find_order(struct db_tx *tx, const char *number, struct uuid *ret_id);
struct status store_find_order_of_fulfillment(struct db_tx *tx, struct uuid id,
                                              struct uuid *ret_id);
struct status store_find_order_of_shipment(struct db_tx *tx, struct uuid id, struct uuid *ret_id);

struct order_filter {
    struct uuid customer_id;                           /* nil: any */
    int64_t state, payment_status, fulfillment_status; /* 0: any */
    struct uuid before; /* the last of the page before; nil: the first page */
    int64_t limit;
};

struct status store_list_order_ids(struct db_tx *tx, const struct order_filter *filter,
                                   struct uuid **ret_ids, size_t *ret_count);
/* Rows of (id, time, actor, on behalf of, action, reason, detail), newest first. */
struct status store_list_audit(struct db_tx *tx, struct uuid order_id, struct uuid before,
                               int64_t limit, struct db_rows *ret_rows);
