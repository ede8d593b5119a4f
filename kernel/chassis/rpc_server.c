/* rpc_server.c - the server side of the Connect protocol, unary (connectrpc.com/docs/protocol).
 *
 * Done here once for every method: find it, authenticate and authorize, deadline, decode, validate,
 * idempotent replay, encode, one log line, counters. */
#include "rpc.h"

#include "chassis/log.h"
#include "common/clock.h"
#include "common/json.h"
#include "http.h"
#include "metrics.h"
#include "trace.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CODES = 17, TIMEOUT_DIGITS_MAX = 10, KEY_LENGTH_MAX = 255 };

enum codec { CODEC_NONE, CODEC_PROTO, CODEC_JSON };

/* A method and what happened to it. */
struct served_method {
    const struct rpc_method *method;
    atomic_int_fast64_t calls[CODES]; /* by status code */
    atomic_int_fast64_t buckets[METRIC_BUCKETS];
    atomic_int_fast64_t sum_us;
};

struct rpc_server {
    struct served_method *methods; /* sorted by path */
    size_t count;
};

/* One call on its way through this file. */
struct call {
    const struct http_request *request;
    struct http_response *response;
    const struct rpc_method *method;
    enum codec codec;
    ProtobufCMessage *message;
    ProtobufCMessage *reply;
    struct idempotency idempotency;
    struct rpc_exchange exchange;
};

static const struct error_def METHOD_UNKNOWN = {STATUS_UNIMPLEMENTED, "UNKNOWN_METHOD",
                                                "check the path"};
static const struct error_def MALFORMED = {STATUS_INVALID_ARGUMENT, "MALFORMED_MESSAGE",
                                           "send a message of the method's request type"};

static http_handler serve;
static bool is_connect(struct ctx *ctx, struct call *call);
static struct status run(struct ctx *ctx, struct call *call);
static struct status check_protocol(struct ctx *ctx, struct call *call);
static struct status authorize(struct ctx *ctx, struct call *call);
static struct status decode(struct ctx *ctx, struct call *call);
static struct status set_idempotency(struct ctx *ctx, struct call *call);
static void answer(struct ctx *ctx, struct call *call);
static struct status answer_replayed(struct ctx *ctx, struct call *call);
static void fail(struct ctx *ctx, struct call *call, struct status status);
static void report(struct ctx *ctx, struct served_method *served, struct status status,
                   int64_t started_us);
static struct served_method *find_method(const struct rpc_server *server, const char *path);
static enum codec codec_of(const char *content_type);
static int by_path(const void *a, const void *b);

/* Calls `visit` for each rpc table of the service and of its components. */
static size_t each_table(const struct service *service,
                         size_t (*visit)(const struct rpc_service *table, size_t at, void *closure),
                         void *closure)
{
    size_t at = 0;

    for (const struct rpc_service *const *t = service->rpc; t && *t; t++)
        at = visit(*t, at, closure);
    for (size_t i = 0; service->components && service->components[i]; i++)
        for (const struct rpc_service *const *t = service->components[i]->rpc; t && *t; t++)
            at = visit(*t, at, closure);
    return at;
}

static size_t count_methods(const struct rpc_service *table, size_t at, void *closure)
{
    (void)closure;
    return at + table->method_count;
}

static size_t take_methods(const struct rpc_service *table, size_t at, void *closure)
{
    struct served_method *methods = closure;

    for (size_t i = 0; i < table->method_count; i++)
        methods[at + i].method = &table->methods[i];
    return at + table->method_count;
}

struct mount_list {
    struct arena *arena;
    struct http_mount *mounts;
    size_t max;
};

static size_t take_mount(const struct rpc_service *table, size_t at, void *closure)
{
    struct mount_list *list = closure;

    if (at == list->max)
        abort(); /* more services than a daemon may have is a programmer's error */
    list->mounts[at] =
        (struct http_mount){arena_printf(list->arena, "/%s/", table->name), serve, 0, false};
    return at + 1;
}

struct status rpc_server_open(struct ctx *boot, struct daemon *daemon)
{
    struct rpc_server *server = arena_new(daemon->arena, struct rpc_server);

    (void)boot;
    server->count = each_table(daemon->service, count_methods, NULL);
    server->methods = arena_array(daemon->arena, struct served_method, server->count);
    each_table(daemon->service, take_methods, server->methods);
    qsort(server->methods, server->count, sizeof server->methods[0], by_path);
    daemon->rpc_served = server;
    return status_ok();
}

