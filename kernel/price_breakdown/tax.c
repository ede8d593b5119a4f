/* tax.c - net, tax and gross of one amount. */
#include "price_breakdown/tax.h"

static __int128 power_of_ten(int32_t exponent)
{
    __int128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* round(amount * percentage / 100) */
static bool tax_on(int64_t amount, struct decimal percentage, enum rounding rounding, int64_t *ret)
{
    return decimal_divide_round((__int128)amount * percentage.unscaled,
                                100 * power_of_ten(percentage.scale), rounding, ret);
}

/* round(amount * percentage / (100 + percentage)): the tax that a gross amount holds. */
static bool tax_within(int64_t amount, struct decimal percentage, enum rounding rounding,
                       int64_t *ret)
{
    return decimal_divide_round((__int128)amount * percentage.unscaled,
                                100 * power_of_ten(percentage.scale) + percentage.unscaled,
                                rounding, ret);
}

bool tax_split(const struct tax_terms *terms, int64_t amount_minor, struct taxed *ret_taxed)
{
    struct taxed taxed = {.net_minor = amount_minor};
    int64_t held;

    if (terms->is_gross) {
        struct decimal inside = terms->is_home ? terms->percentage : terms->home_percentage;
        if (!tax_within(amount_minor, inside, terms->rounding, &held))
            return false;
        taxed.net_minor = amount_minor - held;
        taxed.tax_minor = held;
        taxed.gross_minor = amount_minor;
    }
    if (!terms->is_gross || !terms->is_home) {
        if (!tax_on(taxed.net_minor, terms->percentage, terms->rounding, &taxed.tax_minor) ||
            __builtin_add_overflow(taxed.net_minor, taxed.tax_minor, &taxed.gross_minor))
            return false;
    }
    *ret_taxed = taxed;
    return true;
}
