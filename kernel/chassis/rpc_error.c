/* rpc_error.c - a status as Connect error JSON and back (connectrpc.com/docs/protocol, "Error
 * codes" and "Unary-Response"). */
#include "rpc.h"

#include "chassis/wire.h"
#include "common/json.h"
#include "common/v1/error.pb-c.h"
#include "trace.h"

#include <pthread.h>
#include <string.h>

enum { REASONS_MAX = 1024, REASON_LENGTH_MAX = 64 };

static const char DETAIL_TYPE[] = "common.v1.ErrorDetail";

static const int HTTP_STATUS[] = {
    [STATUS_OK] = 200,
    [STATUS_CANCELLED] = 499,
    [STATUS_UNKNOWN] = 500,
    [STATUS_INVALID_ARGUMENT] = 400,
    [STATUS_DEADLINE_EXCEEDED] = 504,
    [STATUS_NOT_FOUND] = 404,
    [STATUS_ALREADY_EXISTS] = 409,
    [STATUS_PERMISSION_DENIED] = 403,
    [STATUS_RESOURCE_EXHAUSTED] = 429,
    [STATUS_FAILED_PRECONDITION] = 400,
    [STATUS_ABORTED] = 409,
    [STATUS_OUT_OF_RANGE] = 400,
    [STATUS_UNIMPLEMENTED] = 501,
    [STATUS_INTERNAL] = 500,
    [STATUS_UNAVAILABLE] = 503,
    [STATUS_DATA_LOSS] = 500,
    [STATUS_UNAUTHENTICATED] = 401,
};

static void put_detail(struct json_writer *json, struct arena *arena,
                       const struct rpc_detail *detail);
static struct rpc_detail own_detail(struct ctx *ctx, struct status status);
static void take_detail(struct ctx *ctx, const struct json_node *detail, struct status *status);

int rpc_http_status(enum status_code code)
{
    return (size_t)code < ARRAY_LEN(HTTP_STATUS) ? HTTP_STATUS[code] : 500;
}

enum status_code rpc_code_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return STATUS_INTERNAL;
    case 401:
        return STATUS_UNAUTHENTICATED;
    case 403:
        return STATUS_PERMISSION_DENIED;
    case 404:
        return STATUS_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return STATUS_UNAVAILABLE;
    default:
        return STATUS_UNKNOWN;
    }
}

void rpc_error_encode(struct ctx *ctx, struct status status, struct buffer *out)
{
    const struct rpc_exchange *exchange = ctx->exchange;
    size_t extra_count = exchange ? exchange->detail_count : 0;
    struct json_writer json;

    json_writer_init(&json, out);
    json_begin_object(&json);
    json_key(&json, "code");
    json_string(&json, status_code_name(status.code));
    if (status.detail) {
        json_key(&json, "message");
        json_string(&json, status.detail);
    }
    if (status.reason || extra_count) {
        json_key(&json, "details");
        json_begin_array(&json);
        if (status.reason) {
            struct rpc_detail detail = own_detail(ctx, status);
            put_detail(&json, ctx->arena, &detail);
        }
        for (size_t i = 0; i < extra_count; i++)
            put_detail(&json, ctx->arena, &exchange->details[i]);
        json_end_array(&json);
    }
    json_end_object(&json);
}

struct status rpc_error_decode(struct ctx *ctx, int http_status, const char *content_type,
                               const char *body, size_t length)
{
    const struct json_node *root = NULL;
    struct status status = {.code = rpc_code_of_http(http_status), .reason = "REMOTE"};

    status.detail = arena_printf(ctx->arena, "HTTP %d", http_status);
    if (!content_type || !str_starts_with(content_type, "application/json"))
        return status;
    if (json_parse(ctx->arena, body, length, &root).code != STATUS_OK)
        return status;
    const char *name = json_text(json_member(root, "code"));
    if (!name)
        return status;
    status.code = status_code_from_name(name);
    status.detail = json_text(json_member(root, "message"));
    const struct json_node *details = json_member(root, "details");
    for (const struct json_node *d = details && details->kind == JSON_ARRAY ? details->child : NULL;
         d; d = d->next)
        if (str_equal(json_text(json_member(d, "type")), DETAIL_TYPE))
            take_detail(ctx, d, &status);
    return status;
}

/* Reasons are compared, logged and counted as static strings; a peer can only add so many. */
const char *rpc_intern(const char *reason)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char known[REASONS_MAX][REASON_LENGTH_MAX + 1];
    static size_t count;
    const char *found = "REMOTE";

    if (strlen(reason) > REASON_LENGTH_MAX)
        return found;
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < count && strcmp(known[i], reason) != 0)
        i++;
    if (i == count && count < REASONS_MAX)
        memcpy(known[count++], reason, strlen(reason) + 1);
    if (i < count)
        found = known[i];
    pthread_mutex_unlock(&lock);
    return found;
}

bool rpc_reason_is(struct status status, const struct error_def *error)
{
    return status_reason_is(status, error->reason);
}

bool status_reason_is(struct status status, const char *reason)
{
    return status.code != STATUS_OK && str_equal(status.reason, reason);
}

/* The protocol wants unpadded standard base64. */
static void put_detail(struct json_writer *json, struct arena *arena,
                       const struct rpc_detail *detail)
{
    char *value = str_base64(arena, detail->value.data, detail->value.length);

    json_begin_object(json);
    json_key(json, "type");
    json_string(json, detail->type);
    json_key(json, "value");
    json_string_n(json, value, strcspn(value, "="));
    if (detail->debug) {
        json_key(json, "debug");
        json_raw(json, detail->debug, strlen(detail->debug));
    }
    json_end_object(json);
}

static struct rpc_detail own_detail(struct ctx *ctx, struct status status)
{
    Common__V1__ErrorDetail detail = COMMON__V1__ERROR_DETAIL__INIT;
    char trace_id[33];

    trace_id_format(&ctx->trace, trace_id);
    detail.reason = status.reason;
    detail.trace_id = trace_id;
    detail.violations = wire_violations(ctx->arena, status.violations, &detail.n_violations);
    return (struct rpc_detail){.type = DETAIL_TYPE, .value = wire_pack(ctx->arena, &detail.base)};
}

static void take_detail(struct ctx *ctx, const struct json_node *detail, struct status *status)
{
    const char *value = json_text(json_member(detail, "value"));
    uint8_t *packed = NULL;
    size_t length = 0;

    if (!value)
        return;
    /* Padding is optional on the wire. */
    const char *padded = arena_printf(ctx->arena, "%.*s%s", (int)strcspn(value, "="), value,
                                      &"==="[3 - (4 - strcspn(value, "=") % 4) % 4]);
    if (!str_from_base64(ctx->arena, padded, strlen(padded), &packed, &length))
        return;
    const Common__V1__ErrorDetail *unpacked =
        common__v1__error_detail__unpack(arena_protobuf(ctx->arena), length, packed);
    if (!unpacked)
        return;
    status->reason = rpc_intern(unpacked->reason);
    status->violations =
        wire_violation_list(ctx->arena, unpacked->violations, unpacked->n_violations);
}
