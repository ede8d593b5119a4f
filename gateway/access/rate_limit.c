/* rate_limit.c - how many requests a minute one subject may make, over all replicas.
 *
 * A bucket holds half a minute's worth, so a page that loads with twenty calls at once is fine. */
#include "access/access.h"
#include "gateway.h"
#include "gateway_scripts.h"

#include "chassis/log.h"
#include "chassis/redis.h"

enum { MINUTE_US = 60 * 1000000 };

const struct error_def RATE_LIMITED = {STATUS_RESOURCE_EXHAUSTED, "RATE_LIMITED",
                                       "wait for as many seconds as Retry-After says"};

static const char *const RATE_NAMES[] = {"storefront", "sign_in", "admin", NULL};

struct metric RATE_LIMITED_REQUESTS = {
    .name = "gateway_rate_limited_total",
    .type = METRIC_COUNTER,
    .doc = "requests refused because their subject made too many",
    .label_name = "rate",
    .label_values = RATE_NAMES,
};

struct metric RATE_LIMIT_UNCHECKED = {
    .name = "gateway_rate_unchecked_total",
    .type = METRIC_COUNTER,
    .doc = "requests let through because Redis could not say",
};

static const struct redis_script RATE_LIMIT = {"rate_limit", SCRIPT_RATE_LIMIT};

static int64_t per_minute(const struct gateway *self, enum rate rate)
{
    switch (rate) {
    case RATE_SIGN_IN:
        return self->account_rate;
    case RATE_ADMIN:
        return self->admin_rate;
    default:
        return self->storefront_rate;
    }
}

static struct status take(struct ctx *ctx, enum rate rate, const char *subject,
                          int64_t *ret_wait_us)
{
    const struct gateway *self = ctx_state(ctx);
    int64_t allowed = per_minute(self, rate);
    struct redis_reply reply;
    struct db_bytes keys[] = {
        redis_arg(arena_printf(ctx->arena, "rate:%s:%s", RATE_NAMES[rate], subject))};
    struct db_bytes args[] = {redis_arg_int(ctx, MINUTE_US / allowed),
                              redis_arg_int(ctx, (allowed + 1) / 2)};
    TRY(redis_eval(ctx, self->limits, &RATE_LIMIT, keys, ARRAY_LEN(keys), args, ARRAY_LEN(args),
                   &reply));
    *ret_wait_us = reply.integer;
    return status_ok();
}

struct status access_rate(struct ctx *ctx, struct exchange *exchange, enum rate rate,
                          const char *subject)
{
    int64_t wait_us = 0;
    if (per_minute(ctx_state(ctx), rate) == 0)
        return status_ok();
    struct status taken = take(ctx, rate, subject, &wait_us);
    if (taken.code != STATUS_OK) { // a shop without limits sells; one without Redis would not
        metric_add(&RATE_LIMIT_UNCHECKED, 0, 1);
        return status_ok();
    }
    if (wait_us <= 0)
        return status_ok();
    int64_t seconds = (wait_us + 999999) / 1000000;
    metric_add(&RATE_LIMITED_REQUESTS, (int)rate, 1);
    http_response_header(exchange->answer, "Retry-After",
                         arena_printf(ctx->arena, "%lld", (long long)seconds));
    return ctx_fail(ctx, &RATE_LIMITED, "again in %lld s", (long long)seconds);
}
