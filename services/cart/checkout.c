/* checkout.c - a cart during and after its checkout: frozen with its quote, thawed, closed. */
#include "cart.h"

#include "cart/v1/service.handlers.h"
#include "common/str.h"
#include "memory.h"
#include "order/v1/events.pb-c.h"

enum { ATTEMPTS_MAX = 64 };

/* tidy: macro: the generated name says its enum twice */
#define STATE(name) CART__V1__CART_STATE__CART_STATE_##name

const struct error_def CART_THAWED_BEFORE = {
    STATUS_FAILED_PRECONDITION, "CART_THAWED",
    "this checkout has given the cart back; start another one"};

/* Writes a change of state; false in *ret_is_written when another caller was faster. */
static struct status write_state(struct ctx *ctx, struct draft *draft,
                                 const struct event_kind *kind, bool *ret_is_written)
{
    struct outbox_record event;
    TRY(event_encode(ctx, draft, kind, &event));
    return store_save(ctx, draft, &event, 1, ret_is_written);
}

static struct status check_freezable(struct ctx *ctx, const struct draft *draft,
                                     const Cart__V1__FreezeCartRequest *req)
{
    TRY(cart_refuse_closed(ctx, draft->cart));
    if (str_equal(draft->cart->checkout_id, req->checkout_id))
        return ctx_fail(ctx, &CART_THAWED_BEFORE, "checkout %s", req->checkout_id);
    if (req->expected_version != 0 && req->expected_version != draft->cart->version)
        return ctx_fail_field(ctx, &CART_VERSION_CONFLICT, "expectedVersion",
                              arena_printf(ctx->arena, "%lld", (long long)req->expected_version),
                              arena_printf(ctx->arena, "%lld", (long long)draft->cart->version));
    return status_ok();
}

/* A price that moved is for the buyer to judge, and checkout compares the totals. Whatever else is
 * wrong is missing in the quote: it would be sold without being paid for. */
static bool is_sellable(const struct cart_view *view)
{
    for (size_t i = 0; i < view->problem_count; i++)
        if (view->problems[i]->kind != CART__V1__PROBLEM_KIND__PROBLEM_KIND_PRICE_CHANGED)
            return false;
    return true;
}

/* What the checkout was told is stored with the frozen draft: it gets the same bytes again. A cart
 * with problems stays open, so that whoever asks again learns of them again. A buyer who is refused
 * for a price that no event has told of yet sees that price when they look. */
static struct status freeze(struct ctx *ctx, struct draft *draft,
                            const Cart__V1__FreezeCartRequest *req, struct cart_view *view,
                            bool *ret_is_done)
{
    bool is_frozen = draft->cart->state != STATE(OPEN);
    if (is_frozen && str_equal(draft->cart->checkout_id, req->checkout_id)) {
        *ret_is_done = true;
        return quote_cart(ctx, draft, QUOTE_STORED, view);
    }
    TRY(check_freezable(ctx, draft, req));
    TRY(quote_cart(ctx, draft, QUOTE_BINDING, view));
    memory_forget_view(ctx, draft->cart);
    if (!is_sellable(view)) {
        *ret_is_done = true;
        return status_ok();
    }
    draft->cart->state = STATE(FROZEN);
    draft->cart->checkout_id = req->checkout_id;
    draft->frozen = cart_view_tell(ctx, view);
    return write_state(ctx, draft, &CART_FROZEN_EVENT, ret_is_done);
}

struct status cart_freeze_cart(struct ctx *ctx, const Cart__V1__FreezeCartRequest *req,
                               Cart__V1__FreezeCartResponse *rep)
{
    struct uuid id = {0};
    struct cart_view view = {0};
    bool is_done = false;
    (void)uuid_parse(req->cart_id, &id);
    for (int i = 0; i < ATTEMPTS_MAX && !is_done; i++) {
        struct draft draft;
        TRY(store_load(ctx, id, &draft));
        TRY(freeze(ctx, &draft, req, &view, &is_done));
    }
    if (!is_done)
        return ctx_fail(ctx, &CART_BUSY, "cart %s", req->cart_id);
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    rep->customer_key = view.customer_key;
    return status_ok();
}

/* Is there anything left to do? The last thawed checkout stays on the open cart as a tombstone: its
 * freeze may still be on its way, and nobody would ever thaw the cart again. */
static bool is_left(const Cart__V1__Cart *cart, const char *checkout_id,
                    Cart__V1__CartState to_state)
{
    bool is_its_own = str_equal(cart->checkout_id, checkout_id);
    if (cart->state == STATE(OPEN))
        return to_state != STATE(OPEN) || is_its_own;
    return cart->state != STATE(FROZEN) || !is_its_own;
}

/* Moves a cart of this checkout out of the frozen state; one that is not there is done already. */
static struct status leave(struct ctx *ctx, const char *cart_id, const char *checkout_id,
                           Cart__V1__CartState to_state, const struct event_kind *kind)
{
    struct uuid id = {0};
    (void)uuid_parse(cart_id, &id);
    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        struct draft draft;
        bool is_written;
        TRY(store_load(ctx, id, &draft));
        if (is_left(draft.cart, checkout_id, to_state))
            return status_ok();
        draft.cart->state = to_state;
        draft.cart->checkout_id = checkout_id;
        if (to_state == STATE(OPEN))
            draft.frozen = NULL;
        TRY(write_state(ctx, &draft, kind, &is_written));
        if (is_written)
            return status_ok();
    }
    return ctx_fail(ctx, &CART_BUSY, "cart %s", cart_id);
}

struct status cart_thaw_cart(struct ctx *ctx, const Cart__V1__ThawCartRequest *req,
                             Cart__V1__ThawCartResponse *rep)
{
    (void)rep;
    return leave(ctx, req->cart_id, req->checkout_id, STATE(OPEN), &CART_THAWED);
}

struct status cart_close_cart(struct ctx *ctx, const Cart__V1__CloseCartRequest *req,
                              Cart__V1__CloseCartResponse *rep)
{
    (void)rep;
    return leave(ctx, req->cart_id, req->checkout_id, STATE(CLOSED), &CART_CLOSED_EVENT);
}

/* Too early cannot be: the cart was frozen before the order existed. Too late: the draft ran out or
 * is closed, and there is nothing to do. */
struct status cart_on_order_placed(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                   const void *body)
{
    const Order__V1__OrderPlaced *placed = body;
    (void)tx;
    (void)event;
    struct status closed =
        leave(ctx, placed->cart_id, placed->checkout_id, STATE(CLOSED), &CART_CLOSED_EVENT);
    return closed.code == STATUS_NOT_FOUND ? status_ok() : closed;
}
