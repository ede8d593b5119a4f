/* example.h - one example per event, in tests/contract/events/<full name>.json: what a producer's
 * test must produce and a consumer's test must accept. */
#pragma once

#include "common/arena.h"
#include "proto/schema.h"

/* The newest event of this type in the outbox of that database schema is the example, but for ids
 * and times: equal ids in the one are equal ids in the other. A missing example fails; with
 * TORG_WRITE_EXAMPLES=1 it is written instead. */
void then_published_as_example(const char *schema, const struct message_schema *body);

/* The same of a payload that the caller found, in a stream for example. */
void then_payload_as_example(const struct message_schema *body, const void *payload, size_t length);

/* The example as a message in the arena, for a consumer's test. Fails when there is none. */
const void *example_of(struct arena *arena, const struct message_schema *body);
