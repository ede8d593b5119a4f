/* webhook.c - a provider says that something happened to a payment.
 *
 * It may say so late, twice, out of order, or before our own request has come back. So its word is
 * only taken as a hint: the payment is asked for anew, and what it is now goes into the ledger. */
#include "store.h"
#include "tables.h"

#include "chassis/log.h"

const struct error_def NO_WEBHOOKS = {STATUS_NOT_FOUND, "NO_WEBHOOKS",
                                      "There is no such account, or its provider sends none"};
const struct error_def PROVIDER_SILENT = {
    STATUS_UNAVAILABLE, "PROVIDER_SILENT",
    "The payment's state could not be learned just now: deliver the event again"};

enum webhook_outcome { WEBHOOK_APPLIED, WEBHOOK_REPEATED, WEBHOOK_UNKNOWN, WEBHOOK_ORPHANED };

static const char *const OUTCOMES[] = {"applied", "repeated", "unknown", "orphaned", NULL};
struct metric WEBHOOKS = {.name = "order_webhooks_total",
                          .type = METRIC_COUNTER,
                          .doc = "verified webhooks: applied, delivered again, about no payment of"
                                 " ours, or about one whose checkout was purged",
                          .label_name = "outcome",
                          .label_values = OUTCOMES};

static struct status find_provider(struct ctx *ctx, struct db_tx *tx, const char *code,
                                   struct payment_provider **ret_provider);
static struct status find_payment(struct db_tx *tx, struct payment_provider *provider,
                                  const struct webhook_notice *notice, struct payment *ret_payment,
                                  bool *ret_is_found);
static struct status apply(struct ctx *ctx, const char *account,
                           const struct webhook_notice *notice, const struct payment *payment,
                           const struct payment_answer *answer, const char **ret_checkout_id);
static struct status apply_to_checkout(struct db_tx *tx, const struct payment *payment,
                                       const struct payment_answer *answer,
                                       const char **ret_checkout_id);
static struct status apply_alone(struct db_tx *tx, const struct payment *payment,
                                 const struct payment_answer *answer);
static struct status apply_to_order(struct db_tx *tx, const struct payment *payment,
                                    const struct payment_answer *answer);

struct status order_receive_webhook(struct ctx *ctx, const Order__V1__ReceiveWebhookRequest *req,
                                    Order__V1__ReceiveWebhookResponse *rep)
{
    struct payment_provider *provider = NULL;
    struct webhook_notice notice;
    struct payment payment = {0};
    struct payment_answer answer = {0};
    bool is_known, is_found;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(find_provider(ctx, tx, req->provider_account, &provider));
    TRY(provider->ops->verify_webhook(provider, ctx, req->signature, (const char *)req->body.data,
                                      req->body.len, &notice));
    TRY(store_is_webhook_known(tx, req->provider_account, notice.event_id, &is_known));
    TRY(find_payment(tx, provider, &notice, &payment, &is_found));
    TRY(db_commit(&tx));
    if (is_known) {
        metric_add(&WEBHOOKS, WEBHOOK_REPEATED, 1);
        return status_ok();
    }
    if (is_found) {
        ctx->correlation_id = uuid_text(ctx->arena, payment.checkout_id); // as when we had asked
        if (payment.provider_reference == NULL)
            payment.provider_reference = notice.reference;
        payment_query(ctx, &payment, &answer);
        if (answer.outcome == OUTCOME_UNKNOWN && answer.reference == NULL)
            return ctx_fail(ctx, &PROVIDER_SILENT, "event %s", notice.event_id);
    }
    return apply(ctx, req->provider_account, &notice, is_found ? &payment : NULL, &answer,
                 &rep->checkout_id);
}

static struct status find_provider(struct ctx *ctx, struct db_tx *tx, const char *code,
                                   struct payment_provider **ret_provider)
{
    struct account_list accounts;

    TRY(store_list_accounts(tx, &accounts));
    for (size_t i = 0; i < accounts.count; i++) {
        *ret_provider = provider_find(ctx, accounts.items[i].provider);
        if (str_equal(accounts.items[i].code, code) && (*ret_provider)->ops->verify_webhook != NULL)
            return status_ok();
    }
    return ctx_fail(ctx, &NO_WEBHOOKS, "account %s", code);
}

