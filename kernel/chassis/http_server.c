/* http_server.c - civetweb parses and keeps connections; routing, limits and the answer are ours.
 *
 * civetweb facts that shaped this file: a response in two writes costs a delayed ack, so it is one
 * buffer and one write; mg_stop() drops answers in flight, so draining comes first; Expect:
 * 100-continue and HEAD are the handler's business; unread bodies are swallowed without limit
 * unless keep-alive is switched off. */
#include "http.h"

#include "chassis/log.h"
#include "common/clock.h"
#include "rpc.h"
#include "trace.h"
#include "wait.h"

#include <civetweb.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    READ_PIECE = 4 * 1024, /* on the stack */
    LINGER_US = 1000000,   /* for the peer to read a refusal while it still sends */
    MOUNTS_MAX = 64,
};

struct http_server {
    struct daemon *daemon;
    struct mg_context *civetweb;
    struct http_guardian *guardian;
    struct http_mount mounts[MOUNTS_MAX];
    size_t mount_count;
    atomic_int_fast64_t inflight; /* requests, from their head to their answer */
    atomic_int_fast64_t handled;  /* of those, in a handler: slow peers take no share of it */
    pthread_mutex_t lock;
    pthread_cond_t is_idle; /* signalled while draining, when the last request is answered */
};

/* One request on its way through this file. */
struct exchange {
    struct http_server *server;
    struct mg_connection *connection;
    const struct mg_request_info *info;
    struct http_worker *worker;
    struct http_request request;
    struct http_response response;
    struct http_body body;
    bool must_close;
};

/* See stop_promptly(). */
static struct metric HTTP_INFLIGHT = {
    .name = "_http_inflight_requests", .type = METRIC_GAUGE, .doc = "requests being served"};
static struct metric HTTP_CONNECTIONS = {
    .name = "_http_connections", .type = METRIC_GAUGE, .doc = "open connections, idle ones too"};
static const char *const REFUSALS[] = {"malformed", "too_large", "too_slow", "overloaded",
                                       "draining",  "no_route",  NULL};
enum refusal {
    REFUSED_MALFORMED,
    REFUSED_TOO_LARGE,
    REFUSED_TOO_SLOW,
    REFUSED_OVERLOADED,
    REFUSED_DRAINING,
    REFUSED_NO_ROUTE
};
static struct metric HTTP_REFUSED = {.name = "_http_refused_total",
                                     .type = METRIC_COUNTER,
                                     .doc = "requests answered before any handler",
                                     .label_name = "cause",
                                     .label_values = REFUSALS};

static int serve(struct mg_connection *connection);
static void run(struct ctx *ctx, struct exchange *x);
static bool admit(struct exchange *x, const struct http_mount *mount);
static bool enter(struct exchange *x, const struct http_mount *mount);
static bool begin_body(struct exchange *x, const struct http_mount *mount);
static void read_body(struct ctx *ctx, struct exchange *x);
static bool check_body(struct exchange *x);
static void refuse(struct exchange *x, enum refusal cause, int status, const char *reason,
                   const char *detail);
static void answer(struct ctx *ctx, struct exchange *x);
static void add_mounts(struct http_server *server, const struct service *service);
static void *on_thread(const struct mg_context *context, int thread_type);
static int on_open(const struct mg_connection *connection, void **ret_data);
static void on_close(const struct mg_connection *connection);
static void on_end(const struct mg_connection *connection, int status);
static int on_error(struct mg_connection *connection, int status, const char *message);
static int on_log(const struct mg_connection *connection, const char *message);

struct status http_server_start(struct ctx *boot, struct daemon *daemon, int *ret_port)
{
    struct http_server *server = arena_new(daemon->arena, struct http_server);
    const struct settings *settings = &daemon->settings;
    const char *options[] = {
        "listening_ports",
        settings->listen,
        "num_threads",
        arena_printf(daemon->arena, "%" PRId64, settings->threads),
        "connection_queue",
        "256",
        "listen_backlog",
        "1024",
        "enable_keep_alive",
        "yes",
        "keep_alive_timeout_ms",
        "60000",
        "request_timeout_ms",
        arena_printf(daemon->arena, "%" PRId64, settings->body_timeout_ms),
        "linger_timeout_ms",
        "500",
        "tcp_nodelay",
        "1",
        "decode_url",
        "no",
        "enable_directory_listing",
        "no",
        "access_control_allow_origin",
        "",
        "access_control_allow_methods",
        "",
        "max_request_size",
        "32768",
        NULL,
    };
    const struct mg_callbacks callbacks = {
        .init_thread = on_thread,
        .init_connection = on_open,
        .connection_close = on_close,
        .begin_request = serve,
        .end_request = on_end,
        .http_error = on_error,
        .log_message = on_log,
    };
    struct mg_server_port port;

