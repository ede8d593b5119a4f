/* reap.c - checkouts that nobody drives: somebody is asked to, and the finished ones are forgotten.
 *
 * Safe on every replica at once: rows are taken with SKIP LOCKED, and one that was asked for is
 * left alone until its schedule says so. */
#include "store.h"
#include "tables.h"

#include "events/outbox.h"
#include "order/v1/events.schema.h"

enum { BATCH = 100, PURGE_BATCH = 500 };

struct metric CHECKOUTS_STALLED = {.name = "order_checkouts_stalled",
                                   .type = METRIC_GAUGE,
                                   .doc = "live checkouts that were asked to go on and did not"};
struct metric CHECKOUT_STALL_AGE = {.name = "order_checkout_stall_seconds",
                                    .type = METRIC_GAUGE,
                                    .doc = "how long ago the oldest of them began"};
struct metric CHECKOUTS_STUCK = {.name = "order_checkouts_stuck",
                                 .type = METRIC_GAUGE,
                                 .doc = "those that a person has to look at: ListStuckPayments"};
struct metric CHECKOUTS_WOKEN = {.name = "order_checkouts_woken_total",
                                 .type = METRIC_COUNTER,
                                 .doc = "requests to take up a checkout again"};

static struct status purge(struct ctx *ctx, struct status (*store_purge)(struct db_tx *, int64_t,
                                                                         int64_t, int64_t *));

struct status reap_checkouts(struct ctx *ctx)
{
    const struct order_daemon *self = ctx_state(ctx);
    int64_t stalled, oldest_s, stuck;
    struct db_rows woken;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_count_stalled(tx, &stalled, &oldest_s, &stuck));
    metric_set(&CHECKOUTS_STALLED, 0, stalled);
    metric_set(&CHECKOUT_STALL_AGE, 0, oldest_s);
    metric_set(&CHECKOUTS_STUCK, 0, stuck);
    TRY(store_wake_checkouts(tx, self->retry_max_ms, BATCH, &woken));
    for (size_t i = 0; i < woken.count; i++) {
        Order__V1__CheckoutResumeRequested body = ORDER__V1__CHECKOUT_RESUME_REQUESTED__INIT;
        const struct uuid id = db_get_uuid(&woken, i, 0);
        body.checkout_id = message_id(ctx, id);
        body.cart_id = message_id(ctx, db_get_uuid(&woken, i, 1));
        ctx->correlation_id = body.checkout_id;
        TRY(outbox_add(tx, &CHECKOUT_RESUME_REQUESTED, id, db_get_int(&woken, i, 2), &body));
    }
    TRY(db_commit(&tx));
    metric_add(&CHECKOUTS_WOKEN, 0, (int64_t)woken.count);
    return status_ok();
}

struct status purge_finished(struct ctx *ctx)
{
    TRY(purge(ctx, store_purge_checkouts));
    return purge(ctx, store_purge_webhooks);
}

static struct status purge(struct ctx *ctx, struct status (*store_purge)(struct db_tx *, int64_t,
                                                                         int64_t, int64_t *))
{
    const struct order_daemon *self = ctx_state(ctx);
    int64_t count = PURGE_BATCH;

    while (count == PURGE_BATCH) {
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        TRY(db_begin(ctx, &tx));
        TRY(store_purge(tx, self->keep_ms, PURGE_BATCH, &count));
        TRY(db_commit(&tx));
    }
    return status_ok();
}
