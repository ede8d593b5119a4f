/* conditions_test.c - the contract's conditions mean what the engine's nodes mean. */
#include "suites.h"

#include "common/compiler.h"
#include "rules_engine/conditions.h"
#include "rules_engine/evaluate.h"

#define OPERATOR(name) COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_##name

enum { CONDITIONS_MAX = 3, WRITTEN_MAX = 2 };

static const struct rule_source SOURCE = {VOCABULARY, VOCABULARY_COUNT, "promotion.conditions"};

static struct arena *arena;
static const Common__V1__Condition *conditions[CONDITIONS_MAX];
static size_t count;

static void set_up(void)
{
    arena = arena_create(0);
    count = 0;
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static void given_condition(int32_t parent, Common__V1__ConditionOperator written, const char *fact,
                            const char *const *values)
{
    Common__V1__Condition *condition = arena_new(arena, Common__V1__Condition);

    common__v1__condition__init(condition);
    condition->parent = parent;
    condition->operator_ = written;
    condition->fact = fact;
    condition->values = arena_array(arena, const char *, WRITTEN_MAX);
    while (condition->n_values < WRITTEN_MAX && values[condition->n_values]) {
        condition->values[condition->n_values] = values[condition->n_values];
        condition->n_values++;
    }
    conditions[count++] = condition;
}

static struct status compile(const struct rule **ret_rule)
{
    return rule_from_conditions(arena, &SOURCE, conditions, count, ret_rule);
}

/* A cart of 5000, channel "eu", with the products "mug" and "tee". */
static bool holds(void)
{
    static const char *const PRODUCTS[] = {"tee", "mug"};
    struct facts facts = facts_create(arena, VOCABULARY, VOCABULARY_COUNT);
    const struct rule *rule = NULL;
    struct status compiled = compile(&rule);

    ck_assert_msg(compiled.code == STATUS_OK, "%s", compiled.detail);
    facts_set_int(&facts, "cart.subtotal", 5000);
    facts_set_text(&facts, "channel", "eu");
    facts_set_texts(arena, &facts, "products", PRODUCTS, ARRAY_LEN(PRODUCTS));
    return rule_holds(rule, &facts);
}

static const struct {
    Common__V1__ConditionOperator written;
    const char *fact;
    const char *values[WRITTEN_MAX + 1];
    bool holds;
} LEAVES[] = {
    {OPERATOR(EQ), "cart.subtotal", {"5000"}, true},
    {OPERATOR(EQ), "cart.subtotal", {"5001"}, false},
    {OPERATOR(NE), "cart.subtotal", {"5000"}, false},
    {OPERATOR(NE), "cart.subtotal", {"5001"}, true},
    {OPERATOR(LT), "cart.subtotal", {"5000"}, false},
    {OPERATOR(LT), "cart.subtotal", {"5001"}, true},
    {OPERATOR(LE), "cart.subtotal", {"5000"}, true},
    {OPERATOR(LE), "cart.subtotal", {"4999"}, false},
    {OPERATOR(GT), "cart.subtotal", {"5000"}, false},
    {OPERATOR(GT), "cart.subtotal", {"4999"}, true},
    {OPERATOR(GE), "cart.subtotal", {"5000"}, true},
    {OPERATOR(GE), "cart.subtotal", {"5001"}, false},
    {OPERATOR(IN), "channel", {"us", "eu"}, true},
    {OPERATOR(IN), "channel", {"us", "uk"}, false},
    {OPERATOR(HAS_ANY), "products", {"mug", "cap"}, true},
    {OPERATOR(HAS_ANY), "products", {"cap"}, false},
    {OPERATOR(HAS_ALL), "products", {"mug", "tee"}, true},
    {OPERATOR(HAS_ALL), "products", {"mug", "cap"}, false},
    {OPERATOR(HAS_NONE), "products", {"cap"}, true},
    {OPERATOR(HAS_NONE), "products", {"cap", "mug"}, false},
    {OPERATOR(PRESENT), "channel", {NULL}, true},
    {OPERATOR(PRESENT), "now", {NULL}, false},
};

START_TEST(a_condition_holds_as_its_operator_says)
{
    given_condition(-1, LEAVES[_i].written, LEAVES[_i].fact, LEAVES[_i].values);

    ck_assert_msg(holds() == LEAVES[_i].holds, "row %d", _i);
}
END_TEST

static const struct {
    Common__V1__ConditionOperator written;
    const char *first, *second; /* channels; NULL: no such child */
    bool holds;
} GROUPS[] = {
    {OPERATOR(ALL), "eu", "us", false}, {OPERATOR(ALL), "eu", "eu", true},
    {OPERATOR(ANY), "eu", "us", true},  {OPERATOR(ANY), "uk", "us", false},
    {OPERATOR(NOT), "eu", NULL, false}, {OPERATOR(NOT), "us", NULL, true},
};

START_TEST(a_group_holds_as_its_operator_says)
{
    given_condition(-1, GROUPS[_i].written, "", (const char *const[]){NULL});
    given_condition(0, OPERATOR(EQ), "channel", (const char *const[]){GROUPS[_i].first, NULL});
    if (GROUPS[_i].second)
        given_condition(0, OPERATOR(EQ), "channel", (const char *const[]){GROUPS[_i].second, NULL});

    ck_assert_msg(holds() == GROUPS[_i].holds, "row %d", _i);
}
END_TEST

START_TEST(no_conditions_are_no_rule)
{
    const struct rule *rule = (const struct rule *)&SOURCE;

    ck_assert_int_eq(compile(&rule).code, STATUS_OK);

    ck_assert_ptr_null(rule);
}
END_TEST

static const struct {
    Common__V1__ConditionOperator written;
    const char *fact, *value, *field;
} REFUSED[] = {
    {OPERATOR(UNSPECIFIED), "channel", "eu", "promotion.conditions[1].operator"},
    {(Common__V1__ConditionOperator)15, "channel", "eu", "promotion.conditions[1].operator"},
    {(Common__V1__ConditionOperator)-1, "channel", "eu", "promotion.conditions[1].operator"},
    {OPERATOR(EQ), "", "eu", "promotion.conditions[1].fact"},
    {OPERATOR(EQ), "weather", "sunny", "promotion.conditions[1].fact"},
    {OPERATOR(GE), "cart.subtotal", "much", "promotion.conditions[1].values[0]"},
    {OPERATOR(EQ), "channel", NULL, "promotion.conditions[1].values"},
};

START_TEST(a_refusal_names_the_field_of_the_contract)
{
    const struct rule *rule = NULL;

    given_condition(-1, OPERATOR(ALL), "", (const char *const[]){NULL});
    given_condition(0, REFUSED[_i].written, REFUSED[_i].fact,
                    (const char *const[]){REFUSED[_i].value, NULL});
    struct status refused = compile(&rule);

    ck_assert_str_eq(refused.reason, "INVALID_RULE");
    ck_assert_str_eq(refused.violations->field, REFUSED[_i].field);
    ck_assert_ptr_null(rule);
}
END_TEST

Suite *conditions_suite(void)
{
    Suite *suite = suite_create("conditions");
    TCase *tcase = tcase_create("conditions");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_condition_holds_as_its_operator_says, 0, ARRAY_LEN(LEAVES));
    tcase_add_loop_test(tcase, a_group_holds_as_its_operator_says, 0, ARRAY_LEN(GROUPS));
    tcase_add_test(tcase, no_conditions_are_no_rule);
    tcase_add_loop_test(tcase, a_refusal_names_the_field_of_the_contract, 0, ARRAY_LEN(REFUSED));
    suite_add_tcase(suite, tcase);
    return suite;
}