/* By the id that we gave it, else by the provider's. None: not ours, or not about a payment. */
static struct status find_payment(struct db_tx *tx, struct payment_provider *provider,
                                  const struct webhook_notice *notice, struct payment *ret_payment,
                                  bool *ret_is_found)
{
    struct uuid id = notice->payment_id;
    struct status found = status_ok();

    *ret_is_found = false;
    if (notice->reference == NULL)
        return status_ok();
    if (uuid_is_nil(id))
        found = store_find_payment_by_reference(tx, provider->ops->name, notice->reference, &id);
    if (found.code == STATUS_OK)
        found = store_load_payment(tx, id, false, ret_payment);
    if (found.code == STATUS_NOT_FOUND)
        return status_ok();
    TRY(found);
    *ret_is_found = true;
    return status_ok();
}

/* The event is stored with its effect: one that failed half way is new when it is delivered again.
 */
static struct status apply(struct ctx *ctx, const char *account,
                           const struct webhook_notice *notice, const struct payment *payment,
                           const struct payment_answer *answer, const char **ret_checkout_id)
{
    const struct uuid payment_id = payment == NULL ? (struct uuid){{0}} : payment->id;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_webhook(tx, account, notice, payment_id));
    if (payment == NULL) { // accepted all the same: a refusal would be delivered again for days
        log_warn(ctx, "webhook_of_no_payment", LOG_STR("event", notice->event_id),
                 LOG_STR("type", notice->type));
        metric_add(&WEBHOOKS, WEBHOOK_UNKNOWN, 1);
    }
    if (payment != NULL && uuid_is_nil(payment->order_id))
        TRY(apply_to_checkout(tx, payment, answer, ret_checkout_id));
    else if (payment != NULL)
        TRY(apply_to_order(tx, payment, answer));
    return db_commit(&tx);
}

static struct status apply_to_checkout(struct db_tx *tx, const struct payment *payment,
                                       const struct payment_answer *answer,
                                       const char **ret_checkout_id)
{
    struct locked_checkout locked;
    struct ctx *ctx = db_ctx(tx);

    const struct status found = store_lock_checkout(tx, payment->checkout_id, LOCK_ALONE, &locked);
    if (found.code == STATUS_NOT_FOUND)
        return apply_alone(tx, payment, answer);
    TRY(found);
    metric_add(&WEBHOOKS, WEBHOOK_APPLIED, 1);
    struct payment *now = &locked.payments.items[payment->number - 1];
    if (!uuid_is_nil(now->order_id)) // placed meanwhile, and orders are locked before payments
        return ctx_fail(ctx, &PROVIDER_SILENT, "the order was placed while we asked");
    const enum payment_state before = now->state;
    // an intent of an earlier attempt was voided when the buyer changed the method
    if (now->provider_reference == NULL ||
        str_equal(now->provider_reference, payment->provider_reference))
        TRY(payment_learn(tx, now, (enum entry_kind)0, answer));
    if (now->state == before || !checkout_is_live(locked.checkout.state))
        return status_ok();
    *ret_checkout_id = message_id(ctx, locked.checkout.id);
    locked.checkout.attempts = 0; // should the caller not get to it, the reaper does at once
    locked.checkout.wake_us = locked.checkout.now_us;
    return store_save_checkout(tx, &locked.checkout);
}

/* The checkout ended and was purged: its payment is a tombstone, so what shows up is given back. */
static struct status apply_alone(struct db_tx *tx, const struct payment *payment,
                                 const struct payment_answer *answer)
{
    struct payment now;

    metric_add(&WEBHOOKS, WEBHOOK_ORPHANED, 1);
    TRY(store_load_payment(tx, payment->id, true, &now));
    return payment_learn(tx, &now, (enum entry_kind)0, answer);
}

static struct status apply_to_order(struct db_tx *tx, const struct payment *payment,
                                    const struct payment_answer *answer)
{
    struct order order;

    metric_add(&WEBHOOKS, WEBHOOK_APPLIED, 1);
    TRY(store_load_order(tx, payment->checkout_id, true, &order));
    TRY(payment_learn(tx, &order.payments.items[payment->number - 1], (enum entry_kind)0, answer));
    return order_payment_changed(tx, &order);
}
