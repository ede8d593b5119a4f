/* task.c - the table of durable tasks: added, leased by the database's clock, removed.
 *
 * `attempts` is the fence: it rises with each lease, and a worker that lost its lease finds another
 * number there and changes nothing. A task for which a worker is free is born leased: it begins
 * when its transaction has committed, and costs the table no more than its row. */
#include "task_runner.h"

#include "common/clock.h"

#include <string.h>
#include <sys/random.h>

static const struct db_stmt ADD_TASK = {
    .name = "task_add",
    .in = "uttbitbii", /* id, kind, key, payload, delay, correlation id, trace, attempts, lease */
    .out = "",
    .sql = "INSERT INTO task (id, kind, key, payload, due_at, correlation_id, trace, attempts,"
           " lease_until) VALUES ($1, $2, $3, $4, now() + $5 * interval '1 ms', $6, $7, $8,"
           " clock_timestamp() + $9 * interval '1 ms') ON CONFLICT (kind, key) DO NOTHING",
};

static const struct db_stmt WAKE_TASK = {
    .name = "task_wake",
    .in = "tt", /* kind, key */
    .out = "",
    .sql = "UPDATE task SET due_at = now(), attempts = CASE WHEN failed_at IS NULL THEN attempts"
           " ELSE 0 END, failed_at = NULL WHERE kind = $1 AND key = $2",
};

/* MATERIALIZED: a subquery may run once per row of an outer loop, and lock another task each time.
 * array_position() and not ANY: the planner knows nothing of either array, so it plans once. */
static const struct db_stmt LEASE_TASK = {
    .name = "task_lease",
    .in = "TI", /* kinds, their leases */
    .out = "uttbitb",
    .sql = "WITH due AS MATERIALIZED (SELECT id, array_position($1, kind) AS kind_number"
           "   FROM task WHERE failed_at IS NULL AND due_at <= now()"
           "   AND (lease_until IS NULL OR lease_until <= now())"
           "   AND array_position($1, kind) IS NOT NULL"
           "   ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
           " UPDATE task SET attempts = task.attempts + 1,"
           " lease_until = now() + ($2)[due.kind_number] * interval '1 ms'"
           " FROM due WHERE task.id = due.id"
           " RETURNING task.id, task.kind, task.key, task.payload, task.attempts,"
           " task.correlation_id, task.trace",
};

static const struct db_stmt REMOVE_TASK = {
    .name = "task_remove",
    .in = "ui", /* id, attempt */
    .out = "",
    .sql = "DELETE FROM task WHERE id = $1 AND attempts = $2",
};

static const struct db_stmt DELAY_TASK = {
    .name = "task_delay",
    .in = "uiti", /* id, attempt, error, delay */
    .out = "",
    .sql = "UPDATE task SET lease_until = NULL, last_error = $3,"
           " due_at = now() + $4 * interval '1 ms' WHERE id = $1 AND attempts = $2",
};

static const struct db_stmt FAIL_TASK = {
    .name = "task_fail",
    .in = "uit", /* id, attempt, error */
    .out = "",
    .sql = "UPDATE task SET lease_until = NULL, last_error = $3, failed_at = now()"
           " WHERE id = $1 AND attempts = $2",
};

static const struct db_stmt COUNT_FAILED = {
    .name = "task_count_failed",
    .in = "",
    .out = "i",
    .sql = "SELECT count(*) FROM task WHERE failed_at IS NOT NULL",
    .read_only = true,
};

const struct db_stmt *const TASK_STATEMENTS[] = {
    &ADD_TASK, &WAKE_TASK, &LEASE_TASK, &REMOVE_TASK, &DELAY_TASK, &FAIL_TASK, &COUNT_FAILED, NULL};

struct metric TASKS_FAILED = {
    .name = "_tasks_failed",
    .type = METRIC_GAUGE,
    .doc = "Tasks that used up their attempts and wait for a person",
};

static const struct error_def ERROR_UNKNOWN_TASK = {STATUS_NOT_FOUND, "TASK_NOT_FOUND",
                                                    "There is no such task; it may have succeeded"};

static struct attempt *take_along(struct db_tx *tx, const struct task *task,
                                  const struct task_kind *kind, const uint8_t *trace);
static void fill(struct attempt *attempt, const struct task *task, const struct task_kind *kind);
static int64_t backoff_ms(const struct attempt *done);

struct status task_add(struct db_tx *tx, const struct task_kind *kind, const char *key,
                       const void *payload, size_t payload_length, int64_t delay_ms)
{
    const struct ctx *ctx = db_ctx(tx);
    const struct task task = {.id = uuid_v7(),
                              .key = key,
                              .payload = payload,
                              .payload_length = payload_length,
                              .attempt = 1};
    uint8_t trace[TASK_TRACE_LENGTH];

    memcpy(trace, ctx->trace.trace_id, TRACE_ID_LENGTH);
    memcpy(trace + TRACE_ID_LENGTH, ctx->trace.span_id, SPAN_ID_LENGTH);
    struct attempt *attempt = delay_ms <= 0 ? take_along(tx, &task, kind, trace) : NULL;
    tx->has_tasks |= delay_ms <= 0 && attempt == NULL;
    return db_later_counted(tx, &ADD_TASK,
                            DB_ARGS(db_uuid(task.id), db_text(kind->name), db_text(key),
                                    db_blob(payload, payload_length), db_int(delay_ms),
                                    db_text(ctx->correlation_id), db_blob(trace, sizeof trace),
                                    db_int(attempt != NULL),
                                    db_int_or_null(attempt != NULL, task_lease_ms(kind))),
                            attempt == NULL ? NULL : &attempt->added_count);
}

