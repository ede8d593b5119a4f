/* map_test.c - the string-keyed map. */
#include "suites.h"

#include "common/map.h"

#include <stdio.h>

START_TEST(every_key_is_found_whatever_the_expected_size)
{
    enum { COUNT = 3000 };
    static int values[COUNT];
    struct arena *arena = arena_create(0);
    struct map *map = map_create(arena, (size_t)_i);
    char key[32];

    for (int i = 0; i < COUNT; i++) {
        ck_assert(snprintf(key, sizeof(key), "key-%d", i) > 0);
        ck_assert_ptr_null(map_get(map, key));
        map_set(map, key, &values[i]);
    }
    ck_assert_uint_eq(map_count(map), COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(snprintf(key, sizeof(key), "key-%d", i) > 0);
        ck_assert_ptr_eq(map_get(map, key), &values[i]);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(setting_again_replaces_and_the_key_is_a_copy)
{
    struct arena *arena = arena_create(0);
    struct map *map = map_create(arena, 0);
    char key[] = "sku";
    int first, second;

    map_set(map, key, &first);
    key[0] = 'x';
    ck_assert_ptr_eq(map_get(map, "sku"), &first);
    ck_assert_ptr_null(map_get(map, "xku"));
    map_set(map, "sku", &second);
    ck_assert_ptr_eq(map_get(map, "sku"), &second);
    map_set(map, "", &first);
    ck_assert_ptr_eq(map_get(map, ""), &first);
    ck_assert_uint_eq(map_count(map), 2);
    arena_destroy(arena);
}
END_TEST

Suite *map_suite(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");

    tcase_add_loop_test(tcase, every_key_is_found_whatever_the_expected_size, 0, 40);
    tcase_add_test(tcase, setting_again_replaces_and_the_key_is_a_copy);
    suite_add_tcase(suite, tcase);
    return suite;
}
