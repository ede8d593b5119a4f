/* wire.h - hostile protobuf, made from the schema of the message that it pretends to be. */
#pragma once

#include "common/arena.h"
#include "common/str.h"
#include "proto/schema.h"

#include <stddef.h>
#include <stdint.h>

/* Gets each body; text and bytes live as long as the arena. */
typedef void take_body(void *closure, const char *label, const struct buffer *body);

struct wire {
    struct arena *arena;
    const struct message_schema *schema;
    take_body *take;
    void *closure;
};

/* What is no protobuf at all, whatever the message. */
void wire_broken(const struct wire *wire);
/* Every field, also of messages inside, in an encoding that is not its own: no such message. */
void wire_misfits(const struct wire *wire);
/* Well-formed messages that break a rule: each field's length, range, text, count, enum. */
void wire_breaches(const struct wire *wire);
/* Messages that keep the rules, at their edges, by the seed; what they say need not make sense. */
void wire_plausible(const struct wire *wire, uint64_t seed);
