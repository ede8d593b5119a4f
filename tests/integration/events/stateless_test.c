/* stateless_test.c - daemons without a database: broadcast to caches, views that retry and give up.
 */
#include "suites.h"
#include "world.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world *w;
static struct daemon *daemon_under_test;

/* librdkafka's own broker in the place of Kafka, for refusals that a real one makes at a bad moment
 * only. */
static struct {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    char *real_brokers;
} mock;

static void set_up(void)
{
    w = world_create();
    shop_seen.gaps = shop_seen.handled = shop_seen.refused = 0; // tests may share a process
    setenv("SHOP_CACHE_LISTEN", "127.0.0.1:0", 1);
    setenv("SHOP_VIEW_LISTEN", "127.0.0.1:0", 1);
    setenv("EVENTS_PARK_ATTEMPTS", "3", 1);
    setenv("EVENTS_RETRY_BACKOFF", "20ms", 1);
    world_relay(w, NULL);
}

static void use_brokers(const char *brokers)
{
    setenv("TORG_TEST_KAFKA", brokers, 1);
    setenv("KAFKA_BROKERS", brokers, 1);
}

static void given_mock(void)
{
    char error[256];

    mock.real_brokers = strdup(getenv("TORG_TEST_KAFKA"));
    mock.host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof error);
    mock.cluster = rd_kafka_mock_cluster_new(mock.host, 1);
    ck_assert_int_eq(rd_kafka_mock_topic_create(mock.cluster, w->topic, 1, 1), 0);
    use_brokers(rd_kafka_mock_cluster_bootstraps(mock.cluster));
}

static void tear_down(void)
{
    service_stop(daemon_under_test);
    if (mock.cluster != NULL) {
        use_brokers(mock.real_brokers);
        free(mock.real_brokers);
        rd_kafka_mock_cluster_destroy(mock.cluster);
        rd_kafka_destroy(mock.host);
        mock.cluster = NULL;
    }
    world_destroy(w);
}

static void start(const struct service *service)
{
    int port;

    ck_assert_int_eq(service_start(service, &daemon_under_test, &port).code, STATUS_OK);
}

static void sell(int64_t first, int64_t count, const char *currency)
{
    world_publish(w, (struct shop_sale){uuid_v7(), first, count, currency, false});
}

static void then_soon(atomic_int *number, int expected)
{
    for (int i = 0; i < 400 && *number != expected; i++)
        usleep(50 * 1000);
    ck_assert_int_eq(*number, expected);
}

START_TEST(a_cache_hears_what_happens_after_its_first_gap)
{
    sell(1, 5, "EUR");
    ck_assert_uint_eq(world_read(w, NULL, 5, 15).count, 5);
    start(&SHOP_CACHE);
    then_soon(&shop_seen.gaps, 1);
    sell(1, 7, "EUR");
    then_soon(&shop_seen.handled, 7);
}
END_TEST

START_TEST(a_cache_that_cannot_follow_an_event_is_told_of_a_gap)
{
    start(&SHOP_CACHE);
    then_soon(&shop_seen.gaps, 1);
    sell(1, 1, "BAD");
    then_soon(&shop_seen.gaps, 2);
    sell(1, 1, "EUR");
    then_soon(&shop_seen.handled, 1);
}
END_TEST

START_TEST(a_view_gives_up_a_record_after_its_attempts)
{
    start(&SHOP_VIEW);
    sell(1, 1, "BAD");
    then_soon(&shop_seen.refused, 3);
    sell(2, 1, "EUR");
    then_soon(&shop_seen.handled, 1);
    usleep(200 * 1000);
    ck_assert_int_eq(shop_seen.refused, 3);
}
END_TEST

START_TEST(a_view_waits_as_long_as_it_takes)
{
    shop_seen.is_away = true;
    start(&SHOP_VIEW);
    sell(1, 1, "AWY");
    sell(1, 1, "AWY");
    usleep(500 * 1000);
    ck_assert_int_eq(shop_seen.handled, 0);
    shop_seen.is_away = false;
    then_soon(&shop_seen.handled, 2);
}
END_TEST

/* Who then waits for an answer owns a partition that it never reads. */
START_TEST(a_coordinator_that_refuses_offsets_is_asked_again)
{
    enum { OFFSET_FETCH = 9, REFUSALS = 3 };
    struct produced record = {
        .id = uuid_v7(), .key = uuid_v7(), .sequence = 1, .type = "common.v1.Money"};

    given_mock();
    rd_kafka_mock_push_request_errors(
        mock.cluster, OFFSET_FETCH, REFUSALS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    world_produce(w, &record);
    start(&SHOP_VIEW);
    then_soon(&shop_seen.handled, 1);
}
END_TEST

Suite *stateless_suite(void)
{
    Suite *suite = suite_create("stateless");
    TCase *tests = tcase_create("stateless");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_cache_hears_what_happens_after_its_first_gap);
    tcase_add_test(tests, a_cache_that_cannot_follow_an_event_is_told_of_a_gap);
    tcase_add_test(tests, a_view_gives_up_a_record_after_its_attempts);
    tcase_add_test(tests, a_view_waits_as_long_as_it_takes);
    tcase_add_test(tests, a_coordinator_that_refuses_offsets_is_asked_again);
    suite_add_tcase(suite, tests);
    return suite;
}
