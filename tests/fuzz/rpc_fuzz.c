/* rpc_fuzz.c - the server side of our RPC: protocol headers, signed context, both codecs.
 *
 * The methods echo: what is answered in one codec, the same call reads back. */
#include "http_input.h"

#include "cart/v1/service.schema.h"
#include "common/json.h"
#include "kinds.schema.h"
#include "rpc.h"

#include <string.h>

static struct status echo(struct ctx *ctx, const ProtobufCMessage *request, ProtobufCMessage *reply)
{
    ALWAYS(str_equal(ctx->caller.service, "gateway"));
    memcpy(reply, request, request->descriptor->sizeof_message);
    return status_ok();
}

#define METHOD(name, schema)                                                                       \
    {                                                                                              \
        name, &schema, &schema, echo, false, false, NULL, "fuzz.call", ""                          \
    }

static const struct rpc_method METHODS[] = {
    METHOD("/fuzz.v1.EchoService/Cart", cart__v1__add_lines_request__schema),
    METHOD("/fuzz.v1.EchoService/Kinds", torg__test__v1__kinds__schema),
    METHOD("/fuzz.v1.EchoService/Strict", torg__test__v1__strict__schema),
};
static const struct rpc_service SERVICE = {"fuzz.v1.EchoService", METHODS, ARRAY_LEN(METHODS)};
static const struct rpc_service *const SERVICES[] = {&SERVICE, NULL};
static const struct service FUZZ = {.name = "fuzz", .rpc = SERVICES};
static struct http_mount mount;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    http_input_open(&FUZZ, NULL);
    struct daemon *daemon = http_input_daemon();
    struct ctx *boot = http_input_begin();
    ALWAYS(rpc_server_open(boot, daemon).code == STATUS_OK);
    ALWAYS(rpc_server_mounts(daemon, &mount, 1) == 1);
    http_input_end();
    return 0;
}

static void check_reply(struct ctx *ctx, const struct http_request *request,
                        const struct http_response *response)
{
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
        const struct message_schema *schema = METHODS[i].reply;
        ProtobufCMessage *reply;
        if (!str_equal(request->path, METHODS[i].path))
            continue;
        if (str_equal(response->content_type, "application/json"))
            ALWAYS(json_decode(ctx->arena, schema, response->body.data, response->body.length,
                               false, &reply)
                       .code == STATUS_OK);
        else
            ALWAYS(protobuf_c_message_unpack(schema->descriptor, arena_protobuf(ctx->arena),
                                             response->body.length,
                                             (const uint8_t *)response->body.data) != NULL);
    }
}

static void check_error(struct ctx *ctx, const struct http_response *response)
{
    struct status status = rpc_error_decode(ctx, response->status, response->content_type,
                                            response->body.data, response->body.length);

    ALWAYS(status.code != STATUS_OK && status.code != STATUS_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct ctx *ctx = http_input_begin();
    struct http_response response = {0};
    struct http_request request;

    buffer_init(&response.body, ctx->arena, 256);
    if (http_input_request(&input, &request) && str_starts_with(request.path, mount.prefix)) {
        mount.handle(ctx, &request, &response);
        if (response.status == 0)
            check_reply(ctx, &request, &response);
        else
            check_error(ctx, &response);
    }
    /* The other side of a call reads whatever a peer answers. */
    ALWAYS(rpc_error_decode(ctx, 200 + request.body[0], "application/json", request.body,
                            request.body_length)
               .code != STATUS_OK);
    http_input_end();
    return 0;
}
