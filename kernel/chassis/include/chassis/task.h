/* task.h - durable tasks: what leaves the process is a row first, then an attempt.
 *
 * task_add() writes {kind, key, payload, due} in the caller's transaction; UNIQUE (kind, key), so
 * adding twice is adding once. A worker of the same daemon leases due rows (database clock), runs
 * them outside any transaction with back-off, and deletes what succeeded. At least once: run() must
 * be idempotent by its key. A task that used up its attempts stays as failed, is counted in
 * <service>_tasks_failed and shows in the table. */
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
/* Makes a due or failed task run now; NOT_FOUND when there is none. */
struct status task_wake(struct db_tx *tx, const struct task_kind *kind, const char *key);
