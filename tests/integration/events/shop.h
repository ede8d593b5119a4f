/* shop.h - a daemon made for tests: it publishes what the test tells it and consumes its own topic.
 *
 * Its message is common.v1.Money: minor_units is the number the test looks for, and the currency
 * tells the handler how to behave (BEHAVIOURS in shop.c). */
#pragma once

#include "chassis/service.h"
#include "events/outbox.h"

extern const struct service SHOP;          /* publishes only */
extern const struct service SHOP_CONSUMER; /* consumes the topic of TORG_SHOP_TOPIC */
extern struct event_kind SHOP_SOLD;        /* its topic is set per test */

/* The topic's name comes from the environment, before either service starts. */
void shop_configure(void);
/* Publishes `count` events of one key in one transaction, numbered from `first`; rolls back when
 * told so. */
struct shop_sale {
    struct uuid key;
    int64_t first, count;
    const char *currency;
    bool is_rolled_back;
};
struct status shop_publish(struct ctx *ctx, const struct shop_sale *sale);
