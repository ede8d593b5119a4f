/* cache_metrics.h - what the cache counts, for main.c's METRICS. */
#pragma once

#include "chassis/metrics.h"

extern struct metric STOREFRONT_CACHE_READS;
extern struct metric STOREFRONT_CACHE_BYTES;
