/* shipping_test.c - shipping options and whom they serve. */
#include "suites.h"

#include "example.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.client.h"

static struct status creating(Platform__V1__ShippingOption *option,
                              Platform__V1__ShippingOption **ret_option)
{
    Platform__V1__CreateShippingOptionRequest req =
        PLATFORM__V1__CREATE_SHIPPING_OPTION_REQUEST__INIT;
    Platform__V1__CreateShippingOptionResponse rep =
        PLATFORM__V1__CREATE_SHIPPING_OPTION_RESPONSE__INIT;

    req.shipping_option = option;
    TRY(platform_create_shipping_option(world_ctx(platform), &req, &rep));
    *ret_option = rep.shipping_option;
    return status_ok();
}

static struct status updating(Platform__V1__ShippingOption *option, int64_t expected_version,
                              Platform__V1__ShippingOption **ret_option)
{
    Platform__V1__UpdateShippingOptionRequest req =
        PLATFORM__V1__UPDATE_SHIPPING_OPTION_REQUEST__INIT;
    Platform__V1__UpdateShippingOptionResponse rep =
        PLATFORM__V1__UPDATE_SHIPPING_OPTION_RESPONSE__INIT;

    req.shipping_option = option;
    req.expected_version = expected_version;
    TRY(platform_update_shipping_option(world_ctx(platform), &req, &rep));
    *ret_option = rep.shipping_option;
    return status_ok();
}

/* For `country` ("" for all), in euro. */
static Platform__V1__ShippingOption *option_of(const char *channel_id, const char *code,
                                               const char *country)
{
    struct arena *arena = world_ctx(platform)->arena;
    Platform__V1__ShippingOption *option = arena_new(arena, Platform__V1__ShippingOption);

    platform__v1__shipping_option__init(option);
    option->channel_id = channel_id;
    option->code = code;
    option->n_names = 1;
    option->names = arena_array(arena, Platform__V1__ShippingOption__NamesEntry *, 1);
    option->names[0] = arena_new(arena, Platform__V1__ShippingOption__NamesEntry);
    platform__v1__shipping_option__names_entry__init(option->names[0]);
    option->names[0]->key = "de";
    option->names[0]->value = "Paket";
    option->n_country_codes = country[0] != '\0';
    option->country_codes = arena_array(arena, const char *, 1);
    option->country_codes[0] = country;
    option->n_prices = 1;
    option->prices = arena_array(arena, Common__V1__Money *, 1);
    option->prices[0] = arena_new(arena, Common__V1__Money);
    common__v1__money__init(option->prices[0]);
    option->prices[0]->currency_code = "EUR";
    option->prices[0]->minor_units = 490;
    option->is_gross = true;
    option->home_country_code = "DE";
    option->tax_category_code = "standard";
    option->is_active = true;
    return option;
}

static size_t listed(const char *channel_id, const char *country, const char *currency)
{
    Platform__V1__ListShippingOptionsRequest req =
        PLATFORM__V1__LIST_SHIPPING_OPTIONS_REQUEST__INIT;
    Platform__V1__ListShippingOptionsResponse rep =
        PLATFORM__V1__LIST_SHIPPING_OPTIONS_RESPONSE__INIT;

    req.channel_id = channel_id;
    req.country_code = country;
    req.currency_code = currency;
    then_ok(platform_list_shipping_options(world_ctx(platform), &req, &rep));
    return rep.n_shipping_options;
}

START_TEST(an_option_serves_a_country_and_a_currency)
{
    given_platform();
    const char *store_id = given_store("main");
    const char *eu = given_channel(store_id, "eu")->id, *other = given_channel(store_id, "x")->id;
    Platform__V1__ShippingOption *stored;

    then_ok(creating(option_of(eu, "everywhere", ""), &stored));
    then_ok(creating(option_of(eu, "germany", "DE"), &stored));
    then_ok(creating(option_of(other, "germany", "DE"), &stored));
    stored->is_active = false;
    then_ok(updating(stored, 1, &stored));

    ck_assert_uint_eq(listed(eu, "DE", "EUR"), 2);
    ck_assert_uint_eq(listed(eu, "AT", "EUR"), 1);
    ck_assert_uint_eq(listed(eu, "DE", "CHF"), 0);
    ck_assert_uint_eq(listed(eu, "US", ""), 0);
    ck_assert_uint_eq(listed(other, "DE", ""), 0);
    ck_assert_uint_eq(listed(other, "", ""), 1);
    ck_assert_uint_eq(listed("", "", ""), 3);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    given_platform();
    const char *eu = given_channel(given_store("main"), "eu")->id;
    Platform__V1__GetShippingOptionRequest req = PLATFORM__V1__GET_SHIPPING_OPTION_REQUEST__INIT;
    const Platform__V1__GetShippingOptionResponse *found;
    Platform__V1__ShippingOption *stored;

    then_ok(creating(option_of(eu, "standard", "DE"), &stored));
    req.id = stored->id;
    then_ok(platform_v1_get_shipping_option(world_client(), &req, &found));

    ck_assert_str_eq(found->shipping_option->names[0]->key, "de");
    ck_assert_str_eq(found->shipping_option->names[0]->value, "Paket");
    ck_assert_int_eq(found->shipping_option->prices[0]->minor_units, 490);
    ck_assert_str_eq(found->shipping_option->country_codes[0], "DE");
    ck_assert_str_eq(found->shipping_option->home_country_code, "DE");
    ck_assert_int_eq(found->shipping_option->version, 1);
    then_published_as_example("platform", &platform__v1__shipping_option_changed__schema);
    req.id = uuid_text(world_ctx(platform)->arena, uuid_v7());
    then_reason(platform_v1_get_shipping_option(world_client(), &req, &found), STATUS_NOT_FOUND,
                "SHIPPING_OPTION_NOT_FOUND");
}
END_TEST

START_TEST(an_option_that_makes_no_sense_is_refused)
{
    given_platform();
    const char *eu = given_channel(given_store("main"), "eu")->id;
    Platform__V1__ShippingOption *option = option_of(eu, "standard", "DE"), *stored;

    then_ok(creating(option, &stored));
    then_reason(creating(option_of(eu, "standard", "DE"), &stored), STATUS_ALREADY_EXISTS,
                "SHIPPING_OPTION_CODE_TAKEN");
    const char *nowhere = uuid_text(world_ctx(platform)->arena, uuid_v7());
    then_reason(creating(option_of(nowhere, "standard", "DE"), &stored), STATUS_NOT_FOUND,
                "CHANNEL_NOT_FOUND");
    option = option_of(eu, "gross", "DE");
    option->home_country_code = "";
    then_reason(creating(option, &stored), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    option = option_of(eu, "negative", "DE");
    option->prices[0]->minor_units = -1;
    then_reason(creating(option, &stored), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    option = option_of(eu, "late", "DE");
    then_ok(creating(option, &stored));
    then_reason(updating(stored, 7, &stored), STATUS_ABORTED, "VERSION_CONFLICT");
}
END_TEST

void shipping_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "shipping");

    tcase_add_test(tcase, an_option_serves_a_country_and_a_currency);
    tcase_add_test(tcase, what_is_written_is_read);
    tcase_add_test(tcase, an_option_that_makes_no_sense_is_refused);
}
