/* compiled.h - a rule as the evaluator runs it. */
#pragma once

#include "rules_engine/rule.h"

#include <stdbool.h>

enum { FACT_NONE = -1 };

/* How an operator's values are read. */
enum operands { OPERANDS_NONE, OPERANDS_CHILDREN, OPERANDS_ONE, OPERANDS_SOME };

/* What the compiler and the explanation need to know of an operator. */
struct operator_def {
    const char *name; /* as in the wire enum */
    enum operands operands;
    uint32_t fact_types; /* one bit per enum fact_type */
    const char *words;   /* "must ..." */
};

const struct operator_def *operator_find(enum rule_op op); /* NULL when there is none */

struct compiled_node {
    enum rule_op op;
    int fact;          /* index into the vocabulary, FACT_NONE of a group */
    uint64_t children; /* of a group: one bit a node; RULE_NODES_MAX is 64 for this reason */
    int64_t integer;   /* int, bool and time */
    size_t value_count;
    const char *const *values; /* text, sorted and distinct */
};

struct rule {
    const struct fact_def *vocabulary;
    size_t node_count;
    struct compiled_node *nodes;
};

/* One bit a node: does it hold? */
uint64_t rule_results(const struct rule *rule, const struct facts *facts);
