/* tender.c - what each tender pays, and what the answers of all of them mean. */
#include "states.h"

bool tender_split(int64_t total, const int64_t *asked, size_t count, int64_t *ret_amounts)
{
    int64_t left = total;
    size_t open_count = 0;
    size_t open = 0;

    for (size_t i = 0; i < count; i++) {
        if (asked[i] > left)
            return false;
        left -= asked[i];
        ret_amounts[i] = asked[i];
        if (asked[i] == 0) {
            open = i;
            open_count++;
        }
    }
    if (open_count == 1) {
        ret_amounts[open] = left;
        return true;
    }
    return open_count == 0 && left == 0;
}

enum checkout_state tender_outcome(const enum payment_state *states, size_t count)
{
    bool is_action = false;
    bool is_pending = false;

    for (size_t i = 0; i < count; i++) {
        switch (states[i]) {
        case PAYMENT_DECLINED:
        case PAYMENT_VOIDED:
        case PAYMENT_REFUNDED:
            return CHECKOUT_CANCELLING;
        case PAYMENT_ACTION_REQUIRED:
            is_action = true;
            break;
        case PAYMENT_AUTHORIZED:
        case PAYMENT_CAPTURED:
            break;
        case PAYMENT_NEW:
        case PAYMENT_PENDING:
        default:
            is_pending = true;
        }
    }
    if (is_action)
        return CHECKOUT_ACTION_REQUIRED;
    return is_pending ? CHECKOUT_AUTH_PENDING : CHECKOUT_AUTHORIZED;
}
