/* publication_test.c - where a product is published, and since when. */
#include "suites.h"

#include "common/clock.h"
#include "example.h"

START_TEST(publishing_is_told_once)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug")), *again;

    then_ok(publishing(product->id, 0, &product));
    then_ok(publishing(product->id, 0, &again));

    ck_assert_int_eq(product->version, 2);
    ck_assert_int_eq(again->version, 2);
    ck_assert_uint_eq(again->n_publications, 1);
    ck_assert_ptr_nonnull(again->publications[0]->publish_time);
    ck_assert_uint_eq(again->n_variants, 2);
    ck_assert_int_eq(published(&PRODUCT_PUBLISHED), 1);
    then_published_as_example("catalog", &catalog__v1__product_published__schema);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.audit"
                                   " WHERE action = 'publish_product'"),
                     1);
    then_events_are_gapless();
}
END_TEST

START_TEST(unpublishing_is_told_once)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug"));

    then_ok(unpublishing(product->id, &product));
    ck_assert_int_eq(product->version, 1); // it never was
    then_ok(publishing(product->id, 0, &product));
    then_ok(unpublishing(product->id, &product));
    then_ok(unpublishing(product->id, &product));

    ck_assert_int_eq(product->version, 3);
    ck_assert_int_eq(published(&PRODUCT_UNPUBLISHED), 1);
    ck_assert_ptr_null(product->publications[0]->publish_time);
    then_published_as_example("catalog", &catalog__v1__product_unpublished__schema);
    then_events_are_gapless();
}
END_TEST

START_TEST(a_date_moves_a_publication)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug"));
    int64_t tomorrow = clock_now_us() + 86400000000;

    then_ok(publishing(product->id, tomorrow, &product));
    ck_assert_int_eq(product->publications[0]->publish_time->seconds, tomorrow / 1000000);
    then_ok(publishing(product->id, 0, &product)); // now, not tomorrow

    ck_assert_int_lt(product->publications[0]->publish_time->seconds, tomorrow / 1000000 - 80000);
    ck_assert_int_eq(product->version, 3);
    ck_assert_int_eq(published(&PRODUCT_PUBLISHED), 2);
}
END_TEST

START_TEST(an_update_leaves_publications_alone)
{
    given_catalog();
    Catalog__V1__Product *product = given_product(mug("mug"));
    then_ok(publishing(product->id, 0, &product));
    product->vendor = "Other";
    product->n_publications = 0;

    then_ok(updating(product, 0, &product));

    ck_assert_uint_eq(product->n_publications, 1);
    then_reason(publishing(channel, 0, &product), STATUS_NOT_FOUND, "PRODUCT_NOT_FOUND");
}
END_TEST

void publication_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "publication");

    tcase_add_test(tcase, publishing_is_told_once);
    tcase_add_test(tcase, unpublishing_is_told_once);
    tcase_add_test(tcase, a_date_moves_a_publication);
    tcase_add_test(tcase, an_update_leaves_publications_alone);
}
