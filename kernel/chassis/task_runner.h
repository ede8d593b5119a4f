/* task_runner.h - between task.c, which knows the table, and task_runner.c, which has the workers.
 */
#pragma once

#include "db_wire.h"

#include "chassis/metrics.h"
#include "chassis/task.h"

/* The trace a task goes on with: trace id, then the span that added it. */
enum { TRACE_ID_LENGTH = 16, SPAN_ID_LENGTH = 8, TASK_TRACE_LENGTH = 24 };

/* One run of one task. There are as many as workers, so who holds one may promise that the task
 * begins at once. */
struct attempt {
    struct attempt *next;
    struct arena *arena; /* of what the task brings */
    struct task task;
    const struct task_kind *kind; /* NULL: no task yet */
    const char *correlation_id;
    uint8_t trace[TASK_TRACE_LENGTH];
    bool has_trace;
    int64_t lease_end_us; /* not before this by clock_monotonic_us() */
    int64_t added_count;  /* 0: the transaction found that the task exists already */
    bool is_ended;        /* nothing is left to write down */
    struct status outcome;
};

/* The kinds that a daemon runs, as columns. */
struct task_kinds {
    const char **names;
    int64_t *leases_ms;
    size_t count;
};

extern struct metric TASKS_FAILED;

/* NULL when no worker is free, or none will be: the daemon stops, or runs no tasks. */
struct attempt *attempt_take(struct daemon *daemon);
void attempt_clear(struct attempt *attempt);

/* Rides with the next statement that waits: removed, delayed or failed. */
struct status task_settle(struct db_tx *tx, const struct attempt *done);
/* Leases the longest due task into `attempt`, whose kind is NULL when there is none. */
struct status task_lease(struct db_tx *tx, const struct task_kinds *kinds, struct attempt *attempt);
const struct task_kind *task_find_kind(const struct daemon *daemon, const char *name);
/* Twice the time of an attempt: one that begins in the first half ends before its lease. */
int64_t task_lease_ms(const struct task_kind *kind);
