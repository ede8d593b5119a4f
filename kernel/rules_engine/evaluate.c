/* evaluate.c - runs a compiled rule.
 *
 * Children stand behind their parent, so one pass from the last node to the first needs no stack:
 * a group looks at the bits of its children, which are there already. */
#include "rules_engine/evaluate.h"

#include "compiled.h"

#include <assert.h>
#include <string.h>

static bool compare(enum rule_op op, int order)
{
    switch (op) {
    case RULE_EQ:
        return order == 0;
    case RULE_NE:
        return order != 0;
    case RULE_LT:
        return order < 0;
    case RULE_LE:
        return order <= 0;
    case RULE_GT:
        return order > 0;
    case RULE_GE:
        return order >= 0;
    default:
        return false;
    }
}

static bool is_among(const struct compiled_node *node, const char *text)
{
    size_t low = 0, high = node->value_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(text, node->values[middle]);

        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* How many of the node's values are in the set; both are sorted, the node's are distinct. */
static size_t count_shared(const struct compiled_node *node, const struct fact *fact)
{
    size_t shared = 0, at = 0;

    for (size_t i = 0; i < node->value_count && at < fact->text_count;) {
        int order = strcmp(node->values[i], fact->texts[at]);

        shared += order == 0;
        if (order <= 0)
            i++;
        else
            at++;
    }
    return shared;
}

static bool condition_holds(const struct compiled_node *node, enum fact_type type,
                            const struct fact *fact)
{
    switch (node->op) {
    case RULE_PRESENT:
        return fact->is_present;
    case RULE_HAS_NONE:
        return count_shared(node, fact) == 0;
    case RULE_HAS_ANY:
        return count_shared(node, fact) > 0;
    case RULE_HAS_ALL:
        return count_shared(node, fact) == node->value_count;
    case RULE_IN:
        return fact->is_present && is_among(node, fact->text);
    default:
        break;
    }
    if (!fact->is_present)
        return false;
    if (type == FACT_TEXT)
        return compare(node->op, strcmp(fact->text, node->values[0]));
    return compare(node->op, (fact->integer > node->integer) - (fact->integer < node->integer));
}

static bool node_holds(const struct rule *rule, const struct facts *facts, size_t index,
                       uint64_t results)
{
    const struct compiled_node *node = &rule->nodes[index];

    switch (node->op) {
    case RULE_ALL:
        return (results & node->children) == node->children;
    case RULE_ANY:
        return (results & node->children) != 0;
    case RULE_NOT:
        return (results & node->children) == 0;
    default:
        return condition_holds(node, rule->vocabulary[node->fact].type, &facts->values[node->fact]);
    }
}

uint64_t rule_results(const struct rule *rule, const struct facts *facts)
{
    uint64_t results = 0;

    assert(facts->vocabulary == rule->vocabulary);
    for (size_t i = rule->node_count; i-- > 0;)
        results |= (uint64_t)node_holds(rule, facts, i, results) << i;
    return results;
}

bool rule_holds(const struct rule *rule, const struct facts *facts)
{
    return rule_results(rule, facts) & 1;
}
