/* journal.h - what the topics hold, read without a group and without a trace.
 *
 * Records come in the order of their partitions. A record keeps a digest of its bytes, and its
 * payload only while it is the latest of what it tells (states_told.c). */
#pragma once

#include "audit.h"

#include <stdint.h>

struct record {
    const char *id, *type, *source, *topic; /* ce_id or dlq-id, ce_type, ce_source */
    const char *key;                        /* in hex */
    int64_t sequence, part, offset;
    uint8_t digest[32];   /* SHA-256 of key, headers and payload, as the outbox has them */
    struct record *first; /* of this id, when this one repeats it */
    bool is_malformed;
};

struct told_state;

struct partition {
    const char *topic;
    int64_t part, low, high; /* offsets: the first there is, the next to be written */
    int64_t next;            /* the next to be read */
};

struct journal {
    struct arena *arena;
    struct record **records;
    size_t count, capacity;
    struct partition *partitions;
    size_t partition_count;
    struct map *by_id; /* first occurrences */
    struct map *names; /* topics and types, kept once */
    struct map *told;  /* the latest state by what it is about: states_told.c */
    struct told_state *told_first;
    struct arena *scratch;
    const char *topic; /* the only one to be read; NULL: all of the shop */
    struct rd_kafka_s *kafka;
};

/* Everything up to now; reads on where the last pass ended. NULL: audit->failure tells why. */
struct journal *journal_read(struct audit *audit);
struct record *journal_find(const struct journal *journal, const char *id);
const struct partition *journal_partition(const struct journal *journal, const char *topic,
                                          int64_t part);
/* The committed offset of a group, -1 when there is none, -2 after a failure. */
int64_t journal_group_offset(struct audit *audit, const char *group, const char *topic,
                             int64_t part);
void journal_close(struct journal *journal);

/* states_told.c */
void told_keep(struct journal *journal, const struct record *record, const void *payload,
               size_t length);
void told_check(struct audit *audit, const struct told *told, struct findings *findings);
