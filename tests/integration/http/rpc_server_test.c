/* rpc_server_test.c - the server side of the protocol, as any Connect client would meet it. */
#include "echo.h"
#include "peer.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/v1/context.pb-c.h"
#include "rpc.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct daemon *open_, *signed_, *friend_;
static int open_port, signed_port;
static struct ctx ctx;

static void set_up(void)
{
    int unused;

    open_ = echo_start(&ECHO_OPEN, NULL, &open_port);
    signed_ = echo_start(&ECHO, NULL, &signed_port);
    setenv("ECHO_URL", "http://127.0.0.1:1", 1);
    friend_ = echo_start(&FRIEND, NULL, &unused);
    ctx_init(&ctx, friend_, "test", 5000);
}

static void tear_down(void)
{
    ctx_finish(&ctx);
    service_stop(friend_);
    service_stop(signed_);
    service_stop(open_);
}

/* POSTs to `path` with these header lines (each ending in CR LF). */
static void post(int port, const char *path, const char *headers, const char *body,
                 struct answer *ret_answer)
{
    peer_ask(port,
             arena_printf(ctx.arena,
                          "POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s", path,
                          headers, strlen(body), body),
             ret_answer);
}

static void say(const char *headers, const char *body, struct answer *ret_answer)
{
    post(open_port, "/echo.v1.EchoService/Say", headers, body, ret_answer);
}

static const char *body_of(const struct answer *answer)
{
    const char *end = strstr(answer->text, "\r\n\r\n");

    return end ? end + 4 : "";
}

static struct status refusal_of(const struct answer *answer)
{
    return rpc_error_decode(&ctx, answer->status, "application/json", body_of(answer),
                            strlen(body_of(answer)));
}

static const char JSON[] = "Content-Type: application/json\r\n";

START_TEST(json_and_protobuf_say_the_same)
{
    struct answer answer;

    say(JSON, "{\"reason\":\"HELLO\"}", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "Content-Type: application/json\r\n"));
    ck_assert_str_eq(body_of(&answer), "{\"reason\":\"HELLO\"}");
    say("Content-Type: application/json; charset=utf-8\r\n", "{}", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(body_of(&answer), "{}");
    say("Content-Type: application/proto\r\nConnect-Protocol-Version: 1\r\n", "\n\002OK", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "Content-Type: application/proto\r\n"));
    ck_assert_str_eq(body_of(&answer), "\n\002OK");
}
END_TEST

static const struct {
    const char *label, *headers, *body;
    int status;
    enum status_code code;
} REFUSED[] = {
    {"no content type", "", "{}", 415, 0},
    {"text", "Content-Type: text/plain\r\n", "{}", 415, 0},
    {"streaming codec", "Content-Type: application/connect+json\r\n", "{}", 415, 0},
    {"other charset", "Content-Type: application/json; charset=latin-1\r\n", "{}", 415, 0},
    {"compressed", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "{}", 501,
     STATUS_UNIMPLEMENTED},
    {"other version", "Content-Type: application/json\r\nConnect-Protocol-Version: 2\r\n", "{}",
     400, STATUS_INVALID_ARGUMENT},
    {"time-out in words", "Content-Type: application/json\r\nConnect-Timeout-Ms: soon\r\n", "{}",
     400, STATUS_INVALID_ARGUMENT},
    {"time-out too long", "Content-Type: application/json\r\nConnect-Timeout-Ms: 12345678901\r\n",
     "{}", 400, STATUS_INVALID_ARGUMENT},
    {"no JSON", "Content-Type: application/json\r\n", "{", 400, STATUS_INVALID_ARGUMENT},
    {"empty JSON", "Content-Type: application/json\r\n", "", 400, STATUS_INVALID_ARGUMENT},
    {"unknown field", "Content-Type: application/json\r\n", "{\"nope\":1}", 400,
     STATUS_INVALID_ARGUMENT},
    {"no protobuf", "Content-Type: application/proto\r\n", "\n\177x", 400, STATUS_INVALID_ARGUMENT},
    {"blank in the key", "Content-Type: application/json\r\nIdempotency-Key: a b\r\n", "{}", 400,
     STATUS_INVALID_ARGUMENT},
    {"empty key", "Content-Type: application/json\r\nIdempotency-Key: \r\n", "{}", 400,
     STATUS_INVALID_ARGUMENT},
};

