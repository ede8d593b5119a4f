/* read_prices.c - the read side: rows for the back office, prices for lists, breakdowns for carts.
 */
#include "pricing.h"

#include "calculator.h"
#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/str.h"
#include "pricing/v1/service.handlers.h"

static struct calculation calculation_of(const Pricing__V1__PriceContext *context, int64_t at_us)
{
    struct calculation input = {
        .context = {.currency_code = context->currency_code,
                    .country_code = context->country_code,
                    .region = context->region,
                    .customer_group = context->customer_group,
                    .at_us = at_us},
        .rounding_mode = context->rounding_mode,
        .rounding_level = context->rounding_level,
    };
    (void)uuid_parse(context->channel_id, &input.context.channel_id);
    return input;
}

static struct status load_book(struct ctx *ctx, const Pricing__V1__PriceContext *context,
                               const struct uuid *variant_ids, size_t count,
                               struct price_book *ret_book)
{
    struct book_query query = {
        .currency_code = context->currency_code,
        .variant_ids = variant_ids,
        .variant_count = count,
        .at_us = wire_time_us(context->at),
    };
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_load_book(tx, &query, ret_book);
}

struct status pricing_batch_get_prices(struct ctx *ctx,
                                       const Pricing__V1__BatchGetPricesRequest *req,
                                       Pricing__V1__BatchGetPricesResponse *rep)
{
    struct uuid *variants = arena_array(ctx->arena, struct uuid, req->n_queries);
    struct price_book book;
    for (size_t i = 0; i < req->n_queries; i++)
        (void)uuid_parse(req->queries[i]->variant_id, &variants[i]);
    TRY(load_book(ctx, req->context, variants, req->n_queries, &book));

    struct calculation input = calculation_of(req->context, book.at_us);
    rep->n_prices = req->n_queries;
    rep->prices = arena_array(ctx->arena, Pricing__V1__UnitPrice *, req->n_queries);
    for (size_t i = 0; i < req->n_queries; i++)
        rep->prices[i] = calculate_unit(ctx->arena, &book, &input, req->queries[i]->variant_id,
                                        req->queries[i]->tax_category_code);
    rep->at = wire_time(ctx->arena, book.at_us);
    rep->valid_until = wire_time(ctx->arena, select_boundary(&book, book.at_us));
    return status_ok();
}

struct status pricing_calculate(struct ctx *ctx, const Pricing__V1__CalculateRequest *req,
                                Pricing__V1__CalculateResponse *rep)
{
    struct uuid *variants = arena_array(ctx->arena, struct uuid, req->n_lines);
    struct price_book book;
    for (size_t i = 0; i < req->n_lines; i++)
        (void)uuid_parse(req->lines[i]->variant_id, &variants[i]);
    TRY(load_book(ctx, req->context, variants, req->n_lines, &book));

    struct calculation input = calculation_of(req->context, book.at_us);
    input.lines = (const Pricing__V1__PriceLine *const *)req->lines;
    input.line_count = req->n_lines;
    input.shipping = req->shipping;
    rep->breakdown = calculate(ctx->arena, &book, &input);
    return status_ok();
}

struct status pricing_explain_price(struct ctx *ctx, const Pricing__V1__ExplainPriceRequest *req,
                                    Pricing__V1__ExplainPriceResponse *rep)
{
    struct uuid variant_id;
    struct price_book book;
    struct book_query query = {
        .currency_code = req->context->currency_code,
        .variant_ids = &variant_id,
        .variant_count = 1,
        .at_us = wire_time_us(req->context->at),
        .every_price = true,
    };
    (void)uuid_parse(req->variant_id, &variant_id);

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_load_book(tx, &query, &book));
    struct calculation input = calculation_of(req->context, book.at_us);
    size_t count;
    const struct candidate *all =
        select_explain(ctx->arena, &book, &input.context, variant_id, req->quantity, &count);
    rep->at = wire_time(ctx->arena, book.at_us);
    rep->n_candidates = count;
    rep->candidates = arena_array(ctx->arena, Pricing__V1__PriceCandidate *, count);
    for (size_t i = 0; i < count; i++) {
        Pricing__V1__PriceCandidate *candidate = arena_new(ctx->arena, Pricing__V1__PriceCandidate);
        pricing__v1__price_candidate__init(candidate);
        candidate->price_list_id = uuid_text(ctx->arena, all[i].price->price_list_id);
        candidate->price_list_code = all[i].list ? all[i].list->code : "";
        candidate->price_id = uuid_text(ctx->arena, all[i].price->id);
        candidate->unit_price = wire_decimal(ctx->arena, all[i].price->unit);
        candidate->min_quantity = all[i].price->min_quantity;
        candidate->verdict = all[i].verdict;
        candidate->is_winner = str_equal(all[i].verdict, "WON");
        rep->candidates[i] = candidate;
    }
    return status_ok();
}

struct status pricing_list_prices(struct ctx *ctx, const Pricing__V1__ListPricesRequest *req,
                                  Pricing__V1__ListPricesResponse *rep)
{
    struct price_filter filter = {.include_history = req->include_history};
    struct price *prices;
    size_t count;
    int64_t size = page_size(req->page);
    (void)uuid_parse(req->price_list_id, &filter.list_id);
    (void)uuid_parse(req->variant_id, &filter.variant_id);
    filter.limit = size + 1;
    TRY(page_after_uuids(ctx, req->page, 1, &filter.after));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_prices(tx, &filter, &prices, &count));
    bool has_more = count > (size_t)size;
    rep->n_prices = has_more ? (size_t)size : count;
    rep->prices = arena_array(ctx->arena, Pricing__V1__Price *, rep->n_prices);
    for (size_t i = 0; i < rep->n_prices; i++)
        rep->prices[i] = wire_price(ctx, &prices[i]);
    rep->page = has_more ? page_next_uuids(ctx, &prices[size - 1].id, 1) : page_last(ctx);
    return status_ok();
}
