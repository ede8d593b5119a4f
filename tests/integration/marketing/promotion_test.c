/* promotion_test.c - promotions as they are written, and what an evaluation knows of them. */
#include "suites.h"

#include "chassis/wire.h"
#include "example.h"
#include "marketing/v1/events.schema.h"

static struct status updating(Marketing__V1__Promotion *wanted, int64_t expected_version)
{
    Marketing__V1__UpdatePromotionRequest req = MARKETING__V1__UPDATE_PROMOTION_REQUEST__INIT;
    Marketing__V1__UpdatePromotionResponse rep = MARKETING__V1__UPDATE_PROMOTION_RESPONSE__INIT;
    req.promotion = wanted;
    req.expected_version = expected_version;
    return marketing_update_promotion(world_ctx(marketing), &req, &rep);
}

/* One line of 10.00 EUR. */
static const Marketing__V1__EvaluateResponse *evaluating_of_epoch(const char *code, int64_t epoch)
{
    struct ctx *ctx = world_ctx(marketing);
    Marketing__V1__EvaluateRequest req = MARKETING__V1__EVALUATE_REQUEST__INIT;
    Marketing__V1__EvaluateResponse *rep = arena_new(ctx->arena, Marketing__V1__EvaluateResponse);
    Marketing__V1__EvaluateLine line = MARKETING__V1__EVALUATE_LINE__INIT;
    Marketing__V1__EvaluateLine *lines[] = {&line};
    marketing__v1__evaluate_response__init(rep);
    line.line_id = "a";
    line.variant_id = uuid_text(ctx->arena, uuid_v7());
    line.quantity = 1;
    line.base_minor = 1000;
    req.channel_id = uuid_text(ctx->arena, uuid_v7());
    req.currency_code = "EUR";
    req.n_lines = 1;
    req.lines = lines;
    req.n_coupon_codes = code ? 1 : 0;
    req.coupon_codes = &code;
    req.promotions_epoch = epoch;
    then_ok(marketing_evaluate(ctx, &req, rep));
    return rep;
}

static const Marketing__V1__EvaluateResponse *evaluating(const char *code)
{
    return evaluating_of_epoch(code, 0);
}

START_TEST(a_promotion_reads_as_it_was_written_and_is_published)
{
    given_marketing();
    Marketing__V1__GetPromotionRequest req = MARKETING__V1__GET_PROMOTION_REQUEST__INIT;
    Marketing__V1__GetPromotionResponse rep = MARKETING__V1__GET_PROMOTION_RESPONSE__INIT;
    req.id = given_promotion("ten", false);

    then_ok(marketing_get_promotion(world_ctx(marketing), &req, &rep));

    ck_assert_str_eq(rep.promotion->code, "ten");
    ck_assert_int_eq(rep.promotion->actions[0]->percentage->unscaled, 10);
    then_published_as_example("marketing", &marketing__v1__promotion_changed__schema);
}
END_TEST

/* The caller heard of no change; one that never was in memory, or has a successor, is not used. */
START_TEST(an_epoch_that_the_caller_names_is_not_asked_for_again)
{
    given_marketing();
    Marketing__V1__Promotion *made;
    then_ok(creating(promotion("ten"), &made));
    const Marketing__V1__EvaluateResponse *first = evaluating(NULL);
    made->actions[0]->percentage->unscaled = 20;
    then_ok(updating(made, 1));

    const Marketing__V1__EvaluateResponse *old = evaluating_of_epoch(NULL, first->promotions_epoch);
    ck_assert_int_eq(old->adjustments[0]->amount_minor, 100);
    ck_assert_int_eq(old->promotions_epoch, first->promotions_epoch);

    const Marketing__V1__EvaluateResponse *now = evaluating(NULL);
    ck_assert_int_eq(now->adjustments[0]->amount_minor, 200);
    ck_assert_int_ne(now->promotions_epoch, first->promotions_epoch);
    old = evaluating_of_epoch(NULL, first->promotions_epoch);
    ck_assert_int_eq(old->adjustments[0]->amount_minor, 200);
    ck_assert_int_eq(old->promotions_epoch, now->promotions_epoch);
}
END_TEST

