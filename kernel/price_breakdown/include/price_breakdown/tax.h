/* tax.h - net, tax and gross of one amount. Pure integers.
 *
 * An amount is in the terms of its list. Net: tax is added on top. Gross: it holds the tax of the
 * list's home country; where the goods are taxed at home that tax is taken out of it, elsewhere the
 * net is found with the home rate and taxed with the rate of the destination. Each of the two
 * divisions rounds once, so net + tax = gross always. */
#pragma once

#include "common/decimal.h"

#include <stdbool.h>
#include <stdint.h>

struct tax_terms {
    bool is_gross;
    bool is_home; /* gross: taxed where the list is at home */
    struct decimal home_percentage;
    struct decimal percentage; /* of the destination */
    enum rounding rounding;
};

struct taxed {
    int64_t net_minor;
    int64_t tax_minor;
    int64_t gross_minor;
};

/* False on overflow. */
bool tax_split(const struct tax_terms *terms, int64_t amount_minor, struct taxed *ret_taxed);
