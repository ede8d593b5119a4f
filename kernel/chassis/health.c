/* health.c - /healthz, /readyz and /metrics, and the words of HTTP answers. */
#include "http.h"
#include "metrics.h"
#include "rpc.h"

#include "common/clock.h"
#include "common/json.h"

#include <string.h>

enum { PROBE_TIMEOUT_US = 2000000 };

static void check(struct json_writer *json, const char *name, struct status status, bool *is_ready);

void health_live(struct ctx *ctx, const struct http_request *request,
                 struct http_response *response)
{
    (void)ctx;
    (void)request;
    response->content_type = "application/json";
    buffer_puts(&response->body, "{\"status\":\"ok\"}\n");
}

void health_ready(struct ctx *ctx, const struct http_request *request,
                  struct http_response *response)
{
    struct daemon *daemon = ctx->daemon;
    const struct service *service = daemon->service;
    bool is_ready = daemon->is_ready && !daemon->is_draining;
    struct json_writer json;

    (void)request;
    ctx->deadline_us = clock_monotonic_us() + PROBE_TIMEOUT_US;
    json_writer_init(&json, &response->body);
    json_begin_object(&json);
    json_key(&json, "failed");
    json_begin_array(&json);
    if (daemon->is_draining)
        check(&json, "process", status_error(STATUS_UNAVAILABLE, "DRAINING", NULL), &is_ready);
    if (daemon->db)
        check(&json, "database", db_pool_ready(ctx, daemon), &is_ready);
    for (size_t i = 0; service->components && service->components[i]; i++)
        if (service->components[i]->ready)
            check(&json, service->components[i]->name,
                  service->components[i]->ready(ctx, daemon->component_states[i]), &is_ready);
    if (service->ready)
        check(&json, service->name, service->ready(ctx), &is_ready);
    json_end_array(&json);
    json_key(&json, "ready");
    json_bool(&json, is_ready);
    json_end_object(&json);
    buffer_putc(&response->body, '\n');
    response->content_type = "application/json";
    response->status = is_ready ? 200 : 503;
}

void health_metrics(struct ctx *ctx, const struct http_request *request,
                    struct http_response *response)
{
    (void)request;
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    http_server_sample(ctx->daemon);
    metrics_print(ctx->daemon, &response->body);
    rpc_metrics_print(ctx->daemon, &response->body);
}

void http_problem(struct http_response *response, int status, const char *reason,
                  const char *detail)
{
    struct json_writer json;

    response->status = status;
    response->content_type = "application/problem+json";
    json_writer_init(&json, &response->body);
    json_begin_object(&json);
    json_key(&json, "title");
    json_string(&json, http_status_text(status));
    json_key(&json, "status");
    json_int(&json, status);
    json_key(&json, "reason");
    json_string(&json, reason);
    json_key(&json, "detail");
    json_string(&json, detail);
    json_end_object(&json);
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } TEXTS[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
        if (TEXTS[i].status == status)
            return TEXTS[i].text;
    return "Status";
}

static void check(struct json_writer *json, const char *name, struct status status, bool *is_ready)
{
    if (status.code == STATUS_OK)
        return;
    *is_ready = false;
    json_begin_object(json);
    json_key(json, "name");
    json_string(json, name);
    json_key(json, "reason");
    json_string(json, status.reason);
    json_end_object(json);
}