START_TEST(a_call_that_breaks_the_protocol_is_refused_as_it_says)
{
    struct answer answer;

    echo_reset();
    say(REFUSED[_i].headers, REFUSED[_i].body, &answer);
    ck_assert_msg(answer.status == REFUSED[_i].status, "%s: %d", REFUSED[_i].label, answer.status);
    if (REFUSED[_i].code)
        ck_assert_msg(refusal_of(&answer).code == REFUSED[_i].code, "%s: %s", REFUSED[_i].label,
                      body_of(&answer));
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(a_wrong_verb_is_405_and_a_wrong_path_404)
{
    struct answer answer;

    peer_ask(open_port, "GET /echo.v1.EchoService/Say HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_ptr_nonnull(strstr(answer.text, "Allow: POST\r\n"));
    post(open_port, "/echo.v1.EchoService/Shout", JSON, "{}", &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_int_eq(refusal_of(&answer).code, STATUS_UNIMPLEMENTED);
    ck_assert_str_eq(refusal_of(&answer).reason, "UNKNOWN_METHOD");
}
END_TEST

START_TEST(an_invalid_field_is_named_with_its_value_and_what_is_allowed)
{
    struct answer answer;
    char body[256];

    snprintf(body, sizeof body, "{\"reason\":\"%065d\"}", 0);
    say(JSON, body, &answer);
    ck_assert_int_eq(answer.status, 400);
    struct status status = refusal_of(&answer);
    ck_assert_str_eq(status.reason, "INVALID_REQUEST");
    ck_assert_ptr_nonnull(status.violations);
    ck_assert_str_eq(status.violations->field, "reason");
    ck_assert(strlen(status.violations->value) > 0);
    ck_assert(strlen(status.violations->allowed) > 0);
    ck_assert_ptr_null(status.violations->next);
}
END_TEST

START_TEST(a_handlers_refusal_crosses_the_wire_whole)
{
    struct answer answer;

    say(JSON, "{\"reason\":\"REFUSE\"}", &answer);
    struct status status = refusal_of(&answer);
    ck_assert_int_eq(status.code, STATUS_INVALID_ARGUMENT);
    ck_assert(rpc_reason_is(status, &ERROR_INVALID_REQUEST));
    ck_assert_str_eq(status.detail, "reason: anything else");
    ck_assert_str_eq(status.violations->value, "REFUSE");
    say(JSON, "{\"reason\":\"UNAVAILABLE\"}", &answer);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_int_eq(refusal_of(&answer).code, STATUS_UNAVAILABLE);
    ck_assert_str_eq(refusal_of(&answer).reason, "DEPENDENCY_UNAVAILABLE");
    say(JSON, "{\"reason\":\"MISSING\"}", &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_str_eq(refusal_of(&answer).reason, "NOT_FOUND");
}
END_TEST

START_TEST(bytes_that_are_no_message_are_malformed)
{
    struct answer answer;

    say("Content-Type: application/proto\r\n", "\n\177x", &answer);
    ck_assert_str_eq(refusal_of(&answer).reason, "MALFORMED_MESSAGE");
}
END_TEST

START_TEST(the_deadline_is_the_callers_when_it_is_shorter)
{
    struct answer answer;
    int left = 0;

    say("Content-Type: application/json\r\nConnect-Timeout-Ms: 700\r\n", "{\"reason\":\"LEFT\"}",
        &answer);
    ck_assert_int_eq(sscanf(body_of(&answer), "{\"reason\":\"%d\"}", &left), 1);
    ck_assert_int_le(left, 700);
    ck_assert_int_ge(left, 500);
    say("Content-Type: application/json\r\nConnect-Timeout-Ms: 9999999999\r\n",
        "{\"reason\":\"LEFT\"}", &answer);
    ck_assert_int_eq(sscanf(body_of(&answer), "{\"reason\":\"%d\"}", &left), 1);
    ck_assert_int_le(left, 10000);
}
END_TEST

START_TEST(the_trace_of_the_caller_goes_on)
{
    struct answer answer;

    say("Content-Type: application/json\r\n"
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        "{\"reason\":\"TRACE\"}", &answer);
    ck_assert_str_eq(body_of(&answer), "{\"reason\":\"0af7651916cd43dd8448eb211c80319c\"}");
    say("Content-Type: application/json\r\n"
        "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n",
        "{\"reason\":\"TRACE\"}", &answer);
    ck_assert_ptr_null(strstr(body_of(&answer), "00000000000000000000000000000000"));
}
END_TEST

static const char *signed_headers(const char *signature)
{
    return arena_printf(ctx.arena, "Content-Type: application/json\r\nTorg-Context: %s\r\n",
                        signature);
}

/* A context made by hand: what an attacker or a broken clock could send. */
static const char *forge(const char *service, const char *key_id, const char *key_hex,
                         int64_t expire_in_s)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Common__V1__CallContext context = COMMON__V1__CALL_CONTEXT__INIT;
    uint8_t packed[256], key[16], mac[32];
    crypto_auth_hmacsha256_state state;

    time.seconds = clock_now_us() / 1000000 + expire_in_s;
    context.service = service;
    context.actor = "system";
    context.scopes = "*";
    context.expire_time = &time;
    size_t size = common__v1__call_context__pack(&context, packed);
    const char *text =
        arena_printf(ctx.arena, "%s.%s", str_base64url(ctx.arena, packed, size), key_id);
    ck_assert(str_from_hex(key_hex, key, sizeof key));
    crypto_auth_hmacsha256_init(&state, key, sizeof key);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, mac);
    return arena_printf(ctx.arena, "%s.%s", text, str_base64url(ctx.arena, mac, sizeof mac));
}

#define FRIEND_KEY "ffeeddccbbaa99887766554433221100"

START_TEST(a_signed_call_brings_its_caller)
{
    struct answer answer;

    ctx.caller.actor = "customer:7";
    ctx.caller.scopes = "a b";
    ctx.correlation_id = "checkout-1";
    post(signed_port, "/echo.v1.EchoService/Say",
         signed_headers(call_context_sign(&ctx, friend_->keys, "friend")), "{\"reason\":\"WHO\"}",
         &answer);
    ck_assert_str_eq(body_of(&answer), "{\"reason\":\"friend customer:7 a b checkout-1\"}");
    post(signed_port, "/echo.v1.EchoService/Say",
         signed_headers(forge("friend", "f1", FRIEND_KEY, 30)), "{}", &answer);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

static const struct {
    const char *label, *service, *key_id, *key;
    int64_t expire_in_s;
} FORGED[] = {
    {"another daemon's key", "echo", "f1", FRIEND_KEY, 30},
    {"wrong key", "friend", "f1", "ffeeddccbbaa99887766554433221101", 30},
    {"unknown key id", "friend", "f2", FRIEND_KEY, 30},
    {"unknown daemon", "stranger", "f1", FRIEND_KEY, 30},
};

START_TEST(a_context_that_is_not_genuine_is_unauthenticated)
{
    struct answer answer;

    echo_reset();
    post(signed_port, "/echo.v1.EchoService/Say",
         signed_headers(
             forge(FORGED[_i].service, FORGED[_i].key_id, FORGED[_i].key, FORGED[_i].expire_in_s)),
         "{}", &answer);
    ck_assert_msg(answer.status == 401, "%s: %d", FORGED[_i].label, answer.status);
    ck_assert_str_eq(refusal_of(&answer).reason, "UNAUTHENTICATED");
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(a_genuine_context_at_the_wrong_time_tells_of_a_clock)
{
    static const int64_t EXPIRE_IN_S[] = {-10, 120};
    struct answer answer;

    echo_reset();
    for (size_t i = 0; i < ARRAY_LEN(EXPIRE_IN_S); i++) {
        post(signed_port, "/echo.v1.EchoService/Say",
             signed_headers(forge("friend", "f1", FRIEND_KEY, EXPIRE_IN_S[i])), "{}", &answer);
        ck_assert_int_eq(answer.status, 503);
        ck_assert_str_eq(refusal_of(&answer).reason, "CLOCKS_DIFFER");
    }
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(an_unsigned_or_mangled_call_is_unauthenticated)
{
    struct answer answer;
    const char *good = call_context_sign(&ctx, friend_->keys, "friend");

    echo_reset();
    post(signed_port, "/echo.v1.EchoService/Say", JSON, "{}", &answer);
    ck_assert_int_eq(answer.status, 401);
    for (size_t i = 0; i < strlen(good); i += 7) {
        char *bad = arena_strdup(ctx.arena, good);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        post(signed_port, "/echo.v1.EchoService/Say", signed_headers(bad), "{}", &answer);
        ck_assert_msg(answer.status == 401, "byte %zu: %d", i, answer.status);
    }
    ck_assert_int_eq(echo_calls(), 0);
}
END_TEST

START_TEST(a_method_takes_only_its_callers_with_its_scope)
{
    struct answer answer;
    static const char WHISPER[] = "/echo.v1.EchoService/Whisper";

    ctx.caller.scopes = "other echo.read";
    post(signed_port, WHISPER, signed_headers(call_context_sign(&ctx, friend_->keys, "friend")),
         "{}", &answer);
    ck_assert_int_eq(answer.status, 200);
    post(signed_port, WHISPER, signed_headers(call_context_sign(&ctx, friend_->keys, "echo")), "{}",
         &answer);
    ck_assert_int_eq(answer.status, 403);
    ctx.caller.scopes = "echo.reader echo.rea";
    post(signed_port, WHISPER, signed_headers(call_context_sign(&ctx, friend_->keys, "friend")),
         "{}", &answer);
    ck_assert_int_eq(answer.status, 403);
    ck_assert_str_eq(refusal_of(&answer).reason, "PERMISSION_DENIED");
}
END_TEST

START_TEST(calls_are_counted_by_method_and_outcome)
{
    struct answer answer;

    say(JSON, "{\"reason\":\"REFUSE\"}", &answer);
    say(JSON, "{}", &answer);
    peer_ask(open_port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &answer);
    ck_assert_ptr_nonnull(strstr(
        answer.text,
        "echo_rpc_calls_total{method=\"echo.v1.EchoService/Say\",code=\"invalid_argument\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(
        answer.text, "echo_rpc_calls_total{method=\"echo.v1.EchoService/Say\",code=\"ok\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(
        answer.text, "echo_rpc_duration_seconds_count{method=\"echo.v1.EchoService/Say\"} 2\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc_server");
    TCase *tcase = tcase_create("server");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, json_and_protobuf_say_the_same);
    tcase_add_loop_test(tcase, a_call_that_breaks_the_protocol_is_refused_as_it_says, 0,
                        sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tcase, a_wrong_verb_is_405_and_a_wrong_path_404);
    tcase_add_test(tcase, an_invalid_field_is_named_with_its_value_and_what_is_allowed);
    tcase_add_test(tcase, a_handlers_refusal_crosses_the_wire_whole);
    tcase_add_test(tcase, bytes_that_are_no_message_are_malformed);
    tcase_add_test(tcase, the_deadline_is_the_callers_when_it_is_shorter);
    tcase_add_test(tcase, the_trace_of_the_caller_goes_on);
    tcase_add_test(tcase, a_signed_call_brings_its_caller);
    tcase_add_loop_test(tcase, a_context_that_is_not_genuine_is_unauthenticated, 0,
                        sizeof FORGED / sizeof FORGED[0]);
    tcase_add_test(tcase, a_genuine_context_at_the_wrong_time_tells_of_a_clock);
    tcase_add_test(tcase, an_unsigned_or_mangled_call_is_unauthenticated);
    tcase_add_test(tcase, a_method_takes_only_its_callers_with_its_scope);
    tcase_add_test(tcase, calls_are_counted_by_method_and_outcome);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
