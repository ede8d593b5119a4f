/* payment_provider.h - who moves the money: authorize, capture, void, refund, and what came of it.
 *
 * An account (orders.provider_account) names its provider. Calls may come from many threads at
 * once; strings of an answer live in the ctx's arena. Nothing here touches the database. */
#pragma once

#include "chassis/ctx.h"
#include "common/uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* What the provider is asked to do. */
struct payment_order {
    struct uuid payment_id, checkout_id;
    const char *key;               /* the same key is the same request, however often it is sent */
    const char *authorization_key; /* the key under which it was authorized */
    const char *account, *currency_code, *payment_method, *return_url;
    int64_t amount_minor;   /* of this request */
    int64_t captured_minor; /* by earlier ones */
    const char *reference;  /* the provider's name of the payment; NULL while unknown */
    bool is_retry;          /* a request with this key was sent before */
    int64_t age_ms;         /* since the first request of this authorization */
};

/* What is true of the payment, as far as the provider can tell. UNKNOWN covers everything that is
 * not definite: a time-out, a reset, a server error, a limit, a refused credential. */
enum payment_outcome {
    OUTCOME_UNKNOWN = 0,
    OUTCOME_ACTION,     /* waits for the buyer: action_url or client_secret */
    OUTCOME_AUTHORIZED, /* authorized_minor is held */
    OUTCOME_CAPTURED,   /* captured_minor was taken in all */
    OUTCOME_VOIDED,     /* nothing is held, or it never existed */
    OUTCOME_REFUNDED,
    OUTCOME_REFUSED, /* definitely not: failure_reason */
};

struct payment_answer {
    enum payment_outcome outcome;
    const char *reference;      /* NULL when not learned */
    const char *failure_reason; /* UPPER_SNAKE */
    const char *action_url, *client_secret;
    int64_t authorized_minor, captured_minor;
    int64_t refunded_minor; /* of what was captured, in all; 0 when not told */
};

/* A verified webhook: which payment to look at. What it claims to have happened is not used. */
struct webhook_notice {
    const char *event_id;
    const char *type;
    const char *reference; /* NULL: not about a payment */
    struct uuid payment_id;
};

struct payment_provider;
typedef void payment_operation(struct payment_provider *self, struct ctx *ctx,
                               const struct payment_order *order,
                               struct payment_answer *ret_answer);

/* Every member is required but verify_webhook (NULL: the provider sends none). Operations may block
 * up to their time-out unless the provider is local. */
struct payment_provider_ops {
    const char *name; /* "manual": what an account names */
    bool is_local;    /* answers at once, without a network and never UNKNOWN: may run inside a
                         transaction */
    bool is_single_capture; /* the first capture releases what it leaves */
    payment_operation *authorize;
    payment_operation *capture;
    payment_operation *cancel;
    payment_operation *refund;
    payment_operation *query;
    /* UNAUTHENTICATED when the signature is not the provider's or too old. */
    struct status (*verify_webhook)(struct payment_provider *self, struct ctx *ctx,
                                    const char *signature, const char *body, size_t length,
                                    struct webhook_notice *ret_notice);
};

/* First member of every implementation. */
struct payment_provider {
    const struct payment_provider_ops *ops;
};

/* manual_provider.c: money that moves outside the system (transfer, invoice, cash); it always
 * succeeds. */
struct payment_provider manual_provider_of(void);

/* stripe_provider.c: Stripe's PaymentIntents with manual capture. The strings outlive it. */
struct stripe_settings {
    const char *url;    /* "https://api.stripe.com" */
    const char *secret; /* "sk_..."; empty: calls are refused */
    const char *webhook_secret;
    int64_t timeout_ms;
    int64_t settle_ms; /* a request older than this that cannot be found never arrived */
};

struct stripe_provider {
    struct payment_provider base;
    struct stripe_settings settings;
};

struct stripe_provider stripe_provider_of(struct stripe_settings settings);
extern const struct error_def WEBHOOK_REFUSED;

/* stripe_signature.c: header "t=<seconds>,v1=<hex>[,v1=...]", HMAC-SHA256 over "<t>.<body>". False
 * also when t is more than tolerance_s away from now_s. Constant time in the secret. */
bool stripe_signature_is_valid(const char *header, const void *body, size_t length,
                               const char *secret, int64_t now_s, int64_t tolerance_s);
