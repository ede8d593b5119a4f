/* limits_test.c - how often a stranger may knock: rates in a real Redis, through the real port. No
 * daemon stands behind the gateway here, so whoever is let through is answered 503. */
#include "peer.h"
#include "world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct service GATEWAY;

static int port;

static void start(void)
{
    static const char *const CALLED[] = {"CATALOG", "PRICING", "INVENTORY", "MARKETING",
                                         "CART",    "ORDER",   "CUSTOMER",  "PLATFORM"};
    for (size_t i = 0; i < ARRAY_LEN(CALLED); i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%s_URL", CALLED[i]);
        world_setenv(name, "http://127.0.0.1:1");
    }
    world_setenv("GATEWAY_BOOTSTRAP_KEY", "torg_first");
    port = world_port(world_start(&GATEWAY));
}

static void start_limited(const char *rate)
{
    world_setenv("GATEWAY_LIMITS_REDIS_URL", world_redis_url());
    world_setenv("GATEWAY_STOREFRONT_RATE", rate);
    start();
}

static int ask_with(const char *path, const char *headers, struct answer *ret_answer)
{
    char request[1024];
    (void)snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", path, headers);
    peer_ask(port, request, ret_answer);
    return ret_answer->status;
}

static int ask(const char *path, const char *headers)
{
    struct answer answer;
    return ask_with(path, headers, &answer);
}

static const char OPEN[] = "/.well-known/jwks.json";

START_TEST(an_address_has_half_a_minutes_worth_at_once)
{
    struct answer answer;
    start_limited("6");

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ask(OPEN, ""), 503);
    ck_assert_int_eq(ask_with(OPEN, "", &answer), 429);

    ck_assert_ptr_nonnull(strstr(answer.text, "Retry-After: 10\r\n"));
    ck_assert_ptr_nonnull(strstr(answer.text, "\"reason\":\"RATE_LIMITED\""));
}
END_TEST

START_TEST(what_is_refused_costs_nothing)
{
    struct answer answer;
    start_limited("6");
    for (int i = 0; i < 20; i++)
        (void)ask(OPEN, "");

    ck_assert_int_eq(ask_with(OPEN, "", &answer), 429);

    ck_assert_ptr_nonnull(strstr(answer.text, "Retry-After: 10\r\n"));
}
END_TEST

START_TEST(zero_is_no_limit)
{
    start_limited("0");

    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(ask(OPEN, ""), 503);
}
END_TEST

static atomic_int admitted;

static void *knock(void *unused)
{
    for (int i = 0; i < 10; i++)
        if (ask(OPEN, "") != 429)
            admitted++;
    return unused;
}

START_TEST(a_crowd_gets_no_more_than_one_caller)
{
    pthread_t callers[8];
    start_limited("40"); /* 20 at once, one more every 1.5 s */
    admitted = 0;

    for (size_t i = 0; i < ARRAY_LEN(callers); i++)
        ck_assert_int_eq(pthread_create(&callers[i], NULL, knock, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(callers); i++)
        (void)pthread_join(callers[i], NULL);

    ck_assert_int_ge(admitted, 20);
    ck_assert_int_le(admitted, 22);
}
END_TEST

START_TEST(behind_an_edge_each_client_has_its_own)
{
    world_setenv("GATEWAY_TRUST_FORWARDED", "true");
    start_limited("2");

    ck_assert_int_eq(ask(OPEN, "X-Forwarded-For: 192.0.2.1\r\n"), 503);
    ck_assert_int_eq(ask(OPEN, "X-Forwarded-For: 192.0.2.1\r\n"), 429);
    ck_assert_int_eq(ask(OPEN, "X-Forwarded-For: 192.0.2.2\r\n"), 503);
    /* What the client claims stands in front of what the edge saw. */
    ck_assert_int_eq(ask(OPEN, "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n"), 429);
}
END_TEST

START_TEST(without_an_edge_nobody_is_believed)
{
    world_setenv("GATEWAY_TRUST_FORWARDED", "false");
    start_limited("2");

    ck_assert_int_eq(ask(OPEN, "X-Forwarded-For: 192.0.2.1\r\n"), 503);
    ck_assert_int_eq(ask(OPEN, "X-Forwarded-For: 192.0.2.2\r\n"), 429);
}
END_TEST

START_TEST(without_redis_everybody_is_let_through_and_counted)
{
    struct answer answer;
    world_setenv("GATEWAY_LIMITS_REDIS_URL", "redis://127.0.0.1:1");
    world_setenv("GATEWAY_STOREFRONT_RATE", "2");
    start();

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ask(OPEN, ""), 503);

    ck_assert_int_eq(ask_with("/metrics", "", &answer), 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "gateway_rate_unchecked_total 3\n"));
}
END_TEST

