/* json_known.h - the JSON forms of Timestamp, Duration and Any.
 *
 * google.protobuf.Struct has none here: it is recursive, and no contract of ours holds one. */
#pragma once

#include "common/json.h"

/* Timestamp and Duration as their quoted text; NULL counts as their zero. Values outside their
 * ranges, which validation refuses, are written as the nearest inside. */
void json_put_known(struct buffer *out, enum well_known kind, const ProtobufCMessage *message);

/* Reads the text of one into a fresh message. NULL on success, else what would have been right. */
const char *json_read_known(enum well_known kind, const char *text, size_t length,
                            ProtobufCMessage *message);

/* The schema behind "type.googleapis.com/package.Name"; NULL when it was not registered. */
const struct message_schema *json_any_schema(const char *type_url, size_t length);

/* The message inside; NULL when it is malformed or the arena's limit is reached. */
ProtobufCMessage *json_any_unpack(struct arena *arena, const struct message_schema *schema,
                                  const ProtobufCMessage *any);

/* Fills `any`; false at the arena's limit. */
bool json_any_pack(struct arena *arena, const char *type_url, const ProtobufCMessage *message,
                   ProtobufCMessage *any);

const char *json_any_type_url(const ProtobufCMessage *any);
ProtobufCBinaryData json_any_value(const ProtobufCMessage *any);
