/* outcome.h - what is left when a race is over, as buyers, the back office and the provider see it.
 */
#pragma once

#include "given.h"

/* Asks until the checkout has ended: placed, or the problem that refused it. */
struct answer ended(const char *checkout_id);
/* An answer of POST /checkouts, followed when it is a 202. */
struct answer followed(struct answer answer);

/* Units of an item by account, over all warehouses. */
struct stock {
    int64_t available, reserved, allocated;
};
struct stock stock_of(struct item item);
void then_stock_settles(struct item item, struct stock wanted);

/* The provider's book of a checkout, in minor units. */
struct book {
    int intents;
    int64_t held, captured, refunded;
};
struct book book_of(const char *checkout_id);
/* Waits until nothing is held and this much is kept; answers the book as it stands in the end. */
struct book book_until(const char *checkout_id, int64_t kept_minor);

/* The time of a checkout is over now, and the reaper will find it: told to the database, as the
 * order daemon's own role. */
void out_of_time(const char *checkout_id);

void race_begins(void);
/* tests/invariants finds nothing since then, once what events drive has come to rest. */
void then_invariants_hold(void);
