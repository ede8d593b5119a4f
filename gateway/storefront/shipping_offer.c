/* shipping_offer.c - platform decides by the facts of the cart, which only its quote holds. */
#include "storefront/shipping_offer.h"

#include "chassis/cache.h"
#include "common/str.h"
#include "gateway.h"
#include "platform/v1/service.client.h"
#include "storefront/tags.h"

#include <inttypes.h>

const struct error_def SHIPPING_OPTION_UNAVAILABLE = {
    STATUS_FAILED_PRECONDITION, "SHIPPING_OPTION_UNAVAILABLE",
    "choose one of GET /store/v1/carts/{cart_id}/shipping-options"};

static const char *country_of(const Cart__V1__Cart *cart)
{
    return cart->shipping_address ? cart->shipping_address->country_code : cart->country_code;
}

static Platform__V1__ListShippingOptionsRequest *
ask_for(struct ctx *ctx, const Cart__V1__Cart *cart, const Cart__V1__Quote *quote)
{
    Platform__V1__ListShippingOptionsRequest *request =
        arena_new(ctx->arena, Platform__V1__ListShippingOptionsRequest);
    Platform__V1__CartFacts *facts = arena_new(ctx->arena, Platform__V1__CartFacts);
    platform__v1__list_shipping_options_request__init(request);
    platform__v1__cart_facts__init(facts);
    facts->subtotal_minor = quote->subtotal_minor;
    for (size_t i = 0; i < quote->n_lines; i++) {
        facts->quantity += quote->lines[i]->quantity;
        facts->weight_grams += quote->lines[i]->quantity * quote->lines[i]->weight_grams;
    }
    request->channel_id = cart->channel_id;
    request->country_code = country_of(cart);
    request->currency_code = cart->currency_code;
    request->cart = facts;
    return request;
}

struct status shipping_offers(struct ctx *ctx, const Cart__V1__Cart *cart,
                              const Cart__V1__Quote *quote,
                              const Platform__V1__ListShippingOptionsResponse **ret_offers)
{
    return platform_v1_list_shipping_options(ctx, ask_for(ctx, cart, quote), ret_offers);
}

struct status shipping_offers_shown(struct ctx *ctx, const Cart__V1__Cart *cart,
                                    const Cart__V1__Quote *quote,
                                    const Platform__V1__ListShippingOptionsResponse **ret_offers)
{
    static const struct cache_tag TAG = {TAG_SHIPPING, NULL};
    struct gateway *self = ctx_state(ctx);
    const Platform__V1__ListShippingOptionsRequest *request = ask_for(ctx, cart, quote);
    const char *key = arena_printf(ctx->arena, "shipping %s %s %s %" PRId64 " %" PRId64 " %" PRId64,
                                   request->channel_id, request->country_code,
                                   request->currency_code, request->cart->subtotal_minor,
                                   request->cart->quantity, request->cart->weight_grams);
    const struct cache_question question = {key, &TAG, 1, NULL};
    const ProtobufCMessage *reply;
    TRY(cache_ask(ctx, self->cache, &question, platform_v1_list_shipping_options_call(request),
                  &reply));
    *ret_offers = (const void *)reply;
    return status_ok();
}

static const char *missing(const Platform__V1__ListShippingOptionsResponse *offers,
                           const char *option_id)
{
    for (size_t i = 0; i < offers->n_unmet; i++)
        if (str_equal(offers->unmet[i]->shipping_option_id, option_id))
            return offers->unmet[i]->missing;
    return "an option that serves this cart's country and currency";
}

struct status shipping_offer_find(struct ctx *ctx,
                                  const Platform__V1__ListShippingOptionsResponse *offers,
                                  const char *field, const char *option_id,
                                  const Platform__V1__ShippingOption **ret_option)
{
    for (size_t i = 0; i < offers->n_shipping_options; i++)
        if (str_equal(offers->shipping_options[i]->id, option_id)) {
            *ret_option = offers->shipping_options[i];
            return status_ok();
        }
    return ctx_fail_field(ctx, &SHIPPING_OPTION_UNAVAILABLE, field, option_id,
                          missing(offers, option_id));
}
