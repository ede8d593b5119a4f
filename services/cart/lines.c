/* lines.c - add, change and remove lines.
 *
 * A line's identity is its variant, attributes and parent: adding the same again adds to its
 * quantity. */
#include "cart.h"

#include "cart/v1/service.handlers.h"
#include "common/str.h"

#include <inttypes.h>

enum { QUANTITY_MAX = 1000000 };

const struct error_def CART_LINE_NOT_FOUND = {STATUS_NOT_FOUND, "CART_LINE_NOT_FOUND",
                                              "read the cart for its lines"};
const struct error_def CART_VARIANT_UNAVAILABLE = {
    STATUS_FAILED_PRECONDITION, "CART_VARIANT_UNAVAILABLE",
    "add variants that are published in the cart's channel and have a price in its currency"};
const struct error_def CART_QUANTITY_TOO_LARGE = {
    STATUS_INVALID_ARGUMENT, "CART_QUANTITY_TOO_LARGE", "a line holds at most 1000000"};

static struct status change_add(struct ctx *ctx, struct draft *draft, const void *request);
static struct status review_added(struct ctx *ctx, const struct draft *draft,
                                  const struct cart_view *view, const void *request);
static struct status change_quantity(struct ctx *ctx, struct draft *draft, const void *request);
static struct status change_remove(struct ctx *ctx, struct draft *draft, const void *request);

