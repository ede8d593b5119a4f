/* task.h - durable tasks: what leaves the process is a row first, then an attempt.
 *
 * task_add() writes {kind, key, payload, due} in the caller's transaction; UNIQUE (kind, key), so
 * adding twice is adding once. A worker of the same daemon begins with the commit when one is free,
 * or leases the row later (database clock); it runs the task outside any transaction, repeats it
 * with back-off, and deletes what succeeded. At least once: run() must be idempotent by its key. A
 * task that used up its attempts stays as failed, is counted in <service>_tasks_failed and shows in
 * the table. */
#pragma once

#include "chassis/db.h"

#include <stdint.h>

struct task {
    struct uuid id;
    const char *key;
    const void *payload;
    size_t payload_length;
    int64_t attempt; /* 1 for the first */
    bool is_last;    /* no further attempt follows */
    bool *is_ended;  /* private to the chassis: set by task_end() */
};

struct task_kind {
    const char *name;
    /* OK ends the task; any other status is a failed attempt, stored as last_error. */
    struct status (*run)(struct ctx *ctx, const struct task *task);
    int64_t timeout_ms; /* deadline of one attempt; the lease is twice that */
    int64_t attempts_max;
    int64_t backoff_ms; /* doubles each attempt, with jitter */
    int64_t backoff_max_ms;
};

struct status task_add(struct db_tx *tx, const struct task_kind *kind, const char *key,
                       const void *payload, size_t payload_length, int64_t delay_ms);
/* Inside run(): the task ends with this transaction, so that its outcome and its end are one
 * commit. Without it the task ends in a transaction of its own, after run() has answered OK. */
struct status task_end(struct db_tx *tx, const struct task *task);
/* Makes a due or failed task run now; NOT_FOUND when there is none. */
struct status task_wake(struct db_tx *tx, const struct task_kind *kind, const char *key);
