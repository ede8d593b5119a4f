/* ctx.h - what one unit of work carries: a request, an event, a task or a sweep.
 *
 * A ctx belongs to one thread at a time and dies with its arena. */
#pragma once

#include "common/arena.h"
#include "common/compiler.h"
#include "common/status.h"
#include "common/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct idempotency;
struct rpc_exchange;
struct signed_context;

/* W3C Trace Context. */
struct trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_id[8];
    bool is_sampled;
};

/* Who asked. From the signed call context of an RPC; of an event, task or sweep: the daemon itself.
 */
struct caller {
    const char *service;      /* the signing daemon: "gateway" */
    const char *actor;        /* "customer:<id>", "guest", "key:<id>" (back office), "system" */
    const char *on_behalf_of; /* or NULL */
    const char *scopes;       /* space-separated, "*" for a daemon's own authority */
    const char *reason;       /* why, for the audit; or NULL */
    const char *channel_id;   /* of the storefront that the actor came through; or NULL */
};

struct ctx {
    struct arena *arena;
    struct daemon *daemon;
    int64_t deadline_us; /* of clock_monotonic_us(); never 0 */
    struct trace trace;
    struct caller caller;
    const char *correlation_id; /* the checkout an effect belongs to, as text; or NULL */
    const char *causation_id;   /* the event or command that caused this; or NULL */
    const char
        *method; /* "/inventory.v1.InventoryService/Reserve", "on:<event type>", "task:<kind>" */
    struct idempotency *idempotency;    /* of an RPC that carries Idempotency-Key, else NULL */
    struct rpc_exchange *exchange;      /* private to the chassis */
    const struct violation *violations; /* collected by ctx_violation() */
    const struct signed_context *signed_context; /* private to the chassis */
};

/* The daemon's state struct (struct service: state_size), e.g. `struct inventory *self =
 * ctx_state(ctx)`. */
void *ctx_state(const struct ctx *ctx);

/* The one way to refuse: the definition, and what happened in words for a developer. Takes along
 * the violations collected so far. */
struct status ctx_fail(struct ctx *ctx, const struct error_def *error, const char *format, ...)
    _printf_(3, 4);
/* As ctx_fail, with one violation. `field` is the JSON path; `value` may be NULL. */
struct status ctx_fail_field(struct ctx *ctx, const struct error_def *error, const char *field,
                             const char *value, const char *allowed);
/* Collects a violation for a later ctx_fail; nothing else happens. Strings are copied. */
void ctx_violation(struct ctx *ctx, const char *field, const char *value, const char *allowed);
bool ctx_has_violations(const struct ctx *ctx);
/* ABORTED/VERSION_CONFLICT on expectedVersion, naming the current one, unless `expected` is 0
 * (whatever it is) or current. */
struct status ctx_check_version(struct ctx *ctx, int64_t expected, int64_t current);

/* The Idempotency-Key of the RPC, for a daemon whose store is not Postgres; NULL without one. */
const char *ctx_idempotency_key(const struct ctx *ctx);
/* Digest of the request that came with it, in hex: the same key with another one is
 * INVALID_ARGUMENT/IDEMPOTENCY_KEY_REUSED. NULL without a key. */
const char *ctx_idempotency_fingerprint(const struct ctx *ctx);

/* What the caller may do; a daemon's own work may do everything. */
bool ctx_has_scope(const struct ctx *ctx, const char *scope);

int64_t ctx_remaining_ms(const struct ctx *ctx); /* >= 0 */
/* The daemon was told to stop: a long sweep leaves the rest to another replica. */
bool ctx_is_draining(const struct ctx *ctx);

/* Errors that every daemon may answer. */
extern const struct error_def ERROR_INVALID_REQUEST;   /* INVALID_ARGUMENT/INVALID_REQUEST */
extern const struct error_def ERROR_NOT_FOUND;         /* NOT_FOUND/NOT_FOUND */
extern const struct error_def ERROR_VERSION_CONFLICT;  /* ABORTED/VERSION_CONFLICT */
extern const struct error_def ERROR_UNAUTHENTICATED;   /* UNAUTHENTICATED/UNAUTHENTICATED */
extern const struct error_def ERROR_CLOCKS_DIFFER;     /* UNAVAILABLE/CLOCKS_DIFFER */
extern const struct error_def ERROR_PERMISSION_DENIED; /* PERMISSION_DENIED/PERMISSION_DENIED */
extern const struct error_def ERROR_DEADLINE;          /* DEADLINE_EXCEEDED/DEADLINE_EXCEEDED */
extern const struct error_def ERROR_OVERLOADED;        /* UNAVAILABLE/OVERLOADED */
extern const struct error_def ERROR_UNAVAILABLE;       /* UNAVAILABLE/DEPENDENCY_UNAVAILABLE */
extern const struct error_def ERROR_INTERNAL;          /* INTERNAL/INTERNAL */

/* Work that nobody asked for (start-up, a sweep, a consumer's loop): a fresh arena, a root trace,
 * the daemon as caller. ctx_finish frees it; accepts a zeroed ctx. */
void ctx_init(struct ctx *ctx, struct daemon *daemon, const char *method, int64_t timeout_ms);
void ctx_finish(struct ctx *ctx);
/* Between rounds of a loop: resets the arena, the deadline, the trace and the collected errors. */
void ctx_renew(struct ctx *ctx, int64_t timeout_ms);
