/* sku_test.c - derived SKUs: readable where possible, different always. */
#include "suites.h"

#include "import/sku.h"

#include <string.h>

static const struct {
    const char *handle, *values[3], *sku;
} CASES[] = {
    {"classic-mug", {NULL}, "classic-mug"},
    {"t-shirt", {"Red", "XL"}, "t-shirt.red.xl"},
    {"t-shirt", {"Light Blue"}, "t-shirt.light_blue"},
    {"poster", {"A2 Großformat"}, "poster.a2_groformat~875dd2ab"},
};

static size_t count_of(const char *const *values)
{
    size_t count = 0;
    while (count < 3 && values[count])
        count++;
    return count;
}

START_TEST(a_sku_is_made_of_handle_and_values)
{
    ck_assert_str_eq(
        sku_derive(arena, CASES[_i].handle, CASES[_i].values, count_of(CASES[_i].values)),
        CASES[_i].sku);
}
END_TEST

START_TEST(what_looks_alike_is_told_apart)
{
    static const struct {
        const char *handle, *values[3];
    } ALIKE[] = {
        {"a-b", {"c"}}, {"a", {"b-c"}},        {"a", {"b", "c"}}, {"a.b", {"c"}},
        {"a", {"b.c"}}, {"a", {"b c"}},        {"a", {"b_c"}},    {"a", {"b/c"}},
        {"a", {"b+c"}}, {"a-b-c", {NULL}},     {"a", {"日本"}},   {"a", {"中国"}},
        {"a", {"bc"}},  {"a", {"b", "", "c"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(ALIKE); i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(
                sku_derive(arena, ALIKE[i].handle, ALIKE[i].values, count_of(ALIKE[i].values)),
                sku_derive(arena, ALIKE[j].handle, ALIKE[j].values, count_of(ALIKE[j].values)));
}
END_TEST

START_TEST(a_long_one_is_cut_and_still_its_own)
{
    char first[200], second[200];
    memset(first, 'a', sizeof first);
    memset(second, 'a', sizeof second);
    first[199] = second[199] = '\0';
    second[198] = 'b';

    const char *one = sku_derive(arena, first, NULL, 0), *two = sku_derive(arena, second, NULL, 0);

    ck_assert_uint_le(strlen(one), SKU_BYTES_MAX);
    ck_assert_str_ne(one, two);
}
END_TEST

TCase *sku_case(void)
{
    TCase *tcase = tcase_create("sku");

    tcase_add_loop_test(tcase, a_sku_is_made_of_handle_and_values, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, what_looks_alike_is_told_apart);
    tcase_add_test(tcase, a_long_one_is_cut_and_still_its_own);
    return tcase;
}
