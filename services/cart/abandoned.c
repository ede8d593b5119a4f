/* abandoned.c - carts that were left alone: said once, and a mail to come back where that is on. */
#include "cart.h"

#include "common/str.h"

/* The write is conditional on the sequence and on the cart's place among the idle ones: of two
 * replicas one publishes, and a cart that its owner touches meanwhile is not abandoned. */
static struct status abandon(struct ctx *ctx, struct uuid id, int64_t idle_until_ms)
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
    draft.idle_until_ms = idle_until_ms;
    return store_save(ctx, &draft, events, count, &is_written);
}

/* A cart that fails does not keep the others from their turn. */
struct status cart_sweep_abandoned(struct ctx *ctx)
{
    struct cart_daemon *self = ctx_state(ctx);
    struct status first_failure = status_ok();
    struct idle_carts idle;
    TRY(store_find_idle(ctx, self->abandoned_after_ms, &idle));
    for (size_t i = 0; i < idle.count; i++) {
        struct status status = abandon(ctx, idle.ids[i], idle.until_ms);
        if (status.code == STATUS_NOT_FOUND) // the draft ran out: forget its place too
            status = store_forget(ctx, idle.ids[i]);
        if (first_failure.code == STATUS_OK)
            first_failure = status;
    }
    return first_failure;
}
