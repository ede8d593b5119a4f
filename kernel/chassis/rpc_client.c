/* rpc_client.c - calls to other daemons: who is called, when to try again, what to send.
 *
 * A destination is one address of a daemon; calls go round the addresses, leaving out for a moment
 * those that failed, and those that are silent: asked, and not heard of for a while. A frozen
 * daemon and a cut cable refuse nothing, so each of its callers would wait out its whole deadline.
 * How bytes travel is rpc_transport.c. */
#include "rpc.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "rpc_transport.h"
#include "trace.h"

#include <inttypes.h>
#include <string.h>

enum {
    ADDRESSES_MAX = 64,
    ATTEMPTS_MAX = 3,
    EJECT_US = 1000000, /* how long an address that failed is left out */
    SILENCE_US = 500000,
    CONTEXT_US = 5000000, /* a signature is made anew after it, long before it runs out */
};

/* The line Torg-Context of a unit of work. It says who asks, not what: all its calls share it, as
 * long as it is about the same caller. */
struct signed_context {
    struct caller caller;
    const char *correlation_id, *causation_id;
    int64_t renew_at_us;
    const char *line;
};

struct address {
    struct rpc_pool *pool;
    _Atomic int64_t ejected_until_us;
    atomic_int in_flight;
    _Atomic int64_t heard_us; /* of the last answer, or of the call that ended idleness */
    atomic_bool is_doubtful;  /* a call waited in vain: one at a time until it answers */
};

struct destination {
    const char *service;
    struct address *addresses;
    size_t count;
    atomic_uint next;
};

struct rpc_client {
    struct destination *destinations;
    size_t count;
};

/* A call on its way: one attempt after the other. */
struct attempt {
    struct rpc_call *call;
    struct destination *destination;
    struct address *address;
    struct rpc_transfer transfer;
    struct trace trace;
    const char *context; /* the line Torg-Context */
    int64_t deadline_us;
    int64_t started_us;
    int number;      /* attempts made */
    bool is_running; /* holds a connection */
    bool is_done;
};

static const struct error_def NOT_CALLABLE = {STATUS_INTERNAL, "NOT_CALLABLE",
                                              "name the daemon in the service's .calls"};
const struct error_def ERROR_CALL_NOT_SENT = {
    STATUS_UNAVAILABLE, "CALL_NOT_SENT",
    "nothing was done: a daemon is not reachable; retry with back-off"};
const struct error_def ERROR_CALL_LOST = {
    STATUS_UNAVAILABLE, "CALL_LOST",
    "it may have happened: retry with the same idempotency key; without one, read first"};

static const char *const OUTCOMES[] = {"ok", "refused", "not_sent", "lost", "deadline", NULL};
enum outcome { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_NOT_SENT, OUTCOME_LOST, OUTCOME_DEADLINE };
static struct metric CALLS = {.name = "_rpc_client_seconds",
                              .type = METRIC_HISTOGRAM,
                              .doc = "attempts to call another daemon",
                              .label_name = "outcome",
                              .label_values = OUTCOMES};
static struct metric RETRIES = {
    .name = "_rpc_client_retries_total", .type = METRIC_COUNTER, .doc = "attempts after the first"};

static struct status parse_addresses(struct ctx *boot, struct destination *destination,
                                     const char *list);
static const char *context_line(struct ctx *ctx);
static struct destination *find_destination(const struct rpc_client *client, const char *service);
static struct address *choose(struct destination *destination, const struct address *not_this);
static bool start_ready(struct ctx *ctx, struct attempt *attempts, size_t count);
static bool start(struct ctx *ctx, struct attempt *attempt);
static void prepare(struct ctx *ctx, struct attempt *attempt);
static void finish(struct ctx *ctx, struct attempt *attempt);
static bool may_retry(const struct attempt *attempt, enum outcome outcome);
static bool is_repeatable(const struct rpc_call *call);
static struct status decode(struct ctx *ctx, struct attempt *attempt, enum outcome *ret_outcome);
static int64_t deadline_of(const struct ctx *ctx, const struct rpc_call *call);

struct status rpc_client_open(struct ctx *boot, struct daemon *daemon, const char *const *addresses)
{
    struct rpc_client *client = arena_new(daemon->arena, struct rpc_client);
    const char *const *calls = daemon->service->calls;

    daemon->rpc = client;
    while (calls && calls[client->count])
        client->count++;
    client->destinations = arena_array(daemon->arena, struct destination, client->count);
    for (size_t i = 0; i < client->count; i++) {
        client->destinations[i].service = calls[i];
        TRY(parse_addresses(boot, &client->destinations[i], addresses[i]));
    }
    if (client->count) {
        metrics_register(daemon, &CALLS);
        metrics_register(daemon, &RETRIES);
    }
    return status_ok();
}

