/* product_events.c - what a written product says: one event for its content, one for each
 * publication that changed, one for each variant. */
#include "product.h"

#include "catalog/v1/events.schema.h"
#include "chassis/wire.h"
#include "events/outbox.h"
#include "store.h"

#define PRODUCT_TOPIC "catalog.product.events.v1"
#define VARIANT_TOPIC "catalog.variant.events.v1"

const struct event_kind PRODUCT_CREATED = {PRODUCT_TOPIC, &catalog__v1__product_created__schema,
                                           "product id"};
const struct event_kind PRODUCT_UPDATED = {PRODUCT_TOPIC, &catalog__v1__product_updated__schema,
                                           "product id"};
const struct event_kind PRODUCT_PUBLISHED = {PRODUCT_TOPIC, &catalog__v1__product_published__schema,
                                             "product id"};
const struct event_kind PRODUCT_UNPUBLISHED = {
    PRODUCT_TOPIC, &catalog__v1__product_unpublished__schema, "product id"};
const struct event_kind VARIANT_CREATED = {VARIANT_TOPIC, &catalog__v1__variant_created__schema,
                                           "variant id"};
const struct event_kind VARIANT_UPDATED = {VARIANT_TOPIC, &catalog__v1__variant_updated__schema,
                                           "variant id"};
const struct event_kind VARIANT_REMOVED = {VARIANT_TOPIC, &catalog__v1__variant_removed__schema,
                                           "variant id"};

/* The events of one transaction, in order. */
struct outgoing {
    struct ctx *ctx;
    struct outbox_record *records;
    size_t count;
};

/* A product as its events show it: without its variants, whose ids stand beside it. */
struct bare_product {
    Catalog__V1__Product product;
    const char **variant_ids;
    size_t variant_count;
};

static struct status add_content(struct outgoing *out, const struct product_plan *plan);
static struct status add_publications(struct outgoing *out, const struct product_plan *plan);
static struct status add_variants(struct outgoing *out, const struct product_plan *plan);
static struct status add(struct outgoing *out, const struct event_kind *kind, const char *key,
                         int64_t sequence, const ProtobufCMessage *body);
static struct bare_product bare(struct ctx *ctx, const Catalog__V1__Product *product);
static struct status add_publication(struct outgoing *out, struct bare_product *bare,
                                     const Catalog__V1__ProductPublication *publication);

struct status product_publish_plans(struct db_tx *tx, const struct product_batch *batch)
{
    struct outgoing out = {.ctx = db_ctx(tx)};
    size_t max = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct product_plan *plan = &batch->plans[i];
        max += 1 + plan->published_count + plan->added_count + plan->changed_count +
               plan->removed_count;
    }
    out.records = arena_array(out.ctx->arena, struct outbox_record, max);
    for (size_t i = 0; i < batch->count; i++) {
        const struct product_plan *plan = &batch->plans[i];
        if (plan->wanted == NULL)
            continue;
        TRY(add_content(&out, plan));
        TRY(add_publications(&out, plan));
        TRY(add_variants(&out, plan));
    }
    return outbox_add_records(tx, out.records, out.count);
}

/* Publications that change with it follow as events of their own: this one shows those before. */
static struct status add_content(struct outgoing *out, const struct product_plan *plan)
{
    struct bare_product shown = bare(out->ctx, plan->wanted);

    if (plan->parts == 0)
        return status_ok();
    shown.product.version = plan->content_version;
    shown.product.n_publications = plan->stored != NULL ? plan->stored->n_publications : 0;
    shown.product.publications = plan->stored != NULL ? plan->stored->publications : NULL;
    if (plan->stored == NULL) {
        Catalog__V1__ProductCreated created = CATALOG__V1__PRODUCT_CREATED__INIT;
        created.product = &shown.product;
        created.n_variant_ids = shown.variant_count;
        created.variant_ids = shown.variant_ids;
        return add(out, &PRODUCT_CREATED, shown.product.id, plan->content_version, &created.base);
    }
    Catalog__V1__ProductUpdated updated = CATALOG__V1__PRODUCT_UPDATED__INIT;
    updated.product = &shown.product;
    updated.n_variant_ids = shown.variant_count;
    updated.variant_ids = shown.variant_ids;
    return add(out, &PRODUCT_UPDATED, shown.product.id, plan->content_version, &updated.base);
}

