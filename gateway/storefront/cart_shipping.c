/* cart_shipping.c - how a cart can be shipped, and the choice. */
#include "storefront/cart.h"

#include "access/access.h"
#include "storefront/shipping_offer.h"
#include "storefront/storefront.h"

#include <string.h>

/* In the visitor's locale, in its language, in the channel's own, in any. */
static const char *name_of(struct ctx *ctx, const struct visitor *visitor,
                           const Platform__V1__ShippingOption *option)
{
    const char *language =
        arena_strndup(ctx->arena, visitor->locale, strcspn(visitor->locale, "-"));
    const char *const wanted[] = {visitor->locale, language, visitor->channel->locales[0]};
    for (size_t w = 0; w < ARRAY_LEN(wanted); w++)
        for (size_t i = 0; i < option->n_names; i++)
            if (str_equal(option->names[i]->key, wanted[w]))
                return option->names[i]->value;
    return option->n_names > 0 ? option->names[0]->value : option->code;
}

static Common__V1__Money *price_in(const Platform__V1__ShippingOption *option, const char *currency)
{
    for (size_t i = 0; i < option->n_prices; i++)
        if (str_equal(option->prices[i]->currency_code, currency))
            return option->prices[i];
    return NULL;
}

static struct status load_offers(struct ctx *ctx, const char *cart_id,
                                 const Cart__V1__Cart **ret_cart,
                                 const Platform__V1__ListShippingOptionsResponse **ret_offers)
{
    Cart__V1__GetCartRequest request = CART__V1__GET_CART_REQUEST__INIT;
    const Cart__V1__GetCartResponse *reply;
    request.cart_id = cart_id;
    TRY(cart_v1_get_cart(ctx, &request, &reply));
    *ret_cart = reply->cart;
    return shipping_offers_shown(ctx, reply->cart, reply->quote, ret_offers);
}

struct status cart_list_shipping_options(struct ctx *ctx, struct exchange *exchange,
                                         const ProtobufCMessage *request,
                                         ProtobufCMessage *response)
{
    const Gateway__V1__ListCartShippingOptionsRequest *list = (const void *)request;
    Gateway__V1__ListCartShippingOptionsResponse *listed = (void *)response;
    const Platform__V1__ListShippingOptionsResponse *offers;
    const Cart__V1__Cart *cart;
    TRY(load_offers(ctx, list->cart_id, &cart, &offers));

    listed->n_shipping_options = offers->n_shipping_options;
    listed->shipping_options =
        arena_array(ctx->arena, Gateway__V1__ShippingOptionView *, offers->n_shipping_options);
    for (size_t i = 0; i < offers->n_shipping_options; i++) {
        const Platform__V1__ShippingOption *option = offers->shipping_options[i];
        Gateway__V1__ShippingOptionView *view =
            arena_new(ctx->arena, Gateway__V1__ShippingOptionView);
        gateway__v1__shipping_option_view__init(view);
        view->id = option->id;
        view->name = name_of(ctx, &exchange->visitor, option);
        view->price = price_in(option, cart->currency_code);
        listed->shipping_options[i] = view;
    }
    return status_ok();
}

struct status cart_set_shipping_option(struct ctx *ctx, struct exchange *exchange,
                                       const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__SetCartShippingOptionRequest *set = (const void *)request;
    Cart__V1__SetShippingOptionRequest to = CART__V1__SET_SHIPPING_OPTION_REQUEST__INIT;
    Cart__V1__CartShipping shipping = CART__V1__CART_SHIPPING__INIT;
    const Platform__V1__ListShippingOptionsResponse *offers;
    const Platform__V1__ShippingOption *option;
    const ProtobufCMessage *reply;
    const Cart__V1__Cart *cart;
    TRY(load_offers(ctx, set->cart_id, &cart, &offers));
    TRY(shipping_offer_find(ctx, offers, "shippingOptionId", set->shipping_option_id, &option));

    shipping.shipping_option_id = option->id;
    shipping.name = name_of(ctx, &exchange->visitor, option);
    shipping.price = price_in(option, cart->currency_code);
    shipping.tax_category_code = option->tax_category_code;
    shipping.is_gross = option->is_gross;
    shipping.home_country_code = option->home_country_code;
    to.cart_id = set->cart_id;
    to.expected_version = exchange->expected_version;
    to.shipping = &shipping;
    TRY(cart_call(ctx, exchange, cart_v1_set_shipping_option_call(&to), &reply));
    const Cart__V1__SetShippingOptionResponse *chosen = (const void *)reply;
    cart_show((void *)response, chosen->cart, chosen->quote, chosen->n_problems, chosen->problems);
    return status_ok();
}
