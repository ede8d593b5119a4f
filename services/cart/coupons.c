/* coupons.c - codes on a cart. A code that can never apply is refused; one whose conditions are not
 * met yet stays, with its reason among the problems. */
#include "cart.h"

#include <string.h>

#include "cart/v1/service.handlers.h"
#include "common/str.h"

enum { COUPONS_MAX = 10 };

const struct error_def CART_COUPON_REFUSED = {
    STATUS_FAILED_PRECONDITION, "CART_COUPON_REFUSED",
    "the violation says why: the code is unknown, over, used up, or not for this buyer"};

/* Marketing's reasons that no change of the cart can cure. */
static const char *const HOPELESS[] = {
    "COUPON_UNKNOWN",
    "COUPON_INACTIVE",
    "COUPON_NOT_YET_VALID",
    "COUPON_EXPIRED",
    "COUPON_EXHAUSTED",
    "COUPON_CUSTOMER_LIMIT",
    NULL,
};

/* Whoever pastes a code pastes the blanks around it. From here on a code has none, and its case
 * does not matter, so that one coupon is on a cart once. */
static struct status trim_code(struct ctx *ctx, const char *code, const char **ret_code)
{
    const char *first = code + strspn(code, " \t\r\n");
    size_t length = strlen(first);
    while (length > 0 && strchr(" \t\r\n", first[length - 1]))
        length--;
    if (length == 0)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "couponCode", code, "a code");
    *ret_code = arena_strndup(ctx->arena, first, length);
    return status_ok();
}

static size_t find_code(const Cart__V1__Cart *cart, const char *code)
{
    size_t i = 0;
    while (i < cart->n_coupon_codes && !str_equal_ignore_case(cart->coupon_codes[i], code))
        i++;
    return i;
}

static struct status change_apply(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__ApplyCouponRequest *req = request;
    Cart__V1__Cart *cart = draft->cart;
    if (find_code(cart, req->coupon_code) < cart->n_coupon_codes)
        return status_ok();
    if (cart->n_coupon_codes >= COUPONS_MAX)
        return ctx_fail_field(ctx, &CART_TOO_LARGE, "couponCode", req->coupon_code,
                              "at most 10 codes on a cart");
    const char **codes = arena_array(ctx->arena, const char *, cart->n_coupon_codes + 1);
    for (size_t i = 0; i < cart->n_coupon_codes; i++)
        codes[i] = cart->coupon_codes[i];
    codes[cart->n_coupon_codes++] = req->coupon_code;
    cart->coupon_codes = codes;
    return status_ok();
}

static bool is_hopeless(const char *reason)
{
    for (size_t i = 0; HOPELESS[i]; i++)
        if (str_equal(HOPELESS[i], reason))
            return true;
    return false;
}

static struct status review_applied(struct ctx *ctx, const struct draft *draft,
                                    const struct cart_view *view, const void *request)
{
    const Cart__V1__ApplyCouponRequest *req = request;
    (void)draft;
    for (size_t i = 0; i < view->quote->n_unapplied; i++) {
        const Cart__V1__QuoteUnapplied *unapplied = view->quote->unapplied[i];
        if (str_equal_ignore_case(unapplied->coupon_code, req->coupon_code) &&
            is_hopeless(unapplied->reason))
            return ctx_fail_field(ctx, &CART_COUPON_REFUSED, "couponCode", req->coupon_code,
                                  unapplied->reason);
    }
    return status_ok();
}

struct status cart_apply_coupon(struct ctx *ctx, const Cart__V1__ApplyCouponRequest *req,
                                Cart__V1__ApplyCouponResponse *rep)
{
    Cart__V1__ApplyCouponRequest trimmed = *req;
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_apply,
        .review = review_applied,
        .request = &trimmed,
    };
    TRY(trim_code(ctx, req->coupon_code, &trimmed.coupon_code));
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

static struct status change_remove(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__RemoveCouponRequest *req = request;
    Cart__V1__Cart *cart = draft->cart;
    size_t found = find_code(cart, req->coupon_code);
    (void)ctx;
    if (found == cart->n_coupon_codes)
        return status_ok();
    for (size_t i = found + 1; i < cart->n_coupon_codes; i++)
        cart->coupon_codes[i - 1] = cart->coupon_codes[i];
    cart->n_coupon_codes--;
    return status_ok();
}

struct status cart_remove_coupon(struct ctx *ctx, const Cart__V1__RemoveCouponRequest *req,
                                 Cart__V1__RemoveCouponResponse *rep)
{
    Cart__V1__RemoveCouponRequest trimmed = *req;
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_remove,
        .request = &trimmed,
    };
    TRY(trim_code(ctx, req->coupon_code, &trimmed.coupon_code));
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}
