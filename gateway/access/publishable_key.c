/* publishable_key.c - which channel a storefront's request is for, and in which currency, country
 * and language. */
#include "access/access.h"
#include "access/negotiate.h"
#include "access/reply_cache.h"
#include "gateway.h"

#include "platform/v1/service.client.h"

#include <string.h>

const struct error_def PUBLISHABLE_KEY_REQUIRED = {
    STATUS_UNAUTHENTICATED, "PUBLISHABLE_KEY_REQUIRED",
    "send Torg-Publishable-Key: the publishable key of the channel"};
const struct error_def PUBLISHABLE_KEY_UNKNOWN = {
    STATUS_UNAUTHENTICATED, "PUBLISHABLE_KEY_UNKNOWN",
    "take the key from GET /admin/v1/channels; the channel must be active"};
const struct error_def CHANNEL_NOT_FOUND = {STATUS_NOT_FOUND, "CHANNEL_NOT_FOUND",
                                            "take the id from GET /admin/v1/channels"};

static const char *const *list_of(struct ctx *ctx, const char *const *items, size_t count)
{
    const char **list = arena_array(ctx->arena, const char *, count + 1);
    if (count > 0)
        memcpy(list, items, count * sizeof *list);
    return list;
}

static const struct storefront_channel *
channel_of(struct ctx *ctx, const Platform__V1__GetChannelByKeyResponse *from)
{
    struct storefront_channel *channel = arena_new(ctx->arena, struct storefront_channel);
    const Platform__V1__Channel *c = from->channel;
    *channel = (struct storefront_channel){
        .channel_id = c->id,
        .channel_code = c->code,
        .store_id = c->store_id,
        .store_name = from->store ? from->store->name : "",
        .legal_entity = from->store ? from->store->legal_entity : "",
        .tax_id = from->store ? from->store->tax_id : "",
        .currency_codes = list_of(ctx, (const char *const *)c->currency_codes, c->n_currency_codes),
        .locales = list_of(ctx, (const char *const *)c->locales, c->n_locales),
        .country_codes = list_of(ctx, (const char *const *)c->country_codes, c->n_country_codes),
        .prices_include_tax = c->prices_include_tax,
    };
    return channel;
}

static struct status find_by_key(struct ctx *ctx, const char *key,
                                 const Platform__V1__GetChannelByKeyResponse **ret_found)
{
    struct gateway *self = ctx_state(ctx);
    Platform__V1__GetChannelByKeyRequest request = PLATFORM__V1__GET_CHANNEL_BY_KEY_REQUEST__INIT;
    int64_t epoch;
    const char *cache_key = arena_printf(ctx->arena, "key:%s", key);
    *ret_found = (const void *)reply_cache_get(
        self->channels, ctx, cache_key, &platform__v1__get_channel_by_key_response__descriptor,
        &epoch);
    if (*ret_found)
        return status_ok();

    request.publishable_key = key;
    struct status status = platform_v1_get_channel_by_key(ctx, &request, ret_found);
    if (status.code == STATUS_NOT_FOUND || status.code == STATUS_INVALID_ARGUMENT)
        return ctx_fail(ctx, &PUBLISHABLE_KEY_UNKNOWN, "no channel has this key");
    TRY(status);
    reply_cache_put(self->channels, ctx, cache_key, &(*ret_found)->base, epoch);
    return status_ok();
}

