/* crowd.h - many clients at once: what a race needs besides a running shop. */
#pragma once

#include "given.h"

/* A case for the shop with two of everything. Each test is followed by tests/invariants. */
TCase *race_case(Suite *suite, const char *name);

/* What client `number` does. `arena` is its own until the test ends, `race` is everybody's. */
typedef void crowd_act(int number, void *race);

/* `count` clients, each a thread with a connection, to one gateway after the other in turn. They
 * connect, wait for each other, act at once; returns when all are done: the time in microseconds
 * from the start to the last answer. */
int64_t crowd(int count, crowd_act *act, void *race);
/* The same for preparations: a few clients share the numbers 0 .. count-1. */
void crowd_share(int count, crowd_act *act, void *race);

/* Prints how many requests came to which answer, how long it took and the latencies. */
void crowd_report(const char *what, const struct answer *answers, int count, int64_t took_us);
/* How many answers have this status, and this problem reason; NULL: any. */
int count_answers(const struct answer *answers, int count, long status, const char *reason);
/* Every answer is one of these {status, reason}, the reason NULL where there is none; the table
 * ends with status 0. Otherwise the test fails and prints the first stranger. */
struct expected_answer {
    long status;
    const char *reason;
};
void then_only(const struct answer *answers, int count, const struct expected_answer *expected);

/* A pause of 0 to `max_us`, by chance: what meets at once meets differently in every round. */
void hesitate(int64_t max_us);