START_TEST(guessing_api_keys_is_slow)
{
    world_setenv("GATEWAY_ACCOUNT_RATE", "6");
    start_limited("0");

    for (int i = 0; i < 3; i++) /* platform would be asked */
        ck_assert_int_eq(ask("/admin/v1/products", "Authorization: Bearer torg_guess\r\n"), 503);
    ck_assert_int_eq(ask("/admin/v1/products", "Authorization: Bearer torg_other\r\n"), 429);
    ck_assert_int_eq(ask("/admin/v1/products", "Authorization: Bearer torg_first\r\n"), 503);
}
END_TEST

START_TEST(an_api_key_has_a_rate_of_its_own)
{
    world_setenv("GATEWAY_ADMIN_RATE", "2");
    start_limited("0");

    ck_assert_int_eq(ask("/admin/v1/products", "Authorization: Bearer torg_first\r\n"), 503);
    ck_assert_int_eq(ask("/admin/v1/products", "Authorization: bearer torg_first\r\n"), 429);
}
END_TEST

static const struct {
    const char *path, *headers;
    int status;
    const char *reason;
} REFUSED[] = {
    {"/admin/v1/products", "", 401, "API_KEY_REQUIRED"},
    {"/admin/v1/products", "Authorization: Basic YTpi\r\n", 401, "API_KEY_REQUIRED"},
    {"/admin/v1/products", "Authorization: Bearer \r\n", 401, "API_KEY_REQUIRED"},
    {"/store/v1/context", "", 401, "PUBLISHABLE_KEY_REQUIRED"},
    {"/store/v1/account", "Authorization: Bearer torg_first\r\n", 401, "PUBLISHABLE_KEY_REQUIRED"},
    {"/store/v1/nothing", "", 404, "ROUTE_NOT_FOUND"},
    {"/store/v1/checkouts", "", 405, "METHOD_NOT_ALLOWED"},
    {"/admin/v1/parked-events?service=moon", "Authorization: Bearer torg_first\r\n", 404,
     "SERVICE_UNKNOWN"},
};

START_TEST(who_may_not_is_told_why)
{
    struct answer answer;
    start_limited("0");

    ck_assert_int_eq(ask_with(REFUSED[_i].path, REFUSED[_i].headers, &answer), REFUSED[_i].status);
    ck_assert_ptr_nonnull(strstr(answer.text, REFUSED[_i].reason));
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&GATEWAY, NULL};
    Suite *suite = suite_create("gateway limits");
    TCase *limits = world_case(suite, "limits");

    tcase_add_test(limits, an_address_has_half_a_minutes_worth_at_once);
    tcase_add_test(limits, what_is_refused_costs_nothing);
    tcase_add_test(limits, zero_is_no_limit);
    tcase_add_test(limits, a_crowd_gets_no_more_than_one_caller);
    tcase_add_test(limits, behind_an_edge_each_client_has_its_own);
    tcase_add_test(limits, without_an_edge_nobody_is_believed);
    tcase_add_test(limits, without_redis_everybody_is_let_through_and_counted);
    tcase_add_test(limits, guessing_api_keys_is_slow);
    tcase_add_test(limits, an_api_key_has_a_rate_of_its_own);
    tcase_add_loop_test(limits, who_may_not_is_told_why, 0, ARRAY_LEN(REFUSED));
    return world_run(suite, SERVICES);
}
