/* main.c - the table of contents of the inventory daemon. */
#include "inventory_migrations.h"
#include "store.h"

#include "order/v1/events.schema.h"

#define FIELD(member) offsetof(struct inventory, member)

static const struct config_field CONFIG[] = {
    {"INVENTORY_SOURCING", CONFIG_STRING, FIELD(sourcing_name), "priority", 1, 64, false,
     "which warehouse serves first: priority, or nearest (the country the goods go to, then "
     "priority)"},
    {"INVENTORY_HOLD_TTL", CONFIG_DURATION_MS, FIELD(hold_ttl_ms), "15m", 1000, 86400000, false,
     "how long an unpaid reservation holds stock when the caller does not say"},
    {"INVENTORY_EXPIRY_INTERVAL", CONFIG_DURATION_MS, FIELD(expiry_interval_ms), "500ms", 10, 60000,
     false, "how often holds that ran out are looked for"},
    {"INVENTORY_EXPIRY_BATCH", CONFIG_INT, FIELD(expiry_batch), "50", 1, 1000, false,
     "holds that one transaction puts back"},
    {"INVENTORY_RESERVE_BATCH", CONFIG_INT, FIELD(reserve_batch), "128", 1, 512, false,
     "waiting Reserve calls that one transaction decides"},
    {"INVENTORY_RESERVE_QUEUES", CONFIG_INT, FIELD(reserve_queue_count), "4", 1, 64, false,
     "queues that Reserve calls are spread over by stock; one transaction each at a time"},
    {"INVENTORY_PIN_OVERDUE", CONFIG_DURATION_MS, FIELD(pin_overdue_ms), "1h", 1000, 2592000000,
     false, "age at which a pinned reservation alarms"},
    {"INVENTORY_PIN_WATCH_INTERVAL", CONFIG_DURATION_MS, FIELD(watch_interval_ms), "30s", 100,
     3600000, false, "how often overdue pins are counted"},
    {"INVENTORY_RESERVATION_RETENTION", CONFIG_DURATION_MS, FIELD(retention_ms), "30d", 1000,
     31536000000, false, "how long finished reservations answer retries before they are deleted"},
    {"INVENTORY_PURGE_INTERVAL", CONFIG_DURATION_MS, FIELD(purge_interval_ms), "1m", 100, 86400000,
     false, "how often finished reservations are deleted"},
    {0},
};

static const struct rpc_service *const METHODS[] = {&INVENTORY_V1_SERVICE, NULL};

/* They lock rows that RPCs lock too; what is rare locks them for each record. */
static const struct event_subscription SUBSCRIPTIONS[] = {
    {.topic = "order.order.events.v1",
     .body = &order__v1__order_placed__schema,
     .handle_all = inventory_on_orders_placed},
    {.topic = "order.order.events.v1",
     .body = &order__v1__order_cancelled__schema,
     .handle = inventory_on_order_cancelled,
     .commit_per_record = true},
    {.topic = "order.order.events.v1",
     .body = &order__v1__shipment_shipped__schema,
     .handle = inventory_on_shipment_shipped,
     .commit_per_record = true},
    {0},
};

static const struct event_kind *const EVENTS[] = {
    &STOCK_RESERVED, &STOCK_RELEASED, &STOCK_COMMITTED, &STOCK_CHANGED,
    &STOCK_LOW,      &OUT_OF_STOCK,   &BACK_IN_STOCK,   NULL,
};

static const struct error_def *const ERRORS[] = {
    &WAREHOUSE_NOT_FOUND,       &WAREHOUSE_CODE_TAKEN,
    &VARIANT_HAS_COMPONENTS,    &INSUFFICIENT_STOCK,
    &RESERVATION_TOO_LARGE,     &STOCK_ITEMS_CHANGED,
    &RESERVATION_NOT_FOUND,     &RESERVATION_WAS_RELEASED,
    &RESERVATION_HAS_EXPIRED,   &RESERVATION_IS_COMMITTED,
    &RESERVATION_NOT_COMMITTED, &SHIPPED_TOO_MUCH,
    &UNKNOWN_SOURCING,          NULL,
};

static struct metric *const METRICS[] = {
    &RESERVED_UNITS,       &SHORT_LINES,  &RESERVE_BATCHES,     &RESERVE_BATCHED,
    &EXPIRED_RESERVATIONS, &OVERDUE_PINS, &PURGED_RESERVATIONS, NULL,
};

static const struct sweep SWEEPS[] = {
    {"expire", inventory_expire, FIELD(expiry_interval_ms), 10000},
    {"watch_pins", inventory_watch_pins, FIELD(watch_interval_ms), 5000},
    {"purge", inventory_purge, FIELD(purge_interval_ms), 30000},
    {0},
};

static const char *const PARTITIONED[] = {"movement", NULL};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_WAREHOUSE_STATEMENTS,   STORE_COMPONENT_STATEMENTS, STORE_LEDGER_STATEMENTS,
    STORE_RESERVATION_STATEMENTS, STORE_READ_STATEMENTS,      NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service INVENTORY = {
    .name = "inventory",
    .doc = "where stock is, who has it promised, and what may still be sold",
    .rpc = METHODS,
    .subscriptions = SUBSCRIPTIONS,
    .events = EVENTS,
    .errors = ERRORS,
    .metrics = METRICS,
    .statements = STATEMENTS,
    .migrations = INVENTORY_MIGRATIONS,
    .partitioned = PARTITIONED,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .config = CONFIG,
    .state_size = sizeof(struct inventory),
    .start = inventory_start,
    .stop = inventory_stop,
};

int main(int argc, char **argv)
{
    return service_main(&INVENTORY, argc, argv);
}
