/* order_message.c - the whole order as its readers get it. */
#include "order.h"

#include "chassis/wire.h"

static const char *const KIND_NAMES[] = {[ENTRY_AUTHORIZE] = "AUTHORIZE",
                                         [ENTRY_CAPTURE] = "CAPTURE",
                                         [ENTRY_VOID] = "VOID",
                                         [ENTRY_REFUND] = "REFUND"};
static const char *const OUTCOME_NAMES[] = {[ENTRY_REQUESTED] = "REQUESTED",
                                            [ENTRY_SUCCEEDED] = "SUCCEEDED",
                                            [ENTRY_FAILED] = "FAILED",
                                            [ENTRY_UNKNOWN] = "UNKNOWN"};

static Order__V1__OrderParty *party_message(struct ctx *ctx, const struct party *party);
static Order__V1__Payment *payment_message(struct ctx *ctx, const struct order *order,
                                           const struct payment *payment);
static Order__V1__PaymentEntry *entry_message(struct ctx *ctx, const struct ledger_entry *entry,
                                              const char *currency_code);
static Order__V1__Fulfillment *fulfillment_message(struct ctx *ctx, const struct order *order,
                                                   const struct fulfillment *fulfillment);
static Order__V1__Shipment *shipment_message(struct ctx *ctx, const struct shipment *shipment,
                                             const struct fulfillment *fulfillment);
static void add_line(struct ctx *ctx, Order__V1__Shipment *out, const char *line_id,
                     int64_t quantity);

Order__V1__Order *order_message(struct ctx *ctx, const struct order *o, bool with_quote)
{
    const struct payment_sums sums =
        ledger_sums(o->payments.items, o->payments.count, o->total_minor);
    const Order__V1__CheckoutSnapshot *snapshot =
        with_quote ? message_unpack(ctx, &order__v1__checkout_snapshot__descriptor, o->snapshot)
                   : NULL;
    Order__V1__Order *out = arena_new(ctx->arena, Order__V1__Order);

    order__v1__order__init(out);
    out->id = message_id(ctx, o->id);
    out->number = o->number;
    out->state = (Order__V1__OrderState)o->state;
    out->payment_status = (Order__V1__PaymentStatus)o->payment_status;
    out->fulfillment_status = (Order__V1__FulfillmentStatus)o->fulfillment_status;
    out->version = o->version;
    out->revision = o->revision;
    out->channel_id = message_id(ctx, o->channel_id);
    out->locale = o->locale;
    out->customer_id = message_id(ctx, o->customer_id);
    out->party = party_message(ctx, &o->party);
    if (snapshot != NULL) {
        out->quote = snapshot->quote;
        out->seller = snapshot->seller;
    }
    out->lines = order_line_messages(ctx, o);
    out->n_lines = o->line_count;
    out->total = message_money(ctx, o->total_minor, o->currency_code);
    out->captured = message_money(ctx, sums.captured, o->currency_code);
    out->authorized = message_money(ctx, sums.authorized, o->currency_code);
    out->refunded = message_money(ctx, sums.refunded, o->currency_code);
    out->payments = arena_array(ctx->arena, Order__V1__Payment *, o->payments.count);
    for (; out->n_payments < o->payments.count; out->n_payments++)
        out->payments[out->n_payments] =
            payment_message(ctx, o, &o->payments.items[out->n_payments]);
    out->fulfillments = arena_array(ctx->arena, Order__V1__Fulfillment *, o->fulfillment_count);
    for (; out->n_fulfillments < o->fulfillment_count; out->n_fulfillments++)
        out->fulfillments[out->n_fulfillments] =
            fulfillment_message(ctx, o, &o->fulfillments[out->n_fulfillments]);
    out->reservation_id = message_id(ctx, o->reservation_id);
    out->place_time = wire_time(ctx->arena, o->place_us);
    out->update_time = wire_time(ctx->arena, o->update_us);
    out->cancel_reason = str_or_empty(o->cancel_reason);
    return out;
}

static Order__V1__OrderParty *party_message(struct ctx *ctx, const struct party *party)
{
    Order__V1__OrderParty *out = arena_new(ctx->arena, Order__V1__OrderParty);

    order__v1__order_party__init(out);
    out->email = str_or_empty(party->email);
    out->shipping_address =
        message_unpack(ctx, &common__v1__address__descriptor, party->shipping_address);
    out->billing_address =
        message_unpack(ctx, &common__v1__address__descriptor, party->billing_address);
    return out;
}

