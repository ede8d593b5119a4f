/* reply_cache.h - answers of daemons that change rarely, kept in this process for a while.
 *
 * Thread-safe. An answer read before a flush and put after it is dropped, so an event that says
 * "changed" is never overtaken by what was true before it. */
#pragma once

#include "chassis/ctx.h"

#include <stddef.h>
#include <stdint.h>

struct reply_cache;

struct reply_cache *reply_cache_create(struct arena *arena, int64_t ttl_ms);
void reply_cache_destroy(struct reply_cache *cache); /* accepts NULL */
/* A copy in ctx's arena, or NULL. A miss fills *ret_epoch for the put that follows. */
ProtobufCMessage *reply_cache_get(struct reply_cache *cache, struct ctx *ctx, const char *key,
                                  const ProtobufCMessageDescriptor *descriptor, int64_t *ret_epoch);
void reply_cache_put(struct reply_cache *cache, struct ctx *ctx, const char *key,
                     const ProtobufCMessage *reply, int64_t epoch);
void reply_cache_flush(struct reply_cache *cache);
