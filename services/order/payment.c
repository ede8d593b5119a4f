/* payment.c - asking a provider and writing its answers into the ledger.
 *
 * A request is a ledger entry before it is an HTTP call, so its key survives the death of the
 * process; the answer is applied in a transaction of its own. What a provider says is a fact
 * wherever it comes from: the reply, a query after a webhook, a later retry. */
#include "order.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "events/outbox.h"
#include "order/v1/events.schema.h"

static const char PAYMENT_TOPIC[] = "order.payment.events.v1";

const struct event_kind PAYMENT_AUTHORIZED_EVENT = {
    PAYMENT_TOPIC, &order__v1__payment_authorized__schema, "payment id"};
const struct event_kind PAYMENT_DECLINED_EVENT = {
    PAYMENT_TOPIC, &order__v1__payment_declined__schema, "payment id"};
const struct event_kind PAYMENT_CAPTURED_EVENT = {
    PAYMENT_TOPIC, &order__v1__payment_captured__schema, "payment id"};
const struct event_kind PAYMENT_CAPTURE_FAILED_EVENT = {
    PAYMENT_TOPIC, &order__v1__payment_capture_failed__schema, "payment id"};
const struct event_kind PAYMENT_VOIDED_EVENT = {PAYMENT_TOPIC, &order__v1__payment_voided__schema,
                                                "payment id"};
const struct event_kind PAYMENT_REFUNDED_EVENT = {
    PAYMENT_TOPIC, &order__v1__payment_refunded__schema, "payment id"};

static const char *const OUTCOMES[] = {"unknown", "action",   "authorized", "captured",
                                       "voided",  "refunded", "refused",    NULL};
struct metric PAYMENT_ANSWERS = {.name = "order_payment_answers_total",
                                 .type = METRIC_COUNTER,
                                 .doc = "what payment providers answered",
                                 .label_name = "outcome",
                                 .label_values = OUTCOMES};

static const char *const CALLS[] = {[ENTRY_AUTHORIZE] = "authorize",
                                    [ENTRY_CAPTURE] = "capture",
                                    [ENTRY_VOID] = "void",
                                    [ENTRY_REFUND] = "refund"};

static struct status apply(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                           const struct payment_answer *answer);
static struct status record(struct db_tx *tx, struct payment *p, const struct payment_fact *fact);
static struct status publish(struct db_tx *tx, struct payment *p, const struct payment_fact *fact,
                             int64_t captured_before);
static struct status learn_captured(struct db_tx *tx, struct payment *p,
                                    const struct payment_answer *answer);
static struct status learn_returned(struct db_tx *tx, struct payment *p, int64_t returned);
static struct status learn_refused(struct db_tx *tx, struct payment *p, enum entry_kind kind,
                                   const char *reason);
static struct status learn_voided(struct db_tx *tx, struct payment *p, enum entry_kind kind);
static int64_t current_number(const struct payment *p, enum entry_kind kind);
static const char *key_of(struct ctx *ctx, const struct payment *p, enum entry_kind kind,
                          int64_t number);
static struct payment_order order_of(struct ctx *ctx, const struct payment *p,
                                     enum entry_kind kind);
static Order__V1__PaymentSummary *summary(struct ctx *ctx, const struct payment *p);

struct uuid payment_id_of(struct uuid checkout_id, int64_t tender_number)
{
    return uuid_derive_n(checkout_id, "payment", tender_number);
}

struct payment_provider *provider_find(struct ctx *ctx, const char *name)
{
    struct order_daemon *self = ctx_state(ctx);
    struct payment_provider *const providers[] = {&self->manual, &self->stripe.base};

    for (size_t i = 0; i < ARRAY_LEN(providers); i++)
        if (str_equal(providers[i]->ops->name, name))
            return providers[i];
    return NULL;
}

bool payment_is_local(struct ctx *ctx, const struct payment *payment)
{
    return provider_find(ctx, payment->provider)->ops->is_local;
}

struct status payment_request(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                              int64_t amount, bool *ret_is_open)
{
    struct payment_fact fact = {
        .kind = kind, .outcome = ENTRY_REQUESTED, .number = 1, .amount = amount};

    if (kind == ENTRY_AUTHORIZE)
        fact.number = payment->state == PAYMENT_NEW ? payment->attempt + 1 : payment->attempt;
    else if (kind == ENTRY_CAPTURE)
        fact.number = payment->capture_count + 1;
    else if (kind == ENTRY_VOID)
        fact.number = payment->is_voiding ? payment->void_count : payment->void_count + 1;
    else
        fact.number = payment->refund_count + 1;
    *ret_is_open = ledger_apply(payment, &fact);
    if (!*ret_is_open)
        return status_ok();
    struct ctx *ctx = db_ctx(tx);
    if (payment_is_local(ctx, payment))
        return status_ok(); // its answer follows in the same transaction
    return store_add_entry(tx, payment, &fact, key_of(ctx, payment, kind, fact.number));
}

