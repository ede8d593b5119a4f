/* carts.h - the drafts in Redis, and the events that wait in their streams. */
#pragma once

#include "audit.h"

struct cart {
    const char *id, *checkout_id;
    int64_t sequence; /* of its last event */
    int state;        /* cart.v1.CartState */
    int64_t version;
};

struct waiting_event {
    const char *id; /* ce_id */
    const char *stream;
};

struct carts {
    struct cart *carts;
    size_t count;
    struct waiting_event *waiting; /* entries that the relay has not trimmed */
    size_t waiting_count;
};

/* Of this pass; NULL: audit->failure tells why. */
const struct carts *carts_read(struct audit *audit);
