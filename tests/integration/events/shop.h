/* shop.h - a daemon made for tests: it publishes what the test tells it and consumes its own topic.
 *
 * Its message is common.v1.Money: minor_units is the number the test looks for, and the currency
 * tells the handler how to behave (BEHAVIOURS in shop.c). */
#pragma once

#include "chassis/service.h"
#include "events/outbox.h"

#include <stdatomic.h>

extern const struct service SHOP;          /* publishes only */
extern const struct service SHOP_CONSUMER; /* consumes the topic of TORG_SHOP_TOPIC */
extern const struct service SHOP_CACHE;    /* no database, broadcast; counts in `shop_seen` */
extern const struct service SHOP_VIEW;     /* no database, shared; counts in `shop_seen` */
extern struct event_kind SHOP_SOLD;        /* its topic is set per test */

/* Of the services without a database, in this process. */
struct shop_seen {
    atomic_int handled, refused, gaps;
    atomic_bool is_away; /* AWY must wait */
};
extern struct shop_seen shop_seen;

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
