/* topics_plan.c - from the daemons' tables to the list of topics. */
#include "topics.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_MAX = 512, TOPICS_MAX = 256 };

static const char *const DAEMONS[] = {"catalog", "pricing",  "inventory", "marketing", "cart",
                                      "order",   "customer", "platform",  "gateway"};

static const int64_t DAY_MS = 24 * 60 * 60 * 1000;
/* Commands carry personal data: they live as long as a consumer may reasonably be down. */
enum { EVENT_DAYS = 30, COMMAND_DAYS = 1 };

static bool read_daemon(struct arena *arena, const char *path, struct buffer *out);
static struct event_row to_row(const struct json_node *node);
static void add_topic(struct topic *topics, size_t *count, const char *name);

bool rows_collect(struct arena *arena, const char *directory, struct event_rows *ret_rows)
{
    struct event_row *rows = arena_array(arena, struct event_row, ROWS_MAX);
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(DAEMONS); i++) {
        const char *path = arena_printf(arena, "%s/%s", directory, DAEMONS[i]);
        const struct json_node *root;
        struct buffer text;

        if (access(path, X_OK) != 0)
            continue; /* a machine may hold some of the daemons only */
        buffer_init(&text, arena, 1 << 14);
        if (!read_daemon(arena, path, &text) ||
            json_parse(arena, text.data, text.length, &root).code != STATUS_OK) {
            fprintf(stderr, "torg-topics: %s --events does not answer\n", path);
            return false;
        }
        for (const struct json_node *node = root->child; node != NULL && count < ROWS_MAX;
             node = node->next)
            rows[count++] = to_row(node);
    }
    *ret_rows = (struct event_rows){arena, rows, count};
    return true;
}

void topics_plan(const struct event_rows *rows, struct topic_plan *plan)
{
    struct topic *topics = arena_array(rows->arena, struct topic, TOPICS_MAX);
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct event_row *row = &rows->rows[i];

        if (row->is_sent)
            add_topic(topics, &count, row->topic);
        else if (str_equal(row->mode, "shared"))
            add_topic(topics, &count, arena_printf(rows->arena, "%s.dlq.v1", row->daemon));
    }
    plan->topics = topics;
    plan->count = count;
}

static bool read_daemon(struct arena *arena, const char *path, struct buffer *out)
{
    /* tidy: word: a tool that an operator starts, beside the daemons; it runs nothing else */
    FILE *pipe = popen(arena_printf(arena, "'%s' --events", path), "r");
    char part[4096];
    size_t length;

    if (pipe == NULL)
        return false;
    while ((length = fread(part, 1, sizeof part, pipe)) > 0)
        buffer_append(out, part, length);
    return pclose(pipe) == 0 && out->length > 0;
}

static struct event_row to_row(const struct json_node *node)
{
    return (struct event_row){
        .is_sent = str_equal(json_text(json_member(node, "direction")), "send"),
        .daemon = json_text(json_member(node, "daemon")),
        .topic = json_text(json_member(node, "topic")),
        .type = json_text(json_member(node, "type")),
        .key = str_or_empty(json_text(json_member(node, "key"))),
        .doc = str_or_empty(json_text(json_member(node, "doc"))),
        .mode = json_text(json_member(node, "mode")),
        .schemas = json_member(node, "schemas"),
    };
}

static void add_topic(struct topic *topics, size_t *count, const char *name)
{
    bool is_command = strstr(name, ".commands.") != NULL;

    for (size_t i = 0; i < *count; i++)
        if (strcmp(topics[i].name, name) == 0)
            return;
    if (*count < TOPICS_MAX)
        topics[(*count)++] =
            (struct topic){name, DAY_MS * (is_command ? COMMAND_DAYS : EVENT_DAYS)};
}
