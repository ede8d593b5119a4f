/* main.c - the table of contents of the marketing daemon. */
#include "marketing.h"

#include "events/outbox.h"
#include "marketing/v1/service.handlers.h"
#include "marketing_migrations.h"
#include "order/v1/events.schema.h"

#define FIELD(member) offsetof(struct marketing, member)

static const struct config_field CONFIG[] = {
    {"MARKETING_PROMOTIONS_MAX", CONFIG_INT, FIELD(promotions_max), "1000", 1, 10000,
     .doc = "most active promotions; every evaluation looks at each"},
    {0},
};

static const struct rpc_service *const RPC[] = {&MARKETING_V1_SERVICE, NULL};

static const struct event_subscription SUBSCRIPTIONS[] = {
    {.topic = "order.order.events.v1",
     .body = &order__v1__order_placed__schema,
     .handle_all = marketing_on_orders_placed},
    {.topic = "order.order.events.v1",
     .body = &order__v1__order_cancelled__schema,
     .handle = marketing_on_order_cancelled,
     .commit_per_record = true}, /* coupons are locked by HoldCoupons too */
    {0},
};

static const struct event_kind *const EVENTS[] = {
    &PROMOTION_CHANGED, &COUPON_CHANGED, &COUPON_HELD, &COUPON_REDEEMED, &COUPON_RELEASED, NULL,
};

static const struct error_def *const ERRORS[] = {
    &PROMOTION_NOT_FOUND, &PROMOTION_CODE_TAKEN, &TOO_MANY_PROMOTIONS, &BAD_PROMOTION,
    &INVALID_RULE,        &COUPON_NOT_FOUND,     &COUPON_CODE_TAKEN,   &COUPON_LIMIT_TOO_LOW,
    &COUPON_NOT_USABLE,   &HOLD_RELEASED,        &HOLD_NOT_FOUND,      NULL,
};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_PROMOTION_STATEMENTS,
    STORE_COUPON_STATEMENTS,
    STORE_HOLD_STATEMENTS,
    NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

static void stop(void *state)
{
    struct marketing *self = state;
    epoch_slot_close(&self->promotions);
}

const struct service MARKETING = {
    .name = "marketing",
    .doc = "promotions and coupons: what a buyer gets off, why, and how often",
    .rpc = RPC,
    .subscriptions = SUBSCRIPTIONS,
    .events = EVENTS,
    .errors = ERRORS,
    .statements = STATEMENTS,
    .migrations = MARKETING_MIGRATIONS,
    .components = COMPONENTS,
    .config = CONFIG,
    .state_size = sizeof(struct marketing),
    .stop = stop,
};

int main(int argc, char **argv)
{
    return service_main(&MARKETING, argc, argv);
}
