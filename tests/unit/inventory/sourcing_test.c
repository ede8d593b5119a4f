/* sourcing_test.c - which warehouse gives how much. */
#include "suites.h"

#include <stdlib.h>
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

/* Variant 1 is stock item 1. */
static int64_t take(struct book *book, const struct sourcing_ops *sourcing, const char *country,
                    int64_t quantity, struct allocations *ret)
{
    struct reserve_line line = {"1", numbered(1), quantity};
    struct component itself = {numbered(1), numbered(1), 1};
    struct movement movement = {.kind = MOVEMENT_RESERVE, .actor = "test"};
    struct sourcing_query query = {sourcing, country, &line, &itself, 1, &movement};

    *ret = (struct allocations){.arena = arena};
    return source_line(book, &query, ret);
}

static const struct {
    const char *label;
    const struct sourcing_ops *sourcing;
    const char *country;
    struct shelf shelves[3];
    int64_t wanted;
    int64_t given;    /* in all */
    int64_t taken[3]; /* from each warehouse */
} CASES[] = {
    {"the first by priority has it all",
     &priority_sourcing,
     "",
     {{"DE", 2, false, {9, -1, -1}, 0}, {"US", 1, false, {9, -1, -1}, 0}},
     5,
     5,
     {0, 5, 0}},
    {"what the first lacks comes from the next",
     &priority_sourcing,
     "",
     {{"DE", 2, false, {9, -1, -1}, 0}, {"US", 1, false, {3, -1, -1}, 0}},
     5,
     5,
     {2, 3, 0}},
    {"equal priorities: by id, always the same",
     &priority_sourcing,
     "",
     {{"DE", 1, false, {9, -1, -1}, 0}, {"US", 1, false, {9, -1, -1}, 0}},
     5,
     5,
     {5, 0, 0}},
    {"country plays no part by priority",
     &priority_sourcing,
     "DE",
     {{"DE", 2, false, {9, -1, -1}, 0}, {"US", 1, false, {9, -1, -1}, 0}},
     5,
     5,
     {0, 5, 0}},
    {"nearest: home first",
     &nearest_sourcing,
     "DE",
     {{"DE", 2, false, {9, -1, -1}, 0}, {"US", 1, false, {9, -1, -1}, 0}},
     5,
     5,
     {5, 0, 0}},
    {"nearest: home first, then by priority",
     &nearest_sourcing,
     "FR",
     {{"DE", 3, false, {9, -1, -1}, 0},
      {"US", 2, false, {9, -1, -1}, 0},
      {"FR", 9, false, {2, -1, -1}, 0}},
     5,
     5,
     {0, 3, 2}},
    {"nearest: without a country as by priority",
     &nearest_sourcing,
     "",
     {{"DE", 2, false, {9, -1, -1}, 0}, {"US", 1, false, {9, -1, -1}, 0}},
     5,
     5,
     {0, 5, 0}},
    {"a closed warehouse gives nothing",
     &priority_sourcing,
     "",
     {{"DE", 1, true, {9, -1, -1}, 0}, {"US", 2, false, {3, -1, -1}, 0}},
     5,
     3,
     {0, 0, 0}},
    {"too little anywhere takes nothing",
     &priority_sourcing,
     "",
     {{"DE", 1, false, {2, -1, -1}, 0}, {"US", 2, false, {2, -1, -1}, 0}},
     5,
     4,
     {0, 0, 0}},
    {"never stocked", &priority_sourcing, "", {{"DE", 1, false, {-1, 7, -1}, 0}}, 1, 0, {0, 0, 0}},
    {"stock that is there goes before a backorder elsewhere",
     &priority_sourcing,
     "",
     {{"DE", 1, false, {2, -1, -1}, 10}, {"US", 2, false, {2, -1, -1}, 0}},
     4,
     4,
     {2, 2, 0}},
    {"then the backorder, in the same order",
     &priority_sourcing,
     "",
     {{"DE", 1, false, {2, -1, -1}, 10}, {"US", 2, false, {2, -1, -1}, 0}},
     7,
     7,
     {5, 2, 0}},
    {"a backorder ends at its limit",
     &priority_sourcing,
     "",
     {{"DE", 1, false, {2, -1, -1}, 3}},
     6,
     5,
     {0, 0, 0}},
};

START_TEST(warehouses_give_in_order)
{
    struct allocations taken;
    size_t count = 0;
    while (count < 3 && CASES[_i].shelves[count].country_code != NULL)
        count++;
    struct book book = book_of_shelves(arena, CASES[_i].shelves, count);

    int64_t given = take(&book, CASES[_i].sourcing, CASES[_i].country, CASES[_i].wanted, &taken);

    ck_assert_msg(given == CASES[_i].given, "%s: %lld", CASES[_i].label, (long long)given);
    for (size_t i = 0; i < count; i++) {
        int64_t sum = 0;
        for (size_t j = 0; j < taken.count; j++)
            if (uuid_equal(taken.rows[j].warehouse_id, numbered((int)i + 1)))
                sum += taken.rows[j].quantity;
        ck_assert_msg(sum == CASES[_i].taken[i], "%s: %lld from warehouse %zu", CASES[_i].label,
                      (long long)sum, i + 1);
    }
}
END_TEST

/* One unit is 2 of stock item 1 and 1 of stock item 2. */
static const struct component KIT[] = {
    {{.bytes = {[15] = 7}}, {.bytes = {[15] = 1}}, 2},
    {{.bytes = {[15] = 7}}, {.bytes = {[15] = 2}}, 1},
};

