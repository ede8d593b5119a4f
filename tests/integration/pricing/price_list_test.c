/* price_list_test.c - lists that tie are refused when they are written, not when a buyer asks. */
#include "suites.h"

#include "chassis/wire.h"
#include "example.h"
#include "pricing/v1/events.schema.h"

START_TEST(a_list_reads_as_it_was_written_and_is_published)
{
    given_pricing();
    Pricing__V1__GetPriceListRequest req = PRICING__V1__GET_PRICE_LIST_REQUEST__INIT;
    Pricing__V1__GetPriceListResponse rep = PRICING__V1__GET_PRICE_LIST_RESPONSE__INIT;
    req.id = given_list("base", 3);

    then_ok(pricing_get_price_list(world_ctx(pricing), &req, &rep));

    ck_assert_str_eq(rep.price_list->code, "base");
    ck_assert_int_eq(rep.price_list->priority, 3);
    ck_assert_int_eq(rep.price_list->version, 1);
    ck_assert_ptr_null(rep.price_list->valid_until);
    then_published_as_example("pricing", &pricing__v1__price_list_changed__schema);
}
END_TEST

START_TEST(a_code_is_taken_once)
{
    given_pricing();
    Pricing__V1__PriceList *list;
    given_list("base", 1);

    then_reason(creating(price_list("base", 2), &list), STATUS_ALREADY_EXISTS,
                "PRICE_LIST_CODE_TAKEN");
}
END_TEST

START_TEST(two_lists_that_would_tie_are_refused)
{
    given_pricing();
    Pricing__V1__PriceList *list;
    given_list("base", 1);

    then_reason(creating(price_list("rival", 1), &list), STATUS_FAILED_PRECONDITION,
                "PRICE_LISTS_TIE");
    Pricing__V1__PriceList *inactive = price_list("rival", 1);
    inactive->is_active = false;
    then_ok(creating(inactive, &list));
    list->is_active = true;
    then_reason(updating(list, 0), STATUS_FAILED_PRECONDITION, "PRICE_LISTS_TIE");
}
END_TEST

START_TEST(lists_that_follow_each_other_do_not_tie)
{
    given_pricing();
    Pricing__V1__PriceList *list;
    struct arena *arena = world_ctx(pricing)->arena;
    Pricing__V1__PriceList *spring = price_list("spring", 1);
    Pricing__V1__PriceList *summer = price_list("summer", 1);
    spring->valid_from = wire_time(arena, 1000000);
    spring->valid_until = wire_time(arena, 2000000);
    summer->valid_from = wire_time(arena, 2000000);

    then_ok(creating(spring, &list));
    then_ok(creating(summer, &list));
}
END_TEST

START_TEST(a_list_in_an_unknown_currency_is_refused)
{
    given_pricing();
    Pricing__V1__PriceList *list;
    Pricing__V1__PriceList *yen = price_list("yen", 1);
    yen->currency_code = "JPY";

    then_reason(creating(yen, &list), STATUS_FAILED_PRECONDITION, "UNKNOWN_CURRENCY");
}
END_TEST

START_TEST(gross_needs_a_home_and_an_end_comes_after_its_start)
{
    given_pricing();
    Pricing__V1__PriceList *list;
    struct arena *arena = world_ctx(pricing)->arena;
    Pricing__V1__PriceList *homeless = price_list("homeless", 1);
    Pricing__V1__PriceList *backwards = price_list("backwards", 1);
    homeless->home_country_code = "";
    backwards->valid_from = wire_time(arena, 2000000);
    backwards->valid_until = wire_time(arena, 1000000);

    then_reason(creating(homeless, &list), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(creating(backwards, &list), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(a_stale_version_and_a_changed_currency_are_refused)
{
    given_pricing();
    Pricing__V1__PriceList *list;
    then_ok(creating(price_list("base", 1), &list));

    then_reason(updating(list, 7), STATUS_ABORTED, "VERSION_CONFLICT");
    then_ok(updating(list, 1));
    list->tax_inclusion = PRICING__V1__TAX_INCLUSION__TAX_INCLUSION_NET;
    then_reason(updating(list, 2), STATUS_FAILED_PRECONDITION, "PRICE_LIST_DIMENSION_FIXED");
}
END_TEST

START_TEST(lists_page_by_cursor)
{
    given_pricing();
    for (int i = 0; i < 5; i++)
        given_list(arena_printf(world_ctx(pricing)->arena, "list-%d", i), i);
    Pricing__V1__ListPriceListsRequest req = PRICING__V1__LIST_PRICE_LISTS_REQUEST__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    int seen = 0;
    req.page = &page;
    page.page_size = 2;
    do {
        Pricing__V1__ListPriceListsResponse rep = PRICING__V1__LIST_PRICE_LISTS_RESPONSE__INIT;
        then_ok(pricing_list_price_lists(world_ctx(pricing), &req, &rep));
        ck_assert_int_le((int)rep.n_price_lists, 2);
        seen += (int)rep.n_price_lists;
        page.page_token = rep.page->next_page_token;
    } while (page.page_token[0]);
    ck_assert_int_eq(seen, 5);
}
END_TEST

void price_list_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "price lists");

    tcase_add_test(tcase, a_list_reads_as_it_was_written_and_is_published);
    tcase_add_test(tcase, a_code_is_taken_once);
    tcase_add_test(tcase, two_lists_that_would_tie_are_refused);
    tcase_add_test(tcase, lists_that_follow_each_other_do_not_tie);
    tcase_add_test(tcase, a_list_in_an_unknown_currency_is_refused);
    tcase_add_test(tcase, gross_needs_a_home_and_an_end_comes_after_its_start);
    tcase_add_test(tcase, a_stale_version_and_a_changed_currency_are_refused);
    tcase_add_test(tcase, lists_page_by_cursor);
}
