/* http_limits_test.c - no peer can take more than its share: of bytes, of time, of workers. */
#include "echo.h"
#include "peer.h"

#include "common/clock.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct daemon *daemon_;
static int port;

static const char GET[] = "GET /mirror HTTP/1.1\r\nHost: a\r\n\r\n";

static void set_up(void)
{
    static const char *const SMALL[] = {"ECHO_BODY_MAX",
                                        "1KiB",
                                        "ECHO_BODY_TIMEOUT",
                                        "300ms",
                                        "ECHO_THREADS",
                                        "4",
                                        "ECHO_INFLIGHT_MAX",
                                        "2",
                                        "ECHO_DRAIN_TIMEOUT",
                                        "2s",
                                        NULL};

    daemon_ = echo_start(&ECHO_OPEN, SMALL, &port);
}

static void tear_down(void)
{
    if (daemon_)
        service_stop(daemon_);
}

START_TEST(a_body_over_the_limit_is_413_and_cut)
{
    static char flood[1 << 20];
    struct answer answer;
    int fd = peer_connect(port);

    echo_reset();
    peer_send(fd, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 413);
    /* Sending on is useless: the peer stops reading within its linger time. */
    size_t sent = 0;
    for (ssize_t n = 0; n >= 0 && sent < ((size_t)64 << 20); sent += (size_t)(n > 0 ? n : 0))
        n = send(fd, flood, sizeof flood, MSG_NOSIGNAL);
    ck_assert_uint_lt(sent, (size_t)64 << 20);
    ck_assert_int_eq(echo_calls(), 0);
    close(fd);
}
END_TEST

START_TEST(a_chunked_body_is_served_and_bounded)
{
    struct answer answer;
    char long_chunk[4096];

    peer_ask(port,
             "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
             &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "|abcde"));

    int length = snprintf(long_chunk, sizeof long_chunk,
                          "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "800\r\n%02048d\r\n0\r\n\r\n",
                          0);
    ck_assert_int_lt(length, (int)sizeof long_chunk);
    peer_ask(port, long_chunk, &answer);
    ck_assert_int_eq(answer.status, 413);
    ck_assert(answer.is_closed);
}
END_TEST

START_TEST(a_malformed_chunk_is_refused)
{
    struct answer answer;

    echo_reset();
    peer_ask(port,
             "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
             &answer);
    ck_assert_int_ne(answer.status, 200);
    ck_assert(answer.is_closed);
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(a_dripped_body_ends_at_its_deadline_with_408)
{
    struct answer answer = {.status = 0};
    int fd = peer_connect(port);
    int64_t start_us = clock_monotonic_us();

    peer_send(fd, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    while (clock_monotonic_us() - start_us < 3000000 && poll(&poller, 1, 20) == 0)
        peer_send(fd, "x");
    int64_t took_ms = (clock_monotonic_us() - start_us) / 1000;
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 408);
    ck_assert_int_ge(took_ms, 250);
    ck_assert_int_lt(took_ms, 800);
    close(fd);
}
END_TEST

START_TEST(a_slow_but_timely_body_is_served)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    usleep(100000);
    peer_send(fd, "cd");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(!answer.is_closed);
    close(fd);
}
END_TEST

START_TEST(continue_is_said_before_the_body_and_not_when_it_is_refused)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, "POST /mirror HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 2\r\n\r\n");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 100);
    peer_send(fd, "hi");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "|hi"));
    close(fd);

    peer_ask(port,
             "POST /mirror HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
             "Content-Length: 9999\r\n\r\n",
             &answer);
    ck_assert_int_eq(answer.status, 413);
}
END_TEST

START_TEST(the_oldest_idle_connection_makes_room)
{
    struct answer answer;
    int fds[4];

    for (int i = 0; i < 4; i++) { /* all workers */
        fds[i] = peer_connect(port);
        peer_send(fds[i], GET);
        if (i < 3) {
            peer_read(fds[i], 1000, &answer);
            ck_assert_int_eq(answer.status, 200);
        }
    }
    int64_t start_us = clock_monotonic_us();
    peer_ask(port, GET, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_lt(clock_monotonic_us() - start_us, 1500000);
    char byte;
    ck_assert_int_eq(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0); /* the first one had to go */
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

static void *keep_busy(void *closure)
{
    struct answer answer;
    int *served = closure;
    int64_t until_us = clock_monotonic_us() + 1500000;
    int fd = peer_connect(port);

    while (clock_monotonic_us() < until_us) {
        peer_send(fd, GET);
        peer_read_one(fd, 3000, &answer);
        *served += answer.status != 0; /* 503 is an answer, too: two at once are let in */
        if (answer.status && !strstr(answer.text, "Connection: close"))
            continue;
        close(fd);
        fd = peer_connect(port);
    }
    close(fd);
    return NULL;
}

START_TEST(more_busy_connections_than_workers_take_turns)
{
    pthread_t threads[8];
    int served[8] = {0};

    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, keep_busy, &served[i]);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++)
        ck_assert_msg(served[i] > 20, "connection %d was served %d times", i, served[i]);
}
END_TEST

