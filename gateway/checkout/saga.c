/* saga.c - runs a table of steps forwards, or backwards when one is refused. */
#include "checkout/saga.h"

#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "chassis/rpc.h"
#include "common/clock.h"

/* Without a pause: the client of the calls has moved to another address by itself. A daemon that is
 * down is not waited for: the row's schedule is for that, and the client's thread is not. */
enum { TRIES_MAX = 3 };

static bool is_final(const struct saga *saga)
{
    int state = saga->ops->state(saga);
    return state >= saga->ops->first_final_state && state <= saga->ops->last_final_state &&
           state != saga->ops->undoing_state;
}

static bool is_undoing(const struct saga *saga)
{
    return saga->ops->state(saga) == saga->ops->undoing_state;
}

bool saga_is_refusal(struct status status)
{
    switch (status.code) {
    case STATUS_INVALID_ARGUMENT:
    case STATUS_NOT_FOUND:
    case STATUS_ALREADY_EXISTS:
    case STATUS_PERMISSION_DENIED:
    case STATUS_FAILED_PRECONDITION:
    case STATUS_OUT_OF_RANGE:
    case STATUS_UNAUTHENTICATED:
        return true;
    default:
        return false;
    }
}

struct status saga_wait(struct saga *saga, int64_t wait_ms)
{
    saga->is_waiting = true;
    saga->wait_ms = wait_ms;
    return status_ok();
}

/* It may have been done and may be asked again. */
static bool is_unanswered(struct status status)
{
    return (status.code == STATUS_UNAVAILABLE || status.code == STATUS_DEADLINE_EXCEEDED ||
            status.code == STATUS_ABORTED) &&
           !status_reason_is(status, "CHECKOUT_FENCED");
}

typedef struct status saga_action(struct ctx *ctx, struct saga *saga);

static struct status take(struct ctx *ctx, struct saga *saga, saga_action *action, int64_t limit_ms)
{
    const int64_t end_us = ctx->deadline_us;
    struct status status = status_ok();
    for (int try = 0; try < TRIES_MAX; try++) {
        const int64_t limit_us = clock_monotonic_us() + (limit_ms << try) * 1000;
        if (limit_us < end_us)
            ctx->deadline_us = limit_us;
        status = action(ctx, saga);
        ctx->deadline_us = end_us;
        if (!is_unanswered(status) || ctx_remaining_ms(ctx) <= 0)
            return status;
    }
    return status;
}

static enum saga_outcome stop(struct ctx *ctx, struct saga *saga, const char *step,
                              struct status status)
{
    if (status_reason_is(status, "CHECKOUT_FENCED"))
        return SAGA_LOST;
    if (status.code != STATUS_OK) {
        log_warn(ctx, "saga_step_unanswered", LOG_STR("step", step),
                 LOG_STR("reason", status.reason));
        saga->wait_ms = 0;
    }
    return SAGA_WAITING;
}

/* Every compensation leaves a tombstone where its action never arrived, so running those of steps
 * that were never reached is safe, and a resumed saga need not know how far it had come. */
static enum saga_outcome undo(struct ctx *ctx, struct saga *saga, const struct saga_step *last)
{
    for (const struct saga_step *step = last; step >= saga->ops->steps; step--) {
        if (!step->undo)
            continue;
        struct status status = crash_point(CRASH_SAGA_BACKWARD, step->name);
        if (status.code == STATUS_OK)
            status = take(ctx, saga, step->undo, step->limit_ms);
        if (status.code != STATUS_OK || saga->is_waiting)
            return stop(ctx, saga, step->name, status);
    }
    struct status ended = crash_point(CRASH_SAGA_UNDONE, NULL);
    if (ended.code == STATUS_OK)
        ended = take(ctx, saga, saga->ops->end_undo, saga->ops->record_ms);
    return ended.code == STATUS_OK ? SAGA_FINISHED : stop(ctx, saga, "end_undo", ended);
}

static const struct saga_step *last_step(const struct saga *saga)
{
    const struct saga_step *step = saga->ops->steps;
    while (step[1].name)
        step++;
    return step;
}

static enum saga_outcome refuse(struct ctx *ctx, struct saga *saga, const struct saga_step *step,
                                struct status refusal)
{
    log_info(ctx, "saga_refused", LOG_STR("step", step->name), LOG_STR("reason", refusal.reason));
    struct status begun = crash_point(CRASH_SAGA_REFUSED, step->name);
    if (begun.code == STATUS_OK)
        begun = saga->ops->begin_undo(ctx, saga, refusal);
    if (begun.code != STATUS_OK)
        return stop(ctx, saga, "begin_undo", begun);
    return undo(ctx, saga, step);
}

enum saga_outcome saga_run(struct ctx *ctx, struct saga *saga)
{
    saga->is_waiting = false;
    if (is_undoing(saga))
        return undo(ctx, saga, last_step(saga));

    for (const struct saga_step *step = saga->ops->steps; step->name; step++) {
        if (is_final(saga))
            return SAGA_FINISHED;
        if (saga->ops->state(saga) > step->pending_until)
            continue;
        struct status status = crash_point(CRASH_SAGA_FORWARD, step->name);
        if (status.code == STATUS_OK)
            status = take(ctx, saga, step->act, step->limit_ms);
        if (status.code == STATUS_OK && is_undoing(saga)) // the step's daemon refused it by itself
            return undo(ctx, saga, step);
        if (status.code == STATUS_OK && !saga->is_waiting)
            continue;
        if (saga_is_refusal(status) && !status_reason_is(status, "CHECKOUT_FENCED"))
            return refuse(ctx, saga, step, status);
        return stop(ctx, saga, step->name, status);
    }
    return SAGA_FINISHED;
}
