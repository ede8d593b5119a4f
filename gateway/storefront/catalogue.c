/* catalogue.c - products for a visitor: which there are, what they say. */
#include "storefront/catalogue.h"

#include "catalog/v1/service.client.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "storefront/tags.h"

#include <string.h>

static const char *product_key(struct ctx *ctx, const char *id)
{
    return arena_printf(ctx->arena, "product:%s", id);
}

static const Catalog__V1__Product *cached_product(struct ctx *ctx, const struct visitor *visitor,
                                                  const char *id)
{
    struct gateway *self = ctx_state(ctx);
    const struct cache_tag tags[] = {{TAG_PRODUCT, id}};
    const struct cache_question question = {product_key(ctx, id), tags, ARRAY_LEN(tags),
                                            visitor->trail};
    return (const void *)cache_get_message(ctx, self->cache, &question,
                                           &catalog__v1__product__descriptor);
}

void catalogue_remember(struct ctx *ctx, const struct visitor *visitor,
                        const Catalog__V1__Product *product, int64_t asked_at_us)
{
    struct gateway *self = ctx_state(ctx);
    cache_trail_add(visitor->trail, (struct cache_tag){TAG_PRODUCT, product->id});
    cache_put_message(ctx, self->cache, product_key(ctx, product->id), &product->base,
                      (struct cache_moments){.asked_at_us = asked_at_us});
}

static struct status load_products(struct ctx *ctx, const struct visitor *visitor, const char **ids,
                                   size_t count,
                                   const Catalog__V1__BatchGetProductsResponse **ret_reply)
{
    Catalog__V1__BatchGetProductsRequest request = CATALOG__V1__BATCH_GET_PRODUCTS_REQUEST__INIT;
    int64_t asked_at_us = cache_now_us();
    request.n_ids = count;
    request.ids = ids;
    TRY(catalog_v1_batch_get_products(ctx, &request, ret_reply));
    for (size_t i = 0; i < (*ret_reply)->n_products; i++)
        catalogue_remember(ctx, visitor, (*ret_reply)->products[i], asked_at_us);
    return status_ok();
}

static const Catalog__V1__Product *find(const Catalog__V1__BatchGetProductsResponse *reply,
                                        const char *id)
{
    for (size_t i = 0; i < reply->n_products; i++)
        if (str_equal(reply->products[i]->id, id))
            return reply->products[i];
    return NULL;
}

struct status catalogue_products(struct ctx *ctx, const struct visitor *visitor,
                                 const char *const *ids, size_t count,
                                 const Catalog__V1__Product **ret_products)
{
    const Catalog__V1__BatchGetProductsResponse *reply;
    const char **missing = arena_array(ctx->arena, const char *, count);
    size_t missing_count = 0;
    for (size_t i = 0; i < count; i++) {
        ret_products[i] = cached_product(ctx, visitor, ids[i]);
        if (!ret_products[i])
            missing[missing_count++] = ids[i];
    }
    if (missing_count == 0)
        return status_ok();
    TRY(load_products(ctx, visitor, missing, missing_count, &reply));
    for (size_t i = 0; i < count; i++)
        if (!ret_products[i])
            ret_products[i] = find(reply, ids[i]);
    return status_ok();
}

static bool is_of_store(const Catalog__V1__ProductText *text, const struct visitor *visitor)
{
    return str_is_empty(text->store_id) || str_equal(text->store_id, visitor->store_id);
}

static bool same_language(const char *a, const char *b)
{
    size_t length = strcspn(a, "-");
    return length == strcspn(b, "-") && strncmp(a, b, length) == 0;
}

const Catalog__V1__ProductText *catalogue_text(const Catalog__V1__Product *product,
                                               const struct visitor *visitor)
{
    const Catalog__V1__ProductText *of_language = NULL;
    const Catalog__V1__ProductText *any = NULL;
    for (size_t i = 0; i < product->n_texts; i++) {
        const Catalog__V1__ProductText *text = product->texts[i];
        if (!is_of_store(text, visitor))
            continue;
        if (str_equal(text->locale, visitor->locale))
            return text;
        if (!of_language && same_language(text->locale, visitor->locale))
            of_language = text;
        if (!any)
            any = text;
    }
    return of_language ? of_language : any;
}

bool catalogue_is_published(const Catalog__V1__Product *product, const struct visitor *visitor)
{
    for (size_t i = 0; i < product->n_publications; i++) {
        const Catalog__V1__ProductPublication *publication = product->publications[i];
        if (str_equal(publication->channel_id, visitor->channel_id))
            return publication->state ==
                       CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED &&
                   wire_time_us(publication->publish_time) <= clock_now_us();
    }
    return false;
}

Gateway__V1__PriceView *catalogue_price(struct ctx *ctx, const struct visitor *visitor,
                                        const struct offer *offer)
{
    const struct price_figures *price = &offer->price;
    const char *currency = visitor->currency_code;
    if (!price->has_price)
        return NULL;
    Gateway__V1__PriceView *view = arena_new(ctx->arena, Gateway__V1__PriceView);
    gateway__v1__price_view__init(view);
    view->net = wire_money(ctx->arena, money_of(price->net_minor, currency));
    view->tax = wire_money(ctx->arena, money_of(price->tax_minor, currency));
    view->gross = wire_money(ctx->arena, money_of(price->gross_minor, currency));
    view->price = visitor->prices_include_tax ? view->gross : view->net;
    if (price->has_compare_at)
        view->compare_at = wire_money(ctx->arena, money_of(price->compare_at_minor, currency));
    view->tax_percentage =
        wire_decimal(ctx->arena, (struct decimal){price->tax_unscaled, price->tax_scale});
    return view;
}
