/* kafka.h - what the two consumers share of librdkafka; included by the files that wrap it. */
#pragma once

#include "consuming.h"

#include <librdkafka/rdkafka.h>

/* NULL value ends the list. */
struct kafka_setting {
    const char *name;
    const char *value;
};

/* A consumer with the defaults of this module, then `settings`. INTERNAL with librdkafka's words
 * when it refuses one. */
struct status kafka_consumer(struct ctx *ctx, struct events *self,
                             const struct kafka_setting *settings,
                             void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t,
                                               rd_kafka_topic_partition_list_t *, void *),
                             rd_kafka_t **ret_kafka);

/* The topics of the subscriptions of that mode, each once. */
const char *const *kafka_topics(struct ctx *ctx, struct events *self, enum subscription_mode mode,
                                size_t *ret_count);

/* Key and payload stay the message's; headers are copied into the ctx's arena. */
struct record kafka_record(struct ctx *ctx, const rd_kafka_message_t *message);
