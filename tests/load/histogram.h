/* histogram.h - how often a time was seen, to within one percent, whatever its size. */
#pragma once

#include <stdint.h>

/* 128 buckets for each power of two, up to an hour in microseconds. */
enum { HISTOGRAM_STEPS = 128, HISTOGRAM_BUCKETS = 27 * HISTOGRAM_STEPS };

struct histogram {
    int64_t counts[HISTOGRAM_BUCKETS];
    int64_t total, max_us;
};

void histogram_add(struct histogram *histogram, int64_t time_us);
/* The time that `per_mille` of all did not exceed; 0 when there are none. */
int64_t histogram_at(const struct histogram *histogram, int64_t per_mille);
