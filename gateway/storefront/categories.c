/* categories.c - the category tree in the visitor's language. */
#include "storefront/storefront.h"

#include "catalog/v1/service.client.h"
#include "chassis/cache.h"
#include "common/str.h"
#include "gateway.h"
#include "gateway/v1/store.pb-c.h"
#include "storefront/tags.h"

static struct status load(struct ctx *ctx, const Catalog__V1__ListCategoriesResponse **ret_tree)
{
    struct gateway *self = ctx_state(ctx);
    static const struct cache_tag TAG = {TAG_CATEGORIES, NULL};
    const struct cache_question question = {"categories", &TAG, 1, NULL};
    Catalog__V1__ListCategoriesRequest request = CATALOG__V1__LIST_CATEGORIES_REQUEST__INIT;
    const ProtobufCMessage *reply;
    TRY(cache_ask(ctx, self->cache, &question, catalog_v1_list_categories_call(&request), &reply));
    *ret_tree = (const void *)reply;
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
