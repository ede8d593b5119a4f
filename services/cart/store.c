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

/* Where an idempotency key leads, in the shard of the cart that it made. */
static struct uuid key_digest(struct ctx *ctx)
{
    static const struct uuid KEYS = {{0x0a, 0x6d, 0x5c, 0x1e, 0x77, 0x2b, 0x4c, 0x0e, 0x9f, 0x21,
                                      0x3b, 0x55, 0x8d, 0x90, 0xe4, 0x17}};
    const char *name =
        arena_printf(ctx->arena, "%s %s", ctx->caller.actor, ctx_idempotency_key(ctx));
    return uuid_v5(KEYS, name, strlen(name));
}

struct uuid store_new_id(struct ctx *ctx)
{
    struct uuid id = uuid_v7();
    if (ctx_idempotency_key(ctx)) {
        int shard = shard_of(key_digest(ctx));
        id.bytes[15] = (uint8_t)(id.bytes[15] / CART_SHARDS * CART_SHARDS + shard);
    }
    return id;
}

static const char *made_key(struct ctx *ctx)
{
    struct uuid digest = key_digest(ctx);
    return arena_printf(ctx->arena, "cart:{c%02d}:made:%s", shard_of(digest),
                        uuid_text(ctx->arena, digest));
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

/* To a storefront, the carts of another channel are not there: their prices and taxes are not its
 * own. A customer's cart answers to that customer alone, and to who asks on nobody's behalf; to
 * others it is not there. A guest's cart answers to whoever knows its id. */
static bool answers_to(const struct caller *caller, const Cart__V1__Cart *cart)
{
    if (caller->channel_id && !str_equal(caller->channel_id, cart->channel_id))
        return false;
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
        TRY(unpack(ctx, &reply.items[2], &cart__v1__freeze_cart_response__descriptor, &message));
        draft.frozen = (Cart__V1__FreezeCartResponse *)(void *)message;
    }
    if (reply.items[3].kind != REDIS_NIL)
        draft.last_key = reply.items[3].text;
    *ret_draft = draft;
    return status_ok();
}

enum { FIXED_ARGS = 9, EVENT_ARGS = 4, EVENTS_MAX = 2 };

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

/* How long the draft lives on from this write; a sweep's write does not prolong it. */
static struct db_bytes time_to_live(struct ctx *ctx, struct draft *draft)
{
    struct cart_daemon *self = ctx_state(ctx);
    bool is_closed = draft->cart->state == CART__V1__CART_STATE__CART_STATE_CLOSED;
    int64_t ttl_ms = is_closed ? self->closed_ttl_ms : self->ttl_ms;
    if (draft->idle_until_ms != 0)
        return redis_arg("");
    draft->cart->expire_time = wire_time(ctx->arena, clock_now_us() + ttl_ms * 1000);
    return redis_arg_int(ctx, ttl_ms);
}

static void fixed_args(struct ctx *ctx, struct draft *draft, struct db_bytes *args)
{
    bool is_open = draft->cart->state == CART__V1__CART_STATE__CART_STATE_OPEN;
    bool is_idle = draft->idle_until_ms != 0;
    args[5] = time_to_live(ctx, draft);
    args[0] = redis_arg_int(ctx, draft->sequence);
    args[1] = redis_arg_int(ctx, draft->sequence + 1);
    args[2] = wire_pack(ctx->arena, &draft->cart->base);
    args[3] = draft->frozen ? wire_pack(ctx->arena, &draft->frozen->base) : redis_arg("");
    args[4] = redis_arg(draft->last_key);
    args[6] = redis_arg(uuid_text(ctx->arena, draft->id));
    args[7] = redis_arg(is_open && draft->cart->n_lines > 0 && !is_idle ? "1" : "0");
    args[8] = is_idle ? redis_arg_int(ctx, draft->idle_until_ms) : redis_arg("");
}

