/* reservation_state.h - the life of a reservation as a table. Pure. */
#pragma once

#include "ledger.h"

/* The names in the table; RESERVATION_NONE: there is no row. */
enum reservation_state {
    RESERVATION_NONE,
    RESERVATION_HELD,
    RESERVATION_PINNED,
    RESERVATION_COMMITTED,
    RESERVATION_RELEASED,
    RESERVATION_EXPIRED,
    RESERVATION_STATES,
};

enum reservation_action {
    RESERVATION_PIN,
    RESERVATION_EXTEND,
    RESERVATION_COMMIT,
    RESERVATION_RELEASE, /* by who reserved */
    RESERVATION_CANCEL,  /* the order was cancelled: what is allocated comes back too */
    RESERVATION_EXPIRE,
    RESERVATION_ACTIONS,
};

enum reservation_outcome {
    OUTCOME_APPLY,     /* go to `next` */
    OUTCOME_KEEP,      /* done before, or nothing to do: answer what is */
    OUTCOME_TOMBSTONE, /* leave a released row, so that a late Reserve is refused */
    OUTCOME_NOT_FOUND,
    OUTCOME_RELEASED,  /* refuse: it was released */
    OUTCOME_EXPIRED,   /* refuse: it ran out */
    OUTCOME_COMMITTED, /* refuse: an order has it */
};

struct reservation_transition {
    enum reservation_outcome outcome;
    enum reservation_state next;
    /* Of every line; MOVEMENT_KINDS when no stock moves. */
    enum movement_kind movement;
};

struct reservation_transition reservation_transition(enum reservation_state state,
                                                     enum reservation_action action);

const char *reservation_state_name(enum reservation_state state);
/* RESERVATION_NONE for a name that is none. */
enum reservation_state reservation_state_from_name(const char *name);
