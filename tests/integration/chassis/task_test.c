/* task_test.c - durable tasks: once they are committed they run, and what fails is tried again. */
#include "probe.h"

#include "common/clock.h"
#include "common/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { BURST = 200 };

static atomic_int runs;
static _Atomic int64_t ran_at_us;
static atomic_int last_attempt;
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_payload[64];
static char last_correlation[64];

static struct status count_run(struct ctx *ctx, const struct task *task)
{
    pthread_mutex_lock(&last_lock);
    memcpy(last_payload, task->payload, task->payload_length);
    strncpy(last_correlation, str_or_empty(ctx->correlation_id), sizeof last_correlation - 1);
    pthread_mutex_unlock(&last_lock);
    last_attempt = (int)task->attempt;
    ran_at_us = clock_monotonic_us();
    runs++;
    return status_ok();
}

static struct status fail_twice(struct ctx *ctx, const struct task *task)
{
    static const struct error_def NOT_YET = {STATUS_UNAVAILABLE, "NOT_YET", ""};

    runs++;
    if (task->attempt < 3)
        return ctx_fail(ctx, &NOT_YET, "attempt %d", (int)task->attempt);
    return status_ok();
}

static struct status fail_always(struct ctx *ctx, const struct task *task)
{
    static const struct error_def NEVER = {STATUS_FAILED_PRECONDITION, "NEVER", ""};

    runs++;
    return ctx_fail(ctx, &NEVER, "key %s", task->key);
}

static struct status take_a_while(struct ctx *ctx, const struct task *task)
{
    struct db_tx *tx = NULL;
    struct db_rows rows;

    (void)task;
    TRY(db_begin_read(ctx, &tx));
    TRY(db_one(tx, &SLEEP, DB_ARGS(db_int(300)), &rows));
    db_rollback(&tx);
    runs++;
    return status_ok();
}

static atomic_bool may_return;

/* The first attempt's end is rolled back with its transaction. */
static struct status end_within(struct ctx *ctx, const struct task *task)
{
    static const struct error_def NOT_YET = {STATUS_UNAVAILABLE, "NOT_YET", ""};
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    runs++;
    TRY(db_begin(ctx, &tx));
    TRY(task_end(tx, task));
    TRY(db_flush(tx));
    if (task->attempt == 1)
        return ctx_fail(ctx, &NOT_YET, "first attempt");
    TRY(db_commit(&tx));
    while (!may_return)
        usleep(1000);
    return status_ok();
}

static const struct task_kind COUNT = {"count", count_run, 1000, 3, 10, 50};
static const struct task_kind FLAKY = {"flaky", fail_twice, 1000, 5, 10, 50};
static const struct task_kind DOOMED = {"doomed", fail_always, 1000, 2, 10, 50};
static const struct task_kind SLOW = {"slow", take_a_while, 1000, 3, 10, 50};
static const struct task_kind ENDING = {"ending", end_within, 5000, 3, 10, 50};
static const struct task_kind HASTY = {"hasty", count_run, 100, 3, 10, 50};
static const struct task_kind *const TASKS[] = {&COUNT, &FLAKY,  &DOOMED, &SLOW,
                                                &HASTY, &ENDING, NULL};

static struct service service;

static struct daemon *given_daemon(const char *poll_interval)
{
    runs = 0;
    service = PROBE;
    service.tasks = TASKS;
    world_setenv("PROBE_TASK_INTERVAL", poll_interval);
    return world_start(&service);
}

static void add(struct daemon *daemon, const struct task_kind *kind, const char *key,
                int64_t delay_ms)
{
    struct ctx *ctx = world_ctx(daemon);
    struct db_tx *tx = NULL;

    ctx->correlation_id = "checkout-1";
    then_ok(db_begin(ctx, &tx));
    then_ok(task_add(tx, kind, key, "payload", 8, delay_ms));
    then_ok(db_commit(&tx));
}

START_TEST(a_committed_task_runs_at_once_without_waiting_for_the_poll)
{
    struct daemon *probe = given_daemon("60s");
    struct db_tx *tx = NULL;

    world_until(0, "SELECT count(*) FROM task"); // the first poll is over
    add(probe, &COUNT, "warm", 0);
    world_until(0, "SELECT count(*) FROM task");
    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(task_add(tx, &COUNT, "k", "payload", 8, 0));
    int64_t committed_us = clock_monotonic_us();
    then_ok(db_commit(&tx));
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 2);
    ck_assert_int_lt(ran_at_us - committed_us, 50000); // it is about 1 ms when the machine is idle
    ck_assert_str_eq(last_payload, "payload");
}
END_TEST

