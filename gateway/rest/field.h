/* field.h - reading and writing a message's fields by name, for what a table cannot know by type.
 */
#pragma once

#include "chassis/ctx.h"
#include "proto/schema.h"

#include <stdbool.h>
#include <stdint.h>

/* A message of the schema with every field at its default, in the arena. */
ProtobufCMessage *field_new_message(struct arena *arena, const struct message_schema *schema);

/* By proto name or JSON name; NULL when there is none. */
const ProtobufCFieldDescriptor *field_find(const struct message_schema *schema, const char *name);
const struct field_schema *field_schema_of(const struct message_schema *schema,
                                           const ProtobufCFieldDescriptor *field);

/* Sets a scalar from text as a path or a query carries it; `path` may be dotted, and the messages
 * on the way are made. False: there is no such field, or the text is not of its type; *ret_allowed
 * says which, in words. A repeated field gets one more element per call. */
bool field_set_text(struct arena *arena, const struct message_schema *schema,
                    ProtobufCMessage *message, const char *path, const char *text,
                    const char **ret_allowed);
void field_set_message(const struct message_schema *schema, ProtobufCMessage *message,
                       const char *name, ProtobufCMessage *value);
/* The version of the message, or of the first message in it that has one; 0 when none has. */
int64_t field_version(const struct message_schema *schema, const ProtobufCMessage *message);
