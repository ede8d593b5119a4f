/* cart_shipping.c - how a cart can be shipped, and the choice. */
#include "storefront/cart.h"

#include "access/access.h"
#include "storefront/storefront.h"

#include "platform/v1/service.client.h"

#include <string.h>

const struct error_def SHIPPING_OPTION_UNAVAILABLE = {
    STATUS_FAILED_PRECONDITION, "SHIPPING_OPTION_UNAVAILABLE",
    "choose one of GET /store/v1/carts/{cart_id}/shipping-options"};

static const char *country_of(const Cart__V1__Cart *cart)
{
    return cart->shipping_address ? cart->shipping_address->country_code : cart->country_code;
}

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

static struct status load_cart(struct ctx *ctx, const char *cart_id,
                               const Cart__V1__Cart **ret_cart)
{
    Cart__V1__GetCartRequest request = CART__V1__GET_CART_REQUEST__INIT;
    const Cart__V1__GetCartResponse *reply;
    request.cart_id = cart_id;
    TRY(cart_v1_get_cart(ctx, &request, &reply));
    *ret_cart = reply->cart;
    return status_ok();
}

struct status cart_list_shipping_options(struct ctx *ctx, struct exchange *exchange,
                                         const ProtobufCMessage *request,
                                         ProtobufCMessage *response)
{
    const Gateway__V1__ListCartShippingOptionsRequest *list = (const void *)request;
    Gateway__V1__ListCartShippingOptionsResponse *listed = (void *)response;
    Platform__V1__ListShippingOptionsRequest to = PLATFORM__V1__LIST_SHIPPING_OPTIONS_REQUEST__INIT;
    const Platform__V1__ListShippingOptionsResponse *from;
    const Cart__V1__Cart *cart;
    TRY(load_cart(ctx, list->cart_id, &cart));
    to.channel_id = cart->channel_id;
    to.country_code = country_of(cart);
    to.currency_code = cart->currency_code;
    TRY(platform_v1_list_shipping_options(ctx, &to, &from));

    listed->shipping_options =
        arena_array(ctx->arena, Gateway__V1__ShippingOptionView *, from->n_shipping_options);
    for (size_t i = 0; i < from->n_shipping_options; i++) {
        const Platform__V1__ShippingOption *option = from->shipping_options[i];
        Gateway__V1__ShippingOptionView *view =
            arena_new(ctx->arena, Gateway__V1__ShippingOptionView);
        gateway__v1__shipping_option_view__init(view);
        view->id = option->id;
        view->name = name_of(ctx, &exchange->visitor, option);
        view->price = price_in(option, cart->currency_code);
        if (option->is_active && view->price)
            listed->shipping_options[listed->n_shipping_options++] = view;
    }
    return status_ok();
}

static bool serves(const Platform__V1__ShippingOption *option, const char *country)
{
    for (size_t i = 0; i < option->n_country_codes; i++)
        if (str_equal(option->country_codes[i], country))
            return true;
    return option->n_country_codes == 0;
}

/* The cart and the option it is to get, asked for at once. */
static struct status load_both(struct ctx *ctx, const char *cart_id, const char *option_id,
                               const Cart__V1__Cart **ret_cart,
                               const Platform__V1__ShippingOption **ret_option)
{
    Cart__V1__GetCartRequest cart = CART__V1__GET_CART_REQUEST__INIT;
    Platform__V1__GetShippingOptionRequest option = PLATFORM__V1__GET_SHIPPING_OPTION_REQUEST__INIT;
    cart.cart_id = cart_id;
    option.id = option_id;
    struct rpc_call calls[] = {cart_v1_get_cart_call(&cart),
                               platform_v1_get_shipping_option_call(&option)};
    rpc_call_all(ctx, calls, ARRAY_LEN(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        TRY(calls[i].status);
    *ret_cart = ((const Cart__V1__GetCartResponse *)(const void *)calls[0].reply)->cart;
    *ret_option = ((const Platform__V1__GetShippingOptionResponse *)(const void *)calls[1].reply)
                      ->shipping_option;
    return status_ok();
}

struct status cart_set_shipping_option(struct ctx *ctx, struct exchange *exchange,
                                       const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__SetCartShippingOptionRequest *set = (const void *)request;
    Cart__V1__SetShippingOptionRequest to = CART__V1__SET_SHIPPING_OPTION_REQUEST__INIT;
    Cart__V1__CartShipping shipping = CART__V1__CART_SHIPPING__INIT;
    const Platform__V1__ShippingOption *option;
    const ProtobufCMessage *reply;
    const Cart__V1__Cart *cart;
    TRY(load_both(ctx, set->cart_id, set->shipping_option_id, &cart, &option));
    shipping.price = price_in(option, cart->currency_code);
    if (!option->is_active || !shipping.price || !serves(option, country_of(cart)) ||
        !str_equal(option->channel_id, cart->channel_id))
        return ctx_fail_field(ctx, &SHIPPING_OPTION_UNAVAILABLE, "shippingOptionId", option->id,
                              "an option that serves this cart's country and currency");

    shipping.shipping_option_id = option->id;
    shipping.name = name_of(ctx, &exchange->visitor, option);
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
