/* watch_schemas.h - every message of every events.proto and commands.proto; see CMakeLists.txt. */
#pragma once

#include "proto/schema.h"

extern const struct message_schema *const WATCH_SCHEMAS[]; /* ends with NULL */
