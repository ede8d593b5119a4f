/* shipping_test.c - shipping options and whom they serve. */
#include "suites.h"

#include "example.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.client.h"

#define OPERATOR(name) COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_##name

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

/* `fact operator value`, as the only node. */
static void on_condition(Platform__V1__ShippingOption *option, const char *fact,
                         Common__V1__ConditionOperator operator_, const char *value)
{
    struct arena *arena = world_ctx(platform)->arena;
    Common__V1__Condition *condition = arena_new(arena, Common__V1__Condition);

    common__v1__condition__init(condition);
    condition->parent = -1;
    condition->operator_ = operator_;
    condition->fact = fact;
    condition->n_values = 1;
    condition->values = arena_array(arena, const char *, 1);
    condition->values[0] = value;
    option->n_conditions = 1;
    option->conditions = arena_array(arena, Common__V1__Condition *, 1);
    option->conditions[0] = condition;
}

/* For a cart of that subtotal in euro, to DE. */
static const Platform__V1__ListShippingOptionsResponse *offered(const char *channel_id,
                                                                int64_t subtotal_minor)
{
    Platform__V1__ListShippingOptionsRequest req =
        PLATFORM__V1__LIST_SHIPPING_OPTIONS_REQUEST__INIT;
    Platform__V1__CartFacts cart = PLATFORM__V1__CART_FACTS__INIT;
    const Platform__V1__ListShippingOptionsResponse *rep;

    cart.subtotal_minor = subtotal_minor;
    cart.quantity = 1;
    req.channel_id = channel_id;
    req.country_code = "DE";
    req.currency_code = "EUR";
    req.cart = &cart;
    then_ok(platform_v1_list_shipping_options(world_client(), &req, &rep));
    return rep;
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

START_TEST(conditions_decide_which_carts_an_option_is_for)
{
    given_platform();
    const char *eu = given_channel(given_store("main"), "eu")->id;
    Platform__V1__ShippingOption *option = option_of(eu, "express", "DE"), *express, *standard;

    on_condition(option, "cart.subtotal", OPERATOR(GE), "5000");
    then_ok(creating(option, &express));
    then_ok(creating(option_of(eu, "standard", ""), &standard));

    const Platform__V1__ListShippingOptionsResponse *small = offered(eu, 4999);
    ck_assert_uint_eq(small->n_shipping_options, 1);
    ck_assert_str_eq(small->shipping_options[0]->id, standard->id);
    ck_assert_uint_eq(small->n_unmet, 1);
    ck_assert_str_eq(small->unmet[0]->shipping_option_id, express->id);
    ck_assert_str_eq(small->unmet[0]->missing, "cart.subtotal is 4999, must be at least 5000");
    ck_assert_uint_eq(offered(eu, 5000)->n_shipping_options, 2);
    ck_assert_uint_eq(offered(eu, 5000)->n_unmet, 0);
    ck_assert_uint_eq(listed(eu, "DE", "EUR"), 2); // without a cart they are not asked
}
END_TEST

START_TEST(a_condition_of_time_is_asked_of_the_clock)
{
    given_platform();
    const char *eu = given_channel(given_store("main"), "eu")->id;
    Platform__V1__ShippingOption *option = option_of(eu, "over", "DE"), *stored;

    on_condition(option, "context.time", OPERATOR(LT), "2020-01-01T00:00:00Z");
    then_ok(creating(option, &stored));
    option = option_of(eu, "running", "DE");
    on_condition(option, "context.time", OPERATOR(GE), "2020-01-01T00:00:00Z");
    then_ok(creating(option, &stored));

    const Platform__V1__ListShippingOptionsResponse *now = offered(eu, 100);
    ck_assert_uint_eq(now->n_shipping_options, 1);
    ck_assert_str_eq(now->shipping_options[0]->code, "running");
    ck_assert_uint_eq(now->n_unmet, 1);
}
END_TEST

START_TEST(conditions_are_kept_changed_and_taken_away)
{
    given_platform();
    const char *eu = given_channel(given_store("main"), "eu")->id;
    Platform__V1__GetShippingOptionRequest req = PLATFORM__V1__GET_SHIPPING_OPTION_REQUEST__INIT;
    const Platform__V1__GetShippingOptionResponse *found;
    Platform__V1__ShippingOption *option = option_of(eu, "light", "DE"), *stored;

    on_condition(option, "cart.weight", OPERATOR(LE), "30000");
    then_ok(creating(option, &stored));
    req.id = stored->id;
    then_ok(platform_v1_get_shipping_option(world_client(), &req, &found));
    ck_assert_uint_eq(found->shipping_option->n_conditions, 1);
    ck_assert_int_eq(found->shipping_option->conditions[0]->parent, -1);
    ck_assert_int_eq(found->shipping_option->conditions[0]->operator_, OPERATOR(LE));
    ck_assert_str_eq(found->shipping_option->conditions[0]->fact, "cart.weight");
    ck_assert_str_eq(found->shipping_option->conditions[0]->values[0], "30000");

    on_condition(stored, "cart.weight", OPERATOR(LE), "20000");
    then_ok(updating(stored, 1, &stored));
    then_ok(platform_v1_get_shipping_option(world_client(), &req, &found));
    ck_assert_str_eq(found->shipping_option->conditions[0]->values[0], "20000");

    stored->n_conditions = 0;
    then_ok(updating(stored, 2, &stored));
    then_ok(platform_v1_get_shipping_option(world_client(), &req, &found));
    ck_assert_uint_eq(found->shipping_option->n_conditions, 0);
}
END_TEST

START_TEST(conditions_that_make_no_rule_are_refused)
{
    given_platform();
    const char *eu = given_channel(given_store("main"), "eu")->id;
    Platform__V1__ShippingOption *option = option_of(eu, "standard", "DE"), *stored;

    on_condition(option, "cart.weather", OPERATOR(EQ), "sunny");
    struct status refused = creating(option, &stored);
    then_reason(refused, STATUS_INVALID_ARGUMENT, "INVALID_RULE");
    ck_assert_str_eq(refused.violations->field, "shippingOption.conditions[0].fact");

    then_ok(creating(option_of(eu, "standard", "DE"), &stored));
    on_condition(stored, "cart.subtotal", OPERATOR(GE), "much");
    then_reason(updating(stored, 1, &stored), STATUS_INVALID_ARGUMENT, "INVALID_RULE");
    ck_assert_uint_eq(offered(eu, 0)->n_shipping_options, 1);
}
END_TEST

void shipping_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "shipping");

    tcase_add_test(tcase, an_option_serves_a_country_and_a_currency);
    tcase_add_test(tcase, what_is_written_is_read);
    tcase_add_test(tcase, an_option_that_makes_no_sense_is_refused);
    tcase_add_test(tcase, conditions_decide_which_carts_an_option_is_for);
    tcase_add_test(tcase, a_condition_of_time_is_asked_of_the_clock);
    tcase_add_test(tcase, conditions_are_kept_changed_and_taken_away);
    tcase_add_test(tcase, conditions_that_make_no_rule_are_refused);
}