/* Each shows the publications up to its own. */
static struct status add_publications(struct outgoing *out, const struct product_plan *plan)
{
    struct bare_product shown = bare(out->ctx, plan->wanted);

    shown.product.version = plan->content_version;
    shown.product.n_publications = plan->stored != NULL ? plan->stored->n_publications : 0;
    shown.product.publications = plan->stored != NULL ? plan->stored->publications : NULL;
    for (size_t i = 0; i < plan->published_count; i++) {
        (void)product_set_publication(out->ctx->arena, &shown.product, plan->published[i],
                                      wire_time_us(plan->wanted->update_time));
        TRY(add_publication(out, &shown, plan->published[i]));
    }
    return status_ok();
}

static struct status add_variants(struct outgoing *out, const struct product_plan *plan)
{
    for (size_t i = 0; i < plan->added_count; i++) {
        Catalog__V1__VariantCreated created = CATALOG__V1__VARIANT_CREATED__INIT;
        created.variant = plan->wanted->variants[plan->added[i]];
        TRY(add(out, &VARIANT_CREATED, created.variant->id, created.variant->version,
                &created.base));
    }
    for (size_t i = 0; i < plan->changed_count; i++) {
        Catalog__V1__VariantUpdated updated = CATALOG__V1__VARIANT_UPDATED__INIT;
        updated.variant = plan->wanted->variants[plan->changed[i]];
        TRY(add(out, &VARIANT_UPDATED, updated.variant->id, updated.variant->version,
                &updated.base));
    }
    for (size_t i = 0; i < plan->removed_count; i++) {
        Catalog__V1__VariantRemoved removed = CATALOG__V1__VARIANT_REMOVED__INIT;
        Catalog__V1__Variant last = *plan->removed[i];
        last.version++;
        removed.variant = &last;
        TRY(add(out, &VARIANT_REMOVED, last.id, last.version, &removed.base));
    }
    return status_ok();
}

static struct status add(struct outgoing *out, const struct event_kind *kind, const char *key,
                         int64_t sequence, const ProtobufCMessage *body)
{
    return outbox_encode(out->ctx, kind, store_id_of(key), sequence, body,
                         &out->records[out->count++]);
}

static struct bare_product bare(struct ctx *ctx, const Catalog__V1__Product *product)
{
    struct bare_product shown = {
        .product = *product,
        .variant_ids = arena_array(ctx->arena, const char *, product->n_variants),
        .variant_count = product->n_variants,
    };

    for (size_t i = 0; i < product->n_variants; i++)
        shown.variant_ids[i] = product->variants[i]->id;
    shown.product.n_variants = 0;
    return shown;
}

static struct status add_publication(struct outgoing *out, struct bare_product *shown,
                                     const Catalog__V1__ProductPublication *publication)
{
    if (publication->state == CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED) {
        Catalog__V1__ProductPublished published = CATALOG__V1__PRODUCT_PUBLISHED__INIT;
        published.product = &shown->product;
        published.n_variant_ids = shown->variant_count;
        published.variant_ids = shown->variant_ids;
        published.channel_id = publication->channel_id;
        published.publish_time = publication->publish_time;
        return add(out, &PRODUCT_PUBLISHED, shown->product.id, shown->product.version,
                   &published.base);
    }
    Catalog__V1__ProductUnpublished unpublished = CATALOG__V1__PRODUCT_UNPUBLISHED__INIT;
    unpublished.product = &shown->product;
    unpublished.n_variant_ids = shown->variant_count;
    unpublished.variant_ids = shown->variant_ids;
    unpublished.channel_id = publication->channel_id;
    return add(out, &PRODUCT_UNPUBLISHED, shown->product.id, shown->product.version,
               &unpublished.base);
}
