/* http_guard_test.c - requests that two parsers could read differently are refused, and the
 * connection ends with them. */
#include "echo.h"
#include "peer.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static struct daemon *daemon_;
static int port;

static const struct {
    const char *label, *request;
    int status;
} REFUSED[] = {
    {"no Host", "GET /mirror HTTP/1.1\r\nA: b\r\n\r\n", 400},
    {"two Hosts", "GET /mirror HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"Content-Length with letters",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 5abc\r\n\r\nhello", 400},
    {"signed Content-Length", "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
     400},
    {"Content-Length list", "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
     400},
    {"empty Content-Length", "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400},
    {"huge Content-Length",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
    {"two Content-Lengths",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
     400},
    {"length and coding",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"blank before the colon",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
    {"blank before the first name",
     "POST /mirror HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n0\r\n\r\n", 400},
    {"empty line of blanks first", "GET /mirror HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400},
    {"folded header",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nA: b\r\n fold\r\nContent-Length: 5\r\n\r\nhello", 400},
    {"blank before the first header",
     "POST /mirror HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello", 400},
    {"empty line before the first header", "GET /mirror HTTP/1.1\r\n\nHost: a\r\n\r\n", 400},
    {"carriage return before a header",
     "POST /mirror HTTP/1.1\r\nHost: a\r\n\rContent-Length: 5\r\n\r\nhello", 400},
    {"line break in the request line", "GET \n/mirror HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"two blanks in the request line", "GET /mirror  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"two blanks behind a query", "GET /mirror?q=1  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bare line feeds", "GET /mirror HTTP/1.1\nHost: a\n\n", 400},
    {"one bare line feed", "GET /mirror HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400},
    {"blank in a name", "GET /mirror HTTP/1.1\r\nHost: a\r\nbad name: c\r\n\r\n", 400},
    {"line without a colon", "GET /mirror HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400},
    {"encoded NUL", "GET /mirror/a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"encoded slash", "GET /mirror/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"short escape", "GET /mirror/a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bad escape", "GET /mirror/a%zzb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"dot segment", "GET /mirror/../healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"encoded dot segment", "GET /mirror/%2e%2E/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"empty segment", "GET /mirror//x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no UTF-8", "GET /mirror/%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"overlong UTF-8", "GET /mirror/%c0%af HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"encoded control", "GET /mirror/a%0d%0ab HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no path", "GET mirror HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"unknown coding", "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
    {"unknown expectation",
     "POST /mirror HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 5\r\n\r\nhello", 417},
};

static void set_up(void)
{
    daemon_ = echo_start(&ECHO_OPEN, NULL, &port);
}

static void tear_down(void)
{
    service_stop(daemon_);
}

START_TEST(an_ambiguous_request_is_refused_and_the_connection_ends)
{
    struct answer answer;

    echo_reset();
    peer_ask(port, REFUSED[_i].request, &answer);
    ck_assert_msg(answer.status >= 400 && answer.status < 500, "%s: %d", REFUSED[_i].label,
                  answer.status);
    if (REFUSED[_i].status != 400)
        ck_assert_int_eq(answer.status, REFUSED[_i].status);
    ck_assert_msg(answer.is_closed, "%s: still open", REFUSED[_i].label);
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

/* A request with this many headers, the last line of which is `last`. */
static const char *with_headers(int count, const char *last)
{
    static char request[8192];
    size_t length =
        (size_t)snprintf(request, sizeof request, "POST /mirror HTTP/1.1\r\nHost: a\r\n");

    for (int i = 1; i < count; i++)
        length += (size_t)snprintf(request + length, sizeof request - length, "X-%d: y\r\n", i);
    snprintf(request + length, sizeof request - length, "%s\r\n", last);
    return request;
}

START_TEST(a_sixty_fourth_header_is_refused_with_what_hides_behind_it)
{
    struct answer answer;

    echo_reset();
    peer_ask(port,
             with_headers(70, "Content-Length: 47\r\n\r\n"
                              "GET /mirror/smuggled HTTP/1.1\r\nHost: a\r\n"),
             &answer);
    ck_assert_int_eq(answer.status, 431);
    ck_assert(answer.is_closed);
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(sixty_three_headers_are_served)
{
    struct answer answer;

    peer_ask(port, with_headers(62, "Content-Length: 0\r\n"), &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(!answer.is_closed);
}
END_TEST

START_TEST(a_path_is_decoded_once)
{
    struct answer answer;

    peer_ask(port, "GET /mirror/caf%C3%A9/a%2525b?q=1%2B1+%26 HTTP/1.1\r\nHost: a\r\n\r\n",
             &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "GET /mirror/caf\xc3\xa9/a%25b 1+1 & |"));
}
END_TEST

START_TEST(a_repeated_or_malformed_query_parameter_is_told_apart)
{
    struct answer answer;

    peer_ask(port, "GET /mirror?q=1&q=2 HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_ptr_nonnull(strstr(answer.text, "GET /mirror ? |"));
    peer_ask(port, "GET /mirror?q=%f HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_ptr_nonnull(strstr(answer.text, "GET /mirror ? |"));
    peer_ask(port, "GET /mirror?other=%00 HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
    struct answer answer;
    int fd = peer_connect(port);

    peer_send(fd, "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    /* The second answer would be unreadable behind a body. */
    peer_send(fd, "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    peer_send(fd, "GET /mirror HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    peer_read_all(fd, &answer);
    ck_assert_ptr_nonnull(strstr(answer.text, "Content-Length: 16\r\n\r\nHTTP/1.1 200 OK"));
    ck_assert_ptr_null(strstr(answer.text, "status"));
    ck_assert_ptr_nonnull(strstr(answer.text, "GET /mirror"));
    close(fd);
}
END_TEST

START_TEST(an_unknown_path_is_404_and_a_probe_is_not)
{
    struct answer answer;

    peer_ask(port, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert(!answer.is_closed);
    peer_ask(port, "GET /mirrored HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 404);
    peer_ask(port, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(a_method_that_nothing_takes_is_405)
{
    struct answer answer;

    peer_ask(port, "TRACE /mirror HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_ptr_nonnull(strstr(answer.text, "\r\nAllow: GET, "));
    ck_assert(answer.is_closed);
    peer_ask(port, "QUERY /mirror HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 405);
    peer_ask(port, "get /mirror HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 400);
}
END_TEST

START_TEST(preflights_are_left_to_the_daemon)
{
    struct answer answer;

    peer_ask(port,
             "OPTIONS /mirror HTTP/1.1\r\nHost: a\r\nOrigin: http://x\r\n"
             "Access-Control-Request-Method: POST\r\n\r\n",
             &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_null(strcasestr(answer.text, "Access-Control"));
    ck_assert_ptr_nonnull(strstr(answer.text, "OPTIONS /mirror"));
}
END_TEST

START_TEST(requests_on_one_connection_are_answered_in_order)
{
    struct answer answer;
    int fd = peer_connect(port);

    for (int i = 0; i < 3; i++) {
        peer_send(fd, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        peer_read(fd, 1000, &answer);
        ck_assert_int_eq(answer.status, 200);
        ck_assert_ptr_nonnull(strstr(answer.text, "|hi"));
        ck_assert(!answer.is_closed);
    }
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_guard");
    TCase *tcase = tcase_create("guard");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_loop_test(tcase, an_ambiguous_request_is_refused_and_the_connection_ends, 0,
                        sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tcase, a_sixty_fourth_header_is_refused_with_what_hides_behind_it);
    tcase_add_test(tcase, sixty_three_headers_are_served);
    tcase_add_test(tcase, a_path_is_decoded_once);
    tcase_add_test(tcase, a_repeated_or_malformed_query_parameter_is_told_apart);
    tcase_add_test(tcase, head_has_the_length_and_no_body);
    tcase_add_test(tcase, an_unknown_path_is_404_and_a_probe_is_not);
    tcase_add_test(tcase, a_method_that_nothing_takes_is_405);
    tcase_add_test(tcase, preflights_are_left_to_the_daemon);
    tcase_add_test(tcase, requests_on_one_connection_are_answered_in_order);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
