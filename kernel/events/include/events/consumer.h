/* consumer.h - consuming is a row in SUBSCRIPTIONS.
 *
 * Per partition and run of records, one transaction: fence on the position row, insert (consumer,
 * event id) into the inbox, skip duplicates, run the handler, commit, then store the offset.
 * UNAVAILABLE, ABORTED and DEADLINE_EXCEEDED pause the partition and are retried with back-off; any
 * other failure parks the record and every later one of its key, retries with back-off, and after
 * the last attempt dead-letters it (a row in the outbox: only the relay produces). */
#pragma once

#include "chassis/db.h"
#include "events/event.h"

#include <stdbool.h>

/* `tx` also carries the inbox row: the effect and "seen" commit together. NULL in a daemon without
 * a database (gateway) and in broadcast mode. Written for any order of arrival. `body` is the
 * message of the subscription's descriptor, validated, in ctx's arena. */
typedef struct status event_handler(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                    const void *body);

/* Several records of one subscription at once, in their order: for handlers that lock what RPCs
 * lock too, and can lock for all of them in the right order. ctx tells what caused what is
 * published; a handler that publishes for one of the events enters it first. When it fails it is
 * called again, for one record at a time. */
struct event_item {
    const struct event *event;
    const void *body;
};
typedef struct status event_batch_handler(struct ctx *ctx, struct db_tx *tx,
                                          const struct event_item *items, size_t count);
void event_enter(struct ctx *ctx, const struct event *event);

enum subscription_mode {
    SUBSCRIPTION_SHARED,    /* the daemon's consumer group: one replica handles each event */
    SUBSCRIPTION_BROADCAST, /* every replica reads every partition from the end, no group: caches */
};

struct event_subscription {
    const char *topic; /* NULL ends the table */
    const struct message_schema *body;
    event_handler *handle;
    event_batch_handler *handle_all; /* instead of `handle` */
    enum subscription_mode mode;
    /* `handle` locks rows that RPCs lock too, in an order of its own: a transaction calls it once.
     */
    bool commit_per_record;
};

/* Broadcast only: called when a partition's stream may have a gap (start, re-balance, error), so
 * that a cache flushes. Set by the daemon's start(); NULL when not set. */
void consumer_on_gap(struct daemon *daemon, void (*on_gap)(void *state), void *state);
