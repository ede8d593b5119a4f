/* context.c - what a storefront sells in, and what this request resolved to. */
#include "storefront/storefront.h"

#include "access/access.h"
#include "common/str.h"
#include "gateway/v1/store.pb-c.h"

static size_t count(const char *const *items)
{
    size_t length = 0;
    while (items && items[length])
        length++;
    return length;
}

struct status context_get(struct ctx *ctx, struct exchange *exchange,
                          const ProtobufCMessage *request, ProtobufCMessage *response)
{
    Gateway__V1__GetContextResponse *rep = (Gateway__V1__GetContextResponse *)(void *)response;
    const struct storefront_channel *channel = exchange->visitor.channel;
    Gateway__V1__StoreContext *context = arena_new(ctx->arena, Gateway__V1__StoreContext);
    (void)request;
    gateway__v1__store_context__init(context);
    context->channel_id = channel->channel_id;
    context->channel_code = channel->channel_code;
    context->store_name = channel->store_name;
    context->prices_include_tax = channel->prices_include_tax;
    context->n_currency_codes = count(channel->currency_codes);
    context->currency_codes = (const char **)(uintptr_t)channel->currency_codes;
    context->n_locales = count(channel->locales);
    context->locales = (const char **)(uintptr_t)channel->locales;
    context->n_country_codes = count(channel->country_codes);
    context->country_codes = (const char **)(uintptr_t)channel->country_codes;
    context->currency_code = exchange->visitor.currency_code;
    context->locale = exchange->visitor.locale;
    context->country_code = str_or_empty(exchange->visitor.country_code);
    rep->context = context;
    return status_ok();
}
