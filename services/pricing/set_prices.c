/* set_prices.c - new prices supersede what they replace; what already holds is left alone. */
#include "pricing.h"

#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"
#include "events/outbox.h"
#include "pricing/v1/events.schema.h"
#include "pricing/v1/service.handlers.h"
#include "supersede.h"

#include <stdlib.h>

const struct event_kind PRICE_CHANGED = {
    .topic = "pricing.price.events.v1",
    .body = &pricing__v1__price_changed__schema,
    .key_doc = "price list id",
};

const struct error_def PRICE_LIST_NOT_FOUND = {STATUS_NOT_FOUND, "PRICE_LIST_NOT_FOUND",
                                               "list the price lists to find its id"};
const struct error_def BAD_PRICE = {
    STATUS_INVALID_ARGUMENT, "BAD_PRICE",
    "a unit price is a decimal of 0 or more, valid from now or later"};

struct price_order {
    struct uuid list_id;
    struct price *prices;
    size_t count;
};

static struct status parse(struct ctx *ctx, const Pricing__V1__SetPricesRequest *req,
                           struct price_order *ret_order);
static struct status settle_starts(struct ctx *ctx, struct price_order *order, int64_t now_us);
static struct status plan_changes(struct db_tx *tx, struct price_order *order,
                                  struct supersession *plan, struct price *current);
static struct status publish(struct db_tx *tx, const struct price_list *list,
                             const struct supersession *plan);

/* The list's row is locked first: it is the aggregate, and the order of its events. */
struct status pricing_set_prices(struct ctx *ctx, const Pricing__V1__SetPricesRequest *req,
                                 Pricing__V1__SetPricesResponse *rep)
{
    struct price_order order = {0};
    struct price_list list;
    struct supersession plan = {0};
    int64_t now_us;

    TRY(parse(ctx, req, &order));
    struct price *current = arena_array(ctx->arena, struct price, order.count);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_list(tx, order.list_id, &list, &now_us));
    TRY(settle_starts(ctx, &order, now_us));
    TRY(plan_changes(tx, &order, &plan, current));
    if (plan.added_count > 0) {
        TRY(store_end_prices(tx, plan.ended, plan.ended_count));
        TRY(store_add_prices(tx, plan.added, plan.added_count));
        TRY(store_bump_list(tx, list.id));
        TRY(publish(tx, &list, &plan));
        TRY(db_audit(tx, "set_prices", list.id, NULL));
    }

    rep->changed_count = (int64_t)plan.added_count;
    rep->n_prices = order.count;
    rep->prices = arena_array(ctx->arena, Pricing__V1__Price *, order.count);
    for (size_t i = 0; i < order.count; i++)
        rep->prices[i] = wire_price(ctx, &current[i]);
    return db_commit(&tx);
}

static int compare_places(const void *a, const void *b)
{
    const struct price *left = a;
    const struct price *right = b;
    int order = uuid_compare(&left->variant_id, &right->variant_id);
    if (order == 0)
        order =
            (left->min_quantity > right->min_quantity) - (left->min_quantity < right->min_quantity);
    return order;
}

static void parse_price(struct ctx *ctx, const Pricing__V1__Price *message, size_t i,
                        struct price *price)
{
    (void)uuid_parse(message->variant_id, &price->variant_id); // validated by its descriptor
    price->min_quantity = message->min_quantity > 0 ? message->min_quantity : 1;
    price->unit = wire_decimal_value(message->unit_price);
    price->has_compare_at = message->compare_at_price != NULL;
    price->compare_at = wire_decimal_value(message->compare_at_price);
    price->valid_from_us = wire_time_us(message->valid_from);
    price->valid_until_us = wire_time_us(message->valid_until);
    if (price->unit.unscaled < 0)
        ctx_violation(ctx, arena_printf(ctx->arena, "prices[%zu].unitPrice", i),
                      decimal_format(ctx->arena, price->unit), "0 or more");
    if (price->has_compare_at && price->compare_at.unscaled < 0)
        ctx_violation(ctx, arena_printf(ctx->arena, "prices[%zu].compareAtPrice", i),
                      decimal_format(ctx->arena, price->compare_at), "0 or more");
}

