/* seller.c - who sells in a channel, as an order has to remember it. */
#include "checkout/checkout.h"

#include "access/access.h"

struct status checkout_seller(struct ctx *ctx, const char *channel_id,
                              Order__V1__SellerSnapshot *seller)
{
    const struct storefront_channel *channel;
    TRY(access_channel_by_id(ctx, channel_id, &channel));
    seller->legal_entity = channel->legal_entity;
    seller->tax_id = channel->tax_id;
    seller->store_id = channel->store_id;
    seller->store_name = channel->store_name;
    seller->channel_code = channel->channel_code;
    return status_ok();
}