size_t rpc_server_mounts(struct daemon *daemon, struct http_mount *mounts, size_t mounts_max)
{
    struct mount_list list = {daemon->arena, mounts, mounts_max};

    return each_table(daemon->service, take_mount, &list);
}

static void serve(struct ctx *ctx, const struct http_request *request,
                  struct http_response *response)
{
    int64_t started_us = clock_monotonic_us();
    struct served_method *served = find_method(ctx->daemon->rpc_served, request->path);
    struct call call = {.request = request, .response = response};

    call.exchange = (struct rpc_exchange){.request = request, .response = response};
    ctx->exchange = &call.exchange;
    if (!served) {
        fail(ctx, &call, ctx_fail(ctx, &METHOD_UNKNOWN, "no method at %s", request->path));
        response->status = 404;
        return;
    }
    call.method = served->method;
    ctx->method = served->method->path;
    if (!is_connect(ctx, &call))
        return;
    struct status status = run(ctx, &call);
    if (status.code == STATUS_REPLAYED)
        status = answer_replayed(ctx, &call);
    else if (status.code == STATUS_OK)
        answer(ctx, &call);
    if (status.code != STATUS_OK)
        fail(ctx, &call, status);
    report(ctx, served, status, started_us);
}

/* Before the protocol proper: refusals here are plain HTTP. */
static bool is_connect(struct ctx *ctx, struct call *call)
{
    (void)ctx;
    if (!str_equal(call->request->method, "POST")) {
        http_problem(call->response, 405, "METHOD_NOT_ALLOWED", "RPCs are POSTed");
        http_response_header(call->response, "Allow", "POST");
        return false;
    }
    call->codec = codec_of(http_header_get(call->request, "Content-Type"));
    if (call->codec == CODEC_NONE) {
        http_problem(call->response, 415, "UNSUPPORTED_MEDIA_TYPE", "see Accept-Post");
        http_response_header(call->response, "Accept-Post", "application/proto, application/json");
        return false;
    }
    return true;
}

static struct status run(struct ctx *ctx, struct call *call)
{
    TRY(check_protocol(ctx, call));
    TRY(authorize(ctx, call));
    TRY(decode(ctx, call));
    TRY(set_idempotency(ctx, call));
    return call->method->handle(ctx, call->message, call->reply);
}

static struct status check_protocol(struct ctx *ctx, struct call *call)
{
    const char *version = http_header_get(call->request, "Connect-Protocol-Version");
    const char *timeout = http_header_get(call->request, "Connect-Timeout-Ms");
    const char *encoding = http_header_get(call->request, "Content-Encoding");
    int64_t timeout_ms = 0;

    if (version && strcmp(version, "1") != 0)
        return ctx_fail(ctx, &MALFORMED, "Connect-Protocol-Version must be 1");
    if (encoding && *encoding && strcasecmp(encoding, "identity") != 0) {
        http_response_header(call->response, "Accept-Encoding", "identity");
        /* The protocol's own refusal carries no detail of ours. */
        return status_error(STATUS_UNIMPLEMENTED, NULL, "only identity encoding is served");
    }
    if (!timeout)
        return status_ok();
    if (strlen(timeout) > TIMEOUT_DIGITS_MAX || strspn(timeout, "0123456789") != strlen(timeout) ||
        !str_to_int64(timeout, &timeout_ms))
        return ctx_fail(ctx, &MALFORMED, "Connect-Timeout-Ms must be at most 10 digits");
    if (timeout_ms < ctx->daemon->settings.call_timeout_ms)
        ctx->deadline_us = clock_monotonic_us() + timeout_ms * 1000;
    return status_ok();
}

static struct status authorize(struct ctx *ctx, struct call *call)
{
    const struct daemon *daemon = ctx->daemon;
    const struct rpc_method *method = call->method;
    const char *const *caller = method->callers;

    if (daemon->service->takes_unsigned_calls) {
        ctx->caller = (struct caller){.service = "", .actor = "guest", .scopes = ""};
        return status_ok();
    }
    TRY(call_context_verify(ctx, daemon->keys, http_header_get(call->request, "Torg-Context")));
    while (caller && *caller && strcmp(*caller, ctx->caller.service) != 0)
        caller++;
    if (method->callers && method->callers[0] && !*caller)
        return ctx_fail(ctx, &ERROR_PERMISSION_DENIED, "%s may not call this", ctx->caller.service);
    if (!str_is_empty(method->scope) && !call_context_has_scope(ctx->caller.scopes, method->scope))
        return ctx_fail(ctx, &ERROR_PERMISSION_DENIED, "scope %s is needed", method->scope);
    return status_ok();
}