void rpc_client_close(struct daemon *daemon)
{
    for (size_t i = 0; daemon->rpc && i < daemon->rpc->count; i++)
        for (size_t j = 0; j < daemon->rpc->destinations[i].count; j++)
            rpc_pool_close(daemon->rpc->destinations[i].addresses[j].pool);
}

struct status rpc_call_one(struct ctx *ctx, struct rpc_call *call)
{
    TRY(crash_point(CRASH_RPC_UNSENT, call->method->path));
    rpc_call_all(ctx, call, 1);
    TRY(call->status);
    return crash_point(CRASH_RPC_ANSWERED, call->method->path);
}

/* Never waits for a connection while holding one: a call whose pool is exhausted waits for our own
 * running ones first. So callers that fan out cannot block each other for ever. */
void rpc_call_all(struct ctx *ctx, struct rpc_call *calls, size_t count)
{
    struct attempt *attempts = arena_array(ctx->arena, struct attempt, count);
    struct rpc_transfer **running = arena_array(ctx->arena, struct rpc_transfer *, count);
    const char *context = context_line(ctx);

    for (size_t i = 0; i < count; i++) {
        attempts[i].call = &calls[i];
        attempts[i].context = context;
        attempts[i].destination = find_destination(ctx->daemon->rpc, calls[i].method->service);
        if (attempts[i].destination)
            continue;
        calls[i].status = ctx_fail(ctx, &NOT_CALLABLE, "%s is not among the daemons this one calls",
                                   calls[i].method->service);
        attempts[i].is_done = true;
    }
    while (start_ready(ctx, attempts, count)) {
        size_t running_count = 0;
        for (size_t i = 0; i < count; i++)
            if (attempts[i].is_running)
                running[running_count++] = &attempts[i].transfer;
        if (running_count)
            rpc_transfer_wait(ctx, running, running_count);
        for (size_t i = 0; i < count; i++)
            if (attempts[i].is_running && attempts[i].transfer.is_done)
                finish(ctx, &attempts[i]);
    }
}

/* "http://a:1,http://b:2": each becomes a pool of its own. */
static struct status parse_addresses(struct ctx *boot, struct destination *destination,
                                     const char *list)
{
    struct daemon *daemon = boot->daemon;

    destination->addresses = arena_array(daemon->arena, struct address, ADDRESSES_MAX);
    for (const char *p = list; *p;) {
        size_t length = strcspn(p, ",");
        size_t bare = length;
        while (bare && (p[bare - 1] == '/' || p[bare - 1] == ' '))
            bare--;
        const char *url = arena_strndup(daemon->arena, p, bare);
        if (!str_starts_with(url, "http://") || destination->count == ADDRESSES_MAX)
            return ctx_fail(boot, &ERROR_INVALID_REQUEST,
                            "address of %s: \"%s\" must be http://host:port, at most %d of them",
                            destination->service, url, ADDRESSES_MAX);
        destination->addresses[destination->count++].pool =
            rpc_pool_open(daemon->arena, url, daemon->settings.rpc_pool);
        p += length;
        p += strspn(p, ", ");
    }
    return status_ok();
}

static bool is_of(const struct signed_context *context, const struct ctx *ctx)
{
    return context && memcmp(&context->caller, &ctx->caller, sizeof ctx->caller) == 0 &&
           context->correlation_id == ctx->correlation_id &&
           context->causation_id == ctx->causation_id &&
           clock_monotonic_us() < context->renew_at_us;
}

static const char *context_line(struct ctx *ctx)
{
    if (is_of(ctx->signed_context, ctx))
        return ctx->signed_context->line;
    struct signed_context *context = arena_new(ctx->arena, struct signed_context);
    const char *signature = call_context_sign(ctx, ctx->daemon->keys, ctx->daemon->service->name);
    *context = (struct signed_context){
        .caller = ctx->caller,
        .correlation_id = ctx->correlation_id,
        .causation_id = ctx->causation_id,
        .renew_at_us = clock_monotonic_us() + CONTEXT_US,
        .line = signature ? arena_printf(ctx->arena, "Torg-Context: %s", signature) : NULL,
    };
    ctx->signed_context = context;
    return context->line;
}

static struct destination *find_destination(const struct rpc_client *client, const char *service)
{
    for (size_t i = 0; client && i < client->count; i++)
        if (!strcmp(client->destinations[i].service, service))
            return &client->destinations[i];
    return NULL;
}

static bool is_silent(const struct address *address, int64_t now_us)
{
    return address->in_flight > 0 &&
           (address->is_doubtful || now_us - address->heard_us > SILENCE_US);
}

