/* product_list.c - one page of products: tiles with the price of the cheapest variant and whether
 * anything is in stock. */
#include "storefront/storefront.h"

#include "catalog/v1/service.client.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "storefront/catalogue.h"
#include "storefront/kept_answer.h"
#include "storefront/tags.h"

/* Which products a page shows, in its order. */
struct page {
    const char **ids;
    size_t count;
    const char *next_page_token;
};

static const char *page_key(struct ctx *ctx, const struct visitor *visitor,
                            const Gateway__V1__ListProductsRequest *request)
{
    return arena_printf(ctx->arena, "page:%s:%s:%d:%s", visitor->channel_id, request->category_id,
                        request->page_size, request->page_token);
}

/* A page is kept as a list message that holds ids only. */
static bool read_page(struct ctx *ctx, const struct visitor *visitor, const char *key,
                      struct page *ret_page)
{
    struct gateway *self = ctx_state(ctx);
    const struct cache_tag tags[] = {{TAG_LISTS, NULL}};
    const struct cache_question question = {key, tags, ARRAY_LEN(tags), visitor->trail};
    const Catalog__V1__ListProductsResponse *list = (const void *)cache_get_message(
        ctx, self->cache, &question, &catalog__v1__list_products_response__descriptor);
    if (!list)
        return false;
    ret_page->count = list->n_products;
    ret_page->ids = arena_array(ctx->arena, const char *, list->n_products);
    for (size_t i = 0; i < list->n_products; i++)
        ret_page->ids[i] = list->products[i]->id;
    ret_page->next_page_token = list->page ? list->page->next_page_token : "";
    return true;
}

static void keep_page(struct ctx *ctx, const struct visitor *visitor, const char *key,
                      const Catalog__V1__ListProductsResponse *reply, int64_t asked_at_us)
{
    struct gateway *self = ctx_state(ctx);
    Catalog__V1__ListProductsResponse list = CATALOG__V1__LIST_PRODUCTS_RESPONSE__INIT;
    list.page = reply->page;
    list.n_products = reply->n_products;
    list.products = arena_array(ctx->arena, Catalog__V1__Product *, reply->n_products);
    for (size_t i = 0; i < reply->n_products; i++) {
        list.products[i] = arena_new(ctx->arena, Catalog__V1__Product);
        catalog__v1__product__init(list.products[i]);
        list.products[i]->id = reply->products[i]->id;
    }
    cache_put_message(
        ctx, self->cache, key, &list.base,
        (struct cache_moments){asked_at_us, wire_time_us(reply->valid_until), visitor->trail});
}

static struct status load_page(struct ctx *ctx, const struct visitor *visitor,
                               const Gateway__V1__ListProductsRequest *request,
                               const Catalog__V1__Product ***ret_products, struct page *ret_page)
{
    const char *key = page_key(ctx, visitor, request);
    if (read_page(ctx, visitor, key, ret_page)) {
        *ret_products = arena_array(ctx->arena, const Catalog__V1__Product *, ret_page->count);
        return catalogue_products(ctx, visitor, ret_page->ids, ret_page->count, *ret_products);
    }
    Catalog__V1__ListProductsRequest list = CATALOG__V1__LIST_PRODUCTS_REQUEST__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    const Catalog__V1__ListProductsResponse *reply;
    int64_t asked_at_us = cache_now_us();
    page.page_size = request->page_size;
    page.page_token = request->page_token;
    list.page = &page;
    list.category_id = request->category_id;
    list.channel_id = visitor->channel_id;
    TRY(catalog_v1_list_products(ctx, &list, &reply));
    for (size_t i = 0; i < reply->n_products; i++)
        catalogue_remember(ctx, visitor, reply->products[i], asked_at_us);
    keep_page(ctx, visitor, key, reply, asked_at_us);
    *ret_products = (const Catalog__V1__Product **)(void *)reply->products;
    ret_page->count = reply->n_products;
    ret_page->next_page_token = reply->page ? reply->page->next_page_token : "";
    return status_ok();
}

static const struct offer *cheapest(const struct offer *offers, size_t count, bool *ret_differs)
{
    const struct offer *best = NULL;
    *ret_differs = false;
    for (size_t i = 0; i < count; i++) {
        if (!offers[i].price.has_price)
            continue;
        if (best && offers[i].price.gross_minor != best->price.gross_minor)
            *ret_differs = true;
        if (!best || offers[i].price.gross_minor < best->price.gross_minor)
            best = &offers[i];
    }
    return best;
}

static Gateway__V1__ProductCard *card_of(struct ctx *ctx, const struct visitor *visitor,
                                         const Catalog__V1__Product *product,
                                         const struct offer *offers)
{
    const Catalog__V1__ProductText *text = catalogue_text(product, visitor);
    Gateway__V1__ProductCard *card = arena_new(ctx->arena, Gateway__V1__ProductCard);
    bool differs;
    const struct offer *best = cheapest(offers, product->n_variants, &differs);
    gateway__v1__product_card__init(card);
    card->id = product->id;
    card->slug = text ? text->slug : "";
    card->name = text ? text->name : product->handle;
    card->vendor = product->vendor;
    card->image_url = product->n_images > 0 ? product->images[0]->url : "";
    card->price = best ? catalogue_price(ctx, visitor, best) : NULL;
    card->is_from_price = differs;
    card->variant_count = (int32_t)product->n_variants;
    card->n_tags = product->n_tags;
    card->tags = product->tags;
    for (size_t i = 0; i < product->n_variants; i++)
        card->is_in_stock = card->is_in_stock || offers[i].available > 0;
    return card;
}

struct status product_list(struct ctx *ctx, struct exchange *exchange,
                           const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const struct visitor *visitor = &exchange->visitor;
    Gateway__V1__ListProductsResponse *rep = (Gateway__V1__ListProductsResponse *)(void *)response;
    const Gateway__V1__ListProductsRequest *list = (const void *)request;
    const char *key = page_key(ctx, visitor, list);
    const Catalog__V1__Product **products;
    struct offer **offers;
    struct page page;
    if (kept_answer_find(ctx, exchange, key))
        return status_ok();
    TRY(load_page(ctx, visitor, list, &products, &page));
    TRY(catalogue_offers(ctx, visitor, products, page.count, &offers));

    rep->products = arena_array(ctx->arena, Gateway__V1__ProductCard *, page.count);
    for (size_t i = 0; i < page.count; i++)
        if (products[i] && catalogue_is_published(products[i], visitor))
            rep->products[rep->n_products++] = card_of(ctx, visitor, products[i], offers[i]);
    rep->page = arena_new(ctx->arena, Common__V1__PageInfo);
    common__v1__page_info__init(rep->page);
    rep->page->next_page_token = page.next_page_token;
    kept_answer_write(ctx, exchange, key, response);
    return status_ok();
}
