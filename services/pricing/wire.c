/* wire.c - rows as messages. */
#include "pricing.h"

#include "chassis/wire.h"
#include "common/str.h"

static const char *id_or_empty(struct ctx *ctx, struct uuid id)
{
    return uuid_is_nil(id) ? "" : uuid_text(ctx->arena, id);
}

Pricing__V1__PriceList *wire_price_list(struct ctx *ctx, const struct price_list *list)
{
    Pricing__V1__PriceList *message = arena_new(ctx->arena, Pricing__V1__PriceList);
    pricing__v1__price_list__init(message);
    message->id = uuid_text(ctx->arena, list->id);
    message->code = list->code;
    message->name = list->name;
    message->currency_code = list->currency_code;
    message->channel_id = id_or_empty(ctx, list->channel_id);
    message->country_code = str_or_empty(list->country_code);
    message->customer_group = str_or_empty(list->customer_group);
    message->tax_inclusion = list->is_gross ? PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS
                                            : PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_NET;
    message->home_country_code = str_or_empty(list->home_country_code);
    message->priority = (int32_t)list->priority;
    message->valid_from = wire_time(ctx->arena, list->valid_from_us);
    message->valid_until = wire_time(ctx->arena, list->valid_until_us);
    message->is_active = list->is_active;
    message->version = list->version;
    return message;
}

Pricing__V1__Price *wire_price(struct ctx *ctx, const struct price *price)
{
    Pricing__V1__Price *message = arena_new(ctx->arena, Pricing__V1__Price);
    pricing__v1__price__init(message);
    message->id = uuid_text(ctx->arena, price->id);
    message->price_list_id = uuid_text(ctx->arena, price->price_list_id);
    message->variant_id = uuid_text(ctx->arena, price->variant_id);
    message->min_quantity = price->min_quantity;
    message->unit_price = wire_decimal(ctx->arena, price->unit);
    if (price->has_compare_at)
        message->compare_at_price = wire_decimal(ctx->arena, price->compare_at);
    message->valid_from = wire_time(ctx->arena, price->valid_from_us);
    message->valid_until = wire_time(ctx->arena, price->valid_until_us);
    return message;
}

Pricing__V1__TaxRate *wire_tax_rate(struct ctx *ctx, const struct tax_rate *rate)
{
    Pricing__V1__TaxRate *message = arena_new(ctx->arena, Pricing__V1__TaxRate);
    pricing__v1__tax_rate__init(message);
    message->id = uuid_text(ctx->arena, rate->id);
    message->tax_category_code = rate->tax_category_code;
    message->country_code = rate->country_code;
    message->region = rate->region;
    message->name = rate->name;
    message->percentage = wire_decimal(ctx->arena, rate->percentage);
    message->valid_from = wire_time(ctx->arena, rate->valid_from_us);
    message->valid_until = wire_time(ctx->arena, rate->valid_until_us);
    return message;
}
