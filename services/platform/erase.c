/* erase.c - recipients and texts are kept as long as somebody may have to look, then erased. */
#include "platform.h"

struct metric ERASED_DELIVERIES = {
    .name = "platform_erased_deliveries_total",
    .type = METRIC_COUNTER,
    .doc = "Deliveries whose recipient and text were erased after the retention",
};

enum { ERASE_BATCH = 500 };

struct status platform_erase(struct ctx *ctx)
{
    const struct platform *self = ctx_state(ctx);
    int64_t count = ERASE_BATCH;

    while (count == ERASE_BATCH) {
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        TRY(db_begin(ctx, &tx));
        TRY(store_erase_deliveries(tx, self->retention_ms, ERASE_BATCH, &count));
        TRY(db_commit(&tx));
        metric_add(&ERASED_DELIVERIES, 0, count);
    }
    return status_ok();
}