void payment_ask(struct ctx *ctx, const struct payment *payment, enum entry_kind kind,
                 struct payment_answer *ret_answer)
{
    struct payment_provider *provider = provider_find(ctx, payment->provider);
    const struct payment_provider_ops *ops = provider->ops;
    struct payment_order order = order_of(ctx, payment, kind);

    *ret_answer = (struct payment_answer){.outcome = OUTCOME_UNKNOWN};
    if (!ops->is_local && crash_point(CRASH_PAYMENT_UNSENT, CALLS[kind]).code != STATUS_OK)
        return;
    switch (kind) {
    case ENTRY_AUTHORIZE:
        ops->authorize(provider, ctx, &order, ret_answer);
        break;
    case ENTRY_CAPTURE:
        ops->capture(provider, ctx, &order, ret_answer);
        break;
    case ENTRY_VOID:
        ops->cancel(provider, ctx, &order, ret_answer);
        break;
    case ENTRY_REFUND:
    default:
        ops->refund(provider, ctx, &order, ret_answer);
    }
    if (!ops->is_local && crash_point(CRASH_PAYMENT_ANSWERED, CALLS[kind]).code != STATUS_OK)
        *ret_answer = (struct payment_answer){.outcome = OUTCOME_UNKNOWN};
    metric_add(&PAYMENT_ANSWERS, (int)ret_answer->outcome, 1);
}

void payment_query(struct ctx *ctx, const struct payment *payment,
                   struct payment_answer *ret_answer)
{
    struct payment_provider *provider = provider_find(ctx, payment->provider);
    struct payment_order order = order_of(ctx, payment, ENTRY_AUTHORIZE);

    *ret_answer = (struct payment_answer){.outcome = OUTCOME_UNKNOWN};
    provider->ops->query(provider, ctx, &order, ret_answer);
    metric_add(&PAYMENT_ANSWERS, (int)ret_answer->outcome, 1);
}

struct status payment_learn(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                            const struct payment_answer *answer)
{
    TRY(apply(tx, payment, kind, answer));
    return store_put_payment(tx, payment);
}

static struct status apply(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                           const struct payment_answer *answer)
{
    struct payment_fact fact = {.kind = kind, .number = current_number(payment, kind)};

    if (answer->reference != NULL)
        payment->provider_reference = answer->reference;
    switch (answer->outcome) {
    case OUTCOME_ACTION:
        if (payment->state == PAYMENT_NEW || payment->state == PAYMENT_PENDING ||
            payment->state == PAYMENT_ACTION_REQUIRED) {
            payment->state = PAYMENT_ACTION_REQUIRED;
            payment->action_url = answer->action_url;
            payment->client_secret = answer->client_secret;
        }
        break;
    case OUTCOME_AUTHORIZED:
        fact = (struct payment_fact){.kind = ENTRY_AUTHORIZE,
                                     .outcome = ENTRY_SUCCEEDED,
                                     .number = payment->attempt,
                                     .amount = answer->authorized_minor};
        TRY(record(tx, payment, &fact));
        break;
    case OUTCOME_CAPTURED:
        TRY(learn_captured(tx, payment, answer));
        TRY(learn_returned(tx, payment, answer->refunded_minor));
        break;
    case OUTCOME_VOIDED:
        TRY(learn_voided(tx, payment, kind));
        break;
    case OUTCOME_REFUNDED:
        fact.outcome = ENTRY_SUCCEEDED;
        fact.amount = payment->refund_requested - payment->refunded;
        TRY(record(tx, payment, &fact));
        break;
    case OUTCOME_REFUSED:
        TRY(learn_refused(tx, payment, kind, answer->failure_reason));
        break;
    case OUTCOME_UNKNOWN:
    default:
        fact.outcome = ENTRY_UNKNOWN;
        if (kind != 0)
            TRY(record(tx, payment, &fact));
    }
    if (payment->is_cancelled && kind != ENTRY_VOID && kind != ENTRY_REFUND &&
        ledger_unwind_step(payment) != 0)
        return unwind_later(tx, payment);
    return status_ok();
}

struct status payment_settle(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                             int64_t amount)
{
    struct payment_answer answer;
    bool is_open;

    TRY(payment_request(tx, payment, kind, amount, &is_open));
    if (!is_open)
        return status_ok();
    payment_ask(db_ctx(tx), payment, kind, &answer);
    return apply(tx, payment, kind, &answer);
}

/* The provider may tell of a capture before, or without, telling of the authorization. A capture
 * that we did not ask for (somebody used the provider's own console) is booked like ours. */
