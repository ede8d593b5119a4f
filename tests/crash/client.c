/* client.c - a client that does not give up. */
#include "client.h"

#include "common/clock.h"

#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, PAUSE_US = 50000 };

struct answer insist(struct answer (*ask)(const void *what), const void *what)
{
    int64_t deadline_us = clock_monotonic_us() + PATIENCE_MS * INT64_C(1000);

    for (;;) {
        struct answer answer = patiently(ask, what);
        if (answer.status != 202 && !is_passing(answer))
            return answer;
        ck_assert_msg(clock_monotonic_us() < deadline_us,
                      "no final answer within %d s; the last one: %ld %s", PATIENCE_MS / 1000,
                      answer.status, answer.text);
        usleep(PAUSE_US);
    }
}

struct answer await(const char *path, const char *member, const char *wanted)
{
    int64_t deadline_us = clock_monotonic_us() + PATIENCE_MS * INT64_C(1000);

    for (;;) {
        struct answer answer = store("GET", path, NULL, NULL);
        const struct json_node *node = answer.body == NULL ? NULL : node_at(answer, member);
        if (node != NULL && node->text != NULL && strcmp(node->text, wanted) == 0)
            return answer;
        ck_assert_msg(clock_monotonic_us() < deadline_us,
                      "%s of %s did not become %s within %d s; the last answer: %ld %s", member,
                      path, wanted, PATIENCE_MS / 1000, answer.status, answer.text);
        if (is_passing(answer))
            shop_turn();
        usleep(PAUSE_US);
    }
}
