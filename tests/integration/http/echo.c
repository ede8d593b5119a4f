/* echo.c - the daemon under test. */
#include "echo.h"

#include "chassis/log.h"
#include "common/str.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_int calls;

int echo_calls(void)
{
    return calls;
}

void echo_reset(void)
{
    calls = 0;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static struct status say(struct ctx *ctx, const ProtobufCMessage *request, ProtobufCMessage *reply)
{
    const char *word = ((const Common__V1__ErrorDetail *)(const void *)request)->reason;
    const char **ret_word = &((Common__V1__ErrorDetail *)(void *)reply)->reason;

    calls++;
    *ret_word = word;
    if (str_starts_with(word, "SLEEP_"))
        sleep_ms(strtol(word + strlen("SLEEP_"), NULL, 10));
    if (str_equal(word, "REFUSE"))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "reason", word, "anything else");
    if (str_equal(word, "UNAVAILABLE"))
        return ctx_fail(ctx, &ERROR_UNAVAILABLE, "as you wish");
    if (str_equal(word, "MISSING"))
        return ctx_fail(ctx, &ERROR_NOT_FOUND, "nothing like that");
    if (str_equal(word, "WHO"))
        *ret_word = arena_printf(ctx->arena, "%s %s %s %s", ctx->caller.service, ctx->caller.actor,
                                 ctx->caller.scopes, str_or_empty(ctx->correlation_id));
    if (str_equal(word, "TRACE"))
        *ret_word = str_hex(ctx->arena, ctx->trace.trace_id, sizeof ctx->trace.trace_id);
    if (str_equal(word, "LEFT"))
        *ret_word = arena_printf(ctx->arena, "%d", (int)ctx_remaining_ms(ctx));
    return status_ok();
}

/* Answers with what arrived: method, path, and the body. */
static void mirror(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response)
{
    const char *value = NULL;

    calls++;
    if (str_equal(request->path, "/mirror/slow"))
        sleep_ms(300);
    if (str_equal(request->path, "/mirror/slower"))
        sleep_ms(1000);
    bool is_query_good = http_query_get(ctx, request, "q", &value);
    buffer_printf(&response->body, "%s %s %s %s|", request->method, request->path,
                  is_query_good ? str_or_empty(value) : "?",
                  str_or_empty(http_header_get(request, "X-Mirror")));
    buffer_append(&response->body, request->body, request->body_length);
    response->content_type = "text/plain";
}

/* Reads piece by piece and answers how much came; /stream/refuse does not read at all, and
 * /stream/some only the first piece. */
static void stream(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response)
{
    char piece[1000];
    int64_t got = 1, length = 0;
    uint32_t sum = 0;

    (void)ctx;
    calls++;
    bool is_some = str_equal(request->path, "/stream/some");
    if (str_equal(request->path, "/stream/refuse"))
        got = 0;
    while (got > 0 && !(is_some && length > 0)) {
        got = http_body_read(request, piece, sizeof piece);
        for (int64_t i = 0; i < got; i++)
            sum = sum * 31 + (unsigned char)piece[i];
        length += got > 0 ? got : 0;
    }
    response->status = str_equal(request->path, "/stream/refuse") ? 403 : 200;
    response->content_type = "text/plain";
    buffer_printf(&response->body, "%lld %u %s", (long long)length, sum, got < 0 ? "broken" : "");
}

#define SCHEMA &common__v1__error_detail__schema

static const char *const FRIENDS[] = {"friend", NULL};
static const struct rpc_method METHODS[] = {
    {"/echo.v1.EchoService/Say", SCHEMA, SCHEMA, say, false, false, NULL, "", "says it"},
    {"/echo.v1.EchoService/Repeat", SCHEMA, SCHEMA, say, false, true, NULL, "", "says it again"},
    {"/echo.v1.EchoService/Whisper", SCHEMA, SCHEMA, say, true, true, FRIENDS, "echo.read",
     "to friends"},
};
static const struct rpc_service SERVICE = {"echo.v1.EchoService", METHODS, ARRAY_LEN(METHODS)};
static const struct rpc_service *const SERVICES[] = {&SERVICE, NULL};
static const struct http_mount MOUNTS[] = {
    {"/mirror", mirror, 0, false}, {"/stream", stream, 8 * 1024 * 1024, true}, {.prefix = NULL}};
static const char *const CALLS[] = {"echo", NULL};

const struct service ECHO = {.name = "echo", .rpc = SERVICES, .mounts = MOUNTS};
const struct service ECHO_OPEN = {
    .name = "echo", .rpc = SERVICES, .mounts = MOUNTS, .takes_unsigned_calls = true};
const struct service FRIEND = {.name = "friend", .calls = CALLS};
const struct rpc_method_ref ECHO_SAY = {"echo", "/echo.v1.EchoService/Say", SCHEMA, SCHEMA, false};
const struct rpc_method_ref ECHO_REPEAT = {"echo", "/echo.v1.EchoService/Repeat", SCHEMA, SCHEMA,
                                           true};

struct daemon *echo_start(const struct service *service, const char *const *environment,
                          int *ret_port)
{
    struct daemon *daemon = NULL;

    setenv("TORG_CALL_KEYS", ECHO_KEYS, 1);
    setenv("ECHO_LISTEN", "127.0.0.1:0", 1);
    setenv("FRIEND_LISTEN", "127.0.0.1:0", 1);
    setenv("ECHO_THREADS", "16", 1);
    setenv("LOG_LEVEL", "error", 1);
    for (; environment && *environment; environment += 2)
        setenv(environment[0], environment[1], 1);
    struct status status = service_start(service, &daemon, ret_port);
    ck_assert_msg(status.code == STATUS_OK, "%s", status.reason);
    return daemon;
}
