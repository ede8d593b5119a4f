/* read_test.c - what carts, lists and the back office read. */
#include "suites.h"

#include "chassis/wire.h"

static struct uuid mug, tee;

static void given_shop(void)
{
    given_pricing();
    const char *list = given_list("base", 1);
    mug = uuid_v7();
    tee = uuid_v7();
    given_rate("DE", 19);
    given_price(list, mug, 1190);
    given_price(list, tee, 2380);
}

static Pricing__V1__PriceLine *line(struct ctx *ctx, const char *id, struct uuid variant,
                                    int64_t quantity)
{
    Pricing__V1__PriceLine *message = arena_new(ctx->arena, Pricing__V1__PriceLine);
    pricing__v1__price_line__init(message);
    message->line_id = id;
    message->variant_id = uuid_text(ctx->arena, variant);
    message->quantity = quantity;
    message->tax_category_code = "standard";
    return message;
}

START_TEST(a_cart_is_calculated_from_the_rows)
{
    given_shop();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__CalculateRequest req = PRICING__V1__CALCULATE_REQUEST__INIT;
    Pricing__V1__CalculateResponse rep = PRICING__V1__CALCULATE_RESPONSE__INIT;
    Pricing__V1__PriceLine *lines[] = {line(ctx, "a", mug, 2), line(ctx, "b", tee, 1)};
    req.context = context_in("DE");
    req.n_lines = 2;
    req.lines = lines;

    then_ok(pricing_calculate(ctx, &req, &rep));

    ck_assert_int_eq(rep.breakdown->gross_minor, 4760);
    ck_assert_int_eq(rep.breakdown->net_minor, 4000);
    ck_assert_int_eq(rep.breakdown->tax_minor, 760);
    ck_assert_ptr_null(rep.breakdown->valid_until);
}
END_TEST

static int64_t gross_of_a_mug(void)
{
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__CalculateRequest req = PRICING__V1__CALCULATE_REQUEST__INIT;
    Pricing__V1__CalculateResponse rep = PRICING__V1__CALCULATE_RESPONSE__INIT;
    Pricing__V1__PriceLine *lines[] = {line(ctx, "a", mug, 1)};
    req.context = context_in("DE");
    req.n_lines = 1;
    req.lines = lines;
    then_ok(pricing_calculate(ctx, &req, &rep));
    return rep.breakdown->gross_minor;
}

START_TEST(a_change_of_list_or_rate_is_priced_at_once)
{
    Pricing__V1__PriceList *better, *none;
    given_shop();
    ck_assert_int_eq(gross_of_a_mug(), 1190);

    then_ok(creating(price_list("sale", 2), &better));
    given_price(better->id, mug, 595);
    ck_assert_int_eq(gross_of_a_mug(), 595);
    better->is_active = false;
    then_ok(updating(better, better->version + 1)); /* its prices moved it */
    ck_assert_int_eq(gross_of_a_mug(), 1190);

    /* by another replica: what this one holds in memory has to go */
    world_sql("UPDATE pricing.price_list SET is_active = code = 'sale'");
    world_sql("UPDATE pricing.terms_epoch SET epoch = epoch + 1");
    ck_assert_int_eq(gross_of_a_mug(), 595);
    then_reason(creating(price_list("sale", 2), &none), STATUS_ALREADY_EXISTS,
                "PRICE_LIST_CODE_TAKEN");
    ck_assert_int_eq(gross_of_a_mug(), 595);
}
END_TEST

START_TEST(the_past_can_be_calculated_again)
{
    given_shop();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__CalculateRequest req = PRICING__V1__CALCULATE_REQUEST__INIT;
    Pricing__V1__CalculateResponse before = PRICING__V1__CALCULATE_RESPONSE__INIT;
    Pricing__V1__CalculateResponse again = PRICING__V1__CALCULATE_RESPONSE__INIT;
    Pricing__V1__PriceLine *lines[] = {line(ctx, "a", mug, 1)};
    req.context = context_in("DE");
    req.n_lines = 1;
    req.lines = lines;
    then_ok(pricing_calculate(ctx, &req, &before));
    given_price(world_sql_text("SELECT id::text FROM pricing.price_list"), mug, 9999);

    req.context->at = before.breakdown->at;
    then_ok(pricing_calculate(world_ctx(pricing), &req, &again));

    ck_assert_int_eq(again.breakdown->gross_minor, before.breakdown->gross_minor);
}
END_TEST

