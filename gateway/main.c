/* main.c - the table of contents of the gateway. */
#include "access/access.h"
#include "checkout/checkout.h"
#include "gateway.h"
#include "import/import.h"
#include "parked/parked.h"
#include "rest/rest.h"
#include "routes.h"
#include "storefront/invalidate.h"
#include "storefront/shipping_offer.h"
#include "storefront/storefront.h"

#include "catalog/v1/events.schema.h"
#include "events/outbox.h"
#include "inventory/v1/events.schema.h"
#include "order/v1/events.schema.h"
#include "platform/v1/events.schema.h"
#include "pricing/v1/events.schema.h"

#define FIELD(member) offsetof(struct gateway, member)

static const struct config_field CONFIG[] = {
    {"GATEWAY_LIMITS_REDIS_URL", CONFIG_STRING, FIELD(limits_redis_url), NULL, 1, 512, true,
     "Redis that counts requests; nothing in it is worth keeping"},
    {"GATEWAY_PUBLIC_URL", CONFIG_STRING, FIELD(public_url), "", 0, 255, false,
     "where clients reach this API, for the documents; empty: relative"},
    {"GATEWAY_CORS_ORIGINS", CONFIG_STRING, FIELD(cors_origins), "", 0, 4096, false,
     "origins whose pages may call from a browser, separated by commas; * for all"},
    {"GATEWAY_TRUST_FORWARDED", CONFIG_BOOL, FIELD(trusts_forwarded), "false", 0, 0, false,
     "take the client's address from the last element of X-Forwarded-For: only behind an edge"},
    {"GATEWAY_BOOTSTRAP_KEY", CONFIG_STRING, FIELD(bootstrap_key), "", 0, 256, true,
     "an API key that may do everything, to set up a fresh shop; empty: none"},
    {"GATEWAY_TOKEN_ISSUER", CONFIG_STRING, FIELD(token_issuer), "torg", 1, 255, false,
     "what customers' access tokens must name as iss"},
    {"GATEWAY_STOREFRONT_RATE", CONFIG_INT, FIELD(storefront_rate), "1200", 0, 6000000, false,
     "requests a minute of one address; 0: no limit"},
    {"GATEWAY_ACCOUNT_RATE", CONFIG_INT, FIELD(account_rate), "20", 0, 6000000, false,
     "attempts a minute of one address to sign in or to use an unknown API key; 0: no limit"},
    {"GATEWAY_ADMIN_RATE", CONFIG_INT, FIELD(admin_rate), "6000", 0, 6000000, false,
     "requests a minute of one API key; 0: no limit"},
    {"GATEWAY_ACCESS_TTL", CONFIG_DURATION_MS, FIELD(access_ttl_ms), "60s", 1, 3600000, false,
     "how long a channel or an API key is believed without asking platform again"},
    {"GATEWAY_CACHE_BYTES", CONFIG_BYTES, FIELD(cache_bytes), "32MiB", 65536, 4294967296, false,
     "memory for cached storefront views"},
    {"GATEWAY_CACHE_TTL", CONFIG_DURATION_MS, FIELD(cache_ttl_ms), "10m", 1, 86400000, false,
     "how long a view is believed whose event never comes"},
    {"GATEWAY_CHECKOUT_BUDGET", CONFIG_DURATION_MS, FIELD(checkout_budget_ms), "10s", 100, 60000,
     false, "how long a client waits for its checkout before it is answered 202"},
    {"GATEWAY_CHECKOUT_LEASE", CONFIG_DURATION_MS, FIELD(checkout_lease_ms), "5s", 1000, 600000,
     false,
     "silence after which another replica may take up a checkout; each step says that we are "
     "there"},
    {"GATEWAY_IMPORT_LEASE", CONFIG_DURATION_MS, FIELD(import_lease_ms), "30s", 1000, 600000, false,
     "silence after which another replica may take up an import"},
    {"GATEWAY_IMPORT_BYTES", CONFIG_BYTES, FIELD(import_bytes_max), "64MiB", 1024, 268435456, false,
     "the largest file an import takes"},
    {"GATEWAY_IMPORT_INTERVAL", CONFIG_DURATION_MS, FIELD(import_interval_ms), "1s", 10, 60000,
     false, "how often imports that wait are looked for"},
    {0},
};

/* The longest prefix wins. Only a file of products may be larger than GATEWAY_BODY_MAX. */
static const struct http_mount MOUNTS[] = {
    {"/", rest_serve, 0, false},
    {"/openapi.json", openapi_serve, 1024, false},
    {"/admin/v1/imports/products", rest_serve, 256 * 1024 * 1024, true},
    {0},
};

const struct route *const *const ROUTE_AREAS[] = {
    STORE_ROUTES,
    ADMIN_GOODS_ROUTES,
    ADMIN_ROUTES,
    NULL,
};

