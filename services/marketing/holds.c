/* holds.c - uses of coupons: held for a checkout, redeemed with its order, or given back with
 * either.
 *
 * A checkout's hold is a row of its own, so every call may come twice, and a release that overtakes
 * its hold leaves a tombstone. Coupons are locked in id order, after the hold's row. */
#include "marketing.h"

#include "common/str.h"
#include "events/outbox.h"
#include "marketing/v1/events.schema.h"
#include "marketing/v1/service.handlers.h"
#include "order/v1/events.pb-c.h"

#define COUPON_TOPIC "marketing.coupon.events.v1"

const struct event_kind COUPON_HELD = {COUPON_TOPIC, &marketing__v1__coupon_held__schema,
                                       "coupon id"};
const struct event_kind COUPON_REDEEMED = {COUPON_TOPIC, &marketing__v1__coupon_redeemed__schema,
                                           "coupon id"};
const struct event_kind COUPON_RELEASED = {COUPON_TOPIC, &marketing__v1__coupon_released__schema,
                                           "coupon id"};

const struct error_def COUPON_NOT_USABLE = {
    STATUS_FAILED_PRECONDITION, "COUPON_NOT_USABLE",
    "the violation says why: unknown, over, used up, or not for this buyer; remove the code"};
const struct error_def HOLD_RELEASED = {STATUS_FAILED_PRECONDITION, "HOLD_RELEASED",
                                        "this checkout was cancelled; start another one"};
const struct error_def HOLD_NOT_FOUND = {STATUS_NOT_FOUND, "HOLD_NOT_FOUND",
                                         "hold the coupons before redeeming them"};

static const char **ids_as_text(struct ctx *ctx, const struct uuid *ids, size_t count)
{
    const char **texts = arena_array(ctx->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = uuid_text(ctx->arena, ids[i]);
    return texts;
}

static struct status check_usable(struct ctx *ctx, const struct coupon *coupons, size_t count,
                                  size_t wanted, int64_t now_us)
{
    for (size_t i = 0; i < count; i++) {
        const char *obstacle = coupon_obstacle(&coupons[i], now_us);
        if (!obstacle && !coupons[i].is_locked) // it was, and a use came back just now
            obstacle = "COUPON_EXHAUSTED";
        if (obstacle)
            ctx_violation(ctx, "couponCodes", coupons[i].code, obstacle);
    }
    if (count < wanted)
        ctx_violation(ctx, "couponCodes", NULL, "COUPON_UNKNOWN");
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &COUPON_NOT_USABLE, "%zu of %zu coupons were found", count, wanted);
    return status_ok();
}

static struct status publish_held(struct db_tx *tx, const struct coupon *coupon,
                                  const char *checkout_id)
{
    struct ctx *ctx = db_ctx(tx);
    Marketing__V1__CouponHeld event = MARKETING__V1__COUPON_HELD__INIT;
    event.coupon_id = uuid_text(ctx->arena, coupon->id);
    event.promotion_id = uuid_text(ctx->arena, coupon->promotion_id);
    event.checkout_id = checkout_id;
    event.held_count = coupon->held_count;
    event.redeemed_count = coupon->redeemed_count;
    return outbox_add(tx, &COUPON_HELD, coupon->id, coupon->version, &event);
}

static struct status take_uses(struct db_tx *tx, const Marketing__V1__HoldCouponsRequest *req,
                               struct uuid checkout_id, struct uuid *ids, size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    const char **keys = arena_array(ctx->arena, const char *, req->n_coupon_codes);
    struct coupon *coupons;
    int64_t now_us;
    for (size_t i = 0; i < req->n_coupon_codes; i++)
        keys[i] = coupon_key(ctx->arena, req->coupon_codes[i]);
    TRY(store_lock_coupons(tx, keys, req->n_coupon_codes, req->customer_key, &coupons, ret_count,
                           &now_us));
    TRY(check_usable(ctx, coupons, *ret_count, req->n_coupon_codes, now_us));
    for (size_t i = 0; i < *ret_count; i++) {
        coupons[i].held_count++;
        coupons[i].version++;
        ids[i] = coupons[i].id;
        TRY(publish_held(tx, &coupons[i], req->checkout_id));
    }
    TRY(store_set_counts(tx, coupons, *ret_count));
    return store_add_uses(tx, checkout_id, req->customer_key, ids, *ret_count);
}

