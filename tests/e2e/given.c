/* given.c - products, carts and purchases for end-to-end tests, over the public API only. */
#include "given.h"

#include "common/uuid.h"

#include <inttypes.h>
#include <string.h>

#define BUYER                                                                                      \
    "{\"fullName\":\"Ada Buyer\",\"line1\":\"Hafenstrasse 1\",\"city\":\"Hamburg\","               \
    "\"postalCode\":\"20359\",\"countryCode\":\"DE\"}"

const char *new_key(void)
{
    char text[UUID_TEXT_LENGTH + 1];
    uuid_format(uuid_v7(), text);
    return arena_strdup(arena, text);
}

const char *new_email(void)
{
    return arena_printf(arena, "buyer-%s@buyer.example", new_key());
}

const char *id_by_code(const char *path, const char *list, const char *code)
{
    struct answer answer = expect(admin_patiently("GET", path, NULL), 200);
    const struct json_node *node = node_at(answer, list);
    for (node = node ? node->child : NULL; node != NULL; node = node->next)
        if (strcmp(json_text(json_member(node, "code")), code) == 0)
            return json_text(json_member(node, "id"));
    ck_abort_msg("no %s with code %s: is the demo shop loaded?", list, code);
    return NULL;
}

void given_price(struct item item, int64_t price_minor)
{
    const char *list = id_by_code("/price-lists", "priceLists", "eur-gross");
    expect(
        admin_patiently("POST", arena_printf(arena, "/price-lists/%s/prices", list),
                        arena_printf(arena,
                                     "{\"prices\":[{\"variantId\":\"%s\",\"minQuantity\":\"1\","
                                     "\"unitPrice\":{\"unscaled\":\"%" PRId64 "\",\"scale\":2}}]}",
                                     item.variant_id, price_minor)),
        200);
}

static void publish(struct item item)
{
    expect(admin_patiently("POST",
                           arena_printf(arena, "/products/%s/publications", item.product_id),
                           arena_printf(arena, "{\"channelId\":\"%s\"}",
                                        id_by_code("/channels", "channels", "eu"))),
           200);
}

void given_unpublished(struct item item)
{
    expect(admin_patiently("DELETE",
                           arena_printf(arena, "/products/%s/publications/%s", item.product_id,
                                        id_by_code("/channels", "channels", "eu")),
                           NULL),
           200);
}

static void receive(struct item item, int64_t stock)
{
    const char *warehouse = id_by_code("/warehouses", "warehouses", "hamburg");
    struct answer answer =
        admin_patiently("POST", "/stock/receipts",
                        arena_printf(arena,
                                     "{\"warehouseId\":\"%s\",\"reference\":\"test\",\"lines\":"
                                     "[{\"variantId\":\"%s\",\"quantity\":\"%" PRId64 "\"}]}",
                                     warehouse, item.variant_id, stock));
    ck_assert_msg(answer.status / 100 == 2, "receiving stock: %ld %s", answer.status, answer.text);
}

struct item given_item(int64_t price_minor, int64_t stock)
{
    const char *name = arena_printf(arena, "test-%s", new_key());
    struct answer made =
        expect(admin_patiently(
                   "POST", "/products",
                   arena_printf(arena,
                                "{\"handle\":\"%s\",\"taxCategoryCode\":\"standard\",\"texts\":"
                                "[{\"locale\":\"en\",\"name\":\"%s\",\"slug\":\"%s\"}],"
                                "\"variants\":[{\"sku\":\"%s\"}]}",
                                name, name, name, name)),
               201);
    struct item item = {text_at(made, "product.id"), text_at(made, "product.variants.0.id"), name};
    given_price(item, price_minor);
    receive(item, stock);
    publish(item);
    return item;
}

const char *given_coupon(int64_t limit)
{
    return given_limited_coupon(limit, 0);
}

const char *given_limited_coupon(int64_t limit, int64_t limit_per_customer)
{
    const char *code = arena_printf(arena, "T%s", new_key());
    struct answer promotion = expect(
        admin_patiently("POST", "/promotions",
                        arena_printf(arena,
                                     "{\"code\":\"%s\",\"isActive\":true,\"requiresCoupon\":true,"
                                     "\"actions\":[{\"kind\":\"ACTION_KIND_AMOUNT_OFF\","
                                     "\"target\":\"ACTION_TARGET_ORDER\",\"amounts\":"
                                     "[{\"minorUnits\":\"500\",\"currencyCode\":\"EUR\"}]}]}",
                                     code)),
        201);
    expect(admin_patiently(
               "POST", "/coupons",
               arena_printf(arena,
                            "{\"code\":\"%s\",\"promotionId\":\"%s\",\"isActive\":true,"
                            "\"usageLimit\":\"%" PRId64 "\",\"perCustomerLimit\":\"%" PRId64 "\"}",
                            code, text_at(promotion, "promotion.id"), limit, limit_per_customer)),
           201);
    return code;
}

