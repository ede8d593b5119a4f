/* metrics.h - what /metrics prints; private to the chassis. */
#pragma once

#include "chassis/metrics.h"
#include "daemon.h"

/* Upper bounds of all histogram buckets but the last, which is +Inf. */
extern const int64_t METRIC_BOUNDS_US[METRIC_BUCKETS - 1];
extern const char *const METRIC_BOUNDS_TEXT[METRIC_BUCKETS - 1]; /* in seconds */

struct metric_list *metric_list_create(struct arena *arena);
void metrics_print(const struct daemon *daemon, struct buffer *out);
/* The tables of the service and its components, as JSON items. */
void metrics_describe(const struct daemon *daemon, struct buffer *out);

/* One histogram in Prometheus text: `labels` without braces, "" for none. */
void metric_print_histogram(struct buffer *out, const char *name, const char *labels,
                            const atomic_int_fast64_t *buckets, int64_t sum_us);
size_t metric_bucket(int64_t duration_us);
/* "inventory" or "outbox_relay": what metric names start with. */
char *metric_prefix(struct arena *arena, const char *service);
