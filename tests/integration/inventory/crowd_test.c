/* crowd_test.c - many callers at once: never one unit too many, nobody stuck, each event once. */
#include "suites.h"

#include "common/str.h"

#include <pthread.h>

enum { CALLERS = 24, CALLS = 12, VARIANTS = 4 };

static struct uuid berlin, paris, variants[VARIANTS];

/* What one caller does; its context is made before the threads start. */
struct caller_thread {
    pthread_t thread;
    int number;
    struct ctx *ctx;
    struct uuid ids[CALLS];
    struct status statuses[CALLS];
    struct status (*call)(struct caller_thread *self, int call);
};

static void *run_calls(void *argument)
{
    struct caller_thread *self = argument;

    for (int i = 0; i < CALLS; i++) {
        self->statuses[i] = self->call(self, i);
        ctx_renew(self->ctx, 10000); // of a status, the reason stays
    }
    return NULL;
}

static struct caller_thread callers[CALLERS];
static struct uuid shared_ids[CALLERS][CALLS]; // for those that call under the same ids

static void when_all_call(struct status (*call)(struct caller_thread *self, int call))
{
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller_thread){.number = i, .call = call};
        callers[i].ctx = world_ctx(inventory);
        for (int j = 0; j < CALLS; j++)
            callers[i].ids[j] = shared_ids[i][j] = uuid_v7();
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&callers[i].thread, NULL, run_calls, &callers[i]);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
}

static int64_t count_statuses(const char *reason)
{
    int64_t count = 0;

    for (int i = 0; i < CALLERS; i++)
        for (int j = 0; j < CALLS; j++)
            if (str_equal(callers[i].statuses[j].reason, reason))
                count++;
    return count;
}

static void given_two_warehouses_and(int64_t mugs_in_berlin, int64_t mugs_in_paris)
{
    given_inventory();
    berlin = given_warehouse("berlin", "DE", 1);
    paris = given_warehouse("paris", "FR", 2);
    for (int i = 0; i < VARIANTS; i++) {
        variants[i] = uuid_v7();
        given_stock(berlin, variants[i], mugs_in_berlin);
        if (mugs_in_paris > 0)
            given_stock(paris, variants[i], mugs_in_paris);
    }
}

static struct status reserve_as(struct caller_thread *self, int call, const struct wanted *wanted,
                                size_t count)
{
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct ctx *ctx = self->ctx;

    return inventory_reserve(ctx, reserve_request(ctx, self->ids[call], wanted, count), &rep);
}

static struct status reserve_the_hot_one(struct caller_thread *self, int call)
{
    return reserve_as(self, call, &(struct wanted){variants[0], 1}, 1);
}

START_TEST(a_hundred_units_make_a_hundred_reservations)
{
    given_two_warehouses_and(60, 40);
    given_policy(berlin, variants[0], 10, 0);

    when_all_call(reserve_the_hot_one);

    ck_assert_int_eq(count_statuses(NULL), 100);
    ck_assert_int_eq(count_statuses("INSUFFICIENT_STOCK"), CALLERS * CALLS - 100);
    then_level(berlin, variants[0], 0, 60, 0);
    then_level(paris, variants[0], 0, 40, 0);
    ck_assert_int_eq(published(&STOCK_RESERVED), 100);
    ck_assert_int_eq(published(&OUT_OF_STOCK), 2);
    ck_assert_int_eq(published(&STOCK_LOW), 1);
    then_the_books_are_right();
}
END_TEST

/* Each caller names the variants in an order of his own. */
static struct status reserve_in_a_circle(struct caller_thread *self, int call)
{
    struct wanted wanted[VARIANTS];

    for (int i = 0; i < VARIANTS; i++)
        wanted[i] = (struct wanted){variants[(self->number + call + i) % VARIANTS], 1};
    return reserve_as(self, call, wanted, (size_t)(1 + (self->number + call) % VARIANTS));
}

START_TEST(callers_that_share_variants_never_deadlock)
{
    world_setenv("INVENTORY_RESERVE_BATCH", "3");
    given_two_warehouses_and(200, 200);

    when_all_call(reserve_in_a_circle);

    ck_assert_int_eq(count_statuses("CONFLICT"), 0);
    ck_assert_int_eq(count_statuses(NULL) + count_statuses("INSUFFICIENT_STOCK"), CALLERS * CALLS);
    then_the_books_are_right();
}
END_TEST

