/* decimal_test.c - exact decimals, and rounding against an oracle that counts instead of dividing.
 */
#include "suites.h"

#include "common/compiler.h"
#include "common/decimal.h"
#include "random.h"

static const struct {
    const char *text;
    int64_t unscaled;
    int32_t scale;
    const char *canonical;
} TEXTS[] = {
    {"0", 0, 0, "0"},
    {"-0", 0, 0, "0"},
    {"7", 7, 0, "7"},
    {"007.50", 750, 2, "7.50"},
    {"-0.5", -5, 1, "-0.5"},
    {"0.000000000001", 1, 12, "0.000000000001"},
    {"-9223372036854775808", INT64_MIN, 0, "-9223372036854775808"},
    {"9223372.036854775807", INT64_MAX, 12, "9223372.036854775807"},
    {"19.990", 19990, 3, "19.990"},
};

START_TEST(text_is_read_and_written)
{
    struct arena *arena = arena_create(0);
    struct decimal value;

    ck_assert(decimal_parse(TEXTS[_i].text, &value));
    ck_assert_int_eq(value.unscaled, TEXTS[_i].unscaled);
    ck_assert_int_eq(value.scale, TEXTS[_i].scale);
    ck_assert_str_eq(decimal_format(arena, value), TEXTS[_i].canonical);
    arena_destroy(arena);
}
END_TEST

static const char *const REFUSED[] = {"",
                                      "-",
                                      "+1",
                                      ".5",
                                      "5.",
                                      "1.2.3",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "1,5",
                                      "--1",
                                      "-.5",
                                      "0x1",
                                      "1.-5",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "0.0000000000001",
                                      "NaN"};

START_TEST(anything_else_is_no_decimal)
{
    struct decimal value = {5, 5};

    ck_assert_msg(!decimal_parse(REFUSED[_i], &value), "%s", REFUSED[_i]);
    ck_assert_int_eq(value.unscaled, 5);
    ck_assert(!decimal_parse(NULL, &value));
}
END_TEST

