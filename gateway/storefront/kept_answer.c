/* kept_answer.c - a page costs its parts once, and then one look at the moments of its marks. */
#include "storefront/kept_answer.h"

#include "chassis/cache.h"
#include "common/json.h"
#include "common/str.h"
#include "gateway.h"

static const char *answer_key(struct ctx *ctx, const struct exchange *exchange, const char *what)
{
    const struct visitor *visitor = &exchange->visitor;
    return arena_printf(ctx->arena, "%s:%s:%s:%s:%s:%s:%s:%d:%s", exchange->route->path,
                        visitor->channel_id, str_or_empty(visitor->store_id),
                        visitor->currency_code, str_or_empty(visitor->country_code),
                        visitor->locale, str_or_empty(visitor->customer_group),
                        visitor->prices_include_tax, what);
}

bool kept_answer_find(struct ctx *ctx, struct exchange *exchange, const char *what)
{
    struct gateway *self = ctx_state(ctx);
    struct db_bytes bytes;
    if (!cache_get_whole(ctx, self->cache, answer_key(ctx, exchange, what), &bytes)) {
        exchange->visitor.trail = cache_trail_begin(ctx);
        return false;
    }
    buffer_append(&exchange->answer->body, bytes.data, bytes.length);
    exchange->is_written = true;
    return true;
}

void kept_answer_write(struct ctx *ctx, struct exchange *exchange, const char *what,
                       const ProtobufCMessage *response)
{
    struct gateway *self = ctx_state(ctx);
    struct buffer *body = &exchange->answer->body;
    json_encode(body, route_response(exchange->route), response, true);
    exchange->is_written = true;
    cache_put_whole(self->cache, answer_key(ctx, exchange, what),
                    (struct db_bytes){body->data, body->length}, exchange->visitor.trail);
}
