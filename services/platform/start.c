/* start.c - what the configuration must hold together. */
#include "platform.h"

#include "common/str.h"

#include <sodium.h>

const struct error_def REORDER_UNSIGNED = {
    STATUS_FAILED_PRECONDITION, "REORDER_UNSIGNED",
    "set PLATFORM_WEBHOOK_SECRET: receivers must be able to tell our webhooks from others'"};

struct status platform_start(struct ctx *boot)
{
    const struct platform *self = ctx_state(boot);

    if (sodium_init() < 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "libsodium does not start");
    if (!str_is_empty(self->reorder_url) && str_is_empty(self->webhook_secret))
        return ctx_fail(boot, &REORDER_UNSIGNED, "PLATFORM_REORDER_WEBHOOK_URL is set");
    return status_ok();
}
