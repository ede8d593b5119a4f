/* main.c - the table of contents of the pricing daemon. */
#include "pricing.h"

#include "events/outbox.h"
#include "pricing/v1/service.handlers.h"
#include "pricing_migrations.h"

static const struct rpc_service *const RPC[] = {&PRICING_V1_SERVICE, NULL};

static const struct event_kind *const EVENTS[] = {
    &PRICE_CHANGED,
    &PRICE_LIST_CHANGED,
    &TAX_RATE_CHANGED,
    NULL,
};

static const struct error_def *const ERRORS[] = {
    &UNKNOWN_CURRENCY,
    &UNKNOWN_TAX_CATEGORY,
    &PRICE_LIST_NOT_FOUND,
    &PRICE_LIST_CODE_TAKEN,
    &PRICE_LISTS_TIE,
    &PRICE_LIST_DIMENSION_FIXED,
    &BAD_VALIDITY,
    &BAD_PRICE,
    NULL,
};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_LIST_STATEMENTS,
    STORE_PRICE_STATEMENTS,
    STORE_TAX_STATEMENTS,
    STORE_BOOK_STATEMENTS,
    NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

static void stop(void *state)
{
    struct pricing *self = state;
    epoch_slot_close(&self->terms);
}

const struct service PRICING = {
    .name = "pricing",
    .doc = "price lists, prices, taxes, and the calculator",
    .rpc = RPC,
    .events = EVENTS,
    .errors = ERRORS,
    .statements = STATEMENTS,
    .migrations = PRICING_MIGRATIONS,
    .components = COMPONENTS,
    .state_size = sizeof(struct pricing),
    .stop = stop,
};

int main(int argc, char **argv)
{
    return service_main(&PRICING, argc, argv);
}
