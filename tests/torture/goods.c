/* goods.c - something to sell, before anybody buys. */
#include "torture.h"

#include "common/str.h"

#include <inttypes.h>
#include <stdio.h>

enum { TRIES = 20, STOCK = 1000000 };

static struct reply ask(struct client *admin, const char *method, const char *path,
                        const char *body)
{
    struct request request = {.operation = "prepare",
                              .method = method,
                              .path = path,
                              .body = body,
                              .is_admin = true,
                              .key = body == NULL ? NULL : client_new_key(admin)};
    struct reply reply = client_insist(admin, &request, TRIES);

    if (reply.outcome != OUTCOME_OK)
        fprintf(stderr, "%s %s: %ld %s\n", method, path, reply.status, reply.reason);
    return reply;
}

static const char *find_by_code(struct client *admin, const char *path, const char *list,
                                const char *code)
{
    const struct json_node *node = reply_at(ask(admin, "GET", path, NULL), list);

    for (node = node ? node->child : NULL; node != NULL; node = node->next)
        if (str_equal(json_text(json_member(node, "code")), code))
            return json_text(json_member(node, "id"));
    fprintf(stderr, "%s has no %s\n", path, code);
    return NULL;
}

static bool receive(struct client *admin, struct item item, const char *warehouse)
{
    const char *body = arena_printf(admin->arena,
                                    "{\"warehouseId\":\"%s\",\"reference\":\"opening\",\"lines\":"
                                    "[{\"variantId\":\"%s\",\"quantity\":\"%d\"}]}",
                                    warehouse, item.variant_id, STOCK);
    return ask(admin, "POST", "/stock/receipts", body).outcome == OUTCOME_OK;
}

static bool make_item(struct client *admin, int64_t price_minor, struct item *ret_item)
{
    const struct shop *shop = admin->shop;
    const char *name = arena_printf(admin->arena, "torture-%s", client_new_key(admin));
    struct reply made =
        ask(admin, "POST", "/products",
            arena_printf(admin->arena,
                         "{\"handle\":\"%s\",\"taxCategoryCode\":\"standard\",\"texts\":"
                         "[{\"locale\":\"en\",\"name\":\"%s\",\"slug\":\"%s\"}],"
                         "\"variants\":[{\"sku\":\"%s\"}]}",
                         name, name, name, name));
    if (made.outcome != OUTCOME_OK)
        return false;
    *ret_item = (struct item){reply_text(made, "product.id"),
                              reply_text(made, "product.variants.0.id"), name};
    goods_set_price(admin, *ret_item, price_minor, TRIES);
    if (!receive(admin, *ret_item, shop->warehouse_ids[0]) ||
        !receive(admin, *ret_item, shop->warehouse_ids[1]))
        return false;
    const char *path =
        arena_printf(admin->arena, "/products/%s/publications", ret_item->product_id);
    const char *body = arena_printf(admin->arena, "{\"channelId\":\"%s\"}", shop->channel_id);
    return ask(admin, "POST", path, body).outcome == OUTCOME_OK;
}

/* 5 off; half of the coupons run out early. */
static bool make_coupon(struct client *admin, int number, const char **ret_code)
{
    *ret_code = arena_printf(admin->arena, "T%s", client_new_key(admin));
    struct reply promotion =
        ask(admin, "POST", "/promotions",
            arena_printf(admin->arena,
                         "{\"code\":\"%s\",\"isActive\":true,\"requiresCoupon\":true,"
                         "\"actions\":[{\"kind\":\"ACTION_KIND_AMOUNT_OFF\","
                         "\"target\":\"ACTION_TARGET_ORDER\",\"amounts\":"
                         "[{\"minorUnits\":\"500\",\"currencyCode\":\"EUR\"}]}]}",
                         *ret_code));
    const char *body = arena_printf(
        admin->arena,
        "{\"code\":\"%s\",\"promotionId\":\"%s\",\"isActive\":true,\"usageLimit\":\"%d\"}",
        *ret_code, reply_text(promotion, "promotion.id"), number % 2 == 0 ? 20 : 100000);
    return promotion.outcome == OUTCOME_OK &&
           ask(admin, "POST", "/coupons", body).outcome == OUTCOME_OK;
}

bool goods_prepare(struct client *admin)
{
    struct shop *shop = admin->shop;

    shop->channel_id = find_by_code(admin, "/channels", "channels", "eu");
    shop->price_list_id = find_by_code(admin, "/price-lists", "priceLists", "eur-gross");
    const struct json_node *list = reply_at(ask(admin, "GET", "/warehouses", NULL), "warehouses");
    const struct json_node *node = list ? list->child : NULL;
    for (int i = 0; i < 2 && node != NULL; i++, node = node->next)
        shop->warehouse_ids[i] = json_text(json_member(node, "id"));
    if (!shop->channel_id || !shop->price_list_id || !shop->warehouse_ids[1])
        return false;
    for (int i = 0; i < ITEMS; i++)
        if (!make_item(admin, 1000 + 100 * i, &shop->items[i]))
            return false;
    for (int i = 0; i < SHELVES; i++)
        if (!make_item(admin, 700, &shop->shelves[i]))
            return false;
    for (int i = 0; i < COUPONS; i++)
        if (!make_coupon(admin, i, &shop->coupons[i]))
            return false;
    return true;
}
