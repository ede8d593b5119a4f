/* topics_main.c - torg-topics: makes the topics that the daemons' EVENTS tables declare.
 *
 *   torg-topics --brokers HOST:PORT[,...] [--partitions N] [--replication N] [--bin DIRECTORY]
 *   torg-topics --list | --asyncapi [--bin DIRECTORY]
 *
 * The daemons lie beside it, or in --bin. Safe to run again: existing topics stay as they are,
 * since changing the number of partitions would break the order per key. */
#include "topics.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, ARENA_MAX = 64 * 1024 * 1024 };

struct options {
    const char *brokers;
    const char *directory;
    int64_t partitions, replication;
    bool is_list, is_asyncapi;
};

static bool parse(int argc, char **argv, struct options *ret_options);
static const char *own_directory(struct arena *arena);

int main(int argc, char **argv)
{
    struct arena *arena = arena_create(ARENA_MAX);
    struct options options = {0};
    struct event_rows rows;
    bool is_done = true;

    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: torg-topics --brokers HOST:PORT [--partitions N] [--replication N]"
                        " [--bin DIRECTORY]\n       torg-topics --list | --asyncapi"
                        " [--bin DIRECTORY]\n");
        return EXIT_USAGE;
    }
    if (options.directory == NULL)
        options.directory = own_directory(arena);
    if (!rows_collect(arena, options.directory, &rows))
        return EXIT_FAILURE;

    struct topic_plan plan = {.brokers = options.brokers,
                              .partitions = options.partitions,
                              .replication = options.replication};
    topics_plan(&rows, &plan);
    if (options.is_asyncapi) {
        struct buffer out;
        buffer_init(&out, arena, 1 << 16);
        asyncapi_print(&rows, &plan, &out);
        puts(out.data);
    } else if (options.is_list) {
        for (size_t i = 0; i < plan.count; i++)
            printf("%s retention.ms=%" PRId64 "\n", plan.topics[i].name,
                   plan.topics[i].retention_ms);
    } else {
        is_done = topics_create(arena, &plan);
    }
    arena_destroy(arena);
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse(int argc, char **argv, struct options *ret_options)
{
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;

        if (strcmp(argv[i], "--list") == 0)
            ret_options->is_list = true;
        else if (strcmp(argv[i], "--asyncapi") == 0)
            ret_options->is_asyncapi = true;
        else if (strcmp(argv[i], "--brokers") == 0 && has_value)
            ret_options->brokers = argv[++i];
        else if (strcmp(argv[i], "--bin") == 0 && has_value)
            ret_options->directory = argv[++i];
        else if (strcmp(argv[i], "--partitions") == 0 && has_value &&
                 str_to_int64(argv[i + 1], &ret_options->partitions))
            i++;
        else if (strcmp(argv[i], "--replication") == 0 && has_value &&
                 str_to_int64(argv[i + 1], &ret_options->replication))
            i++;
        else
            return false;
    }
    return ret_options->brokers != NULL || ret_options->is_list || ret_options->is_asyncapi;
}

static const char *own_directory(struct arena *arena)
{
    char path[4096] = "";

    if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0)
        return ".";
    return arena_strdup(arena, dirname(path));
}
