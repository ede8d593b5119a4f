/* shipping_offer.h - which shipping options a cart may have: asked when they are shown, when one is
 * chosen, and once more when the cart is bought. */
#pragma once

#include "cart/v1/service.pb-c.h"
#include "chassis/ctx.h"
#include "platform/v1/service.pb-c.h"

extern const struct error_def SHIPPING_OPTION_UNAVAILABLE;

/* The options that serve the cart's country and currency and whose conditions it meets. */
struct status shipping_offers(struct ctx *ctx, const Cart__V1__Cart *cart,
                              const Cart__V1__Quote *quote,
                              const Platform__V1__ListShippingOptionsResponse **ret_offers);
/* As they are shown: remembered until a shipping option changes. */
struct status shipping_offers_shown(struct ctx *ctx, const Cart__V1__Cart *cart,
                                    const Cart__V1__Quote *quote,
                                    const Platform__V1__ListShippingOptionsResponse **ret_offers);
/* That one of them; SHIPPING_OPTION_UNAVAILABLE says of `field` what the cart is missing. */
struct status shipping_offer_find(struct ctx *ctx,
                                  const Platform__V1__ListShippingOptionsResponse *offers,
                                  const char *field, const char *option_id,
                                  const Platform__V1__ShippingOption **ret_option);
