/* upsert_test.c - products by handle: each stands for itself, and twice is once. */
#include "suites.h"

#include "common/str.h"

enum { CREATED = 1, UPDATED, UNCHANGED, REFUSED };

static Catalog__V1__UpsertProductsResponse *upserting(Catalog__V1__Product **products, size_t count)
{
    struct ctx *ctx = world_ctx(catalog);
    Catalog__V1__UpsertProductsRequest req = CATALOG__V1__UPSERT_PRODUCTS_REQUEST__INIT;
    Catalog__V1__UpsertProductsResponse *rep =
        arena_new(ctx->arena, Catalog__V1__UpsertProductsResponse);
    catalog__v1__upsert_products_response__init(rep);
    req.n_products = count;
    req.products = products;
    then_ok(catalog_upsert_products(ctx, &req, rep));
    ck_assert_uint_eq(rep->n_results, count);
    return rep;
}

static Catalog__V1__UpsertProductResult *upserting_one(Catalog__V1__Product *product)
{
    return upserting(&product, 1)->results[0];
}

static void publish(Catalog__V1__Product *product, Catalog__V1__PublicationState state)
{
    struct arena *arena = words;
    product->n_publications = 1;
    product->publications = arena_new(arena, Catalog__V1__ProductPublication *);
    product->publications[0] = arena_new(arena, Catalog__V1__ProductPublication);
    catalog__v1__product_publication__init(product->publications[0]);
    product->publications[0]->channel_id = channel;
    product->publications[0]->state = state;
}

START_TEST(twice_is_once)
{
    given_catalog();
    Catalog__V1__Product *products[] = {mug("a"), mug("b")};
    publish(products[0], CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED);
    publish(products[1], CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT);

    Catalog__V1__UpsertProductsResponse *first = upserting(products, 2);
    int64_t events = world_sql_int("SELECT count(*) FROM catalog.outbox");
    Catalog__V1__UpsertProductsResponse *second = upserting(products, 2);

    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(first->results[i]->outcome, CREATED);
        ck_assert_int_eq(second->results[i]->outcome, UNCHANGED);
        ck_assert_str_eq(first->results[i]->product->id, second->results[i]->product->id);
        ck_assert_str_eq(first->results[i]->product->variants[1]->id,
                         second->results[i]->product->variants[1]->id);
    }
    ck_assert_int_eq(events, 2 + 1 + 4); // products, one publication, variants
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.outbox"), events);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.audit"), 2);
    then_events_are_gapless();
}
END_TEST

START_TEST(a_refused_product_harms_no_other)
{
    given_catalog();
    given_product(mug("owner"));
    Catalog__V1__Product *products[] = {
        mug("a"), mug("b"), mug("c"), mug("a"), mug("d"), mug("e"), mug("f"), mug("g"),
    };
    products[1]->variants[1]->sku = "OWNER-RED";
    products[2]->variants[0]->sku = "A-RED"; // of the first in this request
    products[4]->variants[1]->n_option_values = 0;
    products[5]->handle = "";
    products[6]->texts[0]->slug = "mug-owner";

    Catalog__V1__UpsertProductsResponse *rep = upserting(products, ARRAY_LEN(products));

    static const struct {
        int outcome;
        const char *reason;
        int32_t variant_index;
    } WANTED[] = {
        {CREATED, "", -1},
        {REFUSED, "SKU_TAKEN", 1},
        {REFUSED, "SKU_TAKEN", 0},
        {REFUSED, "DUPLICATE_PRODUCT", -1},
        {REFUSED, "INVALID_PRODUCT", 1},
        {REFUSED, "INVALID_PRODUCT", -1},
        {REFUSED, "SLUG_TAKEN", -1},
        {CREATED, "", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
        ck_assert_int_eq(rep->results[i]->outcome, WANTED[i].outcome);
        ck_assert_str_eq(rep->results[i]->reason, WANTED[i].reason);
        ck_assert_int_eq(rep->results[i]->variant_index, WANTED[i].variant_index);
        ck_assert((rep->results[i]->product == NULL) == (WANTED[i].outcome == REFUSED));
    }
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.product"), 3);
    then_events_are_gapless();
}
END_TEST

START_TEST(variants_that_are_not_named_stay)
{
    given_catalog();
    upserting_one(mug("mug"));
    Catalog__V1__Product *asked = mug("mug");
    asked->variants[0]->sku = "MUG-GREEN";
    asked->variants[0]->option_values = (const char *[]){"green"};
    asked->n_variants = 1;

    Catalog__V1__UpsertProductResult *result = upserting_one(asked);

    ck_assert_int_eq(result->outcome, UPDATED);
    ck_assert_uint_eq(result->product->n_variants, 3);
    ck_assert_str_eq(result->product->variants[0]->sku, "MUG-GREEN");
    ck_assert_uint_eq(result->product->options[0]->n_values, 3);
    ck_assert_int_eq(published(&VARIANT_REMOVED), 0);
    asked->n_options = 0;
    asked->variants[0]->n_option_values = 0;
    ck_assert_str_eq(upserting_one(asked)->reason, "INVALID_PRODUCT"); // the others have a colour
}
END_TEST

START_TEST(languages_and_categories_that_are_not_named_stay)
{
    given_catalog();
    const char *kitchen = given_category("kitchen", "");
    Catalog__V1__Product *stored = given_product(
        product_of("{'handle':'cup','texts':[{'locale':'en','name':'Cup'},{'locale':'de','name':"
                   "'Tasse'}],'variants':[{'sku':'CUP'}],'categoryIds':['%s']}",
                   kitchen));
    Catalog__V1__Product *english = product_of(
        "{'handle':'cup','texts':[{'locale':'en','name':'Cup'}],'variants':[{'sku':'CUP'}]}");
    Catalog__V1__Product *renamed = product_of(
        "{'handle':'cup','texts':[{'locale':'en','name':'Mug'}],'variants':[{'sku':'CUP'}]}");

    ck_assert_int_eq(upserting_one(english)->outcome, UNCHANGED);
    const Catalog__V1__UpsertProductResult *result = upserting_one(renamed);

    ck_assert_int_eq(result->outcome, UPDATED);
    ck_assert_uint_eq(result->product->n_texts, stored->n_texts);
    ck_assert_uint_eq(result->product->n_category_ids, 1);
    ck_assert_str_eq(result->product->category_ids[0], kitchen);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM catalog.product_text WHERE name IN ('Mug', 'Tasse')"),
        2);
}
END_TEST

