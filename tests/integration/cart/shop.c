/* shop.c - a small shop, and calls of the cart in a few words. */
#include "suites.h"

#include "memory.h"

#include "catalog/v1/service.client.h"
#include "common/json.h"
#include "marketing/v1/service.client.h"
#include "pricing/v1/service.client.h"

#include <stdarg.h>
#include <string.h>

struct daemon *cart;
const char *channel, *mug, *tee, *unpriced, *mug_product;
const view *said;
const struct violation *objected;
static const char *price_list;
static ProtobufCMessage *reply;

static struct status vasking(struct call call, const char *format, va_list args) _printf_(2, 0);

static struct status vasking(struct call call, const char *format, va_list args)
{
    struct ctx *ctx = world_client();
    ProtobufCMessage *request = NULL;
    char *json = arena_vprintf(ctx->arena, format, args);

    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    then_ok(json_decode(ctx->arena, call.method->request, json, strlen(json), false, &request));
    if (call.actor)
        ctx->caller.actor = call.actor;
    ctx->caller.channel_id = call.channel_id;
    struct rpc_call rpc = {.method = call.method, .request = request, .idempotency_key = call.key};
    struct status status = rpc_call_one(ctx, &rpc);
    reply = rpc.reply;
    said = (const void *)rpc.reply;
    objected = status.violations;
    return status;
}

struct status asking(struct call call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct status status = vasking(call, format, args);
    va_end(args);
    return status;
}

static const void *given(const struct rpc_method_ref *method, const char *format, ...)
    _printf_(2, 3);

static const void *given(const struct rpc_method_ref *method, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    then_ok(vasking((struct call){.method = method}, format, args));
    va_end(args);
    return reply;
}

const char *new_id(void)
{
    return uuid_text(world_client()->arena, uuid_v7());
}

static const Catalog__V1__Product *given_product(const char *handle)
{
    const Catalog__V1__CreateProductResponse *made =
        given(&catalog_v1_create_product__method,
              "{'product': {'handle': '%s', 'taxCategoryCode': 'standard',"
              " 'texts': [{'locale': 'en', 'name': '%s'}], 'variants': [{'sku': '%s'}]}}",
              handle, handle, handle);
    given(&catalog_v1_publish_product__method, "{'productId': '%s', 'channelId': '%s'}",
          made->product->id, channel);
    return made->product;
}

static void given_prices(void)
{
    given(&pricing_v1_upsert_currency__method, "{'currency': {'code': 'EUR', 'exponent': 2}}");
    given(&pricing_v1_upsert_tax_category__method,
          "{'taxCategory': {'code': 'standard', 'name': 'Standard'}}");
    given(&pricing_v1_upsert_tax_rate__method,
          "{'taxRate': {'taxCategoryCode': 'standard', 'countryCode': 'DE', 'name': 'VAT',"
          " 'percentage': {'unscaled': '19'}}}");
    const Pricing__V1__CreatePriceListResponse *list = given(
        &pricing_v1_create_price_list__method,
        "{'priceList': {'code': 'web', 'name': 'Web', 'currencyCode': 'EUR', 'channelId': '%s',"
        " 'taxInclusion': 'TAX_INCLUSION_GROSS', 'homeCountryCode': 'DE', 'isActive': true}}",
        channel);
    price_list = list->price_list->id;
}

void given_price(const char *variant, int64_t cents)
{
    given(&pricing_v1_set_prices__method,
          "{'priceListId': '%s', 'prices': [{'variantId': '%s',"
          " 'unitPrice': {'unscaled': '%lld', 'scale': 2}}]}",
          price_list, variant, (long long)cents);
}

void given_shop(void)
{
    world_start(&CATALOG);
    world_start(&PRICING);
    world_start(&MARKETING);
    world_setenv("CART_REDIS_URL", world_redis_url());
    world_setenv("CART_REDIS_TIMEOUT", "2s");
    cart = world_start(&CART);
    given_reader();
    channel = new_id();
    given_prices();
    const Catalog__V1__Product *product = given_product("mug");
    mug = product->variants[0]->id;
    mug_product = product->id;
    tee = given_product("tee")->variants[0]->id;
    unpriced = given_product("rug")->variants[0]->id;
    given_price(mug, 1000);
    given_price(tee, 2500);
}

void given_coupon(const char *code, const char *conditions)
{
    const Marketing__V1__CreatePromotionResponse *made =
        given(&marketing_v1_create_promotion__method,
              "{'promotion': {'code': '%s', 'isActive': true, 'requiresCoupon': true, %s"
              " 'actions': [{'kind': 'ACTION_KIND_PERCENT_OFF', 'target': 'ACTION_TARGET_ORDER',"
              " 'percentage': {'unscaled': '10'}}]}}",
              code, conditions);
    given(&marketing_v1_create_coupon__method,
          "{'coupon': {'code': '%s', 'promotionId': '%s', 'isActive': true}}", code,
          made->promotion->id);
}

void given_unpublished_mug(void)
{
    given(&catalog_v1_unpublish_product__method, "{'productId': '%s', 'channelId': '%s'}",
          mug_product, channel);
}

const char *given_cart(void)
{
    then_ok(asking(call_of(create_cart),
                   "{'channelId': '%s', 'currencyCode': 'EUR', 'countryCode': 'DE',"
                   " 'locale': 'en', 'lines': [{'variantId': '%s', 'quantity': 2}]}",
                   channel, mug));
    return said->cart->id;
}

struct status adding(const char *cart_id, const char *variant, int quantity)
{
    return asking(call_of(add_lines),
                  "{'cartId': '%s', 'lines': [{'variantId': '%s', 'quantity': %d}]}", cart_id,
                  variant, quantity);
}

struct status getting(const char *cart_id)
{
    return asking(call_of(get_cart), "{'cartId': '%s'}", cart_id);
}

struct status freezing(const char *cart_id, const char *checkout_id)
{
    return asking(call_of(freeze_cart), "{'cartId': '%s', 'checkoutId': '%s'}", cart_id,
                  checkout_id);
}

struct status thawing(const char *cart_id, const char *checkout_id)
{
    return asking(call_of(thaw_cart), "{'cartId': '%s', 'checkoutId': '%s'}", cart_id, checkout_id);
}

struct status closing(const char *cart_id, const char *checkout_id)
{
    return asking(call_of(close_cart), "{'cartId': '%s', 'checkoutId': '%s'}", cart_id,
                  checkout_id);
}

void then_problem(Cart__V1__ProblemKind kind, const char *line_id)
{
    for (size_t i = 0; i < said->n_problems; i++)
        if (said->problems[i]->kind == kind && str_equal(said->problems[i]->line_id, line_id))
            return;
    ck_abort_msg("no problem %d of line %s among %zu", (int)kind, line_id, said->n_problems);
}

void then_allowed(const char *field, const char *allowed)
{
    ck_assert_ptr_nonnull(objected);
    ck_assert_str_eq(objected->field, field);
    ck_assert_str_eq(objected->allowed, allowed);
}

void given_events_arrived(void)
{
    then_ok(memory_on_catalog_changed(world_ctx(cart), NULL, NULL, NULL));
    then_ok(memory_on_terms_changed(world_ctx(cart), NULL, NULL, NULL));
}
