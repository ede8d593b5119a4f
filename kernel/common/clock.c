/* clock.c - the system's clocks, and microseconds as text. */
#include "common/clock.h"

#include "rfc3339.h"

#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now); // cannot fail for these two clocks
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

char *clock_format(struct arena *arena, int64_t time_us)
{
    char text[RFC3339_MAX];
    int64_t seconds = time_us / 1000000, rest = time_us % 1000000;

    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }
    return arena_strndup(arena, text, rfc3339_format(seconds, (int32_t)rest * 1000, text));
}

bool clock_parse(const char *text, int64_t *ret_time_us)
{
    int64_t seconds;
    int32_t nanos;

    if (!text || !rfc3339_parse(text, strlen(text), &seconds, &nanos))
        return false;
    *ret_time_us = seconds * 1000000 + nanos / 1000;
    return true;
}
