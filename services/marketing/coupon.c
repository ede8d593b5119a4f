/* coupon.c - codes of promotions, with their limits. */
#include "marketing.h"

#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "events/outbox.h"
#include "marketing/v1/events.schema.h"
#include "marketing/v1/service.handlers.h"

#include <inttypes.h>
#include <string.h>

const struct event_kind COUPON_CHANGED = {"marketing.coupon.events.v1",
                                          &marketing__v1__coupon_changed__schema, "coupon id"};

const struct error_def COUPON_NOT_FOUND = {STATUS_NOT_FOUND, "COUPON_NOT_FOUND",
                                           "list the coupons to find its id or code"};
const struct error_def COUPON_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "COUPON_CODE_TAKEN",
                                            "codes are unique, whatever their case"};
const struct error_def COUPON_LIMIT_TOO_LOW = {
    STATUS_FAILED_PRECONDITION, "COUPON_LIMIT_TOO_LOW",
    "a limit is at least what is held and redeemed; make it inactive to stop it"};

const char *coupon_key(struct arena *arena, const char *code)
{
    while (*code == ' ')
        code++;
    size_t length = strlen(code);
    while (length > 0 && code[length - 1] == ' ')
        length--;
    char *key = arena_strndup(arena, code, length);
    for (char *c = key; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return key;
}

const char *coupon_obstacle(const struct coupon *coupon, int64_t at_us)
{
    if (!coupon->is_active)
        return "COUPON_INACTIVE";
    if (coupon->valid_from_us > at_us)
        return "COUPON_NOT_YET_VALID";
    if (coupon->valid_until_us != TIME_FOREVER && coupon->valid_until_us <= at_us)
        return "COUPON_EXPIRED";
    if (coupon->usage_limit > 0 &&
        coupon->held_count + coupon->redeemed_count >= coupon->usage_limit)
        return "COUPON_EXHAUSTED";
    if (coupon->per_customer_limit > 0 && coupon->customer_uses >= coupon->per_customer_limit)
        return "COUPON_CUSTOMER_LIMIT";
    return NULL;
}

Marketing__V1__Coupon *wire_coupon(struct ctx *ctx, const struct coupon *coupon)
{
    Marketing__V1__Coupon *message = arena_new(ctx->arena, Marketing__V1__Coupon);
    marketing__v1__coupon__init(message);
    message->id = uuid_text(ctx->arena, coupon->id);
    message->code = coupon->code;
    message->promotion_id = uuid_text(ctx->arena, coupon->promotion_id);
    message->usage_limit = coupon->usage_limit;
    message->per_customer_limit = coupon->per_customer_limit;
    message->valid_from = wire_time(ctx->arena, coupon->valid_from_us);
    message->valid_until = wire_time(ctx->arena, coupon->valid_until_us);
    message->is_active = coupon->is_active;
    message->held_count = coupon->held_count;
    message->redeemed_count = coupon->redeemed_count;
    message->version = coupon->version;
    return message;
}

struct status coupon_publish(struct db_tx *tx, const struct coupon *coupon)
{
    Marketing__V1__CouponChanged event = MARKETING__V1__COUPON_CHANGED__INIT;
    event.coupon = wire_coupon(db_ctx(tx), coupon);
    return outbox_add(tx, &COUPON_CHANGED, coupon->id, coupon->version, &event);
}

static struct status parse(struct ctx *ctx, const Marketing__V1__Coupon *message,
                           struct coupon *ret_coupon)
{
    struct coupon coupon = {
        .code = message->code,
        .usage_limit = message->usage_limit,
        .per_customer_limit = message->per_customer_limit,
        .valid_from_us = wire_time_us(message->valid_from),
        .valid_until_us = wire_time_us(message->valid_until),
        .is_active = message->is_active,
        .version = 1,
    };
    (void)uuid_parse(message->id, &coupon.id);
    (void)uuid_parse(message->promotion_id, &coupon.promotion_id);
    if (coupon.valid_from_us == 0)
        coupon.valid_from_us = clock_now_us();
    if (coupon.valid_until_us != TIME_FOREVER && coupon.valid_until_us <= coupon.valid_from_us)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "coupon.validUntil",
                              clock_format(ctx->arena, coupon.valid_until_us), "after validFrom");
    if (str_is_empty(coupon_key(ctx->arena, coupon.code)))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "coupon.code", coupon.code,
                              "something besides spaces");
    *ret_coupon = coupon;
    return status_ok();
}

