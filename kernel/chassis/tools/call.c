/* call.c - torg-call: signs an RPC with a daemon's key and sends it, as JSON.
 *
 *   torg-call <url> <package.Service/Method> '<json>' [--as SERVICE] [--actor A] [--scopes S]
 *             [--reason R] [--key K] [--key-file F]
 *
 * Keys come from TORG_CALL_KEYS (or the file). Prints the answer; exits 0 when it is one, 8 times
 * the code when it is a refusal (as buf curl does), 64 when called wrongly. */
#include "chassis/http_client.h"
#include "chassis/service.h"
#include "config.h"
#include "daemon.h"
#include "rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64, TIMEOUT_MS = 30000 };

struct options {
    const char *url, *method, *json;
    const char *service, *actor, *scopes, *reason, *key;
};

static const struct service TOOL = {.name = "torg-call"};

static bool parse(int argc, char **argv, struct options *ret_options)
{
    const struct {
        const char *name;
        const char **value;
    } flags[] = {
        {"--as", &ret_options->service},    {"--actor", &ret_options->actor},
        {"--scopes", &ret_options->scopes}, {"--reason", &ret_options->reason},
        {"--key", &ret_options->key},
    };
    const char **places[] = {&ret_options->url, &ret_options->method, &ret_options->json};
    size_t place = 0;

    for (int i = 1; i < argc; i++) {
        size_t flag = 0;
        while (flag < ARRAY_LEN(flags) && !str_equal(argv[i], flags[flag].name))
            flag++;
        if (flag < ARRAY_LEN(flags) && i + 1 < argc)
            *flags[flag].value = argv[++i];
        else if (str_equal(argv[i], "--key-file") && i + 1 < argc)
            setenv("TORG_CALL_KEYS_FILE", argv[++i], 1);
        else if (place < ARRAY_LEN(places) && !str_starts_with(argv[i], "--"))
            *places[place++] = argv[i];
        else
            return false;
    }
    return place >= 2;
}

static struct status call(struct ctx *ctx, const struct options *options,
                          struct http_answer *ret_answer)
{
    const char *signature;

    TRY(call_keys_open(ctx, ctx->daemon));
    TRY(http_pool_open(ctx, ctx->daemon));
    signature = call_context_sign(ctx, ctx->daemon->keys, options->service);
    if (!signature)
        return ctx_fail(ctx, &ERROR_UNAUTHENTICATED, "TORG_CALL_KEYS has no key of %s",
                        options->service);
    const struct http_header headers[] = {
        {"Content-Type", "application/json"},
        {"Connect-Protocol-Version", "1"},
        {"Torg-Context", signature},
        {"Idempotency-Key", options->key},
    };
    return http_fetch(ctx,
                      &(struct http_call){
                          .method = "POST",
                          .url = arena_printf(ctx->arena, "%s/%s", options->url, options->method),
                          .headers = headers,
                          .header_count = ARRAY_LEN(headers) - !options->key,
                          .body = options->json,
                          .body_length = strlen(options->json),
                          .allow_private = true,
                      },
                      ret_answer);
}

int main(int argc, char **argv)
{
    struct options options = {
        .json = "{}", .service = "gateway", .actor = "key:torg-call", .scopes = "*"};
    struct daemon daemon = {.service = &TOOL, .arena = arena_create(1 << 20)};
    _cleanup_(ctx_finish) struct ctx ctx = {.arena = NULL};
    struct http_answer answer = {.status = 0};
    int exit_status = 0;

    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "torg-call <url> <package.Service/Method> '<json>' [--as SERVICE] "
                        "[--actor A] [--scopes S] [--reason R] [--key K] [--key-file F]\n");
        return EXIT_USAGE;
    }
    if (settings_read_keys(&daemon))
        return EXIT_USAGE;
    ctx_init(&ctx, &daemon, "torg-call", TIMEOUT_MS);
    ctx.caller = (struct caller){.service = options.service,
                                 .actor = options.actor,
                                 .scopes = options.scopes,
                                 .reason = options.reason};
    struct status status = call(&ctx, &options, &answer);
    if (status.code == STATUS_OK && answer.status != 200)
        status = rpc_error_decode(&ctx, answer.status, "application/json", answer.body,
                                  answer.body_length);
    if (answer.status)
        printf("%s\n", answer.body);
    else
        fprintf(stderr, "%s\n", str_or_empty(status.detail));
    exit_status = (int)status.code * 8;
    http_pool_close(&daemon);
    arena_destroy(daemon.arena);
    return exit_status > 255 ? 255 : exit_status;
}
