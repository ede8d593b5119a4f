/* snapshot_test.c - what a cart or an order line remembers of a variant. */
#include "suites.h"

static Catalog__V1__VariantSnapshot *snapshot(const char *variant_id, const char *locale)
{
    struct ctx *ctx = world_ctx(catalog);
    Catalog__V1__BatchGetVariantsRequest req = CATALOG__V1__BATCH_GET_VARIANTS_REQUEST__INIT;
    Catalog__V1__BatchGetVariantsResponse rep = CATALOG__V1__BATCH_GET_VARIANTS_RESPONSE__INIT;
    req.n_ids = 2;
    req.ids = (const char *[]){channel, variant_id}; // the first is nobody's
    req.locale = locale;
    req.channel_id = channel;
    then_ok(catalog_batch_get_variants(ctx, &req, &rep));
    ck_assert_uint_eq(rep.n_variants, 1);
    return rep.variants[0];
}

START_TEST(a_snapshot_holds_what_a_line_needs)
{
    given_catalog();
    const char *kitchen = given_category("kitchen", "");
    const char *cups = given_category("cups", kitchen);
    Catalog__V1__Product *product = mug("mug");
    product->n_category_ids = 1;
    product->category_ids = (const char *[]){cups};
    product = given_product(product);

    Catalog__V1__VariantSnapshot *red = snapshot(product->variants[0]->id, "en");
    Catalog__V1__VariantSnapshot *blue = snapshot(product->variants[1]->id, "en");

    ck_assert_str_eq(red->product_id, product->id);
    ck_assert_str_eq(red->sku, "MUG-RED");
    ck_assert_str_eq(red->name, "Mug mug");
    ck_assert_str_eq(red->slug, "mug-mug");
    ck_assert_uint_eq(red->n_options, 1);
    ck_assert_str_eq(red->options[0]->name, "Colour");
    ck_assert_str_eq(red->options[0]->value, "red");
    ck_assert_str_eq(red->tax_category_code, "standard");
    ck_assert_int_eq(red->weight_grams, 310);
    ck_assert_str_eq(red->image_url, "https://img/mug.jpg");
    ck_assert_uint_eq(red->n_category_ids, 2); // its own and the one above
    ck_assert_int_eq(red->product_version, 1);
    ck_assert(!red->is_published);
    ck_assert_str_eq(blue->tax_category_code, "reduced"); // its own win over the product's
    ck_assert_str_eq(blue->image_url, "https://img/blue.jpg");
    then_ok(publishing(product->id, 0, &product));
    ck_assert(snapshot(product->variants[0]->id, "en")->is_published);
}
END_TEST

START_TEST(a_name_comes_in_the_nearest_locale)
{
    given_catalog();
    Catalog__V1__Product *product =
        given_product(product_of("{'texts': [{'locale': 'fr', 'name': 'Tasse'},"
                                 " {'locale': 'de-AT', 'name': 'Haeferl'},"
                                 " {'locale': 'de', 'name': 'Becher'},"
                                 " {'locale': 'en-GB', 'name': 'Mug'}],"
                                 " 'variants': [{'sku': 'T'}]}"));
    static const char *const CASES[][2] = {
        {"de-AT", "de-AT"}, {"de-CH", "de"}, {"de", "de"}, {"en", "en-GB"},
        {"en-US", "en-GB"}, {"it", "fr"},    {"", "fr"},
    };

    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        ck_assert_str_eq(snapshot(product->variants[0]->id, CASES[i][0])->locale, CASES[i][1]);
}
END_TEST

void snapshot_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "snapshot");

    tcase_add_test(tcase, a_snapshot_holds_what_a_line_needs);
    tcase_add_test(tcase, a_name_comes_in_the_nearest_locale);
}
