/* relay_test.c - what the relay promises, while it is killed, frozen and cut off. */
#include "common/clock.h"
#include "suites.h"
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world *w;

static const char *const WAL[] = {"RELAY_SOURCE=wal", NULL};
static const char *const SNAPSHOT[] = {"RELAY_SOURCE=snapshot", NULL};
static const char *const *const SOURCES_UNDER_TEST[] = {WAL, SNAPSHOT};

static void set_up(void)
{
    w = world_create();
}

static void tear_down(void)
{
    world_destroy(w);
}

static void pause_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

static void await_active_slot(void)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pg_replication_slots JOIN relay.wal_position ON slot = slot_name"
             " WHERE slot_name = '%s' AND active AND is_bootstrapped",
             w->name);
    world_await(w, sql, 1, 15);
}

START_TEST(concurrent_sales_arrive_in_the_order_of_their_keys)
{
    world_relay(w, SOURCES_UNDER_TEST[_i]);
    struct sellers *sellers = sellers_start(w, 16, 6);
    pause_ms(3000);
    ck_assert_int_gt(sellers_stop(sellers), 100);

    ck_assert_int_eq(then_all_sales_arrived(w, 20), 0);
}
END_TEST

START_TEST(an_open_transaction_stalls_nobody_and_is_not_lost)
{
    PGconn *open = PQconnectdb(w->database_url);
    char sql[256];

    world_relay(w, SOURCES_UNDER_TEST[_i]);
    if (SOURCES_UNDER_TEST[_i] == WAL)
        await_active_slot(); /* making a slot waits for open transactions */
    snprintf(sql, sizeof sql,
             "SET shop.topic = '%s'; INSERT INTO shop.aggregate VALUES"
             " (md5('slow')::uuid, 0); BEGIN; SELECT shop.sell(md5('slow')::uuid, 0.001, false)",
             w->topic);
    PQclear(PQexec(open, sql));
    struct sellers *sellers = sellers_start(w, 4, 4);
    pause_ms(500);
    sellers_stop(sellers);
    then_all_sales_arrived(w, 20);

    PQclear(PQexec(open, "COMMIT"));
    PQfinish(open);
    then_all_sales_arrived(w, 20);
}
END_TEST

START_TEST(nothing_is_lost_when_the_relay_is_killed_again_and_again)
{
    struct sellers *sellers = sellers_start(w, 8, 8);
    unsigned seed = (unsigned)clock_now_us();

    for (int round = 0; round < 6; round++) {
        pid_t relay = world_relay(w, SOURCES_UNDER_TEST[_i]);
        pause_ms(100 + rand_r(&seed) % 900);
        world_signal(w, relay, SIGKILL);
        world_reap(w, relay);
    }
    int64_t sold = sellers_stop(sellers);
    world_relay(w, SOURCES_UNDER_TEST[_i]);

    int64_t repeated = then_all_sales_arrived(w, 30);
    ck_assert_int_le(repeated, 2 * sold);
}
END_TEST

START_TEST(a_stopped_relay_leaves_nothing_to_repeat)
{
    struct sellers *sellers = sellers_start(w, 4, 4);

    for (int round = 0; round < 3; round++) {
        pid_t relay = world_relay(w, SOURCES_UNDER_TEST[_i]);
        pause_ms(1200);
        world_signal(w, relay, SIGTERM);
        int status = world_reap(w, relay);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    }
    sellers_stop(sellers);
    world_relay(w, SOURCES_UNDER_TEST[_i]);
    ck_assert_int_eq(then_all_sales_arrived(w, 20), 0);
}
END_TEST

START_TEST(what_was_sold_before_the_first_start_arrives_too)
{
    struct sellers *sellers = sellers_start(w, 4, 4);

    pause_ms(700);
    world_relay(w, SOURCES_UNDER_TEST[_i]);
    pause_ms(700);
    sellers_stop(sellers);
    ck_assert_int_eq(then_all_sales_arrived(w, 20), 0);
}
END_TEST

START_TEST(the_standby_takes_over_when_the_active_relay_dies)
{
    struct uuid key = uuid_v7();
    pid_t active = world_relay(w, SOURCES_UNDER_TEST[_i]);

    world_publish(w, (struct shop_sale){.key = key, .first = 1, .count = 1});
    ck_assert_uint_eq(world_read(w, NULL, 1, 15).count, 1);
    pid_t standby = world_relay(w, SOURCES_UNDER_TEST[_i]);
    world_await_log(w, standby, "RELAY_STANDBY", 10);
    world_signal(w, active, SIGKILL);
    world_reap(w, active);
    world_publish(w, (struct shop_sale){.key = key, .first = 2, .count = 1});
    ck_assert_uint_ge(world_read(w, NULL, 2, 10).count, 2);
}
END_TEST

START_TEST(a_frozen_relay_loses_the_lead)
{
    struct uuid key = uuid_v7();
    char sql[160];

    snprintf(sql, sizeof sql, "ALTER ROLE relay_test IN DATABASE %s SET wal_sender_timeout = '2s'",
             w->name);
    world_sql(w, sql);
    pid_t frozen = world_relay(w, WAL);
    await_active_slot();
    world_relay(w, WAL);
    world_signal(w, frozen, SIGSTOP);
    world_publish(w, (struct shop_sale){.key = key, .first = 1, .count = 1});
    ck_assert_uint_eq(world_read(w, NULL, 1, 15).count, 1);
    world_signal(w, frozen, SIGCONT);
    world_publish(w, (struct shop_sale){.key = key, .first = 2, .count = 1});
    ck_assert_uint_ge(world_read(w, NULL, 2, 15).count, 2);
}
END_TEST

