/* start.c - what the daemon makes of its configuration before the first call comes. */
#include "inventory.h"

#include "common/str.h"

static const struct sourcing_ops *const SOURCINGS[] = {&priority_sourcing, &nearest_sourcing, NULL};

const struct error_def UNKNOWN_SOURCING = {STATUS_INVALID_ARGUMENT, "UNKNOWN_SOURCING",
                                           "INVENTORY_SOURCING is priority or nearest"};

struct status inventory_start(struct ctx *boot)
{
    struct inventory *self = ctx_state(boot);

    for (size_t i = 0; SOURCINGS[i] != NULL; i++)
        if (str_equal(SOURCINGS[i]->name, self->sourcing_name))
            self->sourcing = SOURCINGS[i];
    if (self->sourcing == NULL)
        return ctx_fail(boot, &UNKNOWN_SOURCING, "INVENTORY_SOURCING=%s", self->sourcing_name);
    return reserve_queues_create(boot, self);
}

void inventory_stop(void *state)
{
    struct inventory *self = state;

    reserve_queues_destroy(self->queues);
}
