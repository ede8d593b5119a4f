/* channel_test.c - stores and channels. */
#include "suites.h"

#include "common/str.h"
#include "example.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.client.h"

#include <string.h>

START_TEST(a_channel_gets_a_key_and_is_found_by_it_with_its_store)
{
    given_platform();
    const char *store_id = given_store("main");
    Platform__V1__Channel *channel = given_channel(store_id, "eu");
    Platform__V1__GetChannelByKeyRequest req = PLATFORM__V1__GET_CHANNEL_BY_KEY_REQUEST__INIT;
    const Platform__V1__GetChannelByKeyResponse *found;

    req.publishable_key = channel->publishable_key;
    then_ok(platform_v1_get_channel_by_key(world_client(), &req, &found));

    ck_assert_uint_eq(strlen(channel->publishable_key), 35);
    ck_assert(str_starts_with(channel->publishable_key, "pk_"));
    ck_assert_str_eq(found->channel->id, channel->id);
    ck_assert_uint_eq(found->channel->n_currency_codes, 2);
    ck_assert_str_eq(found->channel->currency_codes[1], "CHF");
    ck_assert_str_eq(found->channel->country_codes[2], "CH");
    ck_assert_str_eq(found->store->id, store_id);
    ck_assert_str_eq(found->store->legal_entity, "Example GmbH");
    then_published_as_example("platform", &platform__v1__channel_changed__schema);
    req.publishable_key = "pk_unknown";
    then_reason(platform_v1_get_channel_by_key(world_client(), &req, &found), STATUS_NOT_FOUND,
                "CHANNEL_NOT_FOUND");
}
END_TEST

START_TEST(codes_and_keys_belong_to_one)
{
    given_platform();
    const char *store_id = given_store("main");
    Platform__V1__Channel eu = *given_channel(store_id, "eu");
    Platform__V1__Channel us = *given_channel(store_id, "us"), *stored;
    Platform__V1__CreateStoreRequest req = PLATFORM__V1__CREATE_STORE_REQUEST__INIT;
    Platform__V1__CreateStoreResponse rep = PLATFORM__V1__CREATE_STORE_RESPONSE__INIT;
    Platform__V1__Store store = PLATFORM__V1__STORE__INIT;

    us.publishable_key = eu.publishable_key;
    then_reason(updating_channel(&us, 0, &stored), STATUS_ALREADY_EXISTS, "PUBLISHABLE_KEY_TAKEN");
    us.publishable_key = "";
    us.code = "eu";
    then_reason(creating_channel(&us, &stored), STATUS_ALREADY_EXISTS, "CHANNEL_CODE_TAKEN");
    us.code = "other";
    us.store_id = uuid_text(world_ctx(platform)->arena, uuid_v7());
    then_reason(creating_channel(&us, &stored), STATUS_NOT_FOUND, "STORE_NOT_FOUND");
    store.code = "main";
    store.name = store.legal_entity = "x";
    store.country_code = "DE";
    req.store = &store;
    then_reason(platform_create_store(world_ctx(platform), &req, &rep), STATUS_ALREADY_EXISTS,
                "STORE_CODE_TAKEN");
}
END_TEST

START_TEST(a_change_keeps_the_key_and_counts_the_version)
{
    given_platform();
    Platform__V1__Channel channel = *given_channel(given_store("main"), "eu"), *stored;
    const char *key = channel.publishable_key;

    channel.publishable_key = "";
    channel.is_active = false;
    then_ok(updating_channel(&channel, 1, &stored));
    ck_assert_str_eq(stored->publishable_key, key);
    ck_assert_int_eq(stored->version, 2);
    then_reason(updating_channel(&channel, 1, &stored), STATUS_ABORTED, "VERSION_CONFLICT");
    channel.id = uuid_text(world_ctx(platform)->arena, uuid_v7());
    then_reason(updating_channel(&channel, 0, &stored), STATUS_NOT_FOUND, "CHANNEL_NOT_FOUND");

    ck_assert_int_eq(published(&CHANNEL_CHANGED), 2);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM platform.audit"), 3);
}
END_TEST