START_TEST(silent_connections_make_room)
{
    struct answer answer;
    int fds[4];

    for (int i = 0; i < 4; i++)
        fds[i] = peer_connect(port);
    int64_t start_us = clock_monotonic_us();
    int fd = peer_connect(port);
    peer_send(fd, GET);
    peer_read(fd, 5000, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_lt(clock_monotonic_us() - start_us, 3000000);
    close(fd);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

START_TEST(above_the_inflight_limit_the_answer_is_503_and_probes_still_work)
{
    static const char SLOW[] = "GET /mirror/slow HTTP/1.1\r\nHost: a\r\n\r\n";
    struct answer answer;
    int fds[2];

    for (int i = 0; i < 2; i++) {
        fds[i] = peer_connect(port);
        peer_send(fds[i], SLOW);
    }
    usleep(100000);
    peer_ask(port, GET, &answer);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_ptr_nonnull(strstr(answer.text, "Retry-After: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(answer.text, "OVERLOADED"));
    peer_ask(port, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    for (int i = 0; i < 2; i++) {
        peer_read(fds[i], 1000, &answer);
        ck_assert_int_eq(answer.status, 200);
        close(fds[i]);
    }
}
END_TEST

static void *stop(void *closure)
{
    service_stop(closure);
    return NULL;
}

START_TEST(draining_answers_what_is_in_flight_and_refuses_the_rest)
{
    struct answer answer;
    pthread_t stopper;
    int late = peer_connect(port);

    peer_send(late, GET);
    peer_read(late, 1000, &answer);
    ck_assert_int_eq(answer.status, 200);
    int slow = peer_connect(port);
    peer_send(slow, "GET /mirror/slower HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(100000);
    pthread_create(&stopper, NULL, stop, daemon_);
    usleep(50000);
    peer_send(late, GET);
    peer_read(late, 1000, &answer);
    ck_assert_int_eq(answer.status, 503);
    ck_assert(answer.is_closed);
    peer_read(slow, 2000, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "Connection: close"));
    ck_assert_ptr_nonnull(strstr(answer.text, "GET /mirror/slower"));
    pthread_join(stopper, NULL);
    daemon_ = NULL;
    close(slow);
    close(late);
}
END_TEST

START_TEST(stopping_does_not_wait_for_idle_connections)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, GET);
    peer_read(fd, 1000, &answer);
    int64_t start_us = clock_monotonic_us();
    service_stop(daemon_);
    daemon_ = NULL;
    ck_assert_int_lt(clock_monotonic_us() - start_us, 1000000);
    close(fd);
}
END_TEST

/* Counters live as long as the process, so only the difference tells. */
static long count_malformed(void)
{
    static const char LINE[] = "echo_http_refused_total{cause=\"malformed\"} ";
    struct answer answer;

    peer_ask(port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "# TYPE echo_http_refused_total counter\n"));
    ck_assert_ptr_nonnull(strstr(answer.text, "echo_http_inflight_requests 1\n"));
    ck_assert_ptr_nonnull(strstr(answer.text, LINE));
    return strtol(strstr(answer.text, LINE) + strlen(LINE), NULL, 10);
}

START_TEST(metrics_count_refusals_in_the_text_format)
{
    struct answer answer;
    long before = count_malformed();

    peer_ask(port, "GET /mirror/%00 HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(count_malformed() - before, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_limits");
    TCase *tcase = tcase_create("limits");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, a_body_over_the_limit_is_413_and_cut);
    tcase_add_test(tcase, a_chunked_body_is_served_and_bounded);
    tcase_add_test(tcase, a_malformed_chunk_is_refused);
    tcase_add_test(tcase, a_dripped_body_ends_at_its_deadline_with_408);
    tcase_add_test(tcase, a_slow_but_timely_body_is_served);
    tcase_add_test(tcase, continue_is_said_before_the_body_and_not_when_it_is_refused);
    tcase_add_test(tcase, the_oldest_idle_connection_makes_room);
    tcase_add_test(tcase, more_busy_connections_than_workers_take_turns);
    tcase_add_test(tcase, silent_connections_make_room);
    tcase_add_test(tcase, above_the_inflight_limit_the_answer_is_503_and_probes_still_work);
    tcase_add_test(tcase, draining_answers_what_is_in_flight_and_refuses_the_rest);
    tcase_add_test(tcase, stopping_does_not_wait_for_idle_connections);
    tcase_add_test(tcase, metrics_count_refusals_in_the_text_format);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
