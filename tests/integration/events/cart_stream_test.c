/* cart_stream_test.c - the cart's streams, which live in Redis, through the same relay. */
#include "common/clock.h"
#include "common/map.h"
#include "events/headers.h"
#include "suites.h"
#include "world.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHARDS = 64, DATABASE = 9 };

static struct world *w;
static redisContext *redis;
static char url_setting[200];
static const char *settings[] = {url_setting, NULL};

static void set_up(void)
{
    char host[64] = "";
    char password[100] = "";
    int port = 0;
    const char *url = world_redis_url();

    w = world_create();
    if (sscanf(url, "redis://:%99[^@]@%63[^:]:%d", password, host, &port) != 3)
        ck_assert_int_eq(sscanf(url, "redis://%63[^:]:%d", host, &port), 2);
    redis = redisConnect(host, port);
    if (password[0] != '\0')
        freeReplyObject(redisCommand(redis, "AUTH %s", password));
    freeReplyObject(redisCommand(redis, "SELECT %d", DATABASE));
    freeReplyObject(redisCommand(redis, "FLUSHDB"));
    snprintf(url_setting, sizeof url_setting, "RELAY_CART_REDIS_URL=redis://%s%s%s%s:%d/%d",
             password[0] != '\0' ? ":" : "", password, password[0] != '\0' ? "@" : "", host, port,
             DATABASE);
}

static void tear_down(void)
{
    freeReplyObject(redisCommand(redis, "FLUSHDB"));
    redisFree(redis);
    world_destroy(w);
}

/* As the cart's script does. */
static void append(int shard, struct uuid key, int64_t sequence)
{
    char id[UUID_TEXT_LENGTH + 1];
    char number[24];
    struct buffer headers;

    ctx_renew(&w->ctx, 60000);
    buffer_init(&headers, w->ctx.arena, 128);
    uuid_format(uuid_v7(), id);
    snprintf(number, sizeof number, "%020lld", (long long)sequence);
    headers_append(&headers, "ce_specversion", "1.0");
    headers_append(&headers, "ce_id", id);
    headers_append(&headers, "ce_type", "common.v1.Money");
    headers_append(&headers, "ce_sequence", number);
    redisReply *reply = redisCommand(
        redis, "XADD cart:{c%02d}:events * topic %s key %b headers %b payload %b", shard, w->topic,
        key.bytes, sizeof key.bytes, headers.data, headers.length, "", (size_t)0);
    ck_assert_int_eq(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
}

static int64_t left_in_streams(void)
{
    int64_t total = 0;

    for (int i = 0; i < SHARDS; i++) {
        redisReply *reply = redisCommand(redis, "XLEN cart:{c%02d}:events", i);
        total += reply->integer;
        freeReplyObject(reply);
    }
    return total;
}

/* Distinct ids; each key's first occurrences in sequence. */
static size_t distinct(struct seen_list seen)
{
    struct map *ids = map_create(w->ctx.arena, seen.count);
    struct map *lasts = map_create(w->ctx.arena, SHARDS);

    for (size_t i = 0; i < seen.count; i++) {
        char id[UUID_TEXT_LENGTH + 1];
        char key[UUID_TEXT_LENGTH + 1];

        uuid_format(seen.items[i].id, id);
        uuid_format(seen.items[i].key, key);
        if (map_get(ids, id) != NULL)
            continue;
        map_set(ids, id, w);
        int64_t last = (int64_t)(intptr_t)map_get(lasts, key);
        ck_assert_int_eq(seen.items[i].sequence, last + 1);
        map_set(lasts, key, (void *)(intptr_t)(last + 1));
    }
    return map_count(ids);
}

START_TEST(entries_of_all_shards_arrive_and_are_trimmed)
{
    world_relay(w, settings);
    for (int i = 0; i < 5 * SHARDS; i++)
        append(i % SHARDS, uuid_derive_n((struct uuid){{1}}, "cart", i % SHARDS), 1 + i / SHARDS);

    struct seen_list seen = world_read(w, NULL, 5 * SHARDS, 20);
    ck_assert_uint_eq(seen.count, 5 * SHARDS);
    ck_assert_uint_eq(distinct(seen), 5 * SHARDS);
    for (int i = 0; i < 100 && left_in_streams() > 0; i++)
        usleep(50 * 1000);
    ck_assert_int_eq(left_in_streams(), 0);
}
END_TEST

START_TEST(a_killed_relay_resumes_the_streams)
{
    unsigned seed = (unsigned)clock_now_us();
    int64_t next[SHARDS] = {0};
    size_t appended = 0;

    for (int round = 0; round < 5; round++) {
        pid_t relay = world_relay(w, settings);
        int64_t until_us = clock_monotonic_us() + 200000 + rand_r(&seed) % 400000;
        while (clock_monotonic_us() < until_us) {
            int shard = rand_r(&seed) % SHARDS;
            append(shard, uuid_derive_n((struct uuid){{1}}, "cart", shard), ++next[shard]);
            appended++;
        }
        world_signal(w, relay, SIGKILL);
        world_reap(w, relay);
    }
    world_relay(w, settings);
    size_t found = 0;
    for (int i = 0; i < 10 && found < appended; i++)
        found = distinct(world_read(w, NULL, appended, 3));
    ck_assert_uint_eq(found, appended);
}
END_TEST

START_TEST(outboxes_go_on_while_redis_is_away)
{
    static const char *const NOBODY[] = {"RELAY_CART_REDIS_URL=redis://127.0.0.1:1", NULL};

    world_relay(w, NOBODY);
    world_publish(w, (struct shop_sale){.key = uuid_v7(), .first = 1, .count = 3});
    ck_assert_uint_eq(world_read(w, NULL, 3, 15).count, 3);
}
END_TEST

Suite *cart_stream_suite(void)
{
    Suite *suite = suite_create("cart streams");
    TCase *tests = tcase_create("cart streams");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, entries_of_all_shards_arrive_and_are_trimmed);
    tcase_add_test(tests, a_killed_relay_resumes_the_streams);
    tcase_add_test(tests, outboxes_go_on_while_redis_is_away);
    suite_add_tcase(suite, tests);
    return suite;
}
