/* notify.c - what is to be said becomes a delivery: rendered, recorded, and a task to send it.
 *
 * Handlers are written for any order: a notification says what it was asked to say, whatever came
 * before it, and the same cause is the same delivery. Nothing is too early or too late. */
#include "platform.h"
#include "template.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/str.h"
#include "inventory/v1/events.schema.h"
#include "platform/v1/commands.pb-c.h"

#include <inttypes.h>

const struct error_def TEMPLATE_BROKEN = {STATUS_FAILED_PRECONDITION, "TEMPLATE_BROKEN",
                                          "correct the template; the message waits for it"};

static struct template_scope scope_of(struct ctx *ctx, Platform__V1__NotificationValue **values,
                                      size_t count);
static struct status render(struct ctx *ctx, const Platform__V1__Template *template,
                            const struct template_data *data, struct delivery *delivery);
static struct status enqueue(struct db_tx *tx, struct delivery *delivery);
static struct status alert(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                           const Inventory__V1__StockLow *low);
static struct status reorder(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                             const Inventory__V1__StockLow *low);
static const char *cloud_event(struct ctx *ctx, const struct event *event,
                               const Inventory__V1__StockLow *low);

struct status platform_on_send_notification(struct ctx *ctx, struct db_tx *tx,
                                            const struct event *event, const void *body)
{
    const Platform__V1__SendNotification *command = body;
    const struct platform *self = ctx_state(ctx);
    struct template_scope *items = arena_array(ctx->arena, struct template_scope, command->n_items);
    struct template_data data = {
        .root = scope_of(ctx, command->values, command->n_values),
        .list_name = "items",
        .items = items,
        .item_count = command->n_items,
    };
    struct chosen_template chosen;

    (void)event; // its id differs between two sends of one command; the command's own does not
    for (size_t i = 0; i < command->n_items; i++)
        items[i] = scope_of(ctx, command->items[i]->values, command->items[i]->n_values);
    TRY(store_choose_template(tx, command->kind, command->locale, parsed(command->store_id),
                              &chosen));
    struct delivery delivery = {
        .cause_id = parsed(command->command_id),
        .kind = command->kind,
        .channel = PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_EMAIL,
        .sender = str_is_empty(chosen.sender) ? self->sender : chosen.sender,
        .recipient = command->recipient_email,
        .locale = chosen.template->locale,
        .subject_id = parsed(command->subject_id),
    };
    TRY(render(ctx, chosen.template, &data, &delivery));
    return enqueue(tx, &delivery);
}

/* Inventory tells each crossing of the threshold once. */
struct status platform_on_stock_low(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                    const void *body)
{
    const struct platform *self = ctx_state(ctx);
    const Inventory__V1__StockLow *low = body;

    if (low->level == NULL)
        return status_ok(); // of a producer that we do not know yet
    if (!str_is_empty(self->alert_email))
        TRY(alert(ctx, tx, event, low));
    if (!str_is_empty(self->reorder_url))
        TRY(reorder(ctx, tx, event, low));
    return status_ok();
}

static struct status alert(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                           const Inventory__V1__StockLow *low)
{
    const struct platform *self = ctx_state(ctx);
    const struct template_value values[] = {
        {"stock_item_id", low->level->stock_item_id},
        {"warehouse_id", low->level->warehouse_id},
        {"available", arena_printf(ctx->arena, "%" PRId64, low->level->available)},
        {"low_threshold", arena_printf(ctx->arena, "%" PRId64, low->low_threshold)},
    };
    const struct template_data data = {.root = {values, ARRAY_LEN(values)}};
    struct chosen_template chosen;

    TRY(store_choose_template(tx, "stock_low", self->alert_locale, (struct uuid){0}, &chosen));
    struct delivery delivery = {
        .cause_id = uuid_derive(event->id, "alert"),
        .kind = "stock_low",
        .channel = PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_EMAIL,
        .sender = self->sender,
        .recipient = self->alert_email,
        .locale = chosen.template->locale,
        .subject_id = parsed(low->level->stock_item_id),
    };
    TRY(render(ctx, chosen.template, &data, &delivery));
    return enqueue(tx, &delivery);
}

static struct status reorder(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                             const Inventory__V1__StockLow *low)
{
    const struct platform *self = ctx_state(ctx);
    struct delivery delivery = {
        .cause_id = uuid_derive(event->id, "reorder"),
        .kind = "reorder",
        .channel = PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_WEBHOOK,
        .sender = "",
        .recipient = self->reorder_url,
        .locale = "",
        .subject = "",
        .body = cloud_event(ctx, event, low),
        .html = "",
        .subject_id = parsed(low->level->stock_item_id),
    };

    return enqueue(tx, &delivery);
}

/* CloudEvents 1.0, structured mode: what the topic carries, for who has no Kafka. */
static const char *cloud_event(struct ctx *ctx, const struct event *event,
                               const Inventory__V1__StockLow *low)
{
    struct json_writer json;
    struct buffer out;

    buffer_init(&out, ctx->arena, 1024);
    json_writer_init(&json, &out);
    json_begin_object(&json);
    json_key(&json, "specversion");
    json_string(&json, "1.0");
    json_key(&json, "id");
    json_string(&json, uuid_text(ctx->arena, event->id));
    json_key(&json, "source");
    json_string(&json, "/inventory");
    json_key(&json, "type");
    json_string(&json, inventory__v1__stock_low__descriptor.name);
    json_key(&json, "time");
    json_string(&json, clock_format(ctx->arena, event->occurred_at_us));
    json_key(&json, "datacontenttype");
    json_string(&json, "application/json");
    json_key(&json, "data");
    json_message(&json, &inventory__v1__stock_low__schema, &low->base, true);
    json_end_object(&json);
    return out.data;
}

static struct template_scope scope_of(struct ctx *ctx, Platform__V1__NotificationValue **values,
                                      size_t count)
{
    struct template_value *scope = arena_array(ctx->arena, struct template_value, count);

    for (size_t i = 0; i < count; i++)
        scope[i] = (struct template_value){values[i]->name, values[i]->value};
    return (struct template_scope){scope, count};
}

static struct status render(struct ctx *ctx, const Platform__V1__Template *template,
                            const struct template_data *data, struct delivery *delivery)
{
    const struct {
        const char *source;
        enum template_form form;
        const char **text;
    } parts[] = {
        {template->subject, TEMPLATE_LINE, &delivery->subject},
        {template->text, TEMPLATE_TEXT, &delivery->body},
        {template->html, TEMPLATE_HTML, &delivery->html},
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *problem =
            template_render(ctx->arena, parts[i].source, parts[i].form, data, parts[i].text);
        if (problem != NULL)
            return ctx_fail(ctx, &TEMPLATE_BROKEN, "%s %s: %s", template->kind, template->locale,
                            problem);
    }
    return status_ok();
}

static struct status enqueue(struct db_tx *tx, struct delivery *delivery)
{
    bool is_added = false;

    delivery->id = uuid_v7();
    delivery->round = 1;
    TRY(store_add_delivery(tx, delivery, &is_added));
    return is_added ? deliver_later(tx, delivery) : status_ok();
}
