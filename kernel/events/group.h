/* group.h - what the files of the consumer group share. Of its thread alone. */
#pragma once

#include "kafka.h"

struct partition {
    const char *topic;
    int32_t number;
    int64_t next_offset; /* -1: not known yet */
    int64_t high;        /* the broker's next offset, as far as it was told */
    int64_t asked_high;  /* the same, as it said when it was asked last */
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
};

/* group_lag.c: sets the gauge, and when to look again. */
void group_measure_lag(struct group *group);
