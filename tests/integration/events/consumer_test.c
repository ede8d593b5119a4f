/* consumer_test.c - exactly one effect per event, in the order of the key, whatever dies. */
#include "common/clock.h"
#include "events/parked.h"
#include "suites.h"
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world *w;

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

/* How the consumer is handed its records: by default each in the transaction of its batch. */
static const char *const SINGLY[] = {"TORG_SHOP_SINGLY=1", NULL};
static const char *const ALL[] = {"TORG_SHOP_ALL=1", NULL};
static const char *const *const MANNERS[] = {NULL, SINGLY, ALL};
enum { MANNER_COUNT = sizeof MANNERS / sizeof MANNERS[0] };

static void sell(struct uuid key, int64_t first, int64_t count, const char *currency)
{
    world_publish(w, (struct shop_sale){key, first, count, currency, false});
}

static void then_effects(int64_t count)
{
    world_await(w, "SELECT count(*) FROM shop.effect", count, 30);
}

/* Each event once, each key in its order. */
static void then_each_effect_once_and_in_order(void)
{
    ck_assert_int_eq(world_number(w, "SELECT count(*) - count(DISTINCT event_id) FROM shop.effect"),
                     0);
    ck_assert_int_eq(world_number(w,
                                  "SELECT count(*) FROM (SELECT sequence - lag(sequence) OVER"
                                  " (PARTITION BY key ORDER BY id) AS step FROM shop.effect) AS s"
                                  " WHERE step <> 1"),
                     0);
}

START_TEST(a_repeated_record_has_one_effect)
{
    struct produced record = {
        .id = uuid_v7(), .key = uuid_v7(), .sequence = 1, .type = "common.v1.Money"};

    world_consumer(w, NULL);
    for (int i = 0; i < 3; i++)
        world_produce(w, &record);
    record.id = uuid_v7();
    record.sequence = 2;
    world_produce(w, &record);

    then_effects(2);
    pause_ms(300);
    then_effects(2);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(what_nobody_subscribed_to_is_passed_over)
{
    struct produced record = {
        .id = uuid_v7(), .key = uuid_v7(), .sequence = 1, .type = "shop.v1.NeverHeardOf"};

    world_consumer(w, NULL);
    world_produce(w, &record);
    record.id = uuid_v7();
    record.type = "common.v1.Money";
    world_produce(w, &record);

    then_effects(1);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.inbox_parked"), 0);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.outbox"), 0);
}
END_TEST

