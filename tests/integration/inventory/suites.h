/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "inventory.h"
#include "store.h"
#include "world.h"

extern const struct service INVENTORY;

void warehouse_case(Suite *suite);
void stock_case(Suite *suite);
void reserve_case(Suite *suite);
void reservation_case(Suite *suite);
void crowd_case(Suite *suite);
void order_case(Suite *suite);
void events_case(Suite *suite);

/* The daemon of the test; each test starts it first. */
extern struct daemon *inventory;
void given_inventory(void);

struct uuid given_warehouse(const char *code, const char *country_code, int32_t priority);
/* Of the variant that is its own stock item. */
void given_stock(struct uuid warehouse, struct uuid variant, int64_t quantity);
void given_policy(struct uuid warehouse, struct uuid item, int64_t low_threshold,
                  int64_t backorder_limit);
void given_kit(struct uuid variant, const struct component *components, size_t count);

struct wanted {
    struct uuid variant;
    int64_t quantity;
};

/* Lines are called "1", "2", ... */
Inventory__V1__ReserveRequest *reserve_request(struct ctx *ctx, struct uuid id,
                                               const struct wanted *wanted, size_t count);
struct status reserving(struct uuid id, const struct wanted *wanted, size_t count);
/* Of one variant; must succeed. */
struct uuid given_reservation(struct uuid variant, int64_t quantity);
struct status releasing(struct uuid id);
struct status committing(struct uuid id);
struct status pinning(struct uuid id);

/* All accounts of one stock item in one warehouse. */
void then_level(struct uuid warehouse, struct uuid item, int64_t available, int64_t reserved,
                int64_t allocated);
void then_state(struct uuid reservation, const char *state);
int64_t published(const struct event_kind *kind);
/* Every balance is the sum of its movements, all accounts sum to zero, reserved and allocated are
 * what reservations say, and no event number is missing. */
void then_the_books_are_right(void);

const char *text(struct uuid id); /* in the world's memory */
