/* delivery.c - the delivery log: what was said, to whom, and what became of it. */
#include "platform.h"

#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "platform/v1/service.handlers.h"

#include <string.h>

const struct error_def DELIVERY_NOT_FOUND = {STATUS_NOT_FOUND, "DELIVERY_NOT_FOUND",
                                             "the id of a delivery that ListDeliveries shows"};
const struct error_def DELIVERY_WAS_SENT = {STATUS_FAILED_PRECONDITION, "DELIVERY_WAS_SENT",
                                            "what was sent is not sent again"};
const struct error_def DELIVERY_ERASED = {
    STATUS_FAILED_PRECONDITION, "DELIVERY_ERASED",
    "its recipient and text were erased after PLATFORM_DELIVERY_RETENTION"};

/* Who may see recipients and texts. */
static const char PERSONAL_SCOPE[] = "deliveries.personal";

static Platform__V1__Delivery *wire_delivery(struct ctx *ctx, const struct delivery *delivery);
static const char *masked(struct ctx *ctx, const struct delivery *delivery);

struct status platform_list_deliveries(struct ctx *ctx,
                                       const Platform__V1__ListDeliveriesRequest *req,
                                       Platform__V1__ListDeliveriesResponse *rep)
{
    const int64_t size = page_size(req->page);
    struct delivery_filter filter = {
        .state = req->state,
        .subject_id = parsed(req->subject_id),
        .limit = size + 1,
    };
    struct delivery *deliveries;
    size_t count;

    TRY(page_after_uuids(ctx, req->page, 1, &filter.before));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_deliveries(tx, &filter, &deliveries, &count));
    const bool has_more = count > (size_t)size;
    rep->n_deliveries = has_more ? (size_t)size : count;
    rep->deliveries = arena_array(ctx->arena, Platform__V1__Delivery *, rep->n_deliveries);
    for (size_t i = 0; i < rep->n_deliveries; i++)
        rep->deliveries[i] = wire_delivery(ctx, &deliveries[i]);
    rep->page = has_more ? page_next_uuids(ctx, &deliveries[size - 1].id, 1) : page_last(ctx);
    return status_ok();
}

struct status platform_get_delivery(struct ctx *ctx, const Platform__V1__GetDeliveryRequest *req,
                                    Platform__V1__GetDeliveryResponse *rep)
{
    struct delivery delivery;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_find_delivery(tx, parsed(req->id), &delivery));
    rep->delivery = wire_delivery(ctx, &delivery);
    return status_ok();
}

/* A pending one is not made to wait any longer; a failed one begins a new round. */
struct status platform_retry_delivery(struct ctx *ctx,
                                      const Platform__V1__RetryDeliveryRequest *req,
                                      Platform__V1__RetryDeliveryResponse *rep)
{
    struct delivery delivery;
    struct status woken = {.code = STATUS_NOT_FOUND};

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_delivery(tx, parsed(req->id), &delivery));
    if (delivery.state == PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_SENT)
        return ctx_fail(ctx, &DELIVERY_WAS_SENT, "%s", req->id);
    if (delivery.recipient == NULL)
        return ctx_fail(ctx, &DELIVERY_ERASED, "%s", req->id);
    if (delivery.state == PLATFORM__V1__DELIVERY_STATE__DELIVERY_STATE_PENDING)
        woken = deliver_now(tx, &delivery);
    if (woken.code == STATUS_NOT_FOUND) { // the round's task is gone
        TRY(store_reopen_delivery(tx, &delivery));
        woken = deliver_later(tx, &delivery);
    }
    TRY(woken);
    TRY(db_audit(tx, "retry_delivery", delivery.id, NULL));
    rep->delivery = wire_delivery(ctx, &delivery);
    return db_commit(&tx);
}

static Platform__V1__Delivery *wire_delivery(struct ctx *ctx, const struct delivery *delivery)
{
    const bool may_see = ctx_has_scope(ctx, PERSONAL_SCOPE);
    Platform__V1__Delivery *message = arena_new(ctx->arena, Platform__V1__Delivery);

    platform__v1__delivery__init(message);
    message->id = uuid_text(ctx->arena, delivery->id);
    message->kind = delivery->kind;
    message->delivery_channel = delivery->channel;
    message->state = delivery->state;
    message->recipient = may_see ? str_or_empty(delivery->recipient) : masked(ctx, delivery);
    message->locale = delivery->locale;
    message->subject = may_see ? delivery->subject : "";
    message->text = may_see ? delivery->body : "";
    message->attempts = delivery->attempts;
    message->last_error = delivery->last_error;
    message->create_time = wire_time(ctx->arena, delivery->created_at_us);
    message->sent_time = wire_time(ctx->arena, delivery->sent_at_us);
    if (!uuid_is_nil(delivery->subject_id))
        message->subject_id = uuid_text(ctx->arena, delivery->subject_id);
    return message;
}

/* "a*** at example.org"; of a webhook its host, since paths and queries may hold keys. */
static const char *masked(struct ctx *ctx, const struct delivery *delivery)
{
    const char *recipient = str_or_empty(delivery->recipient);
    const char *at = strchr(recipient, '@');

    if (delivery->channel == PLATFORM__V1__DELIVERY_CHANNEL__DELIVERY_CHANNEL_WEBHOOK) {
        const char *scheme = strstr(recipient, "://");
        const char *host = scheme == NULL ? recipient : scheme + 3;
        return arena_strndup(ctx->arena, recipient,
                             (size_t)(host - recipient) + strcspn(host, "/?#"));
    }
    if (at == NULL)
        return *recipient == '\0' ? "" : "***";
    return arena_printf(ctx->arena, "%.1s*** at %s", recipient, at + 1);
}
