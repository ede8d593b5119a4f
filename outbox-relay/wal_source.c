/* wal_source.c - the outboxes through logical decoding: commit order, nothing to poll, no gap.
 *
 * The slot is the leader's lock. The position that the server is told never exceeds what schema
 * relay has committed, so a killed relay starts at or after it. Without a usable position (first
 * start, a lost slot) a new slot is made and what the tables hold is published first: consumers
 * know duplicates by their ids. */
#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "postgres.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct error_def RELAY_DISCONTINUED = {
    STATUS_FAILED_PRECONDITION, "RELAY_DISCONTINUED",
    "the slot stands beyond the saved position: events between them would be lost. "
    "RELAY_REPAIR=true"
    " makes a new slot and publishes what the outboxes hold"};

enum {
    STEP_MESSAGES_MAX = 2000, /* then reports have their turn */
    STATUS_PAUSE_US = 100 * 1000,
    WAL_HEADER = 25,
    KEEPALIVE_LENGTH = 18,
    STATUS_LENGTH = 34,
    /* Without events the position is saved seldom: saving it writes WAL, which moves it. */
    IDLE_SAVE_US = 30 * 1000 * 1000,
    IDLE_SAVE_BYTES = 16 * 1024 * 1024,
};

struct wal_source {
    struct source base;
    PGconn *native;
    struct pgoutput decoder;
    char system_id[32], timeline[16];
    uint64_t received; /* highest position seen */
    uint64_t saved;    /* committed in schema relay */
    bool has_events;   /* since it was saved */
    bool wants_reply;
    int64_t saved_at_us, status_at_us, heard_at_us;
};

static struct status identify(struct wal_source *self);
static struct status choose_start(struct wal_source *self, uint64_t *ret_start);
static struct status bootstrap(struct wal_source *self, bool drop_first, uint64_t *ret_start);
static struct status publish_history(struct wal_source *self, const char *snapshot);
static struct status start_streaming(struct wal_source *self, uint64_t start);
static struct status command(struct wal_source *self, const char *sql, PGresult **ret_result);
static struct status take_data(struct wal_source *self, const char *data, size_t length);
static struct status take_change(struct wal_source *self, const char *data, size_t length);
static struct status save(struct wal_source *self);
static struct status send_status(struct wal_source *self);
static uint64_t read_u64(const char *bytes);
static void write_u64(char *bytes, uint64_t value);

static struct status wal_open(struct source *base)
{
    struct wal_source *self = container_of(base, struct wal_source, base);
    struct relay *relay = base->relay;
    uint64_t start = 0;
    bool has_publication;

    memset(&self->decoder, 0, sizeof self->decoder);
    TRY(state_has_publication(relay, &has_publication));
    if (!has_publication)
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "no publication %s: run outbox-relay/setup.sql",
                        relay->publication);
    TRY(postgres_connect(relay, relay->database_url, true, &self->native));
    TRY(identify(self));
    TRY(choose_start(self, &start));
    TRY(start_streaming(self, start));
    window_reset(&base->window, start);
    self->saved = self->received = start;
    self->has_events = self->wants_reply = false;
    self->heard_at_us = self->saved_at_us = clock_monotonic_us();
    self->status_at_us = 0;
    log_info(&relay->ctx, "wal_streaming", LOG_STR("slot", relay->slot),
             LOG_STR("from", lsn_text(relay, start)));
    return status_ok();
}

static int wal_socket(struct source *base)
{
    return PQsocket(container_of(base, struct wal_source, base)->native);
}

static struct status wal_step(struct source *base)
{
    struct wal_source *self = container_of(base, struct wal_source, base);
    struct ctx *ctx = &base->relay->ctx;
    char *data = NULL;
    int length = 0;