static struct status explain(struct db_tx *tx, const struct coupon *coupon, struct status status)
{
    struct ctx *ctx = db_ctx(tx);
    if (str_equal(db_constraint(tx), "coupon_code_unique"))
        return ctx_fail_field(ctx, &COUPON_CODE_TAKEN, "coupon.code", coupon->code,
                              "a code that no other coupon has");
    if (str_equal(db_constraint(tx), "coupon_promotion_id_fkey"))
        return ctx_fail_field(ctx, &PROMOTION_NOT_FOUND, "coupon.promotionId",
                              uuid_text(ctx->arena, coupon->promotion_id), "the id of a promotion");
    if (str_equal(db_constraint(tx), "coupon_not_overused"))
        return ctx_fail_field(ctx, &COUPON_LIMIT_TOO_LOW, "coupon.usageLimit",
                              arena_printf(ctx->arena, "%" PRId64, coupon->usage_limit),
                              "0, or at least what is held and redeemed");
    return status;
}

struct status marketing_create_coupon(struct ctx *ctx,
                                      const Marketing__V1__CreateCouponRequest *req,
                                      Marketing__V1__CreateCouponResponse *rep)
{
    struct coupon coupon;
    TRY(parse(ctx, req->coupon, &coupon));
    coupon.id = uuid_v7();

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_coupon(tx, &coupon, coupon_key(ctx->arena, coupon.code));
    if (added.code != STATUS_OK)
        return explain(tx, &coupon, added);
    TRY(coupon_publish(tx, &coupon));
    TRY(db_audit(tx, "create_coupon", coupon.id, NULL));
    rep->coupon = wire_coupon(ctx, &coupon);
    return db_commit(&tx);
}

struct status marketing_update_coupon(struct ctx *ctx,
                                      const Marketing__V1__UpdateCouponRequest *req,
                                      Marketing__V1__UpdateCouponResponse *rep)
{
    struct coupon coupon, stored;
    TRY(parse(ctx, req->coupon, &coupon));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_coupon(tx, coupon.id, "", true, &stored));
    TRY(ctx_check_version(ctx, req->expected_version, stored.version));
    coupon.held_count = stored.held_count;
    coupon.redeemed_count = stored.redeemed_count;
    coupon.version = stored.version + 1;
    struct status changed = store_change_coupon(tx, &coupon, coupon_key(ctx->arena, coupon.code));
    if (changed.code != STATUS_OK)
        return explain(tx, &coupon, changed);
    TRY(coupon_publish(tx, &coupon));
    TRY(db_audit(tx, "update_coupon", coupon.id, NULL));
    rep->coupon = wire_coupon(ctx, &coupon);
    return db_commit(&tx);
}

struct status marketing_get_coupon(struct ctx *ctx, const Marketing__V1__GetCouponRequest *req,
                                   Marketing__V1__GetCouponResponse *rep)
{
    struct uuid id = {0};
    struct coupon coupon;
    (void)uuid_parse(req->id, &id);
    if (uuid_is_nil(id) == str_is_empty(req->code))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "id", req->id, "either an id or a code");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_coupon(tx, id, coupon_key(ctx->arena, req->code), false, &coupon));
    rep->coupon = wire_coupon(ctx, &coupon);
    return status_ok();
}

struct status marketing_list_coupons(struct ctx *ctx, const Marketing__V1__ListCouponsRequest *req,
                                     Marketing__V1__ListCouponsResponse *rep)
{
    struct coupon *coupons;
    struct uuid promotion_id = {0};
    struct uuid after;
    size_t count;
    int64_t size = page_size(req->page);
    (void)uuid_parse(req->promotion_id, &promotion_id);
    TRY(page_after_uuids(ctx, req->page, 1, &after));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_coupons(tx, promotion_id, after, size + 1, &coupons, &count));
    bool has_more = count > (size_t)size;
    rep->n_coupons = has_more ? (size_t)size : count;
    rep->coupons = arena_array(ctx->arena, Marketing__V1__Coupon *, rep->n_coupons);
    for (size_t i = 0; i < rep->n_coupons; i++)
        rep->coupons[i] = wire_coupon(ctx, &coupons[i]);
    rep->page = has_more ? page_next_uuids(ctx, &coupons[size - 1].id, 1) : page_last(ctx);
    return status_ok();
}
