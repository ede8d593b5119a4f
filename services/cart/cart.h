/* cart.h - what the files of the cart daemon share. */
#pragma once

#include "cart/v1/service.pb-c.h"
#include "chassis/redis.h"
#include "chassis/service.h"
#include "common/uuid.h"
#include "events/consumer.h"
#include "events/event.h"
#include "events/outbox.h"

#include <stdbool.h>
#include <stdint.h>

enum { CART_SHARDS = 64, CART_IDLE_MAX = 128 };

struct cart_daemon {
    const char *redis_url;
    int64_t redis_pool;
    int64_t redis_timeout_ms;
    int64_t ttl_ms;
    int64_t closed_ttl_ms;
    int64_t lines_max;
    int64_t abandoned_after_ms;
    int64_t abandoned_interval_ms;
    bool sends_recovery;
    int64_t memory_bytes;
    int64_t memory_ttl_ms;
    struct redis *redis;
    struct cache *memory; /* memory.h */
};

extern const struct event_kind CART_CREATED;
extern const struct event_kind CART_CHANGED;
extern const struct event_kind CART_FROZEN_EVENT;
extern const struct event_kind CART_THAWED;
extern const struct event_kind CART_CLOSED_EVENT;
extern const struct event_kind CART_ABANDONED;
extern const struct event_kind SEND_NOTIFICATION;

extern const struct error_def CART_NOT_FOUND;
extern const struct error_def CART_VERSION_CONFLICT;
extern const struct error_def CART_FROZEN;
extern const struct error_def CART_CLOSED;
extern const struct error_def CART_THAWED_BEFORE;
extern const struct error_def CART_BUSY;
extern const struct error_def CART_TOO_LARGE;
extern const struct error_def CART_LINE_NOT_FOUND;
extern const struct error_def CART_VARIANT_UNAVAILABLE;
extern const struct error_def CART_COUPON_REFUSED;
extern const struct error_def CART_QUANTITY_TOO_LARGE;

/* A cart as Redis keeps it. `sequence` counts its events and guards every write; `cart->version`
 * counts what its owner changed. */
struct draft {
    struct uuid id;
    int64_t sequence; /* 0: not stored yet */
    Cart__V1__Cart *cart;
    Cart__V1__FreezeCartResponse *frozen; /* what the checkout was told, without the cart */
    const char *last_key;                 /* change_key() of the last change, "" for none */
    int64_t idle_until_ms; /* of a sweep: written only if nobody changed the cart after that */
};

/* Carts that nobody changed after until_ms. */
struct idle_carts {
    int64_t until_ms;
    struct uuid ids[CART_IDLE_MAX];
    size_t count;
};

/* What every change answers. */
struct cart_view {
    Cart__V1__Cart *cart;
    Cart__V1__Quote *quote;
    Cart__V1__CartProblem **problems;
    size_t problem_count;
    const char *customer_key;
    int64_t asked_at_us; /* cache_now_us() before the questions; 0: not worked out just now */
};

/* store.c: the draft in Redis. */
struct status store_load(struct ctx *ctx, struct uuid id, struct draft *ret_draft);
/* For a new cart. Under an idempotency key it lies in the shard that the key leads to. */
struct uuid store_new_id(struct ctx *ctx);
/* Writes the draft and its events unless somebody else changed it: then *ret_is_written is false
 * and nothing happened. Bumps draft->sequence by the number of events on the cart's topic. */
struct status store_save(struct ctx *ctx, struct draft *draft, const struct outbox_record *events,
                         size_t event_count, bool *ret_is_written);
/* Writes a new draft. Under an idempotency key that made a cart before, *ret_is_written is false
 * and the draft is that cart as it is now. */
struct status store_create(struct ctx *ctx, struct draft *draft, const struct outbox_record *event,
                           bool *ret_is_written);
/* Some carts that nobody changed for so long, of all shards. */
struct status store_find_idle(struct ctx *ctx, int64_t age_ms, struct idle_carts *ret_idle);
/* Takes a cart that ran out from its shard's set. */
struct status store_forget(struct ctx *ctx, struct uuid id);

/* event.c: what a cart publishes. */
struct status event_encode(struct ctx *ctx, const struct draft *draft,
                           const struct event_kind *kind, struct outbox_record *ret_record);
/* The recovery mail's command; only for a cart with an e-mail address. */
struct status event_encode_recovery(struct ctx *ctx, const struct draft *draft,
                                    struct outbox_record *ret_record);

/* quote.c: what the draft costs now. */
enum quote_use {
    QUOTE_STORED,  /* of a draft as Redis has it: this replica may remember it */
    QUOTE_CHANGED, /* of a change that is being made: texts and prices may be remembered ones */
    QUOTE_BINDING, /* what a checkout freezes: everything is asked for */
};
struct status quote_cart(struct ctx *ctx, const struct draft *draft, enum quote_use use,
                         struct cart_view *ret_view);
/* What a checkout is told of a view, and the view of what was told. */
Cart__V1__FreezeCartResponse *cart_view_tell(struct ctx *ctx, const struct cart_view *view);
struct cart_view cart_view_told(Cart__V1__Cart *cart, const Cart__V1__FreezeCartResponse *told);
/* The key that per-customer limits count: the customer's id, else a digest of the e-mail. */
const char *quote_customer_key(struct ctx *ctx, const Cart__V1__Cart *cart);

/* change.c: every change of a cart goes through it. `change` edits the draft's cart in place and
 * may refuse; it may be called again on a newer draft when another caller was faster. */
struct cart_change {
    const char *cart_id;
    int64_t expected_version; /* 0: whatever it is */
    const struct event_kind *kind;
    struct status (*change)(struct ctx *ctx, struct draft *draft, const void *request);
    const void *request;
    /* Refuses by what the changed cart would cost; NULL for none. */
    struct status (*review)(struct ctx *ctx, const struct draft *draft,
                            const struct cart_view *view, const void *request);
};
struct status cart_apply(struct ctx *ctx, const struct cart_change *change,
                         struct cart_view *ret_view);
/* What tells a retry: the request's digest, the method and the key; "" without a key. */
const char *change_key(struct ctx *ctx);
/* Is this the change that was made last? The same key with another request is refused. */
struct status change_is_retry(struct ctx *ctx, const char *last_key, bool *ret_is_retry);
/* The three fields that all answers share. */
void cart_show(const struct cart_view *view, Cart__V1__Cart **ret_cart, Cart__V1__Quote **ret_quote,
               size_t *ret_count, Cart__V1__CartProblem ***ret_problems);
struct status cart_refuse_closed(struct ctx *ctx, const Cart__V1__Cart *cart);

/* lines.c */
struct status lines_add(struct ctx *ctx, Cart__V1__Cart *cart, Cart__V1__LineInput *const *inputs,
                        size_t count);

/* details.c: refuses what is no e-mail address; "" passes. */
struct status cart_check_email(struct ctx *ctx, const char *email);

/* abandoned.c, checkout.c */
struct status cart_sweep_abandoned(struct ctx *ctx);
struct status cart_on_order_placed(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                   const void *body);
