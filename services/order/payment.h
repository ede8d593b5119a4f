/* payment.h - one tender's payment, its ledger, and what is done with both. */
#pragma once

#include "chassis/db.h"
#include "payment_provider.h"
#include "states.h"

enum entry_kind { ENTRY_AUTHORIZE = 1, ENTRY_CAPTURE = 2, ENTRY_VOID = 3, ENTRY_REFUND = 4 };

enum entry_outcome {
    ENTRY_REQUESTED = 1,
    ENTRY_SUCCEEDED = 2,
    ENTRY_FAILED = 3,
    ENTRY_UNKNOWN = 4,
};

/* A row of orders.payment. */
struct payment {
    struct uuid id, checkout_id, order_id;
    int64_t number;
    const char *account, *provider;
    enum capture_policy capture_policy;
    const char *payment_method, *return_url, *currency_code;
    int64_t amount; /* all amounts in minor units */
    int64_t authorized;
    int64_t capture_requested, captured;
    int64_t refund_requested, refunded;
    enum payment_state state;
    int64_t attempt, tries, capture_count, refund_count, void_count;
    bool is_voiding, is_cancelled;
    const char *provider_reference, *action_url, *client_secret, *failure_reason;
    int64_t version;
    int64_t request_age_ms; /* since the current attempt was first sent; by the database's clock */
    const struct payment_entry *unsaved; /* goes with the next store_put_payment() */
};

/* One line of the ledger. */
struct payment_fact {
    enum entry_kind kind;
    enum entry_outcome outcome;
    int64_t number;
    int64_t amount;
    const char *failure_reason;
    bool is_last; /* a capture that closes its authorization */
};

/* --- payment_ledger.c: pure */

/* Brings the payment's sums and state up to the fact. False when it changes nothing: it is known
 * already, or it may not be. Facts may come late, twice and out of order. */
bool ledger_apply(struct payment *payment, const struct payment_fact *fact);
/* What is left to do so that nothing is held and nothing is kept; 0 when that is so. */
enum entry_kind ledger_unwind_step(const struct payment *payment);
/* Authorized and not yet asked for. */
int64_t ledger_capturable(const struct payment *payment);
/* The sums that an order's payment status derives from. */
struct payment_sums ledger_sums(const struct payment *payments, size_t count, int64_t total);

/* --- payment.c ---------------------------------------------------------------------------------*/

struct uuid payment_id_of(struct uuid checkout_id, int64_t tender_number);
/* Appends "requested" and reserves the amount; false (in ret_is_open) when that may not be.
 * An authorization or void that was requested before is taken up again under its key. */
struct status payment_request(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                              int64_t amount, bool *ret_is_open);
/* Asks the provider, outside of any transaction unless the provider is local. */
void payment_ask(struct ctx *ctx, const struct payment *payment, enum entry_kind kind,
                 struct payment_answer *ret_answer);
/* What the provider says now, whatever was asked. */
void payment_query(struct ctx *ctx, const struct payment *payment,
                   struct payment_answer *ret_answer);
/* Writes an answer to `kind` (0: to a query) into the ledger, with its events, and saves the row. A
 * cancelled payment that turns out to hold money gets an unwind task. The caller holds the lock. */
struct status payment_learn(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                            const struct payment_answer *answer);
/* request, ask, learn in one transaction, for a local provider; the caller saves the row. */
struct status payment_settle(struct db_tx *tx, struct payment *payment, enum entry_kind kind,
                             int64_t amount);
bool payment_is_local(struct ctx *ctx, const struct payment *payment);

/* --- capture.c, unwind.c -----------------------------------------------------------------------*/

/* Requests the capture of `amount` (0: all that can be), does it, at once when the provider is
 * local, else by a task, and saves the row. False in ret_is_open when there is nothing to capture.
 */
struct status capture_start(struct db_tx *tx, struct payment *payment, int64_t amount,
                            bool *ret_is_open);
/* Marks the payment cancelled and gives everything back: at once when local, else by a task. */
struct status unwind_start(struct db_tx *tx, struct payment *payment);
/* The task alone, for a payment that is marked already. */
struct status unwind_later(struct db_tx *tx, const struct payment *payment);

/* --- store_payment.c ---------------------------------------------------------------------------*/

struct payment_list {
    struct payment *items;
    size_t count;
};

/* Of one checkout in tender order, locked when `for_update`; or of an array of them, newest first.
 * To ride in a batch: the value lives as long as the call. */
struct db_call store_payments_call(const struct db_value *checkout_id, bool for_update);
struct payment_list store_payments_read(struct ctx *ctx, const struct db_rows *rows);
struct status store_list_payments(struct db_tx *tx, struct uuid checkout_id,
                                  struct payment_list *ret_payments);
struct status store_load_payment(struct db_tx *tx, struct uuid id, bool for_update,
                                 struct payment *ret_payment);
struct status store_find_payment_by_reference(struct db_tx *tx, const char *provider,
                                              const char *reference, struct uuid *ret_id);
/* With the line of the ledger that waits for it, in one statement. */
struct status store_put_payment(struct db_tx *tx, struct payment *payment);
/* The line is written with the payment: whoever adds one saves the payment afterwards. */
struct status store_add_entry(struct db_tx *tx, struct payment *payment,
                              const struct payment_fact *fact, const char *provider_key);
/* ret_amount: what the last capture wanted, if it failed; else 0. */
struct status store_sum_failed_captures(struct db_tx *tx, const struct payment *payment,
                                        int64_t *ret_count, int64_t *ret_amount);
/* Rows of a webhook's inbox. */
struct status store_is_webhook_known(struct db_tx *tx, const char *account, const char *event_id,
                                     bool *ret_is_known);
struct status store_add_webhook(struct db_tx *tx, const char *account,
                                const struct webhook_notice *notice, struct uuid payment_id);
struct status store_purge_webhooks(struct db_tx *tx, int64_t keep_ms, int64_t batch,
                                   int64_t *ret_count);
