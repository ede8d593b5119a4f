/* stream.c - the carts' streams, read as the relay reads them. */
#include "suites.h"

#include "events/headers.h"
#include "example.h"

#include <stdarg.h>
#include <string.h>

enum { ENTRIES_MAX = 1000 };

static const char TOPIC[] = "cart.cart.events.v1";
static struct redis *redis;
static struct ctx *reading;

/* Good for one answer after the other. */
static struct ctx *reader(void)
{
    if (redis == NULL) {
        reading = world_ctx(cart);
        then_ok(redis_open(reading, world_redis_url(), 4, 2000, &redis));
    }
    ctx_renew(reading, 10000);
    return reading;
}

void given_reader(void)
{
    redis_close(redis); // of the test before, when tests share a process
    redis = NULL;
}

/* Words are parted by spaces. */
struct status redis_says(struct redis_reply *ret_reply, const char *format, ...)
{
    struct ctx *ctx = reader();
    struct db_bytes args[8];
    size_t count = 0;
    va_list list;

    va_start(list, format);
    char *text = arena_vprintf(ctx->arena, format, list);
    va_end(list);
    while (text != NULL)
        args[count++] = redis_arg(strsep(&text, " "));
    return redis_command(ctx, redis, args, count, ret_reply);
}

static struct entry entry_of(const struct redis_reply *fields, bool *ret_is_cart)
{
    struct entry entry = {
        .headers = {fields->items[5].text, fields->items[5].length},
        .payload = {fields->items[7].text, fields->items[7].length},
    };

    ck_assert_uint_eq(fields->count, 8);
    ck_assert_uint_eq(fields->items[3].length, sizeof entry.key.bytes);
    memcpy(entry.key.bytes, fields->items[3].text, sizeof entry.key.bytes);
    entry.type = headers_find(reading->arena, entry.headers, "ce_type");
    ck_assert(
        str_to_int64(headers_find(reading->arena, entry.headers, "ce_sequence"), &entry.sequence));
    *ret_is_cart = str_equal(fields->items[1].text, TOPIC);
    return entry;
}

size_t published(const char *cart_id, struct entry **ret_entries)
{
    struct ctx *ctx = reader();
    struct redis_call calls[CART_SHARDS];
    struct entry *entries = arena_array(ctx->arena, struct entry, ENTRIES_MAX);
    struct uuid id = {0};
    size_t count = 0;

    ck_assert(cart_id == NULL || uuid_parse(cart_id, &id));
    for (int shard = 0; shard < CART_SHARDS; shard++) {
        struct db_bytes *words = arena_array(ctx->arena, struct db_bytes, 4);
        words[0] = redis_arg("XRANGE");
        words[1] = redis_arg(arena_printf(ctx->arena, "cart:{c%02d}:events", shard));
        words[2] = redis_arg("-");
        words[3] = redis_arg("+");
        calls[shard] = (struct redis_call){.args = words, .arg_count = 4};
    }
    then_ok(redis_pipeline(ctx, redis, calls, CART_SHARDS));
    for (int shard = 0; shard < CART_SHARDS; shard++)
        for (size_t i = 0; i < calls[shard].reply.count; i++) {
            bool is_cart;
            struct entry entry = entry_of(&calls[shard].reply.items[i].items[1], &is_cart);
            ck_assert_uint_lt(count, ENTRIES_MAX);
            if (cart_id == NULL || (is_cart && uuid_equal(entry.key, id)))
                entries[count++] = entry;
        }
    *ret_entries = entries;
    return count;
}

size_t published_of(const char *type)
{
    struct entry *entries;
    size_t count = published(NULL, &entries);
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += str_equal(entries[i].type, type);
    return found;
}

void then_published(const char *cart_id, const char *types)
{
    struct buffer came;
    struct entry *entries;
    size_t count = published(cart_id, &entries);

    buffer_init(&came, reading->arena, 256);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(entries[i].sequence, (int64_t)i + 1);
        buffer_printf(&came, "%s%s", i > 0 ? " " : "", strrchr(entries[i].type, '.') + 1);
    }
    ck_assert_str_eq(came.data, types);
}

void then_example(const struct message_schema *body)
{
    struct entry *entries;
    size_t i = published(NULL, &entries);

    while (i > 0 && !str_equal(entries[i - 1].type, body->descriptor->name))
        i--;
    ck_assert_msg(i > 0, "no %s was published", body->descriptor->name);
    then_payload_as_example(body, entries[i - 1].payload.data, entries[i - 1].payload.length);
}
