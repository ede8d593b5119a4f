/* suites.h - the cases of this suite, and a small price book to say them with. */
#pragma once

#include "calculator.h"
#include "pricing.h"

#include <check.h>

TCase *selection_case(void);
TCase *supersede_case(void);
TCase *calculator_case(void);

enum { NOW = 1000000 }; /* microseconds; the moment all tests are about */

struct uuid numbered(int number); /* the same id for the same number */

/* Makes an empty book in EUR at NOW. The given_ functions below fill it. */
void given_book(void);
extern struct price_book book;
extern struct arena *arena;

/* Lists are called by their number; -1 is "open to all". */
struct price_list *given_list(int number, const char *country, const char *group, int channel,
                              int64_t priority);
void given_price(int list, int variant, int64_t min_quantity, const char *unit);
void given_rate(const char *category, const char *country, const char *percentage);

struct calculation context_of(const char *country); /* channel 1, no lines yet */
/* Adds a line "a", "b", ... of a variant. */
void with_line(struct calculation *input, int variant, int64_t quantity, int64_t discount);
