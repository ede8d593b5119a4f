/* create.c - a new cart, and a look at one. */
#include "cart.h"

#include "cart/v1/service.handlers.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "memory.h"

static Cart__V1__Cart *new_cart(struct ctx *ctx, struct uuid id,
                                const Cart__V1__CreateCartRequest *req)
{
    Cart__V1__Cart *cart = arena_new(ctx->arena, Cart__V1__Cart);
    cart__v1__cart__init(cart);
    cart->id = uuid_text(ctx->arena, id);
    cart->version = 1;
    cart->state = CART__V1__CART_STATE__CART_STATE_OPEN;
    cart->channel_id = req->channel_id;
    cart->currency_code = req->currency_code;
    cart->country_code = req->country_code;
    cart->locale = req->locale;
    cart->customer_id = req->customer_id;
    cart->customer_group = req->customer_group;
    cart->email = req->email;
    cart->create_time = wire_time(ctx->arena, clock_now_us());
    cart->update_time = cart->create_time;
    return cart;
}

static struct status refuse_unsellable(struct ctx *ctx, const struct cart_view *view)
{
    for (size_t i = 0; i < view->problem_count; i++) {
        const Cart__V1__CartProblem *problem = view->problems[i];
        if (problem->kind == CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED ||
            problem->kind == CART__V1__PROBLEM_KIND__PROBLEM_KIND_NO_PRICE)
            ctx_violation(ctx, "lines.variantId", NULL, problem->detail);
    }
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &CART_VARIANT_UNAVAILABLE, "a new cart's lines");
    return status_ok();
}

struct status cart_create_cart(struct ctx *ctx, const Cart__V1__CreateCartRequest *req,
                               Cart__V1__CreateCartResponse *rep)
{
    struct draft draft = {.id = store_new_id(ctx), .last_key = change_key(ctx)};
    struct outbox_record event;
    struct cart_view view;
    bool is_written;

    TRY(cart_check_email(ctx, req->email));
    draft.cart = new_cart(ctx, draft.id, req);
    TRY(lines_add(ctx, draft.cart, req->lines, req->n_lines));
    TRY(quote_cart(ctx, &draft, QUOTE_CHANGED, &view));
    TRY(refuse_unsellable(ctx, &view));
    TRY(event_encode(ctx, &draft, &CART_CREATED, &event));
    TRY(store_create(ctx, &draft, &event, &is_written));
    if (is_written)
        memory_keep_view(ctx, &view);
    else // a retry: the first call made it
        TRY(quote_cart(ctx, &draft, QUOTE_STORED, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

struct status cart_get_cart(struct ctx *ctx, const Cart__V1__GetCartRequest *req,
                            Cart__V1__GetCartResponse *rep)
{
    struct uuid id = {0};
    struct draft draft;
    struct cart_view view;
    (void)uuid_parse(req->cart_id, &id);
    TRY(store_load(ctx, id, &draft));
    TRY(quote_cart(ctx, &draft, QUOTE_STORED, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}
