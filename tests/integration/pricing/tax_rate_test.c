/* tax_rate_test.c - rates follow each other without gap or overlap. */
#include "suites.h"

#include "chassis/wire.h"
#include "example.h"
#include "pricing/v1/events.schema.h"

static const char *country = "DE";

static struct status setting_rate(const char *category, int64_t percent, int64_t from_us,
                                  int64_t until_us)
{
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__UpsertTaxRateRequest req = PRICING__V1__UPSERT_TAX_RATE_REQUEST__INIT;
    Pricing__V1__UpsertTaxRateResponse rep = PRICING__V1__UPSERT_TAX_RATE_RESPONSE__INIT;
    Pricing__V1__TaxRate rate = PRICING__V1__TAX_RATE__INIT;
    rate.tax_category_code = category;
    rate.country_code = country;
    rate.name = "USt";
    rate.percentage = wire_decimal(ctx->arena, (struct decimal){percent, 0});
    rate.valid_from = wire_time(ctx->arena, from_us);
    rate.valid_until = wire_time(ctx->arena, until_us);
    req.tax_rate = &rate;
    return pricing_upsert_tax_rate(ctx, &req, &rep);
}

START_TEST(a_new_rate_ends_the_old_one_and_both_are_told)
{
    given_pricing();
    then_ok(setting_rate("standard", 19, 1000000, 0));
    then_ok(setting_rate("standard", 16, 2000000, 0));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pricing.tax_rate"
                                   " WHERE valid_until <> 'infinity'"),
                     1);
    ck_assert_int_eq(published(&TAX_RATE_CHANGED), 3); // set, ended, set
    then_published_as_example("pricing", &pricing__v1__tax_rate_changed__schema);
}
END_TEST

START_TEST(the_same_rate_again_changes_nothing)
{
    given_pricing();
    then_ok(setting_rate("standard", 19, 1000000, 0));
    then_ok(setting_rate("standard", 19, 1500000, 0));

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pricing.tax_rate"), 1);
    ck_assert_int_eq(published(&TAX_RATE_CHANGED), 1);
}
END_TEST

START_TEST(an_unknown_category_and_a_wild_percentage_are_refused)
{
    given_pricing();
    then_reason(setting_rate("books", 7, 0, 0), STATUS_FAILED_PRECONDITION, "UNKNOWN_TAX_CATEGORY");
    then_reason(setting_rate("standard", -1, 0, 0), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(setting_rate("standard", 1001, 0, 0), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(a_country_is_two_capitals)
{
    static const char *const WRONG[] = {"0", "de", "DEU", "D1"};

    given_pricing();
    country = WRONG[_i];
    then_reason(setting_rate("standard", 19, 0, 0), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    country = "DE";
}
END_TEST

START_TEST(a_rate_in_the_way_of_a_scheduled_one_is_refused)
{
    given_pricing();
    then_ok(setting_rate("standard", 19, 5000000, 0));
    then_reason(setting_rate("standard", 16, 1000000, 0), STATUS_INVALID_ARGUMENT, "BAD_VALIDITY");
    then_ok(setting_rate("standard", 16, 1000000, 5000000));
    then_reason(setting_rate("standard", 3, 900000, 800000), STATUS_INVALID_ARGUMENT,
                "BAD_VALIDITY");
}
END_TEST

START_TEST(currencies_and_categories_are_listed)
{
    given_pricing();
    Pricing__V1__ListCurrenciesRequest currencies = PRICING__V1__LIST_CURRENCIES_REQUEST__INIT;
    Pricing__V1__ListCurrenciesResponse known = PRICING__V1__LIST_CURRENCIES_RESPONSE__INIT;
    Pricing__V1__ListTaxCategoriesRequest categories =
        PRICING__V1__LIST_TAX_CATEGORIES_REQUEST__INIT;
    Pricing__V1__ListTaxCategoriesResponse named = PRICING__V1__LIST_TAX_CATEGORIES_RESPONSE__INIT;
    Pricing__V1__ListTaxRatesRequest rates = PRICING__V1__LIST_TAX_RATES_REQUEST__INIT;
    Pricing__V1__ListTaxRatesResponse found = PRICING__V1__LIST_TAX_RATES_RESPONSE__INIT;
    given_rate("DE", 19);
    given_rate("FR", 20);

    then_ok(pricing_list_currencies(world_ctx(pricing), &currencies, &known));
    ck_assert_str_eq(known.currencies[0]->code, "EUR");
    then_ok(pricing_list_tax_categories(world_ctx(pricing), &categories, &named));
    ck_assert_str_eq(named.tax_categories[0]->code, "standard");
    rates.country_code = "FR";
    then_ok(pricing_list_tax_rates(world_ctx(pricing), &rates, &found));
    ck_assert_int_eq((int)found.n_tax_rates, 1);
    ck_assert_int_eq(found.tax_rates[0]->percentage->unscaled, 20);
}
END_TEST

START_TEST(a_currency_is_three_capitals)
{
    given_pricing();
    Pricing__V1__UpsertCurrencyRequest req = PRICING__V1__UPSERT_CURRENCY_REQUEST__INIT;
    Pricing__V1__UpsertCurrencyResponse rep = PRICING__V1__UPSERT_CURRENCY_RESPONSE__INIT;
    Pricing__V1__Currency currency = PRICING__V1__CURRENCY__INIT;
    currency.code = "eur";
    req.currency = &currency;
    then_reason(pricing_upsert_currency(world_ctx(pricing), &req, &rep), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
}
END_TEST

void tax_rate_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "tax rates");

    tcase_add_test(tcase, a_new_rate_ends_the_old_one_and_both_are_told);
    tcase_add_test(tcase, the_same_rate_again_changes_nothing);
    tcase_add_test(tcase, an_unknown_category_and_a_wild_percentage_are_refused);
    tcase_add_loop_test(tcase, a_country_is_two_capitals, 0, 4);
    tcase_add_test(tcase, a_rate_in_the_way_of_a_scheduled_one_is_refused);
    tcase_add_test(tcase, currencies_and_categories_are_listed);
    tcase_add_test(tcase, a_currency_is_three_capitals);
}
