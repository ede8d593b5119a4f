/* saga.h - runs a table of steps forwards, or backwards when one is refused.
 *
 * The saga's only memory is its row (order's checkout): every step may be run again, by this
 * replica or another, and must answer the same. A step that is refused for good starts the
 * compensations, in reverse; one whose outcome is not known stops the run, and whoever takes the
 * row up next goes on from its state. */
#pragma once

#include "chassis/ctx.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct saga;

struct saga_step {
    const char *name; /* NULL ends the table */
    struct status (*act)(struct ctx *ctx, struct saga *saga);
    struct status (*undo)(struct ctx *ctx, struct saga *saga); /* NULL: nothing to undo */
    int pending_until; /* the last state of the row in which the step has still to be run */
    int64_t limit_ms;  /* of one try, forwards or backwards; it doubles with each */
};

struct saga_ops {
    const struct saga_step *steps;
    /* The row's state now, as the steps keep it. */
    int (*state)(const struct saga *saga);
    /* Before the first compensation, and after the last. */
    struct status (*begin_undo)(struct ctx *ctx, struct saga *saga, struct status refusal);
    struct status (*end_undo)(struct ctx *ctx, struct saga *saga);
    int64_t record_ms;                       /* the limit of begin_undo and end_undo */
    int undoing_state;                       /* begin_undo leaves the row in it */
    int first_final_state, last_final_state; /* nothing more to do: placed, cancelled */
};

/* First member of the structure that the steps share. */
struct saga {
    const struct saga_ops *ops;
    int64_t wait_ms; /* before the next look, if a step knows; 0: as the row's schedule says */
    bool is_waiting; /* set by saga_wait() */
};

enum saga_outcome {
    SAGA_FINISHED, /* the row is in a final state */
    SAGA_WAITING, /* for the buyer, or for an answer that was not final: look again after wait_ms */
    SAGA_LOST,    /* another driver has it */
};

/* Drives until the end, a wait, or ctx's deadline. A step that is not answered within its limit is
 * tried again, a few times and inside the deadline. Logs each step that failed, once. */
enum saga_outcome saga_run(struct ctx *ctx, struct saga *saga);

/* What a step answers to stop the run without failing: `return saga_wait(saga, 2000);` */
struct status saga_wait(struct saga *saga, int64_t wait_ms);

/* Is it a refusal that asking again will not change? Everything else may have happened. */
bool saga_is_refusal(struct status status);
