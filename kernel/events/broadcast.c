/* broadcast.c - the broadcast subscriptions: every replica reads every partition from the end.
 *
 * For caches. No group, no committed offset; whenever the stream may have a gap, on_gap flushes.
 * The ends are asked for before the flush, so what changed in between is delivered after it. */
#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "kafka.h"

#include <stdlib.h>

enum {
    METADATA_TIMEOUT_MS = 1000,          /* of each question; a stop waits for one at most */
    ASSIGN_RETRY_US = 1000 * 1000,       /* while a topic is missing */
    ASSIGN_REFRESH_US = 30 * 1000 * 1000 /* partitions may be added */
};

struct broadcast {
    struct events *events;
    rd_kafka_t *kafka;
    pthread_t thread;
    struct ctx boot;
    struct ctx work;
    const char *const *topics;
    size_t topic_count;
    int partition_count; /* assigned */
    int64_t assign_at_us;
};

static void *run(void *opaque);
static void assign(struct broadcast *self);
static bool add_topic(struct broadcast *self, const char *topic,
                      rd_kafka_topic_partition_list_t *list);
static void dispatch(struct broadcast *self, const rd_kafka_message_t *message);
static void gap(struct broadcast *self, const char *why);

struct status broadcast_start(struct events *events, struct ctx *boot,
                              struct broadcast **ret_broadcast)
{
    struct broadcast *self = calloc(1, sizeof *self); /* start-up: lives as long as the daemon */
    char id[UUID_TEXT_LENGTH + 1];

    if (self == NULL)
        abort();
    *ret_broadcast = self;
    self->events = events;
    ctx_init(&self->boot, events->daemon, "broadcast", BATCH_TIMEOUT_MS);
    ctx_init(&self->work, events->daemon, "broadcast", BATCH_TIMEOUT_MS);
    self->topics = kafka_topics(&self->boot, events, SUBSCRIPTION_BROADCAST, &self->topic_count);
    if (self->topic_count == 0)
        return status_ok();

    uuid_format(uuid_v7(), id);
    const struct kafka_setting settings[] = {
        /* librdkafka wants a name although no group is joined and nothing is committed. */
        {"group.id", arena_printf(boot->arena, "%s.broadcast.%s", events->consumer, id)},
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", "error"},
        {NULL, NULL},
    };
    TRY(kafka_consumer(boot, events, settings, NULL, &self->kafka));
    if (pthread_create(&self->thread, NULL, run, self) != 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the broadcast consumer");
    return status_ok();
}

void broadcast_stop(struct broadcast *self)
{
    if (self == NULL)
        return;
    if (self->kafka != NULL) {
        pthread_join(self->thread, NULL);
        rd_kafka_destroy(self->kafka);
    }
    ctx_finish(&self->boot);
    ctx_finish(&self->work);
    free(self);
}

static void *run(void *opaque)
{
    struct broadcast *self = opaque;

    while (!self->events->is_stopping) {
        if (clock_monotonic_us() >= self->assign_at_us)
            assign(self);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(self->kafka, 100);
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            dispatch(self, message);
        } else {
            if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
                self->partition_count = 0, self->assign_at_us = 0;
            gap(self, rd_kafka_message_errstr(message));
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(self->kafka);
    return NULL;
}

/* Assigns all partitions of all topics at their ends, when there are more of them than before. */
static void assign(struct broadcast *self)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    bool is_complete = true;

    for (size_t i = 0; i < self->topic_count && !self->events->is_stopping; i++)
        is_complete &= add_topic(self, self->topics[i], list);
    if (list->cnt > self->partition_count) {
        rd_kafka_assign(self->kafka, list);
        self->partition_count = list->cnt;
        gap(self, "assigned");
    }
    rd_kafka_topic_partition_list_destroy(list);
    self->assign_at_us = clock_monotonic_us() + (is_complete ? ASSIGN_REFRESH_US : ASSIGN_RETRY_US);
}

static bool add_topic(struct broadcast *self, const char *topic,
                      rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(self->kafka, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    int count = 0;
    bool is_known;

    if (rd_kafka_metadata(self->kafka, 0, handle, &metadata, METADATA_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        count = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(handle);
    is_known = count > 0;
    for (int i = 0; i < count && is_known && !self->events->is_stopping; i++) {
        int64_t low;
        int64_t high;

        is_known =
            rd_kafka_query_watermark_offsets(self->kafka, topic, i, &low, &high,
                                             METADATA_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
        if (is_known)
            rd_kafka_topic_partition_list_add(list, topic, i)->offset = high;
    }
    return is_known;
}

static void dispatch(struct broadcast *self, const rd_kafka_message_t *message)
{
    envelope_renew(&self->work);
    struct record record = kafka_record(&self->work, message);
    record_resolve(&self->work, daemon_service(self->events->daemon)->subscriptions,
                   SUBSCRIPTION_BROADCAST, &record);
    struct status status = crash_point(CRASH_BROADCAST_POLLED, self->events->consumer);
    if (status.code == STATUS_OK)
        status = apply_one(&self->work, &record);
    if (status.code == STATUS_OK)
        status = crash_point(CRASH_BROADCAST_HANDLED, self->events->consumer);
    if (status.code == STATUS_OK)
        return;
    log_status(LOG_WARN, &self->work, "broadcast_event_failed", status);
    metric_add(&EVENTS_RECORDS, OUTCOME_SKIPPED, 1);
    gap(self, "event failed");
}

static void gap(struct broadcast *self, const char *why)
{
    log_info(NULL, "broadcast_gap", LOG_STR("why", why));
    if (self->events->on_gap != NULL)
        self->events->on_gap(self->events->on_gap_state);
}
