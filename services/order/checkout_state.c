/* checkout_state.c - which state of a checkout may follow which, and who may move it there. */
#include "states.h"

#include "common/compiler.h"

/* Every way to CANCELLING but the driver's own leads there because a provider declined or time ran
 * out. AUTHORIZED may still be cancelled: until the pivot everything can be given back. */
static const struct {
    enum checkout_state from, to;
    enum checkout_mover mover;
} MOVES[] = {
    {CHECKOUT_BEGUN, CHECKOUT_PRICED, CHECKOUT_BY_DRIVER},
    {CHECKOUT_PRICED, CHECKOUT_RESERVED, CHECKOUT_BY_DRIVER},

    {CHECKOUT_RESERVED, CHECKOUT_AUTH_PENDING, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_RESERVED, CHECKOUT_ACTION_REQUIRED, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_RESERVED, CHECKOUT_AUTHORIZED, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_RESERVED, CHECKOUT_CANCELLING, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_AUTH_PENDING, CHECKOUT_ACTION_REQUIRED, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_AUTH_PENDING, CHECKOUT_AUTHORIZED, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_AUTH_PENDING, CHECKOUT_CANCELLING, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_ACTION_REQUIRED, CHECKOUT_AUTH_PENDING, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_ACTION_REQUIRED, CHECKOUT_AUTHORIZED, CHECKOUT_BY_PAYMENTS},
    {CHECKOUT_ACTION_REQUIRED, CHECKOUT_CANCELLING, CHECKOUT_BY_PAYMENTS},

    {CHECKOUT_AUTHORIZED, CHECKOUT_PLACED, CHECKOUT_BY_PIVOT},

    {CHECKOUT_BEGUN, CHECKOUT_CANCELLING, CHECKOUT_BY_DRIVER},
    {CHECKOUT_PRICED, CHECKOUT_CANCELLING, CHECKOUT_BY_DRIVER},
    {CHECKOUT_RESERVED, CHECKOUT_CANCELLING, CHECKOUT_BY_DRIVER},
    {CHECKOUT_AUTH_PENDING, CHECKOUT_CANCELLING, CHECKOUT_BY_DRIVER},
    {CHECKOUT_ACTION_REQUIRED, CHECKOUT_CANCELLING, CHECKOUT_BY_DRIVER},
    {CHECKOUT_AUTHORIZED, CHECKOUT_CANCELLING, CHECKOUT_BY_DRIVER},
    {CHECKOUT_CANCELLING, CHECKOUT_CANCELLED, CHECKOUT_BY_DRIVER},
};

bool checkout_may(enum checkout_state from, enum checkout_state to, enum checkout_mover mover)
{
    for (size_t i = 0; i < ARRAY_LEN(MOVES); i++)
        if (MOVES[i].from == from && MOVES[i].to == to && MOVES[i].mover == mover)
            return true;
    return false;
}

bool checkout_is_live(enum checkout_state state)
{
    return state != CHECKOUT_PLACED && state != CHECKOUT_CANCELLED;
}

bool checkout_can_expire(enum checkout_state state)
{
    return state >= CHECKOUT_BEGUN && state <= CHECKOUT_ACTION_REQUIRED;
}

/* Quick at first, for a reset connection; slow later, for a provider that is down. */
const int64_t CHECKOUT_WAITS_MS[CHECKOUT_WAITS] = {2000, 5000, 15000, 60000, 300000};

int64_t checkout_wait_ms(int64_t attempts)
{
    const int64_t last = CHECKOUT_WAITS - 1;

    return CHECKOUT_WAITS_MS[attempts < 0 ? 0 : attempts > last ? last : attempts];
}