START_TEST(what_a_worker_is_free_for_is_leased_by_the_transaction_that_adds_it)
{
    struct daemon *probe = given_daemon("60s");

    world_until(0, "SELECT count(*) FROM task");
    add(probe, &SLOW, "k", 0);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM task WHERE attempts = 1 AND lease_until > now()"), 1);
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 1);
}
END_TEST

START_TEST(more_tasks_than_workers_run_without_waiting_for_the_poll)
{
    struct daemon *probe = given_daemon("60s");
    struct ctx *ctx = world_ctx(probe);
    struct db_tx *tx = NULL;

    then_ok(db_begin(ctx, &tx));
    for (int i = 0; i < BURST; i++)
        then_ok(task_add(tx, &COUNT, arena_printf(ctx->arena, "%d", i), "", 0, 0));
    then_ok(db_commit(&tx));
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, BURST);
}
END_TEST

START_TEST(a_task_that_a_savepoint_took_back_does_not_run)
{
    struct daemon *probe = given_daemon("10ms");
    struct db_tx *tx = NULL;

    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(task_add(tx, &COUNT, "kept", "", 0, 0));
    then_ok(db_savepoint(tx));
    then_ok(task_add(tx, &COUNT, "lost", "", 0, 0));
    then_ok(db_rollback_to_savepoint(tx));
    then_ok(db_commit(&tx));
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 1);
}
END_TEST

START_TEST(a_transaction_that_outlives_half_of_the_lease_leaves_the_task_to_the_next)
{
    struct daemon *probe = given_daemon("250ms");
    struct db_tx *tx = NULL;
    struct db_rows rows;

    add(probe, &COUNT, "warm", 0); // the first looks wait for connections, and hold their workers
    world_until(0, "SELECT count(*) FROM task");
    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(task_add(tx, &HASTY, "k", "", 0, 0));
    then_ok(db_one(tx, &SLEEP, DB_ARGS(db_int(150)), &rows));
    then_ok(db_commit(&tx));
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 2);
    ck_assert_int_eq(last_attempt, 2);
}
END_TEST

START_TEST(a_task_ends_with_the_transaction_of_its_outcome)
{
    struct daemon *probe = given_daemon("10ms");

    may_return = false;
    add(probe, &ENDING, "k", 0);
    world_until(0, "SELECT count(*) FROM task"); // while it still runs
    ck_assert_int_eq(runs, 2);
    may_return = true;
    world_stop(probe);

    ck_assert_int_eq(runs, 2);
}
END_TEST

START_TEST(a_task_goes_on_with_the_correlation_of_who_added_it)
{
    struct daemon *probe = given_daemon("60s");

    add(probe, &COUNT, "k", 0);
    world_until(0, "SELECT count(*) FROM task");
    ck_assert_str_eq(last_correlation, "checkout-1");
}
END_TEST

START_TEST(a_task_of_a_rolled_back_transaction_does_not_exist)
{
    struct daemon *probe = given_daemon("10ms");
    struct db_tx *tx = NULL;

    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(task_add(tx, &COUNT, "lost", "", 0, 0));
    then_ok(db_flush(tx));
    db_rollback(&tx);
    add(probe, &COUNT, "kept", 0);
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 1);
}
END_TEST

START_TEST(adding_a_task_twice_is_adding_it_once)
{
    struct daemon *probe = given_daemon("10ms");

    add(probe, &COUNT, "k", 3600000);
    add(probe, &COUNT, "k", 0); // finds the first one, and does not hurry it
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM task"), 1);
    world_sql("UPDATE task SET due_at = now()");
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 1);
}
END_TEST

START_TEST(a_delayed_task_is_not_early)
{
    struct daemon *probe = given_daemon("10ms");
    int64_t begun_us = clock_monotonic_us();

    add(probe, &COUNT, "k", 150);
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_ge(ran_at_us - begun_us, 150000);
}
END_TEST

START_TEST(a_failed_attempt_is_repeated_until_it_succeeds)
{
    struct daemon *probe = given_daemon("10ms");

    add(probe, &FLAKY, "k", 0);
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, 3);
}
END_TEST

START_TEST(a_task_without_attempts_left_stays_as_failed_until_somebody_wakes_it)
{
    struct daemon *probe = given_daemon("10ms");
    struct db_tx *tx = NULL;

    add(probe, &DOOMED, "k", 0);
    world_until(1, "SELECT count(*) FROM task WHERE failed_at IS NOT NULL");
    ck_assert_int_eq(runs, 2);
    ck_assert_str_eq(world_sql_text("SELECT last_error FROM task"), "NEVER: key k");
    then_ok(db_begin(world_ctx(probe), &tx));
    then_reason(task_wake(tx, &DOOMED, "another"), STATUS_NOT_FOUND, "TASK_NOT_FOUND");
    then_ok(task_wake(tx, &DOOMED, "k"));
    then_ok(db_commit(&tx));
    world_until(1, "SELECT count(*) FROM task WHERE failed_at IS NOT NULL");

    ck_assert_int_eq(runs, 4);
}
END_TEST

