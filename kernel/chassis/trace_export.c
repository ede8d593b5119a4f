/* trace_export.c - finished spans to an OTLP/HTTP endpoint, as JSON
 * (opentelemetry.io/docs/specs/otlp).
 *
 * A request only copies its span into a ring; a thread sends what gathers once a second, or sooner
 * when much does. A full ring or a failing collector costs spans, which are counted, never a
 * request. */
#include "trace.h"

#include "chassis/http_client.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "common/json.h"
#include "daemon.h"
#include "wait.h"

#include <inttypes.h>
#include <string.h>

enum {
    RING_SPANS = 4096,
    BATCH_SPANS = 512,
    WAKE_SPANS = 256, /* send before the second is over */
    INTERVAL_US = 1000000,
    SEND_TIMEOUT_MS = 1000,
    STATUS_CODE_ERROR = 2, /* of OTLP */
};

struct finished_span {
    struct trace trace;
    const char *name;   /* static: a method's path */
    const char *reason; /* static, or NULL */
    enum span_kind kind;
    enum status_code code;
    int64_t start_us, end_us; /* since 1970 */
};

struct trace_exporter {
    struct daemon *daemon;
    const char *url;
    struct finished_span ring[RING_SPANS];
    size_t first, count;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool is_stopping;
    bool is_failing; /* only the thread: the first failure of a row is logged */
};

static const char *const LOSSES[] = {"queue_full", "not_sent", NULL};
enum loss { LOST_QUEUE_FULL, LOST_NOT_SENT };
static struct metric SPANS_LOST = {.name = "_trace_spans_lost_total",
                                   .type = METRIC_COUNTER,
                                   .doc = "spans that reached no collector",
                                   .label_name = "cause",
                                   .label_values = LOSSES};

static void *export_spans(void *closure);
static size_t take_batch(struct trace_exporter *exporter, struct finished_span *ret_spans);
static void send_batch(struct ctx *ctx, struct trace_exporter *exporter,
                       const struct finished_span *spans, size_t count);
static void put_span(struct json_writer *json, struct arena *arena,
                     const struct finished_span *span);
static void put_attribute(struct json_writer *json, const char *key, const char *value);

struct status trace_exporter_start(struct ctx *boot, struct daemon *daemon)
{

    if (str_is_empty(daemon->settings.otlp_url))
        return status_ok();
    struct trace_exporter *exporter = arena_new(daemon->arena, struct trace_exporter);
    exporter->daemon = daemon;
    exporter->url = arena_printf(daemon->arena, "%s/v1/traces", daemon->settings.otlp_url);
    pthread_mutex_init(&exporter->lock, NULL);
    pthread_cond_init(&exporter->wake, NULL);
    metrics_register(daemon, &SPANS_LOST);
    if (pthread_create(&exporter->thread, NULL, export_spans, exporter))
        return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the trace exporter");
    daemon->traces = exporter;
    return status_ok();
}

void trace_exporter_stop(struct daemon *daemon)
{
    struct trace_exporter *exporter = daemon->traces;

    if (!exporter)
        return;
    pthread_mutex_lock(&exporter->lock);
    exporter->is_stopping = true;
    pthread_cond_signal(&exporter->wake);
    pthread_mutex_unlock(&exporter->lock);
    pthread_join(exporter->thread, NULL);
    pthread_cond_destroy(&exporter->wake);
    pthread_mutex_destroy(&exporter->lock);
    daemon->traces = NULL;
}

void trace_report(struct daemon *daemon, const struct span *span)
{
    struct trace_exporter *exporter = daemon->traces;

    if (!exporter || !span->trace->is_sampled)
        return;
    int64_t now_us = clock_now_us();
    pthread_mutex_lock(&exporter->lock);
    if (exporter->count == RING_SPANS) {
        metric_add(&SPANS_LOST, LOST_QUEUE_FULL, 1);
    } else {
        size_t place = (exporter->first + exporter->count++) % RING_SPANS;
        exporter->ring[place] = (struct finished_span){
            .trace = *span->trace,
            .name = span->name,
            .reason = span->reason,
            .kind = span->kind,
            .code = span->code,
            .start_us = now_us - span->duration_us,
            .end_us = now_us,
        };
        if (exporter->count == WAKE_SPANS)
            pthread_cond_signal(&exporter->wake);
    }
    pthread_mutex_unlock(&exporter->lock);
}

