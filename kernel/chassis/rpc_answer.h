/* rpc_answer.h - the head of an HTTP/1.1 answer to one of our POSTs; pure, private to the chassis.
 */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rpc_head {
    RPC_HEAD_PARTIAL, /* more bytes are needed */
    RPC_HEAD_WHOLE,
    RPC_HEAD_BROKEN, /* no answer that we understand */
};

struct rpc_answer {
    size_t head_length; /* with interim answers (1xx) before it */
    int status;
    const char *content_type; /* NULL: none */
    int64_t body_length;      /* -1: until the peer closes */
    bool is_kept;             /* the connection takes another request */
};

enum rpc_head rpc_answer_parse(struct arena *arena, const char *data, size_t length,
                               struct rpc_answer *ret_answer);
