/* states.h - the lives of a checkout, a payment and an order, as functions of values.
 *
 * Pure: no ctx, no database, no clock. The numbers are those of order/v1 (asserted in
 * states_wire.c), so that a state is the same number in a row, in C and on the wire. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum checkout_state {
    CHECKOUT_BEGUN = 1,
    CHECKOUT_PRICED = 2,
    CHECKOUT_RESERVED = 3,
    CHECKOUT_AUTH_PENDING = 4,
    CHECKOUT_ACTION_REQUIRED = 5,
    CHECKOUT_AUTHORIZED = 6,
    CHECKOUT_PLACED = 7,
    CHECKOUT_CANCELLING = 8,
    CHECKOUT_CANCELLED = 9,
    CHECKOUT_STATES /* how many numbers, 0 included */
};

/* Who moves a checkout: its driver by what it reports, the payments by what the providers said, the
 * pivot by placing the order. */
enum checkout_mover { CHECKOUT_BY_DRIVER, CHECKOUT_BY_PAYMENTS, CHECKOUT_BY_PIVOT };

/* checkout_state.c */
bool checkout_may(enum checkout_state from, enum checkout_state to, enum checkout_mover mover);
bool checkout_is_live(enum checkout_state state);
/* Its deadline may still cancel it: nothing is authorized yet. */
bool checkout_can_expire(enum checkout_state state);
/* How long until somebody looks again, after that many requests to go on without a step forward. */
enum { CHECKOUT_WAITS = 5 };
extern const int64_t CHECKOUT_WAITS_MS[CHECKOUT_WAITS];
int64_t checkout_wait_ms(int64_t attempts);

enum payment_state {
    PAYMENT_NEW = 1,
    PAYMENT_PENDING = 2,
    PAYMENT_ACTION_REQUIRED = 3,
    PAYMENT_AUTHORIZED = 4,
    PAYMENT_CAPTURED = 5,
    PAYMENT_DECLINED = 6,
    PAYMENT_VOIDED = 7,
    PAYMENT_REFUNDED = 8,
    PAYMENT_STATES
};

enum capture_policy { CAPTURE_ON_PLACE = 1, CAPTURE_ON_SHIP = 2 };

/* tender.c: what each tender pays of the total. At most one asked 0, it pays the rest; false when
 * they do not add up to exactly the total. */
bool tender_split(int64_t total, const int64_t *asked, size_t count, int64_t *ret_amounts);

/* What the payments of a checkout in RESERVED or later amount to. A decline of one decides for all;
 * then whoever waits; an action of the buyer comes before waiting for a provider, since only the
 * buyer can end it. */
enum checkout_state tender_outcome(const enum payment_state *states, size_t count);

enum order_state { ORDER_OPEN = 1, ORDER_CANCELLED = 2, ORDER_CLOSED = 3 };

enum payment_status {
    PAYMENT_STATUS_PENDING = 1,
    PAYMENT_STATUS_AUTHORIZED = 2,
    PAYMENT_STATUS_PARTIALLY_PAID = 3,
    PAYMENT_STATUS_PAID = 4,
    PAYMENT_STATUS_FAILED = 5,
    PAYMENT_STATUS_VOIDED = 6,
    PAYMENT_STATUS_PARTIALLY_REFUNDED = 7,
    PAYMENT_STATUS_REFUNDED = 8,
};

enum fulfillment_status {
    FULFILLMENT_STATUS_UNFULFILLED = 1,
    FULFILLMENT_STATUS_IN_PROGRESS = 2,
    FULFILLMENT_STATUS_PARTIALLY_SHIPPED = 3,
    FULFILLMENT_STATUS_SHIPPED = 4,
    FULFILLMENT_STATUS_DELIVERED = 5,
    FULFILLMENT_STATUS_CANCELLED = 6,
};

enum fulfillment_state {
    FULFILLMENT_PENDING = 1,
    FULFILLMENT_READY = 2,
    FULFILLMENT_SHIPPED = 3,
    FULFILLMENT_CANCELLED = 4,
};

enum shipment_state {
    SHIPMENT_PREPARING = 1,
    SHIPMENT_SHIPPED = 2,
    SHIPMENT_DELIVERED = 3,
    SHIPMENT_CANCELLED = 4,
};

/* Sums over an order's payments. */
struct payment_sums {
    int64_t total; /* what the order costs */
    int64_t authorized, captured, refunded;
    bool has_failed; /* a capture failed for good and none is under way */
    bool has_voided;
};

/* Sums over an order's lines. */
struct quantity_sums {
    int64_t ordered, shipped, delivered, cancelled;
    bool is_started; /* a fulfillment may be packed */
};

/* order_status.c */
enum payment_status order_payment_status(const struct payment_sums *sums);
enum fulfillment_status order_fulfillment_status(const struct quantity_sums *sums);
/* Nothing is left to do: delivered and paid. */
bool order_is_complete(enum payment_status payment, enum fulfillment_status fulfillment);
