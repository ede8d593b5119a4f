/* abandoned.c - carts that were left alone: said once, and a mail to come back where that is on. */
#include "cart.h"

#include "chassis/log.h"
#include "common/str.h"

enum { BATCH = 128 };

/* The write is conditional on the sequence: of two replicas one publishes, and a cart that its
 * owner touches meanwhile is not abandoned. */
static struct status abandon(struct ctx *ctx, struct uuid id)
{
    struct cart_daemon *self = ctx_state(ctx);
    struct outbox_record events[2];
    struct draft draft;
    size_t count = 1;
    bool is_written;

    TRY(store_load(ctx, id, &draft));
    if (draft.cart->state != CART__V1__CART_STATE__CART_STATE_OPEN)
        return status_ok(); // its owner came back between the look and now
    TRY(event_encode(ctx, &draft, &CART_ABANDONED, &events[0]));
    if (self->sends_recovery && !str_is_empty(draft.cart->email))
        TRY(event_encode_recovery(ctx, &draft, &events[count++]));
    draft.is_idle = true;
    return store_save(ctx, &draft, events, count, &is_written);
}

struct status cart_sweep_abandoned(struct ctx *ctx)
{
    struct cart_daemon *self = ctx_state(ctx);
    struct uuid ids[BATCH];
    size_t count;
    TRY(store_find_idle(ctx, self->abandoned_after_ms, BATCH, ids, &count));
    for (size_t i = 0; i < count; i++) {
        struct status status = abandon(ctx, ids[i]);
        if (status.code == STATUS_NOT_FOUND) // the draft ran out: forget its place too
            status = store_forget(ctx, ids[i]);
        TRY(status);
    }
    return status_ok();
}
