/* sweep.c - what is done every interval, on one thread of the daemon: the service's sweeps and the
 * chassis' own. A sweep that fails is logged and tried again at its next turn. */
#include "db_wire.h"

#include "chassis/log.h"
#include "common/clock.h"

#include <stdlib.h>

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

static const struct {
    const char *name;
    struct status (*run)(struct ctx *ctx);
    int64_t interval_ms;
} OWN_SWEEPS[] = {
    {"sweep:partitions", partition_sweep, HOUR_MS},
    {"sweep:idempotency", idempotency_sweep, MINUTE_MS},
    {"sweep:failed_tasks", task_sweep, MINUTE_MS},
};

struct turn {
    const char *method; /* of its ctx */
    struct status (*run)(struct ctx *ctx);
    int64_t interval_ms;
    int64_t timeout_ms;
    int64_t next_us;
};

struct sweep_runner {
    struct daemon *daemon;
    struct turn *turns;
    size_t turn_count;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    bool is_stopping;
};

static void add_turns(struct sweep_runner *runner);
static void *work(void *closure);
static struct turn *next_turn(struct sweep_runner *runner);
static bool wait_for(struct sweep_runner *runner, const struct turn *turn);
static void take(struct sweep_runner *runner, struct turn *turn);

struct status sweep_runner_start(struct ctx *boot, struct daemon *daemon)
{
    struct sweep_runner *runner = calloc(1, sizeof *runner);
    pthread_condattr_t monotonic;

    runner->daemon = daemon;
    daemon->sweeps = runner;
    pthread_mutex_init(&runner->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    add_turns(runner);
    if (runner->turn_count == 0)
        return status_ok();
    if (pthread_create(&runner->thread, NULL, work, runner) != 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the sweeps");
    runner->has_thread = true;
    return status_ok();
}

/* Waits for the sweep that runs; it is bounded by its time-out. */
void sweep_runner_stop(struct daemon *daemon)
{
    struct sweep_runner *runner = daemon->sweeps;

    if (runner == NULL)
        return;
    pthread_mutex_lock(&runner->lock);
    runner->is_stopping = true;
    pthread_cond_signal(&runner->stopped);
    pthread_mutex_unlock(&runner->lock);
    if (runner->has_thread)
        pthread_join(runner->thread, NULL);
    pthread_cond_destroy(&runner->stopped);
    pthread_mutex_destroy(&runner->lock);
    free(runner->turns);
    free(runner);
    daemon->sweeps = NULL;
}

/* The first turn of all of them is at start: partitions may be missing after a long stop. */
static void add_turns(struct sweep_runner *runner)
{
    struct daemon *daemon = runner->daemon;
    const struct sweep *sweeps = daemon->service->sweeps;
    size_t count = 0;

    while (sweeps != NULL && sweeps[count].name != NULL)
        count++;
    runner->turns = calloc(count + ARRAY_LEN(OWN_SWEEPS), sizeof *runner->turns);
    for (size_t i = 0; i < count; i++) {
        const char *interval = (const char *)daemon->state + sweeps[i].interval_offset;
        runner->turns[runner->turn_count++] = (struct turn){
            .method = arena_printf(daemon->arena, "sweep:%s", sweeps[i].name),
            .run = sweeps[i].run,
            .interval_ms = *(const int64_t *)(const void *)interval,
            .timeout_ms = sweeps[i].timeout_ms,
        };
    }
    for (size_t i = 0; daemon->db != NULL && i < ARRAY_LEN(OWN_SWEEPS); i++)
        runner->turns[runner->turn_count++] = (struct turn){
            .method = OWN_SWEEPS[i].name,
            .run = OWN_SWEEPS[i].run,
            .interval_ms = OWN_SWEEPS[i].interval_ms,
            .timeout_ms = 10 * SECOND_MS,
        };
}

static void *work(void *closure)
{
    struct sweep_runner *runner = closure;
    struct turn *turn = next_turn(runner);

    while (wait_for(runner, turn)) {
        take(runner, turn);
        turn = next_turn(runner);
    }
    return NULL;
}

static struct turn *next_turn(struct sweep_runner *runner)
{
    struct turn *next = &runner->turns[0];

    for (size_t i = 1; i < runner->turn_count; i++)
        if (runner->turns[i].next_us < next->next_us)
            next = &runner->turns[i];
    return next;
}

/* False at the end. */
static bool wait_for(struct sweep_runner *runner, const struct turn *turn)
{
    struct timespec until = {.tv_sec = turn->next_us / 1000000,
                             .tv_nsec = turn->next_us % 1000000 * 1000};

    pthread_mutex_lock(&runner->lock);
    while (!runner->is_stopping && clock_monotonic_us() < turn->next_us)
        pthread_cond_timedwait(&runner->stopped, &runner->lock, &until);
    bool is_time = !runner->is_stopping;
    pthread_mutex_unlock(&runner->lock);
    return is_time;
}

static void take(struct sweep_runner *runner, struct turn *turn)
{
    struct ctx ctx;

    ctx_init(&ctx, runner->daemon, turn->method, turn->timeout_ms);
    struct status status = turn->run(&ctx);
    if (status.code != STATUS_OK)
        log_status(LOG_ERROR, &ctx, "sweep_failed", status);
    ctx_finish(&ctx);
    turn->next_us = clock_monotonic_us() + turn->interval_ms * 1000;
}
