/* main.c - the table of contents of the platform daemon. */
#include "platform.h"

#include "events/outbox.h"
#include "platform/v1/service.handlers.h"
#include "platform_migrations.h"

static const struct rpc_service *const METHODS[] = {&PLATFORM_V1_SERVICE, NULL};

static const struct event_kind *const EVENTS[] = {
    &CHANNEL_CHANGED,
    &SHIPPING_OPTION_CHANGED,
    &API_KEY_REVOKED,
    NULL,
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
    &API_KEY_TAKEN,
    &API_KEY_NOT_FOUND,
    NULL,
};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_CHANNEL_STATEMENTS,
    STORE_SHIPPING_STATEMENTS,
    STORE_KEY_STATEMENTS,
    NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service PLATFORM = {
    .name = "platform",
    .doc = "what the shop is made of, and what it says to people",
    .rpc = METHODS,
    .events = EVENTS,
    .errors = ERRORS,
    .statements = STATEMENTS,
    .migrations = PLATFORM_MIGRATIONS,
    .components = COMPONENTS,
};

int main(int argc, char **argv)
{
    return service_main(&PLATFORM, argc, argv);
}
