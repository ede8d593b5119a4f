/* price_list.c - price lists: whom their prices are for, when, and whether tax is inside. */
#include "pricing.h"

#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "events/outbox.h"
#include "pricing/v1/events.schema.h"
#include "pricing/v1/service.handlers.h"

const struct event_kind PRICE_LIST_CHANGED = {
    .topic = "pricing.price.events.v1",
    .body = &pricing__v1__price_list_changed__schema,
    .key_doc = "price list id",
};

const struct error_def UNKNOWN_CURRENCY = {STATUS_FAILED_PRECONDITION, "UNKNOWN_CURRENCY",
                                           "create the currency first"};
const struct error_def PRICE_LIST_CODE_TAKEN = {STATUS_ALREADY_EXISTS, "PRICE_LIST_CODE_TAKEN",
                                                "codes are unique; change the list that has it"};
const struct error_def PRICE_LISTS_TIE = {
    STATUS_FAILED_PRECONDITION, "PRICE_LISTS_TIE",
    "give the lists different priorities, or validities that do not overlap"};
const struct error_def PRICE_LIST_DIMENSION_FIXED = {
    STATUS_FAILED_PRECONDITION, "PRICE_LIST_DIMENSION_FIXED",
    "currency and tax inclusion of a list never change: make a new list"};

static struct status validate(struct ctx *ctx, const struct price_list *list)
{
    if (list->is_gross && str_is_empty(list->home_country_code))
        ctx_violation(ctx, "priceList.homeCountryCode", "", "required when prices are gross");
    if (list->valid_until_us != TIME_FOREVER && list->valid_until_us <= list->valid_from_us)
        ctx_violation(ctx, "priceList.validUntil", clock_format(ctx->arena, list->valid_until_us),
                      "after validFrom");
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &ERROR_INVALID_REQUEST, "price list %s", list->code);
    return status_ok();
}

static void parse(const Pricing__V1__PriceList *message, struct price_list *ret_list)
{
    struct price_list list = {
        .code = message->code,
        .name = message->name,
        .currency_code = message->currency_code,
        .country_code = message->country_code,
        .customer_group = message->customer_group,
        .is_gross = message->tax_inclusion == PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_GROSS,
        .home_country_code = message->home_country_code,
        .priority = message->priority,
        .valid_from_us = wire_time_us(message->valid_from),
        .valid_until_us = wire_time_us(message->valid_until),
        .is_active = message->is_active,
        .version = 1,
    };
    (void)uuid_parse(message->id, &list.id); // "" leaves it nil; anything else was validated
    (void)uuid_parse(message->channel_id, &list.channel_id);
    if (list.valid_from_us == 0)
        list.valid_from_us = clock_now_us();
    *ret_list = list;
}

/* A store function met one of our own constraints: say which. */
static struct status explain(struct ctx *ctx, struct db_tx *tx, const struct price_list *list,
                             struct status status)
{
    const char *constraint = db_constraint(tx);
    if (str_equal(constraint, "price_list_code_unique"))
        return ctx_fail_field(ctx, &PRICE_LIST_CODE_TAKEN, "priceList.code", list->code,
                              "a code that no other list has");
    if (str_equal(constraint, "price_list_no_tie"))
        return ctx_fail_field(ctx, &PRICE_LISTS_TIE, "priceList.priority",
                              arena_printf(ctx->arena, "%lld", (long long)list->priority),
                              "a priority that no equally specific list has at the same time");
    if (str_equal(constraint, "price_list_currency_code_fkey"))
        return ctx_fail_field(ctx, &UNKNOWN_CURRENCY, "priceList.currencyCode", list->currency_code,
                              "a currency that ListCurrencies shows");
    return status;
}

static struct status publish(struct db_tx *tx, const struct price_list *list)
{
    struct ctx *ctx = db_ctx(tx);
    Pricing__V1__PriceListChanged event = PRICING__V1__PRICE_LIST_CHANGED__INIT;
    event.price_list_id = uuid_text(ctx->arena, list->id);
    event.code = list->code;
    event.currency_code = list->currency_code;
    event.channel_id = uuid_is_nil(list->channel_id) ? "" : uuid_text(ctx->arena, list->channel_id);
    event.is_active = list->is_active;
    event.valid_from = wire_time(ctx->arena, list->valid_from_us);
    event.valid_until = wire_time(ctx->arena, list->valid_until_us);
    return outbox_add(tx, &PRICE_LIST_CHANGED, list->id, list->version, &event);
}

struct status pricing_create_price_list(struct ctx *ctx,
                                        const Pricing__V1__CreatePriceListRequest *req,
                                        Pricing__V1__CreatePriceListResponse *rep)
{
    struct price_list list;
    parse(req->price_list, &list);
    list.id = uuid_v7();
    TRY(validate(ctx, &list));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    struct status added = store_add_list(tx, &list);
    if (added.code != STATUS_OK)
        return explain(ctx, tx, &list, added);
    TRY(store_bump_terms(tx));
    TRY(publish(tx, &list));
    TRY(db_audit(tx, "create_price_list", list.id, NULL));
    rep->price_list = wire_price_list(ctx, &list);
    return db_commit(&tx);
}

struct status pricing_update_price_list(struct ctx *ctx,
                                        const Pricing__V1__UpdatePriceListRequest *req,
                                        Pricing__V1__UpdatePriceListResponse *rep)
{
    struct price_list list, stored;
    parse(req->price_list, &list);
    TRY(validate(ctx, &list));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_load_list(tx, list.id, true, &stored));
    TRY(ctx_check_version(ctx, req->expected_version, stored.version));
    if (!str_equal(list.currency_code, stored.currency_code) || list.is_gross != stored.is_gross ||
        !str_equal(list.home_country_code, stored.home_country_code))
        return ctx_fail(ctx, &PRICE_LIST_DIMENSION_FIXED, "price list %s", stored.code);
    list.version = stored.version + 1;
    struct status changed = store_change_list(tx, &list);
    if (changed.code != STATUS_OK)
        return explain(ctx, tx, &list, changed);
    TRY(store_bump_terms(tx));
    TRY(publish(tx, &list));
    TRY(db_audit(tx, "update_price_list", list.id, NULL));
    rep->price_list = wire_price_list(ctx, &list);
    return db_commit(&tx);
}

struct status pricing_get_price_list(struct ctx *ctx, const Pricing__V1__GetPriceListRequest *req,
                                     Pricing__V1__GetPriceListResponse *rep)
{
    struct price_list list;
    struct uuid id;
    (void)uuid_parse(req->id, &id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_list(tx, id, false, &list));
    rep->price_list = wire_price_list(ctx, &list);
    return status_ok();
}

struct status pricing_list_price_lists(struct ctx *ctx,
                                       const Pricing__V1__ListPriceListsRequest *req,
                                       Pricing__V1__ListPriceListsResponse *rep)
{
    struct price_list *lists;
    struct uuid after;
    size_t count;
    int64_t size = page_size(req->page);
    TRY(page_after_uuids(ctx, req->page, 1, &after));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_lists(tx, after, size + 1, &lists, &count));
    bool has_more = count > (size_t)size;
    rep->n_price_lists = has_more ? (size_t)size : count;
    rep->price_lists = arena_array(ctx->arena, Pricing__V1__PriceList *, rep->n_price_lists);
    for (size_t i = 0; i < rep->n_price_lists; i++)
        rep->price_lists[i] = wire_price_list(ctx, &lists[i]);
    rep->page = has_more ? page_next_uuids(ctx, &lists[size - 1].id, 1) : page_last(ctx);
    return status_ok();
}
