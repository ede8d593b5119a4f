/* sale.h - the checkout of one buyer, step by step, as the gateway drives it. */
#pragma once

#include "world.h"

#include "order.h"
#include "tables.h"

extern const struct service ORDER;

/* A cart of two lines: two mugs of 1250 from the first warehouse, three tees of 1500 split over
 * both. Total 7000 EUR. */
struct sale {
    struct daemon *daemon;
    const char *cart_id, *client_key, *account, *payment_method, *checkout_id;
    int64_t first_minor; /* what the first tender pays; 0: all, or what the second leaves */
    const char *second_account, *second_method; /* pays the rest */
    int64_t epoch;
    bool is_line_unquoted; /* the snapshot's quote leaves the cart's last line out */
    int32_t failure_code;  /* of what sale_advance() tells */
    int64_t renew_ms;      /* what authorizing and voiding renew the lease by */
    bool is_sole_run;      /* the driver has no other run under way */
    bool is_placing;       /* authorizing places what is held, as the saga does it */
};

enum { SALE_TOTAL = 7000, LEASE_MS = 30000 };

extern const char WAREHOUSE_A[], WAREHOUSE_B[], CUSTOMER[];

/* The daemon, and the accounts "manual" and "stripe" (captured when placed), "manual-ship" and
 * "stripe-ship" (when shipped). */
struct daemon *given_order_daemon(void);
struct sale given_sale(struct daemon *daemon, const char *account);

/* Each makes its own ctx; `ret_` may be NULL. */
struct status sale_begin(struct sale *sale, Order__V1__BeginCheckoutResponse *ret_reply);
struct status sale_price(struct sale *sale);
struct status sale_reserve(struct sale *sale);
struct status sale_authorize(struct sale *sale, Order__V1__AuthorizeTendersResponse *ret_reply);
/* With the snapshot and the reservation, as the saga gives them. */
struct status sale_authorize_with_all(struct sale *sale,
                                      Order__V1__AuthorizeTendersResponse *ret_reply);
struct status sale_place(struct sale *sale, Order__V1__Order **ret_order);
struct status sale_advance(struct sale *sale, enum checkout_state to, const char *reason);
struct status sale_void(struct sale *sale, Order__V1__VoidTendersResponse *ret_reply);
struct status sale_claim(struct sale *sale, Order__V1__ClaimCheckoutResponse *ret_reply);
struct status sale_release(struct sale *sale, int64_t wake_after_ms);

/* Up to and with that step, all of it succeeding. */
struct sale given_reserved(struct daemon *daemon, const char *account);
struct sale given_authorized(struct daemon *daemon, const char *account);
struct sale given_placed(struct daemon *daemon, const char *account);

Order__V1__Order *order_now(const struct sale *sale);
Order__V1__Checkout *checkout_now(const struct sale *sale);
struct uuid payment_of(const struct sale *sale);

/* Runs the handler of PaymentCaptured for the sale's payment, as the consumer would. */
struct status when_captured_is_heard(const struct sale *sale);
/* The same for payments of several orders at once; "": of none yet. */
struct status when_captures_are_heard(struct daemon *daemon, const char *const *order_ids,
                                      size_t count);
/* How many events of that type (without "order.v1.") are in the outbox. */
int64_t outbox_count(const char *type);
/* The ledger adds up, no money above what is authorized, statuses equal what they derive from. */
void then_books_balance(void);
