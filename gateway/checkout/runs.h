/* runs.h - which checkouts this process drives just now.
 *
 * A lease that our name holds while no run of ours is under way was lost with the answer that
 * granted it: then the next run may take it at once, and nobody waits until it ends by itself. */
#pragma once

#include "common/arena.h"

#include <stdbool.h>

/* One request, event or webhook that drives; it lives on the stack of whoever runs it. */
struct checkout_run {
    struct checkout_runs *runs;
    const char *cart_id, *checkout_id; /* NULL while unknown */
    struct checkout_run *before, *next;
};

struct checkout_runs *checkout_runs_create(struct arena *arena);
void checkout_runs_destroy(struct checkout_runs *runs);

/* False when another run of this cart or this checkout is under way. Either id may be NULL. */
bool checkout_run_enter(struct checkout_runs *runs, struct checkout_run *run, const char *cart_id,
                        const char *checkout_id);
/* What it learned meanwhile. The texts outlive the run. */
void checkout_run_name(struct checkout_run *run, const char *cart_id, const char *checkout_id);
void checkout_run_leave(struct checkout_run *run);