    base->due_us = clock_monotonic_us() + STATUS_PAUSE_US;
    if (!PQconsumeInput(self->native))
        return ctx_fail(ctx, &RELAY_FAILED, "stream: %s", PQerrorMessage(self->native));
    for (int i = 0; i < STEP_MESSAGES_MAX && window_has_room(&base->window); i++) {
        if (base->relay->is_stopping && !window_is_open(&base->window))
            return status_ok(); /* at a transaction's end, so that none of it is sent again */
        length = PQgetCopyData(self->native, &data, 1);
        if (length == 0)
            return status_ok(); /* all of it is taken */
        if (length < 0)
            return ctx_fail(ctx, &RELAY_FAILED, "stream ended: %s", PQerrorMessage(self->native));
        self->heard_at_us = clock_monotonic_us();
        struct status status = take_data(self, data, (size_t)length);
        PQfreemem(data);
        TRY(status);
    }
    base->due_us = 0; /* libpq holds more */
    return status_ok();
}

static struct status wal_confirm(struct source *base, bool is_last)
{
    struct wal_source *self = container_of(base, struct wal_source, base);
    struct relay *relay = base->relay;
    int64_t now_us = clock_monotonic_us();
    int64_t since_us = now_us - self->saved_at_us;
    uint64_t ahead = base->window.confirmed - self->saved;
    bool is_due = self->has_events ? since_us >= relay->save_interval_ms * 1000
                                   : since_us >= IDLE_SAVE_US || ahead >= IDLE_SAVE_BYTES ||
                                         (self->wants_reply && since_us >= 1000 * 1000);

    if (ahead > 0 && (is_due || is_last))
        TRY(save(self));
    if (!window_has_room(&base->window))
        self->heard_at_us = now_us; /* we are not listening */
    if (now_us - self->heard_at_us > relay->liveness_ms * 1000)
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "the server is silent");
    if (self->wants_reply || is_last || self->status_at_us == 0 ||
        now_us - self->status_at_us > relay->liveness_ms * 1000 / 4)
        TRY(send_status(self));
    if (is_last)
        (void)PQputCopyEnd(self->native, NULL); /* the server ends the stream; closing does too */
    return status_ok();
}

static void wal_close(struct source *base)
{
    struct wal_source *self = container_of(base, struct wal_source, base);

    PQfinish(self->native);
    self->native = NULL;
}

static const struct source_ops WAL_SOURCE = {
    .name = "wal",
    .open = wal_open,
    .socket = wal_socket,
    .step = wal_step,
    .confirm = wal_confirm,
    .close = wal_close,
};

struct source *wal_source_create(struct relay *relay)
{
    struct wal_source *self = calloc(1, sizeof *self); /* start-up */

    if (self == NULL)
        abort();
    source_init(&self->base, relay, &WAL_SOURCE, SOURCE_OUTBOX);
    return &self->base;
}

static struct status identify(struct wal_source *self)
{
    _cleanup_(postgres_clear) PGresult *result = NULL;

    TRY(command(self, "IDENTIFY_SYSTEM", &result));
    strncpy(self->system_id, PQgetvalue(result, 0, 0), sizeof self->system_id - 1);
    strncpy(self->timeline, PQgetvalue(result, 0, 1), sizeof self->timeline - 1);
    return status_ok();
}

static struct status choose_start(struct wal_source *self, uint64_t *ret_start)
{
    struct relay *relay = self->base.relay;
    struct slot_state slot;
    struct wal_state state;

    TRY(state_load_slot(relay, &slot));
    if (slot.is_active)
        return ctx_fail(&relay->ctx, &RELAY_STANDBY, "slot %s is in use", relay->slot);
    TRY(state_load_wal(relay, &state));
    if (!slot.exists || slot.is_lost || !state.is_known || !state.is_bootstrapped) {
        if (state.is_known && state.is_bootstrapped)
            log_error(&relay->ctx, "slot_lost", LOG_STR("slot", relay->slot));
        return bootstrap(self, slot.exists, ret_start);
    }

    bool is_same =
        str_equal(state.system_id, self->system_id) && str_equal(state.timeline, self->timeline);
    if (is_same && slot.confirmed_lsn > state.end_lsn) {
        if (!relay->repair)
            return ctx_fail(&relay->ctx, &RELAY_DISCONTINUED, "slot at %s, saved %s",
                            lsn_text(relay, slot.confirmed_lsn), lsn_text(relay, state.end_lsn));
        return bootstrap(self, true, ret_start);
    }
    /* After a failover a position of the old timeline may skip events of the new one. */
    *ret_start = is_same ? state.end_lsn : slot.confirmed_lsn;
    return status_ok();
}

