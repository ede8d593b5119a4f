/* check_test.c - what a product may not be, whatever is stored. */
#include "suites.h"

#define TEXT "'texts': [{'locale': 'en', 'name': 'A'}]"

static const struct {
    const char *json;
    const char *field; /* of the first problem; NULL: there is none */
    int32_t variant_index;
} CASES[] = {
    {"{" TEXT "}", NULL, -1},
    {"{}", "texts", -1},
    {"{'texts': [{'locale': 'en_GB', 'name': 'A'}]}", "texts[0].locale", -1},
    {"{'texts': [{'locale': 'en', 'name': 'A', 'slug': 'A'}]}", "texts[0].slug", -1},
    {"{'texts': [{'locale': 'en', 'name': 'A'}, {'locale': 'en', 'name': 'B'}]}", "texts[1].locale",
     -1},
    {"{'texts': [{'locale': 'en', 'name': 'A'}, {'locale': 'en', 'name': 'B', 'storeId':"
     " '00000000-0000-7000-8000-000000000001'}]}",
     NULL, -1},
    {"{" TEXT ", 'tags': ['']}", "tags[0]", -1},
    {"{" TEXT ", 'options': [{'name': 'a'}, {'name': 'a'}]}", "options[1].name", -1},
    {"{" TEXT ", 'options': [{'name': 'a', 'values': ['x', 'x']}]}", "options[0].values[1]", -1},
    {"{" TEXT ", 'options': [{'name': 'a', 'values': ['']}]}", "options[0].values[0]", -1},
    {"{" TEXT ", 'variants': [{'sku': 'A'}]}", NULL, -1},
    {"{" TEXT ", 'variants': [{'sku': 'A'}, {'sku': 'B'}]}", "variants[1].optionValues", 1},
    {"{" TEXT ", 'variants': [{'sku': 'A', 'optionValues': ['x']}]}", "variants[0].optionValues",
     0},
    {"{" TEXT ", 'options': [{'name': 'a'}], 'variants': [{'sku': 'A', 'optionValues': ['']}]}",
     "variants[0].optionValues[0]", 0},
    {"{" TEXT ", 'options': [{'name': 'a'}], 'variants': ["
     "{'sku': 'A', 'optionValues': ['x']}, {'sku': 'A', 'optionValues': ['y']}]}",
     "variants[1].sku", 1},
    {"{" TEXT ", 'options': [{'name': 'a'}, {'name': 'b'}], 'variants': ["
     "{'sku': 'A', 'optionValues': ['x / y', 'z']}, {'sku': 'B', 'optionValues': ['x', 'y / z']}]}",
     NULL, -1},
    {"{" TEXT ", 'publications': [{'channelId': '00000000-0000-7000-8000-000000000001'}]}",
     "publications[0].state", -1},
};

START_TEST(a_problem_names_its_field)
{
    struct arena *arena = arena_create(1 << 20);
    struct problems problems = {0};

    product_check(arena, product_of(arena, CASES[_i].json), &problems);

    if (CASES[_i].field == NULL) {
        ck_assert_uint_eq(problems.count, 0);
    } else {
        ck_assert_uint_ge(problems.count, 1);
        ck_assert_str_eq(problems.items[0].field, CASES[_i].field);
        ck_assert_int_eq(problems.items[0].variant_index, CASES[_i].variant_index);
    }
    arena_destroy(arena);
}
END_TEST

TCase *check_case(void)
{
    TCase *tcase = tcase_create("check");

    tcase_add_loop_test(tcase, a_problem_names_its_field, 0, ARRAY_LEN(CASES));
    return tcase;
}
