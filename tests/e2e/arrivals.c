/* arrivals.c - which events of a checkout have arrived on Kafka, by way of torg-events. */
#include "shop.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 20000, TYPES_MAX = 32, LINE_MAX_BYTES = 512 * 1024 };

/* Reads all topics from the start for `seconds`; every record of the correlation is shown. */
static FILE *open_watch(const char *correlation_id, int seconds)
{
    const char *command = arena_printf(
        arena,
        "'%s/bin/torg-events' --brokers '%s' --from-start --json --seconds %d --correlation %s",
        getenv("TORG_BUILD"), getenv("TORG_SHOP_KAFKA"), seconds, correlation_id);
    FILE *pipe = popen(command, "r");
    ck_assert_msg(pipe != NULL, "cannot run %s", command);
    return pipe;
}

static const char *type_of(const char *line)
{
    const struct json_node *root;
    if (json_parse(arena, line, strlen(line), &root).code != STATUS_OK)
        return "";
    const char *type = json_text(json_member(root, "type"));
    return type != NULL ? type : "";
}

static int count_types(const char *correlation_id, const char *const *types, int *counts)
{
    char *line = arena_alloc(arena, LINE_MAX_BYTES);
    FILE *pipe = open_watch(correlation_id, 2);
    int missing = 0;

    while (fgets(line, LINE_MAX_BYTES, pipe) != NULL) {
        const char *type = type_of(line);
        for (int i = 0; types[i] != NULL; i++)
            counts[i] += strcmp(types[i], type) == 0;
    }
    pclose(pipe);
    for (int i = 0; types[i] != NULL; i++)
        missing += counts[i] == 0;
    return missing;
}

void then_events(const char *correlation_id, const char *const *types)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_MS * INT64_C(1000);
    int counts[TYPES_MAX];

    do {
        memset(counts, 0, sizeof counts);
        if (count_types(correlation_id, types, counts) == 0)
            return;
    } while (clock_monotonic_us() < deadline_us);
    for (int i = 0; types[i] != NULL; i++)
        ck_assert_msg(counts[i] > 0, "no %s with correlation %s on Kafka within %d s", types[i],
                      correlation_id, WAIT_MS / 1000);
}

int event_count(const char *correlation_id, const char *type)
{
    const char *const types[] = {type, NULL};
    int counts[1] = {0};
    count_types(correlation_id, types, counts);
    return counts[0];
}
