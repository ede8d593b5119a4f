/* group.c - the shared subscriptions: one consumer group, one thread.
 *
 * What was fetched and not yet handled is held per partition. A failure that only time can heal
 * pauses the partition with its records in hand, so nothing is sought back and the others go on.
 * Kafka's committed offset is a hint; inbox_position is the truth. */
#include "group.h"
#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 100,
    POLL_RECORDS_MAX = 1000,
    WATERMARK_TIMEOUT_MS = 5000,
    HINT_TIMEOUT_MS = 2000,
    HINTS_US = 60 * 1000 * 1000,
    /* Unwanted records move no position by themselves, but after so many they do. */
    UNFENCED_MAX = 1000,
    /* Handlers may be slow; who does not poll for max.poll.interval loses its partitions. */
    ROUND_US = 60 * 1000 * 1000,
};

static struct status subscribe(struct group *group, struct ctx *boot);
static void *run(void *opaque);
static void gather(struct group *group, int wait_ms);
static bool keep(struct group *group, rd_kafka_message_t *message);
static int wait_ms(const struct group *group);
static void work_partition(struct group *group, struct partition *partition);
static struct status handle(struct group *group, struct partition *partition,
                            struct record *records, size_t *ret_done);
static struct status handle_singly(struct group *group, const struct partition *partition,
                                   struct record *record);
static struct status without_database(struct group *group, const struct partition *partition,
                                      struct record *record);
static struct status dead_letter(struct group *group, const struct record *record,
                                 struct status why);
static void finish(struct group *group, struct partition *partition, size_t done);
static void hold(struct group *group, struct partition *partition, struct status why);
static void set_paused(struct group *group, struct partition *partition, bool is_paused);
static void on_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque);
static void find_positions(struct group *group, rd_kafka_topic_partition_list_t *list);
static int64_t start_offset(struct group *group, const struct inbox_position *position);
static void begin(struct group *group);
static bool take_hints(struct group *group, rd_kafka_topic_partition_list_t *list);
static void give_up(struct group *group);

struct status group_start(struct events *self, struct ctx *boot, struct group **ret_group)
{
    struct group *group = calloc(1, sizeof *group); /* start-up: lives as long as the daemon */

    if (group == NULL)
        abort();
    *ret_group = group;
    group->events = self;
    group->assign = arena_create(SIZE_MAX);
    ctx_init(&group->boot, self->daemon, "consumer", BATCH_TIMEOUT_MS);
    ctx_init(&group->records, self->daemon, "consumer", BATCH_TIMEOUT_MS);
    ctx_init(&group->work, self->daemon, "consumer", BATCH_TIMEOUT_MS);
    group->topics = kafka_topics(&group->boot, self, SUBSCRIPTION_SHARED, &group->topic_count);
    if (group->topic_count == 0)
        return status_ok();
    TRY(subscribe(group, boot));
    if (pthread_create(&group->thread, NULL, run, group) != 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the consumer");
    return status_ok();
}

void group_stop(struct group *group)
{
    if (group == NULL)
        return;
    if (group->kafka != NULL) {
        pthread_join(group->thread, NULL);
        rd_kafka_destroy(group->kafka);
    }
    ctx_finish(&group->boot);
    ctx_finish(&group->records);
    ctx_finish(&group->work);
    arena_destroy(group->assign);
    free(group);
}

static struct status subscribe(struct group *group, struct ctx *boot)
{
    struct events *self = group->events;
    int64_t heartbeat_ms = self->session_timeout_ms / 10;
    const struct kafka_setting settings[] = {
        {"group.id", self->consumer},
        {"session.timeout.ms",
         arena_printf(boot->arena, "%lld", (long long)self->session_timeout_ms)},
        {"heartbeat.interval.ms", arena_printf(boot->arena, "%lld", (long long)heartbeat_ms)},
        {"fetch.min.bytes", arena_printf(boot->arena, "%lld", (long long)self->fetch_min_bytes)},
        {"max.poll.interval.ms", "300000"},
        {"auto.offset.reset", "earliest"},
        {"enable.auto.commit", "true"},
        {"auto.commit.interval.ms", "1000"},
        {NULL, NULL},
    };

