/* rpc_client_test.c - calls between daemons: reuse, fan-out, deadlines, balance, retries. */
#include "echo.h"
#include "peer.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLS = 24, ENDINGS = 500 /* curl overlooks about one in a hundred */ };

static struct daemon *servers[2], *friend_;
static int ports[2];
static struct ctx ctx;

/* A port where nobody listens, or one that hangs up on everybody. */
struct trap {
    int fd, port;
    bool is_listening;
    pthread_t thread;
    atomic_int visits;
};

static void set_up(void)
{
    for (int i = 0; i < 2; i++)
        servers[i] = echo_start(&ECHO, NULL, &ports[i]);
    echo_reset();
}

static void tear_down(void)
{
    ctx_finish(&ctx);
    if (friend_)
        service_stop(friend_);
    for (int i = 0; i < 2; i++)
        if (servers[i])
            service_stop(servers[i]);
}

static void connect_friend(const char *pool, int port, int other_port)
{
    char url[128];
    int unused;

    snprintf(url, sizeof url,
             other_port ? "http://127.0.0.1:%d, http://127.0.0.1:%d/" : "http://127.0.0.1:%d", port,
             other_port);
    setenv("ECHO_URL", url, 1);
    setenv("FRIEND_RPC_POOL", pool, 1);
    friend_ = echo_start(&FRIEND, NULL, &unused);
    ctx_init(&ctx, friend_, "test", 3000);
}

static struct rpc_call call_of(const struct rpc_method_ref *method, const char *word)
{
    Common__V1__ErrorDetail *request = arena_new(ctx.arena, Common__V1__ErrorDetail);

    common__v1__error_detail__init(request);
    request->reason = word;
    return (struct rpc_call){.method = method, .request = &request->base};
}

static const char *word_of(const struct rpc_call *call)
{
    return ((const Common__V1__ErrorDetail *)(const void *)call->reply)->reason;
}

