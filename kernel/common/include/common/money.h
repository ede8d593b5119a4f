/* money.h - integer amounts of minor units with their currency. No floating point, ever.
 *
 * Every operation is checked: an overflow answers false (or asserts where the header says so), and
 * mixing currencies is a programmer's error and asserts. */
#pragma once

#include "common/decimal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct money {
    int64_t minor;    /* in minor units: cents of EUR, yen of JPY, fils of KWD (1/1000) */
    char currency[4]; /* ISO 4217, upper case */
};

struct money money_of(int64_t minor, const char *currency);
bool money_is_currency(const char *code); /* three upper-case ASCII letters */
bool money_same_currency(struct money a, struct money b);
bool money_add(struct money a, struct money b, struct money *ret_sum);
bool money_subtract(struct money a, struct money b, struct money *ret_difference);
bool money_multiply(struct money a, int64_t factor, struct money *ret_product);

/* Splits `amount` in proportion to weights >= 0 by largest remainder; the earliest of equal
 * remainders gets the odd unit. Shares add up to amount exactly, and share[i] never exceeds
 * amount (by absolute value). All weights zero: everything goes to the first. `amount` may be
 * negative. Hamilton's method, computed in 128-bit integers. Up to 1,000 shares. */
void money_split(int64_t amount, const int64_t *weights, size_t count, int64_t *ret_shares);
