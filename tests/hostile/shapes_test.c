/* shapes_test.c - requests that are wrong in their shape, at the gateway and at a daemon: each gets
 * one answer at most, a refusal, and then the connection ends, so nothing can hide behind it. */
#include "peer.h"
#include "probe.h"
#include "request.h"
#include "target.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define POST "POST {path} HTTP/1.1\r\nHost: a\r\n{key}Content-Type: application/json\r\n"
#define CLOSE "Connection: close\r\n"
#define SMUGGLED "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct {
    const char *label, *template;
} SHAPES[] = {
    /* Where does the body end? */
    {"both lengths",
     POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"both lengths, the other order",
     POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"two lengths", POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED},
    {"conflicting lengths", POST "Content-Length: 2\r\nContent-Length: 38\r\n\r\n{}" SMUGGLED},
    {"a list of lengths", POST "Content-Length: 2, 2\r\n\r\n{}" SMUGGLED},
    {"a signed length", POST "Content-Length: +2\r\n\r\n{}" SMUGGLED},
    {"a negative length", POST "Content-Length: -1\r\n\r\n{}" SMUGGLED},
    {"a hexadecimal length", POST "Content-Length: 0x2\r\n\r\n{}" SMUGGLED},
    {"a length with a blank", POST "Content-Length: 2 2\r\n\r\n{}" SMUGGLED},
    {"an empty length", POST "Content-Length:\r\n\r\n{}" SMUGGLED},
    {"a length beyond 64 bits", POST "Content-Length: 18446744073709551618\r\n\r\n{}" SMUGGLED},
    {"a length in quotes", POST "Content-Length: \"2\"\r\n\r\n{}" SMUGGLED},
    {"chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"chunked in two lines",
     POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"identity", POST "Transfer-Encoding: identity\r\n\r\n{}" SMUGGLED},
    {"a coding like chunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"chunked and gzip", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"chunked in quotes", POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"chunked behind a vertical tab", POST "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"chunked with a parameter", POST "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"a blank before the colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"a blank before the name",
     "POST {path} HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"a folded coding", POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" SMUGGLED},
    {"a folded header", POST "A: b\r\n\tc\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED},
    {"a coding behind a bare line feed", POST "A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"a coding behind a bare return", POST "A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"bare line feeds", "GET {path} HTTP/1.1\nHost: a\n\n" SMUGGLED},
    {"a coding of HTTP/1.0", "POST {path} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                             "Content-Length: 3\r\n\r\n0\r\n\r\n" SMUGGLED},
    /* Chunks */
    {"a chunk of no size", POST "Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n"},
    {"a chunk of a bad size", POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"},
    {"a chunk of negative size", POST "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"},
    {"a chunk beyond 64 bits",
     POST "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF0\r\n{}\r\n0\r\n\r\n"},
    {"a chunk of 2^63",
     POST "Transfer-Encoding: chunked\r\n\r\n8000000000000000\r\n{}\r\n0\r\n\r\n"},
    {"a chunk longer than said", POST "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"},
    {"a long chunk extension",
     POST CLOSE "Transfer-Encoding: chunked\r\n\r\n2;{e*2000000}\r\n{}\r\n0\r\n\r\n"},
    {"chunks over the limit",
     POST "Transfer-Encoding: chunked\r\n\r\n200000\r\n{x*2097152}\r\n0\r\n\r\n"},
    /* Heads */
    {"64 headers", "GET {path} HTTP/1.1\r\nHost: a\r\n{line*63}\r\n" SMUGGLED},
    {"hidden behind 70 headers",
     "POST {path} HTTP/1.1\r\nHost: a\r\n{line*70}Content-Length: 36\r\n\r\n" SMUGGLED},
    {"a thousand headers", "GET {path} HTTP/1.1\r\nHost: a\r\n{line*1000}\r\n"},
    {"a long header", "GET {path} HTTP/1.1\r\nHost: a\r\nA: {a*40000}\r\n\r\n"},
    {"a long header name", "GET {path} HTTP/1.1\r\nHost: a\r\n{a*40000}: b\r\n\r\n"},
    {"a very long target", "GET {path}?{a*40000} HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a very long method", "{A*40000} {path} HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"no host", "GET {path} HTTP/1.1\r\n\r\n" SMUGGLED},
    {"two hosts", "GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" SMUGGLED},
    {"NUL in a header", "GET {path} HTTP/1.1\r\nHost: a\r\nA: b\1c\r\n\r\n" SMUGGLED},
    {"NUL in a name", "GET {path} HTTP/1.1\r\nHost: a\r\nA\1: b\r\n\r\n" SMUGGLED},
    {"NUL in the target", "GET {path}\1 HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"a control character in a header",
     "GET {path} HTTP/1.1\r\nHost: a\r\nA: \x07\r\n\r\n" SMUGGLED},
    {"a line without a colon", "GET {path} HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n" SMUGGLED},
    {"a header without a name", "GET {path} HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n" SMUGGLED},
    {"an unknown expectation", POST "Expect: tea\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED},
    /* Targets */
    {"an encoded NUL", "GET {path}/%00 HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"an encoded slash", "GET {path}%2Fx HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"an encoded backslash", "GET {path}/%5C..%5Chealthz HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"a backslash", "GET {path}\\..\\healthz HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"dot segments", "GET {path}/../../healthz HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"encoded dot segments", "GET {path}/%2e%2E/healthz HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"dots encoded twice", "GET {path}/%252e%252e/healthz HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"an empty segment", "GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"an overlong UTF-8 slash", "GET {path}/%c0%af HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"a surrogate in UTF-8", "GET {path}/%ed%a0%80 HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"a short escape", "GET {path}/%4 HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"another server's target", "GET http://b/nothing HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"a host and a port", "CONNECT b:80 HTTP/1.1\r\nHost: b\r\n" CLOSE "\r\n"},
    {"a relative target", "GET healthz HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"a target with a blank", "GET {path} x HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    {"sixty segments", "GET {/*60} HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED},
    /* Methods and protocols */
    {"TRACE", "TRACE {path} HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"an unknown method", "BREW {path} HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"a method in lower case", "post {path} HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"},
    {"no version", "GET {path}\r\n\r\n"},
    {"another version", "GET {path} HTTP/3.0\r\nHost: a\r\n\r\n" SMUGGLED},
    {"a version that is none", "GET {path} HTTP/1.1x\r\nHost: a\r\n\r\n" SMUGGLED},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\1\1\1\4\1\1\1\1\1"},
    {"an upgrade",
     "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"},
    /* Bodies */
    {"a terabyte announced", POST "Content-Length: 1099511627776\r\n\r\n{a*100000}"},
    {"arrays nested deep", POST CLOSE "Content-Length: 200000\r\n\r\n{[*200000}"},
    {"objects nested deep", POST CLOSE "Content-Length: 60000\r\n\r\n{\"a\":{[*59995}"},
    {"text that is not UTF-8", POST CLOSE "Content-Length: 15\r\n\r\n{\"email\":\"\xff\xfe\"}\n"},
    {"half a surrogate", POST CLOSE "Content-Length: 18\r\n\r\n{\"email\":\"\\ud800\"}"},
    {"a long number", POST CLOSE "Content-Length: 500000\r\n\r\n{1*500000}"},
    {"NUL in the body", POST CLOSE "Content-Length: 3\r\n\r\n{}\1"},
    {"half an object", POST CLOSE "Content-Length: 9\r\n\r\n{\"email\":"},
    {"more than an object", POST CLOSE "Content-Length: 4\r\n\r\n{}{}"},
    {"a name that is not ours", POST CLOSE "Content-Length: 14\r\n\r\n{\"__proto__\":1}"},
    {"a body of another kind", "POST {path} HTTP/1.1\r\nHost: a\r\n{key}" CLOSE
                               "Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"},
};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof SHAPES[0] };

static int answers_in(const struct answer *answer)
{
    int count = 0;

    for (const char *p = answer->text; (p = strstr(p, "HTTP/1.1 ")); p++)
        count++;
    return count;
}

START_TEST(a_malformed_request_gets_one_refusal_and_the_connection_ends)
{
    const struct target *target = &targets[_i / SHAPE_COUNT];
    const char *label = SHAPES[_i % SHAPE_COUNT].label;
    struct request request = request_expand(target, SHAPES[_i % SHAPE_COUNT].template);
    struct answer answer;
    int fd = peer_connect(target->port);

    peer_send_n(fd, request.text, request.length);
    shutdown(fd, SHUT_WR);
    peer_read_all(fd, &answer);
    ck_assert_msg(answer.is_closed, "%s: %s goes on", label, target->name);
    ck_assert_msg(answers_in(&answer) <= 1, "%s: %s answers twice: %s", label, target->name,
                  answer.text);
    ck_assert_msg(answer.length == 0 || answer.status / 100 == 4 || answer.status == 501 ||
                      answer.status == 505,
                  "%s: %s answers %s", label, target->name, answer.text);
    close(fd);
    free(request.text);
}
END_TEST

/* What is odd, but clear, is served. */
static const struct {
    const char *label, *template;
    int answers;
} SERVED[] = {
    {"HTTP/1.0", "GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n", 1},
    {"empty lines first", "\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", 1},
    {"63 headers", "GET /healthz HTTP/1.1\r\nHost: a\r\n{line*61}" CLOSE "\r\n", 1},
    {"a pipeline", SMUGGLED SMUGGLED SMUGGLED "GET /healthz HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n",
     4},
    {"a body with GET", "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED,
     2},
};
enum { SERVED_COUNT = sizeof SERVED / sizeof SERVED[0] };

START_TEST(what_is_odd_but_clear_is_served_also_to_who_has_closed_his_half)
{
    const struct target *target = &targets[_i / SERVED_COUNT];
    struct request request = request_expand(target, SERVED[_i % SERVED_COUNT].template);
    struct answer answer;
    int fd = peer_connect(target->port);

    peer_send_n(fd, request.text, request.length);
    shutdown(fd, SHUT_WR);
    peer_read_all(fd, &answer);
    ck_assert_msg(answer.status == 200, "%s: %s", SERVED[_i % SERVED_COUNT].label, answer.text);
    ck_assert_msg(answers_in(&answer) == SERVED[_i % SERVED_COUNT].answers, "%s: %s",
                  SERVED[_i % SERVED_COUNT].label, answer.text);
    close(fd);
    free(request.text);
}
END_TEST

static struct probes *probes;

START_TEST(honest_clients_come_in)
{
    targets_find();
    probes = probes_start();
}
END_TEST

START_TEST(honest_clients_beside_them_were_served)
{
    struct served served = probes_stop(probes);

    printf("# %ld honest requests beside them were served\n", served.answers);
    ck_assert_msg(served.refusals == 0, "%ld refused, such as %s", served.refusals, served.worst);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile shapes");
    TCase *tcase = tcase_create("shapes");

    tcase_add_test(tcase, honest_clients_come_in);
    tcase_add_loop_test(tcase, a_malformed_request_gets_one_refusal_and_the_connection_ends, 0,
                        SHAPE_COUNT * TARGETS);
    tcase_add_loop_test(tcase, what_is_odd_but_clear_is_served_also_to_who_has_closed_his_half, 0,
                        SERVED_COUNT * TARGETS);
    tcase_add_test(tcase, honest_clients_beside_them_were_served);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* the honest clients live through all cases */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
