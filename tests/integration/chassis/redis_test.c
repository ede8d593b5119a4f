/* redis_test.c - scripts, time-outs and broken connections against a real Redis. */
#include "probe.h"

#include "chassis/redis.h"
#include "common/clock.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 200, TIMEOUT_MS = 100 };

static struct daemon *probe;
static struct redis *redis;

static const struct redis_script ADD = {"add", "return redis.call('INCRBY', KEYS[1], ARGV[1])"};
static const struct redis_script REFUSE = {"refuse",
                                           "return redis.error_reply('STALE version ' .. ARGV[1])"};
static const struct redis_script NESTED = {"nested", "return {1, {'a', false}, 'b\\0c'}"};
static const struct redis_script WRONG = {"wrong", "return redis.call('NOSUCHCOMMAND')"};

static void open_redis(void)
{
    probe = world_start(&PROBE);
    then_ok(redis_open(world_ctx(probe), world_redis_url(), 2, TIMEOUT_MS, &redis));
}

static void close_redis(void)
{
    redis_close(redis);
}

/* `command` split at spaces. */
static struct status run(struct ctx *ctx, const char *command, struct redis_reply *ret_reply)
{
    struct db_bytes args[8];
    size_t count = 0;
    char *text = arena_strdup(ctx->arena, command);

    while (text != NULL)
        args[count++] = redis_arg(strsep(&text, " "));
    return redis_command(ctx, redis, args, count, ret_reply);
}

START_TEST(bytes_come_back_as_they_went)
{
    struct ctx *ctx = world_ctx(probe);
    struct db_bytes args[] = {redis_arg("SET"), redis_arg("k"), {"a\0\r\nDEL k\r\n", 12}};
    struct redis_reply reply;

    then_ok(redis_command(ctx, redis, args, ARRAY_LEN(args), &reply));
    then_ok(run(ctx, "GET k", &reply));
    ck_assert_int_eq(reply.kind, REDIS_TEXT);
    ck_assert_uint_eq(reply.length, 12);
    ck_assert_mem_eq(reply.text, "a\0\r\nDEL k\r\n", 12);
    then_ok(run(ctx, "GET nothing", &reply));
    ck_assert_int_eq(reply.kind, REDIS_NIL);
}
END_TEST

START_TEST(a_script_runs_also_after_the_server_forgot_it)
{
    struct ctx *ctx = world_ctx(probe);
    struct db_bytes keys[] = {redis_arg("n")};
    struct db_bytes args[] = {redis_arg_int(ctx, 5)};
    struct redis_reply reply;

    then_ok(redis_eval(ctx, redis, &ADD, keys, 1, args, 1, &reply));
    ck_assert_int_eq(reply.integer, 5);
    then_ok(run(ctx, "SCRIPT FLUSH", &reply));
    then_ok(redis_eval(ctx, redis, &ADD, keys, 1, args, 1, &reply));
    ck_assert_int_eq(reply.integer, 10);
    then_ok(redis_eval(ctx, redis, &ADD, keys, 1, args, 1, &reply));
    ck_assert_int_eq(reply.integer, 15);
}
END_TEST

START_TEST(a_script_that_refuses_says_why)
{
    struct ctx *ctx = world_ctx(probe);
    struct db_bytes args[] = {redis_arg("7")};
    struct redis_reply reply;

    struct status status = redis_eval(ctx, redis, &REFUSE, NULL, 0, args, 1, &reply);
    then_reason(status, STATUS_FAILED_PRECONDITION, "SCRIPT_REFUSED");
    ck_assert_str_eq(status.detail, "STALE version 7");
}
END_TEST

START_TEST(an_error_of_the_server_is_not_the_scripts_own)
{
    struct ctx *ctx = world_ctx(probe);
    struct redis_reply reply;

    then_code(redis_eval(ctx, redis, &WRONG, NULL, 0, NULL, 0, &reply), STATUS_INTERNAL);
    then_ok(run(ctx, "SET k text", &reply));
    then_code(run(ctx, "LPUSH k x", &reply), STATUS_INTERNAL);
}
END_TEST