void given_coupon_in(const char *cart_id, const char *code)
{
    expect(store_patiently("POST", arena_printf(arena, "/carts/%s/coupons", cart_id),
                           arena_printf(arena, "{\"couponCode\":\"%s\"}", code)),
           200);
}

const char *given_cart(struct item item, int64_t quantity)
{
    return given_cart_of("ada@buyer.example", item, quantity);
}

const char *given_cart_of(const char *email, struct item item, int64_t quantity)
{
    const char *lines = arena_printf(arena,
                                     "{\"email\":\"%s\",\"lines\":"
                                     "[{\"variantId\":\"%s\",\"quantity\":\"%" PRId64 "\"}]}",
                                     email, item.variant_id, quantity);
    const char *cart = text_at(expect(store_patiently("POST", "/carts", lines), 201), "cart.id");
    const char *path = arena_printf(arena, "/carts/%s", cart);

    expect(store_patiently("PUT", arena_printf(arena, "%s/addresses", path),
                           "{\"shippingAddress\":" BUYER ",\"billingAddress\":" BUYER "}"),
           200);
    struct answer options =
        expect(store_patiently("GET", arena_printf(arena, "%s/shipping-options", path), NULL), 200);
    expect(store_patiently("PUT", arena_printf(arena, "%s/shipping-option", path),
                           arena_printf(arena, "{\"shippingOptionId\":\"%s\"}",
                                        text_at(options, "shippingOptions.0.id"))),
           200);
    return cart;
}

int64_t total_of(const char *cart_id)
{
    struct answer cart =
        expect(store_patiently("GET", arena_printf(arena, "/carts/%s", cart_id), NULL), 200);
    return int_at(cart, "quote.totalMinor");
}

struct answer when_tendering(const char *cart_id, int64_t total_minor, const char *tenders,
                             const char *key)
{
    return store("POST", "/checkouts",
                 arena_printf(arena,
                              "{\"cartId\":\"%s\",\"expectedTotal\":{\"minorUnits\":\"%" PRId64
                              "\",\"currencyCode\":\"EUR\"},\"tenders\":[%s]}",
                              cart_id, total_minor, tenders),
                 key);
}

struct answer when_buying(const char *cart_id, int64_t total_minor, const char *key)
{
    return when_tendering(cart_id, total_minor, "{\"providerAccount\":\"manual\"}", key);
}

struct answer when_paying_with(const char *method, const char *cart_id)
{
    return when_paying(cart_id, total_of(cart_id), method, new_key());
}

struct answer when_paying(const char *cart_id, int64_t total_minor, const char *method,
                          const char *key)
{
    const char *tender =
        arena_printf(arena, "{\"providerAccount\":\"stripe\",\"paymentMethod\":\"%s\"}", method);
    return when_tendering(cart_id, total_minor, tender, key);
}

struct answer bought(const char *cart_id)
{
    struct answer answer = when_buying(cart_id, total_of(cart_id), new_key());
    if (answer.status == 202)
        answer = until(arena_printf(arena, "/checkouts/%s", text_at(answer, "id")), "state",
                       "CHECKOUT_STATE_PLACED");
    ck_assert_msg(answer.status == 201 || answer.status == 200, "buying: %ld %s", answer.status,
                  answer.text);
    ck_assert_str_eq(text_at(answer, "state"), "CHECKOUT_STATE_PLACED");
    return answer;
}

int64_t available(struct item item)
{
    struct answer answer =
        expect(store("GET", arena_printf(arena, "/products/%s", item.slug), NULL, NULL), 200);
    return int_at(answer, "product.variants.0.available");
}

void then_ledger_agrees(void)
{
    struct answer audit = expect(admin("GET", "/stock/audit", NULL), 200);
    const struct json_node *mismatches = node_at(audit, "mismatches");
    ck_assert_msg(int_at(audit, "balancesChecked") > 0, "the audit looked at nothing: %s",
                  audit.text);
    ck_assert_msg(mismatches == NULL || mismatches->child == NULL, "the audit found: %s",
                  audit.text);
}
