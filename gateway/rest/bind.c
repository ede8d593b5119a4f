/* bind.c - path, query and body of a request into one validated message. */
#include "rest/field.h"
#include "rest/rest.h"

#include "common/json.h"

#include <string.h>

enum { PARAMETERS_MAX = 64 };

const struct error_def UNSUPPORTED_MEDIA_TYPE = {STATUS_INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE",
                                                 "send Content-Type: application/json"};

/* Query parameters that choose the visitor's channel view; they are no request fields. */
static const char *const VISITOR_PARAMETERS[] = {"currency", "country", "locale", NULL};

/* Set by lists of every daemon as page.page_size and page.page_token. */
static const struct {
    const char *name, *path;
} PAGE_PARAMETERS[] = {{"page_size", "page.page_size"}, {"page_token", "page.page_token"}};

static bool is_json(struct ctx *ctx, const struct http_request *http)
{
    const char *type = str_or_empty(http_header_get(http, "Content-Type"));
    return str_equal_ignore_case(arena_strndup(ctx->arena, type, strcspn(type, "; ")),
                                 "application/json");
}

static struct status bind_body(struct ctx *ctx, struct exchange *exchange,
                               ProtobufCMessage **message)
{
    const struct route *route = exchange->route;
    const struct http_request *http = exchange->http;
    bool is_whole = str_equal(route->body, "*");

    if (http->body_length == 0 && is_whole)
        return status_ok();
    if (http->body_length > 0 && !is_json(ctx, http))
        return ctx_fail_field(ctx, &UNSUPPORTED_MEDIA_TYPE, "Content-Type",
                              http_header_get(http, "Content-Type"), "application/json");
    if (is_whole)
        return json_decode(ctx->arena, route_request(route), http->body, http->body_length, false,
                           message);

    const ProtobufCFieldDescriptor *field = field_find(route_request(route), route->body);
    ProtobufCMessage *value;
    TRY(json_decode(ctx->arena, field_schema_of(route_request(route), field)->message, http->body,
                    http->body_length, false, &value));
    field_set_message(route_request(route), *message, route->body, value);
    return status_ok();
}

static void bind_path(struct ctx *ctx, struct exchange *exchange, ProtobufCMessage *message)
{
    const char *allowed;
    size_t i = 0;
    for (const char *open = strchr(exchange->route->path, '{'); open;
         open = strchr(open + 1, '{')) {
        const char *name = arena_strndup(ctx->arena, open + 1, strcspn(open + 1, "}"));
        const char *value = exchange->path_values[i++];
        if (!field_set_text(ctx->arena, route_request(exchange->route), message, name, value,
                            &allowed))
            ctx_violation(ctx, name, value, allowed);
    }
}

static bool is_visitor_parameter(const struct route *route, const char *name)
{
    if (route->access != ACCESS_STOREFRONT && route->access != ACCESS_CUSTOMER)
        return false;
    for (size_t i = 0; VISITOR_PARAMETERS[i]; i++)
        if (str_equal(VISITOR_PARAMETERS[i], name))
            return true;
    return false;
}

static const char *parameter_path(const struct route *route, const char *name)
{
    if (!field_find(route_request(route), "page") || field_find(route_request(route), name))
        return name;
    for (size_t i = 0; i < ARRAY_LEN(PAGE_PARAMETERS); i++)
        if (str_equal(PAGE_PARAMETERS[i].name, name))
            return PAGE_PARAMETERS[i].path;
    return name;
}

static void bind_parameter(struct ctx *ctx, const struct route *route, ProtobufCMessage *message,
                           const char *name, const char *value)
{
    const char *allowed = "no such parameter";
    if (is_visitor_parameter(route, name))
        return;
    if (route->body && !(route->flags & ROUTE_RAW_BODY))
        ctx_violation(ctx, name, value, "nothing: this route takes a body");
    else if (!field_set_text(ctx->arena, route_request(route), message, parameter_path(route, name),
                             value, &allowed))
        ctx_violation(ctx, name, value, allowed);
}

static size_t count_parameters(const char *query)
{
    size_t count = *query != '\0';
    for (; *query; query++)
        count += *query == '&';
    return count;
}

/* Each name=value of the query, decoded by http_query_get, which also refuses repeats. It walks the
 * whole query every time, which is why there may not be any number of them. */
static void bind_query(struct ctx *ctx, struct exchange *exchange, ProtobufCMessage *message)
{
    const char *cursor = exchange->http->query;
    if (count_parameters(cursor) > PARAMETERS_MAX) {
        ctx_violation(ctx, "query", NULL, "at most 64 parameters");
        return;
    }
    while (*cursor) {
        size_t length = strcspn(cursor, "&");
        const char *name = arena_strndup(ctx->arena, cursor, strcspn(cursor, "=&"));
        const char *value = NULL;
        if (!http_query_get(ctx, exchange->http, name, &value) || !value)
            ctx_violation(ctx, name, NULL, "one well-formed value");
        else
            bind_parameter(ctx, exchange->route, message, name, value);
        cursor += length;
        cursor += *cursor == '&';
    }
}

static void bind_version(struct ctx *ctx, struct exchange *exchange, ProtobufCMessage *message)
{
    const char *allowed;
    if (exchange->expected_version == 0 ||
        !field_find(route_request(exchange->route), "expected_version"))
        return;
    (void)field_set_text(ctx->arena, route_request(exchange->route), message, "expected_version",
                         arena_printf(ctx->arena, "%lld", (long long)exchange->expected_version),
                         &allowed);
}

static void refuse(void *closure, const char *path, const char *value, const char *allowed)
{
    ctx_violation(closure, path, value, allowed);
}

struct status rest_bind(struct ctx *ctx, struct exchange *exchange, ProtobufCMessage **ret_request)
{
    const struct route *route = exchange->route;
    ProtobufCMessage *message = field_new_message(ctx->arena, route_request(route));

    if (route->body && !(route->flags & ROUTE_RAW_BODY))
        TRY(bind_body(ctx, exchange, &message));
    bind_query(ctx, exchange, message);
    bind_path(ctx, exchange, message); // last: whatever else was said, the path names the thing
    bind_version(ctx, exchange, message);
    if (!ctx_has_violations(ctx))
        (void)schema_validate(route_request(route), message, refuse, ctx);
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &ERROR_INVALID_REQUEST, "%s %s", route->method, route->path);
    *ret_request = message;
    return status_ok();
}
