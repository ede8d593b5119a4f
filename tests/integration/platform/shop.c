/* shop.c - what tests of platform are given, do and find. */
#include "suites.h"

#include <string.h>

struct daemon *platform;

void given_platform(void)
{
    platform = world_start(&PLATFORM);
}

const char *given_store(const char *code)
{
    Platform__V1__CreateStoreRequest req = PLATFORM__V1__CREATE_STORE_REQUEST__INIT;
    Platform__V1__CreateStoreResponse rep = PLATFORM__V1__CREATE_STORE_RESPONSE__INIT;
    Platform__V1__Store store = PLATFORM__V1__STORE__INIT;

    store.code = code;
    store.name = "Example Shop";
    store.legal_entity = "Example GmbH";
    store.country_code = "DE";
    store.sender_email = "shop@example.org";
    req.store = &store;
    then_ok(platform_create_store(world_ctx(platform), &req, &rep));
    return rep.store->id;
}

struct status creating_channel(Platform__V1__Channel *channel, Platform__V1__Channel **ret_channel)
{
    Platform__V1__CreateChannelRequest req = PLATFORM__V1__CREATE_CHANNEL_REQUEST__INIT;
    Platform__V1__CreateChannelResponse rep = PLATFORM__V1__CREATE_CHANNEL_RESPONSE__INIT;

    req.channel = channel;
    TRY(platform_create_channel(world_ctx(platform), &req, &rep));
    *ret_channel = rep.channel;
    return status_ok();
}

struct status updating_channel(Platform__V1__Channel *channel, int64_t expected_version,
                               Platform__V1__Channel **ret_channel)
{
    Platform__V1__UpdateChannelRequest req = PLATFORM__V1__UPDATE_CHANNEL_REQUEST__INIT;
    Platform__V1__UpdateChannelResponse rep = PLATFORM__V1__UPDATE_CHANNEL_RESPONSE__INIT;

    req.channel = channel;
    req.expected_version = expected_version;
    TRY(platform_update_channel(world_ctx(platform), &req, &rep));
    *ret_channel = rep.channel;
    return status_ok();
}

Platform__V1__Channel *given_channel(const char *store_id, const char *code)
{
    static const char *currencies[] = {"EUR", "CHF"};
    static const char *locales[] = {"de", "en"};
    static const char *countries[] = {"DE", "AT", "CH"};
    Platform__V1__Channel *channel = arena_new(world_ctx(platform)->arena, Platform__V1__Channel);

    platform__v1__channel__init(channel);
    channel->store_id = store_id;
    channel->code = code;
    channel->name = code;
    channel->currency_codes = currencies;
    channel->n_currency_codes = ARRAY_LEN(currencies);
    channel->locales = locales;
    channel->n_locales = ARRAY_LEN(locales);
    channel->country_codes = countries;
    channel->n_country_codes = ARRAY_LEN(countries);
    channel->prices_include_tax = true;
    channel->is_active = true;
    then_ok(creating_channel(channel, &channel));
    return channel;
}

int64_t published(const struct event_kind *kind)
{
    const char *name = kind->body->descriptor->name;

    return world_sql_int("SELECT count(*) FROM platform.outbox"
                         " WHERE position(convert_to('ce_type', 'UTF8') || '\\x00%02zx'::bytea"
                         "                || convert_to('%s', 'UTF8') IN headers) > 0",
                         strlen(name), name);
}
