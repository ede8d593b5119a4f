/* notify.c - what the buyer is told: a command to platform, the one topic that carries a recipient.
 */
#include "order.h"

#include "events/outbox.h"
#include "platform/v1/commands.pb-c.h"
#include "platform/v1/commands.schema.h"

const struct event_kind SEND_NOTIFICATION = {
    "platform.notification.commands.v1", &platform__v1__send_notification__schema, "command id"};

enum { VALUES_MAX = 8, EXPONENT_MAX = 4 };

static Platform__V1__NotificationValue *value_of(struct ctx *ctx, const char *name,
                                                 const char *value);
static Platform__V1__NotificationItem *item_of(struct ctx *ctx, const struct order_line *line,
                                               const char *currency_code, int exponent);
static const char *amount_text(struct ctx *ctx, int64_t minor, const char *currency_code,
                               int exponent);

/* The id follows from order and kind (and version: an order may ship more than once), so a retry of
 * the handler is the same message. */
struct status notify_buyer(struct db_tx *tx, const struct order *order, const char *kind)
{
    struct ctx *ctx = db_ctx(tx);
    const Order__V1__CheckoutSnapshot *snapshot =
        message_unpack(ctx, &order__v1__checkout_snapshot__descriptor, order->snapshot);
    const Common__V1__Address *address =
        message_unpack(ctx, &common__v1__address__descriptor, order->party.shipping_address);
    const int exponent = snapshot->quote->currency_exponent;
    const struct uuid command_id = uuid_derive_n(order->id, kind, order->version);
    Platform__V1__SendNotification body = PLATFORM__V1__SEND_NOTIFICATION__INIT;
    Platform__V1__NotificationValue *values[VALUES_MAX];

    if (str_is_empty(order->party.email))
        return status_ok();
    body.command_id = uuid_text(ctx->arena, command_id);
    body.kind = kind;
    body.locale = order->locale;
    body.recipient_email = order->party.email;
    body.recipient_name = address == NULL ? "" : address->full_name;
    body.subject_id = message_id(ctx, order->id);
    body.store_id = snapshot->seller == NULL ? "" : snapshot->seller->store_id;
    body.values = values;
    values[body.n_values++] = value_of(ctx, "order_number", order->number);
    values[body.n_values++] = value_of(
        ctx, "total", amount_text(ctx, order->total_minor, order->currency_code, exponent));
    values[body.n_values++] = value_of(ctx, "recipient_name", body.recipient_name);
    values[body.n_values++] =
        value_of(ctx, "store_name", snapshot->seller == NULL ? "" : snapshot->seller->store_name);
    values[body.n_values++] = value_of(ctx, "cancel_reason", str_or_empty(order->cancel_reason));
    body.items = arena_array(ctx->arena, Platform__V1__NotificationItem *, order->line_count);
    for (; body.n_items < order->line_count; body.n_items++)
        body.items[body.n_items] =
            item_of(ctx, &order->lines[body.n_items], order->currency_code, exponent);
    return outbox_add(tx, &SEND_NOTIFICATION, command_id, 1, &body);
}

static Platform__V1__NotificationItem *item_of(struct ctx *ctx, const struct order_line *line,
                                               const char *currency_code, int exponent)
{
    Platform__V1__NotificationItem *item = arena_new(ctx->arena, Platform__V1__NotificationItem);

    platform__v1__notification_item__init(item);
    item->values = arena_array(ctx->arena, Platform__V1__NotificationValue *, VALUES_MAX);
    item->values[item->n_values++] = value_of(ctx, "name", line->name);
    item->values[item->n_values++] = value_of(ctx, "sku", line->sku);
    item->values[item->n_values++] =
        value_of(ctx, "quantity", arena_printf(ctx->arena, "%" PRId64, line->quantity));
    item->values[item->n_values++] =
        value_of(ctx, "total", amount_text(ctx, line->gross_minor, currency_code, exponent));
    return item;
}

static Platform__V1__NotificationValue *value_of(struct ctx *ctx, const char *name,
                                                 const char *value)
{
    Platform__V1__NotificationValue *out = arena_new(ctx->arena, Platform__V1__NotificationValue);

    platform__v1__notification_value__init(out);
    out->name = name;
    out->value = value;
    return out;
}

/* "12.99 EUR" */
static const char *amount_text(struct ctx *ctx, int64_t minor, const char *currency_code,
                               int exponent)
{
    const bool is_known = exponent >= 0 && exponent <= EXPONENT_MAX;
    const struct decimal amount = {.unscaled = minor, .scale = is_known ? exponent : 0};

    return arena_printf(ctx->arena, "%s %s", decimal_format(ctx->arena, amount), currency_code);
}
