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

/* The coupons that a checkout holds become its order's. */
struct redemption {
    struct uuid checkout_id, order_id;
    const struct event *cause; /* NULL: a call */
};

/* Those of all that are held, locked in id order, each once. */
static struct status lock_held(struct db_tx *tx, const struct hold *holds, size_t count,
                               struct coupon **ret_coupons, size_t *ret_count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += holds[i].coupon_count;
    struct uuid *ids = arena_array(db_ctx(tx)->arena, struct uuid, total);
    total = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; str_equal(holds[i].state, "held") && k < holds[i].coupon_count; k++)
            ids[total++] = holds[i].coupon_ids[k];
    *ret_count = 0;
    return total == 0 ? status_ok()
                      : store_lock_coupons_by_id(tx, ids, total, ret_coupons, ret_count);
}

static struct coupon *find_coupon(struct coupon *coupons, size_t count, struct uuid id)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(coupons[i].id, id))
            return &coupons[i];
    return NULL;
}

static struct status redeem_one(struct db_tx *tx, const struct redemption *redemption,
                                const struct hold *hold, struct coupon *coupons, size_t count)
{
    if (redemption->cause != NULL)
        event_enter(db_ctx(tx), redemption->cause);
    for (size_t i = 0; i < hold->coupon_count; i++) {
        struct coupon *coupon = find_coupon(coupons, count, hold->coupon_ids[i]);
        if (coupon == NULL)
            continue;
        coupon->held_count--;
        coupon->redeemed_count++;
        coupon->version++;
        TRY(publish_redeemed(tx, coupon, redemption->checkout_id, redemption->order_id));
    }
    return store_finish_hold(tx, redemption->checkout_id, "redeemed", redemption->order_id);
}

static bool is_among(const struct uuid *ids, size_t count, struct uuid id)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(ids[i], id))
            return true;
    return false;
}

/* Held becomes redeemed, once; anything else is done already. Locks are taken in the order of
 * everybody: holds, then coupons, each by id. */
static struct status redeem(struct db_tx *tx, const struct redemption *redemptions, size_t count,
                            struct hold *ret_holds)
{
    struct uuid *checkout_ids = arena_array(db_ctx(tx)->arena, struct uuid, count);
    struct coupon *coupons = NULL;
    size_t coupon_count;
    for (size_t i = 0; i < count; i++)
        checkout_ids[i] = redemptions[i].checkout_id;
    TRY(store_lock_holds(tx, checkout_ids, count, ret_holds));
    TRY(lock_held(tx, ret_holds, count, &coupons, &coupon_count));
    for (size_t i = 0; i < count; i++)
        if (str_equal(ret_holds[i].state, "held") && !is_among(checkout_ids, i, checkout_ids[i]))
            TRY(redeem_one(tx, &redemptions[i], &ret_holds[i], coupons, coupon_count));
    return coupon_count == 0 ? status_ok() : store_set_counts(tx, coupons, coupon_count);
}

struct status marketing_redeem_coupons(struct ctx *ctx,
                                       const Marketing__V1__RedeemCouponsRequest *req,
                                       Marketing__V1__RedeemCouponsResponse *rep)
{
    struct redemption redemption = {0};
    struct hold hold;
    (void)uuid_parse(req->checkout_id, &redemption.checkout_id);
    (void)uuid_parse(req->order_id, &redemption.order_id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(redeem(tx, &redemption, 1, &hold));
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
struct status marketing_on_orders_placed(struct ctx *ctx, struct db_tx *tx,
                                         const struct event_item *items, size_t count)
{
    struct redemption *redemptions = arena_array(ctx->arena, struct redemption, count);
    struct hold *holds = arena_array(ctx->arena, struct hold, count);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const Order__V1__OrderPlaced *placed = items[i].body;
        struct redemption redemption = {.order_id = items[i].event->key, .cause = items[i].event};
        if (placed->n_coupon_ids > 0 && uuid_parse(placed->checkout_id, &redemption.checkout_id))
            redemptions[used++] = redemption;
    }
    return used == 0 ? status_ok() : redeem(tx, redemptions, used, holds);
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
    struct status found = store_lock_holds(tx, &checkout_id, 1, &hold);
    if (found.code == STATUS_NOT_FOUND)
        return status_ok();
    TRY(found);
    return give_back(tx, checkout_id, &hold);
}