    TRY(kafka_consumer(boot, self, settings, on_rebalance, &group->kafka));

    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)group->topic_count);
    for (size_t i = 0; i < group->topic_count; i++)
        rd_kafka_topic_partition_list_add(list, group->topics[i], RD_KAFKA_PARTITION_UA);
    self->group = group; /* on_rebalance finds it */
    rd_kafka_resp_err_t error = rd_kafka_subscribe(group->kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ctx_fail(boot, &ERROR_INTERNAL, "subscribe: %s", rd_kafka_err2str(error));
    return status_ok();
}

static void *run(void *opaque)
{
    struct group *group = opaque;
    struct events *self = group->events;

    while (!self->is_stopping) {
        gather(group, wait_ms(group));
        if (group->awaited != NULL)
            begin(group);
        group->yield_at_us = clock_monotonic_us() + ROUND_US;
        for (size_t i = 0; i < group->partition_count && !self->is_stopping; i++) {
            struct partition *partition = &group->partitions[i];
            if (partition->count > 0 && partition->retry_at_us <= clock_monotonic_us())
                work_partition(group, partition);
        }
        if (self->has_database && clock_monotonic_us() >= group->drain_at_us) {
            parked_drain(self, &group->work);
            group->drain_at_us = clock_monotonic_us() + self->park_interval_ms * 1000;
        }
        if (clock_monotonic_us() >= group->lag_at_us)
            group_measure_lag(group);
    }
    rd_kafka_consumer_close(group->kafka); /* revokes, which commits and forgets */
    give_up(group);                        /* who was still asking for offsets is not revoked */
    return NULL;
}

static void gather(struct group *group, int timeout_ms)
{
    for (int i = 0; i < POLL_RECORDS_MAX; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(group->kafka, i == 0 ? timeout_ms : 0);
        if (message == NULL)
            return;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            log_warn(NULL, "consumer_error", LOG_STR("error", rd_kafka_message_errstr(message)));
            rd_kafka_message_destroy(message);
        } else if (!keep(group, message)) {
            return;
        }
    }
}

/* False when the partition's batch is full. */
static bool keep(struct group *group, rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);

    for (size_t i = 0; i < group->partition_count; i++) {
        struct partition *partition = &group->partitions[i];
        if (partition->number != message->partition || strcmp(partition->topic, topic) != 0)
            continue;
        if (partition->count == BATCH_RECORDS_MAX)
            break; /* cannot happen: a full batch ends the round, a held one is paused */
        partition->heard_us = clock_monotonic_us();
        partition->pending[partition->count++] = message;
        partition->bytes += message->len;
        return partition->count < BATCH_RECORDS_MAX && partition->bytes < BATCH_BYTES_MAX;
    }
    rd_kafka_message_destroy(message);
    return true;
}

static int wait_ms(const struct group *group)
{
    int64_t now_us = clock_monotonic_us();
    int64_t until_us = now_us + (int64_t)POLL_MS * 1000;

    for (size_t i = 0; i < group->partition_count; i++) {
        const struct partition *partition = &group->partitions[i];
        if (partition->count > 0 && partition->retry_at_us < until_us)
            until_us = partition->retry_at_us;
    }
    if (group->events->has_database && group->drain_at_us < until_us)
        until_us = group->drain_at_us;
    return until_us <= now_us ? 0 : (int)((until_us - now_us + 999) / 1000);
}

static void work_partition(struct group *group, struct partition *partition)
{
    struct record records[BATCH_RECORDS_MAX];
    const struct event_subscription *subscriptions =
        daemon_service(group->events->daemon)->subscriptions;
    size_t done = 0;

    envelope_renew(&group->records);
    for (size_t i = 0; i < partition->count; i++) {
        records[i] = kafka_record(&group->records, partition->pending[i]);
        record_resolve(&group->records, subscriptions, SUBSCRIPTION_SHARED, &records[i]);
    }
    struct status status = crash_point(CRASH_CONSUMER_POLLED, group->events->consumer);
    if (status.code == STATUS_OK)
        status = handle(group, partition, records, &done);
    finish(group, partition, done);
    if (status.code != STATUS_OK)
        hold(group, partition, status);
    else if (partition->is_paused != (done == 0)) // without a turn nothing more is fetched
        set_paused(group, partition, done == 0);
}

