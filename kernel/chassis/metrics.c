/* metrics.c - lock-free counters and their Prometheus text form
 * (prometheus.io/docs/instrumenting/exposition_formats). */
#include "metrics.h"

#include "common/json.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS_MAX = 128 };

struct metric_list {
    struct metric *metrics[METRICS_MAX];
    size_t count;
};

const int64_t METRIC_BOUNDS_US[METRIC_BUCKETS - 1] = {100,    250,    500,     1000,    2500,
                                                      5000,   10000,  25000,   50000,   100000,
                                                      250000, 500000, 1000000, 2500000, 10000000};
const char *const METRIC_BOUNDS_TEXT[METRIC_BUCKETS - 1] = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
    "0.05",   "0.1",     "0.25",   "0.5",   "1",      "2.5",   "10"};

static const char *const TYPE_NAMES[] = {"counter", "gauge", "histogram"};

static void allocate_buckets(struct metric *metric);
static void print_one(const struct metric *metric, const char *prefix, struct buffer *out);
static size_t label_count(const struct metric *metric);

void metric_add(struct metric *metric, int label, int64_t amount)
{
    atomic_fetch_add_explicit(&metric->values[label], amount, memory_order_relaxed);
}

void metric_set(struct metric *metric, int label, int64_t value)
{
    atomic_store_explicit(&metric->values[label], value, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int label, int64_t duration_us)
{
    metric_add(metric, label, duration_us);
    if (metric->buckets)
        atomic_fetch_add_explicit(
            &metric->buckets[(size_t)label * METRIC_BUCKETS + metric_bucket(duration_us)], 1,
            memory_order_relaxed);
}

size_t metric_bucket(int64_t duration_us)
{
    size_t bucket = 0;

    while (bucket < METRIC_BUCKETS - 1 && duration_us > METRIC_BOUNDS_US[bucket])
        bucket++;
    return bucket;
}

struct metric_list *metric_list_create(struct arena *arena)
{
    return arena_new(arena, struct metric_list);
}

void metrics_register(struct daemon *daemon, struct metric *metric)
{
    struct metric_list *list = daemon->metrics;

    for (size_t i = 0; i < list->count; i++)
        if (list->metrics[i] == metric)
            return;
    if (list->count == METRICS_MAX)
        abort(); /* a table too long is a programmer's error, found at the first start */
    allocate_buckets(metric);
    list->metrics[list->count++] = metric;
}

void metrics_print(const struct daemon *daemon, struct buffer *out)
{
    const char *prefix = metric_prefix(out->arena, daemon->service->name);

    for (size_t i = 0; i < daemon->metrics->count; i++)
        print_one(daemon->metrics->metrics[i], prefix, out);
}

void metrics_describe(const struct daemon *daemon, struct buffer *out)
{
    const struct service *service = daemon->service;
    const char *prefix = metric_prefix(out->arena, service->name);
    bool has_items = false;

    for (size_t part = 0; part == 0 || (service->components && service->components[part - 1]);
         part++) {
        struct metric *const *metrics =
            part ? service->components[part - 1]->metrics : service->metrics;
        for (; metrics && *metrics; metrics++) {
            struct json_writer json;
            const char *name = (*metrics)->name;
            buffer_puts(out, has_items ? ",\n " : "");
            has_items = true;
            json_writer_init(&json, out);
            json_begin_object(&json);
            json_key(&json, "name");
            json_string(&json,
                        arena_printf(out->arena, "%s%s", name[0] == '_' ? prefix : "", name));
            json_key(&json, "type");
            json_string(&json, TYPE_NAMES[(*metrics)->type]);
            json_key(&json, "label");
            json_string(&json, str_or_empty((*metrics)->label_name));
            json_key(&json, "doc");
            json_string(&json, (*metrics)->doc);
            json_end_object(&json);
        }
    }
}

void metric_print_histogram(struct buffer *out, const char *name, const char *labels,
                            const atomic_int_fast64_t *buckets, int64_t sum_us)
{
    const char *comma = labels[0] ? "," : "";
    int64_t total = 0;

    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        total += atomic_load_explicit(&buckets[i], memory_order_relaxed);
        buffer_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", name, labels, comma,
                      i < METRIC_BUCKETS - 1 ? METRIC_BOUNDS_TEXT[i] : "+Inf", total);
    }
    const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
    buffer_printf(out, "%s_sum%s%s%s %" PRId64 ".%06" PRId64 "\n", name, open, labels, close,
                  sum_us / 1000000, sum_us % 1000000);
    buffer_printf(out, "%s_count%s%s%s %" PRId64 "\n", name, open, labels, close, total);
}

char *metric_prefix(struct arena *arena, const char *service)
{
    char *prefix = arena_strdup(arena, service);

    for (char *p = prefix; *p; p++)
        if (*p == '-')
            *p = '_';
    return prefix;
}

/* Metrics live as long as the process; two daemons of one test process share them. */
static void allocate_buckets(struct metric *metric)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    if (metric->type != METRIC_HISTOGRAM)
        return;
    pthread_mutex_lock(&lock);
    if (!metric->buckets) {
        metric->buckets = calloc(label_count(metric) * METRIC_BUCKETS, sizeof *metric->buckets);
        if (!metric->buckets)
            abort();
    }
    pthread_mutex_unlock(&lock);
}

static size_t label_count(const struct metric *metric)
{
    size_t count = 0;

    if (!metric->label_name)
        return 1;
    while (metric->label_values[count])
        count++;
    return count;
}

static void print_one(const struct metric *metric, const char *prefix, struct buffer *out)
{
    const char *name =
        arena_printf(out->arena, "%s%s", metric->name[0] == '_' ? prefix : "", metric->name);

    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, metric->doc, name,
                  TYPE_NAMES[metric->type]);
    for (size_t i = 0; i < label_count(metric); i++) {
        int64_t value = atomic_load_explicit(&metric->values[i], memory_order_relaxed);
        const char *labels =
            metric->label_name
                ? arena_printf(out->arena, "%s=\"%s\"", metric->label_name, metric->label_values[i])
                : "";
        if (metric->type == METRIC_HISTOGRAM)
            metric_print_histogram(out, name, labels, &metric->buckets[i * METRIC_BUCKETS], value);
        else if (labels[0])
            buffer_printf(out, "%s{%s} %" PRId64 "\n", name, labels, value);
        else
            buffer_printf(out, "%s %" PRId64 "\n", name, value);
    }
}
