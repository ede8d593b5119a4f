/* product_page.c - one product with everything a page shows, by slug or id. */
#include "storefront/storefront.h"

#include "catalog/v1/service.client.h"
#include "common/str.h"
#include "common/uuid.h"
#include "storefront/catalogue.h"
#include "storefront/kept_answer.h"
#include "storefront/tags.h"

#include <string.h>

const struct error_def PRODUCT_NOT_FOUND = {
    STATUS_NOT_FOUND, "PRODUCT_NOT_FOUND",
    "list the products of this channel; slugs are those of the request's locale"};

static struct status refuse(struct ctx *ctx, const char *slug)
{
    return ctx_fail_field(ctx, &PRODUCT_NOT_FOUND, "slug", slug,
                          "the slug or id of a product that is published in this channel");
}

static const char *slug_key(struct ctx *ctx, const struct visitor *visitor, const char *slug)
{
    return arena_printf(ctx->arena, "slug:%s:%s:%s", str_or_empty(visitor->store_id),
                        visitor->locale, slug);
}

/* A slug leads to an id; both steps are cached. */
static struct status find_by_slug(struct ctx *ctx, const struct visitor *visitor, const char *slug,
                                  const Catalog__V1__Product **ret_product)
{
    struct gateway *self = ctx_state(ctx);
    const struct cache_tag tags[] = {{TAG_LISTS, NULL}};
    const char *key = slug_key(ctx, visitor, slug);
    struct db_bytes id;
    const struct cache_question question = {key, tags, ARRAY_LEN(tags), visitor->trail};
    if (cache_get(ctx, self->cache, &question, &id)) {
        const char *ids[] = {id.data};
        return catalogue_products(ctx, visitor, ids, 1, ret_product);
    }
    Catalog__V1__GetProductBySlugRequest request = CATALOG__V1__GET_PRODUCT_BY_SLUG_REQUEST__INIT;
    const Catalog__V1__GetProductBySlugResponse *reply;
    int64_t asked_at_us = cache_now_us();
    request.slug = slug;
    request.locale = visitor->locale;
    request.store_id = str_or_empty(visitor->store_id);
    request.channel_id = visitor->channel_id;
    struct status found = catalog_v1_get_product_by_slug(ctx, &request, &reply);
    if (found.code == STATUS_NOT_FOUND)
        return refuse(ctx, slug);
    TRY(found);
    *ret_product = reply->product;
    catalogue_remember(ctx, visitor, reply->product, asked_at_us);
    cache_put(self->cache, key,
              (struct db_bytes){reply->product->id, strlen(reply->product->id) + 1},
              (struct cache_moments){.asked_at_us = asked_at_us});
    return status_ok();
}

static struct status find(struct ctx *ctx, const struct visitor *visitor, const char *slug,
                          const Catalog__V1__Product **ret_product)
{
    struct uuid id;
    *ret_product = NULL;
    if (uuid_parse(slug, &id)) {
        const char *ids[] = {uuid_text(ctx->arena, id)};
        TRY(catalogue_products(ctx, visitor, ids, 1, ret_product));
    } else {
        TRY(find_by_slug(ctx, visitor, slug, ret_product));
    }
    if (!*ret_product || !catalogue_is_published(*ret_product, visitor))
        return refuse(ctx, slug);
    return status_ok();
}

static void add_options(struct ctx *ctx, const Catalog__V1__Product *product,
                        Gateway__V1__ProductDetail *detail)
{
    detail->n_options = product->n_options;
    detail->options = arena_array(ctx->arena, Gateway__V1__StoreOption *, product->n_options);
    for (size_t i = 0; i < product->n_options; i++) {
        detail->options[i] = arena_new(ctx->arena, Gateway__V1__StoreOption);
        gateway__v1__store_option__init(detail->options[i]);
        detail->options[i]->name = product->options[i]->name;
        detail->options[i]->n_values = product->options[i]->n_values;
        detail->options[i]->values = product->options[i]->values;
    }
    detail->n_images = product->n_images;
    detail->images = arena_array(ctx->arena, Gateway__V1__StoreImage *, product->n_images);
    for (size_t i = 0; i < product->n_images; i++) {
        detail->images[i] = arena_new(ctx->arena, Gateway__V1__StoreImage);
        gateway__v1__store_image__init(detail->images[i]);
        detail->images[i]->url = product->images[i]->url;
        detail->images[i]->alt_text = product->images[i]->alt_text;
    }
}

static void add_variants(struct ctx *ctx, const struct visitor *visitor,
                         const Catalog__V1__Product *product, const struct offer *offers,
                         Gateway__V1__ProductDetail *detail)
{
    detail->n_variants = product->n_variants;
    detail->variants = arena_array(ctx->arena, Gateway__V1__VariantView *, product->n_variants);
    for (size_t i = 0; i < product->n_variants; i++) {
        const Catalog__V1__Variant *variant = product->variants[i];
        Gateway__V1__VariantView *view = arena_new(ctx->arena, Gateway__V1__VariantView);
        gateway__v1__variant_view__init(view);
        view->id = variant->id;
        view->sku = variant->sku;
        view->n_option_values = variant->n_option_values;
        view->option_values = variant->option_values;
        view->price = catalogue_price(ctx, visitor, &offers[i]);
        view->available = offers[i].available;
        view->is_in_stock = offers[i].available > 0;
        view->image_url = variant->image_url;
        view->weight_grams = variant->weight_grams;
        detail->variants[i] = view;
    }
}

static Gateway__V1__ProductDetail *detail_of(struct ctx *ctx, const struct visitor *visitor,
                                             const Catalog__V1__Product *product,
                                             const struct offer *offers)
{
    const Catalog__V1__ProductText *text = catalogue_text(product, visitor);
    Gateway__V1__ProductDetail *detail = arena_new(ctx->arena, Gateway__V1__ProductDetail);
    gateway__v1__product_detail__init(detail);
    detail->id = product->id;
    detail->name = product->handle;
    if (text) {
        detail->slug = text->slug;
        detail->locale = text->locale;
        detail->name = text->name;
        detail->description_html = text->description_html;
        detail->seo_title = text->seo_title;
        detail->seo_description = text->seo_description;
    }
    detail->vendor = product->vendor;
    detail->product_type = product->product_type;
    detail->n_category_ids = product->n_category_ids;
    detail->category_ids = product->category_ids;
    detail->n_tags = product->n_tags;
    detail->tags = product->tags;
    add_options(ctx, product, detail);
    add_variants(ctx, visitor, product, offers, detail);
    return detail;
}

struct status product_page(struct ctx *ctx, struct exchange *exchange,
                           const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__GetProductRequest *get = (const void *)request;
    Gateway__V1__GetProductResponse *rep = (Gateway__V1__GetProductResponse *)(void *)response;
    const struct visitor *visitor = &exchange->visitor;
    const Catalog__V1__Product *product;
    struct offer **offers;
    if (kept_answer_find(ctx, exchange, get->slug))
        return status_ok();
    TRY(find(ctx, visitor, get->slug, &product));
    TRY(catalogue_offers(ctx, visitor, &product, 1, &offers));
    rep->product = detail_of(ctx, visitor, product, offers[0]);
    kept_answer_write(ctx, exchange, get->slug, response);
    return status_ok();
}
