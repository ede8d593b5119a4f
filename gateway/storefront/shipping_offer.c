/* shipping_offer.c - platform decides by the facts of the cart, which only its quote holds. */
#include "storefront/shipping_offer.h"

#include "common/str.h"
#include "platform/v1/service.client.h"

const struct error_def SHIPPING_OPTION_UNAVAILABLE = {
    STATUS_FAILED_PRECONDITION, "SHIPPING_OPTION_UNAVAILABLE",
    "choose one of GET /store/v1/carts/{cart_id}/shipping-options"};

static const char *country_of(const Cart__V1__Cart *cart)
{
    return cart->shipping_address ? cart->shipping_address->country_code : cart->country_code;
}

struct status shipping_offers(struct ctx *ctx, const Cart__V1__Cart *cart,
                              const Cart__V1__Quote *quote,
                              const Platform__V1__ListShippingOptionsResponse **ret_offers)
{
    Platform__V1__ListShippingOptionsRequest to = PLATFORM__V1__LIST_SHIPPING_OPTIONS_REQUEST__INIT;
    Platform__V1__CartFacts facts = PLATFORM__V1__CART_FACTS__INIT;
    facts.subtotal_minor = quote->subtotal_minor;
    for (size_t i = 0; i < quote->n_lines; i++) {
        facts.quantity += quote->lines[i]->quantity;
        facts.weight_grams += quote->lines[i]->quantity * quote->lines[i]->weight_grams;
    }
    to.channel_id = cart->channel_id;
    to.country_code = country_of(cart);
    to.currency_code = cart->currency_code;
    to.cart = &facts;
    return platform_v1_list_shipping_options(ctx, &to, ret_offers);
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
