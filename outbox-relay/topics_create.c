/* topics_create.c - all topics in one admin call. */
#include "topics.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>

enum { TIMEOUT_MS = 30000, CLUSTER = 3 };

static rd_kafka_t *connect_brokers(const struct topic_plan *plan);
static bool fit_to_cluster(rd_kafka_t *kafka, struct topic_plan *plan);
static rd_kafka_NewTopic_t *describe(struct arena *arena, const struct topic_plan *plan,
                                     const struct topic *topic);
static bool report(rd_kafka_event_t *event);

bool topics_create(struct arena *arena, struct topic_plan *plan)
{
    rd_kafka_t *kafka = connect_brokers(plan);
    bool is_done = kafka != NULL && fit_to_cluster(kafka, plan);

    if (is_done && plan->count > 0) {
        rd_kafka_NewTopic_t **topics = arena_array(arena, rd_kafka_NewTopic_t *, plan->count);
        rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);

        for (size_t i = 0; i < plan->count; i++)
            topics[i] = describe(arena, plan, &plan->topics[i]);
        rd_kafka_CreateTopics(kafka, topics, plan->count, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
        is_done = event != NULL && report(event);
        if (event != NULL)
            rd_kafka_event_destroy(event);
        rd_kafka_NewTopic_destroy_array(topics, plan->count);
        rd_kafka_queue_destroy(queue);
    }
    if (kafka != NULL)
        rd_kafka_destroy(kafka);
    return is_done;
}

static rd_kafka_t *connect_brokers(const struct topic_plan *plan)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *kafka = NULL;
    char error[256];

    if (rd_kafka_conf_set(conf, "bootstrap.servers", plan->brokers, error, sizeof error) ==
        RD_KAFKA_CONF_OK)
        kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (kafka == NULL) {
        rd_kafka_conf_destroy(conf);
        fprintf(stderr, "torg-topics: %s\n", error);
    }
    return kafka;
}

/* Three brokers can lose one; fewer are somebody's own machine. */
static bool fit_to_cluster(rd_kafka_t *kafka, struct topic_plan *plan)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(kafka, 0, NULL, &metadata, TIMEOUT_MS);

    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "torg-topics: %s: %s\n", plan->brokers, rd_kafka_err2str(error));
        return false;
    }
    bool is_cluster = metadata->broker_cnt >= CLUSTER;
    rd_kafka_metadata_destroy(metadata);
    if (plan->partitions == 0)
        plan->partitions = is_cluster ? 12 : 3;
    if (plan->replication == 0)
        plan->replication = is_cluster ? CLUSTER : 1;
    return true;
}

static rd_kafka_NewTopic_t *describe(struct arena *arena, const struct topic_plan *plan,
                                     const struct topic *topic)
{
    char error[256];
    rd_kafka_NewTopic_t *new_topic = rd_kafka_NewTopic_new(
        topic->name, (int)plan->partitions, (int)plan->replication, error, sizeof error);

    rd_kafka_NewTopic_set_config(new_topic, "cleanup.policy", "delete");
    rd_kafka_NewTopic_set_config(new_topic, "retention.ms",
                                 arena_printf(arena, "%" PRId64, topic->retention_ms));
    rd_kafka_NewTopic_set_config(new_topic, "unclean.leader.election.enable", "false");
    if (plan->replication >= CLUSTER)
        rd_kafka_NewTopic_set_config(new_topic, "min.insync.replicas", "2");
    return new_topic;
}

static bool report(rd_kafka_event_t *event)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics;
    size_t count = 0;
    bool is_done = result != NULL;

    if (result == NULL) {
        fprintf(stderr, "torg-topics: %s\n", rd_kafka_event_error_string(event));
        return false;
    }
    topics = rd_kafka_CreateTopics_result_topics(result, &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(topics[i]);
        const char *name = rd_kafka_topic_result_name(topics[i]);

        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            printf("created %s\n", name);
        else if (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            printf("exists  %s\n", name);
        else {
            fprintf(stderr, "torg-topics: %s: %s\n", name,
                    rd_kafka_topic_result_error_string(topics[i]));
            is_done = false;
        }
    }
    return is_done;
}
