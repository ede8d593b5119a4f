/* families.h - the tables of invariants, one a file. */
#pragma once

#include "audit.h"

extern const struct invariant STOCK[], RESERVATIONS[], SALES[], PAYMENTS[], COUPONS[], CARTS[],
    TOPICS[], STATES_TOLD[], CONSUMERS[], WORK[];

/* consumers.c: who handles what. */
struct subscription {
    const char *consumer;
    const char *schema; /* of its inbox; NULL: it has none, its group's offsets tell */
    const char *topic, *type;
};

extern const struct subscription SUBSCRIPTIONS[];
