/* evaluate.h - does a rule hold for these facts, and if not, what was missing. Pure. */
#pragma once

#include "rules_engine/rule.h"

#include <stdbool.h>

bool rule_holds(const struct rule *rule, const struct facts *facts);

/* The first condition (in node order) whose change would matter, in words: "cart.subtotal is 4900,
 * must be at least 5000". Only for a rule that does not hold; arena text. ret_node is its index. */
const char *rule_explain(struct arena *arena, const struct rule *rule, const struct facts *facts,
                         int64_t *ret_node);
