/* change.c - every change of a cart: load, edit, price, write if nobody was faster. */
#include "cart.h"

#include "cart/v1/service.schema.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "memory.h"

#include <inttypes.h>

enum { ATTEMPTS_MAX = 64, FINGERPRINT_LENGTH = 64 };

const struct error_def CART_VERSION_CONFLICT = {STATUS_ABORTED, "CART_VERSION_CONFLICT",
                                                "read the cart and decide again, with its version"};
const struct error_def CART_FROZEN = {STATUS_FAILED_PRECONDITION, "CART_FROZEN",
                                      "a checkout of this cart runs; follow it to its end"};
const struct error_def CART_CLOSED = {STATUS_FAILED_PRECONDITION, "CART_CLOSED",
                                      "the cart became an order; create another one"};
/* tidy: error: nobody loses 64 races in a row on purpose */
const struct error_def CART_BUSY = {STATUS_UNAVAILABLE, "CART_BUSY",
                                    "many callers change this cart at once; try again"};
const struct error_def CART_TOO_LARGE = {STATUS_FAILED_PRECONDITION, "CART_TOO_LARGE",
                                         "remove lines or order in several carts"};

struct status cart_refuse_closed(struct ctx *ctx, const Cart__V1__Cart *cart)
{
    if (cart->state == CART__V1__CART_STATE__CART_STATE_FROZEN)
        return ctx_fail_field(
            ctx, &CART_FROZEN, "cartId", cart->id,
            arena_printf(ctx->arena, "no change while checkout %s runs", cart->checkout_id));
    if (cart->state == CART__V1__CART_STATE__CART_STATE_CLOSED)
        return ctx_fail_field(ctx, &CART_CLOSED, "cartId", cart->id, "an open cart");
    return status_ok();
}

const char *change_key(struct ctx *ctx)
{
    const char *key = ctx_idempotency_key(ctx);
    return key ? arena_printf(ctx->arena, "%s %s %s", ctx_idempotency_fingerprint(ctx), ctx->method,
                              key)
               : "";
}

struct status change_is_retry(struct ctx *ctx, const char *last_key, bool *ret_is_retry)
{
    const char *key = change_key(ctx);
    *ret_is_retry = !str_is_empty(key) && str_equal(key, last_key);
    if (str_is_empty(key) || str_is_empty(last_key) || *ret_is_retry)
        return status_ok();
    if (str_equal(key + FINGERPRINT_LENGTH, last_key + FINGERPRINT_LENGTH))
        return ctx_fail(ctx, &ERROR_IDEMPOTENCY_KEY_REUSED, "key %s", ctx_idempotency_key(ctx));
    return status_ok();
}

static struct status check_version(struct ctx *ctx, const struct cart_change *change,
                                   const Cart__V1__Cart *cart)
{
    if (change->expected_version == 0 || change->expected_version == cart->version)
        return status_ok();
    return ctx_fail_field(ctx, &CART_VERSION_CONFLICT, "expectedVersion",
                          arena_printf(ctx->arena, "%" PRId64, change->expected_version),
                          arena_printf(ctx->arena, "%" PRId64, cart->version));
}

static struct status attempt(struct ctx *ctx, const struct cart_change *change, struct draft *draft,
                             struct cart_view *view, bool *ret_is_written)
{
    struct outbox_record event;
    TRY(change->change(ctx, draft, change->request));
    draft->cart->version++;
    draft->cart->update_time = wire_time(ctx->arena, clock_now_us());
    TRY(quote_cart(ctx, draft, QUOTE_CHANGED, view));
    if (change->review)
        TRY(change->review(ctx, draft, view, change->request));
    draft->last_key = change_key(ctx);
    TRY(event_encode(ctx, draft, change->kind, &event));
    return store_save(ctx, draft, &event, 1, ret_is_written);
}

/* Somebody else's write in between sends us back to their draft, unless the caller named a version.
 */
struct status cart_apply(struct ctx *ctx, const struct cart_change *change,
                         struct cart_view *ret_view)
{
    struct uuid id = {0};
    (void)uuid_parse(change->cart_id, &id);
    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        struct draft draft;
        bool is_retry, is_written;
        TRY(store_load(ctx, id, &draft));
        TRY(change_is_retry(ctx, draft.last_key, &is_retry));
        if (is_retry) // it is done, this is how it stands
            return quote_cart(ctx, &draft, QUOTE_STORED, ret_view);
        TRY(cart_refuse_closed(ctx, draft.cart));
        TRY(check_version(ctx, change, draft.cart));
        TRY(attempt(ctx, change, &draft, ret_view, &is_written));
        if (is_written) {
            memory_keep_view(ctx, ret_view);
            return status_ok();
        }
    }
    return ctx_fail(ctx, &CART_BUSY, "cart %s: %d attempts", change->cart_id, ATTEMPTS_MAX);
}

void cart_show(const struct cart_view *view, Cart__V1__Cart **ret_cart, Cart__V1__Quote **ret_quote,
               size_t *ret_count, Cart__V1__CartProblem ***ret_problems)
{
    *ret_cart = view->cart;
    *ret_quote = view->quote;
    *ret_count = view->problem_count;
    *ret_problems = view->problems;
}
