/* operators.c - the operators and the types of facts they apply to. */
#include "compiled.h"

#include "common/compiler.h"

#define INT (1u << FACT_INT)
#define BOOL (1u << FACT_BOOL)
#define TEXT (1u << FACT_TEXT)
#define TEXT_SET (1u << FACT_TEXT_SET)
#define TIME (1u << FACT_TIME)

static const struct operator_def OPERATORS[] = {
    [RULE_ALL] = {"ALL", OPERANDS_CHILDREN, 0, "have every condition hold"},
    [RULE_ANY] = {"ANY", OPERANDS_CHILDREN, 0, "have a condition that holds"},
    [RULE_NOT] = {"NOT", OPERANDS_CHILDREN, 0, "have a condition that does not hold"},
    [RULE_EQ] = {"EQ", OPERANDS_ONE, INT | BOOL | TEXT | TIME, "be"},
    [RULE_NE] = {"NE", OPERANDS_ONE, INT | BOOL | TEXT | TIME, "be other than"},
    [RULE_LT] = {"LT", OPERANDS_ONE, INT | TIME, "be below"},
    [RULE_LE] = {"LE", OPERANDS_ONE, INT | TIME, "be at most"},
    [RULE_GT] = {"GT", OPERANDS_ONE, INT | TIME, "be above"},
    [RULE_GE] = {"GE", OPERANDS_ONE, INT | TIME, "be at least"},
    [RULE_IN] = {"IN", OPERANDS_SOME, TEXT, "be one of"},
    [RULE_HAS_ANY] = {"HAS_ANY", OPERANDS_SOME, TEXT_SET, "have at least one of"},
    [RULE_HAS_ALL] = {"HAS_ALL", OPERANDS_SOME, TEXT_SET, "have all of"},
    [RULE_HAS_NONE] = {"HAS_NONE", OPERANDS_SOME, TEXT_SET, "have none of"},
    [RULE_PRESENT] = {"PRESENT", OPERANDS_NONE, INT | BOOL | TEXT | TEXT_SET | TIME, "be set"},
};

const struct operator_def *operator_find(enum rule_op op)
{
    if ((unsigned)op >= ARRAY_LEN(OPERATORS) || !OPERATORS[op].name)
        return NULL;
    return &OPERATORS[op];
}
