/* http_input.c - a request out of an input that looks like one. */
#include "http_input.h"

#include "chassis/log.h"
#include "common/json.h"
#include "rpc.h"

#include <civetweb.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

static const char KEYS[] = "gateway:1:000102030405060708090a0b0c0d0e0f";
static struct daemon daemon_;
static struct ctx ctx_;

void http_input_open(const struct service *service, void *state)
{
    daemon_ = (struct daemon){
        .service = service,
        .state = state,
        .arena = arena_create(FUZZ_ARENA_MAX),
        .settings = {.call_keys = KEYS, .call_timeout_ms = TIMEOUT_MS},
    };
    log_set_level(LOG_ERROR);
    ctx_init(&ctx_, &daemon_, "fuzz", TIMEOUT_MS);
    ALWAYS(call_keys_open(&ctx_, &daemon_).code == STATUS_OK);
    ctx_finish(&ctx_);
}

struct daemon *http_input_daemon(void)
{
    return &daemon_;
}

struct ctx *http_input_begin(void)
{
    ctx_init(&ctx_, &daemon_, "fuzz", TIMEOUT_MS);
    return &ctx_;
}

void http_input_end(void)
{
    ctx_finish(&ctx_);
}

static const char *header_value(const char *name, const char *value)
{
    if (!str_equal_ignore_case(name, "Torg-Context") || !str_equal(value, "signed"))
        return value;
    ctx_.caller = (struct caller){.service = "gateway", .actor = "guest", .scopes = "fuzz.call"};
    return call_context_sign(&ctx_, daemon_.keys, "gateway");
}

/* As the server hands them over: names without blanks, values without those in front. */
static void take_headers(struct fuzz_input *input, struct mg_request_info *info)
{
    for (;;) {
        const char *line = fuzz_text(ctx_.arena, input);
        size_t length = strcspn(line, ": ");
        if (*line == '\0' || info->num_headers == MG_MAX_HEADERS - 1)
            return;
        if (line[length] != ':' || length == 0)
            continue;
        const char *value = line + length + 1;
        struct mg_header *header = &info->http_headers[info->num_headers++];
        header->name = arena_strndup(ctx_.arena, line, length);
        header->value = header_value(header->name, value + strspn(value, " \t"));
    }
}

bool http_input_request(struct fuzz_input *input, struct http_request *ret_request)
{
    struct mg_request_info *info = arena_new(ctx_.arena, struct mg_request_info);
    const char *line = fuzz_text(ctx_.arena, input);
    size_t method_length = strcspn(line, " ");
    const char *target = line + method_length + (line[method_length] == ' ');
    size_t path_length = strcspn(target, "?");
    size_t body_length;

    *ret_request = (struct http_request){
        .method = arena_strndup(ctx_.arena, line, method_length),
        .query = target[path_length] ? target + path_length + 1 : "",
        .remote_address = "192.0.2.1",
        .native = info,
    };
    take_headers(input, info);
    const char *body = (const char *)fuzz_rest(ctx_.arena, input, &body_length);
    ret_request->body = arena_strndup(ctx_.arena, body, body_length);
    ret_request->body_length = body_length;
    struct http_refusal refusal =
        http_route_parse(ctx_.arena, arena_strndup(ctx_.arena, target, path_length), ret_request);
    return refusal.status == 0;
}

void http_input_check(const struct http_response *response)
{
    const struct json_node *root;
    int status = response->status == 0 ? 200 : response->status;

    ALWAYS(status >= 200 && status < 500 && status != 499);
    for (size_t i = 0; i < response->header_count; i++)
        ALWAYS(strpbrk(response->headers[i].value, "\r\n") == NULL);
    if (response->content_type != NULL && strstr(response->content_type, "json") != NULL)
        ALWAYS(json_parse(ctx_.arena, response->body.data, response->body.length, &root).code ==
               STATUS_OK);
}
