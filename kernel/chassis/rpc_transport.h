/* rpc_transport.h - POST to one address over a bounded pool of kept connections; libcurl inside.
 * Private to the chassis. */
#pragma once

#include "chassis/ctx.h"
#include "common/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc_pool; /* thread-safe */

struct rpc_pool *rpc_pool_open(struct arena *arena, const char *url, int64_t connections_max);
void rpc_pool_close(struct rpc_pool *pool);
/* Until a connection is free, which somebody else may take; false when the deadline came first. */
bool rpc_pool_wait(struct rpc_pool *pool, int64_t deadline_us);

enum transfer_result {
    TRANSFER_ANSWERED = 1,
    TRANSFER_NOT_SENT, /* certainly */
    TRANSFER_LOST,     /* it may have been received */
    TRANSFER_TIMED_OUT,
};

struct rpc_transfer {
    const char *path;
    const char *headers[10]; /* lines: "Content-Type: application/proto" */
    size_t header_count;
    const void *body;
    size_t body_length;
    int64_t deadline_us;
    bool may_resend; /* when a kept connection turns out to be closed after something was sent */

    bool is_done;
    enum transfer_result result;
    const char *error; /* static */
    int http_status;
    const char *content_type;
    struct buffer answer;

    struct rpc_slot *slot; /* private */
};

/* False when every connection of the pool is in use; nothing happened then. */
bool rpc_transfer_start(struct ctx *ctx, struct rpc_pool *pool, struct rpc_transfer *transfer);
/* Until at least one of them is done; it has given its connection back. */
void rpc_transfer_wait(struct ctx *ctx, struct rpc_transfer *const *transfers, size_t count);