START_TEST(nested_replies_are_copied_whole)
{
    struct redis_reply reply;

    then_ok(redis_eval(world_ctx(probe), redis, &NESTED, NULL, 0, NULL, 0, &reply));
    ck_assert_int_eq(reply.kind, REDIS_LIST);
    ck_assert_uint_eq(reply.count, 3);
    ck_assert_int_eq(reply.items[0].integer, 1);
    ck_assert_str_eq(reply.items[1].items[0].text, "a");
    ck_assert_int_eq(reply.items[1].items[1].kind, REDIS_NIL);
    ck_assert_uint_eq(reply.items[2].length, 3);
}
END_TEST

START_TEST(a_pipeline_answers_in_order_also_around_an_error)
{
    struct db_bytes set[] = {redis_arg("SET"), redis_arg("k"), redis_arg("1")};
    struct db_bytes push[] = {redis_arg("LPUSH"), redis_arg("k"), redis_arg("x")};
    struct db_bytes incr[] = {redis_arg("INCR"), redis_arg("k")};
    struct redis_call calls[] = {{.args = set, .arg_count = 3},
                                 {.args = push, .arg_count = 3},
                                 {.args = incr, .arg_count = 2}};

    then_code(redis_pipeline(world_ctx(probe), redis, calls, 3), STATUS_INTERNAL);
    ck_assert_str_eq(calls[0].reply.text, "OK");
    ck_assert_int_eq(calls[2].reply.integer, 2);
}
END_TEST

START_TEST(every_connection_has_a_time_out_also_those_that_replace_a_broken_one)
{
    struct ctx *ctx = world_ctx(probe);
    struct redis_reply reply;

    for (int i = 0; i < 4; i++) {
        int64_t begun_us = clock_monotonic_us();
        then_code(run(ctx, "BLPOP nothing 2", &reply), STATUS_DEADLINE_EXCEEDED);
        ck_assert_int_lt(clock_monotonic_us() - begun_us, 1000000);
        then_ok(redis_ping(ctx, redis));
    }
}
END_TEST

START_TEST(a_callers_deadline_shortens_one_call_only)
{
    struct ctx *hasty = world_ctx(probe), *ctx = world_ctx(probe);
    struct redis_reply reply;

    close_redis();
    then_ok(redis_open(ctx, world_redis_url(), 1, 2000, &redis));
    hasty->deadline_us = clock_monotonic_us() + 60000;
    then_ok(redis_ping(hasty, redis));
    then_ok(run(ctx, "BLPOP nothing 0.2", &reply)); // longer than the hasty caller had left
    hasty->deadline_us = clock_monotonic_us() + 20000;
    then_code(run(hasty, "BLPOP nothing 1", &reply), STATUS_DEADLINE_EXCEEDED);
}
END_TEST

START_TEST(connections_that_the_server_closed_are_replaced_unnoticed)
{
    struct ctx *ctx = world_ctx(probe);
    struct redis_reply reply;
    struct redis *other;

    then_ok(redis_ping(ctx, redis));
    then_ok(redis_open(ctx, world_redis_url(), 1, TIMEOUT_MS, &other));
    struct db_bytes kill[] = {redis_arg("CLIENT"), redis_arg("KILL"),   redis_arg("TYPE"),
                              redis_arg("normal"), redis_arg("SKIPME"), redis_arg("yes")};
    then_ok(redis_command(ctx, other, kill, ARRAY_LEN(kill), &reply));
    ck_assert_int_ge(reply.integer, 1);
    redis_close(other);

    then_ok(redis_ping(ctx, redis));
}
END_TEST

static void *add_often(void *closure)
{
    struct ctx *ctx = closure;
    struct db_bytes keys[] = {redis_arg("n")};
    struct db_bytes args[] = {redis_arg("1")};
    struct redis_reply reply;

    for (int i = 0; i < ROUNDS; i++)
        then_ok(redis_eval(ctx, redis, &ADD, keys, 1, args, 1, &reply));
    return NULL;
}

