/* compile_test.c - which rules are refused, and how the refusal names the node. */
#include "suites.h"

#include "common/compiler.h"

#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(0);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static struct status compile(const struct rule_node *nodes, size_t count)
{
    const struct rule *rule = NULL;
    struct status st =
        rule_compile(arena, VOCABULARY, VOCABULARY_COUNT, nodes, count, "conditions", &rule);

    ck_assert((st.code == STATUS_OK) == (rule != NULL));
    return st;
}

#define VALUES(...)                                                                                \
    .values = (const char *const[])                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define ALL_ROOT                                                                                   \
    {                                                                                              \
        .parent = -1, .op = RULE_ALL                                                               \
    }

static const struct {
    struct rule_node nodes[3];
    size_t count;
    const char *field;
} REFUSED[] = {
    {{{0}}, 0, "conditions"},
    {{{.parent = 0, .op = RULE_ALL}}, 1, "conditions[0].parent"},
    {{{.parent = -1, .op = 0}}, 1, "conditions[0].operator"},
    {{{.parent = -1, .op = (enum rule_op)99}}, 1, "conditions[0].operator"},
    {{{.parent = -1, .op = (enum rule_op) - 1}}, 1, "conditions[0].operator"},
    {{ALL_ROOT, {.parent = -1, .op = RULE_ALL}}, 2, "conditions[1].parent"},
    {{ALL_ROOT, {.parent = 1, .op = RULE_ALL}}, 2, "conditions[1].parent"},
    {{ALL_ROOT, {.parent = INT64_MAX, .op = RULE_ALL}}, 2, "conditions[1].parent"},
    {{{.parent = -1, .op = RULE_PRESENT, .fact = "now"}, {.parent = 0, .op = RULE_ALL}},
     2,
     "conditions[1].parent"},
    {{{.parent = -1, .op = RULE_NOT}}, 1, "conditions[0].operator"},
    {{{.parent = -1, .op = RULE_NOT}, {.parent = 0, .op = RULE_ALL}, {.parent = 0, .op = RULE_ALL}},
     3,
     "conditions[2].parent"},
    {{{.parent = -1, .op = RULE_ALL, .fact = "now"}}, 1, "conditions[0].fact"},
    {{{.parent = -1, .op = RULE_ANY, VALUES("1"), .value_count = 1}}, 1, "conditions[0].values"},
    {{{.parent = -1, .op = RULE_PRESENT}}, 1, "conditions[0].fact"},
    {{{.parent = -1, .op = RULE_PRESENT, .fact = "nope"}}, 1, "conditions[0].fact"},
    {{{.parent = -1, .op = RULE_PRESENT, .fact = "now", VALUES("1"), .value_count = 1}},
     1,
     "conditions[0].values"},
    {{{.parent = -1, .op = RULE_EQ, .fact = "channel"}}, 1, "conditions[0].values"},
    {{{.parent = -1, .op = RULE_EQ, .fact = "channel", VALUES("a", "b"), .value_count = 2}},
     1,
     "conditions[0].values"},
    {{{.parent = -1, .op = RULE_IN, .fact = "channel"}}, 1, "conditions[0].values"},
    {{{.parent = -1, .op = RULE_EQ, .fact = "products", VALUES("a"), .value_count = 1}},
     1,
     "conditions[0].operator"},
    {{{.parent = -1, .op = RULE_LT, .fact = "channel", VALUES("a"), .value_count = 1}},
     1,
     "conditions[0].operator"},
    {{{.parent = -1, .op = RULE_GE, .fact = "customer.is_guest", VALUES("true"), .value_count = 1}},
     1,
     "conditions[0].operator"},
    {{{.parent = -1, .op = RULE_IN, .fact = "cart.subtotal", VALUES("1"), .value_count = 1}},
     1,
     "conditions[0].operator"},
    {{{.parent = -1, .op = RULE_HAS_ANY, .fact = "channel", VALUES("a"), .value_count = 1}},
     1,
     "conditions[0].operator"},
    {{{.parent = -1, .op = RULE_EQ, .fact = "cart.subtotal", VALUES("1.5"), .value_count = 1}},
     1,
     "conditions[0].values[0]"},
    {{{.parent = -1, .op = RULE_EQ, .fact = "customer.is_guest", VALUES("yes"), .value_count = 1}},
     1,
     "conditions[0].values[0]"},
    {{{.parent = -1, .op = RULE_LT, .fact = "now", VALUES("tomorrow"), .value_count = 1}},
     1,
     "conditions[0].values[0]"},
};

START_TEST(a_bad_rule_is_refused_at_its_node)
{
    struct status st = compile(REFUSED[_i].nodes, REFUSED[_i].count);

    ck_assert_int_eq(st.code, STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(st.reason, "INVALID_RULE");
    ck_assert_str_eq(st.violations->field, REFUSED[_i].field);
    ck_assert_ptr_nonnull(st.violations->allowed);
    ck_assert_ptr_null(st.violations->next);
}
END_TEST

START_TEST(sixty_four_nodes_and_eight_levels_are_the_limits)
{
    struct rule_node nodes[RULE_NODES_MAX + 1];

    for (int64_t i = 0; i <= RULE_NODES_MAX; i++)
        nodes[i] = (struct rule_node){.parent = i == 0 ? -1 : 0, .op = RULE_ANY};
    ck_assert_int_eq(compile(nodes, RULE_NODES_MAX).code, STATUS_OK);
    ck_assert_int_eq(compile(nodes, RULE_NODES_MAX + 1).code, STATUS_INVALID_ARGUMENT);
    for (int64_t i = 0; i <= RULE_DEPTH_MAX; i++)
        nodes[i].parent = i - 1;
    ck_assert_int_eq(compile(nodes, RULE_DEPTH_MAX).code, STATUS_OK);
    ck_assert_str_eq(compile(nodes, RULE_DEPTH_MAX + 1).violations->field, "conditions[8].parent");
}
END_TEST

START_TEST(two_hundred_values_are_the_limit)
{
    const char *values[RULE_VALUES_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        values[i] = arena_printf(arena, "v%zu", i);
    for (size_t count = RULE_VALUES_MAX; count <= RULE_VALUES_MAX + 1; count++) {
        struct rule_node node = {.parent = -1,
                                 .op = RULE_HAS_ALL,
                                 .fact = "products",
                                 .values = values,
                                 .value_count = count};

        ck_assert_int_eq(compile(&node, 1).code,
                         count > RULE_VALUES_MAX ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    }
}
END_TEST

Suite *compile_suite(void)
{
    Suite *suite = suite_create("compile");
    TCase *tcase = tcase_create("compile");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_bad_rule_is_refused_at_its_node, 0, ARRAY_LEN(REFUSED));
    tcase_add_test(tcase, sixty_four_nodes_and_eight_levels_are_the_limits);
    tcase_add_test(tcase, two_hundred_values_are_the_limit);
    suite_add_tcase(suite, tcase);
    return suite;
}
