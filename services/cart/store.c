/* store.c - the draft in Redis: one hash a cart, one stream and one set a shard.
 *
 * The hash tag {cNN} keeps a cart, its shard's events and its shard's set on one node of a cluster,
 * so the one script that changes them stays atomic. */
#include "cart.h"

#include "cart/v1/service.schema.h"
#include "cart_scripts.h"
#include "chassis/wire.h"
#include "common/clock.h"
#include "common/str.h"

#include <string.h>

const struct error_def CART_NOT_FOUND = {STATUS_NOT_FOUND, "CART_NOT_FOUND",
                                         "create a cart; a draft that nobody touches runs out"};

static const struct redis_script CHANGE = {"change", SCRIPT_CHANGE};

static int shard_of(struct uuid id)
{
    return id.bytes[15] % CART_SHARDS;
}

static const char *cart_key(struct ctx *ctx, struct uuid id)
{
    return arena_printf(ctx->arena, "cart:{c%02d}:%s", shard_of(id), uuid_text(ctx->arena, id));
}

static const char *events_key(struct ctx *ctx, int shard)
{
    return arena_printf(ctx->arena, "cart:{c%02d}:events", shard);
}

static const char *active_key(struct ctx *ctx, int shard)
{
    return arena_printf(ctx->arena, "cart:{c%02d}:active", shard);
}

static struct status unpack(struct ctx *ctx, const struct redis_reply *bytes,
                            const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret)
{
    *ret = protobuf_c_message_unpack(descriptor, arena_protobuf(ctx->arena), bytes->length,
                                     (const uint8_t *)bytes->text);
    if (!*ret)
        return ctx_fail(ctx, &ERROR_INTERNAL, "a stored %s does not decode", descriptor->name);
    return status_ok();
}

/* A customer's cart answers to that customer alone, and to who asks on nobody's behalf; to others it
 * is not there. A guest's cart answers to whoever knows its id. */
static bool answers_to(const struct caller *caller, const Cart__V1__Cart *cart)
{
    if (str_is_empty(cart->customer_id))
        return true;
    if (str_starts_with(caller->actor, "customer:"))
        return str_equal(caller->actor + strlen("customer:"), cart->customer_id);
    return !str_equal(caller->actor, "guest");
}

struct status store_load(struct ctx *ctx, struct uuid id, struct draft *ret_draft)
{
    struct cart_daemon *self = ctx_state(ctx);
    struct db_bytes words[] = {redis_arg("HMGET"), redis_arg(cart_key(ctx, id)),
                               redis_arg("s"),     redis_arg("b"),
                               redis_arg("q"),     redis_arg("k")};
    struct redis_reply reply;
    ProtobufCMessage *message;
    struct draft draft = {.id = id, .last_key = ""};

    TRY(redis_command(ctx, self->redis, words, ARRAY_LEN(words), &reply));
    if (reply.items[0].kind == REDIS_NIL)
        return ctx_fail_field(ctx, &CART_NOT_FOUND, "cartId", uuid_text(ctx->arena, id),
                              "the id of a cart");
    if (!str_to_int64(reply.items[0].text, &draft.sequence))
        return ctx_fail(ctx, &ERROR_INTERNAL, "a stored sequence is no number");
    TRY(unpack(ctx, &reply.items[1], &cart__v1__cart__descriptor, &message));
    draft.cart = (Cart__V1__Cart *)(void *)message;
    if (!answers_to(&ctx->caller, draft.cart))
        return ctx_fail_field(ctx, &CART_NOT_FOUND, "cartId", uuid_text(ctx->arena, id),
                              "the id of a cart");
    if (reply.items[2].kind != REDIS_NIL) {
        TRY(unpack(ctx, &reply.items[2], &cart__v1__quote__descriptor, &message));
        draft.frozen_quote = (Cart__V1__Quote *)(void *)message;
    }
    if (reply.items[3].kind != REDIS_NIL)
        draft.last_key = reply.items[3].text;
    *ret_draft = draft;
    return status_ok();
}

static struct db_bytes pack(struct ctx *ctx, const ProtobufCMessage *message)
{
    struct db_bytes packed = {.length = protobuf_c_message_get_packed_size(message)};
    uint8_t *data = arena_alloc(ctx->arena, packed.length);
    protobuf_c_message_pack(message, data);
    packed.data = data;
    return packed;
}

enum { FIXED_ARGS = 8, EVENT_ARGS = 4, EVENTS_MAX = 2 };

