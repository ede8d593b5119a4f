/* evaluate.c - the handler around the evaluator: two statements, and the promotions in memory. */
#include "evaluator.h"

#include "chassis/wire.h"
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

struct status marketing_evaluate(struct ctx *ctx, const Marketing__V1__EvaluateRequest *req,
                                 Marketing__V1__EvaluateResponse *rep)
{
    const char **keys = keys_of(ctx, req);
    struct evaluation_facts facts;
    struct marketing *self = ctx_state(ctx);
    const void *set;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_evaluation(tx, keys, req->n_coupon_codes, req->customer_key, &facts));
    TRY(epoch_rows_get(tx, &self->promotions, &PROMOTION_SET, facts.epoch, &set));
    db_rollback(&tx); // the connection is free before the arithmetic
    tx = NULL;

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
    return status_ok();
}
