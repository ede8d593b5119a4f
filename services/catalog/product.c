/* product.c - products one at a time, as the back office edits them. */
#include "product.h"

#include "catalog/v1/service.handlers.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "store.h"

static struct status check(struct ctx *ctx, const Catalog__V1__Product *product);
static struct status create(struct ctx *ctx, const Catalog__V1__Product *product,
                            Catalog__V1__CreateProductResponse *rep);
static struct status update(struct ctx *ctx, const Catalog__V1__UpdateProductRequest *req,
                            Catalog__V1__UpdateProductResponse *rep);
static struct status set_publication(struct ctx *ctx, const char *product_id,
                                     const Catalog__V1__ProductPublication *asked,
                                     Catalog__V1__Product **ret_product);

struct status catalog_create_product(struct ctx *ctx, const Catalog__V1__CreateProductRequest *req,
                                     Catalog__V1__CreateProductResponse *rep)
{
    struct status status;
    int attempts = 0;

    TRY(check(ctx, req->product));
    do {
        status = create(ctx, req->product, rep);
    } while (product_raced(status, &attempts));
    return status;
}

struct status catalog_update_product(struct ctx *ctx, const Catalog__V1__UpdateProductRequest *req,
                                     Catalog__V1__UpdateProductResponse *rep)
{
    struct status status;
    int attempts = 0;

    if (*req->product->id == '\0')
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "product.id", "", "required");
    TRY(check(ctx, req->product));
    do {
        status = update(ctx, req, rep);
    } while (product_raced(status, &attempts));
    return status;
}

struct status catalog_publish_product(struct ctx *ctx,
                                      const Catalog__V1__PublishProductRequest *req,
                                      Catalog__V1__PublishProductResponse *rep)
{
    Catalog__V1__ProductPublication asked = CATALOG__V1__PRODUCT_PUBLICATION__INIT;
    asked.channel_id = req->channel_id;
    asked.state = CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED;
    asked.publish_time = req->publish_time;
    return set_publication(ctx, req->product_id, &asked, &rep->product);
}

struct status catalog_unpublish_product(struct ctx *ctx,
                                        const Catalog__V1__UnpublishProductRequest *req,
                                        Catalog__V1__UnpublishProductResponse *rep)
{
    Catalog__V1__ProductPublication asked = CATALOG__V1__PRODUCT_PUBLICATION__INIT;
    asked.channel_id = req->channel_id;
    asked.state = CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT;
    return set_publication(ctx, req->product_id, &asked, &rep->product);
}

static struct status check(struct ctx *ctx, const Catalog__V1__Product *product)
{
    struct problems problems = {0};

    product_check(ctx->arena, product, &problems);
    for (size_t i = 0; i < problems.count; i++)
        ctx_violation(ctx, arena_printf(ctx->arena, "product.%s", problems.items[i].field),
                      problems.items[i].value, problems.items[i].allowed);
    if (problems.count > 0)
        return ctx_fail(ctx, &INVALID_PRODUCT, "%zu fields", problems.count);
    return status_ok();
}

static struct status create(struct ctx *ctx, const Catalog__V1__Product *product,
                            Catalog__V1__CreateProductResponse *rep)
{
    struct product_plan plan = {.request = product};
    struct product_batch batch = {WRITE_CREATE, "create_product", &plan, 1};

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(product_batch_plan(tx, &batch));
    if (plan.wanted == NULL)
        return product_refuse(ctx, &plan.problem);
    TRY(product_batch_write(tx, &batch));
    rep->product = plan.wanted;
    return db_commit(&tx);
}

static struct status update(struct ctx *ctx, const Catalog__V1__UpdateProductRequest *req,
                            Catalog__V1__UpdateProductResponse *rep)
{
    struct product_plan plan = {.request = req->product};
    struct product_batch batch = {WRITE_REPLACE, "update_product", &plan, 1};

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(product_batch_plan(tx, &batch));
    if (plan.stored == NULL)
        return ctx_fail_field(ctx, &PRODUCT_NOT_FOUND, "product.id", req->product->id,
                              "the id of a product");
    TRY(ctx_check_version(ctx, req->expected_version, plan.stored->version));
    if (plan.wanted == NULL)
        return product_refuse(ctx, &plan.problem);
    TRY(product_batch_write(tx, &batch));
    rep->product = plan.wanted;
    return db_commit(&tx);
}

/* Publishing what is published, and drafting a draft, changes nothing and publishes nothing. */
static struct status set_publication(struct ctx *ctx, const char *product_id,
                                     const Catalog__V1__ProductPublication *asked,
                                     Catalog__V1__Product **ret_product)
{
    Catalog__V1__Product *product;
    int64_t now_us;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_product(tx, store_id_of(product_id), &product, &now_us));
    struct product_plan plan = {.request = product, .stored = product};
    plan.wanted = arena_memdup(ctx->arena, product, sizeof *product);
    plan.published = arena_array(ctx->arena, Catalog__V1__ProductPublication *, 1);
    plan.content_version = product->version;
    plan.published[0] = product_set_publication(ctx->arena, plan.wanted, asked, now_us);
    plan.published_count = plan.published[0] != NULL;

    bool publishes = asked->state == CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED;
    struct product_batch batch = {WRITE_REPLACE,
                                  publishes ? "publish_product" : "unpublish_product", &plan, 1};
    TRY(product_batch_write(tx, &batch));
    *ret_product = plan.wanted;
    return db_commit(&tx);
}
