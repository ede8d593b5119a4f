/* manual_provider.c - money that moves outside the system: transfer, invoice, cash on the counter.
 *
 * The merchant vouches for it, so every request succeeds at once; the ledger is the only record. */
#include "payment_provider.h"

static void authorize(struct payment_provider *self, struct ctx *ctx,
                      const struct payment_order *order, struct payment_answer *ret_answer);
static void capture(struct payment_provider *self, struct ctx *ctx,
                    const struct payment_order *order, struct payment_answer *ret_answer);
static void cancel(struct payment_provider *self, struct ctx *ctx,
                   const struct payment_order *order, struct payment_answer *ret_answer);
static void refund(struct payment_provider *self, struct ctx *ctx,
                   const struct payment_order *order, struct payment_answer *ret_answer);
static void query(struct payment_provider *self, struct ctx *ctx, const struct payment_order *order,
                  struct payment_answer *ret_answer);

static const struct payment_provider_ops OPS = {
    .name = "manual",
    .is_local = true,
    .authorize = authorize,
    .capture = capture,
    .cancel = cancel,
    .refund = refund,
    .query = query,
};

struct payment_provider manual_provider_of(void)
{
    return (struct payment_provider){&OPS};
}

static void authorize(struct payment_provider *self, struct ctx *ctx,
                      const struct payment_order *order, struct payment_answer *ret_answer)
{
    (void)self;
    *ret_answer = (struct payment_answer){
        .outcome = OUTCOME_AUTHORIZED,
        .reference = uuid_text(ctx->arena, order->payment_id),
        .authorized_minor = order->amount_minor,
    };
}

static void capture(struct payment_provider *self, struct ctx *ctx,
                    const struct payment_order *order, struct payment_answer *ret_answer)
{
    (void)self;
    (void)ctx;
    *ret_answer = (struct payment_answer){
        .outcome = OUTCOME_CAPTURED,
        .captured_minor = order->captured_minor + order->amount_minor,
    };
}

static void cancel(struct payment_provider *self, struct ctx *ctx,
                   const struct payment_order *order, struct payment_answer *ret_answer)
{
    (void)self;
    (void)ctx;
    (void)order;
    *ret_answer = (struct payment_answer){.outcome = OUTCOME_VOIDED};
}

static void refund(struct payment_provider *self, struct ctx *ctx,
                   const struct payment_order *order, struct payment_answer *ret_answer)
{
    (void)self;
    (void)ctx;
    (void)order;
    *ret_answer = (struct payment_answer){.outcome = OUTCOME_REFUNDED};
}

/* It has no memory of its own, so it knows nothing that the ledger does not. */
static void query(struct payment_provider *self, struct ctx *ctx, const struct payment_order *order,
                  struct payment_answer *ret_answer)
{
    (void)self;
    (void)ctx;
    (void)order;
    *ret_answer = (struct payment_answer){.outcome = OUTCOME_UNKNOWN};
}
