/* task.c - durable tasks: leased from the table by the database's clock, run, removed.
 *
 * `attempts` is the fence: it rises with each lease, and a worker that lost its lease finds another
 * number there and changes nothing. Finishing one task and leasing the next are one transaction. */
#include "db_wire.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "chassis/metrics.h"
#include "common/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const struct db_stmt ADD_TASK = {
    .name = "task_add",
    .in = "uttbitb", /* id, kind, key, payload, delay, correlation id, trace */
    .out = "",
    .sql = "INSERT INTO task (id, kind, key, payload, due_at, correlation_id, trace)"
           " VALUES ($1, $2, $3, $4, now() + $5 * interval '1 ms', $6, $7)"
           " ON CONFLICT (kind, key) DO NOTHING",
};

static const struct db_stmt WAKE_TASK = {
    .name = "task_wake",
    .in = "tt", /* kind, key */
    .out = "",
    .sql = "UPDATE task SET due_at = now(), attempts = CASE WHEN failed_at IS NULL THEN attempts"
           " ELSE 0 END, failed_at = NULL WHERE kind = $1 AND key = $2",
};

/* MATERIALIZED: a subquery may run once per row of an outer loop, and lock another task each time.
 */
static const struct db_stmt LEASE_TASK = {
    .name = "task_lease",
    .in = "TI", /* kinds, their leases */
    .out = "uttbitb",
    .sql = "WITH due AS MATERIALIZED (SELECT id FROM task WHERE failed_at IS NULL"
           "   AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())"
           "   AND kind = ANY ($1) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
           " UPDATE task SET attempts = task.attempts + 1,"
           " lease_until = now() + lease.ms * interval '1 ms'"
           " FROM due, unnest($1, $2) AS lease (kind, ms)"
           " WHERE task.id = due.id AND lease.kind = task.kind"
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

static struct metric TASKS_FAILED = {
    .name = "_tasks_failed",
    .type = METRIC_GAUGE,
    .doc = "Tasks that used up their attempts and wait for a person",
};

static const struct error_def ERROR_UNKNOWN_TASK = {STATUS_NOT_FOUND, "TASK_NOT_FOUND",
                                                    "There is no such task; it may have succeeded"};

static const struct error_def ERROR_ATTEMPT_LOST = {
    STATUS_ABORTED, "ATTEMPT_LOST", "The worker of the last attempt ended without an outcome"};

static const int64_t LEASE_TIMEOUT_MS = 10000;

/* The trace a task goes on with: trace id, then the span that added it. */
enum { TRACE_ID_LENGTH = 16, SPAN_ID_LENGTH = 8 };

struct task_runner {
    struct daemon *daemon;
    const char **kinds; /* the columns of LEASE_TASK's arrays */
    int64_t *leases_ms;
    size_t kind_count;
    pthread_t *threads;
    size_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t wakes;       /* tasks were added: counted, so that no worker misses it */
    int64_t next_poll_us; /* one idle worker looks, not all of them */
    bool is_stopping;
};

/* What one worker holds between two leases. */
struct attempt {
    struct task task;
    const struct task_kind *kind;
    const char *correlation_id;
    struct db_bytes trace;
    struct status outcome;
};

static void *work(void *closure);
static bool wait_for_work(struct task_runner *runner, uint64_t *seen_wakes);
static void run_due(struct task_runner *runner);
static struct status settle_and_lease(struct ctx *ctx, struct task_runner *runner,
                                      const struct attempt *done, struct attempt *ret_next,
                                      bool *ret_found);
static struct status settle(struct db_tx *tx, const struct attempt *done);
static struct status lease(struct db_tx *tx, struct task_runner *runner, struct attempt *ret_next,
                           bool *ret_found);
static void run_attempt(struct daemon *daemon, struct ctx *lease_ctx, struct attempt *attempt);
static struct status run(struct ctx *ctx, const struct attempt *attempt);
static int64_t backoff_ms(const struct attempt *done);
static const struct task_kind *find_kind(const struct daemon *daemon, const char *name);
static bool is_stopping(struct task_runner *runner);

struct status task_add(struct db_tx *tx, const struct task_kind *kind, const char *key,
                       const void *payload, size_t payload_length, int64_t delay_ms)
{
    const struct ctx *ctx = db_ctx(tx);
    uint8_t trace[TRACE_ID_LENGTH + SPAN_ID_LENGTH];

    memcpy(trace, ctx->trace.trace_id, TRACE_ID_LENGTH);
    memcpy(trace + TRACE_ID_LENGTH, ctx->trace.span_id, SPAN_ID_LENGTH);
    tx->has_tasks |= delay_ms <= 0;
    return db_later(tx, &ADD_TASK,
                    DB_ARGS(db_uuid(uuid_v7()), db_text(kind->name), db_text(key),
                            db_blob(payload, payload_length), db_int(delay_ms),
                            db_text(ctx->correlation_id), db_blob(trace, sizeof trace)));
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

struct status task_runner_start(struct ctx *boot, struct daemon *daemon)
{
    const struct task_kind *const *kinds = daemon->service->tasks;
    pthread_condattr_t monotonic;
    size_t count = 0;

    if (kinds == NULL || kinds[0] == NULL)
        return status_ok();
    while (kinds[count] != NULL)
        count++;
    struct task_runner *runner = calloc(1, sizeof *runner);
    runner->daemon = daemon;
    runner->kinds = calloc(count, sizeof *runner->kinds);
    runner->leases_ms = calloc(count, sizeof *runner->leases_ms);
    runner->kind_count = count;
    for (size_t i = 0; i < count; i++) {
        runner->kinds[i] = kinds[i]->name;
        runner->leases_ms[i] = 2 * kinds[i]->timeout_ms;
    }
    pthread_mutex_init(&runner->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    metrics_register(daemon, &TASKS_FAILED);
    daemon->tasks = runner;

    size_t workers = (size_t)daemon->settings.task_workers;
    runner->threads = calloc(workers, sizeof *runner->threads);
    for (; runner->thread_count < workers; runner->thread_count++)
        if (pthread_create(&runner->threads[runner->thread_count], NULL, work, runner) != 0)
            return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the task runner");
    return status_ok();
}

void task_runner_wake(struct daemon *daemon)
{
    struct task_runner *runner = daemon->tasks;

    if (runner == NULL)
        return;
    pthread_mutex_lock(&runner->lock);
    runner->wakes++;
    pthread_cond_signal(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
}

/* What runs is bounded by its own time-out; a task cut short is leased again after its lease. */
void task_runner_drain(struct daemon *daemon)
{
    struct task_runner *runner = daemon->tasks;

    if (runner == NULL)
        return;
    pthread_mutex_lock(&runner->lock);
    runner->is_stopping = true;
    pthread_cond_broadcast(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
    for (size_t i = 0; i < runner->thread_count; i++)
        pthread_join(runner->threads[i], NULL);
    runner->thread_count = 0;
}

void task_runner_stop(struct daemon *daemon)
{
    struct task_runner *runner = daemon->tasks;

    if (runner == NULL)
        return;
    task_runner_drain(daemon);
    pthread_cond_destroy(&runner->changed);
    pthread_mutex_destroy(&runner->lock);
    free(runner->threads);
    free(runner->kinds);
    free(runner->leases_ms);
    free(runner);
    daemon->tasks = NULL;
}

static void *work(void *closure)
{
    struct task_runner *runner = closure;
    uint64_t seen_wakes = 0;

    while (wait_for_work(runner, &seen_wakes))
        run_due(runner);
    return NULL;
}

/* Returns when tasks were added, when it is this worker's turn to look, or, with false, at the end.
 */
static bool wait_for_work(struct task_runner *runner, uint64_t *seen_wakes)
{
    bool is_wanted = false;

    pthread_mutex_lock(&runner->lock);
    while (!runner->is_stopping && !is_wanted) {
        int64_t now_us = clock_monotonic_us();
        is_wanted = *seen_wakes != runner->wakes || now_us >= runner->next_poll_us;
        if (now_us >= runner->next_poll_us)
            runner->next_poll_us = now_us + runner->daemon->settings.task_interval_ms * 1000;
        if (is_wanted)
            break;
        struct timespec until = {.tv_sec = runner->next_poll_us / 1000000,
                                 .tv_nsec = runner->next_poll_us % 1000000 * 1000};
        pthread_cond_timedwait(&runner->changed, &runner->lock, &until);
    }
    *seen_wakes = runner->wakes;
    is_wanted = !runner->is_stopping;
    pthread_mutex_unlock(&runner->lock);
    return is_wanted;
}

/* Until nothing is due. Each found task wakes another worker, which may find the next one. */
static void run_due(struct task_runner *runner)
{
    struct ctx ctx;
    struct attempt held = {0};
    bool has_task = true;

    ctx_init(&ctx, runner->daemon, "task", LEASE_TIMEOUT_MS);
    while (has_task) {
        struct attempt next = {0};
        struct status status =
            settle_and_lease(&ctx, runner, held.kind == NULL ? NULL : &held, &next, &has_task);
        if (status.code != STATUS_OK) {
            log_status(LOG_ERROR, &ctx, "task_lease_failed", status);
            break;
        }
        if (held.kind != NULL && held.outcome.code != STATUS_OK && held.task.is_last)
            metric_add(&TASKS_FAILED, 0, 1);
        if (!has_task)
            break;
        task_runner_wake(runner->daemon);
        held = next;
        run_attempt(runner->daemon, &ctx, &held);
    }
    ctx_finish(&ctx);
}

static struct status settle_and_lease(struct ctx *ctx, struct task_runner *runner,
                                      const struct attempt *done, struct attempt *ret_next,
                                      bool *ret_found)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    *ret_found = false;
    TRY(db_begin(ctx, &tx));
    if (done != NULL)
        TRY(settle(tx, done));
    if (!is_stopping(runner))
        TRY(lease(tx, runner, ret_next, ret_found));
    return db_commit(&tx);
}

static struct status settle(struct db_tx *tx, const struct attempt *done)
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

static struct status lease(struct db_tx *tx, struct task_runner *runner, struct attempt *ret_next,
                           bool *ret_found)
{
    struct db_rows rows;

    TRY(db_many(tx, &LEASE_TASK,
                DB_ARGS(db_texts(runner->kinds, runner->kind_count),
                        db_ints(runner->leases_ms, runner->kind_count)),
                &rows));
    *ret_found = rows.count == 1;
    if (rows.count == 0)
        return status_ok();
    const struct task_kind *kind = find_kind(runner->daemon, db_get_text(&rows, 0, 1));
    struct db_bytes payload = db_get_bytes(&rows, 0, 3);
    int64_t attempt = db_get_int(&rows, 0, 4);

    *ret_next = (struct attempt){
        .task = {.id = db_get_uuid(&rows, 0, 0),
                 .key = db_get_text(&rows, 0, 2),
                 .payload = payload.data,
                 .payload_length = payload.length,
                 .attempt = attempt,
                 .is_last = attempt >= kind->attempts_max},
        .kind = kind,
        .correlation_id = db_get_text(&rows, 0, 5),
        .trace = db_get_bytes(&rows, 0, 6),
    };
    return status_ok();
}

/* In a ctx of its own: the attempt's deadline, trace and arena. What settling it needs is copied to
 * the lease's arena, which starts anew with it. */
static void run_attempt(struct daemon *daemon, struct ctx *lease_ctx, struct attempt *attempt)
{
    const uint8_t *trace = attempt->trace.data;
    struct ctx ctx;

    ctx_init(&ctx, daemon, "task", attempt->kind->timeout_ms);
    ctx.method = arena_printf(ctx.arena, "task:%s", attempt->kind->name);
    ctx.correlation_id = attempt->correlation_id;
    if (attempt->trace.length == TRACE_ID_LENGTH + SPAN_ID_LENGTH) {
        memcpy(ctx.trace.trace_id, trace, TRACE_ID_LENGTH);
        memcpy(ctx.trace.parent_id, trace + TRACE_ID_LENGTH, SPAN_ID_LENGTH);
    }
    struct status status = crash_point(CRASH_TASK_LEASED, ctx.method);
    if (status.code == STATUS_OK)
        status = run(&ctx, attempt);
    if (status.code == STATUS_OK)
        status = crash_point(CRASH_TASK_DONE, ctx.method);
    if (status.code != STATUS_OK)
        log_status(attempt->task.is_last ? LOG_ERROR : LOG_WARN, &ctx, "task_attempt_failed",
                   status);

    ctx_renew(lease_ctx, LEASE_TIMEOUT_MS);
    attempt->task.key = NULL;
    attempt->task.payload = NULL;
    attempt->outcome = (struct status){.code = status.code, .reason = status.reason};
    attempt->outcome.detail = arena_strdup(lease_ctx->arena, status.detail);
    ctx_finish(&ctx);
}

/* A last attempt whose worker died is not tried again: it may be what killed the worker. */
static struct status run(struct ctx *ctx, const struct attempt *attempt)
{
    if (attempt->task.attempt > attempt->kind->attempts_max)
        return ctx_fail(ctx, &ERROR_ATTEMPT_LOST, "the lease of attempt %" PRId64 " ran out",
                        attempt->task.attempt - 1);
    return attempt->kind->run(ctx, &attempt->task);
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

static const struct task_kind *find_kind(const struct daemon *daemon, const char *name)
{
    const struct task_kind *const *kinds = daemon->service->tasks;

    while (!str_equal((*kinds)->name, name)) // only listed kinds are leased
        kinds++;
    return *kinds;
}

static bool is_stopping(struct task_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    bool value = runner->is_stopping;
    pthread_mutex_unlock(&runner->lock);
    return value;
}
