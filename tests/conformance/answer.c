/* answer.c - the methods of connectrpc.conformance.v1.ConformanceService: they answer what the
 * request defines, and tell what the server saw. */
#include "common/json.h"
#include "connectrpc/conformance/v1/service.handlers.h"
#include "connectrpc/conformance/v1/service.schema.h"
#include "google/protobuf/any.pb-c.h"
#include "http.h"
#include "rpc.h"

#include <string.h>
#include <time.h>

typedef Connectrpc__Conformance__V1__UnaryResponseDefinition definition;
typedef Connectrpc__Conformance__V1__ConformancePayload payload;
typedef Connectrpc__Conformance__V1__ConformancePayload__RequestInfo request_info;
typedef Connectrpc__Conformance__V1__Header header;

typedef Connectrpc__Conformance__V1__ConformancePayload__RequestInfo__TimeoutMsPresenceCase
    timeout_case;

enum {
    HEADERS_MAX = 64,
    TIMEOUT_IS_PRESENT = 2, /* the field's number, as every oneof case */
};

static request_info *seen(struct ctx *ctx, const ProtobufCMessage *request);
static header *find_or_add(struct ctx *ctx, request_info *info, const char *name);
static Google__Protobuf__Any *wrap(struct ctx *ctx, const ProtobufCMessage *message);
static void send_headers(struct ctx *ctx, const char *prefix, header *const *headers, size_t count);
static void delay(struct ctx *ctx, uint32_t ms);
static struct status refuse(struct ctx *ctx, const Connectrpc__Conformance__V1__Error *error,
                            request_info *info);

static struct status answer(struct ctx *ctx, const definition *wanted,
                            const ProtobufCMessage *request, payload **ret_payload)
{
    request_info *info = seen(ctx, request);
    payload *reply = arena_new(ctx->arena, payload);

    connectrpc__conformance__v1__conformance_payload__init(reply);
    reply->request_info = info;
    *ret_payload = reply;
    if (!wanted)
        return status_ok();
    send_headers(ctx, "", wanted->response_headers, wanted->n_response_headers);
    send_headers(ctx, "trailer-", wanted->response_trailers, wanted->n_response_trailers);
    delay(ctx, wanted->response_delay_ms);
    if (wanted->response_case ==
        CONNECTRPC__CONFORMANCE__V1__UNARY_RESPONSE_DEFINITION__RESPONSE_ERROR)
        return refuse(ctx, wanted->error, info);
    if (!ctx_remaining_ms(ctx))
        return (struct status){.code = STATUS_DEADLINE_EXCEEDED, .detail = "deadline exceeded"};
    reply->data = wanted->response_data;
    return status_ok();
}

struct status connectrpc_unary(struct ctx *ctx,
                               const Connectrpc__Conformance__V1__UnaryRequest *request,
                               Connectrpc__Conformance__V1__UnaryResponse *reply)
{
    return answer(ctx, request->response_definition, &request->base, &reply->payload);
}

struct status
connectrpc_idempotent_unary(struct ctx *ctx,
                            const Connectrpc__Conformance__V1__IdempotentUnaryRequest *request,
                            Connectrpc__Conformance__V1__IdempotentUnaryResponse *reply)
{
    return answer(ctx, request->response_definition, &request->base, &reply->payload);
}

struct status
connectrpc_unimplemented(struct ctx *ctx,
                         const Connectrpc__Conformance__V1__UnimplementedRequest *request,
                         Connectrpc__Conformance__V1__UnimplementedResponse *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    return (struct status){.code = STATUS_UNIMPLEMENTED, .detail = "not implemented on purpose"};
}

static request_info *seen(struct ctx *ctx, const ProtobufCMessage *request)
{
    const struct http_request *http = ctx->exchange->request;
    request_info *info = arena_new(ctx->arena, request_info);
    struct http_header field;
    int64_t timeout_ms = 0;

    connectrpc__conformance__v1__conformance_payload__request_info__init(info);
    info->request_headers = arena_array(ctx->arena, header *, HEADERS_MAX);
    for (size_t i = 0; i < HEADERS_MAX && http_header_at(http, i, &field); i++) {
        header *known = find_or_add(ctx, info, field.name);
        known->value[known->n_value++] = field.value;
    }
    const char *timeout = http_header_get(http, "Connect-Timeout-Ms");
    if (timeout && str_to_int64(timeout, &timeout_ms)) {
        info->timeout_ms = timeout_ms;
        info->timeout_ms_presence_case = (timeout_case)TIMEOUT_IS_PRESENT;
    }
    info->requests = arena_array(ctx->arena, Google__Protobuf__Any *, 1);
    info->requests[info->n_requests++] = wrap(ctx, request);
    return info;
}

static header *find_or_add(struct ctx *ctx, request_info *info, const char *name)
{
    for (size_t i = 0; i < info->n_request_headers; i++)
        if (str_equal_ignore_case(info->request_headers[i]->name, name))
            return info->request_headers[i];

    header *added = arena_new(ctx->arena, header);
    connectrpc__conformance__v1__header__init(added);
    added->name = name;
    added->value = arena_array(ctx->arena, const char *, HEADERS_MAX);
    info->request_headers[info->n_request_headers++] = added;
    return added;
}

static Google__Protobuf__Any *wrap(struct ctx *ctx, const ProtobufCMessage *message)
{
    Google__Protobuf__Any *any = arena_new(ctx->arena, Google__Protobuf__Any);
    size_t size = protobuf_c_message_get_packed_size(message);

    google__protobuf__any__init(any);
    any->type_url = arena_printf(ctx->arena, "type.googleapis.com/%s", message->descriptor->name);
    any->value.len = size;
    any->value.data = arena_alloc(ctx->arena, size + 1);
    protobuf_c_message_pack(message, any->value.data);
    return any;
}

static void send_headers(struct ctx *ctx, const char *prefix, header *const *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < headers[i]->n_value; j++)
            http_response_header(ctx->exchange->response,
                                 arena_printf(ctx->arena, "%s%s", prefix, headers[i]->name),
                                 headers[i]->value[j]);
}

static void delay(struct ctx *ctx, uint32_t ms)
{
    int64_t left_ms = ctx_remaining_ms(ctx);
    int64_t sleep_ms = ms < left_ms ? ms : left_ms + 1;

    if (ms)
        nanosleep(&(struct timespec){sleep_ms / 1000, sleep_ms % 1000 * 1000000}, NULL);
}

/* The suite expects the details it asked for, and behind them what the server saw. */
static struct status refuse(struct ctx *ctx, const Connectrpc__Conformance__V1__Error *error,
                            request_info *info)
{
    struct rpc_detail *details = arena_array(ctx->arena, struct rpc_detail, error->n_details + 1);
    const Google__Protobuf__Any *own = wrap(ctx, &info->base);

    for (size_t i = 0; i <= error->n_details; i++) {
        const Google__Protobuf__Any *any = i < error->n_details ? error->details[i] : own;
        const char *slash = strrchr(any->type_url, '/');
        details[i].type = slash ? slash + 1 : any->type_url;
        details[i].value = (struct db_bytes){any->value.data, any->value.len};
    }
    ctx->exchange->details = details;
    ctx->exchange->detail_count = error->n_details + 1;
    return (struct status){
        .code = (enum status_code)error->code,
        .detail = error->message_presence_case ? error->message : NULL,
    };
}
