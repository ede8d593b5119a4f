/* outward_test.c - what leaves for strangers: HTTP requests, mail, traces. */
#include "echo.h"
#include "peer.h"
#include "sink.h"

#include "chassis/http_client.h"
#include "common/clock.h"
#include "common/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct daemon *daemon_;
static int port;
static struct ctx ctx;
static struct sink sink;

static void set_up(void)
{
    daemon_ = echo_start(&ECHO_OPEN, NULL, &port);
    ctx_init(&ctx, daemon_, "test", 5000);
}

static void tear_down(void)
{
    ctx_finish(&ctx);
    service_stop(daemon_);
}

static struct http_call call_of(const char *method, const char *path)
{
    return (struct http_call){
        .method = method,
        .url = arena_printf(ctx.arena, "http://127.0.0.1:%d%s", port, path),
        .timeout_ms = 2000,
        .allow_private = true,
    };
}

START_TEST(a_request_is_sent_as_given_and_its_answer_returned)
{
    static const struct http_header HEADERS[] = {{"X-Mirror", "yes"},
                                                 {"X-Bad", "a\r\nX-Injected: b"}};
    struct http_call call = call_of("PUT", "/mirror/x?q=1");
    struct http_answer answer;

    call.headers = HEADERS;
    call.header_count = 2;
    call.body = "hello";
    call.body_length = 5;
    struct status status = http_fetch(&ctx, &call, &answer);
    ck_assert_msg(status.code == STATUS_OK, "%s", status.detail);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "PUT /mirror/x 1 yes|hello");
}
END_TEST

START_TEST(an_http_error_is_an_answer)
{
    struct http_call call = call_of("GET", "/nothing");
    struct http_answer answer;

    ck_assert(http_fetch(&ctx, &call, &answer).code == STATUS_OK);
    ck_assert_int_eq(answer.status, 404);
}
END_TEST

