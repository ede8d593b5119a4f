/* bank.h - the stand-in for Stripe (tests/support/stripe_simulator), as a process of its own. */
#pragma once

#include "sale.h"

/* Starts it and points the order daemons of this test to it; time-outs are short. Ends with the
 * test. */
void given_bank(void);

/* The next `count` requests of that kind are treated so: api.c of the simulator. */
void bank_script(const struct sale *sale, const char *operation, const char *behaviour, int count);
/* The buyer at the bank. */
void bank_complete(const struct sale *sale, const char *outcome);

/* Somebody gives money back at the bank's own dashboard. */
void bank_refund(const struct sale *sale, int64_t amount);

/* Sums over all intents of the sale's payment, and how many there are. */
struct bank_book {
    int64_t intents, held, captured, refunded;
};
struct bank_book bank_book(const struct sale *sale);

/* The newest webhook of that type, delivered as Stripe would. `spoil` changes a byte of its body.
 */
struct status bank_webhook(const struct sale *sale, const char *type, bool spoil,
                           const char **ret_checkout_id);

void then_bank(const struct sale *sale, int64_t intents, int64_t held, int64_t captured,
               int64_t refunded);

/* A sale up to its reservation, to be paid with that card. */
struct sale given_card(const char *payment_method);
/* Authorizes, and fails the test unless that leads to the state. */
void then_authorizing(struct sale *sale, enum checkout_state wanted);
void until_payment_status(const struct sale *sale, enum payment_status wanted);
void when_cancelled(const struct sale *sale);
