/* arena_grow.h - what the rest of kernel/common needs from an arena beyond its public face. */
#pragma once

#include "common/arena.h"

/* Makes an allocation larger: in place when it is the newest and its block has room, else by
 * copying. The added bytes are not zeroed. `memory` may be NULL with size 0. */
void *arena_grow(struct arena *arena, void *memory, size_t size, size_t new_size);

/* arena_try_alloc() without the zeroing. */
void *arena_try_raw(struct arena *arena, size_t size);
