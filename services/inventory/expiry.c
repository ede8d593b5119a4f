/* expiry.c - holds that ran out, pins that nobody ends, and what is long over. */
#include "store.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"

enum { EXPIRE_MARGIN_MS = 1000, PURGE_BATCH = 500 };

struct metric EXPIRED_RESERVATIONS = {.name = "inventory_expired_reservations_total",
                                      .type = METRIC_COUNTER,
                                      .doc = "Holds whose stock went back because they ran out"};
struct metric OVERDUE_PINS = {.name = "inventory_overdue_pins",
                              .type = METRIC_GAUGE,
                              .doc =
                                  "Pinned reservations older than INVENTORY_PIN_OVERDUE: somebody "
                                  "must end them"};
struct metric PURGED_RESERVATIONS = {.name = "inventory_purged_reservations_total",
                                     .type = METRIC_COUNTER,
                                     .doc = "Finished reservations deleted after the retention"};

static struct status expire_some(struct ctx *ctx, int64_t limit, size_t *ret_count);

/* Small transactions, so that callers never wait long for the stock items; as many as it takes. */
struct status inventory_expire(struct ctx *ctx)
{
    const struct inventory *self = ctx_state(ctx);
    size_t count = (size_t)self->expiry_batch;

    while (count == (size_t)self->expiry_batch && ctx_remaining_ms(ctx) > EXPIRE_MARGIN_MS)
        TRY(expire_some(ctx, self->expiry_batch, &count));
    return status_ok();
}

struct status inventory_watch_pins(struct ctx *ctx)
{
    const struct inventory *self = ctx_state(ctx);
    int64_t count;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_count_overdue_pins(tx, self->pin_overdue_ms, &count));
    metric_set(&OVERDUE_PINS, 0, count);
    if (count > 0)
        log_warn(ctx, "pins_overdue", LOG_INT("reservations", count),
                 LOG_INT("overdue_ms", self->pin_overdue_ms));
    return status_ok();
}

struct status inventory_purge(struct ctx *ctx)
{
    const struct inventory *self = ctx_state(ctx);
    int64_t count = PURGE_BATCH;

    while (count == PURGE_BATCH && ctx_remaining_ms(ctx) > EXPIRE_MARGIN_MS) {
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        TRY(db_begin(ctx, &tx));
        TRY(store_purge_reservations(tx, self->retention_ms, PURGE_BATCH, &count));
        TRY(db_commit(&tx));
        metric_add(&PURGED_RESERVATIONS, 0, count);
    }
    return status_ok();
}

/* Reservations are locked before stock items, as everywhere; those that somebody else has locked
 * are being pinned, released or expired by him. */
static struct status expire_some(struct ctx *ctx, int64_t limit, size_t *ret_count)
{
    struct event_list events = {0};
    struct reservation *reservations;
    struct book book;
    size_t count;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_open_expired(tx, limit, &reservations, &count, &book));
    *ret_count = count;
    if (count == 0)
        return status_ok();
    TRY(crash_point(CRASH_EXPIRY_SELECTED, NULL));

    struct reservation **expired = arena_array(ctx->arena, struct reservation *, count);
    for (size_t i = 0; i < count; i++) {
        expired[i] = &reservations[i];
        reservation_post(ctx, &book, expired[i], MOVEMENT_EXPIRE);
        TRY(stock_released_add(ctx, &events, expired[i], true));
        expired[i]->state = RESERVATION_EXPIRED;
        expired[i]->expire_time_us = 0;
    }
    TRY(reservations_save(tx, &book, &events, expired, count));
    TRY(crash_point(CRASH_EXPIRY_RELEASED, NULL));
    TRY(db_commit(&tx));
    metric_add(&EXPIRED_RESERVATIONS, 0, (int64_t)count);
    return status_ok();
}
