/* crowd.c - many clients at once, each a thread with an arena and a connection of its own. */
#include "crowd.h"
#include "outcome.h"

#include "common/clock.h"
#include "common/str.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    CLIENTS_MAX = 512,
    ARENAS_MAX = 4096,
    SHARING = 12,
    KINDS_MAX = 32,
    ARENA_BYTES = 64 * 1024 * 1024
};

struct crowd {
    int client_count, count;
    crowd_act *act;
    void *race;
    pthread_barrier_t start;
};

struct client {
    pthread_t thread;
    struct crowd *crowd;
    struct arena *arena;
    int number;
    int64_t begun_us, ended_us;
};

/* What clients were answered lives as long as the test that sent them. */
static struct {
    struct arena *items[ARENAS_MAX];
    int count;
} arenas;

static void forget(void)
{
    while (arenas.count > 0)
        arena_destroy(arenas.items[--arenas.count]);
}

TCase *race_case(Suite *suite, const char *name)
{
    TCase *tcase = shop_case(suite, name);
    tcase_add_checked_fixture(tcase, NULL, forget);
    tcase_add_checked_fixture(tcase, race_begins, then_invariants_hold);
    return tcase;
}

static void *run(void *closure)
{
    struct client *client = closure;
    struct crowd *crowd = client->crowd;

    shop_connect(client->arena, client->number);
    pthread_barrier_wait(&crowd->start);
    client->begun_us = clock_monotonic_us();
    for (int i = client->number; i < crowd->count; i += crowd->client_count)
        crowd->act(i, crowd->race);
    client->ended_us = clock_monotonic_us();
    shop_disconnect();
    return NULL;
}

static int64_t send(struct crowd *crowd)
{
    static struct client clients[CLIENTS_MAX];
    int64_t begun_us = INT64_MAX, ended_us = 0;

    ck_assert_int_le(crowd->client_count, CLIENTS_MAX);
    ck_assert_int_le(arenas.count + crowd->client_count, ARENAS_MAX);
    pthread_barrier_init(&crowd->start, NULL, (unsigned)crowd->client_count);
    for (int i = 0; i < crowd->client_count; i++) {
        struct arena *own = arenas.items[arenas.count++] = arena_create(ARENA_BYTES);
        clients[i] = (struct client){.crowd = crowd, .arena = own, .number = i};
        ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, run, &clients[i]), 0);
    }
    for (int i = 0; i < crowd->client_count; i++) {
        pthread_join(clients[i].thread, NULL);
        begun_us = clients[i].begun_us < begun_us ? clients[i].begun_us : begun_us;
        ended_us = clients[i].ended_us > ended_us ? clients[i].ended_us : ended_us;
    }
    pthread_barrier_destroy(&crowd->start);
    return ended_us - begun_us;
}

int64_t crowd(int count, crowd_act *act, void *race)
{
    struct crowd all = {.client_count = count, .count = count, .act = act, .race = race};
    return send(&all);
}

void crowd_share(int count, crowd_act *act, void *race)
{
    struct crowd few = {.client_count = SHARING, .count = count, .act = act, .race = race};
    send(&few);
}

static int by_time(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static const char *reason_of(struct answer answer)
{
    const struct json_node *node = node_at(answer, "reason");
    if (answer.status == 0)
        return answer.text;
    return answer.status >= 400 && node != NULL ? node->text : NULL;
}

static bool is_alike(struct answer answer, long status, const char *reason)
{
    return answer.status == status && (reason == NULL || str_equal(reason_of(answer), reason));
}

int count_answers(const struct answer *answers, int count, long status, const char *reason)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += is_alike(answers[i], status, reason);
    return found;
}

/* Each kind of answer once, by its first. */
static void print_kinds(const struct answer *answers, int count)
{
    for (int i = 0; i < count; i++) {
        const char *reason = reason_of(answers[i]);
        if (count_answers(answers, i, answers[i].status, reason) == 0)
            printf("    %4d x %ld %s\n", count_answers(answers, count, answers[i].status, reason),
                   answers[i].status, str_or_empty(reason));
    }
}

void crowd_report(const char *what, const struct answer *answers, int count, int64_t took_us)
{
    int64_t *times = arena_array(arena, int64_t, (size_t)count);
    for (int i = 0; i < count; i++)
        times[i] = answers[i].took_us;
    qsort(times, (size_t)count, sizeof *times, by_time);
    printf("%s: %d in %" PRId64 " ms, %" PRId64 "/s, p50 %" PRId64 " ms, p99 %" PRId64 " ms\n",
           what, count, took_us / 1000, count * INT64_C(1000000) / took_us, times[count / 2] / 1000,
           times[count * 99 / 100] / 1000);
    print_kinds(answers, count);
    fflush(stdout);
}

static bool is_expected(struct answer answer, const struct expected_answer *expected)
{
    for (; expected->status != 0; expected++)
        if (is_alike(answer, expected->status, expected->reason))
            return true;
    return false;
}

void then_only(const struct answer *answers, int count, const struct expected_answer *expected)
{
    for (int i = 0; i < count; i++)
        ck_assert_msg(is_expected(answers[i], expected), "client %d was answered %ld: %s", i,
                      answers[i].status, answers[i].text);
}

void hesitate(int64_t max_us)
{
    uint32_t chance = 0;
    ck_assert_int_eq(getrandom(&chance, sizeof chance, 0), sizeof chance);
    usleep((useconds_t)(chance % (max_us + 1)));
}