/* The next one round that is not left out; when all are, the one whose time is over first. */
static struct address *choose(struct destination *destination, const struct address *not_this)
{
    int64_t now_us = clock_monotonic_us();
    unsigned start = atomic_fetch_add_explicit(&destination->next, 1, memory_order_relaxed);
    struct address *soonest = NULL;

    for (size_t i = 0; i < destination->count; i++) {
        struct address *address = &destination->addresses[(start + i) % destination->count];
        if (address == not_this && destination->count > 1)
            continue;
        if (address->ejected_until_us <= now_us && !is_silent(address, now_us))
            return address;
        if (!soonest || address->ejected_until_us < soonest->ejected_until_us)
            soonest = address;
    }
    return soonest;
}

/* Starts what can start; false once all are done. */
static bool start_ready(struct ctx *ctx, struct attempt *attempts, size_t count)
{
    struct attempt *waiting = NULL;
    bool is_any_running = false;

    for (size_t i = 0; i < count; i++) {
        struct attempt *attempt = &attempts[i];
        if (!attempt->is_done && !attempt->is_running && !start(ctx, attempt) && !waiting)
            waiting = attempt;
        is_any_running |= attempt->is_running;
    }
    if (is_any_running || !waiting)
        return is_any_running;
    /* We hold nothing, so we may wait: for the pool of the first that could not start. */
    if (!rpc_pool_wait(waiting->address->pool, waiting->transfer.deadline_us)) {
        waiting->call->status = ctx_fail(ctx, &ERROR_OVERLOADED, "no free connection for %s",
                                         waiting->call->method->path);
        waiting->is_done = true;
    }
    return true;
}

static bool start(struct ctx *ctx, struct attempt *attempt)
{
    if (!attempt->address) {
        attempt->address = choose(attempt->destination, NULL);
        prepare(ctx, attempt);
    }
    if (!rpc_transfer_start(ctx, attempt->address->pool, &attempt->transfer))
        return false;
    attempt->started_us = clock_monotonic_us();
    if (atomic_fetch_add(&attempt->address->in_flight, 1) == 0)
        attempt->address->heard_us = attempt->started_us;
    attempt->number++;
    attempt->is_running = true;
    return true;
}

static void add_line(struct rpc_transfer *transfer, const char *line)
{
    if (line && transfer->header_count < ARRAY_LEN(transfer->headers))
        transfer->headers[transfer->header_count++] = line;
}

static void add_headers(struct ctx *ctx, const struct attempt *attempt,
                        struct rpc_transfer *transfer)
{
    static const char TRACEPARENT[] = "traceparent: ";
    const char *key = attempt->call->idempotency_key;
    char *traceparent = arena_alloc(ctx->arena, sizeof TRACEPARENT + TRACEPARENT_LENGTH);
    int64_t left_ms = (transfer->deadline_us - clock_monotonic_us()) / 1000;

    memcpy(traceparent, TRACEPARENT, sizeof TRACEPARENT);
    trace_format(&attempt->trace, traceparent + sizeof TRACEPARENT - 1);
    transfer->header_count = 0;
    add_line(transfer, "Content-Type: application/proto");
    add_line(transfer, "Connect-Protocol-Version: 1");
    add_line(transfer,
             arena_printf(ctx->arena, "Connect-Timeout-Ms: %" PRId64, left_ms > 1 ? left_ms : 1));
    add_line(transfer, traceparent);
    add_line(transfer, attempt->context);
    add_line(transfer, key ? arena_printf(ctx->arena, "Idempotency-Key: %s", key) : NULL);
}

static void prepare(struct ctx *ctx, struct attempt *attempt)
{
    const struct rpc_call *call = attempt->call;
    struct rpc_transfer *transfer = &attempt->transfer;

    if (!transfer->body) {
        uint8_t *body;
        transfer->body_length = protobuf_c_message_get_packed_size(call->request);
        body = arena_alloc(ctx->arena, transfer->body_length + 1);
        protobuf_c_message_pack(call->request, body);
        transfer->body = body;
    }
    trace_child(&attempt->trace, &ctx->trace);
    transfer->path = call->method->path;
    if (!attempt->deadline_us)
        attempt->deadline_us = deadline_of(ctx, call);
    transfer->deadline_us = attempt->deadline_us;
    transfer->may_resend = is_repeatable(call);
    add_headers(ctx, attempt, transfer);
}

