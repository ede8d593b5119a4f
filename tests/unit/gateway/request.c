/* request.c - requests made by hand, for functions that take what the server hands over. */
#include "suites.h"

#include "daemon.h"
#include "http.h"
#include "metrics.h"

#include <civetweb.h>
#include <string.h>

struct gateway gateway;

extern const struct service GATEWAY;
static struct daemon daemon_;
static struct ctx ctx_;

struct ctx *begin_ctx(void)
{
    memset(&gateway, 0, sizeof gateway);
    memset(&daemon_, 0, sizeof daemon_);
    daemon_.service = &GATEWAY;
    daemon_.state = &gateway;
    ctx_init(&ctx_, &daemon_, "test", 10000);
    daemon_.metrics = metric_list_create(ctx_.arena);
    return &ctx_;
}

void end_ctx(void)
{
    ctx_finish(&ctx_);
}

static void set_headers(struct ctx *ctx, const char *const *headers, struct mg_request_info *info)
{
    for (; headers && *headers; headers++) {
        const char *colon = strstr(*headers, ": ");
        ck_assert_ptr_nonnull(colon);
        info->http_headers[info->num_headers++] = (struct mg_header){
            arena_strndup(ctx->arena, *headers, (size_t)(colon - *headers)), colon + 2};
    }
}

struct http_request make_request(struct ctx *ctx, const char *method, const char *target,
                                 const char *const *headers, const char *body)
{
    struct mg_request_info *info = arena_new(ctx->arena, struct mg_request_info);
    size_t path_length = strcspn(target, "?");
    struct http_request request = {
        .method = method,
        .query = target[path_length] ? target + path_length + 1 : "",
        .body = body ? body : "",
        .body_length = body ? strlen(body) : 0,
        .remote_address = "192.0.2.1",
        .native = info,
    };
    set_headers(ctx, headers, info);
    struct http_refusal refusal =
        http_route_parse(ctx->arena, arena_strndup(ctx->arena, target, path_length), &request);
    ck_assert_int_eq(refusal.status, 0);
    return request;
}

void make_response(struct ctx *ctx, struct http_response *response)
{
    *response = (struct http_response){0};
    buffer_init(&response->body, ctx->arena, 256);
}

const char *header_of(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (str_equal(response->headers[i].name, name))
            return response->headers[i].value;
    return NULL;
}
