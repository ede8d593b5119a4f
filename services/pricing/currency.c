/* currency.c - currencies with their exponents, and tax categories: small tables that others name.
 */
#include "pricing.h"

#include "common/money.h"
#include "pricing/v1/service.handlers.h"

struct status pricing_upsert_currency(struct ctx *ctx,
                                      const Pricing__V1__UpsertCurrencyRequest *req,
                                      Pricing__V1__UpsertCurrencyResponse *rep)
{
    if (!money_is_currency(req->currency->code))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "currency.code", req->currency->code,
                              "three upper-case letters (ISO 4217)");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_set_currency(tx, req->currency->code, req->currency->exponent));
    TRY(store_bump_terms(tx));
    rep->currency = req->currency;
    return db_commit(&tx);
}

struct status pricing_list_currencies(struct ctx *ctx,
                                      const Pricing__V1__ListCurrenciesRequest *req,
                                      Pricing__V1__ListCurrenciesResponse *rep)
{
    struct db_rows rows;
    (void)req;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_currencies(tx, &rows));
    rep->n_currencies = rows.count;
    rep->currencies = arena_array(ctx->arena, Pricing__V1__Currency *, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        rep->currencies[i] = arena_new(ctx->arena, Pricing__V1__Currency);
        pricing__v1__currency__init(rep->currencies[i]);
        rep->currencies[i]->code = db_get_text(&rows, i, 0);
        rep->currencies[i]->exponent = (int32_t)db_get_int(&rows, i, 1);
    }
    return status_ok();
}

struct status pricing_upsert_tax_category(struct ctx *ctx,
                                          const Pricing__V1__UpsertTaxCategoryRequest *req,
                                          Pricing__V1__UpsertTaxCategoryResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_set_tax_category(tx, req->tax_category->code, req->tax_category->name));
    rep->tax_category = req->tax_category;
    return db_commit(&tx);
}

struct status pricing_list_tax_categories(struct ctx *ctx,
                                          const Pricing__V1__ListTaxCategoriesRequest *req,
                                          Pricing__V1__ListTaxCategoriesResponse *rep)
{
    struct db_rows rows;
    (void)req;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_tax_categories(tx, &rows));
    rep->n_tax_categories = rows.count;
    rep->tax_categories = arena_array(ctx->arena, Pricing__V1__TaxCategory *, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        rep->tax_categories[i] = arena_new(ctx->arena, Pricing__V1__TaxCategory);
        pricing__v1__tax_category__init(rep->tax_categories[i]);
        rep->tax_categories[i]->code = db_get_text(&rows, i, 0);
        rep->tax_categories[i]->name = db_get_text(&rows, i, 1);
    }
    return status_ok();
}