static void collect(void *closure, const char *path, const char *value, const char *allowed)
{
    ctx_violation(closure, path, value, allowed);
}

static struct status decode(struct ctx *ctx, struct call *call)
{
    const struct message_schema *schema = call->method->request;
    const struct http_request *request = call->request;

    if (call->codec == CODEC_PROTO) {
        call->message =
            protobuf_c_message_unpack(schema->descriptor, arena_protobuf(ctx->arena),
                                      request->body_length, (const uint8_t *)request->body);
        if (!call->message)
            return ctx_fail(ctx, &MALFORMED, "the body is no %s", schema->descriptor->name);
    } else {
        TRY(json_decode(ctx->arena, schema, request->body, request->body_length, false,
                        &call->message));
    }
    if (!schema_validate(schema, call->message, collect, ctx))
        return ctx_fail(ctx, &ERROR_INVALID_REQUEST, "%s: %s", ctx->violations->field,
                        ctx->violations->allowed);
    call->reply = arena_alloc(ctx->arena, call->method->reply->descriptor->sizeof_message);
    protobuf_c_message_init(call->method->reply->descriptor, call->reply);
    return status_ok();
}

/* The handler's transaction does the rest: db_begin() looks the key up, db_commit() stores. */
static struct status set_idempotency(struct ctx *ctx, struct call *call)
{
    const char *key = http_header_get(call->request, "Idempotency-Key");

    if (!key || call->method->is_read_only)
        return status_ok();
    size_t length = strlen(key);
    for (const char *p = key; *p; p++)
        if (*p < 0x21 || *p > 0x7e)
            length = 0;
    if (length < 1 || length > KEY_LENGTH_MAX)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "Idempotency-Key", key,
                              "1 to 255 visible ASCII characters");
    call->idempotency = (struct idempotency){
        .key = key,
        .scope = arena_printf(ctx->arena, "%s %s", ctx->caller.service, ctx->method),
        .reply_schema = call->method->reply,
        .reply = call->reply,
    };
    crypto_hash_sha256(call->idempotency.fingerprint, (const unsigned char *)call->request->body,
                       call->request->body_length);
    ctx->idempotency = &call->idempotency;
    return status_ok();
}

static void answer(struct ctx *ctx, struct call *call)
{
    struct buffer *body = &call->response->body;

    if (call->codec == CODEC_JSON) {
        call->response->content_type = "application/json";
        json_encode(body, call->method->reply, call->reply, false);
        return;
    }
    call->response->content_type = "application/proto";
    size_t size = protobuf_c_message_get_packed_size(call->reply);
    uint8_t *packed = arena_alloc(ctx->arena, size + 1);
    protobuf_c_message_pack(call->reply, packed);
    body->data = (char *)packed;
    body->length = size;
    body->capacity = size + 1;
}

static struct status answer_replayed(struct ctx *ctx, struct call *call)
{
    const struct db_bytes stored = call->idempotency.replayed;

    call->reply = protobuf_c_message_unpack(call->method->reply->descriptor,
                                            arena_protobuf(ctx->arena), stored.length, stored.data);
    if (!call->reply)
        return ctx_fail(ctx, &ERROR_INTERNAL, "a stored reply cannot be read");
    http_response_header(call->response, "Idempotent-Replayed", "true");
    answer(ctx, call);
    return status_ok();
}

static void fail(struct ctx *ctx, struct call *call, struct status status)
{
    call->response->status = rpc_http_status(status.code);
    call->response->content_type = "application/json";
    call->response->body.length = 0;
    rpc_error_encode(ctx, status, &call->response->body);
}

static void report(struct ctx *ctx, struct served_method *served, struct status status,
                   int64_t started_us)
{
    int64_t duration_us = clock_monotonic_us() - started_us;
    size_t code = (size_t)status.code < CODES ? (size_t)status.code : STATUS_UNKNOWN;
    bool is_our_fault =
        code == STATUS_INTERNAL || code == STATUS_UNKNOWN || code == STATUS_DATA_LOSS;

    atomic_fetch_add_explicit(&served->calls[code], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&served->sum_us, duration_us, memory_order_relaxed);
    atomic_fetch_add_explicit(&served->buckets[metric_bucket(duration_us)], 1,
                              memory_order_relaxed);
    if (status.code != STATUS_OK)
        log_status(is_our_fault ? LOG_ERROR : LOG_INFO, ctx, "rpc_failed", status);
    else if (served->method->is_read_only)
        log_debug(ctx, "rpc", LOG_INT("duration_us", duration_us));
    else
        log_info(ctx, "rpc", LOG_INT("duration_us", duration_us));
    trace_report(ctx->daemon, &(struct span){.trace = &ctx->trace,
                                             .name = served->method->path + 1,
                                             .kind = SPAN_SERVER,
                                             .duration_us = duration_us,
                                             .code = status.code,
                                             .reason = status.reason});
}