static struct status parse(struct ctx *ctx, const Pricing__V1__SetPricesRequest *req,
                           struct price_order *ret_order)
{
    struct price_order order = {.count = req->n_prices};
    (void)uuid_parse(req->price_list_id, &order.list_id);
    order.prices = arena_array(ctx->arena, struct price, order.count);
    for (size_t i = 0; i < order.count; i++) {
        order.prices[i].price_list_id = order.list_id;
        parse_price(ctx, req->prices[i], i, &order.prices[i]);
    }
    struct price *sorted =
        arena_memdup(ctx->arena, order.prices, order.count * sizeof *order.prices);
    qsort(sorted, order.count, sizeof *sorted, compare_places);
    for (size_t i = 1; i < order.count; i++)
        if (compare_places(&sorted[i - 1], &sorted[i]) == 0)
            ctx_violation(ctx, "prices", uuid_text(ctx->arena, sorted[i].variant_id),
                          "each variant and minimum quantity once");
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &BAD_PRICE, "%zu prices", order.count);
    *ret_order = order;
    return status_ok();
}

/* A price starts now or later: what was charged is history. */
static struct status settle_starts(struct ctx *ctx, struct price_order *order, int64_t now_us)
{
    for (size_t i = 0; i < order->count; i++) {
        struct price *price = &order->prices[i];
        if (price->valid_from_us < now_us)
            price->valid_from_us = now_us;
        if (price->valid_until_us != TIME_FOREVER && price->valid_until_us <= price->valid_from_us)
            ctx_violation(ctx, arena_printf(ctx->arena, "prices[%zu].validUntil", i),
                          clock_format(ctx->arena, price->valid_until_us), "after its start");
    }
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &BAD_VALIDITY, "a price would end before it starts");
    return status_ok();
}

static struct status load_existing(struct db_tx *tx, const struct price_order *order,
                                   struct price **ret_existing, size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    struct uuid *variants = arena_array(ctx->arena, struct uuid, order->count);
    int64_t from_us = order->prices[0].valid_from_us;
    for (size_t i = 0; i < order->count; i++) {
        variants[i] = order->prices[i].variant_id;
        if (order->prices[i].valid_from_us < from_us)
            from_us = order->prices[i].valid_from_us;
    }
    TRY(store_load_open_prices(tx, order->list_id, variants, order->count, from_us, ret_existing,
                               ret_count));
    qsort(*ret_existing, *ret_count, sizeof **ret_existing, compare_places);
    return status_ok();
}

static struct status plan_changes(struct db_tx *tx, struct price_order *order,
                                  struct supersession *plan, struct price *current)
{
    struct ctx *ctx = db_ctx(tx);
    struct price *existing;
    size_t count;
    TRY(load_existing(tx, order, &existing, &count));

    plan->ended = arena_array(ctx->arena, struct price, count + order->count);
    plan->added = arena_array(ctx->arena, struct price, 2 * order->count);
    for (size_t i = 0; i < order->count; i++) {
        const struct price *wanted = &order->prices[i];
        size_t first = 0;
        while (first < count && compare_places(&existing[first], wanted) < 0)
            first++;
        size_t last = first;
        while (last < count && compare_places(&existing[last], wanted) == 0)
            last++;
        (void)supersede(existing + first, last - first, wanted, plan, &current[i]);
    }
    return status_ok();
}

static Pricing__V1__ChangedPrice *changed_price(struct ctx *ctx, const struct price *price)
{
    Pricing__V1__ChangedPrice *changed = arena_new(ctx->arena, Pricing__V1__ChangedPrice);
    pricing__v1__changed_price__init(changed);
    changed->price_id = uuid_text(ctx->arena, price->id);
    changed->variant_id = uuid_text(ctx->arena, price->variant_id);
    changed->min_quantity = price->min_quantity;
    changed->unit_price = wire_decimal(ctx->arena, price->unit);
    if (price->has_compare_at)
        changed->compare_at_price = wire_decimal(ctx->arena, price->compare_at);
    changed->valid_from = wire_time(ctx->arena, price->valid_from_us);
    changed->valid_until = wire_time(ctx->arena, price->valid_until_us);
    return changed;
}

static struct status publish(struct db_tx *tx, const struct price_list *list,
                             const struct supersession *plan)
{
    struct ctx *ctx = db_ctx(tx);
    Pricing__V1__PriceChanged event = PRICING__V1__PRICE_CHANGED__INIT;
    event.price_list_id = uuid_text(ctx->arena, list->id);
    event.channel_id = uuid_is_nil(list->channel_id) ? "" : uuid_text(ctx->arena, list->channel_id);
    event.currency_code = list->currency_code;
    event.n_prices = plan->added_count;
    event.prices = arena_array(ctx->arena, Pricing__V1__ChangedPrice *, plan->added_count);
    for (size_t i = 0; i < plan->added_count; i++)
        event.prices[i] = changed_price(ctx, &plan->added[i]);
    return outbox_add(tx, &PRICE_CHANGED, list->id, list->version + 1, &event);
}
