/* map.h - a string-keyed hash map in an arena, for the few hundred keys of one request. */
#pragma once

#include "common/arena.h"

#include <stddef.h>

struct map;

/* `expected` sizes the table; it grows. Keys are copied into the arena. Not thread-safe. */
struct map *map_create(struct arena *arena, size_t expected);
void map_set(struct map *map, const char *key, void *value);
void *map_get(const struct map *map, const char *key); /* NULL when absent */
size_t map_count(const struct map *map);