static void *export_spans(void *closure)
{
    struct trace_exporter *exporter = closure;
    struct ctx ctx;
    bool is_last_round = false;

    pthread_setname_np(pthread_self(), "trace-export");
    ctx_init(&ctx, exporter->daemon, "trace-export", SEND_TIMEOUT_MS);
    while (!is_last_round) {
        int64_t next_us = clock_monotonic_us() + INTERVAL_US;
        pthread_mutex_lock(&exporter->lock);
        while (!exporter->is_stopping && exporter->count < WAKE_SPANS &&
               !wait_until(&exporter->wake, &exporter->lock, next_us))
            ;
        is_last_round = exporter->is_stopping;
        pthread_mutex_unlock(&exporter->lock);

        int64_t stop_us = clock_monotonic_us() + SEND_TIMEOUT_MS * 1000;
        size_t count = 1;
        while (count && clock_monotonic_us() < stop_us) {
            ctx_renew(&ctx, SEND_TIMEOUT_MS);
            struct finished_span *spans = arena_array(ctx.arena, struct finished_span, BATCH_SPANS);
            count = take_batch(exporter, spans);
            if (count)
                send_batch(&ctx, exporter, spans, count);
        }
    }
    ctx_finish(&ctx);
    return NULL;
}

static size_t take_batch(struct trace_exporter *exporter, struct finished_span *ret_spans)
{
    size_t count = 0;

    pthread_mutex_lock(&exporter->lock);
    while (exporter->count && count < BATCH_SPANS) {
        ret_spans[count++] = exporter->ring[exporter->first];
        exporter->first = (exporter->first + 1) % RING_SPANS;
        exporter->count--;
    }
    pthread_mutex_unlock(&exporter->lock);
    return count;
}

static void send_batch(struct ctx *ctx, struct trace_exporter *exporter,
                       const struct finished_span *spans, size_t count)
{
    static const struct http_header JSON_TYPE = {"Content-Type", "application/json"};
    struct http_answer answer = {.status = 0};
    struct json_writer json;
    struct buffer body;

    buffer_init(&body, ctx->arena, 512 * count);
    json_writer_init(&json, &body);
    buffer_puts(&body, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    put_attribute(&json, "service.name", exporter->daemon->service->name);
    buffer_puts(&body, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"torg\"},\"spans\":[");
    for (size_t i = 0; i < count; i++) {
        json_writer_init(&json, &body);
        if (i)
            buffer_putc(&body, ',');
        put_span(&json, ctx->arena, &spans[i]);
    }
    buffer_puts(&body, "]}]}]}");
    struct status status = http_fetch(ctx,
                                      &(struct http_call){.method = "POST",
                                                          .url = exporter->url,
                                                          .headers = &JSON_TYPE,
                                                          .header_count = 1,
                                                          .body = body.data,
                                                          .body_length = body.length,
                                                          .allow_private = true},
                                      &answer);
    bool is_sent = status.code == STATUS_OK && answer.status >= 200 && answer.status < 300;
    if (!is_sent)
        metric_add(&SPANS_LOST, LOST_NOT_SENT, (int64_t)count);
    if (!is_sent && !exporter->is_failing)
        log_warn(ctx, "traces_not_sent", LOG_INT("spans", (int64_t)count),
                 LOG_INT("http_status", answer.status), LOG_STR("detail", status.detail));
    exporter->is_failing = !is_sent;
}

static void put_span(struct json_writer *json, struct arena *arena,
                     const struct finished_span *span)
{
    static const uint8_t NO_PARENT[8];

    json_begin_object(json);
    json_key(json, "traceId");
    json_string(json, str_hex(arena, span->trace.trace_id, sizeof span->trace.trace_id));
    json_key(json, "spanId");
    json_string(json, str_hex(arena, span->trace.span_id, sizeof span->trace.span_id));
    if (memcmp(span->trace.parent_id, NO_PARENT, sizeof NO_PARENT) != 0) {
        json_key(json, "parentSpanId");
        json_string(json, str_hex(arena, span->trace.parent_id, sizeof span->trace.parent_id));
    }
    json_key(json, "name");
    json_string(json, span->name);
    json_key(json, "kind");
    json_int(json, span->kind);
    json_key(json, "startTimeUnixNano");
    json_string(json, arena_printf(arena, "%" PRId64 "000", span->start_us));
    json_key(json, "endTimeUnixNano");
    json_string(json, arena_printf(arena, "%" PRId64 "000", span->end_us));
    json_key(json, "attributes");
    json_begin_array(json);
    put_attribute(json, "rpc.system", "connect_rpc");
    if (span->code != STATUS_OK)
        put_attribute(json, "rpc.connect_rpc.error_code", status_code_name(span->code));
    if (span->reason)
        put_attribute(json, "torg.reason", span->reason);
    json_end_array(json);
    if (span->code != STATUS_OK) {
        json_key(json, "status");
        json_begin_object(json);
        json_key(json, "code");
        json_int(json, STATUS_CODE_ERROR);
        json_end_object(json);
    }
    json_end_object(json);
}

static void put_attribute(struct json_writer *json, const char *key, const char *value)
{
    json_begin_object(json);
    json_key(json, "key");
    json_string(json, key);
    json_key(json, "value");
    json_begin_object(json);
    json_key(json, "stringValue");
    json_string(json, value);
    json_end_object(json);
    json_end_object(json);
}