static Order__V1__Payment *payment_message(struct ctx *ctx, const struct order *order,
                                           const struct payment *p)
{
    Order__V1__Payment *out = arena_new(ctx->arena, Order__V1__Payment);

    order__v1__payment__init(out);
    out->id = message_id(ctx, p->id);
    out->provider_account = p->account;
    out->provider = p->provider;
    out->provider_reference = str_or_empty(p->provider_reference);
    out->state = (Order__V1__PaymentState)p->state;
    out->amount = message_money(ctx, p->amount, p->currency_code);
    out->authorized = message_money(ctx, p->authorized, p->currency_code);
    out->captured = message_money(ctx, p->captured, p->currency_code);
    out->refunded = message_money(ctx, p->refunded, p->currency_code);
    out->entries = arena_array(ctx->arena, Order__V1__PaymentEntry *, order->entry_count);
    for (size_t i = 0; i < order->entry_count; i++)
        if (uuid_equal(order->entries[i].payment_id, p->id))
            out->entries[out->n_entries++] =
                entry_message(ctx, &order->entries[i], p->currency_code);
    return out;
}

static Order__V1__PaymentEntry *entry_message(struct ctx *ctx, const struct ledger_entry *entry,
                                              const char *currency_code)
{
    Order__V1__PaymentEntry *out = arena_new(ctx->arena, Order__V1__PaymentEntry);

    order__v1__payment_entry__init(out);
    out->id = message_id(ctx, entry->id);
    out->kind = KIND_NAMES[entry->kind];
    out->outcome = OUTCOME_NAMES[entry->outcome];
    out->amount = message_money(ctx, entry->amount, currency_code);
    out->provider_reference = str_or_empty(entry->provider_reference);
    out->failure_reason = str_or_empty(entry->failure_reason);
    out->time = wire_time(ctx->arena, entry->time_us);
    return out;
}

static Order__V1__Fulfillment *fulfillment_message(struct ctx *ctx, const struct order *order,
                                                   const struct fulfillment *f)
{
    Order__V1__Fulfillment *out = arena_new(ctx->arena, Order__V1__Fulfillment);

    order__v1__fulfillment__init(out);
    out->id = message_id(ctx, f->id);
    out->warehouse_id = message_id(ctx, f->warehouse_id);
    out->state = (Order__V1__FulfillmentState)f->state;
    out->lines = arena_array(ctx->arena, Order__V1__FulfillmentLine *, f->line_count);
    for (; out->n_lines < f->line_count; out->n_lines++) {
        const struct fulfillment_line *line = &f->lines[out->n_lines];
        Order__V1__FulfillmentLine *message = arena_new(ctx->arena, Order__V1__FulfillmentLine);
        order__v1__fulfillment_line__init(message);
        message->line_id = line->line_id;
        message->variant_id = message_id(ctx, line->variant_id);
        message->quantity = line->quantity;
        message->shipped_quantity = line->shipped;
        out->lines[out->n_lines] = message;
    }
    out->shipments = arena_array(ctx->arena, Order__V1__Shipment *, order->shipment_count);
    for (size_t i = 0; i < order->shipment_count; i++)
        if (uuid_equal(order->shipments[i].fulfillment_id, f->id))
            out->shipments[out->n_shipments++] = shipment_message(ctx, &order->shipments[i], f);
    return out;
}

/* A parcel that is being prepared shows what is left to send. */
static Order__V1__Shipment *shipment_message(struct ctx *ctx, const struct shipment *s,
                                             const struct fulfillment *f)
{
    Order__V1__Shipment *out = arena_new(ctx->arena, Order__V1__Shipment);
    const size_t room = s->line_count > f->line_count ? s->line_count : f->line_count;

    order__v1__shipment__init(out);
    out->id = message_id(ctx, s->id);
    out->state = (Order__V1__ShipmentState)s->state;
    out->lines = arena_array(ctx->arena, Order__V1__ShipmentLine *, room);
    for (size_t i = 0; i < s->line_count; i++)
        add_line(ctx, out, s->lines[i].line_id, s->lines[i].quantity);
    for (size_t i = 0; s->state == SHIPMENT_PREPARING && i < f->line_count; i++)
        if (f->lines[i].quantity > f->lines[i].shipped)
            add_line(ctx, out, f->lines[i].line_id, f->lines[i].quantity - f->lines[i].shipped);
    out->carrier = str_or_empty(s->carrier);
    out->tracking_number = str_or_empty(s->tracking_number);
    out->ship_time = wire_time(ctx->arena, s->ship_us);
    out->deliver_time = wire_time(ctx->arena, s->deliver_us);
    return out;
}

static void add_line(struct ctx *ctx, Order__V1__Shipment *out, const char *line_id,
                     int64_t quantity)
{
    Order__V1__ShipmentLine *line = arena_new(ctx->arena, Order__V1__ShipmentLine);

    order__v1__shipment_line__init(line);
    line->line_id = line_id;
    line->quantity = quantity;
    out->lines[out->n_lines++] = line;
}
