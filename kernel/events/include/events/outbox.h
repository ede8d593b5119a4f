/* outbox.h - publishing is a row in the transaction that made the change. Nothing else publishes.
 */
#pragma once

#include "chassis/db.h"
#include "chassis/service.h"
#include "events/event.h"

/* Adds the event to the daemon's outbox, without waiting (db_later). The caller holds the lock on
 * the aggregate's row (that is what makes commit order the order per key), and `sequence` is the
 * aggregate's version after this change. Correlation, causation, actor, reason and trace come from
 * the ctx. The body may be at most 256 KiB; a larger one is INTERNAL/EVENT_TOO_LARGE. */
struct status outbox_add(struct db_tx *tx, const struct event_kind *kind, struct uuid key,
                         int64_t sequence, const void *body);

/* The component every publishing or consuming daemon lists: migrations, statements, consumers. */
extern const struct service_component EVENTS_COMPONENT;
