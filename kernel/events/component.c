/* component.c - what a daemon gets by listing EVENTS_COMPONENT. */
#include "chassis/log.h"
#include "consuming.h"
#include "events_migrations.h"

#include "common/v1/parked.handlers.h"

#define FIELD(member) offsetof(struct events, member)

static const struct config_field CONFIG[] = {
    {"EVENTS_SESSION_TIMEOUT", CONFIG_DURATION_MS, FIELD(session_timeout_ms), "30s", 1000, 300000,
     .doc = "silence after which Kafka gives a replica's partitions to another"},
    {"EVENTS_FETCH_WAIT", CONFIG_DURATION_MS, FIELD(fetch_wait_ms), "100ms", 1, 5000,
     .doc = "how long a broker may gather records for a fetch; caches get theirs at once"},
    {"EVENTS_FETCH_MIN_BYTES", CONFIG_INT, FIELD(fetch_min_bytes), "65536", 1, 1048576,
     .doc = "how much it gathers at most before it answers"},
    {"EVENTS_METADATA_REFRESH", CONFIG_DURATION_MS, FIELD(metadata_refresh_ms), "10s", 100, 600000,
     .doc = "how soon a topic that was missing at start is noticed"},
    {"EVENTS_RETRY_BACKOFF", CONFIG_DURATION_MS, FIELD(retry_backoff_ms), "100ms", 1, 60000,
     .doc = "first pause of a partition whose handler cannot work now; doubles"},
    {"EVENTS_RETRY_BACKOFF_MAX", CONFIG_DURATION_MS, FIELD(retry_backoff_max_ms), "30s", 1, 600000,
     .doc = "longest pause of a partition"},
    {"EVENTS_PARK_INTERVAL", CONFIG_DURATION_MS, FIELD(park_interval_ms), "1s", 10, 60000,
     .doc = "how often parked events are looked at"},
    {"EVENTS_PARK_BACKOFF", CONFIG_DURATION_MS, FIELD(park_backoff_ms), "1s", 1, 600000,
     .doc = "pause before a parked event is tried again; grows fivefold"},
    {"EVENTS_PARK_BACKOFF_MAX", CONFIG_DURATION_MS, FIELD(park_backoff_max_ms), "10m", 1, 86400000,
     .doc = "longest pause between two attempts of a parked event"},
    {"EVENTS_PARK_ATTEMPTS", CONFIG_INT, FIELD(park_attempts), "6", 1, 100,
     .doc = "attempts before an event is dead-lettered, the first one included"},
    {0},
};

static const struct error_def *const ERRORS[] = {&EVENT_TOO_LARGE, &EVENT_MALFORMED,
                                                 &EVENT_ID_OUT_OF_RANGE, &EVENT_FENCED, NULL};

static const struct rpc_service *const RPC[] = {&COMMON_V1_SERVICE, NULL};

static const struct db_stmt *const STATEMENTS[] = {
    &OUTBOX_INSERT,
    &OUTBOX_INSERT_MANY,
    &INBOX_ENTER,
    &INBOX_LIST_POSITIONS,
    &INBOX_RESET_POSITION,
    &PARKED_ADD,
    &PARKED_TAKE,
    &PARKED_DELETE,
    &PARKED_POSTPONE,
    &PARKED_LIST,
    &PARKED_RETRY_ONE,
    &PARKED_SKIP_ONE,
    NULL,
};

static struct status start(struct ctx *boot, void *state)
{
    struct events *self = state;
    const struct service *service = daemon_service(boot->daemon);

    self->daemon = boot->daemon;
    self->consumer = service->name;
    self->brokers = daemon_setting(boot->daemon, "KAFKA_BROKERS");
    self->has_database = service->statements != NULL;
    if (service->subscriptions == NULL)
        return status_ok();
    if (str_is_empty(self->brokers)) {
        log_warn(boot, "not_consuming", LOG_STR("why", "KAFKA_BROKERS is empty"));
        return status_ok();
    }
    TRY(broadcast_start(self, boot, &self->broadcast));
    return group_start(self, boot, &self->group);
}

/* Finishes or rolls back the batch at hand, commits the offsets, leaves the group. */
static void drain(void *state)
{
    struct events *self = state;

    self->is_stopping = true;
    group_stop(self->group);
    broadcast_stop(self->broadcast);
    self->group = NULL;
    self->broadcast = NULL;
}

void consumer_on_gap(struct daemon *daemon, void (*on_gap)(void *state), void *state)
{
    struct events *self = daemon_component_state(daemon, EVENTS_COMPONENT.name);

    self->on_gap = on_gap;
    self->on_gap_state = state;
}

const struct service_component EVENTS_COMPONENT = {
    .name = "events",
    .rpc = RPC,
    .config = CONFIG,
    .state_size = sizeof(struct events),
    .migrations = EVENTS_MIGRATIONS,
    .statements = STATEMENTS,
    .errors = ERRORS,
    .metrics = EVENTS_METRICS,
    .start = start,
    .drain = drain,
    .stop = drain,
    .print = topics_print,
};
