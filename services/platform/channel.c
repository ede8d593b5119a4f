/* channel.c - channels: where a store sells, in which currencies, languages and countries.
 *
 * A storefront names its channel by the publishable key. It is no secret: it may be given, and
 * changed while storefronts move to the new one. */
#include "platform.h"

#include "common/str.h"
#include "events/outbox.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.handlers.h"

#include <sodium.h>
#include <string.h>

const struct event_kind CHANNEL_CHANGED = {
    .topic = "platform.channel.events.v1",
    .body = &platform__v1__channel_changed__schema,
    .key_doc = "channel id",
};

const struct error_def CHANNEL_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "CHANNEL_CODE_TAKEN",
                                             "codes are unique; another channel has it"};
const struct error_def CHANNEL_NOT_FOUND = {STATUS_NOT_FOUND, "CHANNEL_NOT_FOUND",
                                            "the id of a channel that ListChannels shows"};
const struct error_def PUBLISHABLE_KEY_TAKEN = {
    STATUS_ALREADY_EXISTS, "PUBLISHABLE_KEY_TAKEN",
    "leave publishableKey empty and one is made for you"};

enum { KEY_LENGTH = 32 };

static struct status validate(struct ctx *ctx, const Platform__V1__Channel *channel);
static struct status explain(struct ctx *ctx, struct db_tx *tx,
                             const Platform__V1__Channel *channel, struct status status);
static struct status publish(struct db_tx *tx, const Platform__V1__Channel *channel);
static const char *make_publishable_key(struct ctx *ctx);

struct status platform_create_channel(struct ctx *ctx,
                                      const Platform__V1__CreateChannelRequest *req,
                                      Platform__V1__CreateChannelResponse *rep)
{
    Platform__V1__Channel *channel = req->channel;
    struct uuid id = uuid_v7();
    bool is_added = false;

    TRY(validate(ctx, channel));
    channel->id = uuid_text(ctx->arena, id);
    channel->version = 1;
    if (str_is_empty(channel->publishable_key))
        channel->publishable_key = make_publishable_key(ctx);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_channel(tx, channel, &is_added);
    if (added.code != STATUS_OK)
        return explain(ctx, tx, channel, added);
    if (!is_added)
        return ctx_fail(ctx, &TOO_MANY_SETTINGS, "there are %d channels", CHANNELS_MAX);
    TRY(publish(tx, channel));
    TRY(db_audit(tx, "create_channel", id, NULL));
    rep->channel = channel;
    return db_commit(&tx);
}

struct status platform_update_channel(struct ctx *ctx,
                                      const Platform__V1__UpdateChannelRequest *req,
                                      Platform__V1__UpdateChannelResponse *rep)
{
    Platform__V1__Channel *channel = req->channel, *stored;

    TRY(validate(ctx, channel));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_channel(tx, channel->id, &stored));
    TRY(ctx_check_version(ctx, req->expected_version, stored->version));
    channel->version = stored->version + 1;
    if (str_is_empty(channel->publishable_key))
        channel->publishable_key = stored->publishable_key;
    struct status changed = store_change_channel(tx, channel);
    if (changed.code != STATUS_OK)
        return explain(ctx, tx, channel, changed);
    TRY(publish(tx, channel));
    TRY(db_audit(tx, "update_channel", parsed(channel->id), NULL));
    rep->channel = channel;
    return db_commit(&tx);
}

struct status platform_list_channels(struct ctx *ctx, const Platform__V1__ListChannelsRequest *req,
                                     Platform__V1__ListChannelsResponse *rep)
{
    (void)req;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_list_channels(tx, &rep->channels, &rep->n_channels);
}

struct status platform_get_channel_by_key(struct ctx *ctx,
                                          const Platform__V1__GetChannelByKeyRequest *req,
                                          Platform__V1__GetChannelByKeyResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_find_channel_by_key(tx, req->publishable_key, &rep->channel, &rep->store);
}

static struct status validate(struct ctx *ctx, const Platform__V1__Channel *channel)
{
    check_code(ctx, "channel.code", channel->code, is_code, "letters, digits, '-', '_' and '.'");
    check_codes(ctx, "channel.currencyCodes", channel->currency_codes, channel->n_currency_codes,
                is_currency_code, "three capital letters");
    check_codes(ctx, "channel.locales", channel->locales, channel->n_locales, is_locale,
                "a BCP 47 tag: de, de-AT");
    check_codes(ctx, "channel.countryCodes", channel->country_codes, channel->n_country_codes,
                is_country_code, "two capital letters");
    if (!str_is_empty(channel->publishable_key))
        check_code(ctx, "channel.publishableKey", channel->publishable_key, is_code,
                   "letters, digits, '-', '_' and '.'");
    return check_done(ctx, "channel");
}

/* A store function met one of our own constraints: say which. */
static struct status explain(struct ctx *ctx, struct db_tx *tx,
                             const Platform__V1__Channel *channel, struct status status)
{
    const char *constraint = db_constraint(tx);

    if (str_equal(constraint, "channel_code_unique"))
        return ctx_fail_field(ctx, &CHANNEL_CODE_TAKEN, "channel.code", channel->code,
                              "a code that no other channel has");
    if (str_equal(constraint, "channel_key_unique"))
        return ctx_fail_field(ctx, &PUBLISHABLE_KEY_TAKEN, "channel.publishableKey",
                              channel->publishable_key, "a key that no other channel has");
    if (str_equal(constraint, "channel_store_id_fkey"))
        return ctx_fail_field(ctx, &STORE_NOT_FOUND, "channel.storeId", channel->store_id,
                              "the id of a store");
    return status;
}

static struct status publish(struct db_tx *tx, const Platform__V1__Channel *channel)
{
    Platform__V1__ChannelChanged event = PLATFORM__V1__CHANNEL_CHANGED__INIT;

    event.channel_id = channel->id;
    event.code = channel->code;
    event.store_id = channel->store_id;
    event.is_active = channel->is_active;
    event.currency_codes = channel->currency_codes;
    event.n_currency_codes = channel->n_currency_codes;
    event.locales = channel->locales;
    event.n_locales = channel->n_locales;
    return outbox_add(tx, &CHANNEL_CHANGED, parsed(channel->id), channel->version, &event);
}

static const char *make_publishable_key(struct ctx *ctx)
{
    static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char key[KEY_LENGTH + 1] = {0};

    for (size_t i = 0; i < KEY_LENGTH; i++)
        key[i] = DIGITS[randombytes_uniform((uint32_t)strlen(DIGITS))];
    return arena_printf(ctx->arena, "pk_%s", key);
}
