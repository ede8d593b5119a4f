/* probe.h - honest clients that go on shopping while others misbehave. */
#pragma once

struct probes;

struct served {
    long answers;    /* 200 */
    long refusals;   /* anything else, and no answer at all */
    char worst[256]; /* of the refusals */
};

/* One client reads the product list on a connection it keeps, one on a new connection each time,
 * and one asks the back office for warehouses, which the gateway asks of inventory. */
struct probes *probes_start(void);
struct served probes_stop(struct probes *probes);
