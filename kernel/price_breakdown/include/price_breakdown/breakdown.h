/* breakdown.h - the arithmetic of a price breakdown. Pure integers: equal input, equal bytes.
 *
 * Pricing finds the unit prices and the rates; a breakdown carries them with the way it rounds, so
 * what promotions take off is worked out wherever the breakdown is. Messages made here live in the
 * arena and share what they are made of. Thread-safe: no state. */
#pragma once

#include "common/arena.h"
#include "common/decimal.h"
#include "pricing/v1/service.pb-c.h"

#include <stdint.h>

enum rounding breakdown_rounding(Pricing__V1__RoundingMode mode);

/* Fills net, tax and gross from the base, the discount and the rates. NULL, or the reason of a
 * PriceProblem: DISCOUNT_TOO_LARGE, AMOUNT_TOO_LARGE. */
const char *breakdown_tax_line(const Pricing__V1__PriceBreakdown *breakdown,
                               Pricing__V1__PricedLine *line);
const char *breakdown_tax_shipping(const Pricing__V1__PriceBreakdown *breakdown,
                                   Pricing__V1__PricedShipping *shipping);

/* Room for so many lines and their problems, and those of shipping. */
void breakdown_reserve(struct arena *arena, Pricing__V1__PriceBreakdown *breakdown,
                       size_t line_count);
/* Of the same currency, moment and way of rounding, with that room and nothing in it. */
Pricing__V1__PriceBreakdown *
breakdown_like(struct arena *arena, const Pricing__V1__PriceBreakdown *other, size_t line_count);
/* line_id "": shipping. */
void breakdown_add_problem(struct arena *arena, Pricing__V1__PriceBreakdown *breakdown,
                           const char *line_id, const char *reason);
/* Totals and tax portions, which are zero before, from the lines and shipping. */
void breakdown_sum_up(struct arena *arena, Pricing__V1__PriceBreakdown *breakdown);

/* The breakdown with these discounts in place of its own: one for each of its lines, in minor units
 * >= 0. A line that is worth less becomes a problem. */
Pricing__V1__PriceBreakdown *breakdown_discounted(struct arena *arena,
                                                  const Pricing__V1__PriceBreakdown *breakdown,
                                                  const int64_t *line_discounts,
                                                  int64_t shipping_discount);
