/* telemetry_test.c - log lines, traces, metrics and refusals as others read them. */
#include "chassis/log.h"
#include "common/json.h"
#include "metrics.h"
#include "rpc.h"
#include "trace.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct service SERVICE = {.name = "outbox-relay"};
static struct daemon daemon_;
static struct ctx ctx;
static char line[16384];

static void set_up(void)
{
    daemon_ = (struct daemon){.service = &SERVICE, .arena = arena_create(1 << 20)};
    daemon_.metrics = metric_list_create(daemon_.arena);
    ctx_init(&ctx, &daemon_, "test", 1000);
    log_set_level(LOG_INFO);
}

static void tear_down(void)
{
    ctx_finish(&ctx);
    arena_destroy(daemon_.arena);
}

/* What log_line writes, as a parsed object; NULL when it wrote nothing. */
static const struct json_node *logged(enum log_level level, const struct log_field *fields)
{
    char path[] = "/tmp/torg-log-XXXXXX";
    int file = mkstemp(path), old = dup(STDERR_FILENO);
    const struct json_node *root = NULL;

    dup2(file, STDERR_FILENO);
    log_line(level, &ctx, "thing_done", fields);
    dup2(old, STDERR_FILENO);
    ssize_t length = pread(file, line, sizeof line - 1, 0);
    close(file);
    close(old);
    unlink(path);
    if (length <= 0)
        return NULL;
    ck_assert_int_eq(line[length - 1], '\n');
    line[length] = '\0';
    struct status status = json_parse(ctx.arena, line, (size_t)length, &root);
    ck_assert_msg(status.code == STATUS_OK, "%s: %s", status.detail, line);
    return root;
}

START_TEST(a_line_is_one_json_object_with_its_trace)
{
    const struct log_field fields[] = {LOG_STR("text", "a \"b\"\\\n\tc\x01 é"), LOG_INT("n", -5),
                                       LOG_STR("absent", NULL), LOG_END};
    const struct json_node *root = logged(LOG_WARN, fields);
    char trace_id[33];
    int64_t number = 0;

    trace_id_format(&ctx.trace, trace_id);
    ck_assert_str_eq(json_text(json_member(root, "level")), "warn");
    ck_assert_str_eq(json_text(json_member(root, "service")), "outbox-relay");
    ck_assert_str_eq(json_text(json_member(root, "event")), "thing_done");
    ck_assert_str_eq(json_text(json_member(root, "trace_id")), trace_id);
    ck_assert_str_eq(json_text(json_member(root, "text")), "a \"b\"\\\n\tc\x01 é");
    ck_assert(json_to_int64(json_member(root, "n"), &number));
    ck_assert_int_eq(number, -5);
    ck_assert_ptr_null(json_member(root, "absent"));
}
END_TEST

START_TEST(a_long_line_is_cut_between_characters_and_stays_json)
{
    for (size_t shift = 0; shift < 4; shift++) {
        char text[3000] = "";
        struct log_field fields[9];
        memset(text, 'x', shift);
        for (size_t at = shift; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "😈", 4);
        for (size_t i = 0; i < 8; i++)
            fields[i] = LOG_STR("k", text);
        fields[8] = LOG_END;
        const struct json_node *root = logged(LOG_ERROR, fields);
        ck_assert_ptr_nonnull(root);
        ck_assert_uint_le(strlen(line), 4096);
        const char *kept = json_text(json_member(root, "k"));
        ck_assert(str_is_utf8(kept, strlen(kept)));
        ck_assert_uint_gt(strlen(kept), 900);
    }
}
END_TEST

START_TEST(a_level_below_the_threshold_writes_nothing)
{
    const struct log_field none[] = {LOG_END};

    ck_assert_ptr_null(logged(LOG_DEBUG, none));
    log_set_level(LOG_DEBUG);
    ck_assert_ptr_nonnull(logged(LOG_DEBUG, none));
}
END_TEST