START_TEST(a_task_whose_worker_died_runs_when_the_lease_has_run_out)
{
    given_daemon("10ms");
    world_sql("INSERT INTO task (id, kind, key, payload, due_at, lease_until, attempts)"
              " VALUES (gen_random_uuid(), 'count', 'k', '', now(), now() + interval '200 ms', 1)");
    int64_t begun_us = clock_monotonic_us();
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(last_attempt, 2);
    ck_assert_int_ge(ran_at_us - begun_us, 150000);
}
END_TEST

START_TEST(a_last_attempt_that_killed_its_worker_is_not_run_again)
{
    given_daemon("10ms");
    world_sql("INSERT INTO task (id, kind, key, payload, due_at, lease_until, attempts)"
              " VALUES (gen_random_uuid(), 'count', 'k', '', now(), now(), 3)");

    world_until(1, "SELECT count(*) FROM task WHERE failed_at IS NOT NULL");
    ck_assert_int_eq(runs, 0);
    ck_assert_int_eq(world_sql_int("SELECT strpos(last_error, 'ATTEMPT_LOST') FROM task"), 1);
}
END_TEST

START_TEST(two_replicas_share_tasks_and_run_each_once)
{
    given_daemon("10ms");
    world_start(&service);
    world_sql("INSERT INTO task (id, kind, key, payload, due_at)"
              " SELECT gen_random_uuid(), 'count', n::text, '', now()"
              " FROM generate_series(1, %d) AS n",
              BURST);
    world_until(0, "SELECT count(*) FROM task");

    ck_assert_int_eq(runs, BURST);
}
END_TEST

START_TEST(a_kind_that_this_daemon_does_not_know_is_left_alone)
{
    struct daemon *probe = given_daemon("10ms");

    world_sql("INSERT INTO task (id, kind, key, payload, due_at)"
              " VALUES (gen_random_uuid(), 'of the next version', 'k', '', now())");
    add(probe, &COUNT, "k", 0);
    world_until(1, "SELECT count(*) FROM task");
    ck_assert_int_eq(world_sql_int("SELECT attempts FROM task"), 0);
}
END_TEST

START_TEST(stopping_waits_for_the_task_that_runs)
{
    struct daemon *probe = given_daemon("10ms");

    add(probe, &SLOW, "k", 0);
    world_until(1, "SELECT count(*) FROM task WHERE lease_until IS NOT NULL");
    world_stop(probe);

    ck_assert_int_eq(runs, 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM task"), 0);
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis tasks");
    TCase *tasks = world_case(suite, "tasks");

    tcase_add_test(tasks, a_committed_task_runs_at_once_without_waiting_for_the_poll);
    tcase_add_test(tasks, what_a_worker_is_free_for_is_leased_by_the_transaction_that_adds_it);
    tcase_add_test(tasks, more_tasks_than_workers_run_without_waiting_for_the_poll);
    tcase_add_test(tasks, a_task_that_a_savepoint_took_back_does_not_run);
    tcase_add_test(tasks,
                   a_transaction_that_outlives_half_of_the_lease_leaves_the_task_to_the_next);
    tcase_add_test(tasks, a_task_ends_with_the_transaction_of_its_outcome);
    tcase_add_test(tasks, a_task_goes_on_with_the_correlation_of_who_added_it);
    tcase_add_test(tasks, a_task_of_a_rolled_back_transaction_does_not_exist);
    tcase_add_test(tasks, adding_a_task_twice_is_adding_it_once);
    tcase_add_test(tasks, a_delayed_task_is_not_early);
    tcase_add_test(tasks, a_failed_attempt_is_repeated_until_it_succeeds);
    tcase_add_test(tasks, a_task_without_attempts_left_stays_as_failed_until_somebody_wakes_it);
    tcase_add_test(tasks, a_task_whose_worker_died_runs_when_the_lease_has_run_out);
    tcase_add_test(tasks, a_last_attempt_that_killed_its_worker_is_not_run_again);
    tcase_add_test(tasks, two_replicas_share_tasks_and_run_each_once);
    tcase_add_test(tasks, a_kind_that_this_daemon_does_not_know_is_left_alone);
    tcase_add_test(tasks, stopping_waits_for_the_task_that_runs);
    return world_run(suite, SERVICES);
}
