/* decimal.c - exact decimals in 128-bit integers; rounding happens in one function. */
#include "common/decimal.h"

#include "digits.h"

#include <assert.h>

enum { EXPONENT_MAX = 38 }; // 10^38 is the largest power of ten in an __int128

static __int128 power_of_ten(int32_t exponent)
{
    __int128 power = 1;

    assert(exponent >= 0 && exponent <= EXPONENT_MAX);
    for (int32_t i = 0; i < exponent; i++)
        power *= 10;
    return power;
}

bool decimal_parse(const char *text, struct decimal *ret_value)
{
    struct decimal value = {0};
    bool negative = text && *text == '-', has_point = false;
    const char *digits = negative ? text + 1 : text;

    if (!text)
        return false;
    for (const char *at = digits; *at; at++) {
        if (*at == '.' && !has_point && at > digits) {
            has_point = true;
            continue;
        }
        if (*at < '0' || *at > '9' || value.scale == DECIMAL_SCALE_MAX)
            return false;

        int64_t digit = negative ? '0' - *at : *at - '0';

        if (__builtin_mul_overflow(value.unscaled, 10, &value.unscaled) ||
            __builtin_add_overflow(value.unscaled, digit, &value.unscaled))
            return false;
        value.scale += has_point;
    }
    if (*digits == '\0' || (has_point && value.scale == 0))
        return false;
    *ret_value = value;
    return true;
}

char *decimal_format(struct arena *arena, struct decimal value)
{
    char digits[DIGITS_MAX], text[DIGITS_MAX + DECIMAL_SCALE_MAX + 3];
    uint64_t magnitude = value.unscaled < 0 ? -(uint64_t)value.unscaled : (uint64_t)value.unscaled;
    size_t count = digits_of_uint64(magnitude, digits), length = 0;
    size_t scale = (size_t)value.scale;

    assert(value.scale >= 0 && value.scale <= DECIMAL_SCALE_MAX);
    if (value.unscaled < 0)
        text[length++] = '-';
    for (size_t position = count > scale ? count : scale + 1; position > 0; position--) {
        text[length++] = position > count ? '0' : digits[count - position];
        if (position == scale + 1 && scale > 0)
            text[length++] = '.';
    }
    return arena_strndup(arena, text, length);
}

int decimal_compare(struct decimal a, struct decimal b)
{
    __int128 left = a.unscaled * power_of_ten(b.scale);
    __int128 right = b.unscaled * power_of_ten(a.scale);

    return (left > right) - (left < right);
}

/* Does the quotient's magnitude grow by one, given what the division left over? */
static bool rounds_away(enum rounding rounding, unsigned __int128 rest,
                        unsigned __int128 denominator, bool is_odd)
{
    unsigned __int128 missing = denominator - rest;

    switch (rounding) {
    case ROUND_HALF_EVEN:
        return rest > missing || (rest == missing && is_odd);
    case ROUND_HALF_UP:
        return rest >= missing;
    case ROUND_HALF_DOWN:
        return rest > missing;
    case ROUND_DOWN:
        return false;
    case ROUND_UP:
        return rest > 0;
    }
    assert(false && "a rounding mode");
    return false;
}

bool decimal_divide_round(__int128 numerator, __int128 denominator, enum rounding rounding,
                          int64_t *ret_value)
{
    assert(denominator > 0);

    bool negative = numerator < 0;
    unsigned __int128 magnitude =
        negative ? -(unsigned __int128)numerator : (unsigned __int128)numerator;
    unsigned __int128 divisor = (unsigned __int128)denominator;
    unsigned __int128 quotient = magnitude / divisor, rest = magnitude % divisor;

    if (rounds_away(rounding, rest, divisor, quotient & 1))
        quotient++;
    if (quotient > (unsigned __int128)INT64_MAX + negative)
        return false;
    *ret_value = negative ? (int64_t) - (uint64_t)quotient : (int64_t)quotient;
    return true;
}

bool decimal_multiply_round(struct decimal value, int64_t factor, int32_t exponent,
                            enum rounding rounding, int64_t *ret_value)
{
    __int128 product = (__int128)value.unscaled * factor;
    int64_t shift = (int64_t)exponent - value.scale;

    if (product == 0) {
        *ret_value = 0;
        return true;
    }
    if (shift > EXPONENT_MAX)
        return false;
    if (shift >= 0) {
        if (__builtin_mul_overflow(product, power_of_ten((int32_t)shift), &product))
            return false;
        return decimal_divide_round(product, 1, rounding, ret_value);
    }
    // A product of two int64 is below 10^38, so divided by 10^39 or more it is below one tenth and
    // only its sign matters.
    if (shift < -EXPONENT_MAX) {
        product = product < 0 ? -1 : 1;
        shift = -EXPONENT_MAX;
    }
    return decimal_divide_round(product, power_of_ten((int32_t)-shift), rounding, ret_value);
}

bool decimal_rescale(struct decimal value, int32_t scale, enum rounding rounding,
                     struct decimal *ret_value)
{
    int64_t unscaled;

    assert(scale >= 0 && scale <= DECIMAL_SCALE_MAX);
    if (!decimal_multiply_round(value, 1, scale, rounding, &unscaled))
        return false;
    *ret_value = (struct decimal){unscaled, scale};
    return true;
}
