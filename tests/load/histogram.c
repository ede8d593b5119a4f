/* histogram.c - buckets as in HdrHistogram, which Debian has no C package of: the width of a bucket
 * grows with the time, its share of it does not. */
#include "histogram.h"

static int bucket_of(int64_t time_us)
{
    int shift = 0;

    for (int64_t rest = time_us; rest >= 2 * HISTOGRAM_STEPS; rest >>= 1)
        shift++;
    int bucket = shift * HISTOGRAM_STEPS + (int)(time_us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static int64_t upper_bound_us(int bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    int shift = bucket / HISTOGRAM_STEPS - 1;
    return ((int64_t)(bucket - shift * HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t time_us)
{
    histogram->counts[bucket_of(time_us < 0 ? 0 : time_us)]++;
    histogram->total++;
    if (time_us > histogram->max_us)
        histogram->max_us = time_us;
}

int64_t histogram_at(const struct histogram *histogram, int64_t per_mille)
{
    int64_t wanted = (histogram->total * per_mille + 999) / 1000, seen = 0;

    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0) {
            int64_t bound_us = upper_bound_us(i);
            return bound_us < histogram->max_us ? bound_us : histogram->max_us;
        }
    }
    return 0;
}
