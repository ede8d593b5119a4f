/* task_runner.c - the workers that run durable tasks.
 *
 * A worker runs what a transaction of this process has just added, without asking the table. It
 * looks there when its time has come, and as long as more may be due: what was added while all
 * workers were busy, what failed, and what a worker that died has left behind. */
#include "task_runner.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct error_def ERROR_ATTEMPT_LOST = {
    STATUS_ABORTED, "ATTEMPT_LOST", "The worker of the last attempt ended without an outcome"};

static const int64_t LEASE_TIMEOUT_MS = 10000;

struct task_runner {
    struct daemon *daemon;
    struct task_kinds kinds;
    pthread_t *threads;
    size_t thread_count;
    struct attempt *attempts; /* one per worker */
    size_t attempt_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct attempt *free;  /* neither promised nor running */
    struct attempt *ready; /* to be run by the next worker */
    bool is_more_due;
    int64_t next_look_us; /* one idle worker looks, not all of them */
    bool is_stopping;
};

static struct task_kinds list_kinds(const struct task_kind *const *kinds);
static void *work(void *closure);
static struct attempt *next_attempt(struct task_runner *runner);
static bool take_look(struct task_runner *runner);
static void give_back(struct task_runner *runner, struct attempt *attempt);
static bool settle_and_lease(struct task_runner *runner, struct attempt *attempt, bool is_look);
static struct status write_down(struct ctx *ctx, struct task_runner *runner,
                                struct attempt *attempt, bool is_look);
static void run_attempt(struct daemon *daemon, struct attempt *attempt);
static struct status run(struct ctx *ctx, const struct attempt *attempt);
static struct attempt *pop(struct attempt **list);
static void push(struct attempt **list, struct attempt *attempt);

struct status task_runner_start(struct ctx *boot, struct daemon *daemon)
{
    const struct task_kind *const *kinds = daemon->service->tasks;
    size_t workers = (size_t)daemon->settings.task_workers;
    pthread_condattr_t monotonic;

    if (kinds == NULL || kinds[0] == NULL)
        return status_ok();
    struct task_runner *runner = calloc(1, sizeof *runner);
    runner->daemon = daemon;
    runner->kinds = list_kinds(kinds);
    pthread_mutex_init(&runner->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    metrics_register(daemon, &TASKS_FAILED);
    runner->attempts = calloc(workers, sizeof *runner->attempts);
    runner->attempt_count = workers;
    for (size_t i = 0; i < workers; i++) {
        runner->attempts[i].arena = arena_create(SIZE_MAX);
        push(&runner->free, &runner->attempts[i]);
    }
    daemon->tasks = runner;
    runner->threads = calloc(workers, sizeof *runner->threads);
    for (; runner->thread_count < workers; runner->thread_count++)
        if (pthread_create(&runner->threads[runner->thread_count], NULL, work, runner) != 0)
            return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the task runner");
    return status_ok();
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
    for (size_t i = 0; i < runner->attempt_count; i++)
        arena_destroy(runner->attempts[i].arena);
    free(runner->attempts);
    free(runner->threads);
    free(runner->kinds.names);
    free(runner->kinds.leases_ms);
    free(runner);
    daemon->tasks = NULL;
}

struct attempt *attempt_take(struct daemon *daemon)
{
    struct task_runner *runner = daemon->tasks;

    if (runner == NULL)
        return NULL;
    pthread_mutex_lock(&runner->lock);
    struct attempt *attempt = runner->is_stopping ? NULL : pop(&runner->free);
    pthread_mutex_unlock(&runner->lock);
    return attempt;
}

void attempt_clear(struct attempt *attempt)
{
    struct arena *arena = attempt->arena;

    arena_reset(arena);
    *attempt = (struct attempt){.arena = arena};
}

/* What it added begins, or never was. */
void task_transaction_ended(struct db_tx *tx, bool is_committed)
{
    struct task_runner *runner = tx->ctx->daemon->tasks;
    struct attempt *attempt;

    if (is_committed && tx->ended_task != NULL)
        *tx->ended_task = true;
    if (runner == NULL || (tx->attempts == NULL && !tx->has_tasks))
        return;
    pthread_mutex_lock(&runner->lock);
    while ((attempt = pop(&tx->attempts)) != NULL) {
        bool is_due = is_committed && attempt->added_count == 1;
        if (!is_due)
            attempt_clear(attempt);
        push(is_due ? &runner->ready : &runner->free, attempt);
        pthread_cond_signal(&runner->changed);
    }
    if (is_committed && tx->has_tasks) {
        runner->is_more_due = true;
        pthread_cond_signal(&runner->changed);
    }
    pthread_mutex_unlock(&runner->lock);
}

const struct task_kind *task_find_kind(const struct daemon *daemon, const char *name)
{
    const struct task_kind *const *kinds = daemon->service->tasks;

    while (!str_equal((*kinds)->name, name)) // only listed kinds are leased
        kinds++;
    return *kinds;
}

int64_t task_lease_ms(const struct task_kind *kind)
{
    return 2 * kind->timeout_ms;
}

static struct task_kinds list_kinds(const struct task_kind *const *kinds)
{
    struct task_kinds list = {0};

