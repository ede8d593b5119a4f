/* sellers.c - concurrent writers of outbox rows, and the proof that all of them arrived in order.
 */
#include "common/clock.h"
#include "common/map.h"
#include "world.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITERS_MAX = 32 };

struct sellers {
    struct world *world;
    pthread_t threads[WRITERS_MAX];
    int writers, keys;
    atomic_bool is_stopping;
    atomic_int_fast64_t sold;
    atomic_int next;
};

static void *sell(void *opaque);

struct sellers *sellers_start(struct world *world, int writers, int keys)
{
    struct sellers *sellers = calloc(1, sizeof *sellers);
    char sql[256];

    sellers->world = world;
    sellers->writers = writers;
    sellers->keys = keys;
    snprintf(sql, sizeof sql,
             "INSERT INTO shop.aggregate SELECT md5('key ' || n)::uuid, 0"
             " FROM generate_series(1, %d) AS n ON CONFLICT DO NOTHING",
             keys);
    world_sql(world, sql);
    for (int i = 0; i < writers; i++)
        pthread_create(&sellers->threads[i], NULL, sell, sellers);
    return sellers;
}

int64_t sellers_stop(struct sellers *sellers)
{
    sellers->is_stopping = true;
    for (int i = 0; i < sellers->writers; i++)
        pthread_join(sellers->threads[i], NULL);
    int64_t sold = sellers->sold;
    free(sellers);
    return sold;
}

int64_t then_all_sales_arrived(struct world *world, int seconds)
{
    int64_t committed = world_number(world, "SELECT count(*) FROM shop.outbox");
    int64_t until_us = clock_monotonic_us() + (int64_t)seconds * 1000000;
    struct seen_list seen;
    struct map *ids;
    struct map *lasts;
    int64_t repeated;

    do { /* repetitions fill the count early: look again until every id is there */
        seen = world_read(world, NULL, (size_t)committed, 5);
        ids = map_create(world->ctx.arena, seen.count);
        lasts = map_create(world->ctx.arena, 64);
        repeated = 0;
        for (size_t i = 0; i < seen.count; i++) {
            char id[UUID_TEXT_LENGTH + 1];
            char key[UUID_TEXT_LENGTH + 1];

            uuid_format(seen.items[i].id, id);
            uuid_format(seen.items[i].key, key);
            if (map_get(ids, id) != NULL) {
                repeated++;
                continue;
            }
            map_set(ids, id, world);
            int64_t last = (int64_t)(intptr_t)map_get(lasts, key);
            ck_assert_msg(seen.items[i].sequence == last + 1, "key %s: %lld after %lld", key,
                          (long long)seen.items[i].sequence, (long long)last);
            map_set(lasts, key, (void *)(intptr_t)(last + 1));
        }
    } while ((int64_t)map_count(ids) < committed && clock_monotonic_us() < until_us);
    ck_assert_int_eq((int64_t)map_count(ids), committed);
    return repeated;
}

/* Every third sale has written something before it locks, some are slow, some roll back. */
static void *sell(void *opaque)
{
    struct sellers *sellers = opaque;
    unsigned seed = (unsigned)atomic_fetch_add(&sellers->next, 1) + 1;
    PGconn *db = PQconnectdb(sellers->world->database_url);
    char sql[256];

    snprintf(sql, sizeof sql, "SET shop.topic = '%s'", sellers->world->topic);
    PQclear(PQexec(db, sql));
    while (!sellers->is_stopping) {
        int key = 1 + rand_r(&seed) % sellers->keys;
        const char *pauses[] = {"0", "0", "0.001", "0.01"};
        bool fails = rand_r(&seed) % 20 == 0;

        snprintf(sql, sizeof sql, "SELECT shop.sell(md5('key ' || %d)::uuid, %s, %s)", key,
                 pauses[rand_r(&seed) % 4], fails ? "true" : "false");
        PGresult *result = PQexec(db, sql);
        if (PQresultStatus(result) == PGRES_TUPLES_OK)
            sellers->sold++;
        PQclear(result);
    }
    PQfinish(db);
    return NULL;
}
