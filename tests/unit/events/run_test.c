/* run_test.c - which records of a batch may share a transaction. */
#include "consuming.h"

#include <check.h>
#include <stdlib.h>

static struct status one(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                         const void *body)
{
    (void)ctx;
    (void)tx;
    (void)event;
    (void)body;
    return status_ok();
}

static struct status many(struct ctx *ctx, struct db_tx *tx, const struct event_item *items,
                          size_t count)
{
    (void)ctx;
    (void)tx;
    (void)items;
    (void)count;
    return status_ok();
}

/* o: locks nothing. s: locks, one at a time. a and b: lock, all at once. -: nobody wants it. */
static const struct event_subscription PLAIN = {.handle = one},
                                       SINGLE = {.handle = one, .commit_per_record = true},
                                       ALL = {.handle_all = many}, OTHER = {.handle_all = many};

static const struct event_subscription *row_of(char kind)
{
    switch (kind) {
    case 'o':
        return &PLAIN;
    case 's':
        return &SINGLE;
    case 'a':
        return &ALL;
    case 'b':
        return &OTHER;
    default:
        return NULL;
    }
}

static const struct {
    const char *records;
    size_t length;
} CASES[] = {
    {"o", 1},    {"-", 1},    {"oooo", 4}, {"s", 1},   {"ss", 1},  {"s-s", 2},  {"-s--", 4},
    {"os", 2},   {"so", 1},   {"oso", 2},  {"aaa", 3}, {"a-a", 3}, {"aas", 2},  {"aab", 2},
    {"oa-a", 4}, {"a-ao", 3}, {"sa", 1},   {"as", 1},  {"ba", 1},  {"-o-a", 4},
};

START_TEST(a_run_ends_before_the_second_call_that_locks)
{
    struct record records[BATCH_RECORDS_MAX] = {0};
    size_t count = 0;

    for (const char *kind = CASES[_i].records; *kind != '\0'; kind++)
        records[count++].subscription = row_of(*kind);

    ck_assert_uint_eq(apply_run_length(records, count), CASES[_i].length);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events run");
    TCase *run = tcase_create("run");
    SRunner *runner;

    tcase_add_loop_test(run, a_run_ends_before_the_second_call_that_locks, 0,
                        sizeof CASES / sizeof CASES[0]);
    suite_add_tcase(suite, run);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