static int64_t take_kits(struct book *book, int64_t quantity, struct allocations *ret)
{
    struct reserve_line line = {"1", numbered(7), quantity};
    struct movement movement = {.kind = MOVEMENT_RESERVE, .actor = "test"};
    struct sourcing_query query = {&priority_sourcing, "", &line, KIT, 2, &movement};

    *ret = (struct allocations){.arena = arena};
    return source_line(book, &query, ret);
}

START_TEST(a_kit_takes_all_its_components_from_one_warehouse)
{
    struct shelf shelves[] = {{"DE", 1, false, {5, 9, -1}, 0}, {"US", 2, false, {9, 1, -1}, 0}};
    struct book book = book_of_shelves(arena, shelves, 2);
    struct allocations taken;

    ck_assert_int_eq(take_kits(&book, 3, &taken), 3);

    ck_assert_uint_eq(taken.count, 4);
    ck_assert_int_eq(taken.rows[0].quantity, 4); // two kits from the first warehouse
    ck_assert_int_eq(taken.rows[0].variant_quantity, 2);
    ck_assert_int_eq(taken.rows[1].quantity, 2);
    ck_assert_int_eq(taken.rows[1].variant_quantity, 0); // told on the first component only
    ck_assert_int_eq(taken.rows[2].quantity, 2);         // one from the second
    ck_assert_int_eq(taken.rows[2].variant_quantity, 1);
    ck_assert_int_eq(taken.rows[3].quantity, 1);
}
END_TEST

START_TEST(parts_in_different_warehouses_make_no_kit)
{
    struct shelf shelves[] = {{"DE", 1, false, {8, -1, -1}, 0}, {"US", 2, false, {-1, 8, -1}, 0}};
    struct book book = book_of_shelves(arena, shelves, 2);
    struct allocations taken;

    ck_assert_int_eq(take_kits(&book, 1, &taken), 0);
    ck_assert_uint_eq(taken.count, 0);
    ck_assert_uint_eq(book.movement_count, 0);
}
END_TEST

/* Deterministic numbers for the property below. */
static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static const struct sourcing_ops *const SOURCINGS[] = {&priority_sourcing, &nearest_sourcing};

/* Of every implementation. */
START_TEST(nobody_takes_more_than_there_is_nor_other_than_he_asked)
{
    const struct sourcing_ops *sourcing = SOURCINGS[_i];
    uint32_t state = 20261123;

    for (int round = 0; round < 2000; round++) {
        struct shelf shelves[3];
        int64_t sum = 0;
        for (int i = 0; i < 3; i++) {
            shelves[i] = (struct shelf){"DE",
                                        next_number(&state) % 3,
                                        next_number(&state) % 4 == 0,
                                        {(int64_t)(next_number(&state) % 10) - 1, -1, -1},
                                        next_number(&state) % 3};
            if (!shelves[i].is_closed && shelves[i].available[0] >= 0)
                sum += shelves[i].available[0] + shelves[i].backorder_limit;
        }
        struct book book = book_of_shelves(arena, shelves, 3);
        struct allocations taken;
        int64_t wanted = 1 + next_number(&state) % 30;

        int64_t given = take(&book, sourcing, "DE", wanted, &taken);

        ck_assert_int_eq(given, wanted < sum ? wanted : sum);
        int64_t allocated = 0;
        for (size_t i = 0; i < taken.count; i++)
            allocated += taken.rows[i].quantity;
        ck_assert_int_eq(allocated, given == wanted ? wanted : 0);
        for (size_t i = 0; i < book.level_count; i++)
            ck_assert_int_ge(book.levels[i].now[ACCOUNT_AVAILABLE] + book.levels[i].backorder_limit,
                             0);
    }
}
END_TEST

static int compare_any(const void *a, const void *b)
{
    return uuid_compare(&((const struct source *)a)->warehouse_id,
                        &((const struct source *)b)->warehouse_id);
}

START_TEST(the_order_asked_does_not_depend_on_the_order_found)
{
    static const char *const COUNTRIES[] = {"DE", "FR", "US"};
    struct source found[6], shuffled[6];
    uint32_t state = 7;

    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 6; i++)
            found[i] = (struct source){.warehouse_id = numbered(i + 1),
                                       .country_code = COUNTRIES[next_number(&state) % 3],
                                       .priority = next_number(&state) % 3};
        memcpy(shuffled, found, sizeof found);
        for (size_t i = 5; i > 0; i--) {
            size_t other = next_number(&state) % (i + 1);
            struct source kept = shuffled[i];
            shuffled[i] = shuffled[other];
            shuffled[other] = kept;
        }
        SOURCINGS[_i]->rank(found, 6, "FR");
        SOURCINGS[_i]->rank(shuffled, 6, "FR");

        for (int i = 0; i < 6; i++)
            ck_assert(uuid_equal(found[i].warehouse_id, shuffled[i].warehouse_id));
        qsort(shuffled, 6, sizeof *shuffled, compare_any);
        for (int i = 0; i < 6; i++) // none is lost, none comes twice
            ck_assert(uuid_equal(shuffled[i].warehouse_id, numbered(i + 1)));
    }
}
END_TEST

TCase *sourcing_case(void)
{
    TCase *tcase = tcase_create("sourcing");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, warehouses_give_in_order, 0, (int)ARRAY_LEN(CASES));
    tcase_add_test(tcase, a_kit_takes_all_its_components_from_one_warehouse);
    tcase_add_test(tcase, parts_in_different_warehouses_make_no_kit);
    tcase_add_loop_test(tcase, nobody_takes_more_than_there_is_nor_other_than_he_asked, 0,
                        (int)ARRAY_LEN(SOURCINGS));
    tcase_add_loop_test(tcase, the_order_asked_does_not_depend_on_the_order_found, 0,
                        (int)ARRAY_LEN(SOURCINGS));
    return tcase;
}