    server->daemon = daemon;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->is_idle, NULL);
    server->guardian = http_guardian_create(daemon);
    daemon->http = server;
    add_mounts(server, daemon->service);
    metrics_register(daemon, &HTTP_INFLIGHT);
    metrics_register(daemon, &HTTP_CONNECTIONS);
    metrics_register(daemon, &HTTP_REFUSED);
    server->civetweb = mg_start(&callbacks, server, options);
    if (!server->civetweb || mg_get_server_ports(server->civetweb, 1, &port) != 1)
        return ctx_fail(boot, &ERROR_UNAVAILABLE, "cannot listen on %s", settings->listen);
    *ret_port = port.port;
    return http_guardian_start(boot, server->guardian, port.port);
}

void http_server_drain(struct daemon *daemon)
{
    struct http_server *server = daemon->http;
    int rc = 0;

    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    while (server->inflight > 0 && !rc)
        rc = wait_until(&server->is_idle, &server->lock, daemon->drain_deadline_us);
    pthread_mutex_unlock(&server->lock);
}

void http_server_stop(struct daemon *daemon)
{
    struct http_server *server = daemon->http;

    if (!server)
        return;
    http_guardian_stop(server->guardian);
    http_guardian_hang_up(server->guardian);
    if (server->civetweb)
        mg_stop(server->civetweb);
    http_guardian_destroy(server->guardian);
    daemon->http = NULL;
}

void http_server_sample(struct daemon *daemon)
{
    metric_set(&HTTP_INFLIGHT, 0, daemon->http->inflight);
    metric_set(&HTTP_CONNECTIONS, 0, http_guardian_open(daemon->http->guardian));
}

const char *http_header_get(const struct http_request *request, const char *name)
{
    const struct mg_request_info *info = request->native;

    for (int i = 0; i < info->num_headers; i++)
        if (!strcasecmp(info->http_headers[i].name, name))
            return info->http_headers[i].value;
    return NULL;
}

bool http_header_at(const struct http_request *request, size_t index,
                    struct http_header *ret_header)
{
    const struct mg_request_info *info = request->native;

    if (index >= (size_t)info->num_headers)
        return false;
    *ret_header =
        (struct http_header){info->http_headers[index].name, info->http_headers[index].value};
    return true;
}

void http_response_header(struct http_response *response, const char *name, const char *value)
{
    if (response->header_count == HTTP_HEADERS_MAX || !value || strpbrk(value, "\r\n"))
        return;
    response->headers[response->header_count++] = (struct http_header){name, value};
}

static void add_mounts(struct http_server *server, const struct service *service)
{
    static const struct http_mount OWN[] = {{"/healthz", health_live, 0, false},
                                            {"/readyz", health_ready, 0, false},
                                            {"/metrics", health_metrics, 0, false}};

    for (size_t i = 0; i < ARRAY_LEN(OWN); i++)
        server->mounts[server->mount_count++] = OWN[i];
    server->mount_count += rpc_server_mounts(server->daemon, &server->mounts[server->mount_count],
                                             MOUNTS_MAX - server->mount_count);
    for (const struct http_mount *m = service->mounts;
         m && m->prefix && server->mount_count < MOUNTS_MAX; m++)
        server->mounts[server->mount_count++] = *m;
}

/* civetweb calls it for every request it could parse, before it looks at anything itself (a
 * registered handler comes after a search for /.htpasswd). It always answers. */
static int serve(struct mg_connection *connection)
{
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct http_server *server = info->user_data;
    struct http_worker *worker = mg_get_thread_pointer(connection);
    struct ctx ctx = {.arena = http_worker_arena(worker), .daemon = server->daemon};
    struct exchange x = {
        .server = server,
        .connection = connection,
        .info = info,
        .worker = worker,
        .request = {.method = info->request_method,
                    .query = str_or_empty(info->query_string),
                    .body = "",
                    .remote_address = info->remote_addr,
                    .native = info},
    };

    atomic_fetch_add(&server->inflight, 1);
    http_worker_begin(worker, info);
    buffer_init(&x.response.body, ctx.arena, 1024);
    ctx.deadline_us = clock_monotonic_us() + server->daemon->settings.call_timeout_ms * 1000;
    run(&ctx, &x);
    answer(&ctx, &x);
    arena_reset(ctx.arena);
    if (atomic_fetch_sub(&server->inflight, 1) == 1 && server->daemon->is_draining) {
        pthread_mutex_lock(&server->lock);
        pthread_cond_signal(&server->is_idle);
        pthread_mutex_unlock(&server->lock);
    }
    return x.response.status;
}

