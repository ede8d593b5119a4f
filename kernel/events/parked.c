/* parked.c - records whose handler failed wait here, the later ones of their key behind them.
 *
 * The head of a key is tried again with growing pauses; when it succeeds its followers run at once,
 * in order. After the last attempt it is dead-lettered and the key stands still until an operator
 * decides. A parked record needs no inbox row to run once: deleting its row is part of the effect.
 */
#include "events/parked.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "consuming.h"

enum { PARKED_BACKOFF_FACTOR = 5, DRAIN_RECORDS_MAX = 100 };

const struct db_stmt PARKED_ADD = {
    .name = "add_parked",
    .in = "uttiiutbibbitti", /* id .. payload, attempts, reason, detail, delay in ms */
    .out = "",
    .sql = "INSERT INTO inbox_parked (id, consumer, topic, part, off, event_id, type, key,"
           "            sequence, headers, payload, attempts, reason, detail, next_try)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
           "         now() + $15 * interval '1 millisecond')"
           " ON CONFLICT (consumer, topic, part, off) DO NOTHING",
};

/* SKIP LOCKED, so that replicas share the work; the heads only, so that they keep the order. */
const struct db_stmt PARKED_TAKE = {
    .name = "take_parked",
    .in = "t", /* consumer */
    .out = "utiibbbid",
    .sql = "SELECT id, topic, part, off, key, headers, payload, attempts, parked_at"
           "  FROM inbox_parked AS p"
           " WHERE consumer = $1 AND NOT is_dead AND next_try <= now() AND NOT EXISTS ("
           "       SELECT FROM inbox_parked AS q WHERE q.consumer = p.consumer"
           "          AND q.topic = p.topic AND q.key = p.key AND q.off < p.off)"
           " ORDER BY next_try LIMIT 1 FOR UPDATE OF p SKIP LOCKED",
};

const struct db_stmt PARKED_DELETE = {
    .name = "delete_parked",
    .in = "u",
    .out = "",
    .sql = "DELETE FROM inbox_parked WHERE id = $1",
};

const struct db_stmt PARKED_POSTPONE = {
    .name = "postpone_parked",
    .in = "uiiftti", /* id, attempts before, attempts after, is_dead, reason, detail, delay in ms */
    .out = "",
    .sql = "UPDATE inbox_parked SET attempts = $3, is_dead = $4, reason = $5, detail = $6,"
           "       next_try = now() + $7 * interval '1 millisecond'"
           " WHERE id = $1 AND attempts = $2 AND NOT is_dead",
};

const struct db_stmt PARKED_LIST = {
    .name = "list_parked",
    .in = "tui", /* consumer, after id, limit */
    .out = "uutiitbiffittdd",
    .sql = "SELECT id, event_id, topic, part, off, type, key, sequence, is_dead,"
           "       EXISTS (SELECT FROM inbox_parked AS q WHERE q.consumer = p.consumer"
           "                  AND q.topic = p.topic AND q.key = p.key AND q.off < p.off),"
           "       attempts, reason, detail, parked_at, next_try"
           "  FROM inbox_parked AS p WHERE consumer = $1 AND ($2::uuid IS NULL OR id > $2)"
           " ORDER BY id LIMIT $3",
    .read_only = true,
};

const struct db_stmt PARKED_RETRY_ONE = {
    .name = "retry_parked",
    .in = "tu",
    .out = "",
    .sql = "UPDATE inbox_parked SET attempts = 0, is_dead = false, next_try = now()"
           " WHERE consumer = $1 AND id = $2",
};

const struct db_stmt PARKED_SKIP_ONE = {
    .name = "skip_parked",
    .in = "tu",
    .out = "",
    .sql = "DELETE FROM inbox_parked WHERE consumer = $1 AND id = $2",
};

/* A row of PARKED_TAKE. */
struct parked {
    struct uuid id;
    int64_t attempts;
    struct record record;
};

static struct status drain_one(struct events *self, struct ctx *ctx, bool *ret_found);
static struct status run(struct events *self, struct db_tx *tx, struct parked *ret_parked,
                         bool *ret_found);
static struct status postpone(struct events *self, struct ctx *ctx, const struct parked *parked,
                              struct status why);
static struct status add(struct events *self, struct db_tx *tx, const struct record *record,
                         struct status why, int64_t attempts);
