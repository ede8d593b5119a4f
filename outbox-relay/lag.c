/* lag.c - how far behind the relay is, as metrics. */
#include "common/clock.h"
#include "postgres.h"

#include "chassis/log.h"

enum { MEASURE_INTERVAL_US = 1000 * 1000, RETAINED_EVERY = 5 };

static const char *const SOURCE_NAMES[] = {
    [SOURCE_OUTBOX] = "outbox", [SOURCE_CART] = "cart", [SOURCES] = NULL};

struct metric RELAY_ACTIVE = {
    .name = "relay_active", .type = METRIC_GAUGE, .doc = "1 while this relay leads, 0 on standby"};
struct metric RELAY_LAG_SECONDS = {.name = "relay_lag_seconds",
                                   .type = METRIC_GAUGE,
                                   .doc = "age of the oldest event that is read and not delivered",
                                   .label_name = "source",
                                   .label_values = SOURCE_NAMES};
struct metric RELAY_IN_FLIGHT = {.name = "relay_in_flight_events",
                                 .type = METRIC_GAUGE,
                                 .doc = "events handed to the producer without a report yet",
                                 .label_name = "source",
                                 .label_values = SOURCE_NAMES};
struct metric RELAY_RETAINED_WAL_BYTES = {.name = "relay_retained_wal_bytes",
                                          .type = METRIC_GAUGE,
                                          .doc =
                                              "write-ahead log that the server keeps for the slot"};
struct metric RELAY_PUBLISHED = {.name = "relay_published_total",
                                 .type = METRIC_COUNTER,
                                 .doc = "events that Kafka has acknowledged",
                                 .label_name = "source",
                                 .label_values = SOURCE_NAMES};
struct metric RELAY_PARKED = {.name = "relay_parked_keys",
                              .type = METRIC_GAUGE,
                              .doc = "keys with an event that the broker refused"};
struct metric RELAY_SESSIONS = {.name = "relay_sessions_total",
                                .type = METRIC_COUNTER,
                                .doc = "times this relay took the lead"};
struct metric RELAY_PUBLISH_SECONDS = {.name = "relay_publish_seconds",
                                       .type = METRIC_HISTOGRAM,
                                       .doc = "from the commit to the broker's acknowledgement"};

struct metric *const RELAY_METRICS[] = {
    &RELAY_ACTIVE,
    &RELAY_LAG_SECONDS,
    &RELAY_IN_FLIGHT,
    &RELAY_RETAINED_WAL_BYTES,
    &RELAY_PUBLISHED,
    &RELAY_PARKED,
    &RELAY_SESSIONS,
    &RELAY_PUBLISH_SECONDS,
    NULL,
};

/* Whoever stands by has nothing in flight; what it had, its successor has. */
void lag_forget(void)
{
    metric_set(&RELAY_ACTIVE, 0, 0);
    metric_set(&RELAY_RETAINED_WAL_BYTES, 0, 0);
    for (int i = 0; i < SOURCES; i++) {
        metric_set(&RELAY_IN_FLIGHT, i, 0);
        metric_set(&RELAY_LAG_SECONDS, i, 0);
    }
}

void lag_measure(struct relay *relay)
{
    int64_t now_us = clock_monotonic_us();
    int64_t retained = 0;

    if (now_us < relay->measured_at_us)
        return;
    relay->measured_at_us = now_us + MEASURE_INTERVAL_US;
    for (int i = 0; i < SOURCES; i++) {
        if (relay->sources[i] == NULL)
            continue;
        const struct window *window = &relay->sources[i]->window;
        int64_t oldest_us = window_oldest_us(window);
        metric_set(&RELAY_IN_FLIGHT, i, window->messages);
        metric_set(&RELAY_LAG_SECONDS, i,
                   oldest_us == 0 ? 0 : (clock_now_us() - oldest_us) / 1000000);
    }
    if (relay->measure_count++ % RETAINED_EVERY != 0)
        return;
    struct status status = state_retained(relay, &retained);
    if (status.code == STATUS_OK)
        metric_set(&RELAY_RETAINED_WAL_BYTES, 0, retained);
    else
        log_status(LOG_WARN, &relay->ctx, "retained_wal_unknown", status);
}
