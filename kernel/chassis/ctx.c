/* ctx.c - one unit of work: its arena, its deadline, its refusals. */
#include "chassis/ctx.h"

#include "chassis/service.h"
#include "common/clock.h"
#include "common/str.h"
#include "daemon.h"
#include "trace.h"

#include <stdarg.h>
#include <string.h>

enum {
    ARENA_MAX = 16 * 1024 * 1024, /* what one unit of work may decode */
    VALUE_MAX = 200,              /* bytes of a refused value that are told back */
};

const struct error_def ERROR_INVALID_REQUEST = {STATUS_INVALID_ARGUMENT, "INVALID_REQUEST",
                                                "correct the fields named in violations"};
const struct error_def ERROR_NOT_FOUND = {STATUS_NOT_FOUND, "NOT_FOUND",
                                          "check the id; it may have been deleted"};
const struct error_def ERROR_VERSION_CONFLICT = {
    STATUS_ABORTED, "VERSION_CONFLICT", "read again, apply the change to what you read, and retry"};
const struct error_def ERROR_UNAUTHENTICATED = {STATUS_UNAUTHENTICATED, "UNAUTHENTICATED",
                                                "sign the call; see deploy/local/call"};
const struct error_def ERROR_CLOCKS_DIFFER = {
    STATUS_UNAVAILABLE, "CLOCKS_DIFFER",
    "nothing was done: of two daemons one has a wrong clock; ask another replica"};
const struct error_def ERROR_PERMISSION_DENIED = {STATUS_PERMISSION_DENIED, "PERMISSION_DENIED",
                                                  "the caller or its scopes do not allow this"};
const struct error_def ERROR_DEADLINE = {
    STATUS_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
    "it may or may not have happened: retry with the same key"};
const struct error_def ERROR_OVERLOADED = {STATUS_UNAVAILABLE, "OVERLOADED",
                                           "wait as Retry-After says and retry"};
const struct error_def ERROR_UNAVAILABLE = {STATUS_UNAVAILABLE, "DEPENDENCY_UNAVAILABLE",
                                            "retry with back-off"};
const struct error_def ERROR_INTERNAL = {STATUS_INTERNAL, "INTERNAL",
                                         "our mistake; report it with the trace id"};

static const struct violation *in_order(struct ctx *ctx);

void *ctx_state(const struct ctx *ctx)
{
    return ctx->daemon->state;
}

struct status ctx_fail(struct ctx *ctx, const struct error_def *error, const char *format, ...)
{
    struct status status = {.code = error->code, .reason = error->reason};
    va_list args;

    va_start(args, format);
    status.detail = arena_vprintf(ctx->arena, format, args);
    va_end(args);
    status.violations = in_order(ctx);
    ctx->violations = NULL;
    return status;
}

struct status ctx_fail_field(struct ctx *ctx, const struct error_def *error, const char *field,
                             const char *value, const char *allowed)
{
    ctx_violation(ctx, field, value, allowed);
    return ctx_fail(ctx, error, "%s: %s", field, allowed);
}

void ctx_violation(struct ctx *ctx, const char *field, const char *value, const char *allowed)
{
    struct violation *violation = arena_new(ctx->arena, struct violation);
    size_t length = strlen(str_or_empty(value));

    violation->field = arena_strdup(ctx->arena, field);
    violation->value =
        arena_strndup(ctx->arena, str_or_empty(value), length < VALUE_MAX ? length : VALUE_MAX);
    violation->allowed = arena_strdup(ctx->arena, allowed);
    violation->next = ctx->violations;
    ctx->violations = violation;
}

bool ctx_has_violations(const struct ctx *ctx)
{
    return ctx->violations != NULL;
}

struct status ctx_check_version(struct ctx *ctx, int64_t expected, int64_t current)
{
    if (expected == 0 || expected == current)
        return status_ok();
    return ctx_fail_field(ctx, &ERROR_VERSION_CONFLICT, "expectedVersion",
                          arena_printf(ctx->arena, "%lld", (long long)expected),
                          arena_printf(ctx->arena, "%lld", (long long)current));
}

const char *ctx_idempotency_key(const struct ctx *ctx)
{
    return ctx->idempotency ? ctx->idempotency->key : NULL;
}

const char *ctx_idempotency_fingerprint(const struct ctx *ctx)
{
    const struct idempotency *own = ctx->idempotency;
    struct buffer hex;

    if (own == NULL)
        return NULL;
    buffer_init(&hex, ctx->arena, 2 * sizeof own->fingerprint + 1);
    for (size_t i = 0; i < sizeof own->fingerprint; i++)
        buffer_printf(&hex, "%02x", own->fingerprint[i]);
    return hex.data;
}

int64_t ctx_remaining_ms(const struct ctx *ctx)
{
    int64_t left = ctx->deadline_us - clock_monotonic_us();

    return left > 0 ? left / 1000 : 0;
}

bool ctx_is_draining(const struct ctx *ctx)
{
    return ctx->daemon->is_draining;
}

void ctx_init(struct ctx *ctx, struct daemon *daemon, const char *method, int64_t timeout_ms)
{
    *ctx = (struct ctx){
        .arena = arena_create(ARENA_MAX),
        .daemon = daemon,
        .method = method,
        .caller = {.service = daemon ? daemon->service->name : "",
                   .actor = "system",
                   .scopes = "*"},
    };
    ctx_renew(ctx, timeout_ms);
}

void ctx_finish(struct ctx *ctx)
{
    arena_destroy(ctx->arena);
    ctx->arena = NULL;
}

void ctx_renew(struct ctx *ctx, int64_t timeout_ms)
{
    arena_reset(ctx->arena);
    ctx->deadline_us = clock_monotonic_us() + timeout_ms * 1000;
    ctx->violations = NULL;
    ctx->signed_context = NULL;
    ctx->correlation_id = NULL;
    ctx->causation_id = NULL;
    trace_start(&ctx->trace, NULL);
}

/* They were collected last first. */
static const struct violation *in_order(struct ctx *ctx)
{
    struct violation *first = NULL;

    for (const struct violation *v = ctx->violations; v; v = v->next) {
        struct violation *copy = arena_memdup(ctx->arena, v, sizeof *v);
        copy->next = first;
        first = copy;
    }
    return first;
}
