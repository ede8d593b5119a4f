/* compile.c - checks a rule as it was written and turns names into indexes. */
#include "compiled.h"

#include "common/clock.h"
#include "common/compiler.h"
#include "common/str.h"

#include <stdlib.h>
#include <string.h>

const struct error_def INVALID_RULE = {STATUS_INVALID_ARGUMENT, "INVALID_RULE",
                                       "correct the node that the violation names"};

_Static_assert(RULE_NODES_MAX <= 64, "children and results are bits of a uint64_t");

struct compiler {
    struct arena *arena;
    const struct fact_def *vocabulary;
    size_t fact_count;
    const struct rule_node *nodes;
    size_t node_count;
    const char *path;
    struct rule *rule;
    int depths[RULE_NODES_MAX];
};

static struct status refuse(struct compiler *compiler, const char *field, const char *value,
                            const char *allowed)
{
    struct violation *violation = arena_new(compiler->arena, struct violation);

    *violation = (struct violation){.field = field, .value = value, .allowed = allowed};

    struct status status =
        status_error(INVALID_RULE.code, INVALID_RULE.reason,
                     arena_printf(compiler->arena, "%s: expected %s", field, allowed));

    status.violations = violation;
    return status;
}

static struct status refuse_node(struct compiler *compiler, size_t index, const char *member,
                                 const char *value, const char *allowed)
{
    const char *field = arena_printf(compiler->arena, "%s[%zu].%s", compiler->path, index, member);

    return refuse(compiler, field, value, allowed);
}

static struct status check_parent(struct compiler *compiler, size_t index)
{
    const struct rule_node *node = &compiler->nodes[index];
    struct compiled_node *compiled = compiler->rule->nodes;
    const char *value = arena_printf(compiler->arena, "%lld", (long long)node->parent);

    compiler->depths[index] = 1;
    if (index == 0)
        return node->parent == -1
                   ? status_ok()
                   : refuse_node(compiler, 0, "parent", value, "-1: the first node is the root");
    if (node->parent < 0 || node->parent >= (int64_t)index)
        return refuse_node(compiler, index, "parent", value, "the index of an earlier node");

    size_t parent = (size_t)node->parent;
    const struct operator_def *definition = operator_find(compiler->nodes[parent].op);

    if (definition->operands != OPERANDS_CHILDREN)
        return refuse_node(compiler, index, "parent", value, "a node that is ALL, ANY or NOT");
    compiler->depths[index] = compiler->depths[parent] + 1;
    if (compiler->depths[index] > RULE_DEPTH_MAX)
        return refuse_node(compiler, index, "parent", value, "at most 8 levels");
    if (compiler->nodes[parent].op == RULE_NOT && compiled[parent].children != 0)
        return refuse_node(compiler, index, "parent", value, "one node only inside NOT");
    compiled[parent].children |= (uint64_t)1 << index;
    return status_ok();
}

static struct status find_fact(struct compiler *compiler, size_t index, int *ret_fact)
{
    const char *name = str_or_empty(compiler->nodes[index].fact);
    struct buffer names;

    buffer_init(&names, compiler->arena, 0);
    for (size_t i = 0; i < compiler->fact_count; i++) {
        if (strcmp(compiler->vocabulary[i].name, name) == 0) {
            *ret_fact = (int)i;
            return status_ok();
        }
        buffer_printf(&names, "%s %s", i > 0 ? "," : "one of", compiler->vocabulary[i].name);
    }
    return refuse_node(compiler, index, "fact", arena_strdup(compiler->arena, name), names.data);
}

static bool read_value(enum fact_type type, const char *text, int64_t *ret_value)
{
    switch (type) {
    case FACT_INT:
        return str_to_int64(text, ret_value);
    case FACT_TIME:
        return clock_parse(text, ret_value);
    case FACT_BOOL:
        *ret_value = str_equal(text, "true");
        return *ret_value || str_equal(text, "false");
    case FACT_TEXT:
    case FACT_TEXT_SET:
        return true;
    }
    return false;
}

