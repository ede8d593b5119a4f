/* json_tree.c - a document of unknown shape as linked nodes. */
#include "arena_grow.h"
#include "json_scan.h"

#include <string.h>

static const char TOO_LARGE[] = "a smaller document";

struct tree {
    struct arena *arena;
    struct json_scan scan;
    const char *text;
    const struct json_node **tails[JSON_DEPTH_MAX + 1]; // where each level's next node is linked
    const struct json_node *root;
};

static struct status refuse(struct tree *tree, const char *wanted)
{
    size_t offset = (size_t)(tree->scan.at - tree->text);
    struct violation *violation = arena_new(tree->arena, struct violation);

    *violation = (struct violation){.field = "", .value = "", .allowed = wanted};

    struct status status =
        status_error(STATUS_INVALID_ARGUMENT, "MALFORMED_JSON",
                     arena_printf(tree->arena, "byte %zu: expected %s", offset, wanted));

    status.violations = violation;
    return status;
}

static enum json_kind kind_of(enum json_event event)
{
    static const enum json_kind KINDS[] = {
        [JSON_EVENT_OBJECT] = JSON_OBJECT, [JSON_EVENT_ARRAY] = JSON_ARRAY,
        [JSON_EVENT_STRING] = JSON_STRING, [JSON_EVENT_NUMBER] = JSON_NUMBER,
        [JSON_EVENT_TRUE] = JSON_TRUE,     [JSON_EVENT_FALSE] = JSON_FALSE,
        [JSON_EVENT_NULL] = JSON_NULL,
    };

    return KINDS[event];
}

/* False at the arena's limit. `level` is the depth that the node lies at. */
static bool add_node(struct tree *tree, enum json_event event, int level)
{
    struct json_node *node = arena_try_alloc(tree->arena, sizeof(*node));
    bool is_member = level > 0 && tree->scan.is_object & (uint64_t)1 << (level - 1);
    size_t key_length;

    if (!node)
        return false;
    node->kind = kind_of(event);
    if (is_member && !(node->key = json_slice_text(tree->arena, tree->scan.key, &key_length)))
        return false;
    if (event == JSON_EVENT_STRING || event == JSON_EVENT_NUMBER) {
        node->text = json_slice_text(tree->arena, tree->scan.token, &node->length);
        if (!node->text)
            return false;
    }
    *tree->tails[level] = node;
    tree->tails[level] = &node->next;
    if (tree->scan.depth > level)
        tree->tails[tree->scan.depth] = &node->child;
    return true;
}

struct status json_parse(struct arena *arena, const char *text, size_t length,
                         const struct json_node **ret_root)
{
    struct tree tree = {.arena = arena, .text = text};

    tree.tails[0] = &tree.root;
    json_scan_init(&tree.scan, text, length);
    for (;;) {
        int level = tree.scan.depth;
        enum json_event event = json_scan_next(&tree.scan);

        if (event == JSON_EVENT_DONE)
            break;
        if (event == JSON_EVENT_PROBLEM)
            return refuse(&tree, tree.scan.problem);
        if (event != JSON_EVENT_END && !add_node(&tree, event, level))
            return refuse(&tree, TOO_LARGE);
    }
    *ret_root = tree.root;
    return status_ok();
}

static const struct json_node *find_member(const struct json_node *object, const char *key,
                                           size_t length)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json_node *member = object->child; member; member = member->next)
        if (strncmp(member->key, key, length) == 0 && member->key[length] == '\0')
            return member;
    return NULL;
}

const struct json_node *json_member(const struct json_node *object, const char *key)
{
    return find_member(object, key, strlen(key));
}

const struct json_node *json_at(const struct json_node *root, const char *path)
{
    const struct json_node *node = root;

    while (node && *path) {
        size_t length = strcspn(path, ".");

        node = find_member(node, path, length);
        path += length + (path[length] == '.');
    }
    return node;
}

const char *json_text(const struct json_node *node)
{
    return node && node->kind == JSON_STRING ? node->text : NULL;
}

bool json_to_int64(const struct json_node *node, int64_t *ret_value)
{
    uint64_t magnitude;
    bool negative;

    if (!node || node->kind != JSON_NUMBER ||
        !json_slice_to_integer((struct json_slice){node->text, node->length, false}, &negative,
                               &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *ret_value = negative ? (int64_t)-magnitude : (int64_t)magnitude;
    return true;
}
