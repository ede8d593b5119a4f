/* cart_script_fuzz.c - what the cart's script is given: any bytes in a draft, its key and its
 * events come out of a real Redis as they went in, and the guard on the sequence holds.
 *
 * Input: flags, then lines - the last key, headers and payload of an event - and the cart's bytes.
 */
#include "http_input.h"

#include "cart.h"
#include "cart/v1/service.schema.h"
#include "common/str.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { FLUSH_EVERY = 500, POOL = 1, TIMEOUT_MS = 2000, CONNECT_TRIES = 250 };
enum flag { HAS_KEY = 1, IS_FROZEN = 2, TWO_EVENTS = 4, IS_IDLE = 8 };

static struct cart_daemon cart = {.ttl_ms = 60000, .closed_ttl_ms = 60000};
static const struct service CART = {.name = "cart"};
static const char *expected_key; /* what a retry must be compared with */

/* Of change.c, which this target does without. */
struct status change_is_retry(struct ctx *ctx, const char *last_key, bool *ret_is_retry)
{
    (void)ctx;
    ALWAYS(str_equal(last_key, expected_key));
    *ret_is_retry = true;
    return status_ok();
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);

    ALWAYS(bind(socket_, (const struct sockaddr *)(const void *)&address, sizeof address) == 0);
    ALWAYS(getsockname(socket_, (struct sockaddr *)(void *)&address, &length) == 0);
    (void)close(socket_);
    return ntohs(address.sin_port);
}

/* A server of its own, which dies with this process. */
static void start_redis(int port)
{
    char text[8];

    (void)snprintf(text, sizeof text, "%d", port);
    if (fork() != 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", text, "--save",
                 "", "--appendonly", "no", "--loglevel", "warning", "--logfile", "/dev/null",
                 (char *)NULL);
    _exit(127);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char url[64];
    int port = free_port();

    (void)argc;
    (void)argv;
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    start_redis(port);
    http_input_open(&CART, &cart);
    struct ctx *boot = http_input_begin();
    ALWAYS(redis_open(boot, url, POOL, TIMEOUT_MS, &cart.redis).code == STATUS_OK);
    int tries = 0;
    while (redis_ping(boot, cart.redis).code != STATUS_OK && tries++ < CONNECT_TRIES)
        nanosleep(&(struct timespec){0, 20 * 1000000}, NULL);
    ALWAYS(tries <= CONNECT_TRIES);
    http_input_end();
    return 0;
}

static void flush_now_and_then(struct ctx *ctx)
{
    static int count;
    struct db_bytes word = redis_arg("FLUSHALL");
    struct redis_reply reply;

    if (count++ % FLUSH_EVERY == 0)
        ALWAYS(redis_command(ctx, cart.redis, &word, 1, &reply).code == STATUS_OK);
}

static struct draft take_draft(struct ctx *ctx, struct fuzz_input *input, uint8_t flags)
{
    struct draft draft = {.id = store_new_id(ctx), .last_key = fuzz_text(ctx->arena, input)};
    Cart__V1__Cart *message =
        cart__v1__cart__unpack(arena_protobuf(ctx->arena), input->left, input->at);

    if (message == NULL) {
        message = arena_new(ctx->arena, Cart__V1__Cart);
        cart__v1__cart__init(message);
    }
    draft.cart = message;
    if (flags & IS_FROZEN) {
        draft.frozen = arena_new(ctx->arena, Cart__V1__FreezeCartResponse);
        cart__v1__freeze_cart_response__init(draft.frozen);
        draft.frozen->cart = message;
    }
    return draft;
}

static size_t take_events(struct ctx *ctx, struct fuzz_input *input, uint8_t flags,
                          struct outbox_record *events)
{
    size_t count = flags & TWO_EVENTS ? 2 : 1;

    for (size_t i = 0; i < count; i++) {
        struct outbox_record *event = &events[i];
        *event = (struct outbox_record){.topic = "cart.cart.events.v1", .key = uuid_v7()};
        event->headers.data = fuzz_line(ctx->arena, input, &event->headers.length);
        event->payload.data = fuzz_line(ctx->arena, input, &event->payload.length);
    }
    return count;
}

