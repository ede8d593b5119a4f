/* source.h - where outbox rows come from: the write-ahead log, snapshot polling, the cart's stream.
 *
 * All members are called by the relay's one thread. A failure ends the session; UNAVAILABLE with
 * reason RELAY_STANDBY from open() means that another relay leads. */
#pragma once

#include "common/status.h"
#include "window.h"

#include <stdbool.h>
#include <stdint.h>

struct relay;
struct source;

struct source_ops {
    const char *name;
    /* Connects and takes the lead. May block, and may publish through relay_publish(). */
    struct status (*open)(struct source *self);
    /* The socket that announces rows, or -1: then `due_us` tells when to step. */
    int (*socket)(struct source *self);
    /* Publishes what is there, without blocking for more and within the window's room; while the
     * relay stops, no more than the rest of the open slot. Sets `due_us` to when it wants to be
     * called although its socket is silent. */
    struct status (*step)(struct source *self);
    /* After reports: stores the confirmed position and tells the server. `is_last`: the session
     * ends in peace, store it now. */
    struct status (*confirm)(struct source *self, bool is_last);
    void (*close)(struct source *self); /* also after a failed open() */
};

/* First member of every implementation. */
struct source {
    const struct source_ops *ops;
    struct relay *relay;
    int index; /* in relay->sources */
    struct window window;
    int64_t due_us; /* of clock_monotonic_us() */
};

/* Made once, at start. */
struct source *wal_source_create(struct relay *relay);
struct source *snapshot_source_create(struct relay *relay);
struct source *redis_source_create(struct relay *relay);
void source_init(struct source *source, struct relay *relay, const struct source_ops *ops,
                 int index);
