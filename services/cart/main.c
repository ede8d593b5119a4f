/* main.c - the table of contents of the cart daemon. */
#include "cart.h"

#include "cart/v1/service.handlers.h"
#include "catalog/v1/events.schema.h"
#include "chassis/cache.h"
#include "marketing/v1/events.schema.h"
#include "memory.h"
#include "order/v1/events.schema.h"
#include "pricing/v1/events.schema.h"

#define FIELD(member) offsetof(struct cart_daemon, member)

static const struct config_field CONFIG[] = {
    {"CART_REDIS_URL", CONFIG_STRING, FIELD(redis_url), .secret = true,
     .doc = "Redis for carts: AOF everysec, noeviction"},
    {"CART_REDIS_POOL", CONFIG_INT, FIELD(redis_pool), "32", 1, 1024,
     .doc = "connections to Redis"},
    {"CART_REDIS_TIMEOUT", CONFIG_DURATION_MS, FIELD(redis_timeout_ms), "200ms", 10, 10000,
     .doc = "how long one Redis command may take"},
    {"CART_TTL", CONFIG_DURATION_MS, FIELD(ttl_ms), "30d", 60000, 365LL * 86400000,
     .doc = "how long a cart lives after its last change"},
    {"CART_CLOSED_TTL", CONFIG_DURATION_MS, FIELD(closed_ttl_ms), "1d", 1000, 30LL * 86400000,
     .doc = "how long a cart that became an order can still be read"},
    {"CART_LINES_MAX", CONFIG_INT, FIELD(lines_max), "100", 1, 200,
     .doc = "most lines of one cart"},
    {"CART_ABANDONED_AFTER", CONFIG_DURATION_MS, FIELD(abandoned_after_ms), "1h", 100,
     30LL * 86400000, .doc = "a cart with lines that nobody touched for so long is abandoned"},
    {"CART_ABANDONED_INTERVAL", CONFIG_DURATION_MS, FIELD(abandoned_interval_ms), "10s", 20,
     3600000, .doc = "how often abandoned carts are looked for"},
    {"CART_MEMORY", CONFIG_BYTES, FIELD(memory_bytes), "8MiB", 65536, 4294967296,
     .doc = "how much of catalog's and pricing's answers and of quotes is remembered"},
    {"CART_MEMORY_TTL", CONFIG_DURATION_MS, FIELD(memory_ttl_ms), "10s", 10, 3600000,
     .doc = "longest life of an answer that is remembered when no event ends it; a quote made of "
            "such: twice"},
    {"CART_RECOVERY", CONFIG_BOOL, FIELD(sends_recovery), "false",
     .doc = "send a mail to the owner of an abandoned cart"},
    {0},
};

static const struct rpc_service *const RPC[] = {&CART_V1_SERVICE, NULL};

static const struct event_subscription SUBSCRIPTIONS[] = {
    {.topic = "order.order.events.v1",
     .body = &order__v1__order_placed__schema,
     .handle = cart_on_order_placed},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_created__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_updated__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_published__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.product.events.v1",
     .body = &catalog__v1__product_unpublished__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.variant.events.v1",
     .body = &catalog__v1__variant_created__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.variant.events.v1",
     .body = &catalog__v1__variant_updated__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.variant.events.v1",
     .body = &catalog__v1__variant_removed__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "catalog.category.events.v1",
     .body = &catalog__v1__category_updated__schema,
     .handle = memory_on_catalog_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "pricing.price.events.v1",
     .body = &pricing__v1__price_changed__schema,
     .handle = memory_on_terms_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "pricing.price.events.v1",
     .body = &pricing__v1__price_list_changed__schema,
     .handle = memory_on_terms_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "pricing.tax.events.v1",
     .body = &pricing__v1__tax_rate_changed__schema,
     .handle = memory_on_terms_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {.topic = "marketing.promotion.events.v1",
     .body = &marketing__v1__promotion_changed__schema,
     .handle = memory_on_terms_changed,
     .mode = SUBSCRIPTION_BROADCAST},
    {0},
};

static const struct event_kind *const EVENTS[] = {
    &CART_CREATED,      &CART_CHANGED,   &CART_FROZEN_EVENT, &CART_THAWED,
    &CART_CLOSED_EVENT, &CART_ABANDONED, &SEND_NOTIFICATION, NULL,
};

static const struct error_def *const ERRORS[] = {
    &CART_NOT_FOUND,      &CART_VERSION_CONFLICT,   &CART_FROZEN,
    &CART_CLOSED,         &CART_THAWED_BEFORE,      &CART_BUSY,
    &CART_TOO_LARGE,      &CART_LINE_NOT_FOUND,     &CART_VARIANT_UNAVAILABLE,
    &CART_COUPON_REFUSED, &CART_QUANTITY_TOO_LARGE, NULL,
};

static const struct sweep SWEEPS[] = {
    {.name = "abandoned_carts",
     .run = cart_sweep_abandoned,
     .interval_offset = FIELD(abandoned_interval_ms),
     .timeout_ms = 10000},
    {0},
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

static const char *const CALLS[] = {"catalog", "pricing", "marketing", NULL};

static struct status start(struct ctx *boot)
{
    struct cart_daemon *self = ctx_state(boot);
    self->memory = cache_create(boot, self->memory_bytes, self->memory_ttl_ms);
    consumer_on_gap(boot->daemon, memory_forget, self);
    return redis_open(boot, self->redis_url, self->redis_pool, self->redis_timeout_ms,
                      &self->redis);
}

static struct status ready(struct ctx *ctx)
{
    struct cart_daemon *self = ctx_state(ctx);
    return redis_ping(ctx, self->redis);
}

static void stop(void *state)
{
    struct cart_daemon *self = state;
    redis_close(self->redis);
    cache_destroy(self->memory);
}

const struct service CART = {
    .name = "cart",
    .doc = "drafts of orders, and what they cost",
    .rpc = RPC,
    .subscriptions = SUBSCRIPTIONS,
    .events = EVENTS,
    .errors = ERRORS,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .calls = CALLS,
    .config = CONFIG,
    .state_size = sizeof(struct cart_daemon),
    .start = start,
    .ready = ready,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return service_main(&CART, argc, argv);
}
