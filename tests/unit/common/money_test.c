/* money_test.c - checked amounts, and shares by largest remainder. */
#include "suites.h"

#include "common/compiler.h"
#include "common/money.h"
#include "random.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *label;
    int64_t amount;
    int64_t weights[4], shares[4];
} CASES[] = {
    {"nothing to split", 0, {1, 1, 1, 0}, {0, 0, 0, 0}},
    {"even", 9, {1, 1, 1, 0}, {3, 3, 3, 0}},
    {"the odd unit goes to the first of equals", 10, {1, 1, 1, 0}, {4, 3, 3, 0}},
    {"two odd units go to the first two", 11, {1, 1, 1, 0}, {4, 4, 3, 0}},
    {"a weightless line gets nothing", 10, {0, 1, 1, 0}, {0, 5, 5, 0}},
    {"the largest remainder is served first", 10, {10, 26, 27, 37}, {1, 2, 3, 4}},
    {"without any weight all goes to the first", 10, {0, 0, 0, 0}, {10, 0, 0, 0}},
    {"a negative amount mirrors the positive", -10, {1, 1, 1, 0}, {-4, -3, -3, 0}},
    {"less than one unit each", 2, {1, 1, 1, 1}, {1, 1, 0, 0}},
    {"the smallest amount", INT64_MIN, {1, 1, 0, 0}, {INT64_MIN / 2, INT64_MIN / 2, 0, 0}},
    {"the smallest amount, unweighted", INT64_MIN, {0, 0, 0, 0}, {INT64_MIN, 0, 0, 0}},
    {"huge weights",
     INT64_MAX,
     {INT64_MAX, INT64_MAX, INT64_MAX, 0},
     {3074457345618258603, 3074457345618258602, 3074457345618258602, 0}},
};

START_TEST(shares_follow_the_weights)
{
    int64_t shares[4];

    money_split(CASES[_i].amount, CASES[_i].weights, 4, shares);
    ck_assert_msg(memcmp(shares, CASES[_i].shares, sizeof(shares)) == 0, "%s", CASES[_i].label);
}
END_TEST

/* What Hamilton's method promises: the sum, and every share within one unit of its exact part. */
START_TEST(shares_add_up_and_are_within_one_unit_of_their_part)
{
    struct random dice = {11};

    for (int n = 0; n < 20000; n++) {
        static int64_t weights[1000], shares[1000];
        size_t count = 1 + (size_t)random_below(&dice, n % 100 ? 20 : 1000);
        int64_t amount = random_int64(&dice);
        __int128 total = 0, sum = 0;

        for (size_t i = 0; i < count; i++) {
            weights[i] = random_int64(&dice) & (n % 2 ? INT64_MAX : 0xFF);
            total += weights[i];
        }
        money_split(amount, weights, count, shares);
        for (size_t i = 0; i < count; i++) {
            __int128 error = (__int128)shares[i] * total - (__int128)amount * weights[i];

            sum += shares[i];
            ck_assert(amount >= 0 ? shares[i] >= 0 && shares[i] <= amount
                                  : shares[i] <= 0 && shares[i] >= amount);
            if (total > 0 && total < INT64_MAX)
                ck_assert(error < total && error > -total);
            if (total > 0 && weights[i] == 0)
                ck_assert_int_eq(shares[i], 0);
        }
        ck_assert(sum == amount);
    }
}
END_TEST

START_TEST(a_heavier_line_never_gets_less)
{
    struct random dice = {12};

    for (int n = 0; n < 5000; n++) {
        int64_t weights[10], shares[10];

        for (int i = 0; i < 10; i++)
            weights[i] = (int64_t)random_below(&dice, 1000);
        money_split((int64_t)random_below(&dice, 10000), weights, 10, shares);
        for (int i = 0; i < 10; i++)
            for (int k = 0; k < 10; k++)
                ck_assert(weights[i] <= weights[k] || shares[i] >= shares[k]);
    }
}
END_TEST

START_TEST(arithmetic_is_checked)
{
    struct money one = money_of(1, "EUR"), most = money_of(INT64_MAX, "EUR"), result = one;
    struct money least = money_of(INT64_MIN, "EUR");

    ck_assert(money_add(one, one, &result) && result.minor == 2);
    ck_assert_str_eq(result.currency, "EUR");
    ck_assert(money_subtract(one, money_of(3, "EUR"), &result) && result.minor == -2);
    ck_assert(money_multiply(money_of(-7, "JPY"), 6, &result) && result.minor == -42);
    ck_assert_str_eq(result.currency, "JPY");
    result.minor = 99;
    ck_assert(!money_add(most, one, &result) && !money_subtract(least, one, &result));
    ck_assert(!money_multiply(most, 2, &result) && !money_multiply(least, -1, &result));
    ck_assert_int_eq(result.minor, 99);
    ck_assert(!money_same_currency(one, money_of(1, "USD")));
}
END_TEST

START_TEST(a_currency_is_three_upper_case_letters)
{
    static const char *const BAD[] = {"", "EU", "EURO", "eur", "E1R", "EU ", "\xC3\x84R"};

    ck_assert(money_is_currency("EUR") && money_is_currency("XXX"));
    ck_assert(!money_is_currency(NULL));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        ck_assert(!money_is_currency(BAD[i]));
}
END_TEST

START_TEST(mixing_currencies_ends_the_process)
{
    struct money sum;

    (void)money_add(money_of(1, "EUR"), money_of(1, "USD"), &sum);
}
END_TEST

START_TEST(a_negative_weight_ends_the_process)
{
    int64_t weights[] = {1, -1}, shares[2];

    money_split(1, weights, 2, shares);
}
END_TEST

Suite *money_suite(void)
{
    Suite *suite = suite_create("money");
    TCase *tcase = tcase_create("money");

    tcase_add_loop_test(tcase, shares_follow_the_weights, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, shares_add_up_and_are_within_one_unit_of_their_part);
    tcase_add_test(tcase, a_heavier_line_never_gets_less);
    tcase_add_test(tcase, arithmetic_is_checked);
    tcase_add_test(tcase, a_currency_is_three_upper_case_letters);
    if (!getenv("CK_FORK")) { // without a fork the abort would be ours
        tcase_add_test_raise_signal(tcase, mixing_currencies_ends_the_process, SIGABRT);
        tcase_add_test_raise_signal(tcase, a_negative_weight_ends_the_process, SIGABRT);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
