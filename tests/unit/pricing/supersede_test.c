/* supersede_test.c - rows never overlap, and every moment has the price it should have. */
#include "suites.h"

#include "supersede.h"

#include <string.h>

enum { ROWS_MAX = 64, HORIZON = 60 };

/* The rows of one place, and what each moment is expected to cost. */
static struct price rows[ROWS_MAX];
static size_t row_count;

static const struct price *at(int64_t moment)
{
    const struct price *found = NULL;
    for (size_t i = 0; i < row_count; i++) {
        bool holds = rows[i].valid_from_us <= moment &&
                     (rows[i].valid_until_us == TIME_FOREVER || moment < rows[i].valid_until_us);
        if (holds && found)
            ck_abort_msg("two prices at %lld", (long long)moment);
        if (holds)
            found = &rows[i];
    }
    return found;
}

static bool set(int64_t from, int64_t until, int64_t unit)
{
    struct price existing[ROWS_MAX], ended[ROWS_MAX], added[2], current;
    struct supersession plan = {.ended = ended, .added = added};
    struct price wanted = {
        .unit = {unit, 0}, .valid_from_us = from, .valid_until_us = until, .min_quantity = 1};
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++)
        if ((rows[i].valid_until_us == TIME_FOREVER || rows[i].valid_until_us > from) &&
            rows[i].valid_until_us != rows[i].valid_from_us)
            existing[count++] = rows[i];

    bool has_changed = supersede(existing, count, &wanted, &plan, &current);
    ck_assert_int_eq(current.unit.unscaled, unit);
    for (size_t e = 0; e < plan.ended_count; e++)
        for (size_t i = 0; i < row_count; i++)
            if (uuid_equal(rows[i].id, plan.ended[e].id))
                rows[i].valid_until_us = plan.ended[e].valid_until_us;
    for (size_t i = 0; i < plan.added_count; i++)
        rows[row_count++] = plan.added[i];
    return has_changed;
}

static int64_t unit_at(int64_t moment)
{
    const struct price *price = at(moment);
    return price ? price->unit.unscaled : -1;
}

START_TEST(a_new_price_ends_the_old_one_at_its_start)
{
    row_count = 0;
    ck_assert(set(10, TIME_FOREVER, 1));
    ck_assert(set(20, TIME_FOREVER, 2));

    ck_assert_int_eq(unit_at(9), -1);
    ck_assert_int_eq(unit_at(19), 1);
    ck_assert_int_eq(unit_at(20), 2);
    ck_assert_int_eq(unit_at(HORIZON), 2);
}
END_TEST

START_TEST(the_same_price_again_changes_nothing)
{
    row_count = 0;
    ck_assert(set(10, TIME_FOREVER, 1));
    ck_assert(!set(15, TIME_FOREVER, 1));
    ck_assert_int_eq((int)row_count, 1);
}
END_TEST

START_TEST(a_sale_with_an_end_gives_back_what_was_there)
{
    row_count = 0;
    ck_assert(set(10, TIME_FOREVER, 5));
    ck_assert(set(20, 30, 3));

    ck_assert_int_eq(unit_at(19), 5);
    ck_assert_int_eq(unit_at(20), 3);
    ck_assert_int_eq(unit_at(29), 3);
    ck_assert_int_eq(unit_at(30), 5);
    ck_assert_int_eq(unit_at(HORIZON), 5);
}
END_TEST

START_TEST(an_open_price_gives_way_to_the_next_scheduled_one)
{
    row_count = 0;
    ck_assert(set(40, TIME_FOREVER, 9));
    ck_assert(set(10, TIME_FOREVER, 5));

    ck_assert_int_eq(unit_at(39), 5);
    ck_assert_int_eq(unit_at(40), 9);
}
END_TEST

START_TEST(a_price_with_an_end_voids_what_was_scheduled_inside)
{
    row_count = 0;
    ck_assert(set(10, TIME_FOREVER, 1));
    ck_assert(set(20, 25, 2));
    ck_assert(set(15, 40, 3));

    for (int64_t moment = 15; moment < 40; moment++)
        ck_assert_int_eq(unit_at(moment), 3);
    ck_assert_int_eq(unit_at(14), 1);
    ck_assert_int_eq(unit_at(40), 1);
}
END_TEST

static uint64_t random_state = 42;

static int64_t random_below(int64_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((random_state >> 33) % (uint64_t)bound);
}

/* The model: an array of what each moment costs. */
START_TEST(random_settings_agree_with_a_timeline)
{
    for (int round = 0; round < 200; round++) {
        int64_t model[HORIZON];
        row_count = 0;
        for (int i = 0; i < HORIZON; i++)
            model[i] = -1;
        for (int step = 0; step < 8; step++) {
            int64_t from = 1 + random_below(HORIZON - 2); // 0 would mean: without an end
            int64_t until = from + 1 + random_below(HORIZON - 1 - from);
            int64_t unit = 1 + step; // never equal to another: each setting is a change
            ck_assert(set(from, until, unit));
            for (int64_t m = from; m < until; m++)
                model[m] = unit;
            for (int64_t m = 0; m < HORIZON; m++)
                if (unit_at(m) != model[m])
                    ck_abort_msg("round %d step %d moment %lld", round, step, (long long)m);
        }
    }
}
END_TEST

TCase *supersede_case(void)
{
    TCase *tcase = tcase_create("supersede");

    tcase_add_test(tcase, a_new_price_ends_the_old_one_at_its_start);
    tcase_add_test(tcase, the_same_price_again_changes_nothing);
    tcase_add_test(tcase, a_sale_with_an_end_gives_back_what_was_there);
    tcase_add_test(tcase, an_open_price_gives_way_to_the_next_scheduled_one);
    tcase_add_test(tcase, a_price_with_an_end_voids_what_was_scheduled_inside);
    tcase_add_test(tcase, random_settings_agree_with_a_timeline);
    return tcase;
}
