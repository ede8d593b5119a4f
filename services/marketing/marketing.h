/* marketing.h - what the files of the marketing daemon share. */
#pragma once

#include "chassis/db.h"
#include "chassis/epoch.h"
#include "chassis/service.h"
#include "events/consumer.h"
#include "events/event.h"
#include "marketing/v1/service.pb-c.h"
#include "marketing/v1/types.pb-c.h"
#include "rules_engine/evaluate.h"

#include <stdbool.h>
#include <stdint.h>

struct marketing {
    int64_t promotions_max;
    struct epoch_slot promotions;
};

enum { TIME_FOREVER = 0 };

extern const struct event_kind PROMOTION_CHANGED;
extern const struct event_kind COUPON_CHANGED;
extern const struct event_kind COUPON_HELD;
extern const struct event_kind COUPON_REDEEMED;
extern const struct event_kind COUPON_RELEASED;

extern const struct error_def PROMOTION_NOT_FOUND;
extern const struct error_def PROMOTION_CODE_TAKEN;
extern const struct error_def TOO_MANY_PROMOTIONS;
extern const struct error_def BAD_PROMOTION;
extern const struct error_def COUPON_NOT_FOUND;
extern const struct error_def COUPON_CODE_TAKEN;
extern const struct error_def COUPON_LIMIT_TOO_LOW;
extern const struct error_def COUPON_NOT_USABLE;
extern const struct error_def HOLD_RELEASED;
extern const struct error_def HOLD_NOT_FOUND;

/* The facts that conditions may name: definition.c. */
extern const struct fact_def FACTS[];
extern const size_t FACT_COUNT;

/* Checks what the descriptor cannot: rule, actions, validity. The rule lives in `arena`. */
struct status definition_compile(struct ctx *ctx, struct arena *arena,
                                 const Marketing__V1__Promotion *promotion,
                                 const struct rule **ret_rule);

/* A coupon row. */
struct coupon {
    struct uuid id;
    const char *code;
    struct uuid promotion_id;
    int64_t usage_limit;
    int64_t per_customer_limit;
    int64_t valid_from_us;
    int64_t valid_until_us; /* TIME_FOREVER: open */
    bool is_active;
    int64_t held_count;
    int64_t redeemed_count;
    int64_t version;
    int64_t customer_uses; /* live ones of the customer asked about */
    bool is_locked;        /* by store_lock_coupons, which leaves one that is used up */
};

/* Why a coupon cannot be used now: a reason of Unapplied, or NULL. */
const char *coupon_obstacle(const struct coupon *coupon, int64_t at_us);
/* Trimmed and upper case: how codes compare. */
const char *coupon_key(struct arena *arena, const char *code);
Marketing__V1__Coupon *wire_coupon(struct ctx *ctx, const struct coupon *coupon);
struct status coupon_publish(struct db_tx *tx, const struct coupon *coupon);

/* promotion_set.c: the live promotions, compiled, shared by all calls until the epoch moves. */
struct compiled_promotion {
    const Marketing__V1__Promotion *promotion;
    struct uuid id;
    const struct rule *rule; /* NULL: no conditions */
    int64_t valid_from_us;
    int64_t valid_until_us;
};
struct promotion_set {
    struct compiled_promotion *promotions; /* in the order of application */
    size_t count;
};
extern const struct epoch_kind PROMOTION_SET;

/* store_promotion.c */
struct status store_bump_epoch(struct db_tx *tx);
struct status store_count_live(struct db_tx *tx, int64_t *ret_count);
struct status store_add_promotion(struct db_tx *tx, const Marketing__V1__Promotion *promotion);
struct status store_change_promotion(struct db_tx *tx, const Marketing__V1__Promotion *promotion);
struct status store_load_promotion(struct db_tx *tx, struct uuid id, bool for_update,
                                   Marketing__V1__Promotion **ret_promotion);
struct status store_list_promotions(struct db_tx *tx, struct uuid after, int64_t limit,
                                    Marketing__V1__Promotion ***ret_promotions, size_t *ret_count);
/* Definitions of the live ones, as JSON, in the order of application. */
struct status store_load_live(struct db_tx *tx, int64_t limit, struct db_rows *ret_rows);

/* store_coupon.c */
struct status store_add_coupon(struct db_tx *tx, const struct coupon *coupon, const char *code_key);
struct status store_change_coupon(struct db_tx *tx, const struct coupon *coupon,
                                  const char *code_key);
/* By id, or by key when the id is nil. */
struct status store_load_coupon(struct db_tx *tx, struct uuid id, const char *code_key,
                                bool for_update, struct coupon *ret_coupon);
struct status store_list_coupons(struct db_tx *tx, struct uuid promotion_id, struct uuid after,
                                 int64_t limit, struct coupon **ret_coupons, size_t *ret_count);
/* One round trip for an evaluation: now, the epoch, and the coupons of these keys. */
struct evaluation_facts {
    int64_t now_us;
    int64_t epoch;
    struct coupon *coupons;
    const char **keys; /* parallel: which key found it */
    size_t count;
};
struct status store_load_evaluation(struct db_tx *tx, const char *const *code_keys, size_t count,
                                    const char *customer_key, struct evaluation_facts *ret_facts);

/* store_hold.c */
struct hold {
    const char *state; /* held, redeemed, released */
    const struct uuid *coupon_ids;
    size_t coupon_count;
    bool is_new; /* this call made it */
};
struct status store_add_hold(struct db_tx *tx, struct uuid checkout_id, const char *state,
                             const char *customer_key, struct hold *ret_hold);
/* In id order; each must be there. `ret_holds` is parallel to the ids. */
struct status store_lock_holds(struct db_tx *tx, const struct uuid *checkout_ids, size_t count,
                               struct hold *ret_holds);
/* Locks in id order; so do all who touch several coupons. One that is used up is only read. */
struct status store_lock_coupons(struct db_tx *tx, const char *const *code_keys, size_t count,
                                 const char *customer_key, struct coupon **ret_coupons,
                                 size_t *ret_count, int64_t *ret_now_us);
struct status store_lock_coupons_by_id(struct db_tx *tx, const struct uuid *ids, size_t count,
                                       struct coupon **ret_coupons, size_t *ret_count);
struct status store_set_counts(struct db_tx *tx, const struct coupon *coupons, size_t count);
struct status store_add_uses(struct db_tx *tx, struct uuid checkout_id, const char *customer_key,
                             const struct uuid *coupon_ids, size_t count);
struct status store_end_uses(struct db_tx *tx, struct uuid checkout_id);
struct status store_finish_hold(struct db_tx *tx, struct uuid checkout_id, const char *state,
                                struct uuid order_id);

extern const struct db_stmt *const STORE_PROMOTION_STATEMENTS[];
extern const struct db_stmt *const STORE_COUPON_STATEMENTS[];
extern const struct db_stmt *const STORE_HOLD_STATEMENTS[];

event_batch_handler marketing_on_orders_placed;
event_handler marketing_on_order_cancelled;