START_TEST(publications_are_applied)
{
    given_catalog();
    Catalog__V1__Product *asked = mug("mug");
    publish(asked, CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED);
    ck_assert_int_eq(upserting_one(asked)->product->version, 2); // created, then published
    asked->vendor = "Other";
    publish(asked, CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT);

    Catalog__V1__UpsertProductResult *result = upserting_one(asked);

    ck_assert_int_eq(result->outcome, UPDATED);
    ck_assert_int_eq(result->product->version, 4);
    ck_assert_int_eq(published(&PRODUCT_UNPUBLISHED), 1);
    then_events_are_gapless();
}
END_TEST

START_TEST(names_alike_get_slugs_apart)
{
    given_catalog();
    Catalog__V1__Product *products[] = {mug("a"), mug("b")};
    products[0]->texts[0]->name = products[1]->texts[0]->name = "Caf\303\251 Stra\303\237e";

    Catalog__V1__UpsertProductsResponse *rep = upserting(products, 2);

    ck_assert_str_eq(rep->results[0]->product->texts[0]->slug, "cafe-strasse");
    ck_assert_str_eq(rep->results[1]->product->texts[0]->slug, "cafe-strasse-2");
    ck_assert_int_eq(upserting(products, 2)->results[1]->outcome, UNCHANGED);
}
END_TEST

START_TEST(a_full_request_goes_in_at_once)
{
    given_catalog();
    Catalog__V1__Product *products[PRODUCTS_MAX];
    for (size_t i = 0; i < PRODUCTS_MAX; i++)
        products[i] = mug(arena_printf(words, "mug-%zu", i));

    upserting(products, PRODUCTS_MAX);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.variant"), 2 * PRODUCTS_MAX);
    for (size_t i = 0; i < PRODUCTS_MAX; i += 2)
        products[i]->vendor = "Other";
    Catalog__V1__UpsertProductsResponse *rep = upserting(products, PRODUCTS_MAX);
    for (size_t i = 0; i < PRODUCTS_MAX; i++)
        ck_assert_int_eq(rep->results[i]->outcome, i % 2 == 0 ? UPDATED : UNCHANGED);
    then_events_are_gapless();
}
END_TEST

void upsert_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "upsert");

    tcase_add_test(tcase, twice_is_once);
    tcase_add_test(tcase, a_refused_product_harms_no_other);
    tcase_add_test(tcase, variants_that_are_not_named_stay);
    tcase_add_test(tcase, languages_and_categories_that_are_not_named_stay);
    tcase_add_test(tcase, publications_are_applied);
    tcase_add_test(tcase, names_alike_get_slugs_apart);
    tcase_add_test(tcase, a_full_request_goes_in_at_once);
}
