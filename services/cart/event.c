/* event.c - what a cart publishes: its lines, never its owner's data. */
#include "cart.h"

#include "cart/v1/events.pb-c.h"
#include "cart/v1/events.schema.h"
#include "common/str.h"
#include "platform/v1/commands.pb-c.h"
#include "platform/v1/commands.schema.h"

#define CART_TOPIC "cart.cart.events.v1"

const struct event_kind CART_CREATED = {CART_TOPIC, &cart__v1__cart_created__schema, "cart id"};
const struct event_kind CART_CHANGED = {CART_TOPIC, &cart__v1__cart_changed__schema, "cart id"};
const struct event_kind CART_FROZEN_EVENT = {CART_TOPIC, &cart__v1__cart_frozen__schema, "cart id"};
const struct event_kind CART_THAWED = {CART_TOPIC, &cart__v1__cart_thawed__schema, "cart id"};
const struct event_kind CART_CLOSED_EVENT = {CART_TOPIC, &cart__v1__cart_closed__schema, "cart id"};
const struct event_kind CART_ABANDONED = {CART_TOPIC, &cart__v1__cart_abandoned__schema, "cart id"};
const struct event_kind SEND_NOTIFICATION = {
    "platform.notification.commands.v1", &platform__v1__send_notification__schema, "command id"};

static Cart__V1__CartSummary *summary(struct ctx *ctx, const struct draft *draft)
{
    const Cart__V1__Cart *cart = draft->cart;
    Cart__V1__CartSummary *summary = arena_new(ctx->arena, Cart__V1__CartSummary);
    cart__v1__cart_summary__init(summary);
    summary->cart_id = cart->id;
    summary->version = cart->version;
    summary->channel_id = cart->channel_id;
    summary->currency_code = cart->currency_code;
    summary->customer_id = cart->customer_id;
    summary->locale = cart->locale;
    summary->n_coupon_codes = cart->n_coupon_codes;
    summary->coupon_codes = cart->coupon_codes;
    summary->n_lines = cart->n_lines;
    summary->lines = arena_array(ctx->arena, Cart__V1__CartSummaryLine *, cart->n_lines);
    for (size_t i = 0; i < cart->n_lines; i++) {
        Cart__V1__CartSummaryLine *line = arena_new(ctx->arena, Cart__V1__CartSummaryLine);
        cart__v1__cart_summary_line__init(line);
        line->line_id = cart->lines[i]->line_id;
        line->variant_id = cart->lines[i]->variant_id;
        line->quantity = cart->lines[i]->quantity;
        summary->lines[i] = line;
    }
    return summary;
}

struct status event_encode(struct ctx *ctx, const struct draft *draft,
                           const struct event_kind *kind, struct outbox_record *ret_record)
{
    Cart__V1__CartSummary *cart = summary(ctx, draft);
    const char *checkout_id = draft->cart->checkout_id;
    Cart__V1__CartCreated created = CART__V1__CART_CREATED__INIT;
    Cart__V1__CartChanged changed = CART__V1__CART_CHANGED__INIT;
    Cart__V1__CartFrozen frozen = CART__V1__CART_FROZEN__INIT;
    Cart__V1__CartThawed thawed = CART__V1__CART_THAWED__INIT;
    Cart__V1__CartClosed closed = CART__V1__CART_CLOSED__INIT;
    Cart__V1__CartAbandoned abandoned = CART__V1__CART_ABANDONED__INIT;
    const void *body = &changed;

    changed.cart = created.cart = frozen.cart = thawed.cart = closed.cart = abandoned.cart = cart;
    frozen.checkout_id = thawed.checkout_id = closed.checkout_id = checkout_id;
    abandoned.has_email = !str_is_empty(draft->cart->email);
    if (kind == &CART_CREATED)
        body = &created;
    else if (kind == &CART_FROZEN_EVENT)
        body = &frozen;
    else if (kind == &CART_THAWED)
        body = &thawed;
    else if (kind == &CART_CLOSED_EVENT)
        body = &closed;
    else if (kind == &CART_ABANDONED)
        body = &abandoned;
    return outbox_encode(ctx, kind, draft->id, draft->sequence + 1, body, ret_record);
}

struct status event_encode_recovery(struct ctx *ctx, const struct draft *draft,
                                    struct outbox_record *ret_record)
{
    Platform__V1__SendNotification command = PLATFORM__V1__SEND_NOTIFICATION__INIT;
    Platform__V1__NotificationValue cart_id = PLATFORM__V1__NOTIFICATION_VALUE__INIT;
    Platform__V1__NotificationValue *values[] = {&cart_id};
    /* One mail for each state in which the cart was left. */
    struct uuid id = uuid_derive_n(draft->id, "recovery", draft->sequence);

    cart_id.name = "cart_id";
    cart_id.value = draft->cart->id;
    command.command_id = uuid_text(ctx->arena, id);
    command.kind = "cart_recovery";
    command.locale = draft->cart->locale;
    command.recipient_email = draft->cart->email;
    command.subject_id = draft->cart->id;
    command.n_values = ARRAY_LEN(values);
    command.values = values;
    return outbox_encode(ctx, &SEND_NOTIFICATION, id, 1, &command, ret_record);
}