/* *ret_done counts the leading records that are dealt with, whatever the answer; none when the
 * round's time was up before. */
static struct status handle(struct group *group, struct partition *partition,
                            struct record *records, size_t *ret_done)
{
    struct events *self = group->events;
    size_t count = partition->count;
    bool is_unwanted = true;

    for (size_t i = 0; i < count; i++)
        is_unwanted &= records[i].subscription == NULL && records[i].malformed.code == STATUS_OK;
    if (is_unwanted && partition->unfenced + count < UNFENCED_MAX) {
        partition->unfenced += count;
        metric_add(&EVENTS_RECORDS, OUTCOME_UNWANTED, (int64_t)count);
        *ret_done = count;
        return status_ok();
    }
    partition->unfenced = 0;
    while (*ret_done < count && clock_monotonic_us() < group->yield_at_us) {
        struct record *run = &records[*ret_done];
        size_t length = self->has_database ? apply_run_length(run, count - *ret_done) : 1;
        if (length > 1) {
            envelope_renew(&group->work);
            if (apply_batch(self, &group->work, run, length).code == STATUS_OK) {
                *ret_done += length;
                continue;
            }
        }
        for (size_t i = 0; i < length && clock_monotonic_us() < group->yield_at_us; i++) {
            TRY(self->has_database ? handle_singly(group, partition, &run[i])
                                   : without_database(group, partition, &run[i]));
            ++*ret_done;
        }
    }
    return status_ok();
}

/* A failure here is one that time may heal; everything else has been parked or dead-lettered. */
static struct status handle_singly(struct group *group, const struct partition *partition,
                                   struct record *record)
{
    struct events *self = group->events;

    (void)partition;
    envelope_renew(&group->work);
    struct status status = apply_batch(self, &group->work, record, 1);
    if (status_reason_is(status, EVENT_MALFORMED.reason)) {
        log_status(LOG_ERROR, &group->work, "event_dead_lettered", status);
        status = dead_letter(group, record, status);
    } else if (status.code != STATUS_OK && !status_is_transient(status) &&
               !status_reason_is(status, EVENT_FENCED.reason)) {
        log_status(LOG_ERROR, &group->work, "event_parked", status);
        status = parked_add_failed(self, &group->work, record, status);
        if (status.code == STATUS_OK)
            metric_add(&EVENTS_RECORDS, OUTCOME_PARKED, 1);
    }
    if (status_reason_is(status, EVENT_FENCED.reason)) {
        log_status(LOG_INFO, &group->work, "event_fenced", status);
        metric_add(&EVENTS_RECORDS, OUTCOME_FENCED, 1);
        return status_ok();
    }
    return status;
}

/* No table to park in and no outbox to dead-letter through: a record gets its attempts, then the
 * log is its grave. */
static struct status without_database(struct group *group, const struct partition *partition,
                                      struct record *record)
{
    bool is_first = record->offset == partition->pending[0]->offset;

    envelope_renew(&group->work);
    struct status status = apply_one(&group->work, record);
    if (status.code == STATUS_OK)
        status = crash_point(CRASH_CONSUMER_HANDLED, group->events->consumer);
    if (status.code == STATUS_OK || status_is_transient(status))
        return status;
    if (!status_reason_is(status, EVENT_MALFORMED.reason) &&
        (is_first ? partition->attempts : 0) + 1 < group->events->park_attempts)
        return status;
    log_status(LOG_ERROR, &group->work, "event_skipped", status);
    metric_add(&EVENTS_RECORDS, OUTCOME_SKIPPED, 1);
    return status_ok();
}