static int64_t backoff_ms(const struct events *self, int64_t attempts);

struct status parked_add(struct events *self, struct db_tx *tx, const struct record *record,
                         struct status why)
{
    return add(self, tx, record, why, 0);
}

struct status parked_add_failed(struct events *self, struct ctx *ctx, const struct record *record,
                                struct status why)
{
    bool has_inbox_row = !status_reason_is(why, EVENT_ID_OUT_OF_RANGE.reason);
    struct inbox_entry entry = {.is_new = true};
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(ctx, &tx));
    if (has_inbox_row)
        TRY(inbox_enter(self, tx, record, 1, &entry));
    else
        TRY(inbox_fence(self, tx, record));
    if (entry.is_new)
        TRY(add(self, tx, record, why, 1));
    TRY(crash_point(CRASH_PARKED_WRITTEN, self->consumer));
    TRY(db_commit(&tx));
    return crash_point(CRASH_PARKED_COMMITTED, self->consumer);
}

void parked_drain(struct events *self, struct ctx *ctx)
{
    bool found = true;

    for (int i = 0; i < DRAIN_RECORDS_MAX && found && !self->is_stopping; i++) {
        envelope_renew(ctx);
        struct status status = drain_one(self, ctx, &found);
        if (status.code != STATUS_OK) {
            log_status(LOG_WARN, ctx, "parked_drain_failed", status);
            return;
        }
    }
}

struct status parked_list(struct ctx *ctx, struct db_tx *tx, struct parked_page page,
                          const struct parked_event **ret_events, size_t *ret_count)
{
    struct events *self = daemon_component_state(ctx->daemon, EVENTS_COMPONENT.name);
    struct db_rows rows;

    TRY(db_many(tx, &PARKED_LIST,
                DB_ARGS(db_text(self->consumer), db_uuid_or_null(page.after), db_int(page.size)),
                &rows));

    struct parked_event *events = arena_array(ctx->arena, struct parked_event, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        events[i] = (struct parked_event){
            .id = db_get_uuid(&rows, i, 0),
            .event_id = db_get_uuid(&rows, i, 1),
            .topic = db_get_text(&rows, i, 2),
            .partition = (int32_t)db_get_int(&rows, i, 3),
            .offset = db_get_int(&rows, i, 4),
            .type = db_get_text(&rows, i, 5),
            .key = db_get_bytes(&rows, i, 6),
            .sequence = db_get_int(&rows, i, 7),
            .is_dead = db_get_bool(&rows, i, 8),
            .is_waiting = db_get_bool(&rows, i, 9),
            .attempts = db_get_int(&rows, i, 10),
            .reason = db_get_text(&rows, i, 11),
            .detail = db_get_text(&rows, i, 12),
            .parked_at_us = db_get_time(&rows, i, 13),
            .next_try_us = db_get_time(&rows, i, 14),
        };
    *ret_events = events;
    *ret_count = rows.count;
    return status_ok();
}

struct status parked_resolve(struct db_tx *tx, struct uuid id, enum parked_resolution resolution)
{
    struct ctx *ctx = db_ctx(tx);
    struct events *self = daemon_component_state(ctx->daemon, EVENTS_COMPONENT.name);
    bool is_retry = resolution == PARKED_RETRY;
    int64_t changed;

    TRY(db_exec(tx, is_retry ? &PARKED_RETRY_ONE : &PARKED_SKIP_ONE,
                DB_ARGS(db_text(self->consumer), db_uuid(id)), &changed));
    if (changed == 0)
        return ctx_fail(ctx, &ERROR_NOT_FOUND, "parked event %s", uuid_text(ctx->arena, id));
    return db_audit(tx, is_retry ? "events.parked.retry" : "events.parked.skip", id, NULL);
}

/* The effect, and with it the end of the parking; or the next attempt's date. */
static struct status drain_one(struct events *self, struct ctx *ctx, bool *ret_found)
{
    struct parked parked = {0};
    struct status status;

    {
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        TRY(db_begin(ctx, &tx));
        status = run(self, tx, &parked, ret_found);
        if (!*ret_found)
            return status;
        if (status.code == STATUS_OK)
            status = db_commit(&tx);
    }
    if (status.code == STATUS_OK) {
        TRY(crash_point(CRASH_PARKED_ENDED, self->consumer));
        metric_add(&EVENTS_RECORDS, OUTCOME_HANDLED, 1);
        return status_ok();
    }
    log_status(LOG_WARN, ctx, "parked_event_failed", status);
    return postpone(self, ctx, &parked, status);
}

static struct status run(struct events *self, struct db_tx *tx, struct parked *ret_parked,
                         bool *ret_found)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    *ret_found = false;
    TRY(db_many(tx, &PARKED_TAKE, DB_ARGS(db_text(self->consumer)), &rows));
    if (rows.count == 0)
        return status_ok();
    *ret_found = true;
    *ret_parked = (struct parked){
        .id = db_get_uuid(&rows, 0, 0),
        .attempts = db_get_int(&rows, 0, 7),
        .record = {.topic = db_get_text(&rows, 0, 1),
                   .partition = db_get_int(&rows, 0, 2),
                   .offset = db_get_int(&rows, 0, 3),
                   .key = db_get_bytes(&rows, 0, 4),
                   .headers = db_get_bytes(&rows, 0, 5),
                   .payload = db_get_bytes(&rows, 0, 6),
                   .timestamp_us = db_get_time(&rows, 0, 8)},
    };
    record_resolve(ctx, daemon_service(self->daemon)->subscriptions, SUBSCRIPTION_SHARED,
                   &ret_parked->record);
    TRY(ret_parked->record.malformed);
    TRY(crash_point(CRASH_PARKED_TAKEN, self->consumer));
    if (ret_parked->record.subscription != NULL) /* else a release gave the subscription up */
        TRY(apply_handler(ctx, tx, &ret_parked->record));
    TRY(db_later(tx, &PARKED_DELETE, DB_ARGS(db_uuid(ret_parked->id))));
    return crash_point(CRASH_PARKED_HANDLED, self->consumer);
}