/* The lock keeps a second relay from dropping the slot that is not streamed from yet. */
static struct status bootstrap(struct wal_source *self, bool drop_first, uint64_t *ret_start)
{
    struct relay *relay = self->base.relay;
    struct arena *arena = relay->ctx.arena;
    struct wal_state state = {true, false, self->system_id, self->timeline, 0};
    _cleanup_(postgres_clear) PGresult *dropped = NULL;
    _cleanup_(postgres_clear) PGresult *created = NULL;
    bool is_locked;

    TRY(state_try_lock(relay, &is_locked));
    if (!is_locked)
        return ctx_fail(&relay->ctx, &RELAY_STANDBY, "another relay makes the slot");
    TRY(state_limit_idle(relay, true));
    TRY(state_save_wal(relay, &state));
    if (drop_first)
        TRY(command(self, arena_printf(arena, "DROP_REPLICATION_SLOT \"%s\"", relay->slot),
                    &dropped));
    TRY(command(self,
                arena_printf(arena,
                             "CREATE_REPLICATION_SLOT \"%s\" LOGICAL pgoutput (SNAPSHOT 'export')",
                             relay->slot),
                &created));
    TRY(crash_point(CRASH_RELAY_SLOT_CREATED, NULL));
    if (!lsn_parse(PQgetvalue(created, 0, 1), &state.end_lsn))
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "consistent point %s",
                        PQgetvalue(created, 0, 1));
    TRY(publish_history(self, PQgetvalue(created, 0, 2)));
    state.is_bootstrapped = true;
    TRY(state_save_wal(relay, &state));
    *ret_start = state.end_lsn;
    TRY(state_limit_idle(relay, false));
    return state_unlock(relay);
}

/* What was committed before the slot's consistent point, which the stream will not show. */
static struct status publish_history(struct wal_source *self, const char *snapshot)
{
    struct relay *relay = self->base.relay;
    struct window *window = &self->base.window;
    int64_t total = 0;
    int count;

    window_reset(window, 0);
    window_begin(window, clock_now_us());
    TRY(state_begin_history(relay, snapshot));
    do {
        _cleanup_(postgres_clear) PGresult *page = NULL;

        TRY(state_fetch_history(relay, &page));
        count = PQntuples(page);
        for (int i = 0; i < count; i++) {
            struct outbox_row row = postgres_row(page, i, 0);
            TRY(relay_publish(relay, &self->base, &row));
            TRY(crash_point(CRASH_RELAY_HISTORY_ROW, NULL));
        }
        total += count;
        TRY(relay_wait_room(relay, &self->base));
    } while (count > 0);
    TRY(state_end_history(relay));
    window_end(window, 0);
    TRY(relay_wait_empty(relay, &self->base));
    log_info(&relay->ctx, "history_published", LOG_INT("rows", total));
    return status_ok();
}

static struct status start_streaming(struct wal_source *self, uint64_t start)
{
    struct relay *relay = self->base.relay;
    const char *sql = arena_printf(relay->ctx.arena,
                                   "START_REPLICATION SLOT \"%s\" LOGICAL %s (proto_version '1',"
                                   " publication_names '\"%s\"', binary 'true', messages 'true')",
                                   relay->slot, lsn_text(relay, start), relay->publication);
    _cleanup_(postgres_clear) PGresult *result = PQexec(self->native, sql);

    if (PQresultStatus(result) == PGRES_COPY_BOTH)
        return status_ok();

    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (str_equal(state, "55006")) /* object_in_use: somebody was faster */
        return ctx_fail(&relay->ctx, &RELAY_STANDBY, "slot %s is in use", relay->slot);
    return ctx_fail(&relay->ctx, &RELAY_FAILED, "start: %s", PQerrorMessage(self->native));
}

