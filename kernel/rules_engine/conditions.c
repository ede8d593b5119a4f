/* conditions.c - from the contract's conditions to the engine's nodes. */
#include "rules_engine/conditions.h"

#include "common/compiler.h"
#include "common/str.h"

/* tidy: macro: the generated name says its enum twice */
#define OPERATOR(name) COMMON__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_##name

/* What the contract does not know stays 0, which the compiler refuses. */
static const enum rule_op OPERATORS[] = {
    [OPERATOR(ALL)] = RULE_ALL,
    [OPERATOR(ANY)] = RULE_ANY,
    [OPERATOR(NOT)] = RULE_NOT,
    [OPERATOR(EQ)] = RULE_EQ,
    [OPERATOR(NE)] = RULE_NE,
    [OPERATOR(LT)] = RULE_LT,
    [OPERATOR(LE)] = RULE_LE,
    [OPERATOR(GT)] = RULE_GT,
    [OPERATOR(GE)] = RULE_GE,
    [OPERATOR(IN)] = RULE_IN,
    [OPERATOR(HAS_ANY)] = RULE_HAS_ANY,
    [OPERATOR(HAS_ALL)] = RULE_HAS_ALL,
    [OPERATOR(HAS_NONE)] = RULE_HAS_NONE,
    [OPERATOR(PRESENT)] = RULE_PRESENT,
};

static enum rule_op operator_of(Common__V1__ConditionOperator written)
{
    return (size_t)written < ARRAY_LEN(OPERATORS) ? OPERATORS[written] : (enum rule_op)0;
}

struct status rule_from_conditions(struct arena *arena, const struct rule_source *source,
                                   const Common__V1__Condition *const *conditions, size_t count,
                                   const struct rule **ret_rule)
{
    if (count == 0) {
        *ret_rule = NULL;
        return status_ok();
    }
    struct rule_node *nodes = arena_array(arena, struct rule_node, count);
    for (size_t i = 0; i < count; i++)
        nodes[i] = (struct rule_node){
            .parent = conditions[i]->parent,
            .op = operator_of(conditions[i]->operator_),
            .fact = str_is_empty(conditions[i]->fact) ? NULL : conditions[i]->fact,
            .values = (const char *const *)conditions[i]->values,
            .value_count = conditions[i]->n_values,
        };
    return rule_compile(arena, source->vocabulary, source->fact_count, nodes, count, source->path,
                        ret_rule);
}
