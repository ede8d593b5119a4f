/* main.c - the table of contents of the platform daemon. */
#include "platform.h"

#include "events/outbox.h"
#include "platform/v1/service.handlers.h"
#include "platform_migrations.h"

#include "inventory/v1/events.schema.h"
#include "platform/v1/commands.schema.h"

#define FIELD(member) offsetof(struct platform, member)

static const struct config_field CONFIG[] = {
    {"PLATFORM_SMTP_URL", CONFIG_STRING, FIELD(smtp_url), "", 0, 500, true,
     "mail server, smtp://[user:password@]host:port or smtps://; empty: mail fails"},
    {"PLATFORM_SENDER", CONFIG_STRING, FIELD(sender), "", 0, 254, false,
     "from whom mail comes when its store names no sender"},
    {"PLATFORM_ALERT_EMAIL", CONFIG_STRING, FIELD(alert_email), "", 0, 254, false,
     "who hears of low stock; empty: nobody"},
    {"PLATFORM_ALERT_LOCALE", CONFIG_STRING, FIELD(alert_locale), "en", 2, 35, false,
     "the language of alerts"},
    {"PLATFORM_REORDER_WEBHOOK_URL", CONFIG_STRING, FIELD(reorder_url), "", 0, 2000, true,
     "where low stock is posted as a CloudEvent; empty: nowhere"},
    {"PLATFORM_WEBHOOK_SECRET", CONFIG_STRING, FIELD(webhook_secret), "", 0, 500, true,
     "key of Torg-Signature; needed with PLATFORM_REORDER_WEBHOOK_URL"},
    {"PLATFORM_WEBHOOK_TIMEOUT", CONFIG_DURATION_MS, FIELD(webhook_timeout_ms), "5s", 100, 5500,
     false, "how long a webhook's receiver may take"},
    {"PLATFORM_WEBHOOK_ALLOW_PRIVATE", CONFIG_BOOL, FIELD(webhook_allow_private), "false", 0, 0,
     false, "whether webhooks may go to loopback and private addresses"},
    {"PLATFORM_DELIVERY_RETENTION", CONFIG_DURATION_MS, FIELD(retention_ms), "30d", 1, 31536000000,
     false, "how long recipients and texts of ended deliveries are kept"},
    {"PLATFORM_ERASE_INTERVAL", CONFIG_DURATION_MS, FIELD(erase_interval_ms), "10m", 10, 86400000,
     false, "how often they are looked for"},
    {0},
};

static const struct rpc_service *const METHODS[] = {&PLATFORM_V1_SERVICE, NULL};

static const struct event_subscription SUBSCRIPTIONS[] = {
    {.topic = "platform.notification.commands.v1",
     .body = &platform__v1__send_notification__schema,
     .handle = platform_on_send_notification},
    {.topic = "inventory.stock.events.v1",
     .body = &inventory__v1__stock_low__schema,
     .handle = platform_on_stock_low},
    {0},
};

static const struct event_kind *const EVENTS[] = {
    &CHANNEL_CHANGED, &SHIPPING_OPTION_CHANGED, &API_KEY_REVOKED,
    &DELIVERY_SENT,   &DELIVERY_FAILED,         NULL,
};

static const struct error_def *const ERRORS[] = {
    &TOO_MANY_SETTINGS,
    &STORE_CODE_TAKEN,
    &STORE_NOT_FOUND,
    &CHANNEL_CODE_TAKEN,
    &CHANNEL_NOT_FOUND,
    &PUBLISHABLE_KEY_TAKEN,
    &SHIPPING_OPTION_CODE_TAKEN,
    &SHIPPING_OPTION_NOT_FOUND,
    &INVALID_RULE,
    &API_KEY_TAKEN,
    &SCOPE_NOT_HELD,
    &API_KEY_NOT_FOUND,
    &TEMPLATE_NOT_FOUND,
    &TEMPLATE_BROKEN,
    &DELIVERY_NOT_FOUND,
    &DELIVERY_WAS_SENT,
    &DELIVERY_ERASED,
    &MAIL_NOT_CONFIGURED,
    &WEBHOOK_REFUSED,
    &REORDER_UNSIGNED,
    NULL,
};

static struct metric *const METRICS[] = {&DELIVERIES, &ERASED_DELIVERIES, NULL};

static const struct task_kind *const TASKS[] = {&SEND_MAIL, &POST_WEBHOOK, NULL};

static const struct sweep SWEEPS[] = {
    {"erase", platform_erase, FIELD(erase_interval_ms), 30000},
    {0},
};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_CHANNEL_STATEMENTS,  STORE_SHIPPING_STATEMENTS, STORE_KEY_STATEMENTS,
    STORE_TEMPLATE_STATEMENTS, STORE_DELIVERY_STATEMENTS, NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service PLATFORM = {
    .name = "platform",
    .doc = "what the shop is made of, and what it says to people",
    .rpc = METHODS,
    .subscriptions = SUBSCRIPTIONS,
    .events = EVENTS,
    .errors = ERRORS,
    .metrics = METRICS,
    .statements = STATEMENTS,
    .migrations = PLATFORM_MIGRATIONS,
    .tasks = TASKS,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .config = CONFIG,
    .state_size = sizeof(struct platform),
    .start = platform_start,
};

int main(int argc, char **argv)
{
    return service_main(&PLATFORM, argc, argv);
}
