/* flood_test.c - hundreds of connections that misbehave, at the gateway and at a daemon behind it:
 * honest clients beside them are served all the time, and afterwards nothing is left of it. */
#include "army.h"
#include "peer.h"
#include "probe.h"
#include "request.h"
#include "target.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define POST "POST {path} HTTP/1.1\r\nHost: a\r\n{key}Content-Type: application/json\r\n"
#define GET "GET {path} HTTP/1.1\r\nHost: a\r\n{key}\r\n"
#define METRICS "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct behaviour BEHAVIOURS[] = {
    {.label = "silence"},
    {.label = "idle connections", .opening = GET, .read_bytes = -1},
    {.label = "slow heads",
     .opening = "GET {path} HTTP/1.1\r\n",
     .drip = "A: b\r\n",
     .drip_ms = 300},
    {.label = "slow bodies",
     .opening = POST "Content-Length: 9999\r\n\r\n",
     .drip = " ",
     .drip_ms = 300},
    {.label = "slow chunks",
     .opening = POST "Transfer-Encoding: chunked\r\n\r\n",
     .drip = "1\r\n \r\n",
     .drip_ms = 300},
    {.label = "endless heads", .opening = "GET {path} HTTP/1.1\r\n", .drip = "A: b\r\n{a*8000}"},
    {.label = "huge bodies",
     .opening = POST "Content-Length: 99999999999\r\n\r\n",
     .drip = "{a*8000}",
     .read_bytes = -1},
    {.label = "endless chunk extensions",
     .opening = POST "Transfer-Encoding: chunked\r\n\r\n2;",
     .drip = "{e*8000}"},
    {.label = "answers read slowly",
     .opening = METRICS,
     .repeat = 200,
     .read_bytes = 1,
     .drip_ms = 300},
    {.label = "answers not read", .opening = METRICS, .repeat = 1000000},
    {.label = "pipelines", .opening = GET, .repeat = 100, .read_bytes = -1},
    {.label = "half-closed connections", .opening = GET, .half_closes = true, .read_bytes = -1},
    {.label = "resets", .opening = METRICS, .resets = true},
    {.label = "greetings of TLS",
     .opening = "\x16\x03\x03\x02",
     .drip = "\x16\x03",
     .drip_ms = 300},
    {.label = "nesting",
     .opening = POST "Content-Length: 60000\r\n\r\n{[*60000}",
     .read_bytes = -1},
};
enum {
    BEHAVIOUR_COUNT = sizeof BEHAVIOURS / sizeof BEHAVIOURS[0],
    SIZE = 200, /* of an army; there are 128 workers */
    WARM_MS = 300,
    MARCH_MS = 1500,
    SPARE_DESCRIPTORS = 16,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GROWTH_KIB = 512 * 1024, /* freed memory waits in quarantine */
#else
    GROWTH_KIB = 16 * 1024,
#endif
};

static struct usage rested[TARGETS]; /* when they have seen everything once */

struct march {
    pthread_t thread;
    const struct target *target;
    struct behaviour behaviour;
    struct request opening, drip;
    int for_ms;
    struct losses losses;
};

static void *march(void *closure)
{
    struct march *m = closure;

    m->losses = army_march(&m->behaviour, m->target->port, SIZE, m->for_ms);
    return NULL;
}

/* One army at each target. */
static struct losses attack(const struct behaviour *behaviour, int for_ms)
{
    struct march marches[TARGETS];
    struct losses sum = {0};

    for (size_t i = 0; i < TARGETS; i++) {
        struct march *m = &marches[i];
        *m = (struct march){.target = &targets[i], .behaviour = *behaviour, .for_ms = for_ms};
        m->opening = request_expand(m->target, behaviour->opening ? behaviour->opening : "");
        m->drip = request_expand(m->target, behaviour->drip ? behaviour->drip : "");
        m->behaviour.opening = m->opening.text;
        m->behaviour.drip = behaviour->drip ? m->drip.text : NULL;
        ck_assert_int_eq(pthread_create(&m->thread, NULL, march, m), 0);
    }
    for (size_t i = 0; i < TARGETS; i++) {
        pthread_join(marches[i].thread, NULL);
        sum.connected += marches[i].losses.connected;
        sum.answered += marches[i].losses.answered;
        free(marches[i].opening.text);
        free(marches[i].drip.text);
    }
    return sum;
}

