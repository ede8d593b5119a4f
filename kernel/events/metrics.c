/* metrics.c - what consuming counts. */
#include "consuming.h"

static const char *const OUTCOMES[] = {
    [OUTCOME_HANDLED] = "handled",   [OUTCOME_DUPLICATE] = "duplicate",
    [OUTCOME_UNWANTED] = "unwanted", [OUTCOME_RETRIED] = "retried",
    [OUTCOME_PARKED] = "parked",     [OUTCOME_DEAD_LETTERED] = "dead_lettered",
    [OUTCOME_FENCED] = "fenced",     [OUTCOME_SKIPPED] = "skipped",
    [OUTCOME_SKIPPED + 1] = NULL,
};

struct metric EVENTS_RECORDS = {
    .name = "events_records_total",
    .type = METRIC_COUNTER,
    .doc = "records taken from Kafka, and attempts to handle them, by what became of them",
    .label_name = "outcome",
    .label_values = OUTCOMES,
};
struct metric EVENTS_HANDLE_SECONDS = {
    .name = "events_handle_seconds",
    .type = METRIC_HISTOGRAM,
    .doc = "time in a call of an event's handler, which may take several",
};
struct metric EVENTS_LAG = {
    .name = "events_lag_records",
    .type = METRIC_GAUGE,
    .doc = "records of this replica's partitions that are not handled yet",
};
struct metric EVENTS_LOST = {
    .name = "events_lost_partitions_total",
    .type = METRIC_COUNTER,
    .doc = "partitions whose position was outside of what the broker still has",
};

struct metric *const EVENTS_METRICS[] = {
    &EVENTS_RECORDS, &EVENTS_HANDLE_SECONDS, &EVENTS_LAG, &EVENTS_LOST, NULL,
};
