/* tax_test.c - net, tax and gross: known sums, and net + tax = gross for every amount. */
#include "suites.h"

#include "price_breakdown/tax.h"

static const struct {
    const char *label;
    bool is_gross, is_home;
    struct decimal home, rate;
    int64_t amount, net, tax, gross;
} CASES[] = {
    {"net, 19 %", false, false, {0, 0}, {19, 0}, 10000, 10000, 1900, 11900},
    {"gross at home, 19 %", true, true, {19, 0}, {19, 0}, 11900, 10000, 1900, 11900},
    {"gross at home, a cent that rounds", true, true, {19, 0}, {19, 0}, 999, 839, 160, 999},
    {"gross, taxed abroad", true, false, {19, 0}, {20, 0}, 11900, 10000, 2000, 12000},
    {"gross, untaxed abroad", true, false, {19, 0}, {0, 0}, 11900, 10000, 0, 10000},
    {"a rate with a fraction", false, false, {0, 0}, {77, 1}, 10000, 10000, 770, 10770},
    {"half a cent rounds to even", false, false, {0, 0}, {5, 0}, 10, 10, 0, 10},
    {"one and a half rounds to even", false, false, {0, 0}, {5, 0}, 30, 30, 2, 32},
    {"nothing", true, true, {19, 0}, {19, 0}, 0, 0, 0, 0},
};

START_TEST(amounts_split_as_the_law_says)
{
    struct tax_terms terms = {CASES[_i].is_gross, CASES[_i].is_home, CASES[_i].home, CASES[_i].rate,
                              ROUND_HALF_EVEN};
    struct taxed taxed;

    ck_assert(tax_split(&terms, CASES[_i].amount, &taxed));
    ck_assert_msg(taxed.net_minor == CASES[_i].net && taxed.tax_minor == CASES[_i].tax &&
                      taxed.gross_minor == CASES[_i].gross,
                  "%s: %lld + %lld = %lld", CASES[_i].label, (long long)taxed.net_minor,
                  (long long)taxed.tax_minor, (long long)taxed.gross_minor);
}
END_TEST

START_TEST(net_and_tax_are_always_gross)
{
    static const struct decimal RATES[] = {{0, 0},  {5, 0},  {7, 0},  {19, 0},  {77, 1},
                                           {81, 1}, {20, 0}, {25, 0}, {8875, 3}};
    for (size_t r = 0; r < ARRAY_LEN(RATES); r++)
        for (int64_t amount = 0; amount < 20000; amount += 7)
            for (int kind = 0; kind < 3; kind++) {
                struct tax_terms terms = {kind > 0, kind == 1, {19, 0}, RATES[r], ROUND_HALF_EVEN};
                struct taxed taxed;
                ck_assert(tax_split(&terms, amount, &taxed));
                ck_assert_int_eq(taxed.net_minor + taxed.tax_minor, taxed.gross_minor);
                ck_assert(taxed.tax_minor >= 0 && taxed.net_minor >= 0);
                if (kind == 1)
                    ck_assert_int_eq(taxed.gross_minor, amount);
            }
}
END_TEST

START_TEST(an_amount_beyond_int64_is_refused)
{
    struct tax_terms terms = {false, false, {0, 0}, {19, 0}, ROUND_HALF_EVEN};
    struct taxed taxed;
    ck_assert(!tax_split(&terms, INT64_MAX - 1, &taxed));
}
END_TEST

TCase *tax_case(void)
{
    TCase *tcase = tcase_create("tax");

    tcase_add_loop_test(tcase, amounts_split_as_the_law_says, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, net_and_tax_are_always_gross);
    tcase_add_test(tcase, an_amount_beyond_int64_is_refused);
    return tcase;
}
