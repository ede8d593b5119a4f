/* tax_rate.c - what a country takes of a category, and from when on. */
#include "pricing.h"

#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "events/outbox.h"
#include "pricing/v1/events.schema.h"
#include "pricing/v1/service.handlers.h"

#include <string.h>

const struct event_kind TAX_RATE_CHANGED = {
    .topic = "pricing.tax.events.v1",
    .body = &pricing__v1__tax_rate_changed__schema,
    .key_doc = "tax rate id",
};

const struct error_def UNKNOWN_TAX_CATEGORY = {STATUS_FAILED_PRECONDITION, "UNKNOWN_TAX_CATEGORY",
                                               "create the tax category first"};
const struct error_def BAD_VALIDITY = {STATUS_INVALID_ARGUMENT, "BAD_VALIDITY",
                                       "an end lies after its start"};

static bool is_country(const char *code)
{
    return strlen(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' &&
           code[1] <= 'Z';
}

static struct status parse(struct ctx *ctx, const Pricing__V1__TaxRate *message,
                           struct tax_rate *ret_rate)
{
    struct tax_rate rate = {
        .id = uuid_v7(),
        .tax_category_code = message->tax_category_code,
        .country_code = message->country_code,
        .region = message->region,
        .name = message->name,
        .percentage = wire_decimal_value(message->percentage),
        .valid_from_us = wire_time_us(message->valid_from),
        .valid_until_us = wire_time_us(message->valid_until),
        .version = 1,
    };
    if (rate.percentage.unscaled < 0 ||
        decimal_compare(rate.percentage, (struct decimal){1000, 0}) > 0)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "taxRate.percentage",
                              decimal_format(ctx->arena, rate.percentage), "0 to 1000");
    if (!is_country(rate.country_code))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "taxRate.countryCode", rate.country_code,
                              "two upper-case letters (ISO 3166-1)");
    *ret_rate = rate;
    return status_ok();
}

static struct status publish(struct db_tx *tx, const struct tax_rate *rate)
{
    struct ctx *ctx = db_ctx(tx);
    Pricing__V1__TaxRateChanged event = PRICING__V1__TAX_RATE_CHANGED__INIT;
    event.tax_rate_id = uuid_text(ctx->arena, rate->id);
    event.tax_category_code = rate->tax_category_code;
    event.country_code = rate->country_code;
    event.region = rate->region;
    event.percentage = wire_decimal(ctx->arena, rate->percentage);
    event.valid_from = wire_time(ctx->arena, rate->valid_from_us);
    event.valid_until = wire_time(ctx->arena, rate->valid_until_us);
    return outbox_add(tx, &TAX_RATE_CHANGED, rate->id, rate->version, &event);
}

/* The rate that holds at the new one's start, if any, ends there; later ones are in the way. */
static struct status supersede_rate(struct db_tx *tx, struct tax_rate *rate, bool *ret_is_same)
{
    struct ctx *ctx = db_ctx(tx);
    struct tax_rate *existing;
    size_t count;
    TRY(store_load_rates(tx, rate, rate->valid_from_us, &existing, &count));
    *ret_is_same = false;
    for (size_t i = 0; i < count; i++) {
        struct tax_rate *old = &existing[i];
        if (old->valid_from_us > rate->valid_from_us &&
            (rate->valid_until_us == TIME_FOREVER || old->valid_from_us < rate->valid_until_us))
            return ctx_fail_field(
                ctx, &BAD_VALIDITY, "taxRate.validFrom",
                clock_format(ctx->arena, rate->valid_from_us),
                "a start after every scheduled rate, or an end before the next one");
        if (old->valid_from_us > rate->valid_from_us)
            continue;
        if (decimal_compare(old->percentage, rate->percentage) == 0 &&
            str_equal(old->name, rate->name) && old->valid_until_us == rate->valid_until_us) {
            *rate = *old;
            *ret_is_same = true;
            return status_ok();
        }
        old->valid_until_us = rate->valid_from_us;
        old->version++;
        TRY(store_end_rate(tx, old));
        TRY(publish(tx, old));
    }
    return status_ok();
}

struct status pricing_upsert_tax_rate(struct ctx *ctx, const Pricing__V1__UpsertTaxRateRequest *req,
                                      Pricing__V1__UpsertTaxRateResponse *rep)
{
    struct tax_rate rate;
    int64_t now_us;
    bool is_same;
    TRY(parse(ctx, req->tax_rate, &rate));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_tax_category(tx, rate.tax_category_code, &now_us));
    if (rate.valid_from_us == 0)
        rate.valid_from_us = now_us;
    if (rate.valid_until_us != TIME_FOREVER && rate.valid_until_us <= rate.valid_from_us)
        return ctx_fail_field(ctx, &BAD_VALIDITY, "taxRate.validUntil",
                              clock_format(ctx->arena, rate.valid_until_us), "after its start");
    TRY(supersede_rate(tx, &rate, &is_same));
    if (!is_same) {
        TRY(store_add_rate(tx, &rate));
        TRY(store_bump_terms(tx));
        TRY(publish(tx, &rate));
        TRY(db_audit(tx, "set_tax_rate", rate.id, NULL));
    }
    rep->tax_rate = wire_tax_rate(ctx, &rate);
    return db_commit(&tx);
}

struct status pricing_list_tax_rates(struct ctx *ctx, const Pricing__V1__ListTaxRatesRequest *req,
                                     Pricing__V1__ListTaxRatesResponse *rep)
{
    struct tax_rate *rates;
    struct uuid after;
    size_t count;
    int64_t size = page_size(req->page);
    TRY(page_after_uuids(ctx, req->page, 1, &after));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_rates(tx, req->country_code, after, size + 1, &rates, &count));
    bool has_more = count > (size_t)size;
    rep->n_tax_rates = has_more ? (size_t)size : count;
    rep->tax_rates = arena_array(ctx->arena, Pricing__V1__TaxRate *, rep->n_tax_rates);
    for (size_t i = 0; i < rep->n_tax_rates; i++)
        rep->tax_rates[i] = wire_tax_rate(ctx, &rates[i]);
    rep->page = has_more ? page_next_uuids(ctx, &rates[size - 1].id, 1) : page_last(ctx);
    return status_ok();
}
