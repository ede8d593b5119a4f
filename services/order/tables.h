/* tables.h - what main.c lists: declared beside nobody else's business. */
#pragma once

#include "order.h"

#include "events/consumer.h"

extern const struct event_kind CHECKOUT_RESUME_REQUESTED, CHECKOUT_CANCELLED_EVENT;
extern const struct event_kind ORDER_PLACED, ORDER_PAYMENT_CHANGED, ORDER_FULFILLMENT_CHANGED;
extern const struct event_kind ORDER_CANCELLED_EVENT, SHIPMENT_SHIPPED_EVENT;
extern const struct event_kind SHIPMENT_DELIVERED_EVENT;
extern const struct event_kind PAYMENT_AUTHORIZED_EVENT, PAYMENT_DECLINED_EVENT;
extern const struct event_kind PAYMENT_CAPTURED_EVENT, PAYMENT_CAPTURE_FAILED_EVENT;
extern const struct event_kind PAYMENT_VOIDED_EVENT, PAYMENT_REFUNDED_EVENT;
extern const struct event_kind SEND_NOTIFICATION;

extern const struct error_def CLIENT_KEY_REUSED, CHECKOUT_RACED, CHECKOUT_LEASED;
extern const struct error_def TENDER_IN_FLIGHT, TENDERS_NOT_VOIDED, PAYMENT_MISSING;
extern const struct error_def CAPTURE_EXCEEDS_AUTHORIZATION, ORDER_NOT_OPEN, ORDER_SHIPPED;
extern const struct error_def SHIPMENT_ID_TAKEN;
extern const struct error_def FULFILLMENT_NOT_READY, SHIP_QUANTITY_EXCEEDED, SHIPMENT_NOT_SHIPPED;
extern const struct error_def PROVIDER_ACCOUNT_EXISTS, UNKNOWN_PROVIDER;
extern const struct error_def CAPTURE_PENDING, UNWIND_PENDING;
extern const struct error_def NO_WEBHOOKS, PROVIDER_SILENT;

extern struct metric PAYMENT_ANSWERS, WEBHOOKS, CHECKOUTS_STALLED, CHECKOUTS_STUCK,
    CHECKOUT_STALL_AGE, CHECKOUTS_WOKEN;

extern const struct task_kind CAPTURE_PAYMENT, RETRY_CAPTURE, UNWIND_PAYMENT;

struct status reap_checkouts(struct ctx *ctx);
struct status purge_finished(struct ctx *ctx);
event_batch_handler order_on_payments_captured;
event_handler order_on_capture_failed;