static void run(struct ctx *ctx, struct exchange *x)
{
    struct http_server *server = x->server;
    struct http_refusal refusal = http_guard(x->info, &x->body.length);

    if (!refusal.status)
        refusal = http_route_parse(ctx->arena, x->info->request_uri, &x->request);
    if (refusal.status) {
        refuse(x, REFUSED_MALFORMED, refusal.status, refusal.reason, refusal.detail);
        return;
    }
    trace_start(&ctx->trace, http_header_get(&x->request, "traceparent"));

    const struct http_mount *mount =
        http_route_find(server->mounts, server->mount_count, x->request.path);
    if (!mount) {
        refuse(x, REFUSED_NO_ROUTE, 404, "NO_ROUTE", "nothing is served at this path");
        return;
    }
    ctx->method = mount->prefix;
    if (!admit(x, mount) || !begin_body(x, mount))
        return;
    if (!mount->streams_body)
        read_body(ctx, x);
    if (!check_body(x) || !enter(x, mount))
        return;
    mount->handle(ctx, &x->request, &x->response);
    atomic_fetch_sub(&server->handled, 1);
    if (mount->streams_body)
        (void)check_body(x); // the answer is made, by the handler or here
    x->must_close |= x->body.state != HTTP_BODY_COMPLETE;
}

/* Health and metrics always answer: a probe must see the truth under load and while draining. */
static bool is_probe(const struct http_mount *mount)
{
    return mount->handle == health_live || mount->handle == health_ready ||
           mount->handle == health_metrics;
}

static bool shed(struct exchange *x, enum refusal cause, const char *reason, const char *detail)
{
    refuse(x, cause, 503, reason, detail);
    http_response_header(&x->response, "Retry-After", "1");
    return false;
}

/* Before the body is read: nobody need send what will not be served. */
static bool admit(struct exchange *x, const struct http_mount *mount)
{
    struct daemon *daemon = x->server->daemon;

    if (is_probe(mount))
        return true;
    if (daemon->is_draining)
        return shed(x, REFUSED_DRAINING, "DRAINING", "the daemon is stopping");
    if (x->server->handled >= daemon->settings.inflight_max)
        return shed(x, REFUSED_OVERLOADED, "OVERLOADED", "too many requests at once");
    return true;
}

/* After it: a handler's place is taken, or there is none. */
static bool enter(struct exchange *x, const struct http_mount *mount)
{
    int64_t others = atomic_fetch_add(&x->server->handled, 1);

    if (is_probe(mount) || others < x->server->daemon->settings.inflight_max)
        return true;
    atomic_fetch_sub(&x->server->handled, 1);
    return shed(x, REFUSED_OVERLOADED, "OVERLOADED", "too many requests at once");
}

/* False when the answer is already made. */
static bool begin_body(struct exchange *x, const struct http_mount *mount)
{
    const struct settings *settings = &x->server->daemon->settings;
    const char *expect = http_header_get(&x->request, "Expect");

    if (expect && strcasecmp(expect, "100-continue")) {
        refuse(x, REFUSED_MALFORMED, 417, "EXPECTATION", "only 100-continue is understood");
        return false;
    }
    x->body.connection = x->connection;
    x->body.worker = x->worker;
    x->body.max = mount->body_max ? mount->body_max : settings->body_max;
    x->body.is_streamed = mount->streams_body;
    x->body.owes_continue = expect && !strcmp(x->info->http_version, "1.1");
    x->request.stream = &x->body;
    http_body_begin(
        &x->body,
        (mount->streams_body ? settings->upload_timeout_ms : settings->body_timeout_ms) * 1000,
        settings->body_timeout_ms * 1000);
    return true;
}

static void read_body(struct ctx *ctx, struct exchange *x)
{
    char piece[READ_PIECE];
    struct buffer whole;
    int64_t got;

    if (x->body.state != HTTP_BODY_OPEN)
        return;
    buffer_init(&whole, ctx->arena,
                x->body.length > 0 ? (size_t)x->body.length + 1 : HTTP_BODY_PIECE);
    while ((got = http_body_read(&x->request, piece, sizeof piece)) > 0)
        buffer_append(&whole, piece, (size_t)got);
    x->request.body = whole.length ? whole.data : "";
    x->request.body_length = whole.length;
    x->request.stream = NULL;
}

/* False when the body was refused, and answered. One that nobody has read to its end is no error:
 * its handler knew enough. */
static bool check_body(struct exchange *x)
{
    static const struct {
        enum refusal cause;
        int status;
        const char *reason, *detail;
    } ANSWERS[] = {
        [HTTP_BODY_TOO_LARGE] = {REFUSED_TOO_LARGE, 413, "BODY_TOO_LARGE",
                                 "the body is over the limit"},
        [HTTP_BODY_TOO_SLOW] = {REFUSED_TOO_SLOW, 408, "BODY_TOO_SLOW",
                                "the body did not arrive in time"},
        [HTTP_BODY_TRUNCATED] = {REFUSED_MALFORMED, 400, "BODY_TRUNCATED", "the body ended early"},
    };
    enum http_body_state state = x->body.state;

    if (state == HTTP_BODY_OPEN || state == HTTP_BODY_COMPLETE)
        return true;
    x->response.header_count = 0;
    x->response.body.length = 0;
    refuse(x, ANSWERS[state].cause, ANSWERS[state].status, ANSWERS[state].reason,
           ANSWERS[state].detail);
    return false;
}