static size_t add_events(const struct outbox_record *events, size_t count, struct db_bytes *args)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        args[used++] = redis_arg(events[i].topic);
        args[used++] = (struct db_bytes){events[i].key.bytes, sizeof events[i].key.bytes};
        args[used++] = events[i].headers;
        args[used++] = events[i].payload;
    }
    return used;
}

struct status store_save(struct ctx *ctx, struct draft *draft, const struct outbox_record *events,
                         size_t event_count, bool *ret_is_written)
{
    struct cart_daemon *self = ctx_state(ctx);
    bool is_open = draft->cart->state == CART__V1__CART_STATE__CART_STATE_OPEN;
    bool is_closed = draft->cart->state == CART__V1__CART_STATE__CART_STATE_CLOSED;
    int64_t ttl_ms = is_closed ? self->closed_ttl_ms : self->ttl_ms;
    int shard = shard_of(draft->id);
    struct db_bytes keys[] = {redis_arg(cart_key(ctx, draft->id)),
                              redis_arg(events_key(ctx, shard)), redis_arg(active_key(ctx, shard))};
    struct db_bytes args[FIXED_ARGS + EVENT_ARGS * EVENTS_MAX];
    struct redis_reply reply;

    draft->cart->expire_time = wire_time(ctx->arena, clock_now_us() + ttl_ms * 1000);
    args[0] = redis_arg_int(ctx, draft->sequence);
    args[1] = redis_arg_int(ctx, draft->sequence + 1);
    args[2] = pack(ctx, &draft->cart->base);
    args[3] = draft->frozen_quote ? pack(ctx, &draft->frozen_quote->base) : redis_arg("");
    args[4] = redis_arg(draft->last_key);
    args[5] = redis_arg_int(ctx, ttl_ms);
    args[6] = redis_arg(uuid_text(ctx->arena, draft->id));
    args[7] = redis_arg(is_open && draft->cart->n_lines > 0 && !draft->is_idle ? "1" : "0");
    size_t count = FIXED_ARGS + add_events(events, event_count, args + FIXED_ARGS);
    TRY(redis_eval(ctx, self->redis, &CHANGE, keys, ARRAY_LEN(keys), args, count, &reply));
    *ret_is_written = reply.integer == draft->sequence + 1;
    draft->sequence += *ret_is_written;
    return status_ok();
}

static int64_t redis_now_ms(const struct redis_reply *time)
{
    int64_t seconds = 0, microseconds = 0;
    (void)str_to_int64(time->items[0].text, &seconds);
    (void)str_to_int64(time->items[1].text, &microseconds);
    return seconds * 1000 + microseconds / 1000;
}

/* One question to every shard in one round trip. */
struct status store_find_idle(struct ctx *ctx, int64_t age_ms, size_t limit, struct uuid *ret_ids,
                              size_t *ret_count)
{
    struct cart_daemon *self = ctx_state(ctx);
    struct db_bytes time_word = redis_arg("TIME");
    struct redis_reply time;
    struct redis_call calls[CART_SHARDS];
    struct db_bytes *words = arena_array(ctx->arena, struct db_bytes, CART_SHARDS * 7);
    size_t found = 0;

    TRY(redis_command(ctx, self->redis, &time_word, 1, &time));
    struct db_bytes until = redis_arg_int(ctx, redis_now_ms(&time) - age_ms);
    for (int shard = 0; shard < CART_SHARDS; shard++) {
        struct db_bytes *word = words + shard * 7;
        word[0] = redis_arg("ZRANGEBYSCORE");
        word[1] = redis_arg(active_key(ctx, shard));
        word[2] = redis_arg("-inf");
        word[3] = until;
        word[4] = redis_arg("LIMIT");
        word[5] = redis_arg("0");
        word[6] = redis_arg_int(ctx, (int64_t)limit / CART_SHARDS + 1);
        calls[shard] = (struct redis_call){.args = word, .arg_count = 7};
    }
    TRY(redis_pipeline(ctx, self->redis, calls, CART_SHARDS));
    for (int shard = 0; shard < CART_SHARDS; shard++)
        for (size_t i = 0; i < calls[shard].reply.count && found < limit; i++)
            found += uuid_parse(calls[shard].reply.items[i].text, &ret_ids[found]);
    *ret_count = found;
    return status_ok();
}

struct status store_forget(struct ctx *ctx, struct uuid id)
{
    struct cart_daemon *self = ctx_state(ctx);
    struct db_bytes words[] = {redis_arg("ZREM"), redis_arg(active_key(ctx, shard_of(id))),
                               redis_arg(uuid_text(ctx->arena, id))};
    struct redis_reply reply;
    return redis_command(ctx, self->redis, words, ARRAY_LEN(words), &reply);
}
