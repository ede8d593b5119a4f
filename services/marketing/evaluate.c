/* evaluate.c - the handler around the evaluator. */
#include "evaluator.h"

#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "marketing/v1/service.handlers.h"

static const struct coupon *find(const struct evaluation_facts *facts, const char *key)
{
    for (size_t i = 0; i < facts->count; i++)
        if (str_equal(facts->keys[i], key))
            return &facts->coupons[i];
    return NULL;
}

static const char **keys_of(struct ctx *ctx, const Marketing__V1__EvaluateRequest *req)
{
    const char **keys = arena_array(ctx->arena, const char *, req->n_coupon_codes);
    for (size_t i = 0; i < req->n_coupon_codes; i++)
        keys[i] = coupon_key(ctx->arena, req->coupon_codes[i]);
    return keys;
}

/* One round trip for the epoch and the coupons; the promotions are in memory as long as it stands.
 */
static struct status load(struct ctx *ctx, const Marketing__V1__EvaluateRequest *req,
                          const char **keys, struct evaluation_facts *ret_facts,
                          const struct promotion_set **ret_set)
{
    struct marketing *self = ctx_state(ctx);
    const void *set;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_evaluation(tx, keys, req->n_coupon_codes, req->customer_key, ret_facts));
    TRY(epoch_rows_get(tx, &self->promotions, &PROMOTION_SET, ret_facts->epoch, &set));
    *ret_set = set;
    return status_ok();
}

/* Nothing to ask the database for: the caller knows the epoch, and coupons are not in play. */
static bool recall(struct ctx *ctx, const Marketing__V1__EvaluateRequest *req,
                   struct evaluation_facts *ret_facts, const struct promotion_set **ret_set)
{
    struct marketing *self = ctx_state(ctx);
    const void *set;

    if (req->promotions_epoch == 0 || req->n_coupon_codes > 0 ||
        !epoch_rows_known(ctx, &self->promotions, req->promotions_epoch, &set))
        return false;
    *ret_facts =
        (struct evaluation_facts){.epoch = req->promotions_epoch, .now_us = clock_now_us()};
    *ret_set = set;
    return true;
}

struct status marketing_evaluate(struct ctx *ctx, const Marketing__V1__EvaluateRequest *req,
                                 Marketing__V1__EvaluateResponse *rep)
{
    const char **keys = keys_of(ctx, req);
    const struct promotion_set *set;
    struct evaluation_facts facts;

    if (!recall(ctx, req, &facts, &set))
        TRY(load(ctx, req, keys, &facts, &set));
    struct presented_coupon *coupons =
        arena_array(ctx->arena, struct presented_coupon, req->n_coupon_codes);
    for (size_t i = 0; i < req->n_coupon_codes; i++)
        coupons[i] = (struct presented_coupon){req->coupon_codes[i], find(&facts, keys[i])};
    int64_t at_us = wire_time_us(req->at);
    struct evaluation_input input = {
        .request = req,
        .at_us = at_us > 0 ? at_us : facts.now_us,
        .promotions = set,
        .coupons = coupons,
        .coupon_count = req->n_coupon_codes,
    };
    evaluate_promotions(ctx->arena, &input, rep);
    rep->promotions_epoch = facts.epoch;
    return status_ok();
}
