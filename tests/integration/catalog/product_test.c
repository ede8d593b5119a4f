/* product_test.c - products as the back office edits them. */
#include "suites.h"

#include "catalog/v1/service.client.h"
#include "common/str.h"
#include "example.h"

#include <string.h>

/* Both answers are the same product. */
static void then_same(const Catalog__V1__Product *a, const Catalog__V1__Product *b)
{
    size_t length = catalog__v1__product__get_packed_size(a);
    struct arena *arena = words;
    uint8_t *left = arena_alloc(arena, length);
    uint8_t *right = arena_alloc(arena, length);

    ck_assert_uint_eq(catalog__v1__product__get_packed_size(b), length);
    catalog__v1__product__pack(a, left);
    catalog__v1__product__pack(b, right);
    ck_assert_mem_eq(left, right, length);
}

START_TEST(a_product_reads_as_it_was_written_and_is_published)
{
    given_catalog();
    Catalog__V1__Product *asked = mug("mug");
    asked->n_category_ids = 1;
    asked->category_ids = (const char *[]){given_category("kitchen", "")};
    asked->tags = (const char *[]){"a \"quoted\" one, {with} \\ all"};

    Catalog__V1__Product *created = given_product(asked);

    Catalog__V1__Product *read;
    then_ok(getting(created->id, &read));
    then_same(read, created);
    ck_assert_int_eq(read->version, 1);
    ck_assert_str_eq(read->texts[0]->slug, "mug-mug");
    ck_assert_str_eq(read->tags[0], "a \"quoted\" one, {with} \\ all");
    ck_assert_uint_eq(read->options[0]->n_values, 2);
    ck_assert_str_eq(read->options[0]->values[1], "blue");
    ck_assert_str_eq(read->variants[1]->sku, "MUG-BLUE");
    ck_assert_int_eq(read->variants[1]->position, 1);
    then_published_as_example("catalog", &catalog__v1__product_created__schema);
    then_published_as_example("catalog", &catalog__v1__variant_created__schema);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.audit"
                                   " WHERE action = 'create_product'"),
                     1);
    then_events_are_gapless();
}
END_TEST

START_TEST(what_is_wrong_is_named_with_what_is_allowed)
{
    given_catalog();
    Catalog__V1__Product *product;
    struct status status =
        creating(product_of("{'texts': [{'locale': 'EN', 'name': 'A', 'slug': '-a'}],"
                            " 'options': [{'name': 'Size'}],"
                            " 'variants': [{'sku': 'A', 'optionValues': ['S']},"
                            "              {'sku': 'A', 'optionValues': ['S', 'M']}]}"),
                 &product);

    then_reason(status, STATUS_INVALID_ARGUMENT, "INVALID_PRODUCT");
    size_t count = 0;
    for (const struct violation *v = status.violations; v != NULL; v = v->next)
        count++;
    ck_assert_uint_eq(count, 4); // locale, slug, SKU, number of values
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.outbox"), 0);
}
END_TEST

START_TEST(a_product_too_large_for_its_events_is_refused)
{
    given_catalog();
    Catalog__V1__Product *asked = product_of("{'handle': 'big', 'texts': [{'locale': 'en',"
                                             "'name': 'A'}, {'locale': 'de', 'name': 'B'},"
                                             " {'locale': 'fr', 'name': 'C'},"
                                             " {'locale': 'it', 'name': 'D'}]}");
    char *long_text = arena_alloc(words, 60001);
    memset(long_text, 'x', 60000);
    for (size_t i = 0; i < 4; i++)
        asked->texts[i]->description_html = long_text;

    then_reason(creating(asked, &asked), STATUS_INVALID_ARGUMENT, "INVALID_PRODUCT");
}
END_TEST

START_TEST(keys_of_others_are_taken)
{
    given_catalog();
    Catalog__V1__Product *other, *asked = mug("mug");
    asked->texts[0]->slug = "a-mug";
    given_product(asked);

    then_reason(creating(mug("mug"), &other), STATUS_ALREADY_EXISTS, "HANDLE_TAKEN");
    asked = mug("cup");
    asked->variants[1]->sku = "MUG-RED";
    then_reason(creating(asked, &other), STATUS_ALREADY_EXISTS, "SKU_TAKEN");
    asked = mug("cup");
    asked->texts[0]->slug = "a-mug";
    then_reason(creating(asked, &other), STATUS_ALREADY_EXISTS, "SLUG_TAKEN");
    asked = mug("cup");
    asked->n_category_ids = 1;
    asked->category_ids = (const char *[]){channel};
    then_reason(creating(asked, &other), STATUS_FAILED_PRECONDITION, "UNKNOWN_CATEGORY");
    ck_assert_int_eq(published(&PRODUCT_CREATED), 1);
}
END_TEST