START_TEST(private_addresses_are_refused_unless_allowed)
{
    static const char *const HOSTS[] = {"127.0.0.1", "localhost",          "[::1]",
                                        "0.0.0.0",   "[::ffff:127.0.0.1]", "2130706433"};
    struct http_answer answer;

    echo_reset();
    for (size_t i = 0; i < ARRAY_LEN(HOSTS); i++) {
        struct http_call call = {
            .method = "GET",
            .url = arena_printf(ctx.arena, "http://%s:%d/mirror", HOSTS[i], port),
            .timeout_ms = 1000,
        };
        struct status status = http_fetch(&ctx, &call, &answer);
        ck_assert_msg(status_reason_is(status, "HTTP_ADDRESS_FORBIDDEN"), "%s: %s", HOSTS[i],
                      str_or_empty(status.detail));
    }
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(other_schemes_are_refused)
{
    struct http_call call = call_of("GET", "/");
    struct http_answer answer;

    call.url = "file:///etc/hostname";
    ck_assert_int_ne(http_fetch(&ctx, &call, &answer).code, STATUS_OK);
}
END_TEST

START_TEST(not_sent_timed_out_and_lost_are_told_apart)
{
    struct http_call call = call_of("POST", "/mirror/slow");
    struct http_answer answer;

    call.timeout_ms = 100;
    ck_assert_int_eq(http_fetch(&ctx, &call, &answer).code, STATUS_DEADLINE_EXCEEDED);
    call = call_of("POST", "/");
    call.url = "http://127.0.0.1:1/";
    ck_assert(status_reason_is(http_fetch(&ctx, &call, &answer), "HTTP_NOT_SENT"));
    static const char *const GARBAGE[] = {"", NULL};
    sink = (struct sink){.answers = GARBAGE, .end = "\r\n\r\n", .greeting = "garbage\r\n\r\n"};
    sink_open(&sink);
    call = call_of("POST", "/");
    call.url = arena_printf(ctx.arena, "http://127.0.0.1:%d/", sink.port);
    call.timeout_ms = 500;
    ck_assert(status_reason_is(http_fetch(&ctx, &call, &answer), "HTTP_LOST"));
    sink_close(&sink);
}
END_TEST

START_TEST(an_answer_over_the_limit_is_cut_off)
{
    struct http_call call = call_of("POST", "/mirror");
    struct http_answer answer;

    call.body = "a body that is mirrored and too long";
    call.body_length = strlen(call.body);
    call.answer_max = 16;
    ck_assert_int_eq(http_fetch(&ctx, &call, &answer).code, STATUS_UNKNOWN);
}
END_TEST

static const char *const ACCEPT[] = {"250 hello\r\n", "250 ok\r\n",  "250 ok\r\n", "354 go\r\n",
                                     "250 taken\r\n", "221 bye\r\n", NULL};

static struct status send_mail(const char *const *answers, const struct mail *mail)
{
    sink = (struct sink){.answers = answers, .end = "\r\n", .greeting = "220 sink\r\n"};
    sink_open(&sink);
    struct status status =
        mail_send(&ctx, arena_printf(ctx.arena, "smtp://127.0.0.1:%d", sink.port), mail);
    sink_close(&sink);
    return status;
}

static const struct mail LETTER = {
    .from = "shop@example.org",
    .to = "ann@example.org",
    .subject = "Ваш заказ принят и скоро будет у вас дома, спасибо",
    .text = "Total: 10 €\r\n.\nBye",
    .html = "<p>Total: 10 €</p>",
    .message_id = "order-1@shop",
};

START_TEST(mail_arrives_with_its_headers_and_both_bodies)
{
    struct status status = send_mail(ACCEPT, &LETTER);

    ck_assert_msg(status.code == STATUS_OK, "%s", status.detail);
    ck_assert_ptr_nonnull(strstr(sink.got, "MAIL FROM:<shop@example.org>\r\n"));
    ck_assert_ptr_nonnull(strstr(sink.got, "RCPT TO:<ann@example.org>\r\n"));
    ck_assert_ptr_nonnull(strstr(sink.got, "Message-ID: <order-1@shop>\r\n"));
    ck_assert_ptr_nonnull(strstr(sink.got, "Subject: =?UTF-8?B?"));
    ck_assert_ptr_nonnull(strstr(sink.got, "multipart/alternative"));
    ck_assert_ptr_nonnull(strstr(sink.got, "Total: 10 =E2=82=AC"));
    ck_assert_ptr_nonnull(strstr(sink.got, "text/html; charset=utf-8"));
    ck_assert_ptr_null(strstr(sink.got, "=0A"));    /* a line ends as lines of mail do */
    ck_assert_ptr_nonnull(strstr(sink.got, "Bye")); /* the lone dot did not end the message */
}
END_TEST

static int count_of(const char *text)
{
    int count = 0;

    for (const char *at = sink.got; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static struct status send_two_mails(const char *const *answers)
{
    sink = (struct sink){.answers = answers, .end = "\r\n", .greeting = "220 sink\r\n"};
    sink_open(&sink);
    const char *url = arena_printf(ctx.arena, "smtp://127.0.0.1:%d", sink.port);
    ck_assert(mail_send(&ctx, url, &LETTER).code == STATUS_OK);
    struct status status = mail_send(&ctx, url, &LETTER);
    sink_close(&sink);
    return status;
}

#define TAKES_ONE "250 hello\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"

START_TEST(the_next_mail_goes_over_the_same_connection)
{
    static const char *const ANSWERS[] = {TAKES_ONE,    "250 taken\r\n", "250 ok\r\n", "250 ok\r\n",
                                          "354 go\r\n", "250 taken\r\n", NULL};

    ck_assert(send_two_mails(ANSWERS).code == STATUS_OK);
    ck_assert_int_eq(count_of("EHLO"), 1);
    ck_assert_int_eq(count_of("Message-ID"), 2);
}
END_TEST

static const char *const CLOSING[][8] = {
    {TAKES_ONE, "250 taken\r\n421 idle for too long\r\n"},
    {TAKES_ONE, "250 taken\r\n", "421 closing\r\n"},
    {TAKES_ONE, "250 taken\r\n", ""},
    {TAKES_ONE, "250 taken\r\n", "250 ok\r\n", ""},
};

START_TEST(a_kept_connection_that_the_server_closes_is_made_anew_for_the_same_mail)
{
    struct status status = send_two_mails(CLOSING[_i]);

    ck_assert_msg(status.code == STATUS_OK, "%s", status.detail);
    ck_assert_int_eq(count_of("EHLO"), 2);
    ck_assert_int_eq(count_of("Message-ID"), 2);
}
END_TEST

START_TEST(a_mail_that_may_have_been_taken_is_not_sent_again_at_once)
{
    static const char *const ANSWERS[] = {
        TAKES_ONE, "250 taken\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "", NULL};

    ck_assert(status_reason_is(send_two_mails(ANSWERS), "MAIL_NOT_TAKEN"));
    ck_assert_int_eq(count_of("Message-ID"), 2);
}
END_TEST

START_TEST(a_refusal_on_a_kept_connection_is_not_asked_for_twice)
{
    static const char *const ANSWERS[] = {TAKES_ONE, "250 taken\r\n", "250 ok\r\n", "451 later\r\n",
                                          NULL};

    ck_assert(status_reason_is(send_two_mails(ANSWERS), "MAIL_NOT_TAKEN"));
    ck_assert_int_eq(count_of("RCPT TO"), 2);
}
END_TEST

START_TEST(a_permanent_refusal_differs_from_a_passing_one)
{
    static const char *const PERMANENT[] = {"250 hello\r\n", "250 ok\r\n", "550 no such user\r\n",
                                            NULL};
    static const char *const PASSING[] = {"250 hello\r\n", "250 ok\r\n", "451 later\r\n", NULL};

    ck_assert(status_reason_is(send_mail(PERMANENT, &LETTER), "MAIL_REJECTED"));
    ck_assert(status_reason_is(send_mail(PASSING, &LETTER), "MAIL_NOT_TAKEN"));
    ck_assert_int_eq(mail_send(&ctx, "smtp://127.0.0.1:1", &LETTER).code, STATUS_UNAVAILABLE);
}
END_TEST

static const struct {
    const char *label, *to, *subject;
} BAD_MAIL[] = {
    {"command in the address", "a@b.org>\r\nDATA\r\n", "x"},
    {"second address", "a@b.org,c@d.org", "x"},
    {"no address", "ann", "x"},
    {"empty", "", "x"},
    {"header in the subject", "a@b.org", "x\r\nBcc: c@d.org"},
    {"line feed in the subject", "a@b.org", "x\nBcc: c@d.org"},
    {"no UTF-8", "a@b.org", "\xff"},
};

START_TEST(an_address_or_subject_that_is_more_is_refused_before_any_connection)
{
    struct mail mail = LETTER;

    mail.to = BAD_MAIL[_i].to;
    mail.subject = BAD_MAIL[_i].subject;
    struct status status = send_mail(ACCEPT, &mail);
    ck_assert_msg(status_reason_is(status, "INVALID_MAIL"), "%s", BAD_MAIL[_i].label);
    ck_assert_ptr_nonnull(status.violations);
    ck_assert_uint_eq(sink.length, 0);
}
END_TEST

START_TEST(spans_are_exported_with_their_trace_and_outcome)
{
    static const char *const TAKE[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", NULL};
    const struct json_node *root;
    struct answer answer;
    int traced_port;

    sink = (struct sink){.answers = TAKE, .end = "\r\n\r\n"};
    sink_open(&sink);
    const char *const environment[] = {
        "OTLP_URL", arena_printf(ctx.arena, "http://127.0.0.1:%d", sink.port), NULL};
    struct daemon *traced = echo_start(&ECHO_OPEN, environment, &traced_port);
    peer_ask(traced_port,
             "POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: a\r\nContent-Length: 19\r\n"
             "Content-Type: application/json\r\n"
             "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n"
             "{\"reason\":\"REFUSE\"}",
             &answer);
    service_stop(traced);
    sink_close(&sink);
    setenv("OTLP_URL", "", 1);

    ck_assert_ptr_eq(strstr(sink.got, "POST /v1/traces HTTP/1.1\r\n"), sink.got);
    const char *body = strstr(sink.got, "\r\n\r\n") + 4;
    ck_assert(json_parse(ctx.arena, body, strlen(body), &root).code == STATUS_OK);
    const struct json_node *scope =
        json_member(json_member(root, "resourceSpans")->child, "scopeSpans")->child;
    const struct json_node *span = json_member(scope, "spans")->child;
    ck_assert_str_eq(json_text(json_member(span, "traceId")), "0af7651916cd43dd8448eb211c80319c");
    ck_assert_str_eq(json_text(json_member(span, "parentSpanId")), "b7ad6b7169203331");
    ck_assert_str_eq(json_text(json_member(span, "name")), "echo.v1.EchoService/Say");
    ck_assert_ptr_nonnull(json_at(span, "status.code"));
    ck_assert_ptr_nonnull(strstr(body, "\"invalid_argument\""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outward");
    TCase *tcase = tcase_create("outward");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, a_request_is_sent_as_given_and_its_answer_returned);
    tcase_add_test(tcase, an_http_error_is_an_answer);
    tcase_add_test(tcase, private_addresses_are_refused_unless_allowed);
    tcase_add_test(tcase, other_schemes_are_refused);
    tcase_add_test(tcase, not_sent_timed_out_and_lost_are_told_apart);
    tcase_add_test(tcase, an_answer_over_the_limit_is_cut_off);
    tcase_add_test(tcase, mail_arrives_with_its_headers_and_both_bodies);
    tcase_add_test(tcase, the_next_mail_goes_over_the_same_connection);
    tcase_add_loop_test(tcase,
                        a_kept_connection_that_the_server_closes_is_made_anew_for_the_same_mail, 0,
                        ARRAY_LEN(CLOSING));
    tcase_add_test(tcase, a_mail_that_may_have_been_taken_is_not_sent_again_at_once);
    tcase_add_test(tcase, a_refusal_on_a_kept_connection_is_not_asked_for_twice);
    tcase_add_test(tcase, a_permanent_refusal_differs_from_a_passing_one);
    tcase_add_loop_test(tcase, an_address_or_subject_that_is_more_is_refused_before_any_connection,
                        0, ARRAY_LEN(BAD_MAIL));
    tcase_add_test(tcase, spans_are_exported_with_their_trace_and_outcome);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
