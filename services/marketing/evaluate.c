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

/* The answer names texts of the shared set, which may go once it is released: copies them all. */
static struct status detach(struct ctx *ctx, Marketing__V1__EvaluateResponse *rep)
{
    size_t length = marketing__v1__evaluate_response__get_packed_size(rep);
    uint8_t *packed = arena_alloc(ctx->arena, length);
    marketing__v1__evaluate_response__pack(rep, packed);
    const Marketing__V1__EvaluateResponse *copy =
        marketing__v1__evaluate_response__unpack(arena_protobuf(ctx->arena), length, packed);
    if (!copy)
        return ctx_fail(ctx, &ERROR_INTERNAL, "an evaluation of %zu bytes is too large", length);
    *rep = *copy;
    return status_ok();
}

struct status marketing_evaluate(struct ctx *ctx, const Marketing__V1__EvaluateRequest *req,
                                 Marketing__V1__EvaluateResponse *rep)
{
    const char **keys = keys_of(ctx, req);
    struct evaluation_facts facts;
    struct promotion_set *set;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_evaluation(tx, keys, req->n_coupon_codes, req->customer_key, &facts));
    TRY(promotion_set_acquire(tx, facts.epoch, &set));
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
    struct status detached = detach(ctx, rep);
    promotion_set_release(ctx_state(ctx), set);
    return detached;
}
