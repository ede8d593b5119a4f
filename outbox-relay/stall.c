/* stall.c - an event that is not delivered while others are.
 *
 * A broker that is away stalls everything, and comes back. But librdkafka (2.0.2) once kept the
 * first events of a topic for minutes, until somebody produced to that topic again, while it
 * delivered those of other topics. So who waits for long is helped: first the broker is asked where
 * the topics are, and if that does not do it the session is begun anew, which sends again what was
 * not confirmed. */
#include "relay.h"

#include "common/clock.h"

enum { SLOW_US = 3 * 1000 * 1000, ASK_INTERVAL_US = 5 * 1000 * 1000 };

struct status stall_watch(struct relay *relay)
{
    for (int i = 0; i < SOURCES; i++) {
        if (relay->sources[i] == NULL)
            continue;
        const int64_t now_us = clock_monotonic_us();
        const int64_t stalled_us = window_stalled_us(&relay->sources[i]->window, now_us);
        if (stalled_us > SLOW_US && now_us >= relay->ask_at_us) {
            publisher_ask(relay->publisher);
            relay->ask_at_us = clock_monotonic_us() + ASK_INTERVAL_US;
        }
        if (stalled_us > relay->stall_ms * 1000 && now_us - relay->delivered_at_us < SLOW_US)
            return ctx_fail(&relay->ctx, &RELAY_FAILED,
                            "an event waits for %lld s while others are delivered",
                            (long long)(stalled_us / 1000000));
    }
    return status_ok();
}
