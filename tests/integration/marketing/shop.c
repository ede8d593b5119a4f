/* shop.c - promotions, coupons and holds, given in a few words. */
#include "suites.h"

#include "chassis/wire.h"

struct daemon *marketing;

void given_marketing(void)
{
    marketing = world_start(&MARKETING);
}

Marketing__V1__Promotion *promotion(const char *code)
{
    struct arena *arena = world_ctx(marketing)->arena;
    Marketing__V1__Promotion *made = arena_new(arena, Marketing__V1__Promotion);
    Marketing__V1__Action *action = arena_new(arena, Marketing__V1__Action);
    marketing__v1__promotion__init(made);
    marketing__v1__action__init(action);
    action->kind = MARKETING__V1__ACTION_KIND__ACTION_KIND_PERCENT_OFF;
    action->target = MARKETING__V1__ACTION_TARGET__ACTION_TARGET_ORDER;
    action->percentage = wire_decimal(arena, (struct decimal){10, 0});
    made->code = code;
    made->is_active = true;
    made->n_actions = 1;
    made->actions = arena_array(arena, Marketing__V1__Action *, 1);
    made->actions[0] = action;
    return made;
}

struct status creating(Marketing__V1__Promotion *wanted, Marketing__V1__Promotion **ret_made)
{
    Marketing__V1__CreatePromotionRequest req = MARKETING__V1__CREATE_PROMOTION_REQUEST__INIT;
    Marketing__V1__CreatePromotionResponse rep = MARKETING__V1__CREATE_PROMOTION_RESPONSE__INIT;
    req.promotion = wanted;
    struct status status = marketing_create_promotion(world_ctx(marketing), &req, &rep);
    *ret_made = rep.promotion;
    return status;
}

const char *given_promotion(const char *code, bool requires_coupon)
{
    Marketing__V1__Promotion *made;
    Marketing__V1__Promotion *wanted = promotion(code);
    wanted->requires_coupon = requires_coupon;
    then_ok(creating(wanted, &made));
    return made->id;
}

struct status creating_coupon(const char *code, const char *promotion_id, struct limits limits,
                              Marketing__V1__Coupon **ret_made)
{
    Marketing__V1__CreateCouponRequest req = MARKETING__V1__CREATE_COUPON_REQUEST__INIT;
    Marketing__V1__CreateCouponResponse rep = MARKETING__V1__CREATE_COUPON_RESPONSE__INIT;
    Marketing__V1__Coupon coupon = MARKETING__V1__COUPON__INIT;
    coupon.code = code;
    coupon.promotion_id = promotion_id;
    coupon.usage_limit = limits.usage;
    coupon.per_customer_limit = limits.per_customer;
    coupon.is_active = true;
    req.coupon = &coupon;
    struct status status = marketing_create_coupon(world_ctx(marketing), &req, &rep);
    *ret_made = rep.coupon;
    return status;
}

const char *given_coupon(const char *code, struct limits limits)
{
    Marketing__V1__Coupon *made;
    then_ok(creating_coupon(code, given_promotion(code, true), limits, &made));
    return made->id;
}

struct status holding(struct uuid checkout, const char *code, const char *customer)
{
    struct ctx *ctx = world_ctx(marketing);
    Marketing__V1__HoldCouponsRequest req = MARKETING__V1__HOLD_COUPONS_REQUEST__INIT;
    Marketing__V1__HoldCouponsResponse rep = MARKETING__V1__HOLD_COUPONS_RESPONSE__INIT;
    const char *codes[] = {code};
    req.checkout_id = uuid_text(ctx->arena, checkout);
    req.n_coupon_codes = 1;
    req.coupon_codes = codes;
    req.customer_key = customer;
    return marketing_hold_coupons(ctx, &req, &rep);
}

struct status redeeming(struct uuid checkout)
{
    struct ctx *ctx = world_ctx(marketing);
    Marketing__V1__RedeemCouponsRequest req = MARKETING__V1__REDEEM_COUPONS_REQUEST__INIT;
    Marketing__V1__RedeemCouponsResponse rep = MARKETING__V1__REDEEM_COUPONS_RESPONSE__INIT;
    req.checkout_id = uuid_text(ctx->arena, checkout);
    return marketing_redeem_coupons(ctx, &req, &rep);
}

struct status releasing(struct uuid checkout)
{
    struct ctx *ctx = world_ctx(marketing);
    Marketing__V1__ReleaseCouponsRequest req = MARKETING__V1__RELEASE_COUPONS_REQUEST__INIT;
    Marketing__V1__ReleaseCouponsResponse rep = MARKETING__V1__RELEASE_COUPONS_RESPONSE__INIT;
    req.checkout_id = uuid_text(ctx->arena, checkout);
    return marketing_release_coupons(ctx, &req, &rep);
}

void then_counts(int64_t held, int64_t redeemed)
{
    ck_assert_int_eq(world_sql_int("SELECT held_count FROM marketing.coupon"), held);
    ck_assert_int_eq(world_sql_int("SELECT redeemed_count FROM marketing.coupon"), redeemed);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM marketing.coupon_use WHERE is_live"),
                     held + redeemed);
}

int64_t published(const struct event_kind *kind)
{
    return world_sql_int("SELECT count(*) FROM marketing.outbox"
                         " WHERE position(convert_to('%s', 'UTF8') IN headers) > 0",
                         kind->body->descriptor->name);
}
