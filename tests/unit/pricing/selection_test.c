/* selection_test.c - which price wins, and what every other candidate is told. */
#include "suites.h"

#include <string.h>

static const char *winner(const char *country, const char *group, int64_t quantity)
{
    struct calculation input = context_of(country);
    input.context.customer_group = group;
    struct candidate found = select_price(&book, &input.context, numbered(1), quantity);
    return found.price ? decimal_format(arena, found.price->unit) : "none";
}

START_TEST(the_most_specific_list_wins_however_dear)
{
    given_book();
    given_list(1, "", "", -1, 9);
    given_list(2, "", "", 1, 0);
    given_list(3, "DE", "", -1, 0);
    given_list(4, "", "club", -1, 0);
    for (int list = 1; list <= 4; list++)
        given_price(list, 1, 1, (const char *[]){"1", "2", "3", "4"}[list - 1]);

    ck_assert_str_eq(winner("FR", "", 1), "2");     // the channel's
    ck_assert_str_eq(winner("DE", "", 1), "3");     // the country's beats the channel's
    ck_assert_str_eq(winner("DE", "club", 1), "4"); // the group's beats both
}
END_TEST

START_TEST(among_equals_priority_decides_then_the_tier)
{
    given_book();
    given_list(1, "DE", "", -1, 1);
    given_list(2, "DE", "", -1, 2);
    given_price(1, 1, 1, "10");
    given_price(2, 1, 1, "20");
    given_price(2, 1, 10, "15");

    ck_assert_str_eq(winner("DE", "", 1), "20");
    ck_assert_str_eq(winner("DE", "", 9), "20");
    ck_assert_str_eq(winner("DE", "", 10), "15");
}
END_TEST

START_TEST(a_list_without_the_variant_passes_it_on)
{
    given_book();
    given_list(1, "", "", -1, 0);
    given_list(2, "DE", "", -1, 0);
    given_price(1, 1, 1, "10");
    given_price(2, 2, 1, "20");

    ck_assert_str_eq(winner("DE", "", 1), "10");
}
END_TEST

START_TEST(validity_holds_from_its_start_until_before_its_end)
{
    given_book();
    struct price_list *list = given_list(1, "", "", -1, 0);
    given_price(1, 1, 1, "10");

    list->valid_from_us = NOW;
    ck_assert_str_eq(winner("DE", "", 1), "10");
    list->valid_from_us = NOW + 1;
    ck_assert_str_eq(winner("DE", "", 1), "none");
    list->valid_from_us = 1;
    list->valid_until_us = NOW + 1;
    ck_assert_str_eq(winner("DE", "", 1), "10");
    list->valid_until_us = NOW;
    ck_assert_str_eq(winner("DE", "", 1), "none");
}
END_TEST

static const struct {
    const char *label;
    const char *verdict;
} SPOILED[] = {
    {"currency", "OTHER_CURRENCY"},    {"inactive", "LIST_INACTIVE"},
    {"channel", "OTHER_CHANNEL"},      {"country", "OTHER_COUNTRY"},
    {"group", "OTHER_CUSTOMER_GROUP"}, {"early", "NOT_YET_VALID"},
    {"late", "NO_LONGER_VALID"},       {"quantity", "QUANTITY_TOO_SMALL"},
    {"specific", "LESS_SPECIFIC"},     {"priority", "LOWER_PRIORITY"},
};

static void spoil(int how, struct price_list *list)
{
    struct price *price = (struct price *)(uintptr_t)&book.prices[0];
    switch (how) {
    case 0:
        list->currency_code = "USD";
        break;
    case 1:
        list->is_active = false;
        break;
    case 2:
        list->channel_id = numbered(77);
        break;
    case 3:
        list->country_code = "FR";
        break;
    case 4:
        list->customer_group = "club";
        break;
    case 5:
        price->valid_from_us = NOW + 1;
        break;
    case 6:
        price->valid_until_us = NOW;
        break;
    case 7:
        price->min_quantity = 100;
        break;
    case 8:
        list->country_code = "";
        break;
    default:
        list->priority = 0;
        break;
    }
}

START_TEST(explain_names_the_step_at_which_a_candidate_lost)
{
    given_book();
    struct price_list *loser = given_list(1, "DE", "", 1, 5);
    given_list(2, "DE", "", 1, 4);
    given_price(1, 1, 1, "10");
    given_price(2, 1, 1, "20");
    struct calculation input = context_of("DE");
    spoil(_i, loser);

    size_t count;
    struct candidate *all = select_explain(arena, &book, &input.context, numbered(1), 1, &count);

    ck_assert_int_eq((int)count, 2);
    ck_assert_msg(strcmp(all[0].verdict, SPOILED[_i].verdict) == 0, "%s: %s", SPOILED[_i].label,
                  all[0].verdict);
    ck_assert_str_eq(all[1].verdict, "WON");
}
END_TEST

START_TEST(the_regions_own_rate_beats_the_countrys)
{
    given_book();
    given_rate("standard", "US", "5");
    given_rate("standard", "US", "7.25");
    ((struct tax_rate *)(uintptr_t)book.rates)[1].region = "CA";

    ck_assert_str_eq(
        decimal_format(arena, select_rate(&book, "standard", "US", "CA", NOW)->percentage), "7.25");
    ck_assert_str_eq(
        decimal_format(arena, select_rate(&book, "standard", "US", "NY", NOW)->percentage), "5");
    ck_assert_ptr_null(select_rate(&book, "standard", "FR", "", NOW));
    ck_assert_ptr_null(select_rate(&book, "books", "US", "", NOW));
}
END_TEST

START_TEST(the_boundary_is_the_next_change_of_anything)
{
    given_book();
    struct price_list *list = given_list(1, "", "", -1, 0);
    given_price(1, 1, 1, "10");
    ck_assert_int_eq(select_boundary(&book, NOW), 0);

    list->valid_until_us = NOW + 50;
    ((struct price *)(uintptr_t)book.prices)[0].valid_from_us = NOW + 20;
    ck_assert_int_eq(select_boundary(&book, NOW), NOW + 20);
    ck_assert_int_eq(select_boundary(&book, NOW + 20), NOW + 50);
}
END_TEST

TCase *selection_case(void)
{
    TCase *tcase = tcase_create("selection");

    tcase_add_test(tcase, the_most_specific_list_wins_however_dear);
    tcase_add_test(tcase, among_equals_priority_decides_then_the_tier);
    tcase_add_test(tcase, a_list_without_the_variant_passes_it_on);
    tcase_add_test(tcase, validity_holds_from_its_start_until_before_its_end);
    tcase_add_loop_test(tcase, explain_names_the_step_at_which_a_candidate_lost, 0,
                        ARRAY_LEN(SPOILED));
    tcase_add_test(tcase, the_regions_own_rate_beats_the_countrys);
    tcase_add_test(tcase, the_boundary_is_the_next_change_of_anything);
    return tcase;
}
