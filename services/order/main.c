/* main.c - the table of contents of the order daemon. */
#include "store.h"

#include "chassis/service.h"
#include "events/consumer.h"
#include "events/outbox.h"
#include "order/v1/events.schema.h"
#include "order_migrations.h"
#include "tables.h"

#define FIELD(member) offsetof(struct order_daemon, member)

static const struct config_field CONFIG[] = {
    {"ORDER_CHECKOUT_TTL", CONFIG_DURATION_MS, FIELD(checkout_ttl_ms), "15m", 1000, 86400000, false,
     "how long a checkout may take until it is cancelled"},
    {"ORDER_ACTION_TTL", CONFIG_DURATION_MS, FIELD(action_ttl_ms), "24h", 1000, 604800000, false,
     "how long it may take once the buyer has to act at a bank"},
    {"ORDER_REAP_INTERVAL", CONFIG_DURATION_MS, FIELD(reap_interval_ms), "1s", 50, 60000, false,
     "how often checkouts that nobody drives are looked for"},
    {"ORDER_RETRY_MAX", CONFIG_DURATION_MS, FIELD(retry_max_ms), "5m", 50, 3600000, false,
     "most between two requests to take up the same checkout, which wait 2 s, 5 s, 15 s, 60 s, 5 "
     "m"},
    {"ORDER_CAPTURE_TRIES", CONFIG_INT, FIELD(capture_tries), "4", 1, 20, false,
     "how often a capture may be refused for good until the order is cancelled"},
    {"ORDER_CAPTURE_RETRY", CONFIG_DURATION_MS, FIELD(capture_retry_ms), "1h", 10, 86400000, false,
     "how long after the first refusal it is tried again; four times as long after each further"},
    {"ORDER_PURGE_INTERVAL", CONFIG_DURATION_MS, FIELD(purge_interval_ms), "10m", 50, 86400000,
     false, "how often finished checkouts and old webhooks are purged"},
    {"ORDER_KEEP", CONFIG_DURATION_MS, FIELD(keep_ms), "30d", 1000, 31536000000, false,
     "how long they are kept"},
    {"ORDER_STRIPE_URL", CONFIG_STRING, FIELD(stripe_url), "https://api.stripe.com", 0, 0, false,
     "Stripe's API, or what stands in for it"},
    {"ORDER_STRIPE_SECRET", CONFIG_STRING, FIELD(stripe_secret), "", 0, 0, true,
     "the secret key; empty: payments with Stripe stay without an answer"},
    {"ORDER_STRIPE_WEBHOOK_SECRET", CONFIG_STRING, FIELD(stripe_webhook_secret), "", 0, 0, true,
     "the endpoint's signing secret; empty: webhooks are refused"},
    {"ORDER_STRIPE_TIMEOUT", CONFIG_DURATION_MS, FIELD(stripe_timeout_ms), "8s", 50, 60000, false,
     "how long one request to Stripe may take; after it the outcome is unknown"},
    {"ORDER_STRIPE_SETTLE", CONFIG_DURATION_MS, FIELD(stripe_settle_ms), "5m", 0, 86400000, false,
     "a request older than this that Stripe cannot find never arrived"},
    {0},
};

static const struct rpc_service *const RPC[] = {&ORDER_V1_SERVICE, NULL};

/* A batch is one transaction: requests lock one order each, so they wait for it and never in a
 * circle with it. */
static const struct event_subscription SUBSCRIPTIONS[] = {
    {.topic = "order.payment.events.v1",
     .body = &order__v1__payment_captured__schema,
     .handle_all = order_on_payments_captured},
    {.topic = "order.payment.events.v1",
     .body = &order__v1__payment_capture_failed__schema,
     .handle = order_on_capture_failed,
     .commit_per_record = true},
    {0},
};

