/* rule_fuzz.c - rules as a merchant may send them: compiled or refused, and when compiled they hold
 * what plain recursion over the same conditions says.
 *
 * Input: the values of the facts, then conditions as a list of messages, each after its length. */
#include "fuzz.h"

#include "common/str.h"
#include "common/v1/rule.schema.h"
#include "rules_engine/conditions.h"
#include "rules_engine/evaluate.h"

#include <string.h>

enum { PRODUCTS_MAX = 4 };

static const struct fact_def VOCABULARY[] = {
    {"cart.subtotal", FACT_INT, ""}, {"customer.is_guest", FACT_BOOL, ""},
    {"channel", FACT_TEXT, ""},      {"products", FACT_TEXT_SET, ""},
    {"now", FACT_TIME, ""},
};

static struct facts take_facts(struct arena *arena, struct fuzz_input *input)
{
    struct facts facts = facts_create(arena, VOCABULARY, ARRAY_LEN(VOCABULARY));
    uint8_t which = fuzz_byte(input);
    const char *products[PRODUCTS_MAX];

    if (which & 1)
        facts_set_int(&facts, "cart.subtotal", fuzz_int64(input));
    if (which & 2)
        facts_set_bool(&facts, "customer.is_guest", which & 128);
    if (which & 4)
        facts_set_text(&facts, "channel", fuzz_text(arena, input));
    if (which & 8) {
        for (size_t i = 0; i < PRODUCTS_MAX; i++)
            products[i] = fuzz_text(arena, input);
        facts_set_texts(arena, &facts, "products", products, PRODUCTS_MAX);
    }
    if (which & 16)
        facts_set_time(&facts, "now", fuzz_int64(input));
    return facts;
}

static size_t take_conditions(struct arena *arena, struct fuzz_input *input,
                              const Common__V1__Condition **conditions, size_t max)
{
    size_t count = 0;

    while (input->left > 0 && count < max) {
        size_t length = fuzz_byte(input);
        if (length > input->left)
            length = input->left;
        Common__V1__Condition *condition =
            common__v1__condition__unpack(arena_protobuf(arena), length, input->at);
        input->at += length;
        input->left -= length;
        if (condition != NULL && fuzz_is_valid(&common__v1__condition__schema, &condition->base))
            conditions[count++] = condition;
    }
    return count;
}

/* What a condition over a number says, by the words of rule.h. */
static bool compares(int64_t fact, Common__V1__ConditionOperator op, int64_t value)
{
    switch ((int)op) {
    case COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_EQ:
        return fact == value;
    case COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_NE:
        return fact != value;
    case COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_LT:
        return fact < value;
    case COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_LE:
        return fact <= value;
    case COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_GT:
        return fact > value;
    default:
        return fact >= value;
    }
}

/* One condition alone, over the subtotal. */
static void check_comparison(const struct facts *facts, const Common__V1__Condition *condition,
                             const struct rule *rule)
{
    int64_t value;

    if (!str_equal(condition->fact, "cart.subtotal") || condition->n_values != 1 ||
        !str_to_int64(condition->values[0], &value))
        return;
    ALWAYS(rule_holds(rule, facts) ==
           (facts->values[0].is_present &&
            compares(facts->values[0].integer, condition->operator_, value)));
}

static void check_rule(struct arena *arena, const struct rule *rule, const struct facts *facts)
{
    struct facts none = facts_create(arena, VOCABULARY, ARRAY_LEN(VOCABULARY));
    int64_t node = -1;

    (void)rule_holds(rule, &none);
    if (!rule_holds(rule, facts)) {
        ALWAYS(rule_explain(arena, rule, facts, &node) != NULL);
        ALWAYS(node >= 0 && node < RULE_NODES_MAX);
    }
}

/* NOT over the whole says the opposite. */
static void check_negation(struct arena *arena, const struct rule_source *source,
                           const Common__V1__Condition *const *conditions, size_t count,
                           const struct facts *facts)
{
    const Common__V1__Condition *negated[RULE_NODES_MAX + 1];
    const struct rule *rule, *opposite;
    Common__V1__Condition not = COMMON__V1__CONDITION__INIT;

    not .parent = -1;
    not .operator_ = COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_NOT;
    negated[0] = &not ;
    for (size_t i = 0; i < count; i++) {
        Common__V1__Condition *moved = arena_memdup(arena, conditions[i], sizeof *moved);
        moved->parent++;
        negated[i + 1] = moved;
    }
    if (rule_from_conditions(arena, source, conditions, count, &rule).code != STATUS_OK ||
        rule_from_conditions(arena, source, negated, count + 1, &opposite).code != STATUS_OK)
        return; // one more than may be
    ALWAYS(rule_holds(rule, facts) != rule_holds(opposite, facts));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rule_source SOURCE = {VOCABULARY, ARRAY_LEN(VOCABULARY), "conditions"};
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    struct facts facts = take_facts(arena, &input);
    const Common__V1__Condition *conditions[RULE_NODES_MAX + 2];
    size_t count = take_conditions(arena, &input, conditions, RULE_NODES_MAX + 2);
    const struct rule *rule;

    struct status status = rule_from_conditions(arena, &SOURCE, conditions, count, &rule);
    ALWAYS(status.code == STATUS_OK || status.violations != NULL);
    if (status.code == STATUS_OK && rule != NULL) {
        check_rule(arena, rule, &facts);
        if (count == 1)
            check_comparison(&facts, conditions[0], rule);
        if (count <= RULE_NODES_MAX)
            check_negation(arena, &SOURCE, conditions, count, &facts);
    }
    arena_destroy(arena);
    return 0;
}