static void *hang_up(void *closure)
{
    struct trap *trap = closure;
    char bytes[4096];

    for (;;) {
        int fd = accept(trap->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        trap->visits++;
        if (recv(fd, bytes, sizeof bytes, 0) > 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(fd);
    }
}

static void trap_open(struct trap *trap, bool is_listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    *trap = (struct trap){.is_listening = is_listening};
    trap->fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(trap->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(trap->fd, (struct sockaddr *)&address, &size), 0);
    trap->port = ntohs(address.sin_port);
    if (!is_listening)
        return;
    listen(trap->fd, 16);
    pthread_create(&trap->thread, NULL, hang_up, trap);
}

static void trap_close(struct trap *trap)
{
    shutdown(trap->fd, SHUT_RDWR);
    if (trap->is_listening)
        pthread_join(trap->thread, NULL);
    close(trap->fd);
}

START_TEST(a_call_is_answered_and_carries_caller_trace_and_correlation)
{
    struct rpc_call call;

    connect_friend("4", ports[0], 0);
    ctx.caller = (struct caller){.service = "friend", .actor = "customer:9", .scopes = "x y"};
    ctx.correlation_id = "checkout-9";
    call = call_of(&ECHO_SAY, "WHO");
    struct status status = rpc_call_one(&ctx, &call);
    ck_assert_msg(status.code == STATUS_OK, "%s", status.detail);
    ck_assert_str_eq(word_of(&call), "friend customer:9 x y checkout-9");
    call = call_of(&ECHO_SAY, "TRACE");
    ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    ck_assert_str_eq(word_of(&call), str_hex(ctx.arena, ctx.trace.trace_id, 16));
}
END_TEST

START_TEST(a_refusal_comes_back_as_it_was_born)
{
    connect_friend("4", ports[0], 0);
    struct rpc_call call = call_of(&ECHO_SAY, "REFUSE");
    struct status status = rpc_call_one(&ctx, &call);

    ck_assert(rpc_reason_is(status, &ERROR_INVALID_REQUEST));
    ck_assert_int_eq(status.code, STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(status.violations->field, "reason");
    ck_assert_ptr_null(call.reply);
    ck_assert_int_eq(echo_calls(), 1);
}
END_TEST

START_TEST(calls_in_a_row_share_one_connection)
{
    struct answer answer;

    connect_friend("4", ports[0], 0);
    for (int i = 0; i < 100; i++) {
        struct rpc_call call = call_of(&ECHO_SAY, "X");
        ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    }
    /* The server counts its open connections: the pool's one and ours. */
    peer_ask(ports[0], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_ptr_nonnull(strstr(answer.text, "echo_http_connections 2\n"));
}
END_TEST

START_TEST(a_fan_out_takes_as_long_as_its_slowest_call)
{
    struct rpc_call calls[8];
    int64_t start_us = clock_monotonic_us();

    connect_friend("8", ports[0], 0);
    for (int i = 0; i < 8; i++)
        calls[i] = call_of(&ECHO_SAY, i == 3 ? "REFUSE" : "SLEEP_200");
    rpc_call_all(&ctx, calls, 8);
    int64_t took_ms = (clock_monotonic_us() - start_us) / 1000;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(calls[i].status.code, i == 3 ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    ck_assert_int_ge(took_ms, 200);
    ck_assert_int_lt(took_ms, 500);
}
END_TEST

static void *fan_out(void *closure)
{
    struct ctx own = {.arena = NULL};
    struct rpc_call calls[8];
    int *failures = closure;

    ctx_init(&own, friend_, "test", 10000);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++) {
            Common__V1__ErrorDetail *request = arena_new(own.arena, Common__V1__ErrorDetail);
            common__v1__error_detail__init(request);
            request->reason = "SLEEP_2";
            calls[i] = (struct rpc_call){.method = &ECHO_SAY, .request = &request->base};
        }
        rpc_call_all(&own, calls, 8);
        for (int i = 0; i < 8; i++)
            *failures += calls[i].status.code != STATUS_OK;
    }
    ctx_finish(&own);
    return NULL;
}

START_TEST(fan_outs_larger_than_the_pool_never_block_each_other)
{
    pthread_t threads[6];
    int failures[6] = {0};

    connect_friend("3", ports[0], 0);
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, fan_out, &failures[i]);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(failures[i], 0);
    }
    ck_assert_int_eq(echo_calls(), 480);
}
END_TEST

START_TEST(a_call_ends_at_its_deadline)
{
    connect_friend("4", ports[0], 0);
    struct rpc_call call = call_of(&ECHO_REPEAT, "SLEEP_800");
    int64_t start_us = clock_monotonic_us();

    call.timeout_ms = 150;
    struct status status = rpc_call_one(&ctx, &call);
    ck_assert_str_eq(status.reason, "DEADLINE_EXCEEDED");
    ck_assert_int_lt(clock_monotonic_us() - start_us, 400000);
    ck_assert_int_eq(echo_calls(), 1); /* a time-out is not tried again */
}
END_TEST

START_TEST(an_exhausted_pool_is_waited_for_until_the_deadline)
{
    connect_friend("1", ports[0], 0);
    pthread_t thread;
    int failures = 0;

    pthread_create(&thread, NULL, fan_out, &failures);
    usleep(20000);
    struct rpc_call call = call_of(&ECHO_SAY, "X");
    ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    pthread_join(thread, NULL);
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(calls_go_round_the_addresses)
{
    struct answer answer;

    connect_friend("4", ports[0], ports[1]);
    for (int i = 0; i < CALLS; i++) {
        struct rpc_call call = call_of(&ECHO_SAY, "X");
        ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    }
    for (int i = 0; i < 2; i++) {
        peer_ask(ports[i], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
        ck_assert_ptr_nonnull(
            strstr(answer.text,
                   "echo_rpc_calls_total{method=\"echo.v1.EchoService/Say\",code=\"ok\"} 12\n"));
    }
}
END_TEST

START_TEST(a_dead_address_costs_no_call_whatever_its_method)
{
    struct trap dead;

    trap_open(&dead, false);
    connect_friend("4", dead.port, ports[0]);
    for (int i = 0; i < CALLS; i++) {
        struct rpc_call call = call_of(&ECHO_SAY, "X"); /* not idempotent, but never sent */
        struct status status = rpc_call_one(&ctx, &call);
        ck_assert_msg(status.code == STATUS_OK, "%s", status.detail);
    }
    ck_assert_int_eq(echo_calls(), CALLS);
    trap_close(&dead);
}
END_TEST

static void *wait_in_vain(void *nothing)
{
    struct ctx own = {.arena = NULL};

    ctx_init(&own, friend_, "test", 3000);
    for (int i = 0; i < 2; i++) { // one of them meets the silent address
        Common__V1__ErrorDetail *request = arena_new(own.arena, Common__V1__ErrorDetail);
        common__v1__error_detail__init(request);
        request->reason = "X";
        struct rpc_call call = {.method = &ECHO_REPEAT, .request = &request->base};
        (void)rpc_call_one(&own, &call);
    }
    ctx_finish(&own);
    return nothing;
}

START_TEST(an_address_that_takes_calls_and_never_answers_is_left_alone)
{
    struct trap frozen;
    pthread_t thread;

    trap_open(&frozen, false);
    listen(frozen.fd, 16); // the kernel connects, nobody accepts: a stopped process
    connect_friend("4", frozen.port, ports[0]);
    pthread_create(&thread, NULL, wait_in_vain, NULL);
    usleep(700000); // by now it has been silent for longer than one that works
    int64_t start_us = clock_monotonic_us();
    for (int i = 0; i < CALLS; i++) {
        struct rpc_call call = call_of(&ECHO_SAY, "X");
        struct status status = rpc_call_one(&ctx, &call);
        ck_assert_msg(status.code == STATUS_OK, "call %d: %s", i, status.detail);
    }
    ck_assert_int_lt(clock_monotonic_us() - start_us, 2000000); // nobody waited for a deadline
    pthread_join(thread, NULL);
    trap_close(&frozen);
}
END_TEST

START_TEST(an_address_that_resets_is_left_out_and_only_repeatable_calls_go_elsewhere)
{
    struct trap trap;

    trap_open(&trap, true);
    connect_friend("4", trap.port, ports[0]);
    struct rpc_call call = call_of(&ECHO_REPEAT, "X");
    for (int i = 0; i < 4; i++) {
        call = call_of(&ECHO_REPEAT, "X");
        ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    }
    ck_assert_int_eq(trap.visits, 1); /* and then it was left out */

    usleep(1100000);
    int lost = 0;
    for (int i = 0; i < 2; i++) {
        call = call_of(&ECHO_SAY, "X");
        struct status status = rpc_call_one(&ctx, &call);
        ck_assert(status.code == STATUS_OK || status.code == STATUS_UNAVAILABLE);
        lost += rpc_reason_is(status, &ERROR_CALL_LOST);
    }
    ck_assert_int_eq(lost, 1);
    ck_assert_int_eq(trap.visits, 2);
    usleep(1100000);
    for (int i = 0; i < 2; i++) {
        call = call_of(&ECHO_SAY, "X");
        call.idempotency_key = "key-1";
        ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    }
    trap_close(&trap);
}
END_TEST

START_TEST(unavailable_is_tried_elsewhere_only_when_repeatable)
{
    connect_friend("4", ports[0], ports[1]);
    struct rpc_call call = call_of(&ECHO_REPEAT, "UNAVAILABLE");
    ck_assert_int_eq(rpc_call_one(&ctx, &call).code, STATUS_UNAVAILABLE);
    ck_assert_int_eq(echo_calls(), 3);
    echo_reset();
    call = call_of(&ECHO_SAY, "UNAVAILABLE");
    ck_assert_int_eq(rpc_call_one(&ctx, &call).code, STATUS_UNAVAILABLE);
    ck_assert_int_eq(echo_calls(), 1);
}
END_TEST

START_TEST(a_restarted_server_is_reached_over_a_new_connection)
{
    char listen[32];

    connect_friend("4", ports[0], 0);
    struct rpc_call call = call_of(&ECHO_SAY, "X");
    ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
    service_stop(servers[0]);
    call = call_of(&ECHO_SAY, "X");
    ck_assert(status_reason_is(rpc_call_one(&ctx, &call), "CALL_NOT_SENT"));
    snprintf(listen, sizeof listen, "127.0.0.1:%d", ports[0]);
    const char *const environment[] = {"ECHO_LISTEN", listen, NULL};
    servers[0] = echo_start(&ECHO, environment, &ports[0]);
    call = call_of(&ECHO_SAY, "X");
    ck_assert(rpc_call_one(&ctx, &call).code == STATUS_OK);
}
END_TEST

/* What a peer that is no daemon of ours answers. */
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\n"
                             "Content-Length: 0\r\n\r\n";

static void given_peer(struct trap *peer, void *(*serve)(void *))
{
    trap_open(peer, false);
    listen(peer->fd, 16);
    peer->is_listening = true;
    pthread_create(&peer->thread, NULL, serve, peer);
    connect_friend("1", peer->port, 0);
}

/* A daemon that dies between two calls: its kept connection ends, and its successor listens. */
static void *answer_once_a_connection(void *closure)
{
    struct trap *trap = closure;
    char bytes[4096];

    for (;;) {
        int fd = accept(trap->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        if (recv(fd, bytes, sizeof bytes, 0) > 0)
            (void)!write(fd, ANSWER, sizeof ANSWER - 1);
        close(fd);
        trap->visits++;
    }
}

START_TEST(a_connection_that_ended_while_idle_costs_no_call_whatever_its_method)
{
    struct trap peer;

    given_peer(&peer, answer_once_a_connection);
    for (int i = 0; i < ENDINGS; i++) {
        struct rpc_call call = call_of(&ECHO_SAY, "X"); /* not idempotent, but never sent */
        struct status status = rpc_call_one(&ctx, &call);
        ck_assert_msg(status.code == STATUS_OK, "call %d: %s", i, status.detail);
        while (peer.visits <= i)
            sched_yield();
    }
    trap_close(&peer);
}
END_TEST

/* A daemon that dies at work: of each connection the second request is read, and never answered. */
static void *die_at_the_second(void *closure)
{
    struct trap *trap = closure;
    char bytes[4096];

    for (;;) {
        int fd = accept(trap->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        for (int i = 0; i < 2 && recv(fd, bytes, sizeof bytes, 0) > 0; i++) {
            trap->visits++;
            if (i == 0)
                (void)!write(fd, ANSWER, sizeof ANSWER - 1);
        }
        close(fd);
    }
}

/* curl by itself would send it again, over a new connection. */
START_TEST(what_left_over_a_kept_connection_is_sent_again_only_when_repeatable)
{
    static const char *const WORDS[] = {"X", ""}; /* with a body and without one */
    struct trap peer;

    given_peer(&peer, die_at_the_second);
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        peer.visits = 0;
        struct rpc_call first = call_of(&ECHO_SAY, WORDS[i]);
        struct rpc_call second = call_of(&ECHO_SAY, WORDS[i]);
        ck_assert(rpc_call_one(&ctx, &first).code == STATUS_OK);
        ck_assert(rpc_reason_is(rpc_call_one(&ctx, &second), &ERROR_CALL_LOST));
        ck_assert_int_eq(peer.visits, 2);

        struct rpc_call third = call_of(&ECHO_SAY, WORDS[i]);
        struct rpc_call fourth = call_of(&ECHO_REPEAT, WORDS[i]);
        ck_assert(rpc_call_one(&ctx, &third).code == STATUS_OK);
        ck_assert(rpc_call_one(&ctx, &fourth).code == STATUS_OK);
        ck_assert_int_eq(peer.visits, 5);
        struct rpc_call last = call_of(&ECHO_SAY, WORDS[i]); /* and its connection's */
        ck_assert(rpc_reason_is(rpc_call_one(&ctx, &last), &ERROR_CALL_LOST));
    }
    trap_close(&peer);
}
END_TEST

START_TEST(a_daemon_that_is_not_named_cannot_be_called)
{
    static const struct rpc_method_ref STRANGER = {.service = "stranger", .path = "/x/Y"};
    connect_friend("4", ports[0], 0);
    struct rpc_call call = call_of(&STRANGER, "X");

    ck_assert(status_reason_is(rpc_call_one(&ctx, &call), "NOT_CALLABLE"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc_client");
    TCase *tcase = tcase_create("client");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_call_is_answered_and_carries_caller_trace_and_correlation);
    tcase_add_test(tcase, a_refusal_comes_back_as_it_was_born);
    tcase_add_test(tcase, calls_in_a_row_share_one_connection);
    tcase_add_test(tcase, a_fan_out_takes_as_long_as_its_slowest_call);
    tcase_add_test(tcase, fan_outs_larger_than_the_pool_never_block_each_other);
    tcase_add_test(tcase, a_call_ends_at_its_deadline);
    tcase_add_test(tcase, an_exhausted_pool_is_waited_for_until_the_deadline);
    tcase_add_test(tcase, calls_go_round_the_addresses);
    tcase_add_test(tcase, a_dead_address_costs_no_call_whatever_its_method);
    tcase_add_test(tcase, an_address_that_takes_calls_and_never_answers_is_left_alone);
    tcase_add_test(tcase,
                   an_address_that_resets_is_left_out_and_only_repeatable_calls_go_elsewhere);
    tcase_add_test(tcase, unavailable_is_tried_elsewhere_only_when_repeatable);
    tcase_add_test(tcase, a_restarted_server_is_reached_over_a_new_connection);
    tcase_add_test(tcase, a_connection_that_ended_while_idle_costs_no_call_whatever_its_method);
    tcase_add_test(tcase, what_left_over_a_kept_connection_is_sent_again_only_when_repeatable);
    tcase_add_test(tcase, a_daemon_that_is_not_named_cannot_be_called);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
