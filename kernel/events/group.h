/* group.h - what the files of the consumer group share. Of its thread alone. */
#pragma once

#include "kafka.h"

struct partition {
    const char *topic;
    int32_t number;
    int64_t next_offset; /* -1: not known yet */
    rd_kafka_message_t *pending[BATCH_RECORDS_MAX];
    size_t count;
    size_t bytes;
    size_t unfenced;
    int64_t attempts; /* failures of the first pending record */
    int64_t retry_at_us;
    int64_t heard_us; /* of the last record, or of the last look for one */
    bool is_paused;
};

struct group {
    struct events *events;
    rd_kafka_t *kafka;
    pthread_t thread;
    struct ctx boot;                          /* topic names */
    struct ctx records;                       /* the batch at hand */
    struct ctx work;                          /* one attempt */
    rd_kafka_topic_partition_list_t *awaited; /* ours, with offsets to ask for yet; else NULL */
    int64_t awaited_until_us;
    struct arena *assign; /* partitions of the present assignment */
    struct partition *partitions;
    size_t partition_count;
    const char *const *topics;
    size_t topic_count;
    int64_t yield_at_us; /* from then on the round ends with the record at hand */
    int64_t drain_at_us;
    int64_t lag_at_us;
    int64_t restart_at_us; /* not before */
};

/* group.c */
/* Instead of all partitions there are, and what was fetched of them, these from their offsets on:
 * at once, or as soon as those without one are told it. The list becomes the group's. */
void group_take_over(struct group *group, rd_kafka_topic_partition_list_t *list);
void group_set_paused(struct group *group, struct partition *partition, bool is_paused);

/* group_watch.c: begins the partitions anew when one is fetched no more. */
void group_watch(struct group *group);
