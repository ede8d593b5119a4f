/* order_status.c - payment status from the ledger's sums, fulfillment status from the lines'. */
#include "states.h"

enum payment_status order_payment_status(const struct payment_sums *sums)
{
    if (sums->refunded > 0)
        return sums->refunded >= sums->captured ? PAYMENT_STATUS_REFUNDED
                                                : PAYMENT_STATUS_PARTIALLY_REFUNDED;
    if (sums->captured >= sums->total)
        return PAYMENT_STATUS_PAID; // an order that costs nothing is paid
    if (sums->has_failed)
        return PAYMENT_STATUS_FAILED;
    if (sums->captured > 0)
        return PAYMENT_STATUS_PARTIALLY_PAID;
    if (sums->authorized >= sums->total)
        return PAYMENT_STATUS_AUTHORIZED;
    return sums->has_voided ? PAYMENT_STATUS_VOIDED : PAYMENT_STATUS_PENDING;
}

enum fulfillment_status order_fulfillment_status(const struct quantity_sums *sums)
{
    const int64_t wanted = sums->ordered - sums->cancelled;

    if (wanted <= 0)
        return FULFILLMENT_STATUS_CANCELLED;
    if (sums->delivered >= wanted)
        return FULFILLMENT_STATUS_DELIVERED;
    if (sums->shipped >= wanted)
        return FULFILLMENT_STATUS_SHIPPED;
    if (sums->shipped > 0)
        return FULFILLMENT_STATUS_PARTIALLY_SHIPPED;
    return sums->is_started ? FULFILLMENT_STATUS_IN_PROGRESS : FULFILLMENT_STATUS_UNFULFILLED;
}

bool order_is_complete(enum payment_status payment, enum fulfillment_status fulfillment)
{
    return payment == PAYMENT_STATUS_PAID && fulfillment == FULFILLMENT_STATUS_DELIVERED;
}
