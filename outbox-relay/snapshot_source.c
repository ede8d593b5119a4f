/* snapshot_source.c - the outboxes by polling: rows that the new snapshot shows and the old one
 * hid.
 *
 * For databases that refuse REPLICATION, and to repair after a lost slot. Pages of one difference
 * are published one after the other; the position (both snapshots and the page) is stored after
 * each, so a restart goes on inside the same difference. It leads by an advisory lock; the session
 * time-out frees that from a relay that was frozen. */
#include "chassis/log.h"
#include "common/clock.h"
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>

/* A snapshot is as long as the list of running transactions. */
enum { SNAPSHOT_MAX = 64 * 1024, NAME_MAX_LENGTH = 64 };

struct snapshot_source {
    struct source base;
    char done[SNAPSHOT_MAX];
    char running[SNAPSHOT_MAX]; /* "" between two differences */
    char source[NAME_MAX_LENGTH];
    char seq[24];
    int page_rows; /* of the page in flight; -1: none */
};

static struct status poll_page(struct snapshot_source *self);
static struct status finish_page(struct snapshot_source *self);
static struct status begin_difference(struct snapshot_source *self);
static struct snapshot_state position(const struct snapshot_source *self);
static struct status copy(struct relay *relay, char *to, size_t size, const char *from);

static struct status snapshot_open(struct source *base)
{
    struct snapshot_source *self = container_of(base, struct snapshot_source, base);
    struct relay *relay = base->relay;
    struct snapshot_state state;
    bool is_locked;

    TRY(state_try_lock(relay, &is_locked));
    if (!is_locked)
        return ctx_fail(&relay->ctx, &RELAY_STANDBY, "another relay polls");
    TRY(state_limit_idle(relay, true));
    TRY(state_load_snapshot(relay, &state));
    TRY(copy(relay, self->done, sizeof self->done, state.done));
    TRY(copy(relay, self->running, sizeof self->running, state.running));
    TRY(copy(relay, self->source, sizeof self->source, state.source));
    TRY(copy(relay, self->seq, sizeof self->seq, state.seq));
    self->page_rows = -1;
    window_reset(&base->window, 0);
    base->due_us = 0;
    return status_ok();
}

static int snapshot_socket(struct source *base)
{
    (void)base;
    return -1;
}

/* One page is in flight at a time; reports wake the loop. */
static struct status snapshot_step(struct source *base)
{
    struct snapshot_source *self = container_of(base, struct snapshot_source, base);
    int64_t now_us = clock_monotonic_us();

    if (self->page_rows >= 0 || now_us < base->due_us)
        return status_ok();
    base->due_us = now_us + base->relay->poll_interval_ms * 1000;
    if (*self->running == '\0')
        TRY(begin_difference(self));
    if (*self->running == '\0')
        return status_ok(); /* nothing was committed since */
    return poll_page(self);
}

static struct status snapshot_confirm(struct source *base, bool is_last)
{
    struct snapshot_source *self = container_of(base, struct snapshot_source, base);

    (void)is_last;
    if (self->page_rows >= 0 && window_is_empty(&base->window))
        return finish_page(self);
    return status_ok();
}

static void snapshot_close(struct source *base)
{
    (void)base; /* the lock goes with the state connection */
}

static const struct source_ops SNAPSHOT_SOURCE = {
    .name = "snapshot",
    .open = snapshot_open,
    .socket = snapshot_socket,
    .step = snapshot_step,
    .confirm = snapshot_confirm,
    .close = snapshot_close,
};

struct source *snapshot_source_create(struct relay *relay)
{
    struct snapshot_source *self = calloc(1, sizeof *self); /* start-up */

    if (self == NULL)
        abort();
    source_init(&self->base, relay, &SNAPSHOT_SOURCE, SOURCE_OUTBOX);
    return &self->base;
}

static struct status begin_difference(struct snapshot_source *self)
{
    struct relay *relay = self->base.relay;
    const char *now;

    TRY(state_current_snapshot(relay, &now));
    if (str_equal(now, self->done))
        return status_ok();
    TRY(copy(relay, self->running, sizeof self->running, now));
    TRY(copy(relay, self->source, sizeof self->source, ""));
    return copy(relay, self->seq, sizeof self->seq, "0");
}

static struct status poll_page(struct snapshot_source *self)
{
    struct relay *relay = self->base.relay;
    struct window *window = &self->base.window;
    struct snapshot_state state = position(self);
    _cleanup_(postgres_clear) PGresult *page = NULL;

    TRY(state_fetch_difference(relay, &state, &page));
    int count = PQntuples(page);
    window_begin(window, clock_now_us());
    for (int i = 0; i < count; i++) {
        struct outbox_row row = postgres_row(page, i, 2);
        TRY(relay_publish(relay, &self->base, &row));
    }
    window_end(window, window->confirmed + 1);
    if (count > 0) {
        TRY(copy(relay, self->source, sizeof self->source, PQgetvalue(page, count - 1, 0)));
        TRY(copy(relay, self->seq, sizeof self->seq, PQgetvalue(page, count - 1, 1)));
    }
    self->page_rows = count;
    return count == 0 ? finish_page(self) : status_ok();
}

/* A full page may have a successor; any other ends the difference. An empty difference is not worth
 * a write: the old position covers it. */
static struct status finish_page(struct snapshot_source *self)
{
    struct relay *relay = self->base.relay;
    int rows = self->page_rows;
    bool is_first = *self->source == '\0';

    self->page_rows = -1;
    if (rows == SNAPSHOT_PAGE) {
        self->base.due_us = 0;
    } else {
        TRY(copy(relay, self->done, sizeof self->done, self->running));
        *self->running = '\0';
        if (rows == 0 && is_first)
            return status_ok();
    }
    struct snapshot_state state = position(self);
    return state_save_snapshot(relay, &state);
}

static struct snapshot_state position(const struct snapshot_source *self)
{
    return (struct snapshot_state){self->done, self->running, self->source, self->seq};
}

static struct status copy(struct relay *relay, char *to, size_t size, const char *from)
{
    int length = snprintf(to, size, "%s", from);

    if (length < 0 || (size_t)length >= size)
        return ctx_fail(&relay->ctx, &RELAY_FAILED, "a position of %d bytes", length);
    return status_ok();
}