static const char *const BAD_PARENTS[] = {
    "",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
    "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

START_TEST(a_malformed_traceparent_starts_a_new_trace)
{
    struct trace trace;
    static const uint8_t NONE[8];

    trace_start(&trace, BAD_PARENTS[_i]);
    ck_assert_msg(!memcmp(trace.parent_id, NONE, sizeof NONE), "%s", BAD_PARENTS[_i]);
    ck_assert(trace.is_sampled);
}
END_TEST

START_TEST(a_trace_goes_on_below_its_parent)
{
    struct trace trace, child;
    char text[TRACEPARENT_LENGTH + 1];

    trace_start(&trace, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    ck_assert(!trace.is_sampled);
    trace_child(&child, &trace);
    trace_format(&child, text);
    ck_assert_int_eq(strncmp(text, "00-0af7651916cd43dd8448eb211c80319c-", 36), 0);
    ck_assert_str_eq(text + 52, "-00");
    ck_assert_int_eq(memcmp(child.parent_id, trace.span_id, 8), 0);
    ck_assert_int_ne(memcmp(child.span_id, trace.span_id, 8), 0);
    trace_start(&trace, "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later");
    ck_assert(trace.is_sampled);
    ck_assert_int_eq(trace.trace_id[0], 0x0a);
}
END_TEST

static const char *const COLOURS[] = {"red", "green", NULL};
static struct metric PAINTED = {.name = "_painted_total",
                                .type = METRIC_COUNTER,
                                .doc = "things painted",
                                .label_name = "colour",
                                .label_values = COLOURS};
static struct metric DRYING = {
    .name = "relay_drying_seconds", .type = METRIC_HISTOGRAM, .doc = "time to dry"};

START_TEST(metrics_print_as_prometheus_reads_them)
{
    struct buffer out;

    metrics_register(&daemon_, &PAINTED);
    metrics_register(&daemon_, &DRYING);
    metrics_register(&daemon_, &DRYING);
    metric_add(&PAINTED, 1, 3);
    metric_observe_us(&DRYING, 0, 100);
    metric_observe_us(&DRYING, 0, 101);
    metric_observe_us(&DRYING, 0, 20000000);
    buffer_init(&out, ctx.arena, 4096);
    metrics_print(&daemon_, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "# HELP outbox_relay_painted_total things painted\n"
                                           "# TYPE outbox_relay_painted_total counter\n"
                                           "outbox_relay_painted_total{colour=\"red\"} 0\n"
                                           "outbox_relay_painted_total{colour=\"green\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "relay_drying_seconds_bucket{le=\"0.0001\"} 1\n"
                                           "relay_drying_seconds_bucket{le=\"0.00025\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "relay_drying_seconds_bucket{le=\"10\"} 2\n"
                                           "relay_drying_seconds_bucket{le=\"+Inf\"} 3\n"
                                           "relay_drying_seconds_sum 20.000201\n"
                                           "relay_drying_seconds_count 3\n"));
    ck_assert_ptr_eq(strstr(strstr(out.data, "TYPE relay_drying") + 1, "TYPE relay_drying"), NULL);
}
END_TEST

START_TEST(a_refusal_takes_its_violations_in_order)
{
    char value[500];

    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    ctx_violation(&ctx, "first", value, "shorter");
    ctx_violation(&ctx, "second", NULL, "present");
    ck_assert(ctx_has_violations(&ctx));
    struct status status = ctx_fail(&ctx, &ERROR_INVALID_REQUEST, "%d fields", 2);
    ck_assert_str_eq(status.detail, "2 fields");
    ck_assert_str_eq(status.violations->field, "first");
    ck_assert_uint_lt(strlen(status.violations->value), 300);
    ck_assert_str_eq(status.violations->next->field, "second");
    ck_assert_str_eq(status.violations->next->value, "");
    ck_assert_ptr_null(status.violations->next->next);
    ck_assert(!ctx_has_violations(&ctx));
}
END_TEST

START_TEST(a_status_survives_the_wire)
{
    struct buffer out;

    for (int code = STATUS_CANCELLED; code <= STATUS_UNAUTHENTICATED; code++) {
        buffer_init(&out, ctx.arena, 256);
        ctx_violation(&ctx, "a.b[1]", "x\"y", "no quotes");
        struct error_def error = {(enum status_code)code, "SOME_REASON", ""};
        rpc_error_encode(&ctx, ctx_fail(&ctx, &error, "dét\"ail"), &out);
        struct status back = rpc_error_decode(&ctx, rpc_http_status(error.code), "application/json",
                                              out.data, out.length);
        ck_assert_int_eq(back.code, code);
        ck_assert(status_reason_is(back, "SOME_REASON"));
        ck_assert_str_eq(back.detail, "dét\"ail");
        ck_assert_str_eq(back.violations->value, "x\"y");
    }
}
END_TEST

static const struct {
    int http_status;
    const char *body;
    enum status_code code;
} FOREIGN[] = {
    {502, "<html>", STATUS_UNAVAILABLE},
    {503, "{}", STATUS_UNAVAILABLE},
    {404, "{\"code\":7}", STATUS_UNIMPLEMENTED},
    {429, "", STATUS_UNAVAILABLE},
    {418, "{\"code\":\"teapot\"}", STATUS_UNKNOWN},
    {400,
     "{\"code\":\"not_found\",\"details\":[{\"type\":\"common.v1.ErrorDetail\",\"value\":\"!!\"}]}",
     STATUS_NOT_FOUND},
    {500, "{\"code\":\"aborted\",\"details\":{}}", STATUS_ABORTED},
};

START_TEST(an_answer_that_is_no_error_of_ours_still_has_a_code)
{
    struct status status = rpc_error_decode(&ctx, FOREIGN[_i].http_status, "application/json",
                                            FOREIGN[_i].body, strlen(FOREIGN[_i].body));

    ck_assert_int_eq(status.code, FOREIGN[_i].code);
    ck_assert_str_eq(status.reason, "REMOTE");
}
END_TEST

START_TEST(words_of_others_are_kept_within_bounds)
{
    char word[80];
    const char *first = rpc_intern("WORD_0");

    ck_assert_ptr_eq(rpc_intern("WORD_0"), first);
    for (int i = 0; i < 3000; i++) {
        snprintf(word, sizeof word, "WORD_%d", i);
        rpc_intern(word);
    }
    ck_assert_str_eq(rpc_intern("ONE_TOO_MANY"), "REMOTE");
    ck_assert_ptr_eq(rpc_intern("WORD_0"), first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("telemetry");
    TCase *tcase = tcase_create("telemetry");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_line_is_one_json_object_with_its_trace);
    tcase_add_test(tcase, a_long_line_is_cut_between_characters_and_stays_json);
    tcase_add_test(tcase, a_level_below_the_threshold_writes_nothing);
    tcase_add_loop_test(tcase, a_malformed_traceparent_starts_a_new_trace, 0,
                        ARRAY_LEN(BAD_PARENTS));
    tcase_add_test(tcase, a_trace_goes_on_below_its_parent);
    tcase_add_test(tcase, metrics_print_as_prometheus_reads_them);
    tcase_add_test(tcase, a_refusal_takes_its_violations_in_order);
    tcase_add_test(tcase, a_status_survives_the_wire);
    tcase_add_loop_test(tcase, an_answer_that_is_no_error_of_ours_still_has_a_code, 0,
                        ARRAY_LEN(FOREIGN));
    tcase_add_test(tcase, words_of_others_are_kept_within_bounds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
