/* apply.c - one batch of one partition is one transaction.
 *
 * No savepoints: a batch that fails is rolled back whole and its records are taken one by one, each
 * in a transaction of its own. The good case then costs one commit per batch, and a failure can
 * belong to one record only. */
#include "chassis/crash_point.h"
#include "common/clock.h"
#include "consuming.h"

#include <assert.h>

static struct status apply_record(struct events *self, struct db_tx *tx,
                                  const struct record *record, const struct inbox_entry *entry);
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
    for (size_t i = 0; i < count; i++)
        TRY(apply_record(self, tx, &records[i], &entries[i]));
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
    const ProtobufCMessage *body;

    envelope_enter(ctx, record);
    TRY(envelope_decode(ctx, record, &body));

    int64_t started_us = clock_monotonic_us();
    struct status status = record->subscription->handle(ctx, tx, &record->event, body);
    metric_observe_us(&EVENTS_HANDLE_SECONDS, 0, clock_monotonic_us() - started_us);
    return status;
}

bool status_is_transient(struct status status)
{
    return status.code == STATUS_UNAVAILABLE || status.code == STATUS_ABORTED ||
           status.code == STATUS_DEADLINE_EXCEEDED;
}

static struct status apply_record(struct events *self, struct db_tx *tx,
                                  const struct record *record, const struct inbox_entry *entry)
{
    static const struct status BEHIND = {.reason = "BEHIND_A_PARKED_EVENT"};

    if (!entry->is_new)
        return status_ok();
    if (entry->is_blocked)
        return parked_add(self, tx, record, BEHIND);
    return apply_handler(db_ctx(tx), tx, record);
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