void rpc_metrics_print(const struct daemon *daemon, struct buffer *out)
{
    const struct rpc_server *server = daemon->rpc_served;
    const char *prefix = metric_prefix(out->arena, daemon->service->name);
    const char *calls = arena_printf(out->arena, "%s_rpc_calls_total", prefix);
    const char *seconds = arena_printf(out->arena, "%s_rpc_duration_seconds", prefix);

    if (!server->count)
        return;
    buffer_printf(out, "# HELP %s calls by method and outcome\n# TYPE %s counter\n", calls, calls);
    for (size_t i = 0; i < server->count; i++)
        for (size_t code = 0; code < CODES; code++)
            if (server->methods[i].calls[code])
                buffer_printf(out, "%s{method=\"%s\",code=\"%s\"} %lld\n", calls,
                              server->methods[i].method->path + 1,
                              code ? status_code_name((enum status_code)code) : "ok",
                              (long long)server->methods[i].calls[code]);
    buffer_printf(out, "# HELP %s time to serve a call\n# TYPE %s histogram\n", seconds, seconds);
    for (size_t i = 0; i < server->count; i++)
        metric_print_histogram(
            out, seconds,
            arena_printf(out->arena, "method=\"%s\"", server->methods[i].method->path + 1),
            server->methods[i].buckets, server->methods[i].sum_us);
}

static size_t describe_table(const struct rpc_service *table, size_t at, void *closure)
{
    struct buffer *out = closure;

    for (size_t i = 0; i < table->method_count; i++) {
        const struct rpc_method *method = &table->methods[i];
        struct json_writer json;
        buffer_puts(out, at + i ? ",\n " : "");
        json_writer_init(&json, out);
        json_begin_object(&json);
        json_key(&json, "path");
        json_string(&json, method->path);
        json_key(&json, "request");
        json_string(&json, method->request->descriptor->name);
        json_key(&json, "reply");
        json_string(&json, method->reply->descriptor->name);
        json_key(&json, "idempotency");
        json_string(&json, method->is_read_only    ? "read_only"
                           : method->is_idempotent ? "idempotent"
                                                   : "by_key");
        json_key(&json, "callers");
        json_begin_array(&json);
        for (const char *const *c = method->callers; c && *c; c++)
            json_string(&json, *c);
        json_end_array(&json);
        json_key(&json, "scope");
        json_string(&json, str_or_empty(method->scope));
        json_key(&json, "doc");
        json_string(&json, str_or_empty(method->doc));
        json_end_object(&json);
    }
    return at + table->method_count;
}

void rpc_describe(const struct service *service, struct buffer *out)
{
    each_table(service, describe_table, out);
}

static struct served_method *find_method(const struct rpc_server *server, const char *path)
{
    const struct rpc_method wanted = {.path = path};
    const struct served_method key = {.method = &wanted};

    return bsearch(&key, server->methods, server->count, sizeof server->methods[0], by_path);
}

static enum codec codec_of(const char *content_type)
{
    size_t length = strcspn(str_or_empty(content_type), "; \t");
    const char *parameter = str_or_empty(content_type) + length;

    parameter += strspn(parameter, "; \t");
    if (length == strlen("application/proto") &&
        !strncasecmp(content_type, "application/proto", length))
        return *parameter ? CODEC_NONE : CODEC_PROTO;
    if (length != strlen("application/json") ||
        strncasecmp(content_type, "application/json", length) != 0)
        return CODEC_NONE;
    return !*parameter || !strcasecmp(parameter, "charset=utf-8") ||
                   !strcasecmp(parameter, "charset=\"utf-8\"")
               ? CODEC_JSON
               : CODEC_NONE;
}

static int by_path(const void *a, const void *b)
{
    const struct served_method *left = a, *right = b;

    return strcmp(left->method->path, right->method->path);
}
