/* upsert_products.c - products by handle, up to a hundred at once: the import's way in.
 *
 * All of a request go in with a fixed number of statements. What refuses one of them is decided
 * before anything is written, so the others never notice. */
#include "product.h"

#include "catalog/v1/service.handlers.h"
#include "common/str.h"

static struct status upsert(struct ctx *ctx, const Catalog__V1__UpsertProductsRequest *req,
                            Catalog__V1__UpsertProductsResponse *rep);
static Catalog__V1__UpsertProductResult *result_of(struct ctx *ctx,
                                                   const struct product_plan *plan);

/* A key that somebody else takes between our look and our write undoes all of it: then the plan is
 * made again, and sees it. */
struct status catalog_upsert_products(struct ctx *ctx,
                                      const Catalog__V1__UpsertProductsRequest *req,
                                      Catalog__V1__UpsertProductsResponse *rep)
{
    struct status status;
    int attempts = 0;

    do {
        status = upsert(ctx, req, rep);
    } while (product_raced(status, &attempts));
    return status;
}

static struct status upsert(struct ctx *ctx, const Catalog__V1__UpsertProductsRequest *req,
                            Catalog__V1__UpsertProductsResponse *rep)
{
    struct product_batch batch = {WRITE_UPSERT, "upsert_product",
                                  arena_array(ctx->arena, struct product_plan, req->n_products),
                                  req->n_products};
    for (size_t i = 0; i < batch.count; i++) {
        struct problems problems = {0};
        batch.plans[i].request = req->products[i];
        product_check(ctx->arena, req->products[i], &problems);
        if (problems.count > 0)
            batch.plans[i].problem = problems.items[0];
    }

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(product_batch_plan(tx, &batch));
    TRY(product_batch_write(tx, &batch));
    rep->n_results = batch.count;
    rep->results = arena_array(ctx->arena, Catalog__V1__UpsertProductResult *, batch.count);
    for (size_t i = 0; i < batch.count; i++)
        rep->results[i] = result_of(ctx, &batch.plans[i]);
    return db_commit(&tx);
}

static Catalog__V1__UpsertProductResult *result_of(struct ctx *ctx, const struct product_plan *plan)
{
    Catalog__V1__UpsertProductResult *result =
        arena_new(ctx->arena, Catalog__V1__UpsertProductResult);

    catalog__v1__upsert_product_result__init(result);
    result->variant_index = -1;
    if (plan->wanted == NULL) {
        result->outcome = CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_REFUSED;
        result->reason = plan->problem.error->reason;
        result->detail = arena_printf(ctx->arena, "%s is \"%s\"; allowed: %s", plan->problem.field,
                                      plan->problem.value, plan->problem.allowed);
        result->variant_index = plan->problem.variant_index;
        return result;
    }
    result->product = plan->wanted;
    if (plan->stored == NULL)
        result->outcome = CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_CREATED;
    else if (plan_is_unchanged(plan))
        result->outcome = CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_UNCHANGED;
    else
        result->outcome = CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_UPDATED;
    return result;
}
