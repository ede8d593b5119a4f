/* world.h - one test's own database, topics and processes on the servers that tests/run started. */
#pragma once

#include "chassis/service.h"
#include "shop.h"

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <sys/types.h>

enum { WORLD_CHILDREN_MAX = 8, WORLD_SPAWNED_MAX = 32 };

struct world {
    char name[48]; /* database; part of topics and slot */
    char topic[80];
    char database_url[256];
    char relay_url[256]; /* as the role of outbox-relay/setup.sql */
    PGconn *db;
    struct daemon *shop; /* publishes, in this process */
    int port;            /* where it listens */
    struct ctx ctx;
    struct arena *seen;                 /* what world_read() returns */
    pid_t children[WORLD_CHILDREN_MAX]; /* that run */
    pid_t spawned[WORLD_SPAWNED_MAX];   /* all; their logs go when the test has passed */
    size_t spawned_count;
};

struct world *world_create(void);
void world_destroy(struct world *world);

/* SQL by the superuser. A single value as text ("" for NULL or no row). */
void world_sql(struct world *world, const char *sql);
const char *world_value(struct world *world, const char *sql);
int64_t world_number(struct world *world, const char *sql);
/* Asks again until the answer is `expected` or the time is over; then the test fails. */
void world_await(struct world *world, const char *sql, int64_t expected, int seconds);

/* A relay or consumer process; `settings` are NAME=value, NULL-terminated. */
pid_t world_relay(struct world *world, const char *const *settings);
pid_t world_consumer(struct world *world, const char *const *settings);
void world_signal(struct world *world, pid_t child, int signal);
int world_reap(struct world *world, pid_t child); /* waits; its wait status */
/* What a child wrote to stderr contains `text`, soon. */
void world_await_log(struct world *world, pid_t child, const char *text, int seconds);
/* What a command prints, up to a few kilobytes. */
const char *world_command(struct world *world, const char *command);

void world_publish(struct world *world, struct shop_sale sale);

/* Concurrent sellers: `writers` connections sell for `ms`, each sale one transaction that locks its
 * aggregate's row and takes the next sequence of one of `keys` keys. Half of them have written
 * something else before. sellers_stop() waits and returns how many sales were committed. */
struct sellers;
struct sellers *sellers_start(struct world *world, int writers, int keys);
int64_t sellers_stop(struct sellers *sellers);
/* What arrived is what was committed: nothing lost, nothing that was rolled back, first occurrences
 * of each key in sequence without a gap. Returns the number of repetitions. */
int64_t then_all_sales_arrived(struct world *world, int seconds);

/* Puts a record on the world's topic, past the outbox. NULL type: no headers at all. */
struct produced {
    struct uuid id, key;
    int64_t sequence;
    const char *type;
    const void *payload;
    size_t payload_length;
    int32_t partition;
};
void world_produce(struct world *world, const struct produced *record);

/* A record of the topic, copied. */
struct seen {
    struct uuid id, key;
    struct uuid letter; /* a dead letter's own id */
    int64_t sequence, number;
    char type[80];
    char reason[80]; /* of a dead letter */
    int32_t partition;
    int64_t offset;
};
struct seen_list {
    struct seen *items;
    size_t count;
};
/* Everything on `topic` (NULL: the world's), once `expected` records are there or `seconds` passed.
 */
struct seen_list world_read(struct world *world, const char *topic, size_t expected, int seconds);
void world_create_topic(const char *topic, int partitions);
void world_limit_topic(const char *topic, const char *bytes); /* max.message.bytes */
const char *world_redis_url(void);
