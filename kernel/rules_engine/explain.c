/* explain.c - why a rule does not hold, in words.
 *
 * From the root down, every node that would have to come out otherwise is marked with what it
 * should be; the first marked condition in node order is the answer. */
#include "rules_engine/evaluate.h"

#include "common/clock.h"
#include "common/str.h"
#include "compiled.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { NAMED_MAX = 5 };

struct blame {
    uint64_t results;
    uint64_t blamed;
    uint64_t wanted; /* of a blamed node: the result it should have */
};

/* The children whose other result would help to turn this group's. */
static void blame_children(struct blame *blame, const struct compiled_node *node, bool wanted)
{
    bool child_wanted = node->op == RULE_NOT ? !wanted : wanted;
    uint64_t guilty = node->children & (child_wanted ? ~blame->results : blame->results);

    blame->blamed |= guilty;
    if (child_wanted)
        blame->wanted |= guilty;
}

static void put_value(struct arena *arena, struct buffer *out, enum fact_type type, int64_t integer)
{
    switch (type) {
    case FACT_BOOL:
        buffer_puts(out, integer ? "true" : "false");
        break;
    case FACT_TIME:
        buffer_puts(out, clock_format(arena, integer));
        break;
    default:
        buffer_put_int(out, integer);
    }
}

static void put_texts(struct buffer *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count && i < NAMED_MAX; i++)
        buffer_printf(out, "%s%s", i > 0 ? ", " : "", texts[i]);
    if (count > NAMED_MAX)
        buffer_printf(out, ", ... (%zu in all)", count);
}

static void put_fact(struct arena *arena, struct buffer *out, enum fact_type type,
                     const struct fact *fact)
{
    if (!fact->is_present) {
        buffer_puts(out, " is not set");
        return;
    }
    if (type == FACT_TEXT_SET) {
        buffer_puts(out, fact->text_count > 0 ? " has " : " is empty");
        put_texts(out, fact->texts, fact->text_count);
        return;
    }
    buffer_puts(out, " is ");
    if (type == FACT_TEXT)
        buffer_puts(out, fact->text);
    else
        put_value(arena, out, type, fact->integer);
}

static const char *describe(struct arena *arena, const struct rule *rule, const struct facts *facts,
                            size_t index, bool wanted)
{
    const struct compiled_node *node = &rule->nodes[index];
    const struct operator_def *definition = operator_find(node->op);
    struct buffer out;

    buffer_init(&out, arena, 0);
    if (node->fact == FACT_NONE) {
        buffer_printf(&out, "an empty group %s holds", node->op == RULE_ANY ? "never" : "always");
        return out.data;
    }

    enum fact_type type = rule->vocabulary[node->fact].type;

    buffer_puts(&out, rule->vocabulary[node->fact].name);
    put_fact(arena, &out, type, &facts->values[node->fact]);
    buffer_printf(&out, ", must %s%s", wanted ? "" : "not ", definition->words);
    if (definition->operands == OPERANDS_NONE)
        return out.data;
    buffer_putc(&out, ' ');
    if (type == FACT_TEXT || type == FACT_TEXT_SET)
        put_texts(&out, node->values, node->value_count);
    else
        put_value(arena, &out, type, node->integer);
    return out.data;
}

const char *rule_explain(struct arena *arena, const struct rule *rule, const struct facts *facts,
                         int64_t *ret_node)
{
    struct blame blame = {.results = rule_results(rule, facts), .blamed = 1, .wanted = 1};

    assert(!(blame.results & 1));
    for (size_t i = 0; i < rule->node_count; i++) {
        const struct compiled_node *node = &rule->nodes[i];
        bool wanted = blame.wanted >> i & 1;

        if (!(blame.blamed >> i & 1))
            continue;
        if (node->children == 0) {
            *ret_node = (int64_t)i;
            return describe(arena, rule, facts, i, wanted);
        }
        blame_children(&blame, node, wanted);
    }
    assert(false && "a group comes out wrong only through its children");
    return NULL;
}
