/* handles.h - which products a file has had already: eight bytes for each. */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum { HANDLES_MAX = 1 << 20 };

struct handles;

struct handles *handles_create(struct arena *arena);
/* False when it was there. Up to HANDLES_MAX of them. */
bool handles_add(struct handles *handles, const char *handle);
size_t handles_count(const struct handles *handles);
