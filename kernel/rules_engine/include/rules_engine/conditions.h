/* conditions.h - a rule as contracts carry it: common.v1.Condition. */
#pragma once

#include "common/v1/rule.pb-c.h"
#include "rules_engine/rule.h"

/* The facts that a domain offers to its rules, and where it keeps the conditions. */
struct rule_source {
    const struct fact_def *vocabulary;
    size_t fact_count;
    const char *path; /* of the field, for violations: "promotion.conditions" */
};

/* rule_compile() of conditions. The rule keeps nothing of them. No conditions are no rule:
 * *ret_rule is NULL, and whatever it would guard is unconditional. */
struct status rule_from_conditions(struct arena *arena, const struct rule_source *source,
                                   const Common__V1__Condition *const *conditions, size_t count,
                                   const struct rule **ret_rule);
