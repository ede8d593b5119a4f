/* resume.c - a checkout that nobody drives any more is taken up by whichever gateway hears of it.
 */
#include "checkout/checkout.h"

#include "chassis/metrics.h"
#include "order/v1/events.pb-c.h"

static const char *const OUTCOMES[] = {"finished", "waiting", "lost", NULL};

struct metric CHECKOUTS = {
    .name = "gateway_checkout_runs_total",
    .type = METRIC_COUNTER,
    .doc = "runs of the checkout saga by how they ended",
    .label_name = "outcome",
    .label_values = OUTCOMES,
};

/* Too early cannot be: the row came first. Too late, or twice: the lease or the final state says
 * so. */
struct status checkout_on_resume_requested(struct ctx *ctx, struct db_tx *tx,
                                           const struct event *event, const void *body)
{
    const Order__V1__CheckoutResumeRequested *requested = body;
    struct checkout checkout;
    enum saga_outcome outcome;
    (void)tx;
    (void)event;
    struct caller self = ctx->caller;
    struct status resumed = checkout_resume(ctx, requested->checkout_id, &checkout, &outcome);
    ctx->caller = self; // the next record is another buyer's
    TRY(resumed);
    metric_add(&CHECKOUTS, (int)outcome, 1);
    return status_ok();
}
