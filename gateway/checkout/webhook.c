/* webhook.c - what a payment provider tells us goes to order as it came; a checkout that waited for
 * it goes on at once. */
#include "checkout/checkout.h"

#include "chassis/log.h"
#include "common/str.h"
#include "gateway/v1/store.pb-c.h"
#include "order/v1/service.client.h"

struct status checkout_webhook(struct ctx *ctx, struct exchange *exchange,
                               const ProtobufCMessage *request, ProtobufCMessage *response)
{
    Order__V1__ReceiveWebhookRequest received = ORDER__V1__RECEIVE_WEBHOOK_REQUEST__INIT;
    const Order__V1__ReceiveWebhookResponse *answer;
    const Gateway__V1__PaymentWebhookRequest *webhook = (const void *)request;
    struct checkout checkout;
    enum saga_outcome outcome;
    (void)response;
    received.provider_account = webhook->account;
    received.signature = str_or_empty(http_header_get(exchange->http, "Stripe-Signature"));
    received.body.data = (uint8_t *)(uintptr_t)exchange->http->body;
    received.body.len = exchange->http->body_length;

    TRY(order_v1_receive_webhook(ctx, &received, &answer));
    if (str_is_empty(answer->checkout_id))
        return status_ok();
    struct status resumed = checkout_resume(ctx, answer->checkout_id, &checkout, &outcome);
    if (resumed.code != STATUS_OK) // the ledger has it; the reaper will drive the checkout
        log_warn(ctx, "webhook_not_driven", LOG_STR("checkout", answer->checkout_id),
                 LOG_STR("reason", resumed.reason));
    return status_ok();
}
