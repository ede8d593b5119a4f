/* relay.h - the state of the relay and what its files share.
 *
 * One thread owns everything: libpq, librdkafka's reports and hiredis are all driven by its loop. A
 * session is one attempt to lead: connections, producer and windows live and die with it, so any
 * error ends the session and the next one begins where the last confirmed position says. */
#pragma once

#include "chassis/ctx.h"
#include "chassis/metrics.h"
#include "common/map.h"
#include "pgoutput.h"
#include "source.h"
#include "window.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SOURCE_OUTBOX, SOURCE_CART, SOURCES };

struct publisher;
typedef struct pg_conn PGconn; /* libpq's */

struct relay {
    /* configuration */
    const char *database_url;
    const char *source;
    const char *cart_redis_url;
    const char *slot;
    const char *publication;
    int64_t cart_shards;
    int64_t window_messages;
    int64_t window_bytes;
    int64_t linger_ms;
    int64_t poll_interval_ms;
    int64_t save_interval_ms;
    int64_t retry_ms;
    int64_t liveness_ms;
    int64_t stall_ms;
    int64_t drain_ms;
    bool repair;

    struct daemon *daemon;
    const char *brokers;
    pthread_t thread;
    int wake; /* eventfd: stop */
    atomic_bool is_stopping;
    atomic_bool is_connected; /* active or standing by; readiness */

    /* the session */
    struct ctx ctx;
    PGconn *state; /* schema relay and plain queries */
    struct publisher *publisher;
    struct source *sources[SOURCES];
    struct arena *parked_arena;
    struct map *parked_keys; /* NULL when none is parked */
    int64_t parking_at_us;
    struct status failure; /* reported by a callback; ends the session */
    int64_t measured_at_us;
    int64_t measure_count;
    int64_t delivered_at_us; /* the last report */
    int64_t ask_at_us;       /* not before */
    bool has_backlog;        /* much was in flight, and its memory has not been given back */
    int64_t give_back_us;    /* not before */
};

/* relay.c */
struct status relay_start(struct ctx *boot);
struct status relay_ready(struct ctx *ctx);
void relay_stop(void *state);
extern const struct error_def RELAY_STANDBY; /* another relay leads */
extern const struct error_def RELAY_FAILED;  /* the session cannot go on; a new one may */
/* Hands the row to the producer and to the window of `source`. */
struct status relay_publish(struct relay *relay, struct source *source,
                            const struct outbox_row *row);
/* Waits inside a source's open() until its window has room, or is empty. */
struct status relay_wait_room(struct relay *relay, struct source *source);
struct status relay_wait_empty(struct relay *relay, struct source *source);

/* publish.c: a token comes back with the report of each row. */
struct status publisher_open(struct relay *relay, struct publisher **ret_publisher);
void publisher_close(struct publisher *publisher); /* forgets what is not delivered */
int publisher_socket(const struct publisher *publisher);
struct status publisher_send(struct publisher *publisher, const struct outbox_row *row,
                             uint64_t token);
void publisher_poll(struct publisher *publisher, int timeout_ms); /* runs the reports */
/* Where the topics are, which also moves on what waits to know. Waits a second at most. */
void publisher_ask(struct publisher *publisher);
int64_t row_bytes(const struct outbox_row *row);

/* stall.c: in each round. */
struct status stall_watch(struct relay *relay);

/* relay.c, called by publisher_poll(). `refusal` is NULL, or why the broker will never take the
 * record: then it has been parked. */
void relay_delivered(struct relay *relay, uint64_t token, int64_t bytes, int64_t time_us);
void relay_refused(struct relay *relay, const struct outbox_row *row, const char *refusal);
void relay_fail(struct relay *relay, const char *why);

/* parking.c: records that the broker refuses, and the later ones of their keys. */
struct status parking_load(struct relay *relay);
bool parking_holds(const struct relay *relay, const struct outbox_row *row);
struct status parking_add(struct relay *relay, const struct outbox_row *row, const char *reason);
struct status parking_settle(struct relay *relay); /* does what an operator decided */

/* lag.c */
void lag_measure(struct relay *relay);
void lag_forget(void); /* the session has ended */
extern struct metric RELAY_ACTIVE;
extern struct metric RELAY_LAG_SECONDS;
extern struct metric RELAY_IN_FLIGHT;
extern struct metric RELAY_RETAINED_WAL_BYTES;
extern struct metric RELAY_PUBLISHED;
extern struct metric RELAY_PARKED;
extern struct metric RELAY_SESSIONS;
extern struct metric RELAY_PUBLISH_SECONDS;
extern struct metric *const RELAY_METRICS[];