static struct status run_change(struct ctx *ctx, struct draft *draft,
                                const struct outbox_record *events, size_t event_count,
                                struct redis_reply *ret_reply)
{
    struct cart_daemon *self = ctx_state(ctx);
    int shard = shard_of(draft->id);
    struct db_bytes args[FIXED_ARGS + EVENT_ARGS * EVENTS_MAX];
    struct db_bytes keys[4] = {redis_arg(cart_key(ctx, draft->id)),
                               redis_arg(events_key(ctx, shard)),
                               redis_arg(active_key(ctx, shard))};
    size_t key_count = 3;

    if (draft->sequence == 0 && ctx_idempotency_key(ctx))
        keys[key_count++] = redis_arg(made_key(ctx));
    fixed_args(ctx, draft, args);
    size_t count = FIXED_ARGS + add_events(events, event_count, args + FIXED_ARGS);
    return redis_eval(ctx, self->redis, &CHANGE, keys, key_count, args, count, ret_reply);
}

struct status store_save(struct ctx *ctx, struct draft *draft, const struct outbox_record *events,
                         size_t event_count, bool *ret_is_written)
{
    struct redis_reply reply;
    TRY(run_change(ctx, draft, events, event_count, &reply));
    *ret_is_written = reply.integer == 1;
    draft->sequence += reply.integer;
    return status_ok();
}

struct status store_create(struct ctx *ctx, struct draft *draft, const struct outbox_record *event,
                           bool *ret_is_written)
{
    struct redis_reply reply;
    struct uuid id = {0};
    bool is_retry;
    TRY(run_change(ctx, draft, event, 1, &reply));
    *ret_is_written = reply.kind == REDIS_INT && reply.integer == 1;
    draft->sequence += *ret_is_written;
    if (*ret_is_written)
        return status_ok();
    if (reply.length < UUID_TEXT_LENGTH ||
        !uuid_parse(arena_strndup(ctx->arena, reply.text, UUID_TEXT_LENGTH), &id))
        return ctx_fail(ctx, &ERROR_INTERNAL, "a new cart was there already");
    TRY(change_is_retry(ctx, reply.text + UUID_TEXT_LENGTH, &is_retry));
    return store_load(ctx, id, draft);
}

static int64_t redis_now_ms(const struct redis_reply *time)
{
    int64_t seconds = 0, microseconds = 0;
    (void)str_to_int64(time->items[0].text, &seconds);
    (void)str_to_int64(time->items[1].text, &microseconds);
    return seconds * 1000 + microseconds / 1000;
}

/* One question to every shard in one round trip. */
struct status store_find_idle(struct ctx *ctx, int64_t age_ms, struct idle_carts *ret_idle)
{
    enum { WORDS = 7 };
    struct cart_daemon *self = ctx_state(ctx);
    struct db_bytes time_word = redis_arg("TIME");
    struct redis_reply time;
    struct redis_call calls[CART_SHARDS];
    struct db_bytes *words = arena_array(ctx->arena, struct db_bytes, CART_SHARDS * WORDS);

    TRY(redis_command(ctx, self->redis, &time_word, 1, &time));
    *ret_idle = (struct idle_carts){.until_ms = redis_now_ms(&time) - age_ms};
    for (int shard = 0; shard < CART_SHARDS; shard++) {
        struct db_bytes *word = words + shard * WORDS;
        word[0] = redis_arg("ZRANGEBYSCORE");
        word[1] = redis_arg(active_key(ctx, shard));
        word[2] = redis_arg("-inf");
        word[3] = redis_arg_int(ctx, ret_idle->until_ms);
        word[4] = redis_arg("LIMIT");
        word[5] = redis_arg("0");
        word[6] = redis_arg_int(ctx, CART_IDLE_MAX / CART_SHARDS);
        calls[shard] = (struct redis_call){.args = word, .arg_count = WORDS};
    }
    TRY(redis_pipeline(ctx, self->redis, calls, CART_SHARDS));
    for (int shard = 0; shard < CART_SHARDS; shard++)
        for (size_t i = 0; i < calls[shard].reply.count; i++)
            ret_idle->count +=
                uuid_parse(calls[shard].reply.items[i].text, &ret_idle->ids[ret_idle->count]);
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