START_TEST(a_failing_record_parks_its_key_and_no_other)
{
    struct uuid key = uuid_v7();
    struct uuid other = uuid_v7();

    world_sql(w, "INSERT INTO shop.broken VALUES ('BAD')");
    world_relay(w, NULL);
    world_consumer(w, MANNERS[_i]);
    sell(key, 1, 1, "EUR");
    sell(key, 2, 1, "BAD");
    sell(key, 3, 3, "EUR");
    for (int i = 0; i < 8; i++)
        sell(uuid_v7(), 1, 2, "EUR");
    sell(other, 1, 4, "EUR");
    then_effects(1 + 16 + 4);
    world_await(w, "SELECT count(*) FROM shop.inbox_parked", 4, 10);

    world_sql(w, "DELETE FROM shop.broken");
    then_effects(1 + 16 + 4 + 4);
    world_await(w, "SELECT count(*) FROM shop.inbox_parked", 0, 10);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(after_its_last_attempt_a_record_is_dead_lettered_and_its_key_stands_still)
{
    static const char *const TWICE[] = {"EVENTS_PARK_ATTEMPTS=2", NULL};
    const struct parked_event *parked;
    struct uuid key = uuid_v7();
    struct db_tx *tx = NULL;
    size_t count;

    world_sql(w, "INSERT INTO shop.broken VALUES ('BAD')");
    world_relay(w, NULL);
    world_consumer(w, TWICE);
    sell(key, 1, 1, "BAD");
    sell(key, 2, 1, "EUR");
    world_await(w, "SELECT count(*) FROM shop.inbox_parked WHERE is_dead", 1, 20);
    ck_assert_int_eq(
        world_number(w, "SELECT count(*) FROM shop.outbox WHERE topic = 'shop.dlq.v1'"), 1);
    world_sql(w, "DELETE FROM shop.broken");
    pause_ms(500);
    then_effects(0);

    ctx_renew(&w->ctx, 5000);
    ck_assert_int_eq(db_begin(&w->ctx, &tx).code, STATUS_OK);
    ck_assert_int_eq(
        parked_list(&w->ctx, tx, (struct parked_page){.size = 10}, &parked, &count).code,
        STATUS_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(parked[0].reason, "SHOP_BROKEN");
    ck_assert(parked[0].is_dead && !parked[0].is_waiting && parked[1].is_waiting);
    ck_assert_int_eq(parked_resolve(tx, parked[0].id, PARKED_RETRY).code, STATUS_OK);
    ck_assert_int_eq(db_commit(&tx).code, STATUS_OK);
    then_effects(2);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(a_skipped_record_lets_its_key_go_on)
{
    struct uuid key = uuid_v7();
    struct db_tx *tx = NULL;
    struct uuid id;

    world_sql(w, "INSERT INTO shop.broken VALUES ('BAD')");
    world_relay(w, NULL);
    world_consumer(w, NULL);
    sell(key, 1, 1, "BAD");
    sell(key, 2, 2, "EUR");
    world_await(w, "SELECT count(*) FROM shop.inbox_parked", 3, 20);

    ck_assert(
        uuid_parse(world_value(w, "SELECT id FROM shop.inbox_parked ORDER BY off LIMIT 1"), &id));
    ctx_renew(&w->ctx, 5000);
    ck_assert_int_eq(db_begin(&w->ctx, &tx).code, STATUS_OK);
    ck_assert_int_eq(parked_resolve(tx, id, PARKED_SKIP).code, STATUS_OK);
    ck_assert_int_eq(db_commit(&tx).code, STATUS_OK);
    then_effects(2);
    ck_assert_int_eq(db_begin(&w->ctx, &tx).code, STATUS_OK);
    ck_assert_int_eq(parked_resolve(tx, id, PARKED_SKIP).code, STATUS_NOT_FOUND);
    db_rollback(&tx);
}
END_TEST

static bool is_in_the_outbox(struct uuid letter)
{
    char id[UUID_TEXT_LENGTH + 1], sql[160];

    uuid_format(letter, id);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM shop.outbox WHERE event_id = '%s'", id);
    return world_number(w, sql) == 1;
}

START_TEST(poison_goes_to_the_dead_letters_at_once)
{
    struct produced poison = {.key = uuid_v7(), .payload = "no event", .payload_length = 8};
    struct produced garbled = {.id = uuid_v7(),
                               .key = uuid_v7(),
                               .sequence = 1,
                               .type = "common.v1.Money",
                               .payload = "\xff\xff\xff",
                               .payload_length = 3};

    world_relay(w, NULL);
    world_consumer(w, NULL);
    world_produce(w, &poison);
    world_produce(w, &garbled);
    poison = garbled;
    poison.payload_length = 0;
    poison.id = uuid_v7();
    world_produce(w, &poison);

    then_effects(1);
    ck_assert_int_eq(
        world_number(w, "SELECT count(*) FROM shop.outbox WHERE topic = 'shop.dlq.v1'"), 2);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.inbox_parked"), 0);
    int found = 0;
    for (int round = 0; round < 10 && found < 2; round++) {
        struct seen_list dead = world_read(w, "shop.dlq.v1", 1, 2);
        found = 0;
        for (size_t i = 0; i < dead.count; i++)
            found += is_in_the_outbox(dead.items[i].letter) &&
                     strcmp(dead.items[i].reason, "EVENT_MALFORMED") == 0 &&
                     (uuid_equal(dead.items[i].key, garbled.key) || dead.items[i].type[0] == '\0');
    }
    ck_assert_int_ge(found, 2);
}
END_TEST

START_TEST(an_id_outside_of_all_partitions_is_parked_with_its_reason)
{
    static const char *const LATER[] = {"EVENTS_PARK_BACKOFF=1s", "EVENTS_PARK_BACKOFF_MAX=1s",
                                        NULL};
    struct uuid old;
    struct produced record = {.key = uuid_v7(), .sequence = 1, .type = "common.v1.Money"};
    struct produced good = {
        .id = uuid_v7(), .key = uuid_v7(), .sequence = 1, .type = "common.v1.Money"};

    ck_assert(uuid_parse("01800000-0000-7000-8000-000000000001", &old));
    record.id = old;
    world_produce(w, &record);
    world_produce(w, &good);
    world_consumer(w, LATER);

    world_await(w, "SELECT count(*) FROM shop.inbox_parked WHERE reason = 'EVENT_ID_OUT_OF_RANGE'",
                1, 20);
    then_effects(1);
    /* The retry needs no inbox row: deleting the parked row is what makes it happen once. */
    then_effects(2);
}
END_TEST

START_TEST(what_must_wait_pauses_its_partition_only)
{
    struct produced away = {.id = uuid_v7(),
                            .key = uuid_v7(),
                            .sequence = 1,
                            .type = "common.v1.Money",
                            .payload = "\x12\x03"
                                       "AWY",
                            .payload_length = 5,
                            .partition = 0};
    struct produced fine = {.key = uuid_v7(), .sequence = 1, .type = "common.v1.Money"};

    world_sql(w, "INSERT INTO shop.broken VALUES ('AWY')");
    world_consumer(w, NULL);
    world_produce(w, &away);
    for (int32_t i = 0; i < 8; i++) {
        fine.id = uuid_v7();
        fine.partition = i % 4;
        world_produce(w, &fine);
    }
    then_effects(6); /* all but partition 0's */
    pause_ms(500);
    then_effects(6);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.inbox_parked"), 0);

    world_sql(w, "DELETE FROM shop.broken");
    then_effects(9);
    ck_assert_int_eq(world_number(w, "SELECT count(DISTINCT event_id) FROM shop.effect"), 9);
}
END_TEST

/* What waits is paused, and librdkafka would leave it so for whoever is assigned it again. */
START_TEST(what_waits_when_its_owner_changes_goes_on_with_the_next)
{
    struct produced away = {.sequence = 1,
                            .type = "common.v1.Money",
                            .payload = "\x12\x03"
                                       "AWY",
                            .payload_length = 5};

    world_sql(w, "INSERT INTO shop.broken VALUES ('AWY')");
    pid_t first = world_consumer(w, NULL);
    for (away.partition = 0; away.partition < 4; away.partition++) {
        away.id = uuid_v7();
        away.key = uuid_v7();
        world_produce(w, &away);
    }
    world_await_log(w, first, "event_retried_later", 30);
    pause_ms(500); // until all four are held
    pid_t second = world_consumer(w, NULL);
    world_await_log(w, second, "event_retried_later", 30);
    world_signal(w, second, SIGTERM);
    world_reap(w, second);

    world_sql(w, "DELETE FROM shop.broken");
    world_await(w, "SELECT count(*) FROM shop.effect", 4, 15);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(dying_before_the_commit_repeats_the_event_and_not_its_effect)
{
    struct uuid key = uuid_v7();

    world_sql(w, "INSERT INTO shop.broken VALUES ('DIE')");
    world_relay(w, NULL);
    sell(key, 1, 5, "EUR");
    sell(key, 6, 1, "DIE");
    sell(key, 7, 5, "EUR");
    pid_t dying = world_consumer(w, NULL);
    ck_assert_int_eq(WEXITSTATUS(world_reap(w, dying)), 9);

    world_sql(w, "DELETE FROM shop.broken");
    world_consumer(w, NULL);
    then_effects(11);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(replicas_that_come_and_die_share_every_event_once)
{
    const char *const *settings = MANNERS[_i];
    struct uuid keys[20];
    int64_t sold = 0;

    world_relay(w, NULL);
    pid_t first = world_consumer(w, settings);
    for (int i = 0; i < 20; i++)
        keys[i] = uuid_v7();
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 20; i++)
            sell(keys[i], 1 + round * 3, 3, "EUR");
        sold += 60;
        if (round == 10)
            world_consumer(w, settings);
        if (round == 20)
            world_signal(w, first, SIGKILL);
        pause_ms(50);
    }
    world_reap(w, first);
    then_effects(sold);
    then_each_effect_once_and_in_order();
    ck_assert_int_ge(world_number(w, "SELECT count(DISTINCT pid) FROM shop.effect"), 2);
}
END_TEST

START_TEST(an_owner_that_was_frozen_cannot_repeat_what_its_successor_did)
{
    struct uuid keys[8];

    world_relay(w, NULL);
    for (int i = 0; i < 8; i++)
        keys[i] = uuid_v7();
    pid_t frozen = world_consumer(w, NULL);
    for (int i = 0; i < 8; i++)
        sell(keys[i], 1, 5, "EUR");
    then_effects(40);
    /* Whatever it has fetched by now, it will want to handle when it wakes. */
    world_signal(w, frozen, SIGSTOP);
    for (int i = 0; i < 8; i++)
        sell(keys[i], 6, 5, "EUR");
    world_consumer(w, NULL);
    then_effects(80);
    world_signal(w, frozen, SIGCONT);
    for (int i = 0; i < 8; i++)
        sell(keys[i], 11, 5, "EUR");
    then_effects(120);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(records_behind_the_position_are_dropped)
{
    struct uuid key = uuid_v7();

    world_relay(w, NULL);
    pid_t consumer = world_consumer(w, NULL);
    sell(key, 1, 1, "EUR");
    then_effects(1);
    world_sql(w,
              "UPDATE shop.inbox_position SET next_off = next_off + 2"); /* as a successor would */
    sell(key, 2, 3, "EUR");
    world_await_log(w, consumer, "EVENT_FENCED", 10);
    world_await(w, "SELECT count(*) FROM shop.effect WHERE sequence = 4", 1, 10);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.effect"), 2);
}
END_TEST

/* An owner that is being replaced parks a record of the key and commits while its successor waits
 * for the position: what the successor then handles must see the parked one. */
START_TEST(nothing_overtakes_what_was_parked_while_the_position_was_waited_for)
{
    struct uuid key = uuid_v7();

    world_relay(w, NULL);
    world_consumer(w, NULL);
    sell(key, 1, 1, "EUR");
    then_effects(1);
    world_sql(w, "UPDATE shop.inbox_position SET next_off = next_off - 1");
    world_sql(w, "BEGIN");
    world_sql(w, "UPDATE shop.inbox_position SET next_off = next_off + 1");
    world_sql(w, "INSERT INTO shop.inbox_parked (id, consumer, topic, part, off, event_id, type,"
                 "            key, sequence, headers, payload, reason, next_try)"
                 " SELECT gen_random_uuid(), p.consumer, p.topic, p.part, p.next_off - 1,"
                 "        o.event_id, 'common.v1.Money', o.key, 1, o.headers, o.payload, 'TEST',"
                 "        now() + interval '1 hour'"
                 "   FROM shop.inbox_position AS p, shop.outbox AS o");
    sell(key, 2, 1, "EUR");
    world_await(w,
                "SELECT count(*) FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))",
                1, 30);
    world_sql(w, "COMMIT");

    world_await(w, "SELECT count(*) FROM shop.inbox_parked", 2, 30);
    then_effects(1);
}
END_TEST

START_TEST(an_event_that_is_too_large_is_refused_to_its_publisher)
{
    char *large = arena_alloc(w->ctx.arena, EVENT_BODY_MAX + 1);
    struct shop_sale sale = {.key = uuid_v7(), .first = 1, .count = 1};

    memset(large, 'E', EVENT_BODY_MAX);
    sale.currency = large;
    struct status status = shop_publish(&w->ctx, &sale);
    ck_assert_int_eq(status.code, STATUS_INTERNAL);
    ck_assert_str_eq(status.reason, "EVENT_TOO_LARGE");
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.outbox"), 0);
}
END_TEST

START_TEST(parked_events_are_listed_and_resolved_over_rpc)
{
    struct uuid key = uuid_v7();
    char command[512];

    world_sql(w, "INSERT INTO shop.broken VALUES ('BAD')");
    world_relay(w, NULL);
    world_consumer(w, NULL);
    sell(key, 1, 1, "BAD");
    sell(key, 2, 1, "EUR");
    world_await(w, "SELECT count(*) FROM shop.inbox_parked", 2, 20);

    snprintf(command, sizeof command,
             "curl -sS -H 'Content-Type: application/json' -d '{\"page\":{\"pageSize\":1}}'"
             " http://127.0.0.1:%d/common.v1.ParkedEventService/ListParkedEvents",
             w->port);
    const char *page = world_command(w, command);
    ck_assert_msg(strstr(page, "PARKED_STATE_RETRYING") != NULL, "%s", page);
    ck_assert_msg(strstr(page, "nextPageToken") != NULL, "%s", page);
    ck_assert_msg(strstr(page, "SHOP_BROKEN") != NULL, "%s", page);
    snprintf(command, sizeof command,
             "curl -sS -H 'Content-Type: application/json' -d '{\"id\":\"%s\","
             "\"resolution\":\"PARKED_RESOLUTION_SKIP\"}'"
             " http://127.0.0.1:%d/common.v1.ParkedEventService/ResolveParkedEvent",
             world_value(w, "SELECT id FROM shop.inbox_parked ORDER BY off LIMIT 1"), w->port);
    ck_assert_str_eq(world_command(w, command), "{}");
    then_effects(1);
    page = world_command(w, command);
    ck_assert_msg(strstr(page, "not_found") != NULL, "%s", page);
}
END_TEST

START_TEST(a_stopped_consumer_ends_cleanly_and_the_next_goes_on)
{
    struct uuid key = uuid_v7();

    world_relay(w, NULL);
    pid_t consumer = world_consumer(w, NULL);
    sell(key, 1, 200, "EUR");
    then_effects(200);
    world_signal(w, consumer, SIGTERM);
    int status = world_reap(w, consumer);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);

    sell(key, 201, 3, "EUR");
    world_consumer(w, NULL);
    then_effects(203);
    then_each_effect_once_and_in_order();
}
END_TEST

START_TEST(an_effect_knows_what_caused_it)
{
    world_relay(w, NULL);
    world_consumer(w, MANNERS[_i]);
    w->ctx.correlation_id = "checkout-7";
    struct shop_sale sale = {.key = uuid_v7(), .first = 1, .count = 3, .currency = "EUR"};
    ck_assert_int_eq(shop_publish(&w->ctx, &sale).code, STATUS_OK);

    then_effects(3);
    ck_assert_int_eq(world_number(w, "SELECT count(*) FROM shop.effect WHERE causation ="
                                     " event_id::text AND correlation = 'checkout-7'"),
                     3);
}
END_TEST

Suite *consumer_suite(void)
{
    Suite *suite = suite_create("consumer");
    TCase *tests = tcase_create("consumer");

    tcase_set_timeout(tests, 90);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_repeated_record_has_one_effect);
    tcase_add_test(tests, what_nobody_subscribed_to_is_passed_over);
    tcase_add_loop_test(tests, a_failing_record_parks_its_key_and_no_other, 0, MANNER_COUNT);
    tcase_add_test(tests,
                   after_its_last_attempt_a_record_is_dead_lettered_and_its_key_stands_still);
    tcase_add_test(tests, a_skipped_record_lets_its_key_go_on);
    tcase_add_test(tests, poison_goes_to_the_dead_letters_at_once);
    tcase_add_test(tests, an_id_outside_of_all_partitions_is_parked_with_its_reason);
    tcase_add_test(tests, what_must_wait_pauses_its_partition_only);
    tcase_add_test(tests, what_waits_when_its_owner_changes_goes_on_with_the_next);
    tcase_add_test(tests, dying_before_the_commit_repeats_the_event_and_not_its_effect);
    tcase_add_loop_test(tests, replicas_that_come_and_die_share_every_event_once, 0, MANNER_COUNT);
    tcase_add_test(tests, an_owner_that_was_frozen_cannot_repeat_what_its_successor_did);
    tcase_add_test(tests, records_behind_the_position_are_dropped);
    tcase_add_test(tests, nothing_overtakes_what_was_parked_while_the_position_was_waited_for);
    tcase_add_test(tests, an_event_that_is_too_large_is_refused_to_its_publisher);
    tcase_add_test(tests, parked_events_are_listed_and_resolved_over_rpc);
    tcase_add_test(tests, a_stopped_consumer_ends_cleanly_and_the_next_goes_on);
    tcase_add_loop_test(tests, an_effect_knows_what_caused_it, 0, MANNER_COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}