static void refuse(struct exchange *x, enum refusal cause, int status, const char *reason,
                   const char *detail)
{
    metric_add(&HTTP_REFUSED, (int)cause, 1);
    http_problem(&x->response, status, reason, detail);
    x->must_close = cause != REFUSED_NO_ROUTE || x->body.length != 0;
}

/* One buffer, one write. */
static void answer(struct ctx *ctx, struct exchange *x)
{
    struct http_response *response = &x->response;
    struct buffer out;
    bool has_body = strcmp(str_or_empty(x->request.method), "HEAD") != 0;

    if (!response->status)
        response->status = 200;
    bool is_bodiless = response->status == 204 || response->status == 304;
    x->must_close |= x->server->daemon->is_draining || http_guardian_take_turn(x->server->guardian);
    buffer_init(&out, ctx->arena, 512 + (has_body ? response->body.length : 0));
    buffer_printf(&out, "HTTP/1.1 %d %s\r\n", response->status, http_status_text(response->status));
    if (response->content_type)
        buffer_printf(&out, "Content-Type: %s\r\n", response->content_type);
    for (size_t i = 0; i < response->header_count; i++)
        buffer_printf(&out, "%s: %s\r\n", response->headers[i].name, response->headers[i].value);
    if (!is_bodiless)
        buffer_printf(&out, "Content-Length: %zu\r\n", response->body.length);
    buffer_puts(&out, x->must_close ? "Connection: close\r\n\r\n" : "\r\n");
    if (has_body && !is_bodiless && response->body.length)
        buffer_append(&out, response->body.data, response->body.length);

    int64_t now_us = clock_monotonic_us();
    http_worker_write_until(x->worker, now_us + x->server->daemon->settings.body_timeout_ms * 1000);
    mg_write(x->connection, out.data, out.length);
    if (x->must_close) {
        mg_disable_keep_alive(x->connection);
        http_worker_read_until(x->worker, now_us, clock_monotonic_us() + LINGER_US);
    }
}

static void *on_thread(const struct mg_context *context, int thread_type)
{
    struct http_server *server = mg_get_user_data(context);

    return thread_type == 1 ? http_worker_add(server->guardian) : NULL;
}

static int on_open(const struct mg_connection *connection, void **ret_data)
{
    (void)ret_data;
    http_worker_opened(mg_get_thread_pointer(connection));
    return 0;
}

static void on_close(const struct mg_connection *connection)
{
    http_worker_closing(mg_get_thread_pointer(connection));
}

static void on_end(const struct mg_connection *connection, int status)
{
    (void)status;
    http_worker_idle(mg_get_thread_pointer(connection));
}

/* civetweb takes a method that it does not know (TRACE, QUERY) for a malformed request. */
static bool has_unknown_method(const struct mg_connection *connection)
{
    static const char *const KNOWN[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "CONNECT"};
    const struct mg_request_info *info = mg_get_request_info(connection);
    const char *method = info ? str_or_empty(info->request_method) : "";
    size_t length = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (length == 0 || method[length])
        return false;
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
        if (str_equal(KNOWN[i], method))
            return false;
    return true;
}

/* Requests that civetweb itself could not parse. */
static int on_error(struct mg_connection *connection, int status, const char *message)
{
    const char *allow = "", *reason = "MALFORMED_REQUEST";
    char text[512];

    metric_add(&HTTP_REFUSED, REFUSED_MALFORMED, 1);
    if (has_unknown_method(connection)) {
        status = 405;
        allow = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
        reason = "METHOD_NOT_ALLOWED";
    }
    const char *title = http_status_text(status);
    size_t body =
        strlen("{\"title\":\"\",\"status\":400,\"reason\":\"\"}") + strlen(title) + strlen(reason);
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n%s"
                          "Content-Length: %zu\r\nConnection: close\r\n\r\n"
                          "{\"title\":\"%s\",\"status\":%d,\"reason\":\"%s\"}",
                          status, title, allow, body, title, status, reason);
    (void)message;
    mg_disable_keep_alive(connection);
    if (length > 0 && length < (int)sizeof text)
        mg_write(connection, text, (size_t)length);
    return 0;
}

static int on_log(const struct mg_connection *connection, const char *message)
{
    (void)connection;
    (void)message;
    return 1;
}
