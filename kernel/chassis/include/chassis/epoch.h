/* epoch.h - rows that change rarely, loaded once and shared by all calls until their epoch moves.
 *
 * Whoever changes the rows moves a number in the same transaction; whoever uses them reads that
 * number with everything else it reads, and asks for the rows of that epoch. So no replica works
 * with rows that have changed, and a hit costs no statement. Thread-safe. */
#pragma once

#include "chassis/db.h"

#include <stddef.h>
#include <stdint.h>

struct epoch_rows;

/* A member of the daemon's state; zeroed, it is empty. */
struct epoch_slot {
    struct epoch_rows *current;
};

/* What a slot holds. */
struct epoch_kind {
    size_t size; /* of the structure that load fills; zeroed before */
    /* Reads through tx. Whatever it takes from the ctx's arena lives as long as the rows. */
    struct status (*load)(struct db_tx *tx, void *rows);
};

void epoch_slot_close(struct epoch_slot *slot); /* when the daemon stops */

/* The rows of that epoch if they are in memory, without a look at the database; false when they are
 * not. Whoever names the epoch answers for it: the rows may have changed since. */
bool epoch_rows_known(struct ctx *ctx, struct epoch_slot *slot, int64_t epoch,
                      const void **ret_rows);

/* The rows of that epoch; they are good until the ctx's arena is reset. */
struct status epoch_rows_get(struct db_tx *tx, struct epoch_slot *slot,
                             const struct epoch_kind *kind, int64_t epoch, const void **ret_rows);
