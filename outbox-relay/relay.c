/* relay.c - the loop: read, publish, take reports, confirm. */
#include "relay.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "chassis/service.h"
#include "common/clock.h"
#include "postgres.h"

#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

const struct error_def RELAY_STANDBY = {STATUS_UNAVAILABLE, "RELAY_STANDBY",
                                        "another relay leads; this one takes over when it dies"};
const struct error_def RELAY_FAILED = {STATUS_UNAVAILABLE, "RELAY_FAILED",
                                       "the session ended and is begun anew; the detail says why"};

enum { LOOP_MS_MAX = 100, SESSION_TIMEOUT_MS = 60 * 60 * 1000 };
enum { BACKLOG_MESSAGES = 1000, GIVE_BACK_INTERVAL_US = 10 * 1000 * 1000 };

static const struct {
    const char *name;
    struct source *(*create)(struct relay *relay);
} OUTBOX_SOURCES[] = {
    {"wal", wal_source_create},
    {"snapshot", snapshot_source_create},
};

static void *run(void *opaque);
static struct status run_session(struct relay *relay);
static struct status lead(struct relay *relay);
static struct status round_of(struct relay *relay);
static void give_memory_back(struct relay *relay);
static struct status drain(struct relay *relay);
static void end_session(struct relay *relay);
static void wait_for_something(struct relay *relay);
static struct status wait_reports(struct relay *relay);
static void pause_session(struct relay *relay, struct status why);

struct status relay_start(struct ctx *boot)
{
    struct relay *relay = ctx_state(boot);

    relay->daemon = boot->daemon;
    relay->brokers = daemon_setting(boot->daemon, "KAFKA_BROKERS");
    relay->parked_arena = arena_create(SIZE_MAX);
    relay->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (str_is_empty(relay->brokers) || relay->wake < 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "KAFKA_BROKERS is empty");
    for (size_t i = 0; i < ARRAY_LEN(OUTBOX_SOURCES); i++)
        if (str_equal(OUTBOX_SOURCES[i].name, relay->source))
            relay->sources[SOURCE_OUTBOX] = OUTBOX_SOURCES[i].create(relay);
    if (relay->sources[SOURCE_OUTBOX] == NULL)
        return ctx_fail(boot, &ERROR_INVALID_REQUEST, "RELAY_SOURCE: wal or snapshot");
    if (!str_is_empty(relay->cart_redis_url))
        relay->sources[SOURCE_CART] = redis_source_create(relay);
    if (pthread_create(&relay->thread, NULL, run, relay) != 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "no thread");
    return status_ok();
}

struct status relay_ready(struct ctx *ctx)
{
    struct relay *relay = ctx_state(ctx);

    if (!relay->is_connected)
        return ctx_fail(ctx, &ERROR_UNAVAILABLE, "neither leading nor standing by");
    return status_ok();
}

void relay_stop(void *state)
{
    struct relay *relay = state;

    if (relay->daemon == NULL || relay->is_stopping)
        return;
    relay->is_stopping = true;
    eventfd_write(relay->wake, 1);
    if (relay->thread != 0)
        pthread_join(relay->thread, NULL);
    close(relay->wake);
    arena_destroy(relay->parked_arena);
    for (int i = 0; i < SOURCES; i++)
        if (relay->sources[i] != NULL) {
            free(relay->sources[i]->window.slots);
            free(relay->sources[i]);
        }
}

void source_init(struct source *source, struct relay *relay, const struct source_ops *ops,
                 int index)
{
    struct window_slot *slots = calloc((size_t)relay->window_messages + 2, sizeof *slots);

    if (slots == NULL)
        abort(); /* start-up */
    source->relay = relay;
    source->ops = ops;
    source->index = index;
    window_init(&source->window, slots, relay->window_messages, relay->window_bytes);
}