static struct status learn_captured(struct db_tx *tx, struct payment *p,
                                    const struct payment_answer *answer)
{
    struct payment_provider *provider = provider_find(db_ctx(tx), p->provider);
    const int64_t taken = answer->captured_minor - p->captured;

    if (p->authorized == 0 && p->captured == 0) {
        struct payment_fact held = {.kind = ENTRY_AUTHORIZE,
                                    .outcome = ENTRY_SUCCEEDED,
                                    .number = p->attempt,
                                    .amount = answer->captured_minor};
        TRY(record(tx, p, &held));
    }
    if (taken <= 0)
        return status_ok();
    if (p->capture_requested == p->captured) {
        struct payment_fact asked = {.kind = ENTRY_CAPTURE,
                                     .outcome = ENTRY_REQUESTED,
                                     .number = p->capture_count + 1,
                                     .amount = taken};
        TRY(record(tx, p, &asked));
    }
    struct payment_fact fact = {.kind = ENTRY_CAPTURE,
                                .outcome = ENTRY_SUCCEEDED,
                                .number = p->capture_count,
                                .amount = taken,
                                .is_last = provider->ops->is_single_capture};
    TRY(record(tx, p, &fact));
    return p->is_voiding ? learn_refused(tx, p, ENTRY_VOID, "ALREADY_CAPTURED") : status_ok();
}

/* Money that went back. Ours, when it is what we asked for; what is more went back without our
 * asking (somebody used the provider's own console), and is booked like ours. */
static struct status learn_returned(struct db_tx *tx, struct payment *p, int64_t returned)
{
    struct payment_fact fact = {
        .kind = ENTRY_REFUND, .outcome = ENTRY_SUCCEEDED, .number = p->refund_count};

    if (p->refund_requested > p->refunded && returned >= p->refund_requested) {
        fact.amount = p->refund_requested - p->refunded;
        TRY(record(tx, p, &fact));
    }
    if (p->refund_requested > p->refunded || returned <= p->refunded)
        return status_ok();
    fact.number = p->refund_count + 1;
    fact.amount = returned - p->refunded;
    fact.outcome = ENTRY_REQUESTED;
    TRY(record(tx, p, &fact));
    fact.outcome = ENTRY_SUCCEEDED;
    return record(tx, p, &fact);
}

/* Without our asking: an authorization that ran out at the provider, or a payment that the buyer
 * left. Before it was authorized that is a decline. */
static struct status learn_voided(struct db_tx *tx, struct payment *p, enum entry_kind kind)
{
    bool is_held = p->authorized > p->captured;

    if (kind != ENTRY_VOID && !is_held && !p->is_voiding)
        return learn_refused(tx, p, ENTRY_AUTHORIZE, "AUTHORIZATION_ENDED");
    if (p->capture_requested > p->captured)
        TRY(learn_refused(tx, p, ENTRY_CAPTURE, "AUTHORIZATION_ENDED"));
    struct payment_fact fact = {.kind = ENTRY_VOID,
                                .outcome = ENTRY_SUCCEEDED,
                                .number = p->is_voiding ? p->void_count : p->void_count + 1,
                                .amount = p->authorized - p->captured};
    return record(tx, p, &fact);
}

static struct status learn_refused(struct db_tx *tx, struct payment *p, enum entry_kind kind,
                                   const char *reason)
{
    const enum entry_kind what = kind == 0 ? ENTRY_AUTHORIZE : kind;
    struct payment_fact fact = {.kind = what,
                                .outcome = ENTRY_FAILED,
                                .number = current_number(p, what),
                                .amount = what == ENTRY_CAPTURE ? p->capture_requested - p->captured
                                          : what == ENTRY_REFUND ? p->refund_requested - p->refunded
                                                                 : 0,
                                .failure_reason = reason};

    return record(tx, p, &fact);
}

static struct status record(struct db_tx *tx, struct payment *p, const struct payment_fact *fact)
{
    const int64_t captured_before = p->captured;

    if (!ledger_apply(p, fact))
        return status_ok();
    TRY(store_add_entry(tx, p, fact, key_of(db_ctx(tx), p, fact->kind, fact->number)));
    return publish(tx, p, fact, captured_before);
}