/* Everybody retries the reservations of the first caller. */
static struct status reserve_the_same(struct caller_thread *self, int call)
{
    self->ids[call] = shared_ids[0][call];
    return reserve_as(self, call, &(struct wanted){variants[(self->number + call) % 2], 1}, 1);
}

START_TEST(calls_with_one_id_make_one_reservation)
{
    given_two_warehouses_and(1000, 0);

    when_all_call(reserve_the_same);

    ck_assert_int_eq(count_statuses(NULL), CALLERS * CALLS);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.reservation"), CALLS);
    ck_assert_int_eq(published(&STOCK_RESERVED), CALLS);
    then_the_books_are_right();
}
END_TEST

/* Reserve, pin, commit and release of everything at once, sweeps running. */
static struct status live(struct caller_thread *self, int call)
{
    struct ctx *ctx = self->ctx;
    struct uuid id = self->ids[call];
    struct reservation reservation;
    static const enum reservation_action ENDS[] = {RESERVATION_COMMIT, RESERVATION_RELEASE,
                                                   RESERVATION_CANCEL, RESERVATION_PIN};

    TRY(reserve_in_a_circle(self, call));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(reservation_apply(ctx, tx, id, ENDS[(self->number + call) % 4], 0, &reservation));
    return db_commit(&tx);
}

START_TEST(everything_at_once_keeps_the_books)
{
    world_setenv("INVENTORY_EXPIRY_INTERVAL", "10ms");
    world_setenv("INVENTORY_HOLD_TTL", "1s");
    given_two_warehouses_and(50, 50);
    for (int i = 0; i < VARIANTS; i++)
        given_policy(berlin, variants[i], 20, 5);

    when_all_call(live);

    ck_assert_int_eq(count_statuses("CONFLICT"), 0);
    ck_assert_int_eq(count_statuses("INTERNAL"), 0);
    then_the_books_are_right();
}
END_TEST

/* A release that may come before, between or after the calls of another thread. */
static struct status reserve_or_release(struct caller_thread *self, int call)
{
    struct ctx *ctx = self->ctx;
    struct reservation reservation;

    self->ids[call] = shared_ids[self->number / 2][call];
    if (self->number % 2 == 0)
        return reserve_as(self, call, &(struct wanted){variants[0], 1}, 1);
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(reservation_apply(ctx, tx, self->ids[call], RESERVATION_RELEASE, 0, &reservation));
    return db_commit(&tx);
}

START_TEST(a_release_always_wins_in_the_end)
{
    given_two_warehouses_and(1000, 0);

    when_all_call(reserve_or_release);

    ck_assert_int_eq(count_statuses(NULL) + count_statuses("RESERVATION_RELEASED"),
                     CALLERS * CALLS);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM inventory.reservation WHERE state <> 'released'"), 0);
    then_level(berlin, variants[0], 1000, 0, 0);
    then_the_books_are_right();
}
END_TEST

/* Two daemons on one database, as two replicas. */
static struct daemon *second;

static struct status reserve_at_either(struct caller_thread *self, int call)
{
    if (self->number % 2 == 1)
        self->ctx->daemon = second;
    self->ids[call] = shared_ids[self->number / 2][call];
    return reserve_as(self, call, &(struct wanted){variants[0], 1}, 1);
}

START_TEST(replicas_share_stock_and_reservations)
{
    given_two_warehouses_and(100, 0);
    second = world_start(&INVENTORY);

    when_all_call(reserve_at_either);

    int64_t kept = world_sql_int("SELECT count(*) FROM inventory.reservation");
    ck_assert_int_eq(kept, 100);
    ck_assert_int_eq(count_statuses(NULL) + count_statuses("INSUFFICIENT_STOCK"), CALLERS * CALLS);
    ck_assert_int_ge(count_statuses(NULL), kept);
    then_level(berlin, variants[0], 0, 100, 0);
    then_the_books_are_right();
}
END_TEST

void crowd_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "crowd");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_hundred_units_make_a_hundred_reservations);
    tcase_add_test(tcase, callers_that_share_variants_never_deadlock);
    tcase_add_test(tcase, calls_with_one_id_make_one_reservation);
    tcase_add_test(tcase, everything_at_once_keeps_the_books);
    tcase_add_test(tcase, a_release_always_wins_in_the_end);
    tcase_add_test(tcase, replicas_share_stock_and_reservations);
}
