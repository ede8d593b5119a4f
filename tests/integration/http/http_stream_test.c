/* http_stream_test.c - bodies that a handler reads piece by piece. */
#include "echo.h"
#include "peer.h"

#include "common/clock.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 5 * 1024 * 1024, CHUNK = 4000 };

static struct daemon *daemon_;
static int port;

static void set_up(void)
{
    static const char *const SMALL[] = {"ECHO_BODY_MAX",
                                        "1KiB",
                                        "ECHO_BODY_TIMEOUT",
                                        "300ms",
                                        "ECHO_UPLOAD_TIMEOUT",
                                        "900ms",
                                        "ECHO_THREADS",
                                        "4",
                                        "ECHO_DRAIN_TIMEOUT",
                                        "2s",
                                        NULL};

    daemon_ = echo_start(&ECHO_OPEN, SMALL, &port);
    echo_reset();
}

static void tear_down(void)
{
    service_stop(daemon_);
}

static char large[LARGE + 1];

static const char *expected_of(size_t length)
{
    static char text[64];
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = sum * 31 + (unsigned char)large[i];
    ck_assert_int_gt(snprintf(text, sizeof text, "%zu %u ", length, sum), 0);
    return text;
}

static void fill(void)
{
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('a' + i % 23);
}

START_TEST(a_large_body_arrives_piece_by_piece_and_the_connection_goes_on)
{
    char head[128];
    struct answer answer;
    int fd = peer_connect(port);

    fill();
    ck_assert_int_gt(snprintf(head, sizeof head,
                              "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
                              LARGE),
                     0);
    peer_send(fd, head);
    peer_send_n(fd, large, LARGE);
    peer_read(fd, 2000, &answer);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_msg(strstr(answer.text, expected_of(LARGE)) != NULL, "%s", answer.text);
    ck_assert(!answer.is_closed);
    peer_send(fd, "GET /mirror HTTP/1.1\r\nHost: a\r\n\r\n");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
}
END_TEST

START_TEST(a_chunked_body_streams_too)
{
    char size[16];
    struct answer answer;
    int fd = peer_connect(port);

    fill();
    peer_send(fd, "POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < 100 * CHUNK; at += CHUNK) {
        ck_assert_int_gt(snprintf(size, sizeof size, "%x\r\n", CHUNK), 0);
        peer_send(fd, size);
        peer_send_n(fd, large + at, CHUNK);
        peer_send(fd, "\r\n");
    }
    peer_send(fd, "0\r\n\r\n");
    peer_read(fd, 2000, &answer);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_msg(strstr(answer.text, expected_of(100 * CHUNK)) != NULL, "%s", answer.text);
    ck_assert(!answer.is_closed);
    close(fd);
}
END_TEST

START_TEST(a_body_over_the_limit_is_413_before_and_while_it_comes)
{
    char head[128];
    struct answer answer;

    ck_assert_int_gt(snprintf(head, sizeof head,
                              "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
                              8 * 1024 * 1024 + 1),
                     0);
    peer_ask(port, head, &answer);
    ck_assert_int_eq(answer.status, 413);
    ck_assert_int_eq(echo_calls(), 0);

    int fd = peer_connect(port);
    fill();
    peer_send(fd, "POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    ck_assert_int_gt(snprintf(head, sizeof head, "%x\r\n", LARGE), 0);
    for (int i = 0; i < 2; i++) {
        peer_send(fd, head);
        peer_send_n(fd, large, LARGE);
        peer_send(fd, "\r\n");
    }
    peer_read(fd, 2000, &answer);
    ck_assert_int_eq(answer.status, 413);
    ck_assert(answer.is_closed);
    ck_assert_int_eq(echo_calls(), 1);
    close(fd);
}
END_TEST

START_TEST(what_a_handler_does_not_read_is_cut)
{
    static const char *const PATHS[] = {"/stream/refuse", "/stream/some"};
    struct answer answer;
    char head[128];

    for (size_t i = 0; i < 2; i++) {
        int fd = peer_connect(port);
        ck_assert_int_gt(snprintf(head, sizeof head,
                                  "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n",
                                  PATHS[i]),
                         0);
        peer_send(fd, head);
        peer_send_n(fd, large, 2000);
        peer_read(fd, 2000, &answer);
        ck_assert_int_eq(answer.status, i == 0 ? 403 : 200);
        ck_assert_msg(strstr(answer.text, "Connection: close") != NULL, "%s", answer.text);
        close(fd);
    }
}
END_TEST

/* The client learns that it is refused before it sends a byte of the body. */
START_TEST(continue_is_said_when_the_handler_begins_to_read)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, "POST /stream/refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 2\r\n\r\n");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 403);
    close(fd);

    fd = peer_connect(port);
    peer_send(fd, "POST /stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 2\r\n\r\n");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 100);
    peer_send(fd, "hi");
    peer_read(fd, 1000, &answer);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
}
END_TEST

/* Sends `step` bytes every 50 ms until an answer comes; how long that took. */
static int64_t drip(int step, struct answer *ret_answer)
{
    int fd = peer_connect(port);
    int64_t start_us = clock_monotonic_us();

    fill();
    peer_send(fd, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    while (clock_monotonic_us() - start_us < 3000000 && poll(&poller, 1, 50) == 0)
        peer_send_n(fd, large, (size_t)step);
    int64_t took_ms = (clock_monotonic_us() - start_us) / 1000;
    peer_read(fd, 1000, ret_answer);
    close(fd);
    return took_ms;
}

START_TEST(a_body_that_stands_still_is_408)
{
    struct answer answer = {.status = 0};
    int64_t took_ms = drip(1, &answer);

    ck_assert_int_eq(answer.status, 408);
    ck_assert_int_ge(took_ms, 250);
    ck_assert_int_lt(took_ms, 800);
}
END_TEST

START_TEST(a_slow_body_ends_at_the_deadline_of_all_of_it)
{
    struct answer answer = {.status = 0};
    int64_t took_ms = drip(1000, &answer);

    ck_assert_int_eq(answer.status, 408);
    ck_assert_int_ge(took_ms, 850);
    ck_assert_int_lt(took_ms, 1500);
}
END_TEST

START_TEST(a_body_that_breaks_off_is_400)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    shutdown(fd, SHUT_WR);
    peer_read(fd, 2000, &answer);
    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.text, "BODY_TRUNCATED"));
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http stream");
    TCase *tcase = tcase_create("stream");

    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_large_body_arrives_piece_by_piece_and_the_connection_goes_on);
    tcase_add_test(tcase, a_chunked_body_streams_too);
    tcase_add_test(tcase, a_body_over_the_limit_is_413_before_and_while_it_comes);
    tcase_add_test(tcase, what_a_handler_does_not_read_is_cut);
    tcase_add_test(tcase, continue_is_said_when_the_handler_begins_to_read);
    tcase_add_test(tcase, a_body_that_stands_still_is_408);
    tcase_add_test(tcase, a_slow_body_ends_at_the_deadline_of_all_of_it);
    tcase_add_test(tcase, a_body_that_breaks_off_is_400);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
