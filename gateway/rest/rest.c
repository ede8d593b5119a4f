/* rest.c - one request: match, admit, bind, handle or forward, answer. */
#include "rest/rest.h"

#include "access/access.h"
#include "rest/field.h"

#include "chassis/log.h"
#include "common/json.h"

#include <inttypes.h>
#include <string.h>

const struct error_def IDEMPOTENCY_KEY_REQUIRED = {
    STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REQUIRED",
    "send Idempotency-Key: 1 to 128 visible ASCII characters, a new one for each purchase"};
const struct error_def BAD_IF_MATCH = {STATUS_INVALID_ARGUMENT, "BAD_IF_MATCH",
                                       "send the ETag of the answer you saw, or leave it out"};

static bool is_key(const char *key)
{
    size_t length = strlen(key);
    if (length < 1 || length > 128)
        return false;
    for (; *key; key++)
        if (*key < 0x21 || *key > 0x7e)
            return false;
    return true;
}

static struct status read_headers(struct ctx *ctx, struct exchange *exchange)
{
    const struct route *route = exchange->route;
    const char *key = http_header_get(exchange->http, "Idempotency-Key");
    const char *match = http_header_get(exchange->http, "If-Match");

    if (!key && (route->flags & ROUTE_NEEDS_IDEMPOTENCY_KEY))
        return ctx_fail_field(ctx, &IDEMPOTENCY_KEY_REQUIRED, "Idempotency-Key", NULL, "a key");
    if (key && !is_key(key))
        return ctx_fail_field(ctx, &IDEMPOTENCY_KEY_REQUIRED, "Idempotency-Key", key,
                              "1 to 128 visible ASCII characters");
    exchange->idempotency_key = key;

    if (!match || !(route->flags & ROUTE_VERSIONED) || str_equal(match, "*"))
        return status_ok();
    size_t length = strlen(match);
    if (length < 3 || match[0] != '"' || match[length - 1] != '"' ||
        !str_to_int64(arena_strndup(ctx->arena, match + 1, length - 2),
                      &exchange->expected_version))
        return ctx_fail_field(ctx, &BAD_IF_MATCH, "If-Match", match, "an ETag of this resource");
    return status_ok();
}

/* Guests share an actor: what tells them apart is where they come from. */
const char *rest_idempotency_key(struct ctx *ctx, const struct exchange *exchange)
{
    if (!exchange->idempotency_key)
        return NULL;
    const char *actor = ctx->caller.actor;
    if (str_equal(actor, "guest"))
        actor = arena_printf(ctx->arena, "guest:%s", access_address(ctx, exchange->http));
    return arena_printf(ctx->arena, "%.100s:%s", actor, exchange->idempotency_key);
}

static struct status forward(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage **ret_response)
{
    struct rpc_call call = {
        .method = exchange->route->rpc,
        .request = request,
        .idempotency_key =
            exchange->route->rpc->is_idempotent ? NULL : rest_idempotency_key(ctx, exchange),
    };
    TRY(rpc_call_one(ctx, &call));
    *ret_response = call.reply;
    return status_ok();
}

static struct status run(struct ctx *ctx, struct exchange *exchange,
                         ProtobufCMessage **ret_response)
{
    const struct route *route = exchange->route;
    ProtobufCMessage *request;

    TRY(access_admit(ctx, exchange)); /* first: strangers learn nothing else */
    TRY(read_headers(ctx, exchange));
    TRY(rest_bind(ctx, exchange, &request));
    if (route->rpc)
        return forward(ctx, exchange, request, ret_response);
    if (route_response(route))
        *ret_response = field_new_message(ctx->arena, route_response(route));
    return route->handle(ctx, exchange, request, *ret_response);
}

static void answer(struct ctx *ctx, struct exchange *exchange, const ProtobufCMessage *message)
{
    const struct route *route = exchange->route;
    struct http_response *response = exchange->answer;

    response->status = exchange->success ? exchange->success
                       : route->success  ? route->success
                                         : 200;
    if (exchange->location)
        http_response_header(response, "Location", exchange->location);
    if (!route_response(route)) {
        response->status = exchange->success ? exchange->success : 204;
        return;
    }
    int64_t version =
        route->flags & ROUTE_VERSIONED ? field_version(route_response(route), message) : 0;
    if (version > 0)
        http_response_header(response, "ETag",
                             arena_printf(ctx->arena, "\"%" PRId64 "\"", version));
    response->content_type = "application/json";
    if (!exchange->is_written)
        json_encode(&response->body, route_response(route), message, true);
}

static bool has_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (str_equal_ignore_case(response->headers[i].name, name))
            return true;
    return false;
}

void rest_serve(struct ctx *ctx, const struct http_request *request, struct http_response *response)
{
    struct exchange exchange = {.http = request, .answer = response};
    const char *allowed;

    http_response_header(response, "X-Content-Type-Options", "nosniff");
    if (access_preflight(ctx, request, response))
        return;
    if (request->segment_count == 0) {
        page_serve(ctx, response);
        return;
    }
    exchange.route = rest_match(ctx, request, exchange.path_values, &allowed);
    if (!exchange.route && allowed) {
        http_response_header(response, "Allow", allowed);
        rest_problem(ctx, response,
                     ctx_fail(ctx, &METHOD_NOT_ALLOWED, "%s takes %s", request->path, allowed));
        return;
    }
    if (!exchange.route) {
        rest_problem(ctx, response, ctx_fail(ctx, &ROUTE_NOT_FOUND, "%s", request->path));
        return;
    }

    ctx->method = exchange.route->path;
    ProtobufCMessage *message = NULL;
    struct status status = run(ctx, &exchange, &message);
    if (!has_header(response, "Cache-Control"))
        http_response_header(response, "Cache-Control", "no-store");
    if (status.code == STATUS_OK) {
        answer(ctx, &exchange, message);
        return;
    }
    rest_problem(ctx, response, status);
    if (response->status >= 500)
        log_status(LOG_ERROR, ctx, "request_failed", status);
}
