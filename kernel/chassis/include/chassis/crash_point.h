/* crash_point.h - named places where a test may let a daemon die, fail or stall.
 *
 * They exist in builds with TORG_CRASH_POINTS (every preset but release). A daemon whose
 * environment names TORG_CRASH_DIR maps the board of its name there, if a test has put one:
 * arming a point then takes no restart, and replicas share the count, so exactly one of them is
 * hit. What is reached is noted there, so that a test can tell what it has no case for. An unarmed
 * point costs a load, with a board three accesses. */
#pragma once

#include "common/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crash_point {
/* tidy: macro: one list is the enumeration, the names and the cases */
#define CRASH_POINT(name, text, subjects) CRASH_##name,
#include "chassis/crash_points.def"
#undef CRASH_POINT
    CRASH_POINTS
};

enum crash_action {
    CRASH_KILL,   /* SIGKILL to itself */
    CRASH_ERROR,  /* answers UNAVAILABLE, as if the call before it had failed */
    CRASH_DELAY,  /* stalls longer than a short lease */
    CRASH_REFUSE, /* answers INTERNAL to whoever comes until it is disarmed: no repetition helps */
};

enum { CRASH_SUBJECT_MAX = 63, CRASH_DELAY_MS = 5000 };

struct crash_slot {
    atomic_int countdown; /* 0: unarmed; 1: the next hit fires */
    atomic_int fired_pid; /* of whom it fired in */
    int action;
    char subject[CRASH_SUBJECT_MAX + 1]; /* "": whoever comes */
};

struct crash_board {
    struct crash_slot slots[CRASH_POINTS];
    atomic_bool is_reached[CRASH_POINTS];
};

#ifdef TORG_CRASH_POINTS

struct crash_name {
    const char *name, *subjects; /* space-separated */
};
extern const struct crash_name CRASH_NAMES[CRASH_POINTS];
extern struct crash_board *crash_board; /* NULL: none */

void crash_board_open(const char *service);
struct status crash_point_reached(enum crash_point point, const char *subject);

/* OK unless it was armed with CRASH_ERROR. `subject`: a method (its last part counts) or a name;
 * NULL where there is none. */
static inline struct status crash_point(enum crash_point point, const char *subject)
{
    if (crash_board == NULL)
        return status_ok();
    atomic_store_explicit(&crash_board->is_reached[point], true, memory_order_relaxed);
    if (atomic_load_explicit(&crash_board->slots[point].countdown, memory_order_acquire) <= 0)
        return status_ok();
    return crash_point_reached(point, subject);
}

#else

static inline void crash_board_open(const char *service)
{
    (void)service;
}

static inline struct status crash_point(enum crash_point point, const char *subject)
{
    (void)point;
    (void)subject;
    return status_ok();
}

#endif

/* Where nothing can fail: an error there is none. */
static inline void crash_here(enum crash_point point, const char *subject)
{
    struct status ignored = crash_point(point, subject);
    (void)ignored;
}
