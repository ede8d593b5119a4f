/* categories.c - the category tree in the visitor's language. */
#include "storefront/storefront.h"

#include "catalog/v1/service.client.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "gateway.h"
#include "gateway/v1/store.pb-c.h"
#include "storefront/tags.h"

static struct status load(struct ctx *ctx, const Catalog__V1__ListCategoriesResponse **ret_tree)
{
    struct gateway *self = ctx_state(ctx);
    const struct cache_tag tags[] = {{TAG_CATEGORIES, NULL}};
    struct db_bytes bytes;
    const struct cache_question question = {"categories", tags, ARRAY_LEN(tags), NULL};
    if (cache_get(ctx, self->cache, &question, &bytes)) {
        *ret_tree = catalog__v1__list_categories_response__unpack(arena_protobuf(ctx->arena),
                                                                  bytes.length, bytes.data);
        if (*ret_tree)
            return status_ok();
    }
    Catalog__V1__ListCategoriesRequest request = CATALOG__V1__LIST_CATEGORIES_REQUEST__INIT;
    int64_t asked_at_us = cache_now_us();
    TRY(catalog_v1_list_categories(ctx, &request, ret_tree));
    cache_put(self->cache, "categories", wire_pack(ctx->arena, &(*ret_tree)->base),
              (struct cache_moments){.asked_at_us = asked_at_us});
    return status_ok();
}

static const Catalog__V1__CategoryText *text_of(const Catalog__V1__Category *category,
                                                const char *locale)
{
    for (size_t i = 0; i < category->n_texts; i++)
        if (str_equal(category->texts[i]->locale, locale))
            return category->texts[i];
    return category->n_texts > 0 ? category->texts[0] : NULL;
}

struct status categories_list(struct ctx *ctx, struct exchange *exchange,
                              const ProtobufCMessage *request, ProtobufCMessage *response)
{
    Gateway__V1__ListCategoriesResponse *rep =
        (Gateway__V1__ListCategoriesResponse *)(void *)response;
    const Catalog__V1__ListCategoriesResponse *tree;
    (void)request;
    TRY(load(ctx, &tree));
    rep->n_categories = tree->n_categories;
    rep->categories = arena_array(ctx->arena, Gateway__V1__StoreCategory *, tree->n_categories);
    for (size_t i = 0; i < tree->n_categories; i++) {
        const Catalog__V1__Category *category = tree->categories[i];
        const Catalog__V1__CategoryText *text = text_of(category, exchange->visitor.locale);
        Gateway__V1__StoreCategory *view = arena_new(ctx->arena, Gateway__V1__StoreCategory);
        gateway__v1__store_category__init(view);
        view->id = category->id;
        view->parent_id = category->parent_id;
        view->code = category->code;
        view->name = text ? text->name : category->code;
        view->slug = text ? text->slug : "";
        rep->categories[i] = view;
    }
    return status_ok();
}