static struct status dead_letter(struct group *group, const struct record *record,
                                 struct status why)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(&group->work, &tx));
    TRY(inbox_fence(group->events, tx, record));
    TRY(dead_letter_add(group->events, tx, record, why, 1));
    TRY(db_commit(&tx));
    metric_add(&EVENTS_RECORDS, OUTCOME_DEAD_LETTERED, 1);
    return status_ok();
}

/* Lets go of the first `done` records and tells Kafka so, as a hint. */
static void finish(struct group *group, struct partition *partition, size_t done)
{
    if (done == 0)
        return;
    partition->next_offset = partition->pending[done - 1]->offset + 1;

    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, partition->topic, partition->number)->offset =
        partition->next_offset;
    (void)rd_kafka_offsets_store(group->kafka, list); /* fails when revoked: then it is moot */
    rd_kafka_topic_partition_list_destroy(list);
    crash_here(CRASH_CONSUMER_STORED, group->events->consumer);

    for (size_t i = 0; i < done; i++) {
        partition->bytes -= partition->pending[i]->len;
        rd_kafka_message_destroy(partition->pending[i]);
    }
    partition->count -= done;
    memmove(partition->pending, partition->pending + done,
            partition->count * sizeof(partition->pending[0]));
    partition->attempts = 0;
    partition->retry_at_us = 0;
}

static void hold(struct group *group, struct partition *partition, struct status why)
{
    struct events *self = group->events;
    int64_t delay_ms = self->retry_backoff_ms;

    for (int64_t i = 0; i < partition->attempts && delay_ms < self->retry_backoff_max_ms; i++)
        delay_ms *= 2;
    if (delay_ms > self->retry_backoff_max_ms)
        delay_ms = self->retry_backoff_max_ms;

    int64_t now_us = clock_monotonic_us();
    int64_t jitter_us = now_us % (delay_ms * 250 + 1); /* up to a quarter */
    partition->retry_at_us = now_us + delay_ms * 1000 + jitter_us;
    partition->attempts++;
    log_status(LOG_WARN, &group->work, "event_retried_later", why);
    metric_add(&EVENTS_RECORDS, OUTCOME_RETRIED, 1);
    if (!partition->is_paused)
        set_paused(group, partition, true);
}

static void set_paused(struct group *group, struct partition *partition, bool is_paused)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, partition->topic, partition->number);
    if (is_paused)
        (void)rd_kafka_pause_partitions(group->kafka, list);
    else
        (void)rd_kafka_resume_partitions(group->kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    partition->is_paused = is_paused;
}

/* Called inside consumer_poll() and close(), on our thread: never while a transaction is open. */
static void on_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct events *self = opaque;
    struct group *group = self->group;

    give_up(group);
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        find_positions(group, list);
        rd_kafka_assign(kafka, NULL); /* lets close() end before the offsets are known */
        group->awaited = rd_kafka_topic_partition_list_copy(list);
        group->awaited_until_us = clock_monotonic_us() + HINTS_US;
        begin(group);
        return;
    }
    crash_here(CRASH_CONSUMER_REVOKED, self->consumer);
    if (!rd_kafka_assignment_lost(kafka))
        (void)rd_kafka_commit(kafka, NULL, 0); /* a hint: inbox_position tells the next owner */
    rd_kafka_assign(kafka, NULL);
    log_info(NULL, "partitions_revoked", LOG_INT("count", list->cnt));
}

static void find_positions(struct group *group, rd_kafka_topic_partition_list_t *list)
{
    const struct inbox_position *positions = NULL;
    size_t position_count = 0;

    envelope_renew(&group->work);
    if (group->events->has_database) {
        struct status status = inbox_positions(group->events, &group->work, group->topics,
                                               group->topic_count, &positions, &position_count);
        if (status.code != STATUS_OK) /* then Kafka's hint; the fence drops what was handled */
            log_status(LOG_WARN, &group->work, "positions_unknown", status);
    }
    for (size_t i = 0; i < position_count; i++) {
        rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_find(
            list, positions[i].topic, (int32_t)positions[i].partition);
        if (item != NULL)
            item->offset = start_offset(group, &positions[i]);
    }
}

