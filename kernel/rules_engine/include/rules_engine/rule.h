/* rule.h - a rule is a flat array of nodes with parent indexes: no recursion, on the wire or in
 * memory. */
#pragma once

#include "common/arena.h"
#include "common/status.h"
#include "rules_engine/facts.h"

#include <stddef.h>
#include <stdint.h>

enum { RULE_NODES_MAX = 64, RULE_VALUES_MAX = 200, RULE_DEPTH_MAX = 8 };

enum rule_op {
    RULE_ALL = 1, /* every child holds; true without children */
    RULE_ANY,     /* some child holds; false without children */
    RULE_NOT,     /* its one child does not hold */
    RULE_EQ,      /* fact = value (int, bool, text, time) */
    RULE_NE,
    RULE_LT, /* int, time */
    RULE_LE,
    RULE_GT,
    RULE_GE,
    RULE_IN,       /* text is one of values */
    RULE_HAS_ANY,  /* set shares at least one with values */
    RULE_HAS_ALL,  /* set holds all values */
    RULE_HAS_NONE, /* set shares none with values */
    RULE_PRESENT,  /* the fact is there */
};

/* As written: the fact by name, every value as text. Node 0 is the root, parent < own index. */
struct rule_node {
    int64_t parent; /* -1 for the root */
    enum rule_op op;
    const char *fact; /* NULL for ALL, ANY, NOT */
    const char *const *values;
    size_t value_count;
};

extern const struct error_def INVALID_RULE;

struct rule; /* compiled, immutable, thread-safe */

/* Checks shape, limits, fact names, operator against fact type, and values. A refusal is
 * INVALID_ARGUMENT/INVALID_RULE with one violation: field is "conditions[3].operator" and so on
 * under `path`. */
struct status rule_compile(struct arena *arena, const struct fact_def *vocabulary,
                           size_t fact_count, const struct rule_node *nodes, size_t node_count,
                           const char *path, const struct rule **ret_rule);
