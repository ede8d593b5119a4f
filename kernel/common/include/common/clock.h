/* clock.h - what time it is. Stored deadlines never compare with this: they use the database's. */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stdint.h>

int64_t clock_now_us(void);       /* microseconds since 1970-01-01T00:00:00Z */
int64_t clock_monotonic_us(void); /* for deadlines and durations inside the process */

/* RFC 3339 in UTC: 2026-11-23T10:20:30.123456Z; the fraction has 0, 3 or 6 digits, as proto3 JSON.
 */
char *clock_format(struct arena *arena, int64_t time_us);
/* Any RFC 3339 offset; years 0001..9999; at most 9 fraction digits (beyond 6 is cut). */
bool clock_parse(const char *text, int64_t *ret_time_us);
