/* suites.h - the cases of this suite, and the words they are written in. */
#pragma once

#include "pricing.h"
#include "pricing/v1/service.handlers.h"
#include "world.h"

extern const struct service PRICING;

void price_list_case(Suite *suite);
void prices_case(Suite *suite);
void tax_rate_case(Suite *suite);
void read_case(Suite *suite);

extern struct daemon *pricing;
extern struct uuid channel; /* of the test's lists */
void given_pricing(void);   /* the daemon, EUR, the tax category "standard" */

/* Gross, at home in DE, active; other fields are the test's to change before creating(). */
Pricing__V1__PriceList *price_list(const char *code, int32_t priority);
struct status creating(Pricing__V1__PriceList *list, Pricing__V1__PriceList **ret_list);
struct status updating(Pricing__V1__PriceList *list, int64_t expected_version);
const char *given_list(const char *code, int32_t priority); /* its id */

/* Sets one price in cents from `delay_us` after now; ret_changed may be NULL. */
struct status setting(const char *list_id, struct uuid variant, int64_t cents,
                      int64_t *ret_changed);
void given_price(const char *list_id, struct uuid variant, int64_t cents);
void given_rate(const char *country, int64_t percent);
Pricing__V1__PriceContext *context_in(const char *country);
int64_t published(const struct event_kind *kind);