START_TEST(a_slug_of_ours_steps_aside)
{
    given_catalog();
    static const char *const WANTED[] = {"brown-mug", "brown-mug-2", "brown-mug-3"};

    for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
        Catalog__V1__Product *created =
            given_product(product_of("{'texts': [{'locale': 'en', 'name': 'Brown Mug'}]}"));
        ck_assert_str_eq(created->texts[0]->slug, WANTED[i]);
        ck_assert(str_starts_with(created->handle, "brown-mug"));
    }
    Catalog__V1__Product *german =
        given_product(product_of("{'texts': [{'locale': 'de', 'name': 'Brown Mug'}]}"));
    ck_assert_str_eq(german->texts[0]->slug, "brown-mug");
}
END_TEST

START_TEST(an_update_replaces_and_tells_what_changed)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug"));
    Catalog__V1__Product *updated;
    const char *red = product->variants[0]->id, *blue = product->variants[1]->id;

    product->texts[0]->name = "Cup";
    product->texts[0]->slug = "";
    product->variants[0]->barcode = "4006381333931";
    Catalog__V1__Variant *green =
        arena_memdup(words, product->variants[1], sizeof *product->variants[1]);
    green->id = "";
    green->sku = "MUG-GREEN";
    green->option_values = (const char *[]){"green"};
    product->variants[1] = green;
    then_ok(updating(product, 1, &updated));

    ck_assert_int_eq(updated->version, 2);
    ck_assert_str_eq(updated->texts[0]->slug, "mug-mug"); // a new name breaks no link
    ck_assert_str_eq(updated->variants[0]->id, red);
    ck_assert_int_eq(updated->variants[0]->version, 2);
    ck_assert_str_ne(updated->variants[1]->id, blue);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.variant"), 2);
    Catalog__V1__Product *read;
    then_ok(getting(product->id, &read));
    then_same(read, updated);
    then_published_as_example("catalog", &catalog__v1__product_updated__schema);
    then_published_as_example("catalog", &catalog__v1__variant_updated__schema);
    then_published_as_example("catalog", &catalog__v1__variant_removed__schema);
    then_events_are_gapless();
}
END_TEST

START_TEST(an_update_that_changes_nothing_writes_nothing)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug")), *updated;
    int64_t before = world_sql_int("SELECT count(*) FROM catalog.outbox");

    then_ok(updating(product, 0, &updated));

    ck_assert_int_eq(updated->version, 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.outbox"), before);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.audit"), 1);
}
END_TEST

START_TEST(an_update_of_an_old_version_is_refused)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug")), *updated;
    product->vendor = "Other";
    then_ok(updating(product, 1, &updated));

    then_reason(updating(product, 1, &updated), STATUS_ABORTED, "VERSION_CONFLICT");
    product->id = channel;
    then_reason(updating(product, 0, &updated), STATUS_NOT_FOUND, "PRODUCT_NOT_FOUND");
    product->id = "";
    then_reason(updating(product, 0, &updated), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(getting(channel, &updated), STATUS_NOT_FOUND, "PRODUCT_NOT_FOUND");
}
END_TEST

START_TEST(skus_of_one_product_may_be_swapped)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug")), *updated;
    const char *red = product->variants[0]->id;
    product->variants[0]->sku = "MUG-BLUE";
    product->variants[1]->sku = "MUG-RED";

    then_ok(updating(product, 0, &updated));

    ck_assert_str_eq(updated->variants[0]->id, red);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.variant"
                                   " WHERE id = '%s' AND sku = 'MUG-BLUE'",
                                   red),
                     1);
    product->variants[1]->id = channel;
    then_reason(updating(product, 0, &updated), STATUS_NOT_FOUND, "VARIANT_NOT_FOUND");
}
END_TEST

START_TEST(a_retry_with_the_same_key_creates_once)
{
    given_catalog();
    struct ctx *client = world_client();
    Catalog__V1__CreateProductRequest req = CATALOG__V1__CREATE_PRODUCT_REQUEST__INIT;
    const char *ids[2];
    req.product = mug("mug");

    for (size_t i = 0; i < 2; i++) {
        struct rpc_call call = catalog_v1_create_product_call(&req);
        call.idempotency_key = "mug-1";
        then_ok(rpc_call_one(client, &call));
        ids[i] =
            ((const Catalog__V1__CreateProductResponse *)(const void *)call.reply)->product->id;
    }

    ck_assert_str_eq(ids[0], ids[1]);
    ck_assert_int_eq(published(&PRODUCT_CREATED), 1);
}
END_TEST

void product_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "product");

    tcase_add_test(tcase, a_product_reads_as_it_was_written_and_is_published);
    tcase_add_test(tcase, what_is_wrong_is_named_with_what_is_allowed);
    tcase_add_test(tcase, a_product_too_large_for_its_events_is_refused);
    tcase_add_test(tcase, keys_of_others_are_taken);
    tcase_add_test(tcase, a_slug_of_ours_steps_aside);
    tcase_add_test(tcase, an_update_replaces_and_tells_what_changed);
    tcase_add_test(tcase, an_update_that_changes_nothing_writes_nothing);
    tcase_add_test(tcase, an_update_of_an_old_version_is_refused);
    tcase_add_test(tcase, skus_of_one_product_may_be_swapped);
    tcase_add_test(tcase, a_retry_with_the_same_key_creates_once);
}