START_TEST(a_change_is_seen_by_the_next_evaluation)
{
    given_marketing();
    Marketing__V1__Promotion *made;
    then_ok(creating(promotion("ten"), &made));
    ck_assert_int_eq(evaluating(NULL)->adjustments[0]->amount_minor, 100);

    made->actions[0]->percentage->unscaled = 20;
    then_ok(updating(made, 1));
    ck_assert_int_eq(evaluating(NULL)->adjustments[0]->amount_minor, 200);

    made->is_active = false;
    then_ok(updating(made, 2));
    ck_assert_int_eq((int)evaluating(NULL)->n_adjustments, 0);
}
END_TEST

START_TEST(a_coupon_opens_its_promotion)
{
    given_marketing();
    given_coupon("SUN", (struct limits){0, 0});

    ck_assert_int_eq((int)evaluating(NULL)->n_adjustments, 0);
    ck_assert_int_eq(evaluating("sun")->adjustments[0]->amount_minor, 100);
    ck_assert_str_eq(evaluating("moon")->unapplied[0]->reason, "COUPON_UNKNOWN");
}
END_TEST

START_TEST(a_code_is_taken_once)
{
    given_marketing();
    Marketing__V1__Promotion *made;
    given_promotion("ten", false);
    then_reason(creating(promotion("ten"), &made), STATUS_ALREADY_EXISTS, "PROMOTION_CODE_TAKEN");
}
END_TEST

START_TEST(what_does_not_compile_is_refused)
{
    given_marketing();
    Marketing__V1__Promotion *made;
    Marketing__V1__Promotion *wild = promotion("wild");
    wild->actions[0]->percentage->unscaled = 200;
    then_reason(creating(wild, &made), STATUS_INVALID_ARGUMENT, "BAD_PROMOTION");
}
END_TEST

START_TEST(a_stale_version_and_an_unknown_id_are_refused)
{
    given_marketing();
    Marketing__V1__Promotion *made;
    then_ok(creating(promotion("ten"), &made));
    then_reason(updating(made, 9), STATUS_ABORTED, "VERSION_CONFLICT");
    made->id = uuid_text(world_ctx(marketing)->arena, uuid_v7());
    then_reason(updating(made, 0), STATUS_NOT_FOUND, "PROMOTION_NOT_FOUND");
}
END_TEST

START_TEST(there_are_so_many_active_promotions_and_no_more)
{
    world_setenv("MARKETING_PROMOTIONS_MAX", "2");
    given_marketing();
    Marketing__V1__Promotion *made;
    given_promotion("one", false);
    given_promotion("two", false);
    then_reason(creating(promotion("three"), &made), STATUS_FAILED_PRECONDITION,
                "TOO_MANY_PROMOTIONS");
}
END_TEST

START_TEST(promotions_page_by_cursor)
{
    given_marketing();
    for (int i = 0; i < 3; i++)
        given_promotion(arena_printf(world_ctx(marketing)->arena, "p%d", i), false);
    Marketing__V1__ListPromotionsRequest req = MARKETING__V1__LIST_PROMOTIONS_REQUEST__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    int seen = 0;
    req.page = &page;
    page.page_size = 2;
    do {
        Marketing__V1__ListPromotionsResponse rep = MARKETING__V1__LIST_PROMOTIONS_RESPONSE__INIT;
        then_ok(marketing_list_promotions(world_ctx(marketing), &req, &rep));
        seen += (int)rep.n_promotions;
        page.page_token = rep.page->next_page_token;
    } while (page.page_token[0]);
    ck_assert_int_eq(seen, 3);
}
END_TEST

void promotion_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "promotions");

    tcase_add_test(tcase, a_promotion_reads_as_it_was_written_and_is_published);
    tcase_add_test(tcase, a_change_is_seen_by_the_next_evaluation);
    tcase_add_test(tcase, an_epoch_that_the_caller_names_is_not_asked_for_again);
    tcase_add_test(tcase, a_coupon_opens_its_promotion);
    tcase_add_test(tcase, a_code_is_taken_once);
    tcase_add_test(tcase, what_does_not_compile_is_refused);
    tcase_add_test(tcase, a_stale_version_and_an_unknown_id_are_refused);
    tcase_add_test(tcase, there_are_so_many_active_promotions_and_no_more);
    tcase_add_test(tcase, promotions_page_by_cursor);
}
