/* order.h - what the files of the order daemon share. */
#pragma once

#include "chassis/db.h"
#include "chassis/epoch.h"
#include "chassis/metrics.h"
#include "chassis/task.h"
#include "common/money.h"
#include "common/str.h"
#include "events/event.h"
#include "order/v1/events.pb-c.h"
#include "order/v1/service.handlers.h"
#include "order/v1/service.pb-c.h"
#include "payment.h"
#include "payment_provider.h"
#include "states.h"

#include <inttypes.h>

/* The daemon's state: its configuration and the providers, immutable once started, and the accounts
 * that all checkouts share. */
struct order_daemon {
    int64_t checkout_ttl_ms;
    int64_t action_ttl_ms;
    int64_t reap_interval_ms;
    int64_t retry_max_ms;
    int64_t capture_tries;
    int64_t capture_retry_ms;
    int64_t purge_interval_ms;
    int64_t keep_ms;
    const char *stripe_url, *stripe_secret, *stripe_webhook_secret;
    int64_t stripe_timeout_ms;
    int64_t stripe_settle_ms;
    struct payment_provider manual;
    struct stripe_provider stripe;
    struct epoch_slot accounts; /* store_checkout.c */
};

/* NULL when no provider has that name. */
struct payment_provider *provider_find(struct ctx *ctx, const char *name);

/* A row of orders.checkout. */
struct checkout {
    struct uuid id, cart_id, customer_id, reservation_id;
    enum checkout_state state;
    int64_t cart_version, reservation_attempt, epoch, event_count;
    int64_t attempts; /* requests to go on since it last went forward */
    const char *client_key, *fingerprint, *driver, *order_number;
    const char *failure_reason, *failure_detail;
    int64_t failure_code;
    int64_t expected_minor;
    const char *currency_code;
    bool has_quoted;
    int64_t quoted_minor;
    const char *quoted_currency;
    struct db_bytes tenders, snapshot, allocations, violations;
    bool is_tenders_new, is_snapshot_new, is_allocations_new, is_violations_new; /* to be written */
    int64_t lease_until_us, wake_us, deadline_us, create_us, update_us;
    int64_t now_us; /* the database's clock when the row was read */
};

struct order_line {
    const char *line_id, *parent_line_id, *sku, *name;
    struct uuid variant_id, product_id;
    int64_t quantity, gross_minor, net_minor, tax_minor, discount_minor;
    const char *unit_discounts; /* JSON */
    int64_t shipped, delivered, cancelled;
};

struct fulfillment_line {
    struct uuid fulfillment_id, variant_id;
    const char *line_id;
    int64_t quantity, shipped;
};

struct fulfillment {
    struct uuid id, order_id, warehouse_id;
    enum fulfillment_state state;
    struct fulfillment_line *lines;
    size_t line_count;
};

struct shipment_line {
    struct uuid shipment_id;
    const char *line_id;
    int64_t quantity;
};

struct shipment {
    struct uuid id, fulfillment_id;
    enum shipment_state state;
    const char *carrier, *tracking_number;
    int64_t ship_us, deliver_us;
    struct shipment_line *lines;
    size_t line_count;
};

struct party {
    const char *email;
    struct db_bytes shipping_address, billing_address;
};

struct ledger_entry {
    struct uuid id, payment_id;
    enum entry_kind kind;
    enum entry_outcome outcome;
    int64_t amount, time_us;
    const char *provider_reference, *failure_reason;
};

/* An order with everything that hangs on it. */
struct order {
    struct uuid id, channel_id, customer_id, cart_id, reservation_id;
    const char *number, *locale, *currency_code, *cancel_reason;
    enum order_state state;
    enum payment_status payment_status;
    enum fulfillment_status fulfillment_status;
    int64_t version, revision, total_minor, place_us, update_us;
    struct db_bytes snapshot;
    struct party party;
    struct order_line *lines;
    size_t line_count;
    struct payment_list payments;
    struct ledger_entry *entries;
    size_t entry_count;
    struct fulfillment *fulfillments;
    size_t fulfillment_count;
    struct shipment *shipments;
    size_t shipment_count;
};

/* --- message.c: values to messages -------------------------------------------------------------*/

Common__V1__Money *message_money(struct ctx *ctx, int64_t minor, const char *currency_code);
const char *message_id(struct ctx *ctx, struct uuid id); /* nil is "" */
/* The nil id for "". The text was validated. */
struct uuid message_uuid(const char *text);
/* Unpacks into the arena; NULL when there are no bytes or they are no such message. */
void *message_unpack(struct ctx *ctx, const ProtobufCMessageDescriptor *descriptor,
                     struct db_bytes bytes);

