/* group_watch.c - partitions that are ours and silent.
 *
 * After a broker died and came back librdkafka (2.0.2) now and then owns a partition and fetches
 * nothing of it, without a word. So who is silent is compared with what the broker has, and when
 * there is more the present partitions are begun anew where they are. */
#include "group.h"

#include "chassis/log.h"
#include "common/clock.h"

enum {
    WATERMARK_TIMEOUT_MS = 2000,
    /* How long a partition may be silent before the broker is asked whether it has more. */
    SILENCE_US = 20 * 1000 * 1000,
    RESTART_US = 120 * 1000 * 1000, /* at most so often */
};

static bool is_stalled(struct group *group, struct partition *partition);
static void restart(struct group *group);

void group_watch(struct group *group)
{
    for (size_t i = 0; i < group->partition_count && !group->events->is_stopping; i++)
        if (is_stalled(group, &group->partitions[i])) {
            group->restart_at_us = clock_monotonic_us() + RESTART_US;
            restart(group);
            return;
        }
}

static bool is_stalled(struct group *group, struct partition *partition)
{
    const int64_t now_us = clock_monotonic_us();
    int64_t low = 0;
    int64_t high = 0;

    if (partition->count > 0 || partition->is_paused || partition->next_offset < 0 ||
        now_us - partition->heard_us < SILENCE_US)
        return false;
    partition->heard_us = now_us;
    if (rd_kafka_query_watermark_offsets(group->kafka, partition->topic, partition->number, &low,
                                         &high,
                                         WATERMARK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high <= partition->next_offset)
        return false;
    log_error(NULL, "partition_stalled", LOG_STR("topic", partition->topic),
              LOG_INT("partition", partition->number), LOG_INT("position", partition->next_offset),
              LOG_INT("high", high));
    return true;
}

/* What is at hand is dropped and fetched again. */
static void restart(struct group *group)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)group->partition_count);

    for (size_t i = 0; i < group->partition_count; i++) {
        const struct partition *partition = &group->partitions[i];
        const int64_t first =
            partition->count > 0 ? partition->pending[0]->offset : partition->next_offset;
        if (partition->is_paused)
            group_set_paused(group, &group->partitions[i], false);
        rd_kafka_topic_partition_list_add(list, partition->topic, partition->number)->offset =
            first >= 0 ? first : RD_KAFKA_OFFSET_BEGINNING;
    }
    group_take_over(group, list);
}