static struct refused {
    const char *label, *field;
    const char *currency, *locale, *country;
} REFUSED[] = {
    {"currency", "channel.currencyCodes[0]", "eur", "de", "DE"},
    {"locale", "channel.locales[0]", "EUR", "german_language", "DE"},
    {"country", "channel.countryCodes[0]", "EUR", "de", "GER"},
};

START_TEST(codes_have_their_form)
{
    given_platform();
    Platform__V1__Channel channel = *given_channel(given_store("main"), "eu"), *stored;
    struct refused *refused = &REFUSED[_i];

    channel.currency_codes = &refused->currency;
    channel.locales = &refused->locale;
    channel.country_codes = &refused->country;
    channel.n_currency_codes = channel.n_locales = channel.n_country_codes = 1;
    struct status status = updating_channel(&channel, 0, &stored);
    then_reason(status, STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    ck_assert_str_eq(status.violations->field, refused->field);
}
END_TEST

START_TEST(a_retry_with_the_same_key_makes_one_channel)
{
    given_platform();
    Platform__V1__Channel channel = *given_channel(given_store("main"), "eu");
    Platform__V1__CreateChannelRequest req = PLATFORM__V1__CREATE_CHANNEL_REQUEST__INIT;
    struct ctx *client = world_client();
    const char *ids[2];

    channel.id = "";
    channel.code = "us";
    channel.publishable_key = "";
    req.channel = &channel;
    for (size_t i = 0; i < 2; i++) {
        struct rpc_call call = platform_v1_create_channel_call(&req);
        call.idempotency_key = "once";
        then_ok(rpc_call_one(client, &call));
        ids[i] =
            ((const Platform__V1__CreateChannelResponse *)(const void *)call.reply)->channel->id;
    }
    ck_assert_str_eq(ids[0], ids[1]);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM platform.channel"), 2);
}
END_TEST

START_TEST(lists_are_whole_and_bounded)
{
    given_platform();
    const char *store_id = given_store("main");
    Platform__V1__Channel channel = *given_channel(store_id, "eu"), *stored;
    Platform__V1__ListChannelsRequest req = PLATFORM__V1__LIST_CHANNELS_REQUEST__INIT;
    Platform__V1__ListChannelsResponse rep = PLATFORM__V1__LIST_CHANNELS_RESPONSE__INIT;
    Platform__V1__ListStoresRequest stores = PLATFORM__V1__LIST_STORES_REQUEST__INIT;
    Platform__V1__ListStoresResponse listed = PLATFORM__V1__LIST_STORES_RESPONSE__INIT;

    world_sql("INSERT INTO platform.channel SELECT gen_random_uuid(), store_id, 'c' || n, name,"
              " currency_codes, locales, country_codes, true, true, 1, 'pk_' || n"
              " FROM platform.channel, generate_series(1, 99) AS n");
    then_ok(platform_list_channels(world_ctx(platform), &req, &rep));
    then_ok(platform_list_stores(world_ctx(platform), &stores, &listed));
    ck_assert_uint_eq(rep.n_channels, 100);
    ck_assert_uint_eq(listed.n_stores, 1);
    channel.code = "one-more";
    channel.publishable_key = "";
    then_reason(creating_channel(&channel, &stored), STATUS_RESOURCE_EXHAUSTED,
                "TOO_MANY_SETTINGS");
}
END_TEST

void channel_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "channel");

    tcase_add_test(tcase, a_channel_gets_a_key_and_is_found_by_it_with_its_store);
    tcase_add_test(tcase, codes_and_keys_belong_to_one);
    tcase_add_test(tcase, a_change_keeps_the_key_and_counts_the_version);
    tcase_add_loop_test(tcase, codes_have_their_form, 0, (int)ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, a_retry_with_the_same_key_makes_one_channel);
    tcase_add_test(tcase, lists_are_whole_and_bounded);
}
