/* cache_message.c - messages in a cache: they are kept as they would be sent. */
#include "chassis/cache.h"
#include "chassis/wire.h"

ProtobufCMessage *cache_get_message(struct ctx *ctx, struct cache *cache,
                                    const struct cache_question *question,
                                    const ProtobufCMessageDescriptor *descriptor)
{
    struct db_bytes packed;

    if (!cache_get(ctx, cache, question, &packed))
        return NULL;
    return protobuf_c_message_unpack(descriptor, arena_protobuf(ctx->arena), packed.length,
                                     packed.data);
}

void cache_put_message(struct ctx *ctx, struct cache *cache, const char *key,
                       const ProtobufCMessage *message, struct cache_moments moments)
{
    cache_put(cache, key, wire_pack(ctx->arena, message), moments);
}

struct status cache_ask(struct ctx *ctx, struct cache *cache, const struct cache_question *question,
                        struct rpc_call call, const ProtobufCMessage **ret_reply)
{
    ProtobufCMessage *kept =
        cache_get_message(ctx, cache, question, call.method->reply->descriptor);

    if (!kept) {
        const struct cache_moments moments = {.asked_at_us = cache_now_us(),
                                              .trail = question->trail};
        TRY(rpc_call_one(ctx, &call));
        kept = call.reply;
        cache_put_message(ctx, cache, question->key, kept, moments);
    }
    *ret_reply = kept;
    return status_ok();
}
