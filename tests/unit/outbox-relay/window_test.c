/* window_test.c - the confirmed position against a model that remembers everything. */
#include "window.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_MAX = 20, BYTES_MAX = 1000, TRANSACTIONS = 400, SEEDS = 300 };

static struct window window;
static struct window_slot slots[MESSAGES_MAX + 2];

static void set_up(void)
{
    window_init(&window, slots, MESSAGES_MAX, BYTES_MAX);
    window_reset(&window, 0);
}

static uint64_t transaction(uint64_t position, int messages)
{
    uint64_t ticket = 0;

    window_begin(&window, (int64_t)position);
    for (int i = 0; i < messages; i++)
        ticket = window_sent(&window, 10);
    window_end(&window, position);
    return ticket;
}

START_TEST(only_the_prefix_of_delivered_transactions_is_confirmed)
{
    uint64_t first = transaction(100, 2);
    uint64_t second = transaction(200, 1);

    window_done(&window, second, 10);
    ck_assert_uint_eq(window.confirmed, 0);
    window_done(&window, first, 10);
    ck_assert_uint_eq(window.confirmed, 0);
    window_done(&window, first, 10);
    ck_assert_uint_eq(window.confirmed, 200);
    ck_assert(window_is_empty(&window));
}
END_TEST

START_TEST(who_stalls_is_the_oldest_whole_transaction)
{
    ck_assert_int_eq(window_stalled_us(&window, 10), 0);
    window_begin(&window, 1);
    uint64_t first = window_sent(&window, 10);
    (void)window_sent(&window, 10);
    ck_assert_int_eq(window_stalled_us(&window, 20), 0); /* more of it may come */
    ck_assert_int_eq(window_stalled_us(&window, 30), 0);
    window_end(&window, 100);
    ck_assert_int_eq(window_stalled_us(&window, 40), 0);
    uint64_t second = transaction(200, 1);
    window_done(&window, second, 10); /* helps nobody */
    ck_assert_int_eq(window_stalled_us(&window, 90), 50);
    window_done(&window, first, 10);
    ck_assert_int_eq(window_stalled_us(&window, 100), 0);
    ck_assert_int_eq(window_stalled_us(&window, 130), 30);
    window_reset(&window, 0);
    (void)transaction(300, 1);
    ck_assert_int_eq(window_stalled_us(&window, 200), 0);
}
END_TEST

START_TEST(delivery_before_the_end_of_a_transaction_confirms_nothing_of_it)
{
    window_begin(&window, 1);
    uint64_t ticket = window_sent(&window, 10);
    window_done(&window, ticket, 10);

    ck_assert_uint_eq(window.confirmed, 0);
    window_mark(&window, 500); /* a keepalive inside a transaction means nothing */
    window_end(&window, 100);
    ck_assert_uint_eq(window.confirmed, 100);
}
END_TEST

START_TEST(an_idle_window_follows_the_server)
{
    window_mark(&window, 700);
    ck_assert_uint_eq(window.confirmed, 700);

    uint64_t ticket = transaction(800, 1);
    window_mark(&window, 900);
    ck_assert_uint_eq(window.confirmed, 700);
    window_done(&window, ticket, 10);
    ck_assert_uint_eq(window.confirmed, 900);
    window_mark(&window, 850); /* never back */
    ck_assert_uint_eq(window.confirmed, 900);
}
END_TEST

START_TEST(room_ends_by_messages_and_by_bytes)
{
    window_begin(&window, 1);
    for (int i = 0; i < MESSAGES_MAX; i++) {
        ck_assert(window_has_room(&window));
        window_sent(&window, 1);
    }
    ck_assert(!window_has_room(&window));
    window_done(&window, window.head, 1);
    ck_assert(window_has_room(&window));
    window_sent(&window, BYTES_MAX);
    window_done(&window, window.head, 1);
    ck_assert(!window_has_room(&window));
}
END_TEST

START_TEST(delivered_transactions_behind_a_waiting_one_take_room)
{
    uint64_t first = transaction(1, 1);

    for (uint64_t i = 2; window_has_room(&window); i++)
        window_done(&window, transaction(i, 1), 10);
    ck_assert_int_eq(window.messages, 1);
    window_done(&window, first, 10);
    ck_assert(window_is_empty(&window));
    ck_assert_uint_eq(window.confirmed, MESSAGES_MAX + 2);
}
END_TEST

/* What was sent, as a list: nothing is ever merged or forgotten. */
struct model {
    struct {
        uint64_t position, ticket;
        int outstanding;
        bool is_closed;
    } items[2 * TRANSACTIONS];
    size_t count;
    uint64_t base; /* marks while nothing waited */
};

static uint64_t model_confirmed(const struct model *model)
{
    uint64_t confirmed = model->base;

    for (size_t i = 0; i < model->count; i++) {
        if (!model->items[i].is_closed || model->items[i].outstanding > 0)
            break;
        if (model->items[i].position > confirmed)
            confirmed = model->items[i].position;
    }
    return confirmed;
}

static void deliver_one(struct model *model, unsigned *seed)
{
    size_t start = model->count > 0 ? (size_t)rand_r(seed) % model->count : 0;

    for (size_t i = 0; i < model->count; i++) {
        size_t at = (start + i) % model->count;
        if (model->items[at].outstanding == 0)
            continue;
        model->items[at].outstanding--;
        window_done(&window, model->items[at].ticket, 10);
        return;
    }
}

START_TEST(random_schedules_agree_with_the_model)
{
    unsigned seed = (unsigned)_i + 1;
    struct model *model = calloc(1, sizeof *model);
    uint64_t position = 0;
    bool is_open = false;

    while (model->count < TRANSACTIONS) {
        int choice = rand_r(&seed) % 10;

        position += (uint64_t)(rand_r(&seed) % 50);
        if (choice < 3 && !is_open && window_has_room(&window)) {
            window_begin(&window, 1);
            model->items[model->count++].is_closed = false;
            is_open = true;
        } else if (choice < 6 && is_open && window_has_room(&window)) {
            model->items[model->count - 1].ticket = window_sent(&window, 10);
            model->items[model->count - 1].outstanding++;
        } else if (choice < 7 && is_open) {
            model->items[model->count - 1].position = position;
            model->items[model->count - 1].is_closed = true;
            window_end(&window, position);
            is_open = false;
        } else if (choice < 8 && !is_open) {
            model->items[model->count].position = position;
            model->items[model->count++].is_closed = true;
            window_mark(&window, position);
        } else {
            deliver_one(model, &seed);
        }
        ck_assert_msg(window.confirmed == model_confirmed(model),
                      "seed %u after %zu: %llu, not %llu", (unsigned)_i + 1, model->count,
                      (unsigned long long)window.confirmed,
                      (unsigned long long)model_confirmed(model));
        ck_assert_uint_le(window.tail - window.head, MESSAGES_MAX + 2);
    }
    free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tests = tcase_create("window");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, only_the_prefix_of_delivered_transactions_is_confirmed);
    tcase_add_test(tests, who_stalls_is_the_oldest_whole_transaction);
    tcase_add_test(tests, delivery_before_the_end_of_a_transaction_confirms_nothing_of_it);
    tcase_add_test(tests, an_idle_window_follows_the_server);
    tcase_add_test(tests, room_ends_by_messages_and_by_bytes);
    tcase_add_test(tests, delivered_transactions_behind_a_waiting_one_take_room);
    tcase_add_loop_test(tests, random_schedules_agree_with_the_model, 0, SEEDS);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* pure code; forking is most of the time */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