struct status cart_add_lines(struct ctx *ctx, const Cart__V1__AddLinesRequest *req,
                             Cart__V1__AddLinesResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_add,
        .review = review_added,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

struct status cart_change_line(struct ctx *ctx, const Cart__V1__ChangeLineRequest *req,
                               Cart__V1__ChangeLineResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_quantity,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

struct status cart_remove_line(struct ctx *ctx, const Cart__V1__RemoveLineRequest *req,
                               Cart__V1__RemoveLineResponse *rep)
{
    struct cart_view view;
    struct cart_change change = {
        .cart_id = req->cart_id,
        .expected_version = req->expected_version,
        .kind = &CART_CHANGED,
        .change = change_remove,
        .request = req,
    };
    TRY(cart_apply(ctx, &change, &view));
    cart_show(&view, &rep->cart, &rep->quote, &rep->n_problems, &rep->problems);
    return status_ok();
}

static const char *attribute(const Cart__V1__CartLine *line, const char *key)
{
    for (size_t i = 0; i < line->n_attributes; i++)
        if (str_equal(line->attributes[i]->key, key))
            return line->attributes[i]->value;
    return NULL;
}

static bool is_same_line(const Cart__V1__CartLine *line, const Cart__V1__LineInput *input)
{
    if (!str_equal(line->variant_id, input->variant_id) ||
        !str_equal(line->parent_line_id, input->parent_line_id) ||
        line->n_attributes != input->n_attributes)
        return false;
    for (size_t i = 0; i < input->n_attributes; i++)
        if (!str_equal(attribute(line, input->attributes[i]->key), input->attributes[i]->value))
            return false;
    return true;
}

static Cart__V1__CartLine *find_line(const Cart__V1__Cart *cart, const char *line_id)
{
    for (size_t i = 0; i < cart->n_lines; i++)
        if (str_equal(cart->lines[i]->line_id, line_id))
            return cart->lines[i];
    return NULL;
}

static Cart__V1__CartLine *find_same(const Cart__V1__Cart *cart, const Cart__V1__LineInput *input)
{
    for (size_t i = 0; i < cart->n_lines; i++)
        if (is_same_line(cart->lines[i], input))
            return cart->lines[i];
    return NULL;
}

static void copy_attributes(struct ctx *ctx, const Cart__V1__LineInput *input,
                            Cart__V1__CartLine *line)
{
    line->n_attributes = input->n_attributes;
    line->attributes =
        arena_array(ctx->arena, Cart__V1__CartLine__AttributesEntry *, input->n_attributes);
    for (size_t i = 0; i < input->n_attributes; i++) {
        line->attributes[i] = arena_new(ctx->arena, Cart__V1__CartLine__AttributesEntry);
        cart__v1__cart_line__attributes_entry__init(line->attributes[i]);
        line->attributes[i]->key = input->attributes[i]->key;
        line->attributes[i]->value = input->attributes[i]->value;
    }
}

static Cart__V1__CartLine *new_line(struct ctx *ctx, Cart__V1__Cart *cart,
                                    const Cart__V1__LineInput *input)
{
    Cart__V1__CartLine *line = arena_new(ctx->arena, Cart__V1__CartLine);
    Cart__V1__CartLine **lines = arena_array(ctx->arena, Cart__V1__CartLine *, cart->n_lines + 1);
    for (size_t i = 0; i < cart->n_lines; i++)
        lines[i] = cart->lines[i];
    cart__v1__cart_line__init(line);
    line->line_id = uuid_text(ctx->arena, uuid_v7());
    line->parent_line_id = input->parent_line_id;
    line->variant_id = input->variant_id;
    copy_attributes(ctx, input, line);
    lines[cart->n_lines++] = line;
    cart->lines = lines;
    return line;
}

static struct status add_one(struct ctx *ctx, Cart__V1__Cart *cart,
                             const Cart__V1__LineInput *input, size_t i)
{
    struct cart_daemon *self = ctx_state(ctx);
    if (!str_is_empty(input->parent_line_id) && !find_line(cart, input->parent_line_id))
        return ctx_fail_field(ctx, &CART_LINE_NOT_FOUND,
                              arena_printf(ctx->arena, "lines[%zu].parentLineId", i),
                              input->parent_line_id, "a line of this cart");
    Cart__V1__CartLine *line = find_same(cart, input);
    if (!line) {
        if (cart->n_lines >= (size_t)self->lines_max)
            return ctx_fail_field(
                ctx, &CART_TOO_LARGE, arena_printf(ctx->arena, "lines[%zu]", i), input->variant_id,
                arena_printf(ctx->arena, "at most %" PRId64 " lines in a cart", self->lines_max));
        line = new_line(ctx, cart, input);
    }
    if (line->quantity + input->quantity > QUANTITY_MAX)
        return ctx_fail_field(
            ctx, &CART_QUANTITY_TOO_LARGE, arena_printf(ctx->arena, "lines[%zu].quantity", i),
            arena_printf(ctx->arena, "%" PRId64, input->quantity), "at most 1000000 in one line");
    line->quantity += input->quantity;
    line->seen_unit_minor = 0; // the answer shows the price of now
    return status_ok();
}

struct status lines_add(struct ctx *ctx, Cart__V1__Cart *cart, Cart__V1__LineInput *const *inputs,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(add_one(ctx, cart, inputs[i], i));
    return status_ok();
}

static struct status change_add(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__AddLinesRequest *req = request;
    return lines_add(ctx, draft->cart, req->lines, req->n_lines);
}

static bool is_added(const Cart__V1__AddLinesRequest *req, const Cart__V1__CartLine *line)
{
    for (size_t i = 0; i < req->n_lines; i++)
        if (is_same_line(line, req->lines[i]))
            return true;
    return false;
}

/* What cannot be sold does not get in. A line that became so later stays, with its problem. */
static struct status review_added(struct ctx *ctx, const struct draft *draft,
                                  const struct cart_view *view, const void *request)
{
    for (size_t i = 0; i < view->problem_count; i++) {
        const Cart__V1__CartProblem *problem = view->problems[i];
        const Cart__V1__CartLine *line = find_line(draft->cart, problem->line_id);
        if (!line || !is_added(request, line))
            continue;
        if (problem->kind == CART__V1__PROBLEM_KIND__PROBLEM_KIND_UNPUBLISHED ||
            problem->kind == CART__V1__PROBLEM_KIND__PROBLEM_KIND_NO_PRICE)
            return ctx_fail_field(ctx, &CART_VARIANT_UNAVAILABLE, "lines.variantId",
                                  line->variant_id, problem->detail);
    }
    return status_ok();
}

/* A removed line takes its children along, and theirs: a parent stands before its children. */
static void remove_line(Cart__V1__Cart *cart, const char *line_id)
{
    size_t count = cart->n_lines;
    cart->n_lines = 0;
    for (size_t i = 0; i < count; i++) {
        Cart__V1__CartLine *line = cart->lines[i];
        bool is_orphan =
            !str_is_empty(line->parent_line_id) && !find_line(cart, line->parent_line_id);
        if (!is_orphan && !str_equal(line->line_id, line_id))
            cart->lines[cart->n_lines++] = line;
    }
}

static struct status change_line(struct ctx *ctx, struct draft *draft, const char *line_id,
                                 int64_t quantity)
{
    Cart__V1__CartLine *line = find_line(draft->cart, line_id);
    if (!line)
        return ctx_fail_field(ctx, &CART_LINE_NOT_FOUND, "lineId", line_id, "a line of this cart");
    if (quantity == 0) {
        remove_line(draft->cart, line_id);
        return status_ok();
    }
    line->quantity = quantity;
    line->seen_unit_minor = 0;
    return status_ok();
}

static struct status change_quantity(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__ChangeLineRequest *req = request;
    return change_line(ctx, draft, req->line_id, req->quantity);
}

static struct status change_remove(struct ctx *ctx, struct draft *draft, const void *request)
{
    const Cart__V1__RemoveLineRequest *req = request;
    return change_line(ctx, draft, req->line_id, 0);
}