START_TEST(comparison_is_by_value)
{
    static const struct {
        struct decimal a, b;
        int order;
    } CASES[] = {
        {{10, 1}, {1, 0}, 0},
        {{0, 12}, {0, 0}, 0},
        {{11, 1}, {1, 0}, 1},
        {{-11, 1}, {-1, 0}, -1},
        {{INT64_MAX, 0}, {INT64_MAX, 12}, 1},
        {{INT64_MIN, 0}, {INT64_MIN, 12}, -1},
        {{INT64_MAX, 12}, {9223372, 0}, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        ck_assert_int_eq(decimal_compare(CASES[i].a, CASES[i].b), CASES[i].order);
        ck_assert_int_eq(decimal_compare(CASES[i].b, CASES[i].a), -CASES[i].order);
    }
}
END_TEST

/* Columns: half even, half up, half down, down, up. */
static const struct {
    int64_t tenths;
    int64_t rounded[5];
} ROUNDINGS[] = {
    {0, {0, 0, 0, 0, 0}},      {1, {0, 0, 0, 0, 1}},        {5, {0, 1, 0, 0, 1}},
    {6, {1, 1, 1, 0, 1}},      {10, {1, 1, 1, 1, 1}},       {15, {2, 2, 1, 1, 2}},
    {25, {2, 3, 2, 2, 3}},     {-1, {0, 0, 0, 0, -1}},      {-5, {0, -1, 0, 0, -1}},
    {-6, {-1, -1, -1, 0, -1}}, {-15, {-2, -2, -1, -1, -2}}, {-25, {-2, -3, -2, -2, -3}},
};

START_TEST(rounding_modes_are_those_of_ieee_754)
{
    for (int mode = ROUND_HALF_EVEN; mode <= ROUND_UP; mode++) {
        struct decimal value;
        int64_t quotient;

        ck_assert(decimal_divide_round(ROUNDINGS[_i].tenths, 10, (enum rounding)mode, &quotient));
        ck_assert_int_eq(quotient, ROUNDINGS[_i].rounded[mode - 1]);
        ck_assert(decimal_rescale((struct decimal){ROUNDINGS[_i].tenths, 1}, 0, (enum rounding)mode,
                                  &value));
        ck_assert_int_eq(value.unscaled, ROUNDINGS[_i].rounded[mode - 1]);
    }
}
END_TEST

/* Is q the rounding of n / d? Told by the distance |n - q d| and its side, in twice the units, with
 * no division at all. */
static bool is_rounding(__int128 n, __int128 d, __int128 q, int mode)
{
    __int128 error = q * d - n; // positive when rounded towards plus infinity
    __int128 distance = error < 0 ? -error : error;
    bool away = (n > 0) == (error > 0);

    if (distance >= d)
        return false;
    if (error == 0)
        return true;
    switch (mode) {
    case ROUND_DOWN:
        return !away;
    case ROUND_UP:
        return away;
    case ROUND_HALF_UP:
        return 2 * distance < d || (2 * distance == d && away);
    case ROUND_HALF_DOWN:
        return 2 * distance < d || (2 * distance == d && !away);
    default:
        return 2 * distance < d || (2 * distance == d && q % 2 == 0);
    }
}

START_TEST(every_rounding_satisfies_its_definition)
{
    struct random dice = {3};

    for (int i = 0; i < 200000; i++) {
        __int128 n = (__int128)random_int64(&dice) * (int64_t)(1 + random_below(&dice, 1000));
        __int128 d = 1 + (__int128)random_below(&dice, i % 2 ? 20 : 1000000000000);
        int mode = ROUND_HALF_EVEN + i % 5;
        int64_t q;

        if (decimal_divide_round(n, d, (enum rounding)mode, &q))
            ck_assert(is_rounding(n, d, q, mode));
        else
            ck_assert(n / d >= INT64_MAX || n / d <= INT64_MIN);
    }
}
END_TEST

START_TEST(a_price_times_a_quantity_is_rounded_once)
{
    struct random dice = {4};

    for (int i = 0; i < 100000; i++) {
        struct decimal price = {random_int64(&dice), (int32_t)random_below(&dice, 13)};
        int64_t quantity = (int64_t)random_below(&dice, 1000000), minor;
        int32_t exponent = (int32_t)random_below(&dice, 5);
        int mode = ROUND_HALF_EVEN + i % 5;
        __int128 n = (__int128)price.unscaled * quantity, d = 1;

        for (int32_t k = 0; k < exponent; k++)
            n *= 10;
        for (int32_t k = 0; k < price.scale; k++)
            d *= 10;
        if (decimal_multiply_round(price, quantity, exponent, (enum rounding)mode, &minor))
            ck_assert(is_rounding(n, d, minor, mode));
        else
            ck_assert(n / d >= INT64_MAX || n / d <= INT64_MIN);
    }
}
END_TEST

static const struct {
    struct decimal value;
    int64_t factor;
    int32_t exponent;
    enum rounding rounding;
    bool fits;
    int64_t result;
} EXTREMES[] = {
    {{INT64_MAX, 0}, 1, 0, ROUND_UP, true, INT64_MAX},
    {{INT64_MIN, 0}, 1, 0, ROUND_UP, true, INT64_MIN},
    {{INT64_MIN, 0}, -1, 0, ROUND_UP, false, 0},
    {{INT64_MAX, 0}, INT64_MAX, 0, ROUND_DOWN, false, 0},
    {{1, 0}, 1, 18, ROUND_DOWN, true, 1000000000000000000},
    {{1, 0}, 1, 19, ROUND_DOWN, false, 0},
    {{1, 0}, 1, 1000, ROUND_DOWN, false, 0},
    {{0, 0}, 1, 1000, ROUND_DOWN, true, 0},
    {{INT64_MAX, 12}, INT64_MAX, -60, ROUND_HALF_UP, true, 0},
    {{INT64_MAX, 12}, INT64_MAX, -60, ROUND_UP, true, 1},
    {{INT64_MIN, 12}, INT64_MAX, -60, ROUND_UP, true, -1},
    {{INT64_MAX, 0}, INT64_MAX, -38, ROUND_HALF_EVEN, true, 1},
    {{INT64_MAX, 1}, INT64_MAX, -38, ROUND_HALF_EVEN, true, 0},
};

START_TEST(the_ends_of_the_range_are_exact_or_refused)
{
    int64_t result;
    bool fits = decimal_multiply_round(EXTREMES[_i].value, EXTREMES[_i].factor,
                                       EXTREMES[_i].exponent, EXTREMES[_i].rounding, &result);

    ck_assert_int_eq(fits, EXTREMES[_i].fits);
    if (fits)
        ck_assert_int_eq(result, EXTREMES[_i].result);
}
END_TEST

Suite *decimal_suite(void)
{
    Suite *suite = suite_create("decimal");
    TCase *tcase = tcase_create("decimal");

    tcase_add_loop_test(tcase, text_is_read_and_written, 0, ARRAY_LEN(TEXTS));
    tcase_add_loop_test(tcase, anything_else_is_no_decimal, 0, ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, comparison_is_by_value);
    tcase_add_loop_test(tcase, rounding_modes_are_those_of_ieee_754, 0, ARRAY_LEN(ROUNDINGS));
    tcase_add_test(tcase, every_rounding_satisfies_its_definition);
    tcase_add_test(tcase, a_price_times_a_quantity_is_rounded_once);
    tcase_add_loop_test(tcase, the_ends_of_the_range_are_exact_or_refused, 0, ARRAY_LEN(EXTREMES));
    suite_add_tcase(suite, tcase);
    return suite;
}