/* What the attempt tells of its address. A short wait in vain tells of the deadline only. */
static void note_answer(struct attempt *attempt, enum outcome outcome, int64_t now_us)
{
    struct address *address = attempt->address;
    bool is_bad = outcome == OUTCOME_NOT_SENT || outcome == OUTCOME_LOST ||
                  attempt->transfer.http_status == 503;

    atomic_fetch_sub(&address->in_flight, 1);
    if (outcome == OUTCOME_DEADLINE) {
        is_bad =
            now_us - attempt->started_us > SILENCE_US && address->heard_us < now_us - SILENCE_US;
        address->is_doubtful = address->is_doubtful || is_bad;
    } else {
        address->heard_us = now_us;
        address->is_doubtful = false;
    }
    address->ejected_until_us = is_bad ? now_us + EJECT_US : 0;
}

static void finish(struct ctx *ctx, struct attempt *attempt)
{
    struct rpc_call *call = attempt->call;
    enum outcome outcome = OUTCOME_OK;
    int64_t now_us = clock_monotonic_us();

    attempt->is_running = false;
    call->status = decode(ctx, attempt, &outcome);
    metric_observe_us(&CALLS, (int)outcome, now_us - attempt->started_us);
    trace_report(ctx->daemon, &(struct span){.trace = &attempt->trace,
                                             .name = call->method->path + 1,
                                             .kind = SPAN_CLIENT,
                                             .duration_us = now_us - attempt->started_us,
                                             .code = call->status.code,
                                             .reason = call->status.reason});
    note_answer(attempt, outcome, now_us);
    if (!may_retry(attempt, outcome)) {
        attempt->is_done = true;
        return;
    }
    metric_add(&RETRIES, 0, 1);
    attempt->address = choose(attempt->destination, attempt->address);
    prepare(ctx, attempt);
}

/* What was never sent may go to another address whatever it is; what may have run only when running
 * it twice is running it once. With a single address only a lost connection is worth another try.
 */
static bool may_retry(const struct attempt *attempt, enum outcome outcome)
{
    bool has_other = attempt->destination->count > 1;
    bool is_unavailable =
        outcome == OUTCOME_REFUSED && attempt->call->status.code == STATUS_UNAVAILABLE;

    if (attempt->number >= ATTEMPTS_MAX || clock_monotonic_us() >= attempt->transfer.deadline_us)
        return false;
    if (outcome == OUTCOME_NOT_SENT)
        return has_other;
    if (!is_repeatable(attempt->call))
        return false;
    return outcome == OUTCOME_LOST || (is_unavailable && has_other);
}

static bool is_repeatable(const struct rpc_call *call)
{
    return call->method->is_idempotent || call->idempotency_key;
}

static struct status decode(struct ctx *ctx, struct attempt *attempt, enum outcome *ret_outcome)
{
    const struct rpc_transfer *transfer = &attempt->transfer;
    const struct rpc_method_ref *method = attempt->call->method;

    switch (transfer->result) {
    case TRANSFER_NOT_SENT:
        *ret_outcome = OUTCOME_NOT_SENT;
        return ctx_fail(ctx, &ERROR_CALL_NOT_SENT, "%s: %s", method->path, transfer->error);
    case TRANSFER_LOST:
        *ret_outcome = OUTCOME_LOST;
        return ctx_fail(ctx, &ERROR_CALL_LOST, "%s: %s", method->path, transfer->error);
    case TRANSFER_TIMED_OUT:
        *ret_outcome = OUTCOME_DEADLINE;
        return ctx_fail(ctx, &ERROR_DEADLINE, "%s did not answer in time", method->path);
    case TRANSFER_ANSWERED:
        break;
    }
    *ret_outcome = OUTCOME_REFUSED;
    if (transfer->http_status != 200) {
        struct status refusal = rpc_error_decode(ctx, transfer->http_status, transfer->content_type,
                                                 transfer->answer.data, transfer->answer.length);
        if (status_reason_is(refusal, ERROR_CLOCKS_DIFFER.reason))
            *ret_outcome = OUTCOME_NOT_SENT; // it did not run: as good as that
        return refusal;
    }
    if (!str_equal(transfer->content_type, "application/proto"))
        return ctx_fail(ctx, &ERROR_INTERNAL, "%s answered %s", method->path,
                        str_or_empty(transfer->content_type));
    attempt->call->reply =
        protobuf_c_message_unpack(method->reply->descriptor, arena_protobuf(ctx->arena),
                                  transfer->answer.length, (uint8_t *)transfer->answer.data);
    if (!attempt->call->reply)
        return ctx_fail(ctx, &ERROR_INTERNAL, "%s answered no %s", method->path,
                        method->reply->descriptor->name);
    *ret_outcome = OUTCOME_OK;
    return status_ok();
}

static int64_t deadline_of(const struct ctx *ctx, const struct rpc_call *call)
{
    int64_t own_us = clock_monotonic_us() + call->timeout_ms * 1000;

    return call->timeout_ms && own_us < ctx->deadline_us ? own_us : ctx->deadline_us;
}
