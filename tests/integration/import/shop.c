/* shop.c - the shop that imports go to. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/clock.h"
#include "inventory/v1/service.client.h"
#include "peer.h"
#include "platform/v1/service.client.h"
#include "pricing/v1/service.client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct service CATALOG, PRICING, INVENTORY, PLATFORM, GATEWAY;

static const char *channel_id, *price_list_id, *warehouse_id;
static int port;

static void given_channel(void)
{
    static const char *currencies[] = {"EUR"}, *locales[] = {"en"}, *countries[] = {"DE"};
    Platform__V1__CreateStoreRequest store_req = PLATFORM__V1__CREATE_STORE_REQUEST__INIT;
    const Platform__V1__CreateStoreResponse *store_rep;
    Platform__V1__Store store = PLATFORM__V1__STORE__INIT;
    Platform__V1__CreateChannelRequest req = PLATFORM__V1__CREATE_CHANNEL_REQUEST__INIT;
    const Platform__V1__CreateChannelResponse *rep;
    Platform__V1__Channel channel = PLATFORM__V1__CHANNEL__INIT;

    store.code = store.name = store.legal_entity = "shop";
    store.country_code = "DE";
    store.sender_email = "shop@example.org";
    store_req.store = &store;
    then_ok(platform_v1_create_store(world_client(), &store_req, &store_rep));
    channel.store_id = store_rep->store->id;
    channel.code = channel.name = "web";
    channel.currency_codes = currencies;
    channel.locales = locales;
    channel.country_codes = countries;
    channel.n_currency_codes = channel.n_locales = channel.n_country_codes = 1;
    req.channel = &channel;
    then_ok(platform_v1_create_channel(world_client(), &req, &rep));
    channel_id = rep->channel->id;
}

static void given_price_list(void)
{
    Pricing__V1__UpsertCurrencyRequest currency_req = PRICING__V1__UPSERT_CURRENCY_REQUEST__INIT;
    const Pricing__V1__UpsertCurrencyResponse *currency_rep;
    Pricing__V1__Currency euro = PRICING__V1__CURRENCY__INIT;
    Pricing__V1__CreatePriceListRequest req = PRICING__V1__CREATE_PRICE_LIST_REQUEST__INIT;
    const Pricing__V1__CreatePriceListResponse *rep;
    Pricing__V1__PriceList list = PRICING__V1__PRICE_LIST__INIT;

    euro.code = "EUR";
    euro.exponent = 2;
    currency_req.currency = &euro;
    then_ok(pricing_v1_upsert_currency(world_client(), &currency_req, &currency_rep));
    list.code = list.name = "web";
    list.currency_code = "EUR";
    list.channel_id = channel_id;
    list.tax_inclusion = PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_NET;
    list.is_active = true;
    req.price_list = &list;
    then_ok(pricing_v1_create_price_list(world_client(), &req, &rep));
    price_list_id = rep->price_list->id;
}

static void given_warehouse(void)
{
    Inventory__V1__CreateWarehouseRequest req = INVENTORY__V1__CREATE_WAREHOUSE_REQUEST__INIT;
    const Inventory__V1__CreateWarehouseResponse *rep;
    Inventory__V1__Warehouse warehouse = INVENTORY__V1__WAREHOUSE__INIT;

    warehouse.code = warehouse.name = "main";
    warehouse.country_code = "DE";
    warehouse.is_active = true;
    req.warehouse = &warehouse;
    then_ok(inventory_v1_create_warehouse(world_client(), &req, &rep));
    warehouse_id = rep->warehouse->id;
}

void given_shop(void)
{
    static const struct service *const STARTED[] = {&PLATFORM, &PRICING, &INVENTORY, &CATALOG};
    static const char *const ABSENT[] = {"MARKETING_URL", "CART_URL", "ORDER_URL", "CUSTOMER_URL"};

    for (size_t i = 0; i < ARRAY_LEN(ABSENT); i++)
        world_setenv(ABSENT[i], "http://127.0.0.1:1");
    for (size_t i = 0; i < ARRAY_LEN(STARTED); i++)
        world_start(STARTED[i]);
    given_channel();
    given_price_list();
    given_warehouse();
}

struct daemon *given_gateway(const char *lease)
{
    world_setenv("GATEWAY_BOOTSTRAP_KEY", "torg_first");
    world_setenv("GATEWAY_LIMITS_REDIS_URL", world_redis_url());
    world_setenv("GATEWAY_IMPORT_INTERVAL", "20ms");
    world_setenv("GATEWAY_IMPORT_LEASE", lease);
    struct daemon *gateway = world_start(&GATEWAY);
    port = world_port(gateway);
    return gateway;
}

int gateway_port(void)
{
    return port;
}

const char *import_path(void)
{
    return arena_printf(world_client()->arena,
                        "/admin/v1/imports/products?channel_id=%s&price_list_id=%s&warehouse_id=%s"
                        "&locale=en&tax_category_code=standard&file_name=export.csv",
                        channel_id, price_list_id, warehouse_id);
}

struct text text_of_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    rewind(file);
    char *data = arena_alloc(world_client()->arena, (size_t)length + 1);
    ck_assert_uint_eq(fread(data, 1, (size_t)length, file), (size_t)length);
    fclose(file);
    return (struct text){data, (size_t)length};
}

const char *when_uploading(struct text file)
{
    struct answer answer;
    struct arena *arena = world_client()->arena;
    int fd = peer_connect(port);

    peer_send(fd,
              arena_printf(arena,
                           "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer torg_first\r\n"
                           "Content-Type: text/csv; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
                           import_path(), file.length));
    peer_send_n(fd, file.data, file.length);
    peer_read(fd, 5000, &answer);
    close(fd);
    ck_assert_msg(answer.status == 202, "%d %s", answer.status, answer.text);
    const char *location = strstr(answer.text, "Location: /admin/v1/imports/");
    ck_assert_ptr_nonnull(location);
    return arena_strndup(arena, location + strlen("Location: /admin/v1/imports/"),
                         UUID_TEXT_LENGTH);
}

void until_ended(const char *id)
{
    int64_t deadline_us = clock_monotonic_us() + 150 * INT64_C(1000000);
    while (import_count(id, "state") < 4) {
        ck_assert_msg(clock_monotonic_us() < deadline_us, "the import does not end");
        usleep(20000);
    }
}

const char *when_importing(struct text file)
{
    const char *id = when_uploading(file);
    until_ended(id);
    ck_assert_msg(import_count(id, "state") == 4, "failed: %s",
                  world_sql_text("SELECT failure FROM catalog.import WHERE id = '%s'", id));
    return id;
}

int64_t import_count(const char *id, const char *column)
{
    return world_sql_int("SELECT %s FROM catalog.import WHERE id = '%s'", column, id);
}

int64_t all_events(void)
{
    return world_sql_int("SELECT (SELECT count(*) FROM catalog.outbox)"
                         " + (SELECT count(*) FROM pricing.outbox)"
                         " + (SELECT count(*) FROM inventory.outbox)");
}
