/* parked.h - the records that this daemon's consumer could not handle, for those who look after it.
 *
 * Served by every consuming daemon as common.v1.ParkedEventService; a service may also call these.
 */
#pragma once

#include "chassis/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parked_event {
    struct uuid id; /* of the parking; ascending in time */
    struct uuid event_id;
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *type;
    struct db_bytes key;
    int64_t sequence;
    bool is_dead;    /* attempts used up, dead-lettered; its key stands still */
    bool is_waiting; /* behind an earlier record of its key */
    int64_t attempts;
    const char *reason;
    const char *detail; /* or NULL */
    int64_t parked_at_us;
    int64_t next_try_us;
};

struct parked_page {
    struct uuid after; /* the last id of the page before; nil for the first */
    int64_t size;
};

struct status parked_list(struct ctx *ctx, struct db_tx *tx, struct parked_page page,
                          const struct parked_event **ret_events, size_t *ret_count);

enum parked_resolution { PARKED_RETRY = 1, PARKED_SKIP };

/* RETRY runs it soon, with all its attempts; SKIP forgets it and lets its key go on. Audited.
 * NOT_FOUND when it is not parked (any more). */
struct status parked_resolve(struct db_tx *tx, struct uuid id, enum parked_resolution resolution);