static const struct event_kind *const EVENTS[] = {
    &CHECKOUT_RESUME_REQUESTED,
    &CHECKOUT_CANCELLED_EVENT,
    &ORDER_PLACED,
    &ORDER_PAYMENT_CHANGED,
    &ORDER_FULFILLMENT_CHANGED,
    &ORDER_CANCELLED_EVENT,
    &SHIPMENT_SHIPPED_EVENT,
    &SHIPMENT_DELIVERED_EVENT,
    &PAYMENT_AUTHORIZED_EVENT,
    &PAYMENT_DECLINED_EVENT,
    &PAYMENT_CAPTURED_EVENT,
    &PAYMENT_CAPTURE_FAILED_EVENT,
    &PAYMENT_VOIDED_EVENT,
    &PAYMENT_REFUNDED_EVENT,
    &SEND_NOTIFICATION,
    NULL,
};

static const struct error_def *const ERRORS[] = {
    &CLIENT_KEY_REUSED,
    &CHECKOUT_RACED,
    &CHECKOUT_LEASED,
    &CHECKOUT_FENCED,
    &CHECKOUT_REFUSED_STATE,
    &UNKNOWN_PROVIDER_ACCOUNT,
    &TENDERS_MISMATCH,
    &TENDER_IN_FLIGHT,
    &TENDERS_NOT_VOIDED,
    &PAYMENT_MISSING,
    &CAPTURE_EXCEEDS_AUTHORIZATION,
    &ORDER_NOT_OPEN,
    &ORDER_SHIPPED,
    &FULFILLMENT_NOT_READY,
    &SHIP_QUANTITY_EXCEEDED,
    &SHIPMENT_ID_TAKEN,
    &SHIPMENT_NOT_SHIPPED,
    &PROVIDER_ACCOUNT_EXISTS,
    &UNKNOWN_PROVIDER,
    &WEBHOOK_REFUSED,
    &NO_WEBHOOKS,
    &PROVIDER_SILENT,
    &CAPTURE_PENDING,
    &UNWIND_PENDING,
    NULL,
};

static struct metric *const METRICS[] = {
    &PAYMENT_ANSWERS, &WEBHOOKS, &CHECKOUTS_STALLED, &CHECKOUT_STALL_AGE, &CHECKOUTS_STUCK,
    &CHECKOUTS_WOKEN, NULL};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_CHECKOUT_STATEMENTS,
    STORE_PAYMENT_STATEMENTS,
    STORE_ORDER_STATEMENTS,
    STORE_ORDER_LIST_STATEMENTS,
    NULL,
};

static const char *const PARTITIONED[] = {"payment_entry", NULL};

static const struct task_kind *const TASKS[] = {&CAPTURE_PAYMENT, &RETRY_CAPTURE, &UNWIND_PAYMENT,
                                                NULL};

static const struct sweep SWEEPS[] = {
    {"reap_checkouts", reap_checkouts, FIELD(reap_interval_ms), 5000},
    {"purge_finished", purge_finished, FIELD(purge_interval_ms), 60000},
    {0},
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

static struct status start(struct ctx *boot)
{
    struct order_daemon *self = ctx_state(boot);

    self->manual = manual_provider_of();
    self->stripe = stripe_provider_of((struct stripe_settings){
        .url = self->stripe_url,
        .secret = self->stripe_secret,
        .webhook_secret = self->stripe_webhook_secret,
        .timeout_ms = self->stripe_timeout_ms,
        .settle_ms = self->stripe_settle_ms,
    });
    return status_ok();
}

static void stop(void *state)
{
    struct order_daemon *self = state;

    epoch_slot_close(&self->accounts);
}

const struct service ORDER = {
    .name = "order",
    .doc = "checkouts, orders, payments and fulfillment",
    .rpc = RPC,
    .subscriptions = SUBSCRIPTIONS,
    .events = EVENTS,
    .errors = ERRORS,
    .metrics = METRICS,
    .statements = STATEMENTS,
    .migrations = ORDER_MIGRATIONS,
    .partitioned = PARTITIONED,
    .tasks = TASKS,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .config = CONFIG,
    .state_size = sizeof(struct order_daemon),
    .start = start,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return service_main(&ORDER, argc, argv);
}