static const char *value_wanted(enum fact_type type)
{
    static const char *const WANTED[] = {
        [FACT_INT] = "an integer",
        [FACT_BOOL] = "true or false",
        [FACT_TEXT] = "a text",
        [FACT_TEXT_SET] = "a text",
        [FACT_TIME] = "a time as RFC 3339 writes it",
    };

    return WANTED[type];
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, without duplicates, and copied: a rule outlives the request that brought it. */
static void keep_texts(struct compiler *compiler, const struct rule_node *node,
                       struct compiled_node *compiled)
{
    const char **texts = arena_array(compiler->arena, const char *, node->value_count);
    size_t kept = 0;

    for (size_t i = 0; i < node->value_count; i++)
        texts[i] = arena_strdup(compiler->arena, node->values[i]);
    qsort(texts, node->value_count, sizeof(texts[0]), compare_texts);
    for (size_t i = 0; i < node->value_count; i++)
        if (kept == 0 || strcmp(texts[kept - 1], texts[i]) != 0)
            texts[kept++] = texts[i];
    compiled->values = texts;
    compiled->value_count = kept;
}

static struct status compile_values(struct compiler *compiler, size_t index, enum fact_type type,
                                    enum operands operands)
{
    static const char *const WANTED[] = {
        [OPERANDS_NONE] = "no value",
        [OPERANDS_ONE] = "exactly one value",
        [OPERANDS_SOME] = "1 to 200 values",
    };
    static const size_t MIN[] = {[OPERANDS_ONE] = 1, [OPERANDS_SOME] = 1};
    static const size_t MAX[] = {[OPERANDS_ONE] = 1, [OPERANDS_SOME] = RULE_VALUES_MAX};
    const struct rule_node *node = &compiler->nodes[index];
    struct compiled_node *compiled = &compiler->rule->nodes[index];

    if (node->value_count < MIN[operands] || node->value_count > MAX[operands])
        return refuse_node(compiler, index, "values",
                           arena_printf(compiler->arena, "%zu values", node->value_count),
                           WANTED[operands]);
    for (size_t i = 0; i < node->value_count; i++)
        if (!read_value(type, node->values[i], &compiled->integer))
            return refuse_node(compiler, index, arena_printf(compiler->arena, "values[%zu]", i),
                               arena_strdup(compiler->arena, node->values[i]), value_wanted(type));
    if (node->value_count > 0 && (type == FACT_TEXT || type == FACT_TEXT_SET))
        keep_texts(compiler, node, compiled);
    return status_ok();
}

static struct status compile_group(struct compiler *compiler, size_t index)
{
    const struct rule_node *node = &compiler->nodes[index];

    if (!str_is_empty(node->fact))
        return refuse_node(compiler, index, "fact", arena_strdup(compiler->arena, node->fact),
                           "no fact on ALL, ANY or NOT");
    if (node->value_count > 0)
        return refuse_node(compiler, index, "values",
                           arena_printf(compiler->arena, "%zu values", node->value_count),
                           "no values on ALL, ANY or NOT");
    return status_ok();
}

static struct status compile_node(struct compiler *compiler, size_t index)
{
    const struct rule_node *node = &compiler->nodes[index];
    const struct operator_def *definition = operator_find(node->op);
    struct compiled_node *compiled = &compiler->rule->nodes[index];

    if (!definition)
        return refuse_node(compiler, index, "operator",
                           arena_printf(compiler->arena, "%d", node->op), "an operator");
    *compiled = (struct compiled_node){.op = node->op, .fact = FACT_NONE};
    TRY(check_parent(compiler, index));
    if (definition->operands == OPERANDS_CHILDREN)
        return compile_group(compiler, index);
    TRY(find_fact(compiler, index, &compiled->fact));

    enum fact_type type = compiler->vocabulary[compiled->fact].type;

    if (!(definition->fact_types & 1u << type))
        return refuse_node(compiler, index, "operator", definition->name,
                           arena_printf(compiler->arena, "an operator for %s",
                                        compiler->vocabulary[compiled->fact].name));
    return compile_values(compiler, index, type, definition->operands);
}

static struct status check_negations(struct compiler *compiler)
{
    for (size_t i = 0; i < compiler->node_count; i++)
        if (compiler->nodes[i].op == RULE_NOT && compiler->rule->nodes[i].children == 0)
            return refuse_node(compiler, i, "operator", "NOT", "one node inside NOT");
    return status_ok();
}

struct status rule_compile(struct arena *arena, const struct fact_def *vocabulary,
                           size_t fact_count, const struct rule_node *nodes, size_t node_count,
                           const char *path, const struct rule **ret_rule)
{
    struct rule *rule = arena_new(arena, struct rule);
    struct compiler compiler = {
        .arena = arena,
        .vocabulary = vocabulary,
        .fact_count = fact_count,
        .nodes = nodes,
        .node_count = node_count,
        .path = path,
        .rule = rule,
    };

    if (node_count == 0 || node_count > RULE_NODES_MAX)
        return refuse(&compiler, path, arena_printf(arena, "%zu nodes", node_count),
                      "1 to 64 nodes");
    *rule = (struct rule){.vocabulary = vocabulary, .node_count = node_count};
    rule->nodes = arena_array(arena, struct compiled_node, node_count);
    for (size_t i = 0; i < node_count; i++)
        TRY(compile_node(&compiler, i));
    TRY(check_negations(&compiler));
    *ret_rule = rule;
    return status_ok();
}