static struct status postpone(struct events *self, struct ctx *ctx, const struct parked *parked,
                              struct status why)
{
    int64_t attempts = parked->attempts + (status_is_transient(why) ? 0 : 1);
    bool is_dead = attempts >= self->park_attempts;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    int64_t changed;

    TRY(db_begin(ctx, &tx));
    TRY(db_exec(tx, &PARKED_POSTPONE,
                DB_ARGS(db_uuid(parked->id), db_int(parked->attempts), db_int(attempts),
                        db_bool(is_dead), db_text(why.reason != NULL ? why.reason : "UNKNOWN"),
                        db_text(why.detail), db_int(backoff_ms(self, attempts))),
                &changed));
    if (changed == 1 && is_dead)
        TRY(dead_letter_add(self, tx, &parked->record, why, attempts));
    TRY(crash_point(CRASH_PARKED_DATED, self->consumer));
    TRY(db_commit(&tx));
    TRY(crash_point(CRASH_PARKED_POSTPONED, self->consumer));
    if (changed == 1)
        metric_add(&EVENTS_RECORDS, is_dead ? OUTCOME_DEAD_LETTERED : OUTCOME_RETRIED, 1);
    return status_ok();
}

static struct status add(struct events *self, struct db_tx *tx, const struct record *record,
                         struct status why, int64_t attempts)
{
    const char *reason = why.reason != NULL ? why.reason : "UNKNOWN";

    return db_later(tx, &PARKED_ADD,
                    DB_ARGS(db_uuid(uuid_v7()), db_text(self->consumer), db_text(record->topic),
                            db_int(record->partition), db_int(record->offset),
                            db_uuid(record->event.id), db_text(record->event.type),
                            db_blob(record->key.data, record->key.length),
                            db_int(record->event.sequence),
                            db_blob(record->headers.data, record->headers.length),
                            db_blob(record->payload.data, record->payload.length), db_int(attempts),
                            db_text(reason), db_text(why.detail),
                            db_int(attempts == 0 ? 0 : backoff_ms(self, attempts))));
}

static int64_t backoff_ms(const struct events *self, int64_t attempts)
{
    int64_t delay = self->park_backoff_ms;

    for (int64_t i = 1; i < attempts && delay < self->park_backoff_max_ms; i++)
        delay *= PARKED_BACKOFF_FACTOR;
    return delay < self->park_backoff_max_ms ? delay : self->park_backoff_max_ms;
}
