/* metrics.h - counters, gauges and histograms in the Prometheus text format.
 *
 * A metric is a file-scope `struct metric` beside the code that moves it, listed in main.c's
 * METRICS. All updates are lock-free and thread-safe. */
#pragma once

#include "common/str.h"

#include <stdatomic.h>
#include <stdint.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_LABELS_MAX = 32, METRIC_BUCKETS = 16 };

/* At most one label with a closed set of values: label_values ends with NULL and is indexed by the
 * `label` argument of the update functions (0 for a metric without a label). */
struct metric {
    const char *name; /* <service>_<thing>_<unit>; counters end in _total, histograms in _seconds */
    enum metric_type type;
    const char *doc;
    const char *label_name;
    const char *const *label_values;
    atomic_int_fast64_t values[METRIC_LABELS_MAX];
    atomic_int_fast64_t *buckets; /* histograms: allocated when the daemon starts */
};

void metric_add(struct metric *metric, int label, int64_t amount);
void metric_set(struct metric *metric, int label, int64_t value);
void metric_observe_us(struct metric *metric, int label,
                       int64_t duration_us); /* histogram, exposed in seconds */
