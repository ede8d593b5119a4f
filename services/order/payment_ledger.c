/* payment_ledger.c - what a ledger entry does to a payment's sums and state.
 *
 * Providers answer late, twice and out of order, so each rule says what it takes from any state
 * rather than what is expected. At most one capture and one refund are open at a time: "requested"
 * reserves the amount, the answer settles or returns it. */
#include "payment.h"

static bool authorize(struct payment *p, const struct payment_fact *fact);
static bool capture(struct payment *p, const struct payment_fact *fact);
static bool cancel(struct payment *p, const struct payment_fact *fact);
static bool refund(struct payment *p, const struct payment_fact *fact);
static bool is_waiting(const struct payment *p);
static void forget_action(struct payment *p);

bool ledger_apply(struct payment *payment, const struct payment_fact *fact)
{
    switch (fact->kind) {
    case ENTRY_AUTHORIZE:
        return authorize(payment, fact);
    case ENTRY_CAPTURE:
        return capture(payment, fact);
    case ENTRY_VOID:
        return cancel(payment, fact);
    case ENTRY_REFUND:
        return refund(payment, fact);
    default:
        return false;
    }
}

/* An authorization that may exist at the provider is voided even if we never heard of it. An open
 * capture counts as uncaptured: asking for the void finds out. */
enum entry_kind ledger_unwind_step(const struct payment *payment)
{
    bool may_be_held = payment->attempt > 0 && is_waiting(payment);

    if (payment->is_voiding || may_be_held || payment->authorized > payment->captured)
        return ENTRY_VOID;
    if (payment->captured > payment->refunded)
        return ENTRY_REFUND;
    return (enum entry_kind)0;
}

int64_t ledger_capturable(const struct payment *payment)
{
    return payment->is_cancelled ? 0 : payment->authorized - payment->capture_requested;
}

struct payment_sums ledger_sums(const struct payment *payments, size_t count, int64_t total)
{
    struct payment_sums sums = {.total = total};

    for (size_t i = 0; i < count; i++) {
        const struct payment *p = &payments[i];
        bool is_capture_open = p->capture_requested > p->captured;
        sums.authorized += p->authorized;
        sums.captured += p->captured;
        sums.refunded += p->refunded;
        if (p->capture_count > 0 && p->captured == 0 && !is_capture_open && !p->is_cancelled)
            sums.has_failed = true;
        if (p->state == PAYMENT_VOIDED)
            sums.has_voided = true;
    }
    return sums;
}

static bool authorize(struct payment *p, const struct payment_fact *fact)
{
    switch (fact->outcome) {
    case ENTRY_REQUESTED:
        if (p->is_cancelled || !is_waiting(p) || fact->number < p->attempt)
            return false;
        if (p->state == PAYMENT_NEW)
            p->state = PAYMENT_PENDING;
        p->tries = fact->number > p->attempt ? 1 : p->tries + 1;
        p->attempt = fact->number;
        return true;
    case ENTRY_SUCCEEDED:
        if (p->authorized > 0)
            return false;
        // also after a decline or a void: the provider holds the money, so it is held
        p->authorized = fact->amount;
        p->state = PAYMENT_AUTHORIZED;
        p->failure_reason = NULL;
        forget_action(p);
        return true;
    case ENTRY_FAILED:
        if (!is_waiting(p))
            return false;
        p->state = PAYMENT_DECLINED;
        p->failure_reason = fact->failure_reason;
        forget_action(p);
        return true;
    case ENTRY_UNKNOWN:
    default:
        return is_waiting(p);
    }
}

static bool capture(struct payment *p, const struct payment_fact *fact)
{
    bool is_open = p->capture_requested > p->captured;

    if (fact->outcome == ENTRY_REQUESTED) {
        if (is_open || fact->number != p->capture_count + 1 || fact->amount <= 0 ||
            fact->amount > p->authorized - p->capture_requested)
            return false;
        p->capture_requested += fact->amount;
        p->capture_count = fact->number;
        return true;
    }
    if (!is_open || fact->number != p->capture_count)
        return false;
    if (fact->outcome == ENTRY_UNKNOWN)
        return true;
    if (fact->outcome == ENTRY_SUCCEEDED) {
        p->captured += fact->amount < p->capture_requested - p->captured
                           ? fact->amount
                           : p->capture_requested - p->captured;
        p->state = PAYMENT_CAPTURED;
        p->failure_reason = NULL;
        if (fact->is_last)
            p->authorized = p->captured;
    } else {
        p->failure_reason = fact->failure_reason;
    }
    p->capture_requested = p->captured;
    return true;
}

static bool cancel(struct payment *p, const struct payment_fact *fact)
{
    switch (fact->outcome) {
    case ENTRY_REQUESTED:
        if (p->is_voiding && fact->number != p->void_count)
            return false;
        p->is_voiding = true;
        p->void_count = fact->number;
        return true;
    case ENTRY_SUCCEEDED:
        if (!p->is_voiding && p->state == PAYMENT_VOIDED)
            return false;
        p->is_voiding = false;
        p->void_count = fact->number; // one that nobody asked for has the next
        p->authorized = p->captured;
        p->capture_requested = p->captured;
        if (p->captured == 0)
            p->state = PAYMENT_VOIDED;
        forget_action(p);
        return true;
    case ENTRY_FAILED:
        if (!p->is_voiding)
            return false;
        p->is_voiding = false;
        p->failure_reason = fact->failure_reason;
        return true;
    case ENTRY_UNKNOWN:
    default:
        return p->is_voiding;
    }
}

static bool refund(struct payment *p, const struct payment_fact *fact)
{
    bool is_open = p->refund_requested > p->refunded;

    if (fact->outcome == ENTRY_REQUESTED) {
        if (is_open || fact->number != p->refund_count + 1 || fact->amount <= 0 ||
            fact->amount > p->captured - p->refund_requested)
            return false;
        p->refund_requested += fact->amount;
        p->refund_count = fact->number;
        return true;
    }
    if (!is_open || fact->number != p->refund_count)
        return false;
    if (fact->outcome == ENTRY_UNKNOWN)
        return true;
    if (fact->outcome == ENTRY_SUCCEEDED) {
        p->refunded = p->refund_requested;
        if (p->refunded >= p->captured)
            p->state = PAYMENT_REFUNDED;
    } else {
        p->refund_requested = p->refunded;
        p->failure_reason = fact->failure_reason;
    }
    return true;
}

/* No definite answer to an authorization yet. */
static bool is_waiting(const struct payment *p)
{
    return p->state == PAYMENT_NEW || p->state == PAYMENT_PENDING ||
           p->state == PAYMENT_ACTION_REQUIRED;
}

static void forget_action(struct payment *p)
{
    p->action_url = NULL;
    p->client_secret = NULL;
}
