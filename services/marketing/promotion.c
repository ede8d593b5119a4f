/* promotion.c - promotions: written with a check of everything they say, read as they were written.
 */
#include "marketing.h"

#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "events/outbox.h"
#include "marketing/v1/events.schema.h"
#include "marketing/v1/service.handlers.h"

#include <inttypes.h>

const struct event_kind PROMOTION_CHANGED = {
    "marketing.promotion.events.v1", &marketing__v1__promotion_changed__schema, "promotion id"};

const struct error_def PROMOTION_NOT_FOUND = {STATUS_NOT_FOUND, "PROMOTION_NOT_FOUND",
                                              "list the promotions to find its id"};
const struct error_def PROMOTION_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "PROMOTION_CODE_TAKEN",
                                               "change the promotion that has the code"};
const struct error_def TOO_MANY_PROMOTIONS = {STATUS_FAILED_PRECONDITION, "TOO_MANY_PROMOTIONS",
                                              "deactivate promotions that are over"};

static struct status write(struct db_tx *tx, const Marketing__V1__Promotion *promotion,
                           struct status (*store)(struct db_tx *, const Marketing__V1__Promotion *),
                           const char *action)
{
    struct ctx *ctx = db_ctx(tx);
    struct marketing *self = ctx_state(ctx);
    Marketing__V1__PromotionChanged event = MARKETING__V1__PROMOTION_CHANGED__INIT;
    struct uuid id = {0};
    int64_t live;
    (void)uuid_parse(promotion->id, &id);

    /* The epoch's row is locked first: promotions change one after the other. */
    TRY(store_bump_epoch(tx));
    struct status stored = store(tx, promotion);
    if (str_equal(db_constraint(tx), "promotion_code_unique"))
        return ctx_fail_field(ctx, &PROMOTION_CODE_TAKEN, "promotion.code", promotion->code,
                              "a code that no other promotion has");
    TRY(stored);
    TRY(store_count_live(tx, &live));
    if (live > self->promotions_max)
        return ctx_fail_field(ctx, &TOO_MANY_PROMOTIONS, "promotion.isActive", "true",
                              arena_printf(ctx->arena, "at most %" PRId64 " active promotions",
                                           self->promotions_max));
    event.promotion = (Marketing__V1__Promotion *)(uintptr_t)promotion;
    TRY(outbox_add(tx, &PROMOTION_CHANGED, id, promotion->version, &event));
    return db_audit(tx, action, id, NULL);
}

static void settle(struct ctx *ctx, Marketing__V1__Promotion *promotion, int64_t version)
{
    promotion->version = version;
    if (!promotion->valid_from)
        promotion->valid_from = wire_time(ctx->arena, clock_now_us());
}

struct status marketing_create_promotion(struct ctx *ctx,
                                         const Marketing__V1__CreatePromotionRequest *req,
                                         Marketing__V1__CreatePromotionResponse *rep)
{
    Marketing__V1__Promotion *promotion = req->promotion;
    const struct rule *rule;
    promotion->id = uuid_text(ctx->arena, uuid_v7());
    settle(ctx, promotion, 1);
    TRY(definition_compile(ctx, ctx->arena, promotion, &rule));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(write(tx, promotion, store_add_promotion, "create_promotion"));
    rep->promotion = promotion;
    return db_commit(&tx);
}

struct status marketing_update_promotion(struct ctx *ctx,
                                         const Marketing__V1__UpdatePromotionRequest *req,
                                         Marketing__V1__UpdatePromotionResponse *rep)
{
    Marketing__V1__Promotion *promotion = req->promotion;
    Marketing__V1__Promotion *stored;
    const struct rule *rule;
    struct uuid id = {0};
    (void)uuid_parse(promotion->id, &id);
    settle(ctx, promotion, 0);
    TRY(definition_compile(ctx, ctx->arena, promotion, &rule));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_promotion(tx, id, true, &stored));
    TRY(ctx_check_version(ctx, req->expected_version, stored->version));
    promotion->version = stored->version + 1;
    TRY(write(tx, promotion, store_change_promotion, "update_promotion"));
    rep->promotion = promotion;
    return db_commit(&tx);
}

struct status marketing_get_promotion(struct ctx *ctx,
                                      const Marketing__V1__GetPromotionRequest *req,
                                      Marketing__V1__GetPromotionResponse *rep)
{
    struct uuid id = {0};
    (void)uuid_parse(req->id, &id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_load_promotion(tx, id, false, &rep->promotion);
}

struct status marketing_list_promotions(struct ctx *ctx,
                                        const Marketing__V1__ListPromotionsRequest *req,
                                        Marketing__V1__ListPromotionsResponse *rep)
{
    struct uuid after;
    struct uuid last = {0};
    size_t count;
    int64_t size = page_size(req->page);
    TRY(page_after_uuids(ctx, req->page, 1, &after));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_promotions(tx, after, size + 1, &rep->promotions, &count));
    bool has_more = count > (size_t)size;
    rep->n_promotions = has_more ? (size_t)size : count;
    if (has_more)
        (void)uuid_parse(rep->promotions[size - 1]->id, &last);
    rep->page = has_more ? page_next_uuids(ctx, &last, 1) : page_last(ctx);
    return status_ok();
}
