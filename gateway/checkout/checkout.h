/* checkout.h - the checkout saga of one cart, as its steps share it. */
#pragma once

#include "cart/v1/service.pb-c.h"
#include "checkout/runs.h"
#include "checkout/saga.h"
#include "events/consumer.h"
#include "gateway.h"
#include "inventory/v1/service.pb-c.h"
#include "order/v1/service.pb-c.h"
#include "rest/rest.h"

#include <stdint.h>

struct checkout {
    struct saga saga;
    const Order__V1__Checkout *row; /* as order answered last */
    int64_t epoch;
    /* Of this run: what the steps learned and the authorization records. */
    const Cart__V1__Cart *cart;
    const Cart__V1__Quote *quote;
    const char *customer_key;
    const char *const *coupon_ids;
    size_t coupon_count;
    const Inventory__V1__Reservation *reservation;
    const Order__V1__Order *order; /* once placed by this run */
    struct status
        refusal; /* why this run turned around, once the row says so; OK when it did not */
};

/* The saga as a table: checkout.c. */
void checkout_init(struct checkout *checkout, const Order__V1__Checkout *row, int64_t epoch);
/* Runs it and hands the lease back when it has to wait. *checkout's row is the newest known. */
enum saga_outcome checkout_drive(struct ctx *ctx, struct checkout *checkout);
/* Best effort: without it the lease runs out by itself, only later. */
void checkout_release(struct ctx *ctx, const struct checkout *checkout);

/* Takes the lease of one that nobody drives; epoch 0 when it has ended. Leave the run afterwards,
 * also when it failed. */
struct status checkout_claim(struct ctx *ctx, const char *checkout_id, struct checkout_run *run,
                             const Order__V1__ClaimCheckoutResponse **ret_claimed);
/* Takes up a checkout that nobody drives; OK with SAGA_LOST when somebody does, or it has ended. */
struct status checkout_resume(struct ctx *ctx, const char *checkout_id,
                              struct checkout *ret_checkout, enum saga_outcome *ret_outcome);

/* The steps, one action and one compensation each: checkout_steps.c. */
struct status step_freeze_cart(struct ctx *ctx, struct saga *saga);
struct status step_thaw_cart(struct ctx *ctx, struct saga *saga);
struct status step_hold_coupons(struct ctx *ctx, struct saga *saga);
struct status step_release_coupons(struct ctx *ctx, struct saga *saga);
struct status step_reserve_stock(struct ctx *ctx, struct saga *saga);
struct status step_release_stock(struct ctx *ctx, struct saga *saga);
struct status step_place_order(struct ctx *ctx, struct saga *saga);
struct status step_void_payment(struct ctx *ctx, struct saga *saga);
struct status checkout_begin_undo(struct ctx *ctx, struct saga *saga, struct status refusal);
struct status checkout_end_undo(struct ctx *ctx, struct saga *saga);

/* Who sells in a channel, as an order has to remember it: seller.c. */
struct status checkout_seller(struct ctx *ctx, const char *channel_id,
                              Order__V1__SellerSnapshot *seller);

/* checkout_api.c: the routes. */
route_handler checkout_start;
route_handler checkout_get;
route_handler checkout_change_tenders;
/* webhook.c */
route_handler checkout_webhook;
/* resume.c: order asks for a checkout to go on, and /metrics counts how that went. */
struct status checkout_on_resume_requested(struct ctx *ctx, struct db_tx *tx,
                                           const struct event *event, const void *body);
extern struct metric CHECKOUTS;

extern const struct error_def CART_INCOMPLETE;
extern const struct error_def CART_HAS_PROBLEMS;
extern const struct error_def COUPON_NOT_USABLE;
extern const struct error_def PRICE_CHANGED;
extern const struct error_def CHECKOUT_NOT_FOUND;
