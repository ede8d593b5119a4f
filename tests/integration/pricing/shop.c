/* shop.c - lists, prices and rates, given in a few words. */
#include "suites.h"

#include "chassis/wire.h"
#include "proto/schema.h"

struct daemon *pricing;
struct uuid channel;

void given_pricing(void)
{
    Pricing__V1__UpsertCurrencyRequest currency = PRICING__V1__UPSERT_CURRENCY_REQUEST__INIT;
    Pricing__V1__UpsertCurrencyResponse currency_rep = PRICING__V1__UPSERT_CURRENCY_RESPONSE__INIT;
    Pricing__V1__UpsertTaxCategoryRequest category = PRICING__V1__UPSERT_TAX_CATEGORY_REQUEST__INIT;
    Pricing__V1__UpsertTaxCategoryResponse category_rep =
        PRICING__V1__UPSERT_TAX_CATEGORY_RESPONSE__INIT;
    Pricing__V1__Currency euro = PRICING__V1__CURRENCY__INIT;
    Pricing__V1__TaxCategory standard = PRICING__V1__TAX_CATEGORY__INIT;

    pricing = world_start(&PRICING);
    channel = uuid_v7();
    euro.code = "EUR";
    euro.exponent = 2;
    currency.currency = &euro;
    then_ok(pricing_upsert_currency(world_ctx(pricing), &currency, &currency_rep));
    standard.code = "standard";
    standard.name = "Standard";
    category.tax_category = &standard;
    then_ok(pricing_upsert_tax_category(world_ctx(pricing), &category, &category_rep));
}

Pricing__V1__PriceList *price_list(const char *code, int32_t priority)
{
    struct arena *arena = world_ctx(pricing)->arena;
    Pricing__V1__PriceList *list = arena_new(arena, Pricing__V1__PriceList);
    pricing__v1__price_list__init(list);
    list->code = code;
    list->name = code;
    list->currency_code = "EUR";
    list->channel_id = uuid_text(arena, channel);
    list->tax_inclusion = PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS;
    list->home_country_code = "DE";
    list->priority = priority;
    list->is_active = true;
    return list;
}

struct status creating(Pricing__V1__PriceList *list, Pricing__V1__PriceList **ret_list)
{
    Pricing__V1__CreatePriceListRequest req = PRICING__V1__CREATE_PRICE_LIST_REQUEST__INIT;
    Pricing__V1__CreatePriceListResponse rep = PRICING__V1__CREATE_PRICE_LIST_RESPONSE__INIT;
    req.price_list = list;
    struct status status = pricing_create_price_list(world_ctx(pricing), &req, &rep);
    *ret_list = rep.price_list;
    return status;
}

struct status updating(Pricing__V1__PriceList *list, int64_t expected_version)
{
    Pricing__V1__UpdatePriceListRequest req = PRICING__V1__UPDATE_PRICE_LIST_REQUEST__INIT;
    Pricing__V1__UpdatePriceListResponse rep = PRICING__V1__UPDATE_PRICE_LIST_RESPONSE__INIT;
    req.price_list = list;
    req.expected_version = expected_version;
    return pricing_update_price_list(world_ctx(pricing), &req, &rep);
}

const char *given_list(const char *code, int32_t priority)
{
    Pricing__V1__PriceList *list;
    then_ok(creating(price_list(code, priority), &list));
    return list->id;
}

struct status setting(const char *list_id, struct uuid variant, int64_t cents, int64_t *ret_changed)
{
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__SetPricesRequest req = PRICING__V1__SET_PRICES_REQUEST__INIT;
    Pricing__V1__SetPricesResponse rep = PRICING__V1__SET_PRICES_RESPONSE__INIT;
    Pricing__V1__Price price = PRICING__V1__PRICE__INIT;
    Pricing__V1__Price *prices[] = {&price};
    price.variant_id = uuid_text(ctx->arena, variant);
    price.unit_price = wire_decimal(ctx->arena, (struct decimal){cents, 2});
    req.price_list_id = list_id;
    req.n_prices = 1;
    req.prices = prices;
    struct status status = pricing_set_prices(ctx, &req, &rep);
    if (ret_changed)
        *ret_changed = rep.changed_count;
    return status;
}

void given_price(const char *list_id, struct uuid variant, int64_t cents)
{
    then_ok(setting(list_id, variant, cents, NULL));
}

void given_rate(const char *country, int64_t percent)
{
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__UpsertTaxRateRequest req = PRICING__V1__UPSERT_TAX_RATE_REQUEST__INIT;
    Pricing__V1__UpsertTaxRateResponse rep = PRICING__V1__UPSERT_TAX_RATE_RESPONSE__INIT;
    Pricing__V1__TaxRate rate = PRICING__V1__TAX_RATE__INIT;
    rate.tax_category_code = "standard";
    rate.country_code = country;
    rate.name = "VAT";
    rate.percentage = wire_decimal(ctx->arena, (struct decimal){percent, 0});
    req.tax_rate = &rate;
    then_ok(pricing_upsert_tax_rate(ctx, &req, &rep));
}

Pricing__V1__PriceContext *context_in(const char *country)
{
    struct arena *arena = world_ctx(pricing)->arena;
    Pricing__V1__PriceContext *context = arena_new(arena, Pricing__V1__PriceContext);
    pricing__v1__price_context__init(context);
    context->channel_id = uuid_text(arena, channel);
    context->currency_code = "EUR";
    context->country_code = country;
    return context;
}

int64_t published(const struct event_kind *kind)
{
    return world_sql_int("SELECT count(*) FROM pricing.outbox"
                         " WHERE position(convert_to('%s', 'UTF8') IN headers) > 0",
                         kind->body->descriptor->name);
}
