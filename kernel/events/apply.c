/* apply.c - a run of records of one partition is one transaction.
 *
 * No savepoints: a batch that fails is rolled back whole and its records are taken one by one, each
 * in a transaction of its own. The good case then costs one commit per batch, and a failure can
 * belong to one record only. What handlers lock that RPCs lock too is locked by one call, in the
 * order that everybody keeps: a batch is split before the second such call. */
#include "chassis/crash_point.h"
#include "common/clock.h"
#include "consuming.h"

#include <assert.h>

static struct status apply_records(struct events *self, struct db_tx *tx,
                                   const struct record *records, const struct inbox_entry *entries,
                                   size_t count);
static struct status call(struct ctx *ctx, struct db_tx *tx,
                          const struct event_subscription *subscription,
                          const struct event_item *items, size_t count);
static void count_outcomes(const struct record *records, const struct inbox_entry *entries,
                           size_t count);

struct status apply_batch(struct events *self, struct ctx *ctx, struct record *records,
                          size_t count)
{
    struct inbox_entry entries[BATCH_RECORDS_MAX];

    assert(count > 0 && count <= BATCH_RECORDS_MAX);
    for (size_t i = 0; i < count; i++)
        TRY(records[i].malformed);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(inbox_enter(self, tx, records, count, entries));
    TRY(crash_point(CRASH_CONSUMER_BEGUN, self->consumer));
    TRY(apply_records(self, tx, records, entries, count));
    TRY(crash_point(CRASH_CONSUMER_HANDLED, self->consumer));
    TRY(db_commit(&tx));
    TRY(crash_point(CRASH_CONSUMER_COMMITTED, self->consumer));
    count_outcomes(records, entries, count);
    return status_ok();
}

struct status apply_one(struct ctx *ctx, struct record *record)
{
    TRY(record->malformed);
    if (record->subscription == NULL) {
        metric_add(&EVENTS_RECORDS, OUTCOME_UNWANTED, 1);
        return status_ok();
    }
    TRY(apply_handler(ctx, NULL, record));
    metric_add(&EVENTS_RECORDS, OUTCOME_HANDLED, 1);
    return status_ok();
}

struct status apply_handler(struct ctx *ctx, struct db_tx *tx, const struct record *record)
{
    struct event_item item = {.event = &record->event};

    event_enter(ctx, item.event);
    TRY(envelope_decode(ctx, record, &item.body));
    return call(ctx, tx, record->subscription, &item, 1);
}

size_t apply_run_length(const struct record *records, size_t count)
{
    const struct event_subscription *locking = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct event_subscription *row = records[i].subscription;
        if (row == NULL)
            continue;
        if (locking != NULL && (row != locking || row->handle_all == NULL))
            return i;
        if (row->handle_all != NULL || row->commit_per_record)
            locking = row;
    }
    return count;
}

bool status_is_transient(struct status status)
{
    return status.code == STATUS_UNAVAILABLE || status.code == STATUS_ABORTED ||
           status.code == STATUS_DEADLINE_EXCEEDED;
}

/* The subscription that takes several gets them at once, after what the run has of others. */
static struct status apply_records(struct events *self, struct db_tx *tx,
                                   const struct record *records, const struct inbox_entry *entries,
                                   size_t count)
{
    static const struct status BEHIND = {.reason = "BEHIND_A_PARKED_EVENT"};
    const struct event_subscription *row = NULL;
    struct event_item items[BATCH_RECORDS_MAX];
    size_t item_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (!entries[i].is_new)
            continue;
        if (entries[i].is_blocked) {
            TRY(parked_add(self, tx, &records[i], BEHIND));
        } else if (records[i].subscription->handle_all == NULL) {
            TRY(apply_handler(db_ctx(tx), tx, &records[i]));
        } else {
            row = records[i].subscription;
            items[item_count].event = &records[i].event;
            TRY(envelope_decode(db_ctx(tx), &records[i], &items[item_count++].body));
        }
    }
    if (item_count == 0)
        return status_ok();
    event_enter(db_ctx(tx), items[0].event);
    return call(db_ctx(tx), tx, row, items, item_count);
}

static struct status call(struct ctx *ctx, struct db_tx *tx,
                          const struct event_subscription *subscription,
                          const struct event_item *items, size_t count)
{
    const int64_t started_us = clock_monotonic_us();
    struct status status;

    if (subscription->handle_all != NULL)
        status = subscription->handle_all(ctx, tx, items, count);
    else
        status = subscription->handle(ctx, tx, items[0].event, items[0].body);
    metric_observe_us(&EVENTS_HANDLE_SECONDS, 0, clock_monotonic_us() - started_us);
    return status;
}

static void count_outcomes(const struct record *records, const struct inbox_entry *entries,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int outcome = OUTCOME_HANDLED;

        if (records[i].subscription == NULL)
            outcome = OUTCOME_UNWANTED;
        else if (!entries[i].is_new)
            outcome = OUTCOME_DUPLICATE;
        else if (entries[i].is_blocked)
            outcome = OUTCOME_PARKED;
        metric_add(&EVENTS_RECORDS, outcome, 1);
    }
}
