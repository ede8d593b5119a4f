/* decimal.h - exact decimals for unit prices, rates and percentages: unscaled / 10^scale. */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { DECIMAL_SCALE_MAX = 12 };

struct decimal {
    int64_t unscaled;
    int32_t scale; /* 0..DECIMAL_SCALE_MAX */
};

/* IEEE 754 names: ties to even, ties away from zero, ties towards zero, always towards zero, ... */
enum rounding {
    ROUND_HALF_EVEN = 1,
    ROUND_HALF_UP = 2,   /* ties away from zero */
    ROUND_HALF_DOWN = 3, /* ties towards zero */
    ROUND_DOWN = 4,      /* towards zero */
    ROUND_UP = 5,        /* away from zero */
};

/* Plain notation only: -?[0-9]+(\.[0-9]+)?, at most 12 fraction digits. False on anything else. */
bool decimal_parse(const char *text, struct decimal *ret_value);
char *decimal_format(struct arena *arena, struct decimal value);
int decimal_compare(struct decimal a, struct decimal b); /* by value: 1.0 equals 1 */
bool decimal_rescale(struct decimal value, int32_t scale, enum rounding rounding,
                     struct decimal *ret_value);

/* round(numerator / denominator); denominator > 0. False on overflow of int64. */
bool decimal_divide_round(__int128 numerator, __int128 denominator, enum rounding rounding,
                          int64_t *ret_value);
/* round(value * factor * 10^exponent): a unit price times a quantity in minor units. */
bool decimal_multiply_round(struct decimal value, int64_t factor, int32_t exponent,
                            enum rounding rounding, int64_t *ret_value);
