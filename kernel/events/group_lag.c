/* group_lag.c - how far the group is behind.
 *
 * A partition that is fetched tells with each answer how much there is. Of one that is silent the
 * broker is asked, one at each look: silence may mean that nobody fetches it. */
#include "group.h"

#include "chassis/log.h"
#include "common/clock.h"

enum {
    LAG_INTERVAL_US = 5 * 1000 * 1000,
    SILENCE_US = 20 * 1000 * 1000,
    WATERMARK_TIMEOUT_MS = 2000,
};

static void look(struct group *group, struct partition *partition);
static void ask(struct group *group, struct partition *partition);

void group_measure_lag(struct group *group)
{
    const int64_t silent_since_us = clock_monotonic_us() - SILENCE_US;
    struct partition *silent = NULL;
    int64_t lag = 0;

    for (size_t i = 0; i < group->partition_count; i++) {
        struct partition *partition = &group->partitions[i];
        look(group, partition);
        if (partition->next_offset >= 0 && partition->heard_us < silent_since_us &&
            (silent == NULL || partition->heard_us < silent->heard_us))
            silent = partition; // for the longest time
    }
    if (silent != NULL && !group->events->is_stopping)
        ask(group, silent);
    for (size_t i = 0; i < group->partition_count; i++) {
        const struct partition *partition = &group->partitions[i];
        if (partition->next_offset >= 0 && partition->high > partition->next_offset)
            lag += partition->high - partition->next_offset;
    }
    metric_set(&EVENTS_LAG, 0, lag);
    group->lag_at_us = clock_monotonic_us() + LAG_INTERVAL_US;
}

/* What the last fetch told; no call to the broker. */
static void look(struct group *group, struct partition *partition)
{
    int64_t low = 0;
    int64_t high = 0;

    if (rd_kafka_get_watermark_offsets(group->kafka, partition->topic, partition->number, &low,
                                       &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high > partition->high)
        partition->high = high;
}

/* Behind at two looks with nothing heard in between: it is ours and not fetched. */
static void ask(struct group *group, struct partition *partition)
{
    const bool was_behind = partition->asked_high > partition->next_offset;
    int64_t low = 0;
    int64_t high = 0;

    partition->heard_us = clock_monotonic_us();
    if (rd_kafka_query_watermark_offsets(group->kafka, partition->topic, partition->number, &low,
                                         &high, WATERMARK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    partition->high = partition->asked_high = high;
    if (was_behind && partition->count == 0 && !partition->is_paused)
        log_error(NULL, "partition_stalled", LOG_STR("topic", partition->topic),
                  LOG_INT("partition", partition->number),
                  LOG_INT("position", partition->next_offset), LOG_INT("high", high));
}
