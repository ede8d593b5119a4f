/* cart.c - a visitor's cart, where it takes more than to pass a request on: store_routes.c names
 * cart's own methods for the rest.
 *
 * If-Match names the version that a change was made for; another one is refused with 409 and the
 * current version. A cart of a customer answers to that customer alone, a guest's to whoever knows
 * its id. */
#include "storefront/cart.h"

#include "storefront/storefront.h"

#include "chassis/log.h"
#include "common/map.h"
#include "inventory/v1/service.client.h"

#include <inttypes.h>

static Gateway__V1__CartView *view_of(ProtobufCMessage *response)
{
    return (void *)response;
}

struct status cart_call(struct ctx *ctx, const struct exchange *exchange, struct rpc_call call,
                        const ProtobufCMessage **ret_reply)
{
    if (!call.method->is_idempotent)
        call.idempotency_key = rest_idempotency_key(ctx, exchange);
    TRY(rpc_call_one(ctx, &call));
    *ret_reply = call.reply;
    return status_ok();
}

void cart_show(Gateway__V1__CartView *view, Cart__V1__Cart *cart, Cart__V1__Quote *quote,
               size_t problem_count, Cart__V1__CartProblem **problems)
{
    view->cart = cart;
    view->quote = quote;
    view->n_problems = problem_count;
    view->problems = problems;
}

struct status cart_create(struct ctx *ctx, struct exchange *exchange,
                          const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__CreateCartRequest *create = (const void *)request;
    const struct visitor *visitor = &exchange->visitor;
    Cart__V1__CreateCartRequest to = CART__V1__CREATE_CART_REQUEST__INIT;
    const ProtobufCMessage *reply;
    to.channel_id = visitor->channel_id;
    to.currency_code = visitor->currency_code;
    to.country_code = visitor->country_code;
    to.locale = visitor->locale;
    to.customer_id = str_or_empty(visitor->customer_id);
    to.customer_group = str_or_empty(visitor->customer_group);
    to.n_lines = create->n_lines;
    to.lines = create->lines;
    to.email = create->email;
    TRY(cart_call(ctx, exchange, cart_v1_create_cart_call(&to), &reply));
    const Cart__V1__CreateCartResponse *created = (const void *)reply;
    cart_show(view_of(response), created->cart, created->quote, created->n_problems,
              created->problems);
    exchange->location = arena_printf(ctx->arena, "/store/v1/carts/%s", created->cart->id);
    return status_ok();
}

static void add_problem(struct ctx *ctx, Gateway__V1__CartView *view,
                        const Cart__V1__CartLine *line, int64_t available)
{
    Cart__V1__CartProblem *problem = arena_new(ctx->arena, Cart__V1__CartProblem);
    cart__v1__cart_problem__init(problem);
    problem->kind = CART__V1__PROBLEM_KIND__PROBLEM_KIND_SHORT_STOCK;
    problem->line_id = line->line_id;
    problem->available = available;
    problem->detail = arena_printf(ctx->arena, "%" PRId64 " can be had", available);
    view->problems[view->n_problems++] = problem;
}

/* How many of a variant all lines together want. */
static int64_t wanted_of(const Cart__V1__Cart *cart, const char *variant_id)
{
    int64_t wanted = 0;
    for (size_t i = 0; i < cart->n_lines; i++)
        if (str_equal(cart->lines[i]->variant_id, variant_id))
            wanted += cart->lines[i]->quantity;
    return wanted;
}

static void add_short_stock(struct ctx *ctx, Gateway__V1__CartView *view,
                            const Inventory__V1__BatchGetAvailabilityResponse *stock)
{
    const Cart__V1__Cart *cart = view->cart;
    Cart__V1__CartProblem **problems =
        arena_array(ctx->arena, Cart__V1__CartProblem *, view->n_problems + cart->n_lines);
    for (size_t i = 0; i < view->n_problems; i++)
        problems[i] = view->problems[i];
    view->problems = problems;
    for (size_t i = 0; i < cart->n_lines && i < stock->n_availabilities; i++) {
        int64_t available = stock->availabilities[i]->available;
        if (wanted_of(cart, cart->lines[i]->variant_id) > available)
            add_problem(ctx, view, cart->lines[i], available > 0 ? available : 0);
    }
}

struct status cart_get(struct ctx *ctx, struct exchange *exchange, const ProtobufCMessage *request,
                       ProtobufCMessage *response)
{
    const Gateway__V1__GetCartRequest *get = (const void *)request;
    Gateway__V1__CartView *view = view_of(response);
    Cart__V1__GetCartRequest to = CART__V1__GET_CART_REQUEST__INIT;
    Inventory__V1__BatchGetAvailabilityRequest batch =
        INVENTORY__V1__BATCH_GET_AVAILABILITY_REQUEST__INIT;
    const Inventory__V1__BatchGetAvailabilityResponse *stock;
    const Cart__V1__GetCartResponse *got;
    (void)exchange;
    to.cart_id = get->cart_id;
    TRY(cart_v1_get_cart(ctx, &to, &got));
    cart_show(view, got->cart, got->quote, got->n_problems, got->problems);
    if (view->cart->n_lines == 0)
        return status_ok();

    batch.n_variant_ids = view->cart->n_lines;
    batch.variant_ids = arena_array(ctx->arena, const char *, batch.n_variant_ids);
    for (size_t i = 0; i < batch.n_variant_ids; i++)
        batch.variant_ids[i] = view->cart->lines[i]->variant_id;
    struct status asked = inventory_v1_batch_get_availability(ctx, &batch, &stock);
    if (asked.code == STATUS_OK)
        add_short_stock(ctx, view, stock);
    else // a cart without this hint is better than none: the reservation decides anyway
        log_warn(ctx, "cart_shown_without_stock", LOG_STR("reason", asked.reason));
    return status_ok();
}

struct status cart_set_customer(struct ctx *ctx, struct exchange *exchange,
                                const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__SetCartCustomerRequest *set = (const void *)request;
    Cart__V1__SetCustomerRequest to = CART__V1__SET_CUSTOMER_REQUEST__INIT;
    const ProtobufCMessage *reply;
    to.cart_id = set->cart_id;
    to.expected_version = exchange->expected_version;
    to.customer_id = exchange->visitor.customer_id;
    to.customer_group = str_or_empty(exchange->visitor.customer_group);
    TRY(cart_call(ctx, exchange, cart_v1_set_customer_call(&to), &reply));
    const Cart__V1__SetCustomerResponse *bound = (const void *)reply;
    cart_show(view_of(response), bound->cart, bound->quote, bound->n_problems, bound->problems);
    return status_ok();
}