START_TEST(many_threads_share_two_connections)
{
    pthread_t threads[THREADS];
    struct redis_reply reply;
    size_t clients = 0;

    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_often, world_ctx(probe));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    struct ctx *ctx = world_ctx(probe);
    then_ok(run(ctx, "GET n", &reply));
    ck_assert_str_eq(reply.text, arena_printf(ctx->arena, "%d", THREADS * ROUNDS));
    then_ok(run(ctx, "CLIENT LIST", &reply));
    for (const char *p = reply.text; (p = strstr(p, "cmd=")) != NULL; p++)
        clients++;
    ck_assert_uint_le(clients, 2);
}
END_TEST

static void *block(void *closure)
{
    struct redis_reply reply;

    then_code(run(closure, "BLPOP nothing 1", &reply), STATUS_DEADLINE_EXCEEDED);
    return NULL;
}

START_TEST(an_exhausted_pool_refuses_at_the_deadline)
{
    struct ctx *hasty = world_ctx(probe);
    struct redis *small;
    pthread_t thread;

    then_ok(redis_open(hasty, world_redis_url(), 1, 500, &small));
    struct redis *kept = redis;
    redis = small;
    pthread_create(&thread, NULL, block, world_ctx(probe));
    world_until(1, "SELECT 1"); // the thread has begun to block
    struct timespec step = {.tv_nsec = 50000000};
    nanosleep(&step, NULL);
    hasty->deadline_us = clock_monotonic_us() + 30000;
    then_reason(redis_ping(hasty, small), STATUS_UNAVAILABLE, "OVERLOADED");
    pthread_join(thread, NULL);
    then_ok(redis_ping(world_ctx(probe), small));
    redis_close(small);
    redis = kept;
}
END_TEST

START_TEST(a_redis_that_is_not_there_is_unavailable)
{
    struct redis *nowhere;

    then_ok(redis_open(world_ctx(probe), "redis://127.0.0.1:9", 1, TIMEOUT_MS, &nowhere));
    then_code(redis_ping(world_ctx(probe), nowhere), STATUS_UNAVAILABLE);
    redis_close(nowhere);
}
END_TEST

static const char *const BAD_URLS[] = {"",
                                       "http://x",
                                       "redis://",
                                       "redis://:6379",
                                       "redis://h:0",
                                       "redis://h:70000",
                                       "redis://h:x",
                                       "redis://h:1/x"};

START_TEST(a_url_that_is_none_is_refused)
{
    struct redis *none = NULL;

    then_code(redis_open(world_ctx(probe), BAD_URLS[_i], 1, TIMEOUT_MS, &none), STATUS_INTERNAL);
    ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis redis");
    TCase *commands = world_case(suite, "commands");
    TCase *connections = world_case(suite, "connections");

    tcase_add_checked_fixture(commands, open_redis, close_redis);
    tcase_add_checked_fixture(connections, open_redis, close_redis);
    tcase_add_test(commands, bytes_come_back_as_they_went);
    tcase_add_test(commands, a_script_runs_also_after_the_server_forgot_it);
    tcase_add_test(commands, a_script_that_refuses_says_why);
    tcase_add_test(commands, an_error_of_the_server_is_not_the_scripts_own);
    tcase_add_test(commands, nested_replies_are_copied_whole);
    tcase_add_test(commands, a_pipeline_answers_in_order_also_around_an_error);
    tcase_add_test(connections,
                   every_connection_has_a_time_out_also_those_that_replace_a_broken_one);
    tcase_add_test(connections, a_callers_deadline_shortens_one_call_only);
    tcase_add_test(connections, connections_that_the_server_closed_are_replaced_unnoticed);
    tcase_add_test(connections, many_threads_share_two_connections);
    tcase_add_test(connections, an_exhausted_pool_refuses_at_the_deadline);
    tcase_add_test(connections, a_redis_that_is_not_there_is_unavailable);
    tcase_add_loop_test(connections, a_url_that_is_none_is_refused, 0, ARRAY_LEN(BAD_URLS));
    return world_run(suite, SERVICES);
}
