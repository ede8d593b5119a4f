/* http_patience_test.c - peers that are slow within their limits hold others up only while there
 * are workers for all: here are four, and limits so long that nothing but a lack of workers cuts.
 */
#include "echo.h"
#include "peer.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CROWD = 12, ROUNDS = 5, LARGE = 64 * 1024, CUT_MS = 15000 };

static struct daemon *daemon_;
static int port;

static const char GET[] = "GET /mirror HTTP/1.1\r\nHost: a\r\n\r\n";
static char large[LARGE + 1];

static void start(const char *timeout)
{
    const char *const ENVIRONMENT[] = {"ECHO_BODY_TIMEOUT",
                                       timeout,
                                       "ECHO_THREADS",
                                       "4",
                                       "ECHO_INFLIGHT_MAX",
                                       "2",
                                       "ECHO_DRAIN_TIMEOUT",
                                       "2s",
                                       NULL};

    memset(large, 'x', LARGE);
    daemon_ = echo_start(&ECHO_OPEN, ENVIRONMENT, &port);
}

static void be_patient(void)
{
    start("60s");
}

static void be_strict(void)
{
    start("300ms");
}

static void stop(void)
{
    service_stop(daemon_);
}

static void besiege(int fds[CROWD], const char *opening)
{
    for (int i = 0; i < CROWD; i++) {
        fds[i] = peer_connect(port);
        peer_send(fds[i], opening);
    }
}

static void then_others_are_served(int fds[CROWD], const char *drip)
{
    struct answer answer;

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CROWD; i++)
            peer_send(fds[i], drip);
        peer_ask(port, GET, &answer);
        ck_assert_int_eq(answer.status, 200);
    }
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
}

START_TEST(who_says_nothing_makes_room)
{
    int fds[CROWD];

    besiege(fds, "");
    then_others_are_served(fds, "");
}
END_TEST

START_TEST(who_sends_a_head_slowly_makes_room)
{
    int fds[CROWD];

    besiege(fds, "GET /mirror HTTP/1.1\r\n");
    then_others_are_served(fds, "A: b\r\n");
}
END_TEST

START_TEST(who_sends_a_second_head_slowly_makes_room)
{
    int fds[CROWD];

    besiege(fds, "GET /mirror HTTP/1.1\r\nHost: a\r\n\r\nGET /mirror HTTP/1.1\r\n");
    then_others_are_served(fds, "A: b\r\n");
}
END_TEST

START_TEST(who_sends_a_body_slowly_makes_room_and_takes_no_share_of_the_handlers)
{
    int fds[CROWD];

    besiege(fds, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    then_others_are_served(fds, "x");
}
END_TEST

/* Asks, and does not read: answers stay here until nothing fits. */
static int ask_and_not_read(void)
{
    int fd = peer_connect(port), small = 4096;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 100; i++) {
        send(fd, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n", 59,
             MSG_NOSIGNAL | MSG_DONTWAIT);
        send(fd, large, LARGE, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return fd;
}

START_TEST(who_does_not_read_makes_room)
{
    int fds[CROWD];

    for (int i = 0; i < CROWD; i++)
        fds[i] = ask_and_not_read();
    then_others_are_served(fds, "");
}
END_TEST

START_TEST(who_waits_for_a_worker_with_a_whole_request_is_not_cut)
{
    static const char SLOW[] =
        "GET /mirror/slower HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct answer answer;
    int fds[CROWD];

    besiege(fds, SLOW);
    for (int i = 0; i < CROWD; i++) {
        peer_read(fds[i], 20000, &answer);
        /* Two are handled at once, the others have an answer as well. */
        ck_assert_msg(answer.status == 200 || answer.status == 503, "%d", answer.status);
        close(fds[i]);
    }
}
END_TEST

START_TEST(an_answer_that_is_not_read_is_cut_in_the_end)
{
    struct pollfd poller = {.fd = ask_and_not_read(), .events = 0};

    ck_assert_int_eq(poll(&poller, 1, CUT_MS), 1);
    ck_assert(poller.revents & (POLLHUP | POLLERR));
    close(poller.fd);
}
END_TEST

START_TEST(a_head_that_does_not_end_is_cut_in_the_end)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, "GET /mirror HTTP/1.1\r\n");
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < CUT_MS / 20 && poll(&poller, 1, 20) == 0; i++)
        peer_send(fd, "A: b\r\n");
    peer_read_all(fd, &answer);
    ck_assert(answer.is_closed);
    ck_assert_msg(answer.status == 0 || answer.status / 100 == 4, "%d", answer.status);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_patience");
    TCase *patient = tcase_create("patient"), *strict = tcase_create("strict");

    tcase_add_checked_fixture(patient, be_patient, stop);
    tcase_set_timeout(patient, 60);
    tcase_add_test(patient, who_says_nothing_makes_room);
    tcase_add_test(patient, who_sends_a_head_slowly_makes_room);
    tcase_add_test(patient, who_sends_a_second_head_slowly_makes_room);
    tcase_add_test(patient, who_sends_a_body_slowly_makes_room_and_takes_no_share_of_the_handlers);
    tcase_add_test(patient, who_does_not_read_makes_room);
    tcase_add_test(patient, who_waits_for_a_worker_with_a_whole_request_is_not_cut);
    suite_add_tcase(suite, patient);
    tcase_add_checked_fixture(strict, be_strict, stop);
    tcase_set_timeout(strict, 60);
    tcase_add_test(strict, an_answer_that_is_not_read_is_cut_in_the_end);
    tcase_add_test(strict, a_head_that_does_not_end_is_cut_in_the_end);
    suite_add_tcase(suite, strict);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