static struct status find_by_id(struct ctx *ctx, const char *id,
                                Platform__V1__GetChannelByKeyResponse *found)
{
    Platform__V1__ListChannelsRequest channels = PLATFORM__V1__LIST_CHANNELS_REQUEST__INIT;
    Platform__V1__ListStoresRequest stores = PLATFORM__V1__LIST_STORES_REQUEST__INIT;
    struct rpc_call calls[] = {platform_v1_list_channels_call(&channels),
                               platform_v1_list_stores_call(&stores)};
    rpc_call_all(ctx, calls, ARRAY_LEN(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        TRY(calls[i].status);

    const Platform__V1__ListChannelsResponse *listed = (const void *)calls[0].reply;
    const Platform__V1__ListStoresResponse *sellers = (const void *)calls[1].reply;
    for (size_t i = 0; i < listed->n_channels; i++)
        if (str_equal(listed->channels[i]->id, id))
            found->channel = listed->channels[i];
    for (size_t i = 0; found->channel && i < sellers->n_stores; i++)
        if (str_equal(sellers->stores[i]->id, found->channel->store_id))
            found->store = sellers->stores[i];
    if (!found->channel || !found->store)
        return ctx_fail_field(ctx, &CHANNEL_NOT_FOUND, "channelId", id, "the id of a channel");
    return status_ok();
}

struct status access_channel_by_id(struct ctx *ctx, const char *channel_id,
                                   const struct storefront_channel **ret_channel)
{
    struct gateway *self = ctx_state(ctx);
    Platform__V1__GetChannelByKeyResponse found = PLATFORM__V1__GET_CHANNEL_BY_KEY_RESPONSE__INIT;
    int64_t epoch;
    const char *key = arena_printf(ctx->arena, "id:%s", channel_id);
    const Platform__V1__GetChannelByKeyResponse *cached = (const void *)reply_cache_get(
        self->channels, ctx, key, &platform__v1__get_channel_by_key_response__descriptor, &epoch);
    if (!cached) {
        TRY(find_by_id(ctx, channel_id, &found));
        reply_cache_put(self->channels, ctx, key, &found.base, epoch);
        cached = &found;
    }
    *ret_channel = channel_of(ctx, cached);
    return status_ok();
}

static const char *join(struct ctx *ctx, const char *const *items)
{
    struct buffer text;
    buffer_init(&text, ctx->arena, 64);
    for (size_t i = 0; items[i]; i++)
        buffer_printf(&text, "%s%s", i ? ", " : "one of ", items[i]);
    return text.length ? text.data : "nothing";
}

/* What the query asks for, when the channel has it; else the fallback. */
static const char *choose(struct ctx *ctx, const struct exchange *exchange, const char *parameter,
                          const char *const *offered, const char *fallback)
{
    const char *asked = NULL;
    if (!http_query_get(ctx, exchange->http, parameter, &asked)) {
        ctx_violation(ctx, parameter, NULL, "one well-formed value");
        return fallback;
    }
    if (!asked)
        return fallback;
    const char *found = negotiate_exact(asked, offered);
    if (!found)
        ctx_violation(ctx, parameter, asked, join(ctx, offered));
    return found;
}

static struct status resolve_visitor(struct ctx *ctx, struct exchange *exchange,
                                     const struct storefront_channel *channel)
{
    const char *accepted = negotiate_locale(
        ctx->arena, http_header_get(exchange->http, "Accept-Language"), channel->locales);
    exchange->visitor = (struct visitor){
        .channel_id = channel->channel_id,
        .store_id = channel->store_id,
        .currency_code =
            choose(ctx, exchange, "currency", channel->currency_codes, channel->currency_codes[0]),
        .country_code =
            choose(ctx, exchange, "country", channel->country_codes, channel->country_codes[0]),
        .locale = choose(ctx, exchange, "locale", channel->locales,
                         accepted ? accepted : channel->locales[0]),
        .prices_include_tax = channel->prices_include_tax,
        .channel = channel,
    };
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &ERROR_INVALID_REQUEST, "channel %s", channel->channel_code);
    return status_ok();
}

struct status access_storefront(struct ctx *ctx, struct exchange *exchange)
{
    const char *key = http_header_get(exchange->http, "Torg-Publishable-Key");
    const Platform__V1__GetChannelByKeyResponse *found;
    if (str_is_empty(key))
        return ctx_fail_field(ctx, &PUBLISHABLE_KEY_REQUIRED, "Torg-Publishable-Key", NULL,
                              "the publishable key of a channel");
    TRY(find_by_key(ctx, key, &found));
    if (!found->channel || !found->channel->is_active)
        return ctx_fail(ctx, &PUBLISHABLE_KEY_UNKNOWN, "the channel is not active");
    return resolve_visitor(ctx, exchange, channel_of(ctx, found));
}

struct status access_on_channel_changed(struct ctx *ctx, struct db_tx *tx,
                                        const struct event *event, const void *body)
{
    struct gateway *self = ctx_state(ctx);
    (void)tx;
    (void)event;
    (void)body;
    reply_cache_flush(self->channels);
    return status_ok();
}
