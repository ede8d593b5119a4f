/* json_value.h - one JSON scalar as the value of a protobuf field. */
#pragma once

#include "json_scan.h"

extern const char JSON_TOO_LARGE[]; /* what is wanted when the arena's limit is reached */

/* Stores the value at `at`, which has room for one item of the field. NULL on success, else what
 * the field may hold, in static or arena storage. */
const char *json_read_scalar(struct arena *arena, const struct json_scan *scan,
                             enum json_event event, const ProtobufCFieldDescriptor *field,
                             void *at);

/* The key of a map's entry: text as it is, integers and booleans out of their quotes. */
const char *json_read_key(struct arena *arena, struct json_slice key,
                          const ProtobufCFieldDescriptor *field, void *at);
