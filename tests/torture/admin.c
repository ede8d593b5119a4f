/* admin.c - changes what is sold while it is sold. Each admin changes items of its own, so that the
 * last acknowledged change of each is what the shop has to show in the end. */
#include "torture.h"

#include "common/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 5, ADMINS = 2, LATEST_ORDERS = 64 };

static char latest_orders[LATEST_ORDERS][37];
static int64_t latest_count;
static pthread_mutex_t orders_lock = PTHREAD_MUTEX_INITIALIZER;

void orders_remember(const char *order_id)
{
    pthread_mutex_lock(&orders_lock);
    (void)snprintf(latest_orders[latest_count++ % LATEST_ORDERS], sizeof latest_orders[0], "%s",
                   order_id);
    pthread_mutex_unlock(&orders_lock);
}

bool orders_choose(struct dice *dice, char ret_order_id[37])
{
    pthread_mutex_lock(&orders_lock);
    int64_t count = latest_count < LATEST_ORDERS ? latest_count : LATEST_ORDERS;
    if (count > 0)
        memcpy(ret_order_id, latest_orders[dice_roll(dice, count)], sizeof latest_orders[0]);
    pthread_mutex_unlock(&orders_lock);
    return count > 0;
}

/* Every change has a key: asked again it is the same change. */
static struct reply change(struct client *client, struct request request)
{
    request.is_admin = true;
    request.key = client_new_key(client);
    return client_insist(client, &request, TRIES);
}

static int own(struct client *client, int count) /* the index of one of its own */
{
    int number = client->name[strlen(client->name) - 1] - '0';

    return (int)dice_roll(&client->dice, count / ADMINS) * ADMINS + number % ADMINS;
}

void goods_set_price(struct client *client, struct item item, int64_t price_minor, int tries)
{
    struct request request = {
        .operation = "price",
        .method = "POST",
        .path = arena_printf(client->arena, "/price-lists/%s/prices", client->shop->price_list_id),
        .body = arena_printf(client->arena,
                             "{\"prices\":[{\"variantId\":\"%s\",\"minQuantity\":\"1\","
                             "\"unitPrice\":{\"unscaled\":\"%" PRId64 "\",\"scale\":2}}]}",
                             item.variant_id, price_minor),
        .key = client_new_key(client),
        .facts = arena_printf(client->arena, "slug=%s price=%" PRId64, item.slug, price_minor),
        .is_admin = true,
    };
    (void)client_insist(client, &request, tries);
}

static void change_price(struct client *client)
{
    goods_set_price(client, client->shop->items[own(client, ITEMS)],
                    dice_between(&client->dice, 500, 5000), TRIES);
}

static void publish(struct client *client)
{
    const struct shop *shop = client->shop;
    const struct item item = shop->shelves[own(client, SHELVES)];
    const bool is_withdrawn = dice_chance(&client->dice, 50);
    const char *path = arena_printf(client->arena, "/products/%s/publications%s%s", item.product_id,
                                    is_withdrawn ? "/" : "", is_withdrawn ? shop->channel_id : "");

    (void)change(
        client,
        (struct request){
            .operation = "publish",
            .method = is_withdrawn ? "DELETE" : "POST",
            .path = path,
            .body = is_withdrawn
                        ? NULL
                        : arena_printf(client->arena, "{\"channelId\":\"%s\"}", shop->channel_id),
            .facts = arena_printf(client->arena, "slug=%s published=%d", item.slug, !is_withdrawn),
        });
}

static void promote(struct client *client)
{
    static const char *const SHOWN[] = {"promotion", "promotion.id", NULL};
    const char *code = arena_printf(client->arena, "P%s", client_new_key(client));

    (void)change(client, (struct request){
                             .operation = "promotion",
                             .method = "POST",
                             .path = "/promotions",
                             .body = arena_printf(
                                 client->arena,
                                 "{\"code\":\"%s\",\"isActive\":false,\"requiresCoupon\":true,"
                                 "\"actions\":[{\"kind\":\"ACTION_KIND_AMOUNT_OFF\","
                                 "\"target\":\"ACTION_TARGET_ORDER\",\"amounts\":"
                                 "[{\"minorUnits\":\"100\",\"currencyCode\":\"EUR\"}]}]}",
                                 code),
                             .facts = arena_printf(client->arena, "code=%s", code),
                             .shown = SHOWN,
                         });
}

static void adjust(struct client *client)
{
    const struct shop *shop = client->shop;
    const char *reference = arena_printf(client->arena, "torture-%s", client_new_key(client));
    const bool is_found = dice_chance(&client->dice, 60);

    (void)change(
        client,
        (struct request){
            .operation = "adjust",
            .method = "POST",
            .path = "/stock/adjustments",
            .body = arena_printf(
                client->arena,
                "{\"warehouseId\":\"%s\",\"variantId\":\"%s\",\"adjustmentReason\":"
                "\"ADJUSTMENT_REASON_%s\",\"quantity\":\"%" PRId64 "\",\"reference\":\"%s\"}",
                shop->warehouse_ids[0], shop->items[own(client, ITEMS)].variant_id,
                is_found ? "FOUND" : "LOST", dice_between(&client->dice, 1, 9), reference),
            .facts = arena_printf(client->arena, "reference=%s", reference),
        });
}

static void transfer(struct client *client)
{
    const struct shop *shop = client->shop;
    const int64_t from = dice_roll(&client->dice, 2);

    (void)change(client, (struct request){
                             .operation = "transfer",
                             .method = "POST",
                             .path = "/stock/transfers",
                             .body = arena_printf(
                                 client->arena,
                                 "{\"fromWarehouseId\":\"%s\",\"toWarehouseId\":\"%s\",\"lines\":"
                                 "[{\"variantId\":\"%s\",\"quantity\":\"%" PRId64 "\"}]}",
                                 shop->warehouse_ids[from], shop->warehouse_ids[1 - from],
                                 shop->items[own(client, ITEMS)].variant_id,
                                 dice_between(&client->dice, 1, 20)),
                         });
}

static void cancel(struct client *client)
{
    char order[37];

    if (!orders_choose(&client->dice, order))
        return;
    (void)change(client, (struct request){
                             .operation = "cancel",
                             .method = "POST",
                             .path = arena_printf(client->arena, "/orders/%s/cancel", order),
                             .body = "{\"reason\":\"the buyer called\"}",
                             .facts = arena_printf(client->arena, "order=%s", order),
                         });
}

void *admin_run(void *argument)
{
    static void (*const CHANGES[])(struct client *) = {change_price, change_price, publish, promote,
                                                       adjust,       transfer,     cancel};
    struct client *client = argument;

    while (!client_is_done(client)) {
        CHANGES[dice_roll(&client->dice, ARRAY_LEN(CHANGES))](client);
        client_pause(client, 200, 900);
        arena_reset(client->arena);
    }
    return NULL;
}
