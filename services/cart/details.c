/* details.c - whom the cart is for, where it goes and how: e-mail, addresses, shipping, customer.
 */
#include "cart.h"

#include "cart/v1/service.handlers.h"
#include "common/str.h"

#include <string.h>

/* Enough to catch what was never meant as an address; only a mail proves that one exists. */
static bool is_email(const char *email)
{
    const char *at = strchr(email, '@');
    if (!at || at == email || strchr(at + 1, '@') || strpbrk(email, " \t\r\n<>,;"))
        return false;
    const char *dot = strrchr(at, '.');
    return dot && dot > at + 1 && dot[1] != '\0';
}

struct status cart_check_email(struct ctx *ctx, const char *email)
{
    if (str_is_empty(email) || is_email(email))
        return status_ok();
    return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "email", "", "an address: name@example.org");
}

static struct status change_email(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__SetEmailRequest *req = request;
    TRY(cart_check_email(ctx, req->email));
    draft->cart->email = req->email;
    return status_ok();
}

struct status cart_set_email(struct ctx *ctx, const Cart__V1__SetEmailRequest *req,
                             Cart__V1__SetEmailResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_email,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

static bool is_country(const char *code)
{
    return strlen(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' &&
           code[1] <= 'Z';
}

static void check_country(struct ctx *ctx, const char *field, const Common__V1__Address *address)
{
    if (address && !is_country(address->country_code))
        ctx_violation(ctx, field, address->country_code, "two upper-case letters (ISO 3166-1)");
}

/* The goods are taxed where they go. */
static struct status change_addresses(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__SetAddressesRequest *req = request;
    check_country(ctx, "shippingAddress.countryCode", req->shipping_address);
    check_country(ctx, "billingAddress.countryCode", req->billing_address);
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &ERROR_INVALID_REQUEST, "cart %s", req->cart_id);
    if (req->billing_address)
        draft->cart->billing_address = req->billing_address;
    if (req->shipping_address) {
        draft->cart->shipping_address = req->shipping_address;
        draft->cart->country_code = req->shipping_address->country_code;
    }
    return status_ok();
}

struct status cart_set_addresses(struct ctx *ctx, const Cart__V1__SetAddressesRequest *req,
                                 Cart__V1__SetAddressesResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_addresses,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

static struct status change_shipping(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__SetShippingOptionRequest *req = request;
    const Common__V1__Money *price = req->shipping->price;
    if (!str_equal(price->currency_code, draft->cart->currency_code))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "shipping.price.currencyCode",
                              price->currency_code, draft->cart->currency_code);
    if (price->minor_units < 0)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "shipping.price.minorUnits", NULL,
                              "0 or more");
    draft->cart->shipping = req->shipping;
    return status_ok();
}

struct status cart_set_shipping_option(struct ctx *ctx,
                                       const Cart__V1__SetShippingOptionRequest *req,
                                       Cart__V1__SetShippingOptionResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_shipping,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

static struct status change_customer(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__SetCustomerRequest *req = request;
    TRY(cart_check_email(ctx, req->email));
    draft->cart->customer_id = req->customer_id;
    draft->cart->customer_group = req->customer_group;
    if (!str_is_empty(req->email) && str_is_empty(draft->cart->email))
        draft->cart->email = req->email;
    return status_ok();
}

struct status cart_set_customer(struct ctx *ctx, const Cart__V1__SetCustomerRequest *req,
                                Cart__V1__SetCustomerResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_customer,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}