/* Afterwards every thread has its memory, and what is left counts as rest. */
START_TEST(every_behaviour_once_is_survived)
{
    targets_find();
    for (size_t i = 0; i < TARGETS; i++)
        rested[i] = target_usage(&targets[i]);
    for (size_t i = 0; i < BEHAVIOUR_COUNT; i++)
        (void)attack(&BEHAVIOURS[i], WARM_MS);
    for (size_t i = 0; i < TARGETS; i++) {
        target_settle(&targets[i], rested[i].descriptors + SPARE_DESCRIPTORS);
        rested[i] = target_usage(&targets[i]);
        printf("# %s at rest: %ld KiB, %ld descriptors\n", targets[i].name, rested[i].resident_kib,
               rested[i].descriptors);
    }
}
END_TEST

START_TEST(others_are_served_and_nothing_is_left)
{
    const struct behaviour *behaviour = &BEHAVIOURS[_i];
    struct probes *probes = probes_start();
    struct losses losses = attack(behaviour, MARCH_MS);
    struct served served = probes_stop(probes);

    printf("# %s: %ld connections, %ld answered; beside them %ld served\n", behaviour->label,
           losses.connected, losses.answered, served.answers);
    ck_assert_msg(served.refusals == 0, "%s: %ld refused, such as %s", behaviour->label,
                  served.refusals, served.worst);
    for (size_t i = 0; i < TARGETS; i++) {
        target_settle(&targets[i], rested[i].descriptors + SPARE_DESCRIPTORS);
        long grown = target_usage(&targets[i]).resident_kib - rested[i].resident_kib;
        ck_assert_msg(grown < GROWTH_KIB, "%s: %s has grown by %ld KiB", behaviour->label,
                      targets[i].name, grown);
    }
}
END_TEST

/* Nobody waits for a worker: each may take its time, but no more than that. */
START_TEST(a_slow_connection_ends_within_its_limit_also_when_there_is_room)
{
    static const char *const OPENINGS[] = {"", "GET {path} HTTP/1.1\r\n", "\x16\x03\x03\x02",
                                           POST "Content-Length: 9999\r\n\r\n",
                                           POST "Transfer-Encoding: chunked\r\n\r\n"};
    enum { KINDS = sizeof OPENINGS / sizeof OPENINGS[0], ALL = KINDS * TARGETS };
    int fds[ALL], open = ALL;

    for (int i = 0; i < ALL; i++) {
        struct request request = request_expand(&targets[i % TARGETS], OPENINGS[i / TARGETS]);
        fds[i] = peer_connect(targets[i % TARGETS].port);
        peer_send_n(fds[i], request.text, request.length);
        free(request.text);
    }
    while (open > 0) { /* the suite's time-out is the limit of this */
        open = 0;
        poll(NULL, 0, 500);
        for (int i = 0; i < ALL; i++) {
            struct pollfd poller = {.fd = fds[i], .events = POLLIN | POLLRDHUP};
            if (poll(&poller, 1, 0) == 0 || !(poller.revents & (POLLRDHUP | POLLHUP | POLLERR)))
                open++;
        }
    }
    for (int i = 0; i < ALL; i++)
        close(fds[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile flood");
    TCase *tcase = tcase_create("flood");

    tcase_add_test(tcase, every_behaviour_once_is_survived);
    tcase_add_loop_test(tcase, others_are_served_and_nothing_is_left, 0, BEHAVIOUR_COUNT);
    tcase_add_test(tcase, a_slow_connection_ends_within_its_limit_also_when_there_is_room);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* one case knows what the one before left */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
