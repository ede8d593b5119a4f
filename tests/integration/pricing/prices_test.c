/* prices_test.c - prices supersede, never change, and say so once. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/clock.h"
#include "example.h"
#include "pricing/v1/events.schema.h"

#include <pthread.h>

START_TEST(a_new_price_supersedes_and_is_published)
{
    given_pricing();
    const char *list = given_list("base", 1);
    struct uuid mug = uuid_v7();
    given_price(list, mug, 1299);
    given_price(list, mug, 1199);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pricing.price"), 2);
    ck_assert_int_eq(
        world_sql_int("SELECT unit_unscaled FROM pricing.price WHERE valid_until = 'infinity'"),
        1199);
    ck_assert_int_eq(published(&PRICE_CHANGED), 2);
    then_published_as_example("pricing", &pricing__v1__price_changed__schema);
}
END_TEST

START_TEST(setting_what_holds_writes_and_tells_nothing)
{
    given_pricing();
    const char *list = given_list("base", 1);
    struct uuid mug = uuid_v7();
    int64_t changed;
    given_price(list, mug, 1299);

    then_ok(setting(list, mug, 1299, &changed));

    ck_assert_int_eq(changed, 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pricing.price"), 1);
    ck_assert_int_eq(published(&PRICE_CHANGED), 1);
}
END_TEST

START_TEST(the_sequence_of_a_list_has_no_gap)
{
    given_pricing();
    const char *list = given_list("base", 1);
    struct uuid mug = uuid_v7();
    for (int64_t cents = 1; cents <= 5; cents++)
        given_price(list, mug, cents);

    ck_assert_int_eq(world_sql_int("SELECT count(DISTINCT aggregate_version) FROM pricing.outbox"
                                   " WHERE topic = 'pricing.price.events.v1'"),
                     6);
    ck_assert_int_eq(world_sql_int("SELECT max(aggregate_version) FROM pricing.outbox"
                                   " WHERE topic = 'pricing.price.events.v1'"),
                     6);
}
END_TEST

START_TEST(a_price_for_a_list_that_is_not_there_is_refused)
{
    given_pricing();
    then_reason(setting(uuid_text(world_ctx(pricing)->arena, uuid_v7()), uuid_v7(), 1, NULL),
                STATUS_NOT_FOUND, "PRICE_LIST_NOT_FOUND");
}
END_TEST

START_TEST(a_negative_price_and_a_place_named_twice_are_refused)
{
    given_pricing();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__SetPricesRequest req = PRICING__V1__SET_PRICES_REQUEST__INIT;
    Pricing__V1__SetPricesResponse rep = PRICING__V1__SET_PRICES_RESPONSE__INIT;
    Pricing__V1__Price price = PRICING__V1__PRICE__INIT;
    Pricing__V1__Price *prices[] = {&price, &price};
    req.price_list_id = given_list("base", 1);
    price.variant_id = uuid_text(ctx->arena, uuid_v7());
    price.unit_price = wire_decimal(ctx->arena, (struct decimal){1, 0});
    req.n_prices = 2;
    req.prices = prices;
    then_reason(pricing_set_prices(ctx, &req, &rep), STATUS_INVALID_ARGUMENT, "BAD_PRICE");

    req.n_prices = 1;
    price.unit_price->unscaled = -1;
    then_reason(pricing_set_prices(world_ctx(pricing), &req, &rep), STATUS_INVALID_ARGUMENT,
                "BAD_PRICE");
}
END_TEST

START_TEST(a_price_that_would_end_before_it_starts_is_refused)
{
    given_pricing();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__SetPricesRequest req = PRICING__V1__SET_PRICES_REQUEST__INIT;
    Pricing__V1__SetPricesResponse rep = PRICING__V1__SET_PRICES_RESPONSE__INIT;
    Pricing__V1__Price price = PRICING__V1__PRICE__INIT;
    Pricing__V1__Price *prices[] = {&price};
    req.price_list_id = given_list("base", 1);
    price.variant_id = uuid_text(ctx->arena, uuid_v7());
    price.unit_price = wire_decimal(ctx->arena, (struct decimal){1, 0});
    price.valid_until = wire_time(ctx->arena, clock_now_us() - 1000000);
    req.n_prices = 1;
    req.prices = prices;

    then_reason(pricing_set_prices(ctx, &req, &rep), STATUS_INVALID_ARGUMENT, "BAD_VALIDITY");
}
END_TEST

START_TEST(a_row_that_was_charged_cannot_be_changed_by_the_daemons_role)
{
    given_pricing();
    given_price(given_list("base", 1), uuid_v7(), 100);

    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM information_schema.column_privileges"
                      " WHERE grantee = 'pricing_app' AND table_name = 'price'"
                      " AND privilege_type = 'UPDATE' AND column_name <> 'valid_until'"),
        0);
}
END_TEST

enum { WRITERS = 8, ROUNDS = 10 };

struct writer {
    pthread_t thread;
    struct ctx *ctx;
    const char *list;
    const char *variant;
    int number;
};

static void *write_prices(void *argument)
{
    struct writer *self = argument;
    for (int i = 0; i < ROUNDS; i++) {
        Pricing__V1__SetPricesRequest req = PRICING__V1__SET_PRICES_REQUEST__INIT;
        Pricing__V1__SetPricesResponse rep = PRICING__V1__SET_PRICES_RESPONSE__INIT;
        Pricing__V1__Price price = PRICING__V1__PRICE__INIT;
        Pricing__V1__Price *prices[] = {&price};
        price.variant_id = self->variant;
        price.unit_price =
            wire_decimal(self->ctx->arena, (struct decimal){self->number * 1000 + i, 2});
        req.price_list_id = self->list;
        req.n_prices = 1;
        req.prices = prices;
        struct status status = pricing_set_prices(self->ctx, &req, &rep);
        if (status.code != STATUS_OK)
            return self;
        ctx_renew(self->ctx, 10000);
    }
    return NULL;
}

START_TEST(writers_at_once_leave_one_price_and_no_overlap)
{
    given_pricing();
    struct writer writers[WRITERS];
    struct arena *arena = world_ctx(pricing)->arena;
    const char *list = given_list("base", 1);
    const char *variant = uuid_text(arena, uuid_v7());
    for (int i = 0; i < WRITERS; i++)
        writers[i] = (struct writer){
            .ctx = world_ctx(pricing), .list = list, .variant = variant, .number = i + 1};
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i].thread, NULL, write_prices, &writers[i]);
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(writers[i].thread, &failed);
        ck_assert_ptr_null(failed);
    }

    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM pricing.price WHERE valid_until = 'infinity'"), 1);
    ck_assert_int_eq(published(&PRICE_CHANGED), WRITERS * ROUNDS);
}
END_TEST

void prices_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "prices");

    tcase_add_test(tcase, a_new_price_supersedes_and_is_published);
    tcase_add_test(tcase, setting_what_holds_writes_and_tells_nothing);
    tcase_add_test(tcase, the_sequence_of_a_list_has_no_gap);
    tcase_add_test(tcase, a_price_for_a_list_that_is_not_there_is_refused);
    tcase_add_test(tcase, a_negative_price_and_a_place_named_twice_are_refused);
    tcase_add_test(tcase, a_price_that_would_end_before_it_starts_is_refused);
    tcase_add_test(tcase, a_row_that_was_charged_cannot_be_changed_by_the_daemons_role);
    tcase_add_test(tcase, writers_at_once_leave_one_price_and_no_overlap);
}
