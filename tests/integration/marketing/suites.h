/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "marketing.h"
#include "marketing/v1/service.handlers.h"
#include "world.h"

extern const struct service MARKETING;

void promotion_case(Suite *suite);
void coupon_case(Suite *suite);
void hold_case(Suite *suite);

extern struct daemon *marketing;
void given_marketing(void);

/* Ten percent off the order, active, not saved yet. */
Marketing__V1__Promotion *promotion(const char *code);
struct status creating(Marketing__V1__Promotion *promotion, Marketing__V1__Promotion **ret_made);
const char *given_promotion(const char *code, bool requires_coupon); /* its id */

struct limits {
    int64_t usage, per_customer;
};
struct status creating_coupon(const char *code, const char *promotion_id, struct limits limits,
                              Marketing__V1__Coupon **ret_made);
const char *given_coupon(const char *code, struct limits limits); /* its id; with a promotion */

struct status holding(struct uuid checkout, const char *code, const char *customer);
struct status redeeming(struct uuid checkout);
struct status releasing(struct uuid checkout);
/* Of the only coupon. */
void then_counts(int64_t held, int64_t redeemed);
int64_t published(const struct event_kind *kind);