static struct status command(struct wal_source *self, const char *sql, PGresult **ret_result)
{
    struct relay *relay = self->base.relay;
    PGresult *result = PQexec(self->native, sql);
    ExecStatusType outcome = PQresultStatus(result);

    *ret_result = result;
    if (outcome == PGRES_TUPLES_OK || outcome == PGRES_COMMAND_OK)
        return status_ok();
    return ctx_fail(&relay->ctx, &RELAY_FAILED, "%.30s: %s", sql, PQerrorMessage(self->native));
}

static struct status take_data(struct wal_source *self, const char *data, size_t length)
{
    struct ctx *ctx = &self->base.relay->ctx;

    if (data[0] == 'w' && length >= WAL_HEADER) {
        uint64_t start = read_u64(data + 1);
        uint64_t end = read_u64(data + 9);
        self->received = start > self->received ? start : self->received;
        self->received = end > self->received ? end : self->received;
        return take_change(self, data + WAL_HEADER, length - WAL_HEADER);
    }
    if (data[0] == 'k' && length >= KEEPALIVE_LENGTH) {
        uint64_t end = read_u64(data + 1);
        self->received = end > self->received ? end : self->received;
        window_mark(&self->base.window, end);
        self->wants_reply |= data[KEEPALIVE_LENGTH - 1] != 0;
        return status_ok();
    }
    return ctx_fail(ctx, &RELAY_FAILED, "unknown replication message '%c'", data[0]);
}

static struct status take_change(struct wal_source *self, const char *data, size_t length)
{
    struct source *base = &self->base;
    struct ctx *ctx = &base->relay->ctx;
    struct pgoutput_message message = pgoutput_decode(&self->decoder, data, length);

    switch (message.kind) {
    case PGOUTPUT_BEGIN:
        window_begin(&base->window, message.time_us);
        return status_ok();
    case PGOUTPUT_INSERT:
        self->has_events = true;
        TRY(relay_publish(base->relay, base, &message.row));
        return crash_point(CRASH_RELAY_IN_TRANSACTION, NULL);
    case PGOUTPUT_COMMIT:
        window_end(&base->window, message.end_lsn);
        return crash_point(CRASH_RELAY_PRODUCED, NULL);
    case PGOUTPUT_OTHER:
        return status_ok();
    case PGOUTPUT_MALFORMED:
        break;
    }
    return ctx_fail(ctx, &RELAY_FAILED, "pgoutput message '%c' of %zu bytes", data[0], length);
}

static struct status save(struct wal_source *self)
{
    struct wal_state state = {true, true, self->system_id, self->timeline,
                              self->base.window.confirmed};

    TRY(crash_point(CRASH_RELAY_UNSAVED, NULL));
    TRY(state_save_wal(self->base.relay, &state));
    TRY(crash_point(CRASH_RELAY_SAVED, NULL));
    self->saved = state.end_lsn;
    self->saved_at_us = clock_monotonic_us();
    self->has_events = !window_is_empty(&self->base.window);
    self->status_at_us = 0;
    return status_ok();
}

/* Asks for a reply, so that a frozen server shows as silence. */
static struct status send_status(struct wal_source *self)
{
    struct ctx *ctx = &self->base.relay->ctx;
    char status[STATUS_LENGTH] = {'r'};

    write_u64(status + 1, self->received);
    write_u64(status + 9, self->saved);
    write_u64(status + 17, self->saved);
    write_u64(status + 25, (uint64_t)(clock_now_us() - (int64_t)POSTGRES_EPOCH_S * 1000000));
    status[33] = 1;
    if (PQputCopyData(self->native, status, sizeof status) != 1 || PQflush(self->native) < 0)
        return ctx_fail(ctx, &RELAY_FAILED, "status: %s", PQerrorMessage(self->native));
    self->status_at_us = clock_monotonic_us();
    self->wants_reply = false;
    return crash_point(CRASH_RELAY_CONFIRMED, NULL);
}

static uint64_t read_u64(const char *bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

static void write_u64(char *bytes, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        bytes[i] = (char)(value & 0xff);
}
