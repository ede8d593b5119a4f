/* json_tree_test.c - documents of no known shape. */
#include "suites.h"

#include "common/compiler.h"
#include "common/json.h"

#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create((size_t)1 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static const struct json_node *parsed(const char *text)
{
    const struct json_node *root = NULL;
    struct status st = json_parse(arena, text, strlen(text), &root);

    ck_assert_msg(st.code == STATUS_OK, "%s: %s", text, st.detail);
    return root;
}

START_TEST(members_are_found_by_dotted_path)
{
    const struct json_node *root = parsed(
        "{\"error\":{\"code\":402,\"decline_code\":\"funds\",\"a\\u0062\":null},\"id\":\"x\"}");

    ck_assert_str_eq(json_text(json_at(root, "error.decline_code")), "funds");
    ck_assert_str_eq(json_text(json_member(root, "id")), "x");
    ck_assert_int_eq(json_at(root, "error.ab")->kind, JSON_NULL);
    ck_assert_ptr_null(json_at(root, "error.nope.deeper"));
    ck_assert_ptr_null(json_at(root, "id.deeper"));
    ck_assert_ptr_null(json_at(NULL, "id"));
    ck_assert_ptr_null(json_member(NULL, "id"));
    ck_assert_ptr_null(json_text(json_at(root, "error")));
    ck_assert_ptr_null(json_text(NULL));
    ck_assert_ptr_eq(json_at(root, ""), root);
}
END_TEST

START_TEST(children_keep_their_order)
{
    const struct json_node *node = parsed("[1,\"a\",[true,[]],{\"k\":false},null]")->child;
    static const enum json_kind KINDS[] = {JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT,
                                           JSON_NULL};

    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++, node = node->next)
        ck_assert_int_eq(node->kind, KINDS[i]);
    ck_assert_ptr_null(node);

    const struct json_node *inner = parsed("[1,\"a\",[true,[]],{\"k\":false},null]")->child->next;

    ck_assert_uint_eq(inner->length, 1);
    ck_assert_int_eq(inner->next->child->kind, JSON_TRUE);
    ck_assert_ptr_null(inner->next->child->next->child);
    ck_assert_str_eq(inner->next->next->child->key, "k");
    ck_assert_ptr_null(inner->key);
}
END_TEST

static const struct {
    const char *text;
    bool is_integer;
    int64_t value;
} NUMBERS[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"12", true, 12},
    {"1e2", true, 100},
    {"1.0", true, 1},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"1.5", false, 0},
    {"1e-1", false, 0},
    {"\"12\"", false, 0},
    {"true", false, 0},
    {"1000000000000000000000000000000e-30", true, 1},
    {"0.00000000000000000000000000000001e32", true, 1},
};

START_TEST(a_number_is_an_integer_when_its_value_is)
{
    int64_t value = 0;

    ck_assert_msg(json_to_int64(parsed(NUMBERS[_i].text), &value) == NUMBERS[_i].is_integer, "%s",
                  NUMBERS[_i].text);
    ck_assert_int_eq(value, NUMBERS[_i].value);
}
END_TEST

static const char *const REFUSED[] = {
    "", "[", "[1 2]", "{\"a\":1,}", "nul", "[1]]", "\"\\u0000\"", "{1:2}", "\"\xFF\"", "-", "1 1"};

START_TEST(what_is_not_json_is_refused_with_its_byte)
{
    const struct json_node *root = NULL;
    struct status st = json_parse(arena, REFUSED[_i], strlen(REFUSED[_i]), &root);

    ck_assert_msg(st.code == STATUS_INVALID_ARGUMENT, "%s", REFUSED[_i]);
    ck_assert_str_eq(st.reason, "MALFORMED_JSON");
    ck_assert(str_starts_with(st.detail, "byte "));
    ck_assert_ptr_null(root);
}
END_TEST

START_TEST(a_number_of_a_missing_node_is_no_number)
{
    int64_t value;

    ck_assert(!json_to_int64(NULL, &value));
}
END_TEST

Suite *json_tree_suite(void)
{
    Suite *suite = suite_create("json_tree");
    TCase *tcase = tcase_create("json_tree");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, members_are_found_by_dotted_path);
    tcase_add_test(tcase, children_keep_their_order);
    tcase_add_loop_test(tcase, a_number_is_an_integer_when_its_value_is, 0, ARRAY_LEN(NUMBERS));
    tcase_add_loop_test(tcase, what_is_not_json_is_refused_with_its_byte, 0, ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, a_number_of_a_missing_node_is_no_number);
    suite_add_tcase(suite, tcase);
    return suite;
}