struct status relay_publish(struct relay *relay, struct source *source,
                            const struct outbox_row *row)
{
    if (relay->publisher == NULL)
        TRY(publisher_open(relay, &relay->publisher));
    if (relay->parked_keys != NULL && parking_holds(relay, row))
        return parking_add(relay, row, "BEHIND_A_PARKED_EVENT");

    uint64_t ticket = window_sent(&source->window, row_bytes(row));
    return publisher_send(relay->publisher, row, ticket * SOURCES + (uint64_t)source->index);
}

void relay_delivered(struct relay *relay, uint64_t token, int64_t bytes, int64_t time_us)
{
    struct source *source = relay->sources[token % SOURCES];

    window_done(&source->window, token / SOURCES, bytes);
    relay->delivered_at_us = clock_monotonic_us();
    crash_here(CRASH_RELAY_DELIVERED, NULL);
    if (time_us == 0)
        return;
    metric_add(&RELAY_PUBLISHED, source->index, 1);
    metric_observe_us(&RELAY_PUBLISH_SECONDS, 0, clock_now_us() - time_us);
}

void relay_refused(struct relay *relay, const struct outbox_row *row, const char *refusal)
{
    struct status status = parking_add(relay, row, refusal);

    log_error(&relay->ctx, "event_refused", LOG_STR("why", refusal));
    if (status.code != STATUS_OK)
        relay->failure = status;
}

void relay_fail(struct relay *relay, const char *why)
{
    if (relay->failure.code == STATUS_OK)
        relay->failure = ctx_fail(&relay->ctx, &RELAY_FAILED, "%s", why);
}

struct status relay_wait_room(struct relay *relay, struct source *source)
{
    while (!window_has_room(&source->window))
        TRY(wait_reports(relay));
    return status_ok();
}

struct status relay_wait_empty(struct relay *relay, struct source *source)
{
    while (!window_is_empty(&source->window))
        TRY(wait_reports(relay));
    return status_ok();
}

static void *run(void *opaque)
{
    struct relay *relay = opaque;

    ctx_init(&relay->ctx, relay->daemon, "relay", SESSION_TIMEOUT_MS);
    while (!relay->is_stopping) {
        struct status status = run_session(relay);
        if (status.code == STATUS_OK)
            status = drain(relay);
        pause_session(relay, status);
    }
    ctx_finish(&relay->ctx);
    return NULL;
}

static struct status run_session(struct relay *relay)
{
    ctx_renew(&relay->ctx, SESSION_TIMEOUT_MS);
    relay->failure = status_ok();
    relay->parked_keys = NULL;
    TRY(postgres_connect(relay, relay->database_url, false, &relay->state));
    TRY(parking_load(relay));
    for (int i = 0; i < SOURCES; i++)
        if (relay->sources[i] != NULL)
            TRY(relay->sources[i]->ops->open(relay->sources[i]));
    if (relay->publisher == NULL)
        TRY(publisher_open(relay, &relay->publisher));
    metric_set(&RELAY_ACTIVE, 0, 1);
    metric_add(&RELAY_SESSIONS, 0, 1);
    relay->is_connected = true;
    log_info(&relay->ctx, "relay_leads", LOG_STR("source", relay->source));
    return lead(relay);
}

/* Until SIGTERM (OK) or a failure. */
static struct status lead(struct relay *relay)
{
    while (!relay->is_stopping) {
        wait_for_something(relay);
        TRY(round_of(relay));
    }
    return status_ok();
}

static struct status round_of(struct relay *relay)
{
    publisher_poll(relay->publisher, 0);
    TRY(relay->failure);
    if (!postgres_is_alive(relay->state))
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "%s", PQerrorMessage(relay->state));
    for (int i = 0; i < SOURCES; i++) {
        struct source *source = relay->sources[i];

        if (source == NULL)
            continue;
        if (window_has_room(&source->window))
            TRY(source->ops->step(source));
        TRY(source->ops->confirm(source, false));
    }
    TRY(stall_watch(relay));
    give_memory_back(relay);
    lag_measure(relay);
    TRY(parking_settle(relay));
    /* Strings of one round; what lives longer is in the sources or in parked_keys' own arena. */
    ctx_renew(&relay->ctx, SESSION_TIMEOUT_MS);
    return relay->failure;
}