/* Checkouts go on in one replica; what others cache, every replica has to forget. */
static const struct event_subscription SUBSCRIPTIONS[] = {
    {.topic = "order.checkout.events.v1",
     .body = &order__v1__checkout_resume_requested__schema,
     .handle = checkout_on_resume_requested,
     .mode = SUBSCRIPTION_SHARED},
    {.topic = "platform.channel.events.v1",
     .body = &platform__v1__channel_changed__schema,
     .handle = access_on_channel_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "platform.key.events.v1",
     .body = &platform__v1__api_key_revoked__schema,
     .handle = access_on_key_revoked,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_created__schema,
     .handle = invalidate_product_created,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_updated__schema,
     .handle = invalidate_product_updated,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_published__schema,
     .handle = invalidate_product_published,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_unpublished__schema,
     .handle = invalidate_product_unpublished,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.variant.events.v1",
     .body = &catalog__v1__variant_created__schema,
     .handle = invalidate_variant_created,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.variant.events.v1",
     .body = &catalog__v1__variant_updated__schema,
     .handle = invalidate_variant_updated,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.variant.events.v1",
     .body = &catalog__v1__variant_removed__schema,
     .handle = invalidate_variant_removed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.category.events.v1",
     .body = &catalog__v1__category_created__schema,
     .handle = invalidate_category,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.category.events.v1",
     .body = &catalog__v1__category_updated__schema,
     .handle = invalidate_category,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "pricing.price.events.v1",
     .body = &pricing__v1__price_changed__schema,
     .handle = invalidate_price_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "pricing.price.events.v1",
     .body = &pricing__v1__price_list_changed__schema,
     .handle = invalidate_prices,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "pricing.tax.events.v1",
     .body = &pricing__v1__tax_rate_changed__schema,
     .handle = invalidate_prices,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "platform.shipping.events.v1",
     .body = &platform__v1__shipping_option_changed__schema,
     .handle = invalidate_shipping,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "inventory.reservation.events.v1",
     .body = &inventory__v1__stock_reserved__schema,
     .handle = invalidate_stock_reserved,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "inventory.reservation.events.v1",
     .body = &inventory__v1__stock_released__schema,
     .handle = invalidate_stock_released,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "inventory.reservation.events.v1",
     .body = &inventory__v1__stock_committed__schema,
     .handle = invalidate_stock_committed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "inventory.stock.events.v1",
     .body = &inventory__v1__stock_changed__schema,
     .handle = invalidate_stock_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {0},
};

static const struct error_def *const ERRORS[] = {
    &ROUTE_NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &IDEMPOTENCY_KEY_REQUIRED,
    &UNSUPPORTED_MEDIA_TYPE,
    &BAD_IF_MATCH,
    &PUBLISHABLE_KEY_REQUIRED,
    &PUBLISHABLE_KEY_UNKNOWN,
    &CHANNEL_NOT_FOUND,
    &TOKEN_REQUIRED,
    &TOKEN_INVALID,
    &TOKEN_EXPIRED,
    &API_KEY_REQUIRED,
    &API_KEY_UNKNOWN,
    &SCOPE_MISSING,
    &RATE_LIMITED,
    &SERVICE_UNKNOWN,
    &SHIPPING_OPTION_UNAVAILABLE,
    &ORDER_NOT_FOUND,
    &PRODUCT_NOT_FOUND,
    &CART_INCOMPLETE,
    &CART_HAS_PROBLEMS,
    &COUPON_NOT_USABLE,
    &PRICE_CHANGED,
    &CHECKOUT_NOT_FOUND,
    &IMPORT_TOO_LARGE,
    &IMPORT_BROKEN_OFF,
    &IMPORT_EMPTY,
    NULL,
};

static struct metric *const METRICS[] = {
    &CHECKOUTS,
    &RATE_LIMITED_REQUESTS,
    &RATE_LIMIT_UNCHECKED,
    NULL,
};

static const char *const CALLS[] = {"catalog", "pricing",  "inventory", "marketing", "cart",
                                    "order",   "customer", "platform",  NULL};

static const struct sweep SWEEPS[] = {
    {"import", import_run, FIELD(import_interval_ms), 60000},
    {0},
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service GATEWAY = {
    .name = "gateway",
    .doc = "the shop's public API: storefronts, back office, checkout",
    .mounts = MOUNTS,
    .subscriptions = SUBSCRIPTIONS,
    .errors = ERRORS,
    .metrics = METRICS,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .calls = CALLS,
    .config = CONFIG,
    .state_size = sizeof(struct gateway),
    .start = gateway_start,
    .stop = gateway_stop,
};

int main(int argc, char **argv)
{
    return service_main(&GATEWAY, argc, argv);
}
