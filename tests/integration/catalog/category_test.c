/* category_test.c - a tree stays a tree. */
#include "suites.h"

#include "example.h"

static struct status moving(const char *id, const char *code, const char *parent_id,
                            int64_t expected_version, Catalog__V1__Category **ret_category)
{
    Catalog__V1__UpdateCategoryRequest req = CATALOG__V1__UPDATE_CATEGORY_REQUEST__INIT;
    Catalog__V1__UpdateCategoryResponse rep = CATALOG__V1__UPDATE_CATEGORY_RESPONSE__INIT;
    req.category = category_of("{'id': '%s', 'code': '%s', 'parentId': '%s',"
                               " 'texts': [{'locale': 'en', 'name': '%s'}]}",
                               id, code, parent_id, code);
    req.expected_version = expected_version;
    struct status status = catalog_update_category(world_ctx(catalog), &req, &rep);
    *ret_category = rep.category;
    return status;
}

static void then_paths_are_right(void)
{
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.category c"
                                   " LEFT JOIN catalog.category p ON p.id = c.parent_id"
                                   " WHERE c.path <> coalesce(p.path, '{}') || c.id"),
                     0);
}

START_TEST(parents_come_before_children)
{
    given_catalog();
    Catalog__V1__ListCategoriesRequest req = CATALOG__V1__LIST_CATEGORIES_REQUEST__INIT;
    Catalog__V1__ListCategoriesResponse rep = CATALOG__V1__LIST_CATEGORIES_RESPONSE__INIT;
    const char *root = given_category("zoo", "");
    then_published_as_example("catalog", &catalog__v1__category_created__schema);
    given_category("apes", root);

    then_ok(catalog_list_categories(world_ctx(catalog), &req, &rep));

    ck_assert_uint_eq(rep.n_categories, 2);
    ck_assert_str_eq(rep.categories[0]->code, "zoo");
    ck_assert_str_eq(rep.categories[1]->parent_id, root);
    ck_assert_str_eq(rep.categories[1]->texts[0]->slug, "apes");
    then_paths_are_right();
}
END_TEST

START_TEST(a_move_takes_everything_below_along)
{
    given_catalog();
    Catalog__V1__Category *moved;
    const char *a = given_category("a", ""), *b = given_category("b", a);
    const char *c = given_category("c", b), *d = given_category("d", "");
    given_category("e", c);

    then_ok(moving(b, "b", d, 1, &moved));
    then_paths_are_right();
    then_published_as_example("catalog", &catalog__v1__category_updated__schema);
    then_ok(moving(b, "b", "", 2, &moved));

    then_paths_are_right();
    ck_assert_int_eq(moved->version, 3);
    ck_assert_str_eq(moved->texts[0]->slug, "b");
    ck_assert_int_eq(published(&CATEGORY_UPDATED), 2);
    then_ok(moving(b, "b", "", 0, &moved)); // nothing changes
    ck_assert_int_eq(published(&CATEGORY_UPDATED), 2);
    then_reason(moving(b, "b", a, 1, &moved), STATUS_ABORTED, "VERSION_CONFLICT");
}
END_TEST

START_TEST(no_circle_is_made)
{
    given_catalog();
    Catalog__V1__Category *moved;
    const char *a = given_category("a", ""), *b = given_category("b", a);

    then_reason(moving(a, "a", b, 0, &moved), STATUS_FAILED_PRECONDITION, "CATEGORY_CYCLE");
    then_reason(moving(a, "a", a, 0, &moved), STATUS_FAILED_PRECONDITION, "CATEGORY_CYCLE");
    then_paths_are_right();
}
END_TEST

START_TEST(sixteen_levels_and_no_more)
{
    given_catalog();
    Catalog__V1__Category *category;
    const char *top = given_category("top", ""), *level = "";
    for (int i = 1; i <= 16; i++)
        level = given_category(arena_printf(words, "level-%d", i), level);

    then_reason(creating_category(category_of("{'code': 'low', 'parentId': '%s',"
                                              " 'texts': [{'locale': 'en', 'name': 'x'}]}",
                                              level),
                                  &category),
                STATUS_FAILED_PRECONDITION, "CATEGORY_TOO_DEEP");
    const char *first = world_sql_text("SELECT id FROM catalog.category WHERE code = 'level-1'");
    then_reason(moving(first, "level-1", top, 0, &category), STATUS_FAILED_PRECONDITION,
                "CATEGORY_TOO_DEEP");
    then_paths_are_right();
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    given_catalog();
    Catalog__V1__Category *category;
    given_category("a", "");

    then_reason(creating_category(category_of("{'code': 'a', 'texts': [{'locale': 'en',"
                                              " 'name': 'A'}]}"),
                                  &category),
                STATUS_ALREADY_EXISTS, "CATEGORY_CODE_TAKEN");
    then_reason(creating_category(category_of("{'code': 'b', 'parentId': '%s', 'texts': [{"
                                              "'locale': 'en', 'name': 'A'}]}",
                                              channel),
                                  &category),
                STATUS_NOT_FOUND, "CATEGORY_NOT_FOUND");
    then_reason(creating_category(category_of("{'code': 'b', 'texts': [{'locale': 'en',"
                                              " 'name': 'A', 'slug': 'a'}]}"),
                                  &category),
                STATUS_ALREADY_EXISTS, "SLUG_TAKEN");
    then_reason(creating_category(category_of("{'code': 'b'}"), &category), STATUS_INVALID_ARGUMENT,
                "INVALID_CATEGORY");
    then_reason(moving(channel, "c", "", 0, &category), STATUS_NOT_FOUND, "CATEGORY_NOT_FOUND");
    then_ok(creating_category(category_of("{'code': 'b', 'texts': [{'locale': 'en',"
                                          " 'name': 'A'}]}"),
                              &category));
    ck_assert_str_eq(category->texts[0]->slug, "a-2");
}
END_TEST

START_TEST(an_installation_has_five_thousand_categories)
{
    given_catalog();
    Catalog__V1__Category *category;
    world_sql("INSERT INTO catalog.category (id, code, position, version, path)"
              " SELECT id, id::text, 0, 1, ARRAY[id]"
              " FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 5000)) made");

    then_reason(creating_category(category_of("{'code': 'b', 'texts': [{'locale': 'en',"
                                              " 'name': 'A'}]}"),
                                  &category),
                STATUS_FAILED_PRECONDITION, "TOO_MANY_CATEGORIES");
}
END_TEST

void category_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "category");

    tcase_add_test(tcase, parents_come_before_children);
    tcase_add_test(tcase, a_move_takes_everything_below_along);
    tcase_add_test(tcase, no_circle_is_made);
    tcase_add_test(tcase, sixteen_levels_and_no_more);
    tcase_add_test(tcase, what_cannot_be_is_refused);
    tcase_add_test(tcase, an_installation_has_five_thousand_categories);
}
