/* event.h - what an event is: a kind declared beside the code that publishes it, and its envelope.
 */
#pragma once

#include "common/uuid.h"
#include "proto/schema.h"

#include <stdint.h>

/* Its protobuf full name is the CloudEvents type: inventory.v1.StockReserved. */
struct event_kind {
    const char *topic; /* <domain>.<aggregate>.events.v1 */
    const struct message_schema *body;
    const char *key_doc; /* what the 16 key bytes are: "stock item id" */
};

/* CloudEvents 1.0 binary-mode attributes as read from a record's headers. Strings live in the
 * arena. */
struct event {
    struct uuid id;
    const char *type;
    struct uuid key;  /* of the aggregate that `sequence` numbers */
    int64_t sequence; /* 1, 2, 3 ... per key and topic */
    int64_t occurred_at_us;
    const char *correlation_id; /* or NULL */
    const char *actor;          /* or NULL */
    const char *trace_parent;   /* W3C, or NULL */
    const char *topic;
    int32_t partition;
    int64_t offset;
};
