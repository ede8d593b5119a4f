/* consuming.h - what the files of this module share; nobody else includes it. */
#pragma once

#include "events/consumer.h"
#include "events/outbox.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    BATCH_RECORDS_MAX = 100,
    BATCH_BYTES_MAX = 1 << 20, /* a record may be larger: it is then a batch of its own */
    BATCH_TIMEOUT_MS = 30000,
};

struct group;
struct broadcast;

/* The component's state; the first members are its configuration. */
struct events {
    int64_t session_timeout_ms;
    int64_t fetch_wait_ms;
    int64_t fetch_min_bytes;
    int64_t metadata_refresh_ms;
    int64_t retry_backoff_ms;
    int64_t retry_backoff_max_ms;
    int64_t park_interval_ms;
    int64_t park_backoff_ms;
    int64_t park_backoff_max_ms;
    int64_t park_attempts;

    struct daemon *daemon;
    const char *consumer; /* the service's name: group id and inbox.consumer */
    const char *brokers;
    bool has_database;
    atomic_bool is_stopping;
    struct group *group;
    struct broadcast *broadcast;
    void (*on_gap)(void *state);
    void *on_gap_state;
};

/* One record as the module sees it, from Kafka or from inbox_parked. Bytes belong to the source. */
struct record {
    const char *topic;
    int64_t partition;
    int64_t offset;
    int64_t timestamp_us;
    struct db_bytes key;
    struct db_bytes headers; /* events/headers.h */
    struct db_bytes payload;
    struct event event;                            /* valid once envelope_parse() was OK */
    const struct event_subscription *subscription; /* NULL: nobody wants its type */
    struct status malformed;                       /* not OK: poison */
};

/* envelope.c: headers to struct event, payload to message. INVALID_ARGUMENT/EVENT_MALFORMED. */
struct status envelope_parse(struct ctx *ctx, const struct record *record, struct event *ret_event);
struct status envelope_decode(struct ctx *ctx, const struct record *record, const void **ret_body);
/* event_enter() gives the ctx causation, correlation and trace of the event, and the method
 * "on:<type>". They lie in its arena, so envelope_renew() takes the place of ctx_renew(). */
void envelope_renew(struct ctx *ctx);
/* Parses and finds the subscription of `mode`. */
void record_resolve(struct ctx *ctx, const struct event_subscription *subscriptions,
                    enum subscription_mode mode, struct record *record);

/* apply.c: one transaction over `count` records of one partition. Which failure belongs to which
 * record is not told: the caller retries one by one. */
struct status apply_batch(struct events *self, struct ctx *ctx, struct record *records,
                          size_t count);
/* For a daemon without a database, and the broadcast mode. */
struct status apply_one(struct ctx *ctx, struct record *record);
/* How many of the records may share a transaction: up to the one call of a handler that locks what
 * RPCs lock too, and what nobody wants behind it. At least 1. */
size_t apply_run_length(const struct record *records, size_t count);
/* Calls the handler inside tx. */
struct status apply_handler(struct ctx *ctx, struct db_tx *tx, const struct record *record);
/* Retry and nothing else can help: the partition waits. */
bool status_is_transient(struct status status);
/* The batch is behind the position row: somebody else owns the partition now, or did. */
extern const struct error_def EVENT_FENCED;
extern const struct error_def EVENT_MALFORMED;
extern const struct error_def EVENT_ID_OUT_OF_RANGE;
extern const struct error_def EVENT_TOO_LARGE;

/* inbox.c */
struct inbox_entry {
    bool is_new;     /* not seen before, and this transaction now holds its inbox row */
    bool is_blocked; /* an earlier record of its key is parked */
};
/* Fence, inbox rows and parked keys in one statement. Records that are malformed or unwanted only
 * move the position. FAILED_PRECONDITION/EVENT_FENCED when the position is beyond; ABORTED/CONFLICT
 * when another transaction was moving it. */
struct status inbox_enter(struct events *self, struct db_tx *tx, const struct record *records,
                          size_t count, struct inbox_entry *ret_entries);
/* Only moves the position: for a record that cannot have an inbox row. */
struct status inbox_fence(struct events *self, struct db_tx *tx, const struct record *record);
struct inbox_position {
    const char *topic;
    int64_t partition;
    int64_t next_offset;
};
struct status inbox_positions(struct events *self, struct ctx *ctx, const char *const *topics,
                              size_t topic_count, const struct inbox_position **ret_positions,
                              size_t *ret_count);
/* The topic was made anew and its offsets start again. */
struct status inbox_reset(struct events *self, struct ctx *ctx,
                          const struct inbox_position *position);

/* parked.c */
struct status parked_add(struct events *self, struct db_tx *tx, const struct record *record,
                         struct status why);
/* In transactions of its own, with fence and inbox row. */
struct status parked_add_failed(struct events *self, struct ctx *ctx, const struct record *record,
                                struct status why);
/* Runs every record whose time has come; called by the consumer's thread between batches. */
void parked_drain(struct events *self, struct ctx *ctx);

/* dead_letter.c: a row in the outbox, topic <consumer>.dlq.v1. */
struct status dead_letter_add(struct events *self, struct db_tx *tx, const struct record *record,
                              struct status why, int64_t attempts);
const char *dead_letter_topic(struct arena *arena, const char *consumer);

/* outbox.c */
struct status outbox_insert(struct db_tx *tx, const struct outbox_record *record,
                            struct db_bytes key);

/* group.c: the shared subscriptions; broadcast.c: the broadcast ones. NULL when there are none. */
struct status group_start(struct events *self, struct ctx *boot, struct group **ret_group);
void group_stop(struct group *group);
struct status broadcast_start(struct events *self, struct ctx *boot,
                              struct broadcast **ret_broadcast);
void broadcast_stop(struct broadcast *broadcast);

/* Every statement of the module; component.c lists them. */
extern const struct db_stmt OUTBOX_INSERT, OUTBOX_INSERT_MANY, INBOX_ENTER, INBOX_LIST_POSITIONS,
    INBOX_RESET_POSITION, PARKED_ADD, PARKED_TAKE, PARKED_DELETE, PARKED_POSTPONE, PARKED_LIST,
    PARKED_RETRY_ONE, PARKED_SKIP_ONE;

/* topics.c */
void topics_print(const struct daemon *daemon, const char *table, struct buffer *out);

/* metrics.c */
enum outcome {
    OUTCOME_HANDLED,
    OUTCOME_DUPLICATE,
    OUTCOME_UNWANTED,
    OUTCOME_RETRIED,
    OUTCOME_PARKED,
    OUTCOME_DEAD_LETTERED,
    OUTCOME_FENCED,
    OUTCOME_SKIPPED, /* given up by a daemon without a database */
};
extern struct metric EVENTS_RECORDS;
extern struct metric EVENTS_HANDLE_SECONDS;
extern struct metric EVENTS_LAG;
extern struct metric EVENTS_LOST;
extern struct metric *const EVENTS_METRICS[];
