/* problem.c - a refusal as application/problem+json (RFC 9457). */
#include "rest/rest.h"

#include "common/json.h"

const struct error_def ROUTE_NOT_FOUND = {STATUS_NOT_FOUND, "ROUTE_NOT_FOUND",
                                          "the paths are listed in /openapi.json"};
const struct error_def METHOD_NOT_ALLOWED = {STATUS_UNIMPLEMENTED, "METHOD_NOT_ALLOWED",
                                             "the Allow header names the methods of this path"};

/* Where HTTP knows better than the code's general answer. */
static const struct {
    const char *reason;
    int http;
} BY_REASON[] = {
    {"METHOD_NOT_ALLOWED", 405},
    {"UNSUPPORTED_MEDIA_TYPE", 415},
    {"IDEMPOTENCY_KEY_REUSED", 422},
    {"BODY_TOO_LARGE", 413},
};

static const struct {
    enum status_code code;
    int http;
    const char *title;
} BY_CODE[] = {
    {STATUS_CANCELLED, 499, "The client went away"},
    {STATUS_INVALID_ARGUMENT, 400, "The request is not valid"},
    {STATUS_OUT_OF_RANGE, 400, "The request is not valid"},
    {STATUS_UNAUTHENTICATED, 401, "Who are you?"},
    {STATUS_PERMISSION_DENIED, 403, "This is not yours to do"},
    {STATUS_NOT_FOUND, 404, "There is no such thing"},
    {STATUS_ALREADY_EXISTS, 409, "It is there already"},
    {STATUS_ABORTED, 409, "Somebody else was faster"},
    {STATUS_FAILED_PRECONDITION, 409, "The state of things does not allow it"},
    {STATUS_RESOURCE_EXHAUSTED, 429, "Too many requests"},
    {STATUS_UNIMPLEMENTED, 501, "Not implemented"},
    {STATUS_UNAVAILABLE, 503, "Not available now"},
    {STATUS_DEADLINE_EXCEEDED, 504, "It took too long"},
};

static int http_status(struct status status, const char **ret_title)
{
    int http = 500;
    *ret_title = "Something broke on our side";
    for (size_t i = 0; i < ARRAY_LEN(BY_CODE); i++)
        if (BY_CODE[i].code == status.code) {
            http = BY_CODE[i].http;
            *ret_title = BY_CODE[i].title;
        }
    for (size_t i = 0; i < ARRAY_LEN(BY_REASON); i++)
        if (status_reason_is(status, BY_REASON[i].reason))
            http = BY_REASON[i].http;
    return http;
}

/* As many as the contract promises at most. */
enum { VIOLATIONS_MAX = 100 };

static void write_violations(struct json_writer *json, const struct violation *violation)
{
    int left = VIOLATIONS_MAX;
    json_key(json, "violations");
    json_begin_array(json);
    for (; violation && left > 0; violation = violation->next, left--) {
        json_begin_object(json);
        json_key(json, "field");
        json_string(json, str_or_empty(violation->field));
        json_key(json, "value");
        json_string(json, str_or_empty(violation->value));
        json_key(json, "allowed");
        json_string(json, str_or_empty(violation->allowed));
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_text(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

void rest_problem(struct ctx *ctx, struct http_response *response, struct status status)
{
    struct json_writer json;
    const char *title;
    const char *reason = status.reason ? status.reason : "INTERNAL";

    response->status = http_status(status, &title);
    response->content_type = "application/problem+json";
    if (response->status == 503)
        http_response_header(response, "Retry-After", "1");
    response->body.length = 0;
    json_writer_init(&json, &response->body);
    json_begin_object(&json);
    write_text(&json, "type", arena_printf(ctx->arena, "urn:torg:problem:%s", reason));
    write_text(&json, "title", title);
    json_key(&json, "status");
    json_int(&json, response->status);
    /* What went wrong inside is for the log, not for strangers. */
    if (status.detail && response->status < 500)
        write_text(&json, "detail", status.detail);
    write_text(&json, "reason", reason);
    if (status.violations)
        write_violations(&json, status.violations);
    write_text(&json, "traceId",
               str_hex(ctx->arena, ctx->trace.trace_id, sizeof ctx->trace.trace_id));
    json_end_object(&json);
}