/* --- checkout.c: what every method on a checkout does ------------------------------------------*/

extern const struct error_def CHECKOUT_FENCED;
extern const struct error_def CHECKOUT_REFUSED_STATE;
extern const struct error_def UNKNOWN_PROVIDER_ACCOUNT;
extern const struct error_def TENDERS_MISMATCH;
/* Refuses another epoch than the row's. */
struct status checkout_fence(struct ctx *ctx, const struct checkout *checkout, int64_t epoch);
struct status checkout_move(struct ctx *ctx, struct checkout *checkout, enum checkout_state to,
                            enum checkout_mover mover);
/* What inventory promised, as the driver tells it. */
struct checkout_reservation {
    const char *id;
    Order__V1__CheckoutAllocation **allocations;
    size_t count;
};
/* Takes a row to PRICED and on to RESERVED with what it does not know yet; drive_checkout.c. */
struct status checkout_take_progress(struct ctx *ctx, const Order__V1__CheckoutSnapshot *snapshot,
                                     const struct checkout_reservation *reservation,
                                     struct checkout *checkout);
/* When somebody looks again who was not told better; off by up to a quarter, so that checkouts that
 * failed together do not return together. */
int64_t checkout_next_look_us(struct ctx *ctx, const struct checkout *checkout);
/* It has a driver who is not the one that asks, or who is and has another run under way. */
bool checkout_is_leased(const struct checkout *checkout, const char *driver, bool is_sole_run);
/* Hands it to the driver under a new epoch: whoever had it changes nothing from now on. */
void checkout_lease(struct ctx *ctx, struct checkout *checkout, const char *driver,
                    int64_t lease_ms);
/* The driver is still there; with `is_asking` it is about to wait for a provider. 0 ms: no change.
 */
void checkout_renew(struct ctx *ctx, struct checkout *checkout, int64_t lease_ms, bool is_asking);
/* It waits for its payments, and they say more than its state does. */
bool checkout_is_answered(const struct checkout *checkout, const struct payment_list *payments);
/* Past its deadline and not authorized, whatever its state says yet: to CANCELLING with
 * CHECKOUT_EXPIRED. True when it moved. */
bool checkout_expire(struct checkout *checkout, const struct payment_list *payments);
Order__V1__Checkout *checkout_message(struct ctx *ctx, const struct checkout *checkout,
                                      struct payment_list payments);
/* The tenders as asked for, from the row. */
const Order__V1__UpdateTendersRequest *checkout_tenders(struct ctx *ctx,
                                                        const struct checkout *checkout);

/* --- order_books.c: what every change of an order does -----------------------------------------*/

/* Derives both statuses anew; true when one of them changed. */
bool order_derive(struct order *order);
/* After a payment of the order changed: new status, version, row and OrderPaymentChanged. */
struct status order_payment_changed(struct db_tx *tx, struct order *order);
/* The order as it reads inside the transaction that changed it: what a change answers. */
struct status order_reply(struct db_tx *tx, struct uuid id, Order__V1__Order **ret_message);
Order__V1__OrderSummary *order_summary(struct ctx *ctx, const struct order *order);
Order__V1__OrderLine **order_line_messages(struct ctx *ctx, const struct order *order);
/* order_message.c: with_quote for one order, without for a list. */
Order__V1__Order *order_message(struct ctx *ctx, const struct order *order, bool with_quote);

/* --- cancel_order.c ----------------------------------------------------------------------------*/

/* Everything that cancelling means, in the caller's transaction: lines, money, event, mail. The
 * order is open, locked and nothing of it has left. */
struct status order_cancel(struct db_tx *tx, struct order *order, const char *reason);
bool order_has_shipped(const struct order *order);

/* --- fulfill.c ---------------------------------------------------------------------------------*/

/* One fulfillment per warehouse of the allocations; none may be packed yet. */
void fulfillments_plan(struct ctx *ctx, struct order *order,
                       const Order__V1__Checkout *allocations);
/* What waits for money may be packed, and its first parcel is begun, if there is money enough. True
 * when something waited. */
bool order_open_packing(struct order *order);
/* The id of the parcel that exists as soon as packing may begin. */
struct uuid first_shipment_id(struct uuid fulfillment_id);

/* --- notify.c ----------------------------------------------------------------------------------*/

/* The mail about the order, as a command to platform; none without a recipient. */
struct status notify_buyer(struct db_tx *tx, const struct order *order, const char *kind);
