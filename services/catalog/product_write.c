/* product_write.c - how products are written: one round trip that locks and reads, a plan, and one
 * that writes. The product's row is locked first, so its events leave in the order of its versions.
 */
#include "product.h"

#include "common/str.h"
#include "store.h"

const struct error_def DUPLICATE_PRODUCT = {STATUS_INVALID_ARGUMENT, "DUPLICATE_PRODUCT",
                                            "name each product once in a request"};

static struct claim_query wanted_claims(struct ctx *ctx, const struct product_batch *batch);
static void claim_slugs(struct ctx *ctx, const Catalog__V1__Product *product,
                        struct claim_query *query);
static const Catalog__V1__Product *find_stored(const struct claim_result *found,
                                               enum write_mode mode,
                                               const Catalog__V1__Product *request);

struct status product_batch_plan(struct db_tx *tx, struct product_batch *batch)
{
    struct ctx *ctx = db_ctx(tx);
    struct claim_query query = wanted_claims(ctx, batch);
    struct claim_result found;
    struct map *seen = map_create(ctx->arena, batch->count);

    TRY(store_claim(tx, &query, &found));
    struct plan_input input = {batch->mode, found.now_us, &found.claims};
    for (size_t i = 0; i < batch->count; i++) {
        struct product_plan *plan = &batch->plans[i];
        if (plan->problem.error != NULL)
            continue;
        if (batch->mode == WRITE_UPSERT && map_get(seen, plan->request->handle) != NULL) {
            plan->problem = (struct problem){&DUPLICATE_PRODUCT, "handle", plan->request->handle,
                                             "each handle once in a request", -1};
            continue;
        }
        map_set(seen, plan->request->handle, seen);
        plan->stored = find_stored(&found, batch->mode, plan->request);
        product_plan(ctx->arena, &input, plan);
    }
    return status_ok();
}

struct status product_batch_write(struct db_tx *tx, const struct product_batch *batch)
{
    TRY(store_write_products(tx, batch));
    TRY(store_write_parts(tx, batch));
    TRY(store_write_variants(tx, batch));
    TRY(store_write_publications(tx, batch));
    for (size_t i = 0; i < batch->count; i++) {
        const struct product_plan *plan = &batch->plans[i];
        if (plan->wanted != NULL && !plan_is_unchanged(plan))
            TRY(db_audit(tx, batch->audit, store_id_of(plan->wanted->id), plan->wanted->handle));
    }
    return product_publish_plans(tx, batch);
}

struct status product_refuse(struct ctx *ctx, const struct problem *problem)
{
    return ctx_fail_field(ctx, problem->error,
                          arena_printf(ctx->arena, "product.%s", problem->field), problem->value,
                          problem->allowed);
}

bool product_raced(struct status status, int *attempts)
{
    bool is_raced = str_equal(status.reason, ERROR_ALREADY_EXISTS.reason) ||
                    str_equal(status.reason, ERROR_CONFLICT.reason);

    return is_raced && ++*attempts < RACES_MAX;
}

static struct claim_query wanted_claims(struct ctx *ctx, const struct product_batch *batch)
{
    struct arena *arena = ctx->arena;
    size_t skus = 0, texts = 0, categories = 0;
    for (size_t i = 0; i < batch->count; i++) {
        skus += batch->plans[i].request->n_variants;
        texts += batch->plans[i].request->n_texts;
        categories += batch->plans[i].request->n_category_ids;
    }
    struct claim_query query = {
        .ids = arena_array(arena, struct uuid, batch->count),
        .handles = arena_array(arena, const char *, batch->count),
        .skus = arena_array(arena, const char *, skus),
        .slug_stores = arena_array(arena, struct uuid, texts),
        .slug_locales = arena_array(arena, const char *, texts),
        .slugs = arena_array(arena, const char *, texts),
        .category_ids = arena_array(arena, struct uuid, categories),
    };
    for (size_t i = 0; i < batch->count; i++) {
        const Catalog__V1__Product *product = batch->plans[i].request;
        if (batch->plans[i].problem.error != NULL)
            continue;
        if (batch->mode == WRITE_REPLACE)
            query.ids[query.id_count++] = store_id_of(product->id);
        query.handles[query.handle_count++] =
            *product->handle != '\0' ? product->handle
                                     : slug_derive(arena, product->texts[0]->name, "", "");
        for (size_t j = 0; j < product->n_variants; j++)
            query.skus[query.sku_count++] = product->variants[j]->sku;
        for (size_t j = 0; j < product->n_category_ids; j++)
            query.category_ids[query.category_count++] = store_id_of(product->category_ids[j]);
        claim_slugs(ctx, product, &query);
    }
    return query;
}

static void claim_slugs(struct ctx *ctx, const Catalog__V1__Product *product,
                        struct claim_query *query)
{
    for (size_t i = 0; i < product->n_texts; i++) {
        const Catalog__V1__ProductText *text = product->texts[i];
        size_t at = query->slug_count++;
        query->slug_stores[at] = store_id_of(text->store_id);
        query->slug_locales[at] = text->locale;
        query->slugs[at] = *text->slug != '\0'
                               ? text->slug
                               : slug_derive(ctx->arena, text->name, product->handle, "");
    }
}

static const Catalog__V1__Product *find_stored(const struct claim_result *found,
                                               enum write_mode mode,
                                               const Catalog__V1__Product *request)
{
    for (size_t i = 0; mode != WRITE_CREATE && i < found->product_count; i++) {
        const Catalog__V1__Product *product = found->products[i];
        if (mode == WRITE_REPLACE ? str_equal(product->id, request->id)
                                  : str_equal(product->handle, request->handle))
            return product;
    }
    return NULL;
}
