/* store_claim.c - what a write has to know first: the products as they are, locked, and who owns
 * the handles, SKUs, slugs and categories that it wants. */
#include "store.h"

#include "common/str.h"

/* In handle order: writes that share products wait for each other in one direction only. */
static const struct db_stmt LOCK_PRODUCTS = {
    .name = "lock_products",
    .in = "UT",
    .out = "u",
    .sql = "SELECT id FROM catalog.product WHERE id = ANY ($1) OR handle = ANY ($2)"
           " ORDER BY handle FOR UPDATE",
};

/* A statement of its own: it sees what the lock waited for. And the last one: who owns a key that
 * another statement saw is here too, or it is a product of other names. A product that is here but
 * was not there to be locked came in between. */
static const struct db_stmt LOAD_LOCKED_PRODUCTS = {
    .name = "load_locked_products",
    .in = "UT",
    .out = PRODUCT_COLUMN_TYPES,
    .sql = "SELECT " PRODUCT_COLUMNS " FROM catalog.product p" PRODUCT_PARTS
           " WHERE p.id = ANY ($1) OR p.handle = ANY ($2)",
};

static const struct db_stmt FIND_SKUS = {
    .name = "find_skus",
    .in = "T",
    .out = "tu",
    .sql = "SELECT sku, product_id FROM catalog.variant WHERE sku = ANY ($1)",
};

/* The slug itself and those of its kind with a number: '-:' follows every '-' with a digit. */
static const struct db_stmt FIND_SLUGS = {
    .name = "find_slugs",
    .in = "UTT",
    .out = "uttu",
    .sql = "SELECT t.store_id, t.locale, t.slug, t.product_id"
           " FROM (SELECT DISTINCT * FROM unnest($1, $2, $3) AS wanted(store_id, locale, slug))"
           "   wanted"
           " JOIN catalog.product_text t ON t.store_id = wanted.store_id"
           "  AND t.locale = wanted.locale AND t.slug >= wanted.slug"
           "  AND t.slug < wanted.slug || '-:'",
};

static const struct db_stmt FIND_CATEGORIES = {
    .name = "find_categories",
    .in = "U",
    .out = "u",
    .sql = "SELECT id FROM catalog.category WHERE id = ANY ($1)",
};

static const struct db_stmt READ_CLOCK = {
    .name = "read_clock",
    .in = "",
    .out = "d",
    .sql = "SELECT clock_timestamp()",
};

static void read_claims(struct ctx *ctx, const struct db_call *calls, struct claims *claims);

struct status store_claim(struct db_tx *tx, const struct claim_query *query,
                          struct claim_result *ret_result)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_value ids = db_uuids(query->ids, query->id_count);
    struct db_value handles = db_texts(query->handles, query->handle_count);
    enum { LOCK, SKUS, SLUGS, CATEGORIES, CLOCK, LOAD, CALLS };
    struct db_call calls[CALLS] = {
        [LOCK] = {&LOCK_PRODUCTS, DB_ARGS(ids, handles), {0}},
        [SKUS] = {&FIND_SKUS, DB_ARGS(db_texts(query->skus, query->sku_count)), {0}},
        [SLUGS] = {&FIND_SLUGS,
                   DB_ARGS(db_uuids(query->slug_stores, query->slug_count),
                           db_texts(query->slug_locales, query->slug_count),
                           db_texts(query->slugs, query->slug_count)),
                   {0}},
        [CATEGORIES] = {&FIND_CATEGORIES,
                        DB_ARGS(db_uuids(query->category_ids, query->category_count)),
                        {0}},
        [CLOCK] = {&READ_CLOCK, DB_NONE, {0}},
        [LOAD] = {&LOAD_LOCKED_PRODUCTS, DB_ARGS(ids, handles), {0}},
    };

    TRY(db_batch(tx, calls, CALLS));
    if (calls[LOAD].rows.count != calls[LOCK].rows.count)
        return ctx_fail(ctx, &ERROR_CONFLICT, "a product appeared while we looked");
    struct claim_result result = {
        .products = store_read_products(ctx, &calls[LOAD].rows),
        .product_count = calls[LOAD].rows.count,
        .now_us = db_get_time(&calls[CLOCK].rows, 0, 0),
        .claims = {.handles = map_create(ctx->arena, query->handle_count),
                   .skus = map_create(ctx->arena, query->sku_count),
                   .slugs = map_create(ctx->arena, query->slug_count),
                   .categories = map_create(ctx->arena, query->category_count)},
    };
    for (size_t i = 0; i < result.product_count; i++)
        map_set(result.claims.handles, result.products[i]->handle,
                arena_strdup(ctx->arena, result.products[i]->id));
    read_claims(ctx, calls + SKUS, &result.claims);
    *ret_result = result;
    return status_ok();
}

/* Of the three calls for SKUs, slugs and categories. */
static void read_claims(struct ctx *ctx, const struct db_call *calls, struct claims *claims)
{
    const struct db_rows *skus = &calls[0].rows;
    const struct db_rows *slugs = &calls[1].rows;
    const struct db_rows *categories = &calls[2].rows;

    for (size_t i = 0; i < skus->count; i++)
        map_set(claims->skus, db_get_text(skus, i, 0),
                uuid_text(ctx->arena, db_get_uuid(skus, i, 1)));
    for (size_t i = 0; i < slugs->count; i++) {
        struct uuid store = db_get_uuid(slugs, i, 0);
        map_set(claims->slugs,
                claim_slug(ctx->arena, uuid_is_nil(store) ? "" : uuid_text(ctx->arena, store),
                           db_get_text(slugs, i, 1), db_get_text(slugs, i, 2)),
                uuid_text(ctx->arena, db_get_uuid(slugs, i, 3)));
    }
    for (size_t i = 0; i < categories->count; i++)
        map_set(claims->categories, uuid_text(ctx->arena, db_get_uuid(categories, i, 0)), claims);
}

const struct db_stmt *const STORE_CLAIM_STATEMENTS[] = {
    &LOCK_PRODUCTS,   &LOAD_LOCKED_PRODUCTS, &FIND_SKUS, &FIND_SLUGS,
    &FIND_CATEGORIES, &READ_CLOCK,           NULL,
};