static void check_message(struct ctx *ctx, const ProtobufCMessage *saved,
                          const ProtobufCMessage *loaded)
{
    size_t length, loaded_length;
    const uint8_t *bytes = fuzz_pack(ctx->arena, saved, &length);
    const uint8_t *loaded_bytes = fuzz_pack(ctx->arena, loaded, &loaded_length);

    ALWAYS(fuzz_same(bytes, length, loaded_bytes, loaded_length));
}

static void check_loaded(struct ctx *ctx, const struct draft *saved)
{
    struct draft loaded;

    ALWAYS(store_load(ctx, saved->id, &loaded).code == STATUS_OK);
    ALWAYS(loaded.sequence == saved->sequence);
    ALWAYS(str_equal(loaded.last_key, saved->last_key));
    ALWAYS((loaded.frozen != NULL) == (saved->frozen != NULL));
    check_message(ctx, &saved->cart->base, &loaded.cart->base);
    if (saved->frozen)
        check_message(ctx, &saved->frozen->base, &loaded.frozen->base);
}

/* The newest entry of the shard's stream, field by field. */
static void check_event(struct ctx *ctx, struct uuid id, const struct outbox_record *event)
{
    const char *stream =
        arena_printf(ctx->arena, "cart:{c%02d}:events", id.bytes[15] % CART_SHARDS);
    struct db_bytes words[] = {redis_arg("XREVRANGE"), redis_arg(stream),  redis_arg("+"),
                               redis_arg("-"),         redis_arg("COUNT"), redis_arg("1")};
    struct redis_reply reply;

    ALWAYS(redis_command(ctx, cart.redis, words, ARRAY_LEN(words), &reply).code == STATUS_OK);
    ALWAYS(reply.count == 1 && reply.items[0].count == 2 && reply.items[0].items[1].count == 8);
    const struct redis_reply *fields = reply.items[0].items[1].items;
    ALWAYS(str_equal(fields[1].text, event->topic));
    ALWAYS(fuzz_same(fields[3].text, fields[3].length, event->key.bytes, sizeof event->key.bytes));
    ALWAYS(fuzz_same(fields[5].text, fields[5].length, event->headers.data, event->headers.length));
    ALWAYS(fuzz_same(fields[7].text, fields[7].length, event->payload.data, event->payload.length));
}

/* Under an idempotency key the second creation finds the first. */
static void check_retry(struct ctx *ctx, const struct draft *draft,
                        const struct outbox_record *event)
{
    struct draft again = {.id = store_new_id(ctx), .cart = draft->cart, .last_key = ""};
    bool is_written = true;

    expected_key = draft->last_key;
    ALWAYS(store_create(ctx, &again, event, &is_written).code == STATUS_OK);
    ALWAYS(!is_written && uuid_equal(again.id, draft->id) && again.sequence == draft->sequence);
}

static void check_guard(struct ctx *ctx, struct draft *draft, const struct outbox_record *events,
                        size_t count, uint8_t flags)
{
    struct draft late = *draft;
    bool is_written;

    late.sequence = draft->sequence + 1;
    ALWAYS(store_save(ctx, &late, events, count, &is_written).code == STATUS_OK && !is_written);
    draft->idle_until_ms = flags & IS_IDLE ? 1 : 0; // it was changed after that
    draft->frozen = NULL;
    ALWAYS(store_save(ctx, draft, events, count, &is_written).code == STATUS_OK);
    ALWAYS(is_written == !(flags & IS_IDLE));
    if (is_written) {
        check_event(ctx, draft->id, &events[count - 1]);
        check_loaded(ctx, draft);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t flags = fuzz_byte(&input);
    struct ctx *ctx = http_input_begin();
    struct outbox_record events[2];
    struct idempotency idempotency = {.key = "key"};
    bool is_written;

    flush_now_and_then(ctx);
    if (flags & HAS_KEY) {
        idempotency.key = uuid_text(ctx->arena, uuid_v7());
        ctx->idempotency = &idempotency;
    }
    size_t count = take_events(ctx, &input, flags, events);
    struct draft draft = take_draft(ctx, &input, flags);
    ALWAYS(store_create(ctx, &draft, &events[0], &is_written).code == STATUS_OK && is_written);
    check_event(ctx, draft.id, &events[0]);
    check_loaded(ctx, &draft);
    if (flags & HAS_KEY)
        check_retry(ctx, &draft, &events[0]);
    check_guard(ctx, &draft, events, count, flags);
    http_input_end();
    return 0;
}