/* Partitions are assigned with their offsets. librdkafka would ask for those by itself, but only
 * once: a coordinator that is just coming up refuses the question, and the partition is ours and
 * never fetched (its issue 5586). So we ask, in each round until all are known. Meanwhile a
 * rebalance of the group waits for us; what has no answer after a minute is left to librdkafka. */
static void begin(struct group *group)
{
    rd_kafka_topic_partition_list_t *list = group->awaited;

    if (group->events->is_stopping)
        return;
    if (!take_hints(group, list)) {
        if (clock_monotonic_us() < group->awaited_until_us)
            return;
        log_error(NULL, "offsets_not_told", LOG_INT("count", list->cnt));
    }
    arena_reset(group->assign);
    group->partitions = arena_array(group->assign, struct partition, (size_t)list->cnt);
    group->partition_count = (size_t)list->cnt;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *item = &list->elems[i];
        group->partitions[i] = (struct partition){
            .topic = arena_strdup(group->assign, item->topic),
            .number = item->partition,
            .next_offset = item->offset >= 0 ? item->offset : -1,
            .heard_us = clock_monotonic_us(),
        };
    }
    rd_kafka_assign(group->kafka, list);
    log_info(NULL, "partitions_assigned", LOG_INT("count", list->cnt));
    rd_kafka_topic_partition_list_destroy(list);
    group->awaited = NULL;
}

/* Where Kafka's hint says, for those without a position; false when one is not known yet. */
static bool take_hints(struct group *group, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_new(list->cnt);
    rd_kafka_resp_err_t refusal = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].offset == RD_KAFKA_OFFSET_INVALID)
            rd_kafka_topic_partition_list_add(asked, list->elems[i].topic,
                                              list->elems[i].partition);
    if (asked->cnt > 0)
        refusal = rd_kafka_committed(group->kafka, asked, HINT_TIMEOUT_MS);
    bool is_answered = refusal == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < asked->cnt && is_answered; i++) {
        const rd_kafka_topic_partition_t *hint = &asked->elems[i];
        if (hint->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            refusal = hint->err;
        else
            rd_kafka_topic_partition_list_find(list, hint->topic, hint->partition)->offset =
                hint->offset >= 0 ? hint->offset : RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_topic_partition_list_destroy(asked);
    if (refusal != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_warn(NULL, "offsets_unknown", LOG_STR("error", rd_kafka_err2str(refusal)));
    return refusal == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The position, unless the broker no longer has it (retention was shorter than our absence: events
 * are lost) or does not have it yet (the topic was made anew). */
static int64_t start_offset(struct group *group, const struct inbox_position *position)
{
    struct inbox_position reset = *position;
    int64_t low = 0;
    int64_t high = 0;

    if (rd_kafka_query_watermark_offsets(group->kafka, position->topic,
                                         (int32_t)position->partition, &low, &high,
                                         WATERMARK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return position->next_offset;
    if (position->next_offset >= low && position->next_offset <= high)
        return position->next_offset;
    metric_add(&EVENTS_LOST, 0, 1);
    log_error(NULL, "position_out_of_range", LOG_STR("topic", position->topic),
              LOG_INT("partition", position->partition), LOG_INT("position", position->next_offset),
              LOG_INT("low", low), LOG_INT("high", high));
    reset.next_offset = low;
    struct status status = inbox_reset(group->events, &group->work, &reset);
    if (status.code != STATUS_OK)
        log_status(LOG_WARN, &group->work, "position_not_reset", status);
    return low;
}

/* A pause would outlive the assignment, and a partition that comes back never be fetched. */
static void give_up(struct group *group)
{
    for (size_t i = 0; i < group->partition_count; i++) {
        struct partition *partition = &group->partitions[i];
        if (partition->is_paused)
            set_paused(group, partition, false);
        for (size_t j = 0; j < partition->count; j++)
            rd_kafka_message_destroy(partition->pending[j]);
    }
    group->partition_count = 0;
    if (group->awaited != NULL)
        rd_kafka_topic_partition_list_destroy(group->awaited);
    group->awaited = NULL;
}
