/* epoch_test.c - rows shared in memory until their epoch moves. */
#include "probe.h"

#include "chassis/epoch.h"
#include "common/str.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 200 };

struct names {
    size_t count;
    const char *first;
};

static _Atomic int loads;

static struct status load(struct db_tx *tx, void *rows_of_epoch)
{
    struct names *names = rows_of_epoch;
    struct db_rows rows;
    loads++;
    TRY(db_many(tx, &LIST_ITEMS, DB_NONE, &rows));
    if (rows.count == 0)
        return ctx_fail(db_ctx(tx), &ERROR_NOT_FOUND, "no item, load %d", loads);
    names->count = rows.count;
    names->first = db_get_text(&rows, 0, 0);
    return status_ok();
}

static const struct epoch_kind NAMES = {.size = sizeof(struct names), .load = load};
static struct epoch_slot slot;

static struct status get(struct ctx *ctx, int64_t epoch, const struct names **ret_names)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    const void *rows;
    TRY(db_begin_read(ctx, &tx));
    TRY(epoch_rows_get(tx, &slot, &NAMES, epoch, &rows));
    *ret_names = rows;
    return status_ok();
}

START_TEST(rows_are_loaded_once_an_epoch)
{
    struct daemon *probe = world_start(&PROBE);
    const struct names *names, *again, *newer;
    loads = 0;
    given_item(probe, "mug", 1);

    then_ok(get(world_ctx(probe), 1, &names));
    then_ok(get(world_ctx(probe), 1, &again));
    ck_assert_ptr_eq(names, again);
    ck_assert_int_eq(loads, 1);

    given_item(probe, "bowl", 1);
    then_ok(get(world_ctx(probe), 2, &newer));
    ck_assert_int_eq(loads, 2);
    ck_assert_uint_eq(newer->count, 2);
    ck_assert_str_eq(newer->first, "bowl");
    ck_assert_str_eq(names->first, "mug"); /* who holds the old ones keeps them */
    epoch_slot_close(&slot);
    ck_assert_str_eq(newer->first, "bowl");
}
END_TEST

START_TEST(an_older_epoch_never_replaces_a_newer_one)
{
    struct daemon *probe = world_start(&PROBE);
    const struct names *newer, *older, *again;
    given_item(probe, "mug", 1);

    then_ok(get(world_ctx(probe), 7, &newer));
    then_ok(get(world_ctx(probe), 6, &older));
    then_ok(get(world_ctx(probe), 7, &again));
    ck_assert_ptr_ne(newer, older);
    ck_assert_ptr_eq(newer, again);
    epoch_slot_close(&slot);
}
END_TEST

START_TEST(a_load_that_fails_leaves_nothing_behind)
{
    struct daemon *probe = world_start(&PROBE);
    struct ctx *ctx = world_ctx(probe);
    const struct names *names;
    loads = 0;

    then_reason(get(ctx, 1, &names), STATUS_NOT_FOUND, "NOT_FOUND");
    given_item(probe, "mug", 1);
    then_ok(get(ctx, 1, &names));
    ck_assert_int_eq(loads, 2);
    epoch_slot_close(&slot);
}
END_TEST

static void *get_often(void *closure)
{
    struct ctx *ctx = closure;
    for (int64_t i = 0; i < ROUNDS; i++) {
        const struct names *names;
        ctx_renew(ctx, 10000);
        then_ok(get(ctx, i / 10, &names));
        ck_assert_str_eq(names->first, "mug");
    }
    return NULL;
}

START_TEST(many_threads_share_rows_while_their_epoch_moves)
{
    struct daemon *probe = world_start(&PROBE);
    pthread_t threads[THREADS];
    given_item(probe, "mug", 1);

    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, get_often, world_ctx(probe));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    epoch_slot_close(&slot);
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis epoch");
    TCase *epoch = world_case(suite, "epoch");

    tcase_add_test(epoch, rows_are_loaded_once_an_epoch);
    tcase_add_test(epoch, an_older_epoch_never_replaces_a_newer_one);
    tcase_add_test(epoch, a_load_that_fails_leaves_nothing_behind);
    tcase_add_test(epoch, many_threads_share_rows_while_their_epoch_moves);
    return world_run(suite, SERVICES);
}