START_TEST(a_list_of_products_gets_a_price_each)
{
    given_shop();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__BatchGetPricesRequest req = PRICING__V1__BATCH_GET_PRICES_REQUEST__INIT;
    Pricing__V1__BatchGetPricesResponse rep = PRICING__V1__BATCH_GET_PRICES_RESPONSE__INIT;
    Pricing__V1__PriceQuery first = PRICING__V1__PRICE_QUERY__INIT;
    Pricing__V1__PriceQuery second = PRICING__V1__PRICE_QUERY__INIT;
    Pricing__V1__PriceQuery *queries[] = {&first, &second};
    first.variant_id = uuid_text(ctx->arena, tee);
    first.tax_category_code = "standard";
    second.variant_id = uuid_text(ctx->arena, uuid_v7());
    req.context = context_in("DE");
    req.n_queries = 2;
    req.queries = queries;

    then_ok(pricing_batch_get_prices(ctx, &req, &rep));

    ck_assert_int_eq((int)rep.n_prices, 2);
    ck_assert_int_eq(rep.prices[0]->gross->minor_units, 2380);
    ck_assert_ptr_null(rep.prices[1]->gross);
}
END_TEST

START_TEST(explain_shows_the_past_and_other_lists)
{
    given_shop();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__ExplainPriceRequest req = PRICING__V1__EXPLAIN_PRICE_REQUEST__INIT;
    Pricing__V1__ExplainPriceResponse rep = PRICING__V1__EXPLAIN_PRICE_RESPONSE__INIT;
    given_price(world_sql_text("SELECT id::text FROM pricing.price_list"), mug, 999);
    req.context = context_in("DE");
    req.variant_id = uuid_text(ctx->arena, mug);
    req.quantity = 1;

    then_ok(pricing_explain_price(ctx, &req, &rep));

    ck_assert_int_eq((int)rep.n_candidates, 2);
    ck_assert_str_eq(rep.candidates[0]->verdict, "NO_LONGER_VALID");
    ck_assert(rep.candidates[1]->is_winner);
}
END_TEST

START_TEST(the_back_office_lists_prices_with_their_history)
{
    given_shop();
    struct ctx *ctx = world_ctx(pricing);
    Pricing__V1__ListPricesRequest req = PRICING__V1__LIST_PRICES_REQUEST__INIT;
    Pricing__V1__ListPricesResponse now = PRICING__V1__LIST_PRICES_RESPONSE__INIT;
    Pricing__V1__ListPricesResponse all = PRICING__V1__LIST_PRICES_RESPONSE__INIT;
    given_price(world_sql_text("SELECT id::text FROM pricing.price_list"), mug, 999);
    req.variant_id = uuid_text(ctx->arena, mug);

    then_ok(pricing_list_prices(ctx, &req, &now));
    req.include_history = true;
    then_ok(pricing_list_prices(world_ctx(pricing), &req, &all));

    ck_assert_int_eq((int)now.n_prices, 1);
    ck_assert_int_eq((int)all.n_prices, 2);
}
END_TEST

void read_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "reading");

    tcase_add_test(tcase, a_cart_is_calculated_from_the_rows);
    tcase_add_test(tcase, a_change_of_list_or_rate_is_priced_at_once);
    tcase_add_test(tcase, the_past_can_be_calculated_again);
    tcase_add_test(tcase, a_list_of_products_gets_a_price_each);
    tcase_add_test(tcase, explain_shows_the_past_and_other_lists);
    tcase_add_test(tcase, the_back_office_lists_prices_with_their_history);
}
