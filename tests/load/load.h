/* load.h - what to do to a server, and what came of it. */
#pragma once

#include "flow.h"
#include "histogram.h"
#include "rows.h"

#include <netinet/in.h>

enum { STATUSES_MAX = 600, SAVED_MAX = 4 };

struct load {
    const struct flow *flow;
    struct sockaddr_in address;
    const char *headers; /* of every request; CR LF behind each */
    int callers;         /* closed loop: so many, each waits for its flow's end */
    int64_t rate;        /* open loop: flows a second, whoever is still busy; 0: closed */
    int64_t flows_max;   /* 0: until the time is up */
    int64_t warm_us, measure_us;
    struct rows rows;
    bool rows_in_order;      /* else each flow draws one */
    const char *answer_file; /* keeps the last answer's body */
    const char *save_file;   /* keeps values of each finished flow, a row each */
    const char *saved[SAVED_MAX];
};

struct request_result {
    struct histogram times;
    int64_t answer_bytes;
};

struct result {
    struct histogram flows; /* of those that came to their end */
    struct request_result requests[REQUESTS_MAX];
    int64_t done, refused, failed; /* flows */
    int64_t statuses[STATUSES_MAX];
    int64_t bytes_in, bytes_out;
    int64_t first_us, last_us; /* measured flows: first start, last end */
};

/* Runs it to the end on this thread. False when it could not begin. */
bool load_run(const struct load *load, struct result *ret_result);