    while (kinds[list.count] != NULL)
        list.count++;
    list.names = calloc(list.count, sizeof *list.names);
    list.leases_ms = calloc(list.count, sizeof *list.leases_ms);
    for (size_t i = 0; i < list.count; i++) {
        list.names[i] = kinds[i]->name;
        list.leases_ms[i] = task_lease_ms(kinds[i]);
    }
    return list;
}

static void *work(void *closure)
{
    struct task_runner *runner = closure;
    struct attempt *attempt;

    while ((attempt = next_attempt(runner)) != NULL) {
        bool has_task = attempt->kind != NULL || settle_and_lease(runner, attempt, true);
        while (has_task) {
            run_attempt(runner->daemon, attempt);
            has_task = settle_and_lease(runner, attempt, take_look(runner));
        }
        give_back(runner, attempt);
    }
    return NULL;
}

/* One that is ready to run, or an empty one when it is time to look; NULL at the end, when nothing
 * that was promised is left. Without a free one somebody else is about to change that. */
static struct attempt *next_attempt(struct task_runner *runner)
{
    struct attempt *attempt = NULL;

    pthread_mutex_lock(&runner->lock);
    for (;;) {
        bool is_time = runner->is_more_due || clock_monotonic_us() >= runner->next_look_us;
        attempt = pop(&runner->ready);
        if (attempt != NULL || runner->is_stopping)
            break;
        if (runner->free == NULL) {
            pthread_cond_wait(&runner->changed, &runner->lock);
        } else if (is_time) {
            attempt = pop(&runner->free);
            runner->is_more_due = false;
            runner->next_look_us =
                clock_monotonic_us() + runner->daemon->settings.task_interval_ms * 1000;
            break;
        } else {
            struct timespec until = {.tv_sec = runner->next_look_us / 1000000,
                                     .tv_nsec = runner->next_look_us % 1000000 * 1000};
            pthread_cond_timedwait(&runner->changed, &runner->lock, &until);
        }
    }
    pthread_mutex_unlock(&runner->lock);
    return attempt;
}

/* Whether the worker that has just finished a task shall look for another one. */
static bool take_look(struct task_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    bool is_look = runner->is_more_due && !runner->is_stopping;
    runner->is_more_due &= !is_look;
    pthread_mutex_unlock(&runner->lock);
    return is_look;
}

static void give_back(struct task_runner *runner, struct attempt *attempt)
{
    attempt_clear(attempt);
    pthread_mutex_lock(&runner->lock);
    push(&runner->free, attempt);
    pthread_cond_signal(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
}

/* Whether there is a task to run now. One that was found lets another worker look for the next. */
static bool settle_and_lease(struct task_runner *runner, struct attempt *attempt, bool is_look)
{
    bool is_settled = attempt->kind == NULL || attempt->is_ended;
    bool is_failed = attempt->outcome.code != STATUS_OK && attempt->task.is_last;
    struct ctx ctx;

    if (is_settled && !is_look)
        return false;
    ctx_init(&ctx, runner->daemon, "task", LEASE_TIMEOUT_MS);
    struct status status = write_down(&ctx, runner, attempt, is_look);
    if (status.code != STATUS_OK)
        log_status(LOG_ERROR, &ctx, "task_lease_failed", status);
    ctx_finish(&ctx);
    if (status.code != STATUS_OK)
        return false;
    if (!is_settled && is_failed)
        metric_add(&TASKS_FAILED, 0, 1);
    if (!is_look || attempt->kind == NULL)
        return false;
    pthread_mutex_lock(&runner->lock);
    runner->is_more_due = true;
    pthread_cond_signal(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
    return true;
}

/* Finishing one task and leasing the next are one transaction. */
static struct status write_down(struct ctx *ctx, struct task_runner *runner,
                                struct attempt *attempt, bool is_look)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(ctx, &tx));
    if (attempt->kind != NULL && !attempt->is_ended)
        TRY(task_settle(tx, attempt));
    if (is_look)
        TRY(task_lease(tx, &runner->kinds, attempt));
    return db_commit(&tx);
}

/* In a ctx of its own: the attempt's deadline, trace and arena. */
static void run_attempt(struct daemon *daemon, struct attempt *attempt)
{
    struct ctx ctx;

    /* Its transaction took too long to commit: who finds the lease run out may begin with it. */
    attempt->is_ended =
        clock_monotonic_us() + attempt->kind->timeout_ms * 1000 > attempt->lease_end_us;
    if (attempt->is_ended)
        return;
    ctx_init(&ctx, daemon, "task", attempt->kind->timeout_ms);
    ctx.method = arena_printf(ctx.arena, "task:%s", attempt->kind->name);
    ctx.correlation_id = attempt->correlation_id;
    if (attempt->has_trace) {
        memcpy(ctx.trace.trace_id, attempt->trace, TRACE_ID_LENGTH);
        memcpy(ctx.trace.parent_id, attempt->trace + TRACE_ID_LENGTH, SPAN_ID_LENGTH);
    }
    struct status status = crash_point(CRASH_TASK_LEASED, ctx.method);
    if (status.code == STATUS_OK)
        status = run(&ctx, attempt);
    if (status.code == STATUS_OK)
        status = crash_point(CRASH_TASK_DONE, ctx.method);
    if (status.code != STATUS_OK)
        log_status(attempt->task.is_last ? LOG_ERROR : LOG_WARN, &ctx, "task_attempt_failed",
                   status);
    attempt->outcome = (struct status){.code = status.code, .reason = status.reason};
    attempt->outcome.detail = arena_strdup(attempt->arena, status.detail);
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

static struct attempt *pop(struct attempt **list)
{
    struct attempt *attempt = *list;

    if (attempt != NULL)
        *list = attempt->next;
    return attempt;
}

static void push(struct attempt **list, struct attempt *attempt)
{
    attempt->next = *list;
    *list = attempt;
}
