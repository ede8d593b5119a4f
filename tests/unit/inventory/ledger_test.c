/* ledger_test.c - movements, balances and crossings. */
#include "suites.h"

#include "common/str.h"

#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(0);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static struct movement movement(enum movement_kind kind, struct level *from, struct level *to,
                                int64_t quantity)
{
    return (struct movement){.kind = kind, .from = from, .to = to, .quantity = quantity};
}

START_TEST(every_kind_leaves_one_account_and_enters_another)
{
    const struct movement_rule *rule = &MOVEMENT_RULES[_i];

    ck_assert(rule->name != NULL);
    ck_assert(_i == MOVEMENT_TRANSFER || rule->from != rule->to);
    ck_assert(rule->from < ACCOUNTS_INSIDE || rule->to < ACCOUNTS_INSIDE);
    ck_assert(!str_is_empty(account_name(rule->from)) && !str_is_empty(account_name(rule->to)));
}
END_TEST

START_TEST(only_the_edges_of_a_warehouse_change_what_is_on_hand)
{
    struct shelf shelf = {"DE", 1, false, {100, -1, -1}, 0};
    struct book book = book_of_shelves(arena, &shelf, 1);
    struct level *level = &book.levels[0];
    const struct movement_rule *rule = &MOVEMENT_RULES[_i];
    for (int account = 0; account < ACCOUNTS_INSIDE; account++)
        level->now[account] = 100;

    struct movement posted =
        movement((enum movement_kind)_i, rule->from < ACCOUNTS_INSIDE ? level : NULL,
                 rule->to < ACCOUNTS_INSIDE ? level : NULL, 7);
    book_post(&book, &posted);

    int64_t expected =
        400 - (rule->from < ACCOUNTS_INSIDE ? 7 : 0) + (rule->to < ACCOUNTS_INSIDE ? 7 : 0);
    ck_assert_int_eq(level_on_hand(level), expected);
}
END_TEST

START_TEST(a_rewind_restores_every_balance)
{
    struct shelf shelves[] = {{"DE", 1, false, {10, 5, -1}, 0}, {"US", 2, false, {3, -1, -1}, 0}};
    struct book book = book_of_shelves(arena, shelves, 2);
    struct level kept = book.levels[0];

    for (int i = 0; i < 40; i++) {
        struct movement posted =
            movement(MOVEMENT_RESERVE, &book.levels[i % 3], &book.levels[i % 3], 1);
        book_post(&book, &posted);
    }
    ck_assert_uint_eq(book.movement_count, 40);
    book_rewind(&book, 0);

    ck_assert_uint_eq(book.movement_count, 0);
    ck_assert(memcmp(&kept, &book.levels[0], sizeof kept) == 0);
    for (size_t i = 0; i < book.level_count; i++)
        ck_assert(!level_has_changed(&book.levels[i]));
}
END_TEST

START_TEST(a_transfer_is_one_movement_between_two_levels)
{
    struct shelf shelves[] = {{"DE", 1, false, {10, -1, -1}, 0}, {"US", 2, false, {0, -1, -1}, 0}};
    struct book book = book_of_shelves(arena, shelves, 2);
    struct movement posted = movement(MOVEMENT_TRANSFER, &book.levels[0], &book.levels[1], 4);

    book_post(&book, &posted);

    ck_assert_int_eq(book.levels[0].now[ACCOUNT_AVAILABLE], 6);
    ck_assert_int_eq(book.levels[1].now[ACCOUNT_AVAILABLE], 4);
}
END_TEST

START_TEST(levels_are_found_by_item_and_warehouse)
{
    struct shelf shelves[] = {{"DE", 1, false, {1, -1, 3}, 0},
                              {"US", 2, false, {4, 5, -1}, 0},
                              {"FR", 3, false, {7, 8, 9}, 0}};
    struct book book = book_of_shelves(arena, shelves, 3);
    size_t count;

    ck_assert_int_eq(book_find_level(&book, numbered(1), numbered(2))->now[0], 4);
    ck_assert_ptr_null(book_find_level(&book, numbered(2), numbered(1)));
    ck_assert_ptr_null(book_find_level(&book, numbered(4), numbered(1)));
    ck_assert_int_eq(book_item_levels(&book, numbered(2), &count)->now[0], 5);
    ck_assert_uint_eq(count, 2);
    (void)book_item_levels(&book, numbered(9), &count);
    ck_assert_uint_eq(count, 0);
    ck_assert(uuid_equal(book_find_item(&book, numbered(3))->id, numbered(3)));
    ck_assert_ptr_null(book_find_item(&book, numbered(4)));
}
END_TEST

static const struct {
    const char *label;
    int64_t before, now, threshold;
    bool is_low, is_out, is_back;
} CROSSINGS[] = {
    {"nothing moved", 5, 5, 3, false, false, false},
    {"above the threshold", 9, 4, 3, false, false, false},
    {"to the threshold", 9, 3, 3, true, false, false},
    {"below it", 9, 1, 3, true, false, false},
    {"already low", 3, 1, 3, false, false, false},
    {"to nothing, from above the threshold", 9, 0, 3, true, true, false},
    {"to nothing, already low", 2, 0, 3, false, true, false},
    {"into backorder", 2, -4, 0, false, true, false},
    {"further into backorder", -4, -5, 3, false, false, false},
    {"back from nothing", 0, 1, 3, false, false, true},
    {"back from backorder", -3, 6, 3, false, false, true},
    {"not yet back", -3, 0, 3, false, false, false},
    {"no threshold is never low", 9, 0, 0, false, true, false},
};

START_TEST(a_crossing_shows_once_and_at_its_place)
{
    struct level level = {.low_threshold = CROSSINGS[_i].threshold};

    level.before[ACCOUNT_AVAILABLE] = CROSSINGS[_i].before;
    level.now[ACCOUNT_AVAILABLE] = CROSSINGS[_i].now;

    ck_assert_msg(level_became_low(&level) == CROSSINGS[_i].is_low, "%s", CROSSINGS[_i].label);
    ck_assert_msg(level_ran_out(&level) == CROSSINGS[_i].is_out, "%s", CROSSINGS[_i].label);
    ck_assert_msg(level_came_back(&level) == CROSSINGS[_i].is_back, "%s", CROSSINGS[_i].label);
}
END_TEST

TCase *ledger_case(void)
{
    TCase *tcase = tcase_create("ledger");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, every_kind_leaves_one_account_and_enters_another, 0, MOVEMENT_KINDS);
    tcase_add_loop_test(tcase, only_the_edges_of_a_warehouse_change_what_is_on_hand, 0,
                        MOVEMENT_KINDS);
    tcase_add_test(tcase, a_rewind_restores_every_balance);
    tcase_add_test(tcase, a_transfer_is_one_movement_between_two_levels);
    tcase_add_test(tcase, levels_are_found_by_item_and_warehouse);
    tcase_add_loop_test(tcase, a_crossing_shows_once_and_at_its_place, 0,
                        (int)ARRAY_LEN(CROSSINGS));
    return tcase;
}
