/* outbox.h - publishing is a row in the transaction that made the change. Nothing else publishes.
 */
#pragma once

#include "chassis/db.h"
#include "chassis/service.h"
#include "events/event.h"

enum { EVENT_BODY_MAX = 256 * 1024 };

/* Adds the event to the daemon's outbox: the row goes with the commit, and all rows of a
 * transaction are one statement (db_gather), in the order in which they were added. The caller
 * holds the lock on the aggregate's row (that is what makes commit order the order per key), and
 * `sequence` is the aggregate's version after this change. Correlation, causation, actor, reason
 * and trace come from the ctx. The body may be at most EVENT_BODY_MAX; a larger one is
 * INTERNAL/EVENT_TOO_LARGE. */
struct status outbox_add(struct db_tx *tx, const struct event_kind *kind, struct uuid key,
                         int64_t sequence, const void *body);

/* The record that outbox_add() would insert, for a daemon whose store is not Postgres: the cart's
 * script appends {topic, key, headers, payload} to its stream in the step that changes the draft.
 * Bytes live in the ctx's arena. */
struct outbox_record {
    struct uuid id;
    const char *topic;
    struct uuid key;
    int64_t sequence;
    struct db_bytes headers; /* events/headers.h */
    struct db_bytes payload;
};
struct status outbox_encode(struct ctx *ctx, const struct event_kind *kind, struct uuid key,
                            int64_t sequence, const void *body, struct outbox_record *ret_record);

/* Adds encoded records in their order: for who publishes in the name of several callers, each
 * encoded with its ctx. The records may go, their bytes stay until the commit. */
struct status outbox_add_records(struct db_tx *tx, const struct outbox_record *records,
                                 size_t count);

/* The component every publishing or consuming daemon lists: migrations, statements, consumers and
 * the ParkedEventService of common.v1. */
extern const struct service_component EVENTS_COMPONENT;