struct status marketing_hold_coupons(struct ctx *ctx, const Marketing__V1__HoldCouponsRequest *req,
                                     Marketing__V1__HoldCouponsResponse *rep)
{
    struct uuid checkout_id = {0};
    struct hold hold;
    size_t count = 0;
    struct uuid *ids = arena_array(ctx->arena, struct uuid, req->n_coupon_codes);
    (void)uuid_parse(req->checkout_id, &checkout_id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_hold(tx, checkout_id, "held", req->customer_key, &hold));
    if (!hold.is_new && str_equal(hold.state, "released"))
        return ctx_fail(ctx, &HOLD_RELEASED, "checkout %s", req->checkout_id);
    if (!hold.is_new) {
        rep->n_coupon_ids = hold.coupon_count;
        rep->coupon_ids = ids_as_text(ctx, hold.coupon_ids, hold.coupon_count);
        return status_ok();
    }
    TRY(take_uses(tx, req, checkout_id, ids, &count));
    rep->n_coupon_ids = count;
    rep->coupon_ids = ids_as_text(ctx, ids, count);
    return db_commit(&tx);
}

static struct status publish_redeemed(struct db_tx *tx, const struct coupon *coupon,
                                      struct uuid checkout_id, struct uuid order_id)
{
    struct ctx *ctx = db_ctx(tx);
    Marketing__V1__CouponRedeemed event = MARKETING__V1__COUPON_REDEEMED__INIT;
    event.coupon_id = uuid_text(ctx->arena, coupon->id);
    event.promotion_id = uuid_text(ctx->arena, coupon->promotion_id);
    event.checkout_id = uuid_text(ctx->arena, checkout_id);
    event.order_id = uuid_is_nil(order_id) ? "" : uuid_text(ctx->arena, order_id);
    event.held_count = coupon->held_count;
    event.redeemed_count = coupon->redeemed_count;
    return outbox_add(tx, &COUPON_REDEEMED, coupon->id, coupon->version, &event);
}

/* Held becomes redeemed; anything else is done already. */
static struct status redeem(struct db_tx *tx, struct uuid checkout_id, struct uuid order_id,
                            struct hold *hold)
{
    struct coupon *coupons;
    size_t count;
    TRY(store_lock_hold(tx, checkout_id, hold));
    if (!str_equal(hold->state, "held"))
        return status_ok();
    TRY(store_lock_coupons_by_id(tx, hold->coupon_ids, hold->coupon_count, &coupons, &count));
    for (size_t i = 0; i < count; i++) {
        coupons[i].held_count--;
        coupons[i].redeemed_count++;
        coupons[i].version++;
        TRY(publish_redeemed(tx, &coupons[i], checkout_id, order_id));
    }
    TRY(store_set_counts(tx, coupons, count));
    return store_finish_hold(tx, checkout_id, "redeemed", order_id);
}

