/* consumer.h - consuming is a row in SUBSCRIPTIONS.
 *
 * Per partition and batch, one transaction: fence on the position row, insert (consumer, event id)
 * into the inbox, skip duplicates, run the handler, commit, then store the offset. UNAVAILABLE,
 * ABORTED and DEADLINE_EXCEEDED pause the partition and are retried with back-off; any other
 * failure parks the record and every later one of its key, retries with back-off, and after the
 * last attempt dead-letters it (a row in the outbox: only the relay produces). */
#pragma once

#include "chassis/db.h"
#include "events/event.h"

#include <stdbool.h>

/* `tx` also carries the inbox row: the effect and "seen" commit together. NULL in a daemon without
 * a database (gateway) and in broadcast mode. Written for any order of arrival. `body` is the
 * message of the subscription's descriptor, validated, in ctx's arena. */
typedef struct status event_handler(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                    const void *body);

enum subscription_mode {
    SUBSCRIPTION_SHARED,    /* the daemon's consumer group: one replica handles each event */
    SUBSCRIPTION_BROADCAST, /* every replica reads every partition from the end, no group: caches */
};

struct event_subscription {
    const char *topic; /* NULL ends the table */
    const struct message_schema *body;
    event_handler *handle;
    enum subscription_mode mode;
    /* The handler locks rows that RPCs lock too: commit per record instead of per batch. */
    bool commit_per_record;
};

/* Broadcast only: called when a partition's stream may have a gap (start, re-balance, error), so
 * that a cache flushes. Set by the daemon's start(); NULL when not set. */
void consumer_on_gap(struct daemon *daemon, void (*on_gap)(void *state), void *state);