/* A backlog fills tens of megabytes, which the allocator would keep for the next one. */
static void give_memory_back(struct relay *relay)
{
    int64_t messages = 0;

    for (int i = 0; i < SOURCES; i++)
        if (relay->sources[i] != NULL)
            messages += relay->sources[i]->window.messages;
    if (messages >= BACKLOG_MESSAGES)
        relay->has_backlog = true;
    if (messages > 0 || !relay->has_backlog || clock_monotonic_us() < relay->give_back_us)
        return;
    relay->has_backlog = false;
    malloc_trim(0);
    relay->give_back_us = clock_monotonic_us() + GIVE_BACK_INTERVAL_US;
}

/* Nothing more is read than the rest of a transaction that has begun; what is in flight gets its
 * reports and its confirmation. */
static struct status drain(struct relay *relay)
{
    int64_t until_us = clock_monotonic_us() + relay->drain_ms * 1000;

    TRY(crash_point(CRASH_RELAY_DRAINING, NULL));
    while (clock_monotonic_us() < until_us && relay->failure.code == STATUS_OK) {
        bool is_empty = true;
        for (int i = 0; i < SOURCES; i++) {
            struct source *source = relay->sources[i];
            if (source == NULL || window_is_empty(&source->window))
                continue;
            is_empty = false;
            if (window_is_open(&source->window) && window_has_room(&source->window))
                TRY(source->ops->step(source));
        }
        if (is_empty)
            break;
        publisher_poll(relay->publisher, 10);
    }
    for (int i = 0; i < SOURCES; i++)
        if (relay->sources[i] != NULL)
            TRY(relay->sources[i]->ops->confirm(relay->sources[i], true));
    return status_ok();
}

static void end_session(struct relay *relay)
{
    lag_forget();
    publisher_close(relay->publisher);
    relay->publisher = NULL;
    for (int i = 0; i < SOURCES; i++)
        if (relay->sources[i] != NULL) {
            relay->sources[i]->ops->close(relay->sources[i]);
            window_reset(&relay->sources[i]->window, 0);
        }
    PQfinish(relay->state);
    relay->state = NULL;
}

static void wait_for_something(struct relay *relay)
{
    int64_t now_us = clock_monotonic_us();
    int64_t until_us = now_us + (int64_t)LOOP_MS_MAX * 1000;
    struct pollfd files[3 + SOURCES] = {
        {.fd = relay->wake, .events = POLLIN},
        {.fd = publisher_socket(relay->publisher), .events = POLLIN},
        {.fd = PQsocket(relay->state), .events = POLLIN},
    };

    for (int i = 0; i < SOURCES; i++) {
        struct source *source = relay->sources[i];
        files[3 + i].fd = -1;
        if (source == NULL || !window_has_room(&source->window))
            continue; /* not reading is the back-pressure */
        files[3 + i] = (struct pollfd){.fd = source->ops->socket(source), .events = POLLIN};
        if (source->due_us < until_us)
            until_us = source->due_us;
    }
    poll(files, ARRAY_LEN(files), until_us <= now_us ? 0 : (int)((until_us - now_us + 999) / 1000));
}

static struct status wait_reports(struct relay *relay)
{
    if (relay->is_stopping)
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "stopped while waiting for reports");
    publisher_poll(relay->publisher, 20);
    return relay->failure;
}

/* Standing by is a way of being ready; failing is not. With jitter, so that two do not keep step.
 */
static void pause_session(struct relay *relay, struct status why)
{
    bool is_standby = status_reason_is(why, RELAY_STANDBY.reason);
    int64_t pause_ms = relay->retry_ms + clock_monotonic_us() % (relay->retry_ms + 1);
    struct pollfd wake = {.fd = relay->wake, .events = POLLIN};

    if (why.code != STATUS_OK && !(is_standby && relay->is_connected))
        log_status(is_standby ? LOG_INFO : LOG_ERROR, &relay->ctx, "session_ended", why);
    relay->is_connected = is_standby;
    end_session(relay);
    if (!relay->is_stopping)
        poll(&wake, 1, (int)pause_ms);
}