START_TEST(a_cut_connection_is_made_again)
{
    struct sellers *sellers = sellers_start(w, 4, 4);

    pid_t relay = world_relay(w, WAL);
    for (int i = 0; i < 4; i++) {
        pause_ms(500);
        world_sql(w, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name = 'outbox-relay' AND datname = current_database()");
    }
    world_await_log(w, relay, "RELAY_FAILED", 5);
    sellers_stop(sellers);
    then_all_sales_arrived(w, 20);
}
END_TEST

START_TEST(a_dropped_slot_is_made_again_and_nothing_is_missed)
{
    struct sellers *sellers = sellers_start(w, 4, 4);
    pid_t relay = world_relay(w, WAL);
    char sql[160];

    pause_ms(800);
    world_signal(w, relay, SIGTERM);
    world_reap(w, relay);
    snprintf(sql, sizeof sql, "SELECT pg_drop_replication_slot('%s')", w->name);
    world_sql(w, sql);
    pause_ms(300);
    world_relay(w, WAL);
    pause_ms(300);
    sellers_stop(sellers);
    then_all_sales_arrived(w, 20);
}
END_TEST

START_TEST(a_slot_that_moved_without_us_is_refused_until_repair)
{
    static const char *const REPAIR[] = {"RELAY_REPAIR=true", NULL};
    struct uuid key = uuid_v7();
    pid_t relay = world_relay(w, WAL);
    char sql[160];

    await_active_slot();
    world_signal(w, relay, SIGTERM);
    world_reap(w, relay);
    world_publish(w, (struct shop_sale){.key = key, .first = 1, .count = 1});
    snprintf(sql, sizeof sql, "SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())",
             w->name);
    world_sql(w, sql);

    relay = world_relay(w, WAL);
    world_await_log(w, relay, "RELAY_DISCONTINUED", 10);
    ck_assert_uint_eq(world_read(w, NULL, 1, 1).count, 0);
    world_signal(w, relay, SIGTERM);
    world_reap(w, relay);
    world_relay(w, REPAIR);
    ck_assert_uint_eq(world_read(w, NULL, 1, 15).count, 1);
}
END_TEST

START_TEST(a_small_window_only_slows_a_large_transaction)
{
    static const char *const SMALL[] = {"RELAY_WINDOW=7", "RELAY_WINDOW_BYTES=1KiB", NULL};
    struct uuid key = uuid_v7();

    world_relay(w, SMALL);
    world_publish(w, (struct shop_sale){.key = key, .first = 1, .count = 3000});
    struct seen_list seen = world_read(w, NULL, 3000, 30);
    ck_assert_uint_eq(seen.count, 3000);
    for (size_t i = 0; i < seen.count; i++)
        ck_assert_int_eq(seen.items[i].number, (int64_t)i + 1);
}
END_TEST

START_TEST(a_refused_record_parks_its_key_and_no_other)
{
    struct uuid key = uuid_v7();
    struct uuid other = uuid_v7();
    char large[5001] = "";
    unsigned seed = 1;

    for (int i = 0; i < 5000; i++) /* not compressible below the limit */
        large[i] = (char)('0' + rand_r(&seed) % 70);
    world_limit_topic(w->topic, "2000");
    world_relay(w, WAL);
    await_active_slot();
    world_publish(w, (struct shop_sale){.key = key, .first = 1, .count = 1, .currency = large});
    world_await(w, "SELECT count(*) FROM relay.parked", 1, 15);
    world_publish(w, (struct shop_sale){.key = key, .first = 2, .count = 1});
    world_publish(w, (struct shop_sale){.key = other, .first = 3, .count = 1});
    world_await(w, "SELECT count(*) FROM relay.parked", 2, 15);
    struct seen_list seen = world_read(w, NULL, 1, 15);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_int_eq(seen.items[0].number, 3);

    world_sql(w, "UPDATE relay.parked SET resolution = 'skip' WHERE id = 1");
    world_sql(w, "UPDATE relay.parked SET resolution = 'retry' WHERE id = 2");
    world_await(w, "SELECT count(*) FROM relay.parked", 0, 15);
    ck_assert_uint_eq(world_read(w, NULL, 2, 15).count, 2);
}
END_TEST

Suite *relay_suite(void)
{
    Suite *suite = suite_create("relay");
    TCase *each = tcase_create("each source");
    TCase *wal = tcase_create("wal");

    tcase_set_timeout(each, 90);
    tcase_add_checked_fixture(each, set_up, tear_down);
    tcase_add_loop_test(each, concurrent_sales_arrive_in_the_order_of_their_keys, 0, 2);
    tcase_add_loop_test(each, an_open_transaction_stalls_nobody_and_is_not_lost, 0, 2);
    tcase_add_loop_test(each, nothing_is_lost_when_the_relay_is_killed_again_and_again, 0, 2);
    tcase_add_loop_test(each, a_stopped_relay_leaves_nothing_to_repeat, 0, 2);
    tcase_add_loop_test(each, what_was_sold_before_the_first_start_arrives_too, 0, 2);
    tcase_add_loop_test(each, the_standby_takes_over_when_the_active_relay_dies, 0, 2);
    suite_add_tcase(suite, each);

    tcase_set_timeout(wal, 90);
    tcase_add_checked_fixture(wal, set_up, tear_down);
    tcase_add_test(wal, a_frozen_relay_loses_the_lead);
    tcase_add_test(wal, a_cut_connection_is_made_again);
    tcase_add_test(wal, a_dropped_slot_is_made_again_and_nothing_is_missed);
    tcase_add_test(wal, a_slot_that_moved_without_us_is_refused_until_repair);
    tcase_add_test(wal, a_small_window_only_slows_a_large_transaction);
    tcase_add_test(wal, a_refused_record_parks_its_key_and_no_other);
    suite_add_tcase(suite, wal);
    return suite;
}