struct status task_wake(struct db_tx *tx, const struct task_kind *kind, const char *key)
{
    int64_t count;

    TRY(db_exec(tx, &WAKE_TASK, DB_ARGS(db_text(kind->name), db_text(key)), &count));
    if (count == 0)
        return ctx_fail(db_ctx(tx), &ERROR_UNKNOWN_TASK, "%s %s", kind->name, key);
    tx->has_tasks = true;
    return status_ok();
}

struct status task_end(struct db_tx *tx, const struct task *task)
{
    tx->ended_task = task->is_ended;
    return db_later(tx, &REMOVE_TASK, DB_ARGS(db_uuid(task->id), db_int(task->attempt)));
}

/* Other replicas fail tasks too, and people wake them. */
struct status task_sweep(struct ctx *ctx)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    struct db_rows rows;

    TRY(db_begin_read(ctx, &tx));
    TRY(db_one(tx, &COUNT_FAILED, DB_NONE, &rows));
    metric_set(&TASKS_FAILED, 0, db_get_int(&rows, 0, 0));
    return status_ok();
}

struct status task_settle(struct db_tx *tx, const struct attempt *done)
{
    struct db_value id = db_uuid(done->task.id);
    struct db_value attempt = db_int(done->task.attempt);

    if (done->outcome.code == STATUS_OK)
        return db_later(tx, &REMOVE_TASK, DB_ARGS(id, attempt));
    struct db_value error =
        db_text(arena_printf(db_ctx(tx)->arena, "%s: %s", str_or_empty(done->outcome.reason),
                             str_or_empty(done->outcome.detail)));
    if (done->task.is_last)
        return db_later(tx, &FAIL_TASK, DB_ARGS(id, attempt, error));
    return db_later(tx, &DELAY_TASK, DB_ARGS(id, attempt, error, db_int(backoff_ms(done))));
}

struct status task_lease(struct db_tx *tx, const struct task_kinds *kinds, struct attempt *attempt)
{
    int64_t asked_us = clock_monotonic_us();
    struct db_rows rows;

    TRY(db_many(
        tx, &LEASE_TASK,
        DB_ARGS(db_texts(kinds->names, kinds->count), db_ints(kinds->leases_ms, kinds->count)),
        &rows));
    attempt_clear(attempt);
    if (rows.count == 0)
        return status_ok();
    const struct task_kind *kind = task_find_kind(db_ctx(tx)->daemon, db_get_text(&rows, 0, 1));
    struct db_bytes payload = db_get_bytes(&rows, 0, 3);
    struct db_bytes trace = db_get_bytes(&rows, 0, 6);

    fill(attempt,
         &(struct task){.id = db_get_uuid(&rows, 0, 0),
                        .key = db_get_text(&rows, 0, 2),
                        .payload = payload.data,
                        .payload_length = payload.length,
                        .attempt = db_get_int(&rows, 0, 4)},
         kind);
    attempt->lease_end_us = asked_us + task_lease_ms(kind) * 1000;
    attempt->correlation_id = arena_strdup(attempt->arena, db_get_text(&rows, 0, 5));
    attempt->has_trace = trace.length == TASK_TRACE_LENGTH;
    if (attempt->has_trace)
        memcpy(attempt->trace, trace.data, TASK_TRACE_LENGTH);
    return status_ok();
}

/* NULL when no worker is free, and where the row may be undone without its transaction. */
static struct attempt *take_along(struct db_tx *tx, const struct task *task,
                                  const struct task_kind *kind, const uint8_t *trace)
{
    const struct ctx *ctx = db_ctx(tx);
    struct attempt *attempt = tx->has_savepoint ? NULL : attempt_take(ctx->daemon);

    if (attempt == NULL)
        return NULL;
    fill(attempt, task, kind);
    attempt->lease_end_us = clock_monotonic_us() + task_lease_ms(kind) * 1000;
    attempt->correlation_id = arena_strdup(attempt->arena, ctx->correlation_id);
    attempt->has_trace = true;
    memcpy(attempt->trace, trace, TASK_TRACE_LENGTH);
    attempt->next = tx->attempts;
    tx->attempts = attempt;
    return attempt;
}

static void fill(struct attempt *attempt, const struct task *task, const struct task_kind *kind)
{
    attempt->kind = kind;
    attempt->task = *task;
    attempt->task.key = arena_strdup(attempt->arena, task->key);
    attempt->task.payload = arena_memdup(attempt->arena, task->payload, task->payload_length);
    attempt->task.is_last = task->attempt >= kind->attempts_max;
    attempt->task.is_ended = &attempt->is_ended;
}

/* Doubles with each attempt, half of it at random: what failed together does not return together.
 */
static int64_t backoff_ms(const struct attempt *done)
{
    int64_t delay_ms = done->kind->backoff_ms;
    uint32_t random = 0;

    for (int64_t i = 1; i < done->task.attempt && delay_ms < done->kind->backoff_max_ms; i++)
        delay_ms *= 2;
    if (delay_ms > done->kind->backoff_max_ms)
        delay_ms = done->kind->backoff_max_ms;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return delay_ms;
    return delay_ms / 2 + (int64_t)random % (delay_ms / 2 + 1);
}
