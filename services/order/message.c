/* message.c - values of rows as values of messages. */
#include "order.h"

#include "chassis/wire.h"

Common__V1__Money *message_money(struct ctx *ctx, int64_t minor, const char *currency_code)
{
    return wire_money(ctx->arena, money_of(minor, currency_code));
}

const char *message_id(struct ctx *ctx, struct uuid id)
{
    return uuid_is_nil(id) ? "" : uuid_text(ctx->arena, id);
}

struct uuid message_uuid(const char *text)
{
    struct uuid id = {{0}};

    (void)uuid_parse(text, &id); // "" leaves it nil
    return id;
}

void *message_unpack(struct ctx *ctx, const ProtobufCMessageDescriptor *descriptor,
                     struct db_bytes bytes)
{
    if (bytes.data == NULL)
        return NULL;
    return protobuf_c_message_unpack(descriptor, arena_protobuf(ctx->arena), bytes.length,
                                     bytes.data);
}
