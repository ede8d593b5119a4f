/* reservation_state.c - which action takes a reservation from which state to which. Pure. */
#include "reservation_state.h"

#include "common/str.h"

#define KEEP                                                                                       \
    {                                                                                              \
        OUTCOME_KEEP, RESERVATION_NONE, MOVEMENT_KINDS                                             \
    }
#define TOMBSTONE                                                                                  \
    {                                                                                              \
        OUTCOME_TOMBSTONE, RESERVATION_RELEASED, MOVEMENT_KINDS                                    \
    }
#define NOT_FOUND                                                                                  \
    {                                                                                              \
        OUTCOME_NOT_FOUND, RESERVATION_NONE, MOVEMENT_KINDS                                        \
    }
#define REFUSE_RELEASED                                                                            \
    {                                                                                              \
        OUTCOME_RELEASED, RESERVATION_NONE, MOVEMENT_KINDS                                         \
    }
#define REFUSE_EXPIRED                                                                             \
    {                                                                                              \
        OUTCOME_EXPIRED, RESERVATION_NONE, MOVEMENT_KINDS                                          \
    }
#define REFUSE_COMMITTED                                                                           \
    {                                                                                              \
        OUTCOME_COMMITTED, RESERVATION_NONE, MOVEMENT_KINDS                                        \
    }

/* A retry of an action that was done is KEEP: every caller may call again. */
static const struct reservation_transition TRANSITIONS[RESERVATION_STATES][RESERVATION_ACTIONS] = {
    [RESERVATION_NONE] =
        {
            [RESERVATION_PIN] = NOT_FOUND,
            [RESERVATION_EXTEND] = NOT_FOUND,
            [RESERVATION_COMMIT] = NOT_FOUND,
            [RESERVATION_RELEASE] = TOMBSTONE,
            [RESERVATION_CANCEL] = TOMBSTONE,
            [RESERVATION_EXPIRE] = NOT_FOUND,
        },
    [RESERVATION_HELD] =
        {
            [RESERVATION_PIN] = {OUTCOME_APPLY, RESERVATION_PINNED, MOVEMENT_KINDS},
            [RESERVATION_EXTEND] = {OUTCOME_APPLY, RESERVATION_HELD, MOVEMENT_KINDS},
            [RESERVATION_COMMIT] = {OUTCOME_APPLY, RESERVATION_COMMITTED, MOVEMENT_COMMIT},
            [RESERVATION_RELEASE] = {OUTCOME_APPLY, RESERVATION_RELEASED, MOVEMENT_RELEASE},
            [RESERVATION_CANCEL] = {OUTCOME_APPLY, RESERVATION_RELEASED, MOVEMENT_RELEASE},
            [RESERVATION_EXPIRE] = {OUTCOME_APPLY, RESERVATION_EXPIRED, MOVEMENT_EXPIRE},
        },
    [RESERVATION_PINNED] =
        {
            [RESERVATION_PIN] = KEEP,
            [RESERVATION_EXTEND] = KEEP, // it never expires
            [RESERVATION_COMMIT] = {OUTCOME_APPLY, RESERVATION_COMMITTED, MOVEMENT_COMMIT},
            [RESERVATION_RELEASE] = {OUTCOME_APPLY, RESERVATION_RELEASED, MOVEMENT_RELEASE},
            [RESERVATION_CANCEL] = {OUTCOME_APPLY, RESERVATION_RELEASED, MOVEMENT_RELEASE},
            [RESERVATION_EXPIRE] = KEEP,
        },
    [RESERVATION_COMMITTED] =
        {
            [RESERVATION_PIN] = KEEP,
            [RESERVATION_EXTEND] = KEEP,
            [RESERVATION_COMMIT] = KEEP,
            [RESERVATION_RELEASE] = REFUSE_COMMITTED,
            [RESERVATION_CANCEL] = {OUTCOME_APPLY, RESERVATION_RELEASED, MOVEMENT_CANCEL},
            [RESERVATION_EXPIRE] = KEEP,
        },
    [RESERVATION_RELEASED] =
        {
            [RESERVATION_PIN] = REFUSE_RELEASED,
            [RESERVATION_EXTEND] = REFUSE_RELEASED,
            [RESERVATION_COMMIT] = REFUSE_RELEASED,
            [RESERVATION_RELEASE] = KEEP,
            [RESERVATION_CANCEL] = KEEP,
            [RESERVATION_EXPIRE] = KEEP,
        },
    [RESERVATION_EXPIRED] =
        {
            [RESERVATION_PIN] = REFUSE_EXPIRED,
            [RESERVATION_EXTEND] = REFUSE_EXPIRED,
            [RESERVATION_COMMIT] = REFUSE_EXPIRED,
            [RESERVATION_RELEASE] = KEEP,
            [RESERVATION_CANCEL] = KEEP,
            [RESERVATION_EXPIRE] = KEEP,
        },
};

static const char *const NAMES[RESERVATION_STATES] = {
    [RESERVATION_NONE] = "",
    [RESERVATION_HELD] = "held",
    [RESERVATION_PINNED] = "pinned",
    [RESERVATION_COMMITTED] = "committed",
    [RESERVATION_RELEASED] = "released",
    [RESERVATION_EXPIRED] = "expired",
};

struct reservation_transition reservation_transition(enum reservation_state state,
                                                     enum reservation_action action)
{
    return TRANSITIONS[state][action];
}

const char *reservation_state_name(enum reservation_state state)
{
    return NAMES[state];
}

enum reservation_state reservation_state_from_name(const char *name)
{
    for (enum reservation_state state = RESERVATION_HELD; state < RESERVATION_STATES; state++)
        if (str_equal(name, NAMES[state]))
            return state;
    return RESERVATION_NONE;
}
