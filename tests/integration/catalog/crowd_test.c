/* crowd_test.c - many writers at once: each key has one owner, and no answer is an accident. */
#include "suites.h"

#include <pthread.h>

enum { WRITERS = 4, ROUNDS = 6, SHARED = 8 };

struct writer {
    pthread_t thread;
    struct ctx *ctx;
    Catalog__V1__Product *products[SHARED];
    Catalog__V1__UpsertProductsResponse rep;
    struct status status;
};

static void *upsert(void *closure)
{
    struct writer *writer = closure;
    Catalog__V1__UpsertProductsRequest req = CATALOG__V1__UPSERT_PRODUCTS_REQUEST__INIT;

    catalog__v1__upsert_products_response__init(&writer->rep);
    req.n_products = SHARED;
    req.products = writer->products;
    writer->status = catalog_upsert_products(writer->ctx, &req, &writer->rep);
    return NULL;
}

static void run(struct writer writers[WRITERS])
{
    for (size_t i = 0; i < WRITERS; i++)
        writers[i].ctx = world_ctx(catalog);
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, upsert, &writers[i]), 0);
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_join(writers[i].thread, NULL), 0);
}

START_TEST(the_same_products_at_once_are_created_once)
{
    given_catalog();
    for (int round = 0; round < ROUNDS; round++) {
        struct writer writers[WRITERS];
        int created = 0;
        for (size_t i = 0; i < WRITERS; i++)
            for (size_t j = 0; j < SHARED; j++) // each in an order of its own
                writers[i].products[(j + i * 3) % SHARED] =
                    mug(arena_printf(words, "mug-%d-%zu", round, j));

        run(writers);

        for (size_t i = 0; i < WRITERS; i++) {
            then_ok(writers[i].status);
            for (size_t j = 0; j < SHARED; j++) {
                Catalog__V1__UpsertOutcome outcome = writers[i].rep.results[j]->outcome;
                created += outcome == CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_CREATED;
                ck_assert_int_ne(outcome, CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_REFUSED);
            }
        }
        ck_assert_int_eq(created, SHARED);
    }
    then_events_are_gapless();
}
END_TEST

START_TEST(one_sku_wanted_by_many_goes_to_one)
{
    given_catalog();
    for (int round = 0; round < ROUNDS; round++) {
        struct writer writers[WRITERS];
        int refused = 0;
        for (size_t i = 0; i < WRITERS; i++)
            for (size_t j = 0; j < SHARED; j++) {
                writers[i].products[j] = mug(arena_printf(words, "mug-%d-%zu-%zu", round, i, j));
                writers[i].products[j]->texts[0]->name = "One name";
            }
        for (size_t i = 0; i < WRITERS; i++)
            writers[i].products[i]->variants[0]->sku = arena_printf(words, "SHARED-%d", round);

        run(writers);

        for (size_t i = 0; i < WRITERS; i++) {
            then_ok(writers[i].status);
            for (size_t j = 0; j < SHARED; j++)
                refused += writers[i].rep.results[j]->outcome ==
                           CATALOG__V1__UPSERT_OUTCOME__UPSERT_OUTCOME_REFUSED;
        }
        ck_assert_int_eq(refused, WRITERS - 1);
    }
    ck_assert_int_eq(world_sql_int("SELECT count(*) - count(DISTINCT slug)"
                                   " FROM catalog.product_text"),
                     0);
    then_events_are_gapless();
}
END_TEST

static void *lease(void *closure)
{
    struct writer *writer = closure;
    Catalog__V1__LeaseImportRequest req = CATALOG__V1__LEASE_IMPORT_REQUEST__INIT;
    Catalog__V1__LeaseImportResponse rep = CATALOG__V1__LEASE_IMPORT_RESPONSE__INIT;
    req.runner = "one of many";
    req.lease_ms = 60000;
    writer->status = catalog_lease_import(writer->ctx, &req, &rep);
    return NULL;
}

START_TEST(an_import_is_leased_to_one_of_many)
{
    given_catalog();
    struct writer writers[WRITERS];
    int leased = 0;
    world_sql("INSERT INTO catalog.import (id, state, channel_id, price_list_id, warehouse_id,"
              " locale, tax_category_code, file_name)"
              " SELECT id, 2, id, id, id, 'en', '', '' FROM (SELECT gen_random_uuid() AS id) made");
    for (size_t i = 0; i < WRITERS; i++)
        writers[i].ctx = world_ctx(catalog);

    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, lease, &writers[i]), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(pthread_join(writers[i].thread, NULL), 0);
        leased += writers[i].status.code == STATUS_OK;
    }

    ck_assert_int_eq(leased, 1);
}
END_TEST

void crowd_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "crowd");

    tcase_add_test(tcase, the_same_products_at_once_are_created_once);
    tcase_add_test(tcase, one_sku_wanted_by_many_goes_to_one);
    tcase_add_test(tcase, an_import_is_leased_to_one_of_many);
}
