/* read_test.c - the ways to find products, and when an answer stops being true. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/clock.h"

static Catalog__V1__ListProductsResponse *listing(const char *category_id, const char *channel_id,
                                                  int32_t page_size, const char *token)
{
    struct ctx *ctx = world_ctx(catalog);
    Catalog__V1__ListProductsRequest req = CATALOG__V1__LIST_PRODUCTS_REQUEST__INIT;
    Catalog__V1__ListProductsResponse *rep =
        arena_new(ctx->arena, Catalog__V1__ListProductsResponse);
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    catalog__v1__list_products_response__init(rep);
    page.page_size = page_size;
    page.page_token = token;
    req.page = &page;
    req.category_id = category_id;
    req.channel_id = channel_id;
    then_ok(catalog_list_products(ctx, &req, rep));
    return rep;
}

static struct status finding(const char *slug, const char *locale, const char *store_id,
                             const char *channel_id, Catalog__V1__Product **ret_product)
{
    Catalog__V1__GetProductBySlugRequest req = CATALOG__V1__GET_PRODUCT_BY_SLUG_REQUEST__INIT;
    Catalog__V1__GetProductBySlugResponse rep = CATALOG__V1__GET_PRODUCT_BY_SLUG_RESPONSE__INIT;
    req.slug = slug;
    req.locale = locale;
    req.store_id = store_id;
    req.channel_id = channel_id;
    struct status status = catalog_get_product_by_slug(world_ctx(catalog), &req, &rep);
    *ret_product = rep.product;
    return status;
}

static Catalog__V1__Product *mug_in(const char *handle, const char *category_id)
{
    Catalog__V1__Product *product = mug(handle);
    product->n_category_ids = 1;
    product->category_ids = arena_new(words, const char *);
    product->category_ids[0] = category_id;
    return given_product(product);
}

START_TEST(a_slug_is_found_in_its_locale_else_its_language)
{
    given_catalog();
    Catalog__V1__Product *found;
    const char *store = uuid_text(words, uuid_v7());
    Catalog__V1__Product *english =
        given_product(product_of("{'texts': [{'locale': 'en', 'name': 'Cup'}]}"));
    Catalog__V1__Product *british =
        given_product(product_of("{'texts': [{'locale': 'en-GB', 'name': 'Cup'}]}"));
    Catalog__V1__Product *special = given_product(
        product_of("{'texts': [{'locale': 'en', 'name': 'Cup', 'storeId': '%s'}]}", store));

    then_ok(finding("cup", "en-GB", "", "", &found));
    ck_assert_str_eq(found->id, british->id);
    then_ok(finding("cup", "en-US", "", "", &found));
    ck_assert_str_eq(found->id, english->id);
    then_ok(finding("cup", "en", store, "", &found));
    ck_assert_str_eq(found->id, special->id);
    then_ok(finding("cup", "en", channel, "", &found)); // a store without texts of its own
    ck_assert_str_eq(found->id, english->id);
    then_reason(finding("cup", "de", "", "", &found), STATUS_NOT_FOUND, "PRODUCT_NOT_FOUND");
}
END_TEST

START_TEST(an_unpublished_slug_is_not_found_in_a_channel)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug")), *found;

    then_code(finding("mug-mug", "en", "", channel, &found), STATUS_NOT_FOUND);
    then_ok(publishing(product->id, clock_now_us() + 60000000, &product));
    then_code(finding("mug-mug", "en", "", channel, &found), STATUS_NOT_FOUND);
    then_ok(publishing(product->id, 1000000, &product));
    then_ok(finding("mug-mug", "en", "", channel, &found));
}
END_TEST

START_TEST(a_batch_keeps_its_order_and_leaves_gaps_out)
{
    given_catalog();
    Catalog__V1__BatchGetProductsRequest req = CATALOG__V1__BATCH_GET_PRODUCTS_REQUEST__INIT;
    Catalog__V1__BatchGetProductsResponse rep = CATALOG__V1__BATCH_GET_PRODUCTS_RESPONSE__INIT;
    const char *first = given_product(mug("a"))->id, *second = given_product(mug("b"))->id;
    req.n_ids = 3;
    req.ids = (const char *[]){second, channel, first};

    then_ok(catalog_batch_get_products(world_ctx(catalog), &req, &rep));

    ck_assert_uint_eq(rep.n_products, 2);
    ck_assert_str_eq(rep.products[0]->id, second);
    ck_assert_str_eq(rep.products[1]->id, first);
    ck_assert_str_eq(rep.products[1]->variants[0]->sku, "A-RED");
}
END_TEST

START_TEST(pages_follow_each_other)
{
    given_catalog();
    const char *ids[5];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = given_product(mug((const char *[]){"a", "b", "c", "d", "e"}[i]))->id;

    Catalog__V1__ListProductsResponse *page = listing("", "", 2, "");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ck_assert_str_eq(page->products[i % 2]->id, ids[i]);
        if (i % 2 == 1)
            page = listing("", "", 2, page->page->next_page_token);
    }
    ck_assert_uint_eq(page->n_products, 1);
    ck_assert_str_eq(page->page->next_page_token, "");
    ck_assert_ptr_null(page->valid_until);
}
END_TEST

START_TEST(a_category_lists_what_is_below_it_once)
{
    given_catalog();
    const char *kitchen = given_category("kitchen", "");
    const char *cups = given_category("cups", kitchen);
    const char *garden = given_category("garden", "");
    Catalog__V1__Product *both = mug_in("both", kitchen);
    mug_in("deep", cups);
    mug_in("other", garden);
    both->n_category_ids = 2;
    both->category_ids = (const char *[]){kitchen, cups};
    then_ok(updating(both, 0, &both));

    ck_assert_uint_eq(listing(kitchen, "", 20, "")->n_products, 2);
    ck_assert_uint_eq(listing(cups, "", 20, "")->n_products, 2);
    ck_assert_uint_eq(listing(garden, "", 20, "")->n_products, 1);
    Catalog__V1__ListProductsResponse *page = listing(kitchen, "", 1, "");
    ck_assert_str_eq(page->products[0]->handle, "both");
    page = listing(kitchen, "", 1, page->page->next_page_token);
    ck_assert_str_eq(page->products[0]->handle, "deep");
    ck_assert_str_eq(page->page->next_page_token, "");
    ck_assert_uint_eq(listing(kitchen, channel, 20, "")->n_products, 0); // nothing is published
}
END_TEST

START_TEST(a_list_of_a_channel_says_when_a_date_changes_it)
{
    given_catalog();
    const char *kitchen = given_category("kitchen", ""), *garden = given_category("garden", "");
    Catalog__V1__Product *shown = mug_in("shown", kitchen), *soon = mug_in("soon", kitchen);
    Catalog__V1__Product *later = mug_in("later", garden);
    int64_t now = clock_now_us();
    mug_in("draft", kitchen);
    then_ok(publishing(shown->id, 0, &shown));
    then_ok(publishing(soon->id, now + 60000000, &soon));
    then_ok(publishing(later->id, now + 90000000, &later));

    Catalog__V1__ListProductsResponse *page = listing("", channel, 20, "");
    ck_assert_uint_eq(page->n_products, 1);
    ck_assert_str_eq(page->products[0]->handle, "shown");
    ck_assert_int_eq(wire_time_us(page->valid_until), now + 60000000);
    page = listing(garden, channel, 20, "");
    ck_assert_uint_eq(page->n_products, 0);
    ck_assert_int_eq(wire_time_us(page->valid_until), now + 90000000);
    ck_assert_uint_eq(listing(kitchen, channel, 20, "")->n_products, 1);
}
END_TEST

START_TEST(a_page_token_of_nobody_is_refused)
{
    given_catalog();
    Catalog__V1__ListProductsRequest req = CATALOG__V1__LIST_PRODUCTS_REQUEST__INIT;
    Catalog__V1__ListProductsResponse rep = CATALOG__V1__LIST_PRODUCTS_RESPONSE__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    page.page_token = "nonsense";
    req.page = &page;

    then_reason(catalog_list_products(world_ctx(catalog), &req, &rep), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
}
END_TEST

void read_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "read");

    tcase_add_test(tcase, a_slug_is_found_in_its_locale_else_its_language);
    tcase_add_test(tcase, an_unpublished_slug_is_not_found_in_a_channel);
    tcase_add_test(tcase, a_batch_keeps_its_order_and_leaves_gaps_out);
    tcase_add_test(tcase, pages_follow_each_other);
    tcase_add_test(tcase, a_category_lists_what_is_below_it_once);
    tcase_add_test(tcase, a_list_of_a_channel_says_when_a_date_changes_it);
    tcase_add_test(tcase, a_page_token_of_nobody_is_refused);
}