static struct status publish(struct db_tx *tx, struct payment *p, const struct payment_fact *fact,
                             int64_t captured_before)
{
    static const struct event_kind *const KINDS[][2] = {
        [ENTRY_AUTHORIZE] = {&PAYMENT_AUTHORIZED_EVENT, &PAYMENT_DECLINED_EVENT},
        [ENTRY_CAPTURE] = {&PAYMENT_CAPTURED_EVENT, &PAYMENT_CAPTURE_FAILED_EVENT},
        [ENTRY_VOID] = {&PAYMENT_VOIDED_EVENT, NULL},
        [ENTRY_REFUND] = {&PAYMENT_REFUNDED_EVENT, NULL},
    };
    Order__V1__PaymentAuthorized authorized = ORDER__V1__PAYMENT_AUTHORIZED__INIT;
    Order__V1__PaymentDeclined declined = ORDER__V1__PAYMENT_DECLINED__INIT;
    Order__V1__PaymentCaptured captured = ORDER__V1__PAYMENT_CAPTURED__INIT;
    Order__V1__PaymentCaptureFailed failed = ORDER__V1__PAYMENT_CAPTURE_FAILED__INIT;
    Order__V1__PaymentVoided voided = ORDER__V1__PAYMENT_VOIDED__INIT;
    Order__V1__PaymentRefunded refunded = ORDER__V1__PAYMENT_REFUNDED__INIT;
    const void *const bodies[][2] = {
        [ENTRY_AUTHORIZE] = {&authorized, &declined},
        [ENTRY_CAPTURE] = {&captured, &failed},
        [ENTRY_VOID] = {&voided, NULL},
        [ENTRY_REFUND] = {&refunded, NULL},
    };
    const int index = fact->outcome == ENTRY_SUCCEEDED ? 0 : 1;
    struct ctx *ctx = db_ctx(tx);

    if (fact->outcome == ENTRY_REQUESTED || fact->outcome == ENTRY_UNKNOWN ||
        KINDS[fact->kind][index] == NULL)
        return status_ok();
    p->version++;
    Order__V1__PaymentSummary *payment = summary(ctx, p);
    authorized.payment = declined.payment = captured.payment = payment;
    failed.payment = voided.payment = refunded.payment = payment;
    declined.failure_reason = failed.failure_reason = str_or_empty(fact->failure_reason);
    captured.captured_now = message_money(ctx, p->captured - captured_before, p->currency_code);
    refunded.refunded_now = message_money(ctx, fact->amount, p->currency_code);
    return outbox_add(tx, KINDS[fact->kind][index], p->id, p->version, bodies[fact->kind][index]);
}

static int64_t current_number(const struct payment *p, enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_CAPTURE:
        return p->capture_count;
    case ENTRY_VOID:
        return p->void_count;
    case ENTRY_REFUND:
        return p->refund_count;
    case ENTRY_AUTHORIZE:
    default:
        return p->attempt;
    }
}

/* Derived, so that whoever takes the work over sends the same key. */
static const char *key_of(struct ctx *ctx, const struct payment *p, enum entry_kind kind,
                          int64_t number)
{
    static const char *const ROLES[] = {[ENTRY_AUTHORIZE] = "auth",
                                        [ENTRY_CAPTURE] = "cap",
                                        [ENTRY_VOID] = "void",
                                        [ENTRY_REFUND] = "ref"};

    return uuid_text(ctx->arena, uuid_derive_n(p->id, ROLES[kind], number));
}

static struct payment_order order_of(struct ctx *ctx, const struct payment *p, enum entry_kind kind)
{
    int64_t amount = p->amount;

    if (kind == ENTRY_CAPTURE)
        amount = p->capture_requested - p->captured;
    if (kind == ENTRY_REFUND)
        amount = p->refund_requested - p->refunded;
    return (struct payment_order){
        .payment_id = p->id,
        .checkout_id = p->checkout_id,
        .key = key_of(ctx, p, kind, current_number(p, kind)),
        .authorization_key = key_of(ctx, p, ENTRY_AUTHORIZE, p->attempt),
        .account = p->account,
        .currency_code = p->currency_code,
        .payment_method = p->payment_method,
        .return_url = p->return_url,
        .amount_minor = amount,
        .captured_minor = p->captured,
        .reference = p->provider_reference,
        .is_retry = kind != ENTRY_AUTHORIZE || p->tries > 1,
        .age_ms = p->request_age_ms,
    };
}

static Order__V1__PaymentSummary *summary(struct ctx *ctx, const struct payment *p)
{
    Order__V1__PaymentSummary *out = arena_new(ctx->arena, Order__V1__PaymentSummary);

    order__v1__payment_summary__init(out);
    out->payment_id = message_id(ctx, p->id);
    out->checkout_id = message_id(ctx, p->checkout_id);
    out->order_id = message_id(ctx, p->order_id);
    out->provider = p->provider;
    out->provider_account = p->account;
    out->provider_reference = str_or_empty(p->provider_reference);
    out->amount = message_money(ctx, p->amount, p->currency_code);
    out->authorized = message_money(ctx, p->authorized, p->currency_code);
    out->captured = message_money(ctx, p->captured, p->currency_code);
    out->refunded = message_money(ctx, p->refunded, p->currency_code);
    out->state = (Order__V1__PaymentState)p->state;
    return out;
}
