/* wait.h - waiting until a deadline of clock_monotonic_us(); private to the chassis. */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* 0 when woken (perhaps for nothing), ETIMEDOUT when the deadline has passed. */
static inline int wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline_us)
{
    const struct timespec deadline = {deadline_us / 1000000, deadline_us % 1000000 * 1000};

    return pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &deadline);
}
