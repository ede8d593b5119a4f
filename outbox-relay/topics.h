/* topics.h - what all daemons say about their events, gathered for torg-topics. */
#pragma once

#include "common/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row of `<daemon> --events`. */
struct event_row {
    bool is_sent; /* else received */
    const char *daemon;
    const char *topic;
    const char *type;
    const char *key; /* what the key bytes are; of a sent one */
    const char *doc;
    const char *mode;                /* shared or broadcast; of a received one */
    const struct json_node *schemas; /* object: message name to JSON Schema */
};

struct event_rows {
    struct arena *arena;
    const struct event_row *rows;
    size_t count;
};

struct topic {
    const char *name;
    int64_t retention_ms;
};

struct topic_plan {
    const char *brokers;
    int64_t partitions;  /* 0: 12, or 3 on a cluster of fewer than three brokers */
    int64_t replication; /* 0: 3, or 1 on such a cluster */
    const struct topic *topics;
    size_t count;
};

/* Runs the daemons that lie in `directory`. False, with a message on stderr, when one fails. */
bool rows_collect(struct arena *arena, const char *directory, struct event_rows *ret_rows);
/* Every topic that somebody sends to, and a dead-letter topic for each consuming daemon. */
void topics_plan(const struct event_rows *rows, struct topic_plan *plan);
/* Creates what is missing, in one call; what exists stays as it is. */
bool topics_create(struct arena *arena, struct topic_plan *plan);
/* The AsyncAPI 3.0 document of the whole shop. */
void asyncapi_print(const struct event_rows *rows, const struct topic_plan *plan,
                    struct buffer *out);
