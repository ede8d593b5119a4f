/* evaluate_test.c - when a rule holds, and why it does not. */
#include "suites.h"

#include "common/clock.h"
#include "common/compiler.h"
#include "rules_engine/evaluate.h"

#include <string.h>

static struct arena *arena;
static struct facts full, empty;

static void set_up(void)
{
    static const char *const PRODUCTS[] = {"tee", "mug", "cap", "mug"};
    int64_t now;

    arena = arena_create(0);
    empty = facts_create(arena, VOCABULARY, VOCABULARY_COUNT);
    full = facts_create(arena, VOCABULARY, VOCABULARY_COUNT);
    ck_assert(clock_parse("2026-11-23T00:00:00Z", &now));
    facts_set_int(&full, "cart.subtotal", 4900);
    facts_set_int(&full, "cart.quantity", 3);
    facts_set_bool(&full, "customer.is_guest", true);
    facts_set_text(&full, "channel", "web");
    facts_set_texts(arena, &full, "products", PRODUCTS, ARRAY_LEN(PRODUCTS));
    facts_set_time(&full, "now", now);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static const struct rule *compiled(const struct rule_node *nodes, size_t count)
{
    const struct rule *rule;
    struct status st =
        rule_compile(arena, VOCABULARY, VOCABULARY_COUNT, nodes, count, "conditions", &rule);

    ck_assert_msg(st.code == STATUS_OK, "%s", st.detail);
    return rule;
}

/* One condition over the full facts, and over none; why it fails, and why its negation does. */
static const struct {
    enum rule_op op;
    const char *fact;
    const char *values[3];
    bool holds, holds_empty;
    const char *explanation;
} CONDITIONS[] = {
    {RULE_EQ, "cart.subtotal", {"4900"}, true, false, "cart.subtotal is 4900, must not be 4900"},
    {RULE_EQ, "cart.subtotal", {"1"}, false, false, "cart.subtotal is 4900, must be 1"},
    {RULE_NE,
     "cart.subtotal",
     {"4900"},
     false,
     false,
     "cart.subtotal is 4900, must be other than 4900"},
    {RULE_NE, "cart.subtotal", {"1"}, true, false, NULL},
    {RULE_LT, "cart.subtotal", {"4900"}, false, false, "cart.subtotal is 4900, must be below 4900"},
    {RULE_LT, "cart.subtotal", {"4901"}, true, false, NULL},
    {RULE_LE,
     "cart.subtotal",
     {"4899"},
     false,
     false,
     "cart.subtotal is 4900, must be at most 4899"},
    {RULE_LE, "cart.subtotal", {"4900"}, true, false, NULL},
    {RULE_GT, "cart.subtotal", {"4900"}, false, false, "cart.subtotal is 4900, must be above 4900"},
    {RULE_GT, "cart.subtotal", {"-9223372036854775808"}, true, false, NULL},
    {RULE_GE,
     "cart.subtotal",
     {"5000"},
     false,
     false,
     "cart.subtotal is 4900, must be at least 5000"},
    {RULE_GE,
     "cart.subtotal",
     {"4900"},
     true,
     false,
     "cart.subtotal is 4900, must not be at least 4900"},
    {RULE_EQ, "customer.is_guest", {"true"}, true, false, NULL},
    {RULE_EQ,
     "customer.is_guest",
     {"false"},
     false,
     false,
     "customer.is_guest is true, must be false"},
    {RULE_NE, "customer.is_guest", {"false"}, true, false, NULL},
    {RULE_EQ, "channel", {"web"}, true, false, NULL},
    {RULE_EQ, "channel", {"Web"}, false, false, "channel is web, must be Web"},
    {RULE_NE, "channel", {"app"}, true, false, NULL},
    {RULE_IN,
     "channel",
     {"app", "web"},
     true,
     false,
     "channel is web, must not be one of app, web"},
    {RULE_IN, "channel", {"pos", "app"}, false, false, "channel is web, must be one of app, pos"},
    {RULE_HAS_ANY, "products", {"zip", "mug"}, true, false, NULL},
    {RULE_HAS_ANY,
     "products",
     {"zip", "apron"},
     false,
     false,
     "products has cap, mug, mug, tee, must have at least one of apron, zip"},
    {RULE_HAS_ALL, "products", {"tee", "cap", "tee"}, true, false, NULL},
    {RULE_HAS_ALL,
     "products",
     {"mug", "zip"},
     false,
     false,
     "products has cap, mug, mug, tee, must have all of mug, zip"},
    {RULE_HAS_NONE, "products", {"zip"}, true, true, NULL},
    {RULE_HAS_NONE,
     "products",
     {"zip", "cap"},
     false,
     true,
     "products has cap, mug, mug, tee, must have none of cap, zip"},
    {RULE_PRESENT, "channel", {NULL}, true, false, "channel is web, must not be set"},
    {RULE_LT, "now", {"2026-11-24T00:00:00Z"}, true, false, NULL},
    {RULE_GE, "now", {"2026-11-23T00:00:00Z"}, true, false, NULL},
    {RULE_GT,
     "now",
     {"2026-12-24T01:00:00+01:00"},
     false,
     false,
     "now is 2026-11-23T00:00:00Z, must be above 2026-12-24T00:00:00Z"},
};

START_TEST(a_condition_and_its_negation)
{
    struct rule_node nodes[] = {
        {.parent = -1, .op = RULE_NOT},
        {.parent = 0,
         .op = CONDITIONS[_i].op,
         .fact = CONDITIONS[_i].fact,
         .values = CONDITIONS[_i].values},
    };
    struct rule_node plain;
    int64_t at = -1;

    while (nodes[1].value_count < 3 && CONDITIONS[_i].values[nodes[1].value_count])
        nodes[1].value_count++;
    plain = nodes[1];
    plain.parent = -1;

    const struct rule *rule = compiled(&plain, 1), *negation = compiled(nodes, 2);
    const struct rule *failing = CONDITIONS[_i].holds ? negation : rule;

    ck_assert_int_eq(rule_holds(rule, &full), CONDITIONS[_i].holds);
    ck_assert_int_eq(rule_holds(rule, &empty), CONDITIONS[_i].holds_empty);
    ck_assert_int_eq(rule_holds(negation, &full), !CONDITIONS[_i].holds);

    const char *why = rule_explain(arena, failing, &full, &at);

    if (CONDITIONS[_i].explanation)
        ck_assert_str_eq(why, CONDITIONS[_i].explanation);
    ck_assert_int_eq(at, failing == negation);
}
END_TEST

static const struct rule_node GROUPS[] = {
    {.parent = -1, .op = RULE_ALL},
    {.parent = 0, .op = RULE_PRESENT, .fact = "channel"},
    {.parent = 0, .op = RULE_ANY},
    {.parent = 2,
     .op = RULE_EQ,
     .fact = "channel",
     .values = (const char *const[]){"app"},
     .value_count = 1},
    {.parent = 0, .op = RULE_NOT},
    {.parent = 4,
     .op = RULE_GT,
     .fact = "cart.quantity",
     .values = (const char *const[]){"10"},
     .value_count = 1},
    {.parent = 2,
     .op = RULE_GE,
     .fact = "cart.subtotal",
     .values = (const char *const[]){"5000"},
     .value_count = 1},
};

START_TEST(groups_hold_by_their_children_wherever_these_stand)
{
    const struct rule *rule = compiled(GROUPS, ARRAY_LEN(GROUPS));
    int64_t at;

    ck_assert(!rule_holds(rule, &full));
    ck_assert_str_eq(rule_explain(arena, rule, &full, &at), "channel is web, must be app");
    ck_assert_int_eq(at, 3);
    facts_set_int(&full, "cart.subtotal", 5000);
    ck_assert(rule_holds(rule, &full));
    facts_set_int(&full, "cart.quantity", 11);
    ck_assert(!rule_holds(rule, &full));
    ck_assert_str_eq(rule_explain(arena, rule, &full, &at),
                     "cart.quantity is 11, must not be above 10");
    ck_assert_int_eq(at, 5);
    ck_assert_str_eq(rule_explain(arena, rule, &empty, &at), "channel is not set, must be set");
}
END_TEST

START_TEST(empty_groups_have_their_neutral_result)
{
    struct rule_node all = {.parent = -1, .op = RULE_ALL}, any = {.parent = -1, .op = RULE_ANY};
    struct rule_node never[] = {{.parent = -1, .op = RULE_NOT}, {.parent = 0, .op = RULE_ALL}};
    int64_t at;

    ck_assert(rule_holds(compiled(&all, 1), &empty));
    ck_assert(!rule_holds(compiled(&any, 1), &full));
    ck_assert_str_eq(rule_explain(arena, compiled(&any, 1), &full, &at),
                     "an empty group never holds");
    ck_assert_str_eq(rule_explain(arena, compiled(never, 2), &full, &at),
                     "an empty group always holds");
}
END_TEST

START_TEST(a_rule_outlives_what_it_was_made_from)
{
    char fact[] = "channel", value[] = "web";
    const char *values[] = {value};
    struct rule_node node = {-1, RULE_EQ, fact, values, 1};
    const struct rule *rule = compiled(&node, 1);

    memset(fact, 'x', sizeof(fact) - 1);
    memset(value, 'x', sizeof(value) - 1);
    values[0] = NULL;
    ck_assert(rule_holds(rule, &full));
}
END_TEST

START_TEST(a_text_set_to_null_is_absent)
{
    struct rule_node node = {.parent = -1, .op = RULE_PRESENT, .fact = "channel"};

    facts_set_text(&full, "channel", NULL);
    ck_assert(!rule_holds(compiled(&node, 1), &full));
}
END_TEST

Suite *evaluate_suite(void)
{
    Suite *suite = suite_create("evaluate");
    TCase *tcase = tcase_create("evaluate");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_condition_and_its_negation, 0, ARRAY_LEN(CONDITIONS));
    tcase_add_test(tcase, groups_hold_by_their_children_wherever_these_stand);
    tcase_add_test(tcase, empty_groups_have_their_neutral_result);
    tcase_add_test(tcase, a_rule_outlives_what_it_was_made_from);
    tcase_add_test(tcase, a_text_set_to_null_is_absent);
    suite_add_tcase(suite, tcase);
    return suite;
}