struct status marketing_redeem_coupons(struct ctx *ctx,
                                       const Marketing__V1__RedeemCouponsRequest *req,
                                       Marketing__V1__RedeemCouponsResponse *rep)
{
    struct uuid checkout_id = {0};
    struct uuid order_id = {0};
    struct hold hold;
    (void)uuid_parse(req->checkout_id, &checkout_id);
    (void)uuid_parse(req->order_id, &order_id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(redeem(tx, checkout_id, order_id, &hold));
    if (str_equal(hold.state, "released"))
        return ctx_fail(ctx, &HOLD_RELEASED, "checkout %s", req->checkout_id);
    rep->n_coupon_ids = hold.coupon_count;
    rep->coupon_ids = ids_as_text(ctx, hold.coupon_ids, hold.coupon_count);
    return db_commit(&tx);
}

static struct status publish_released(struct db_tx *tx, const struct coupon *coupon,
                                      struct uuid checkout_id)
{
    struct ctx *ctx = db_ctx(tx);
    Marketing__V1__CouponReleased event = MARKETING__V1__COUPON_RELEASED__INIT;
    event.coupon_id = uuid_text(ctx->arena, coupon->id);
    event.promotion_id = uuid_text(ctx->arena, coupon->promotion_id);
    event.checkout_id = uuid_text(ctx->arena, checkout_id);
    event.held_count = coupon->held_count;
    event.redeemed_count = coupon->redeemed_count;
    return outbox_add(tx, &COUPON_RELEASED, coupon->id, coupon->version, &event);
}

/* What was held or redeemed may be used again; anything else is done already. */
static struct status give_back(struct db_tx *tx, struct uuid checkout_id, const struct hold *hold)
{
    const bool is_redeemed = str_equal(hold->state, "redeemed");
    struct coupon *coupons;
    size_t count;
    if (!is_redeemed && !str_equal(hold->state, "held"))
        return status_ok();
    TRY(store_lock_coupons_by_id(tx, hold->coupon_ids, hold->coupon_count, &coupons, &count));
    for (size_t i = 0; i < count; i++) {
        coupons[i].held_count -= !is_redeemed;
        coupons[i].redeemed_count -= is_redeemed;
        coupons[i].version++;
        TRY(publish_released(tx, &coupons[i], checkout_id));
    }
    TRY(store_set_counts(tx, coupons, count));
    TRY(store_end_uses(tx, checkout_id));
    return store_finish_hold(tx, checkout_id, "released", (struct uuid){0});
}

struct status marketing_release_coupons(struct ctx *ctx,
                                        const Marketing__V1__ReleaseCouponsRequest *req,
                                        Marketing__V1__ReleaseCouponsResponse *rep)
{
    struct uuid checkout_id = {0};
    struct hold hold;
    (void)rep;
    (void)uuid_parse(req->checkout_id, &checkout_id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_hold(tx, checkout_id, "released", "", &hold));
    if (hold.is_new) // never held: the tombstone refuses a late one
        return db_commit(&tx);
    if (!str_equal(hold.state, "held")) // redeemed: an order has it, and gives it back itself
        return status_ok();
    TRY(give_back(tx, checkout_id, &hold));
    return db_commit(&tx);
}

/* Too early cannot be: the coupons were held before the order existed. Too late: they are redeemed.
 */
struct status marketing_on_order_placed(struct ctx *ctx, struct db_tx *tx,
                                        const struct event *event, const void *body)
{
    const Order__V1__OrderPlaced *placed = body;
    struct uuid checkout_id = {0};
    struct hold hold;
    (void)ctx;
    if (placed->n_coupon_ids == 0 || !uuid_parse(placed->checkout_id, &checkout_id))
        return status_ok();
    return redeem(tx, checkout_id, event->key, &hold);
}

/* Too early, before the order was heard to be placed: what is held is released, and that event
 * finds nothing to redeem. Too late, or without coupons: there is nothing to give back. */
struct status marketing_on_order_cancelled(struct ctx *ctx, struct db_tx *tx,
                                           const struct event *event, const void *body)
{
    const Order__V1__OrderCancelled *cancelled = body;
    struct uuid checkout_id = {0};
    struct hold hold;
    (void)ctx;
    (void)event;
    if (!uuid_parse(cancelled->checkout_id, &checkout_id))
        return status_ok();
    struct status found = store_lock_hold(tx, checkout_id, &hold);
    if (found.code == STATUS_NOT_FOUND)
        return status_ok();
    TRY(found);
    return give_back(tx, checkout_id, &hold);
}
