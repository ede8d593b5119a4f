/* calculator.h - context and lines to a price breakdown. Pure: equal input, equal bytes. */
#pragma once

#include "selection.h"

struct calculation {
    struct price_context context;
    Pricing__V1__RoundingMode rounding_mode;
    Pricing__V1__RoundingLevel rounding_level;
    const Pricing__V1__PriceLine *const *lines;
    size_t line_count;
    const Pricing__V1__ShippingLine *shipping; /* or NULL */
};

/* Fills the breakdown; a line that cannot be priced becomes a problem and is left out of the sums.
 */
Pricing__V1__PriceBreakdown *calculate(struct arena *arena, const struct price_book *book,
                                       const struct calculation *input);

/* One piece of one variant, for lists of products; without a unit price where there is none. */
Pricing__V1__UnitPrice *calculate_unit(struct arena *arena, const struct price_book *book,
                                       const struct calculation *input, const char *variant_id,
                                       const char *tax_category_code);
