/* abandoned_test.c - a cart that was left alone is said so once, whoever looks. */
#include "suites.h"

#include "cart/v1/events.schema.h"
#include "common/clock.h"
#include "platform/v1/commands.pb-c.h"

#include <pthread.h>
#include <unistd.h>

enum { REPLICAS = 2, CARTS = 40 };

/* No sweep of its own comes in between: the tests call it. */
static void given_shop_where_carts_are_left(const char *after, const char *recovery)
{
    world_setenv("CART_ABANDONED_AFTER", after);
    world_setenv("CART_ABANDONED_INTERVAL", "1h");
    world_setenv("CART_RECOVERY", recovery);
    given_shop();
}

static void set_email(const char *id)
{
    then_ok(asking(call_of(set_email), "{'cartId': '%s', 'email': 'anna@example.org'}", id));
}

static void sweep_until(size_t wanted)
{
    int64_t deadline_us = clock_monotonic_us() + 5000000;
    struct ctx *ctx = world_ctx(cart);
    do {
        usleep(10000);
        ctx_renew(ctx, 10000);
        then_ok(cart_sweep_abandoned(ctx));
    } while (published_of("cart.v1.CartAbandoned") < wanted && clock_monotonic_us() < deadline_us);
    ck_assert_uint_eq(published_of("cart.v1.CartAbandoned"), wanted);
}

START_TEST(once_until_its_owner_comes_back)
{
    given_shop_where_carts_are_left("100ms", "false");
    const char *id = given_cart();
    set_email(id);
    sweep_until(1);
    then_ok(cart_sweep_abandoned(world_ctx(cart)));
    then_published(id, "CartCreated CartChanged CartAbandoned");
    then_example(&cart__v1__cart_abandoned__schema);
    ck_assert_uint_eq(published_of("platform.v1.SendNotification"), 0); // not configured
    then_ok(adding(id, tee, 1));
    sweep_until(2);
    then_published(id, "CartCreated CartChanged CartAbandoned CartChanged CartAbandoned");
}
END_TEST

START_TEST(a_mail_goes_to_who_left_an_address)
{
    struct entry *entries;
    given_shop_where_carts_are_left("100ms", "true");
    const char *anna = given_cart();
    set_email(anna);
    given_cart(); // of somebody without an address
    sweep_until(2);
    ck_assert_uint_eq(published_of("platform.v1.SendNotification"), 1);
    size_t count = published(NULL, &entries);
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(entries[i].type, "platform.v1.SendNotification"))
            continue;
        Platform__V1__SendNotification *mail = platform__v1__send_notification__unpack(
            arena_protobuf(world_ctx(cart)->arena), entries[i].payload.length,
            entries[i].payload.data);
        ck_assert_str_eq(mail->kind, "cart_recovery");
        ck_assert_str_eq(mail->recipient_email, "anna@example.org");
        ck_assert_str_eq(mail->subject_id, anna);
    }
}
END_TEST

START_TEST(neither_fresh_nor_empty_nor_frozen_carts_are_abandoned)
{
    given_shop_where_carts_are_left("1h", "false");
    const char *fresh = given_cart();
    then_ok(cart_sweep_abandoned(world_ctx(cart)));
    then_published(fresh, "CartCreated");

    struct redis_reply left;
    const char *frozen = given_cart();
    then_ok(freezing(frozen, new_id()));
    const char *empty = given_cart();
    then_ok(asking(call_of(remove_line), "{'cartId': '%s', 'lineId': '%s'}", empty,
                   said->cart->lines[0]->line_id));
    for (int shard = 0, total = 0; shard < CART_SHARDS; shard++) {
        then_ok(redis_says(&left, "ZCARD cart:{c%02d}:active", shard));
        total += (int)left.integer;
        ck_assert_int_le(total, 1); // the fresh one
    }
}
END_TEST

static void *sweep(void *ctx)
{
    return (void *)(intptr_t)cart_sweep_abandoned(ctx).code;
}

START_TEST(two_replicas_say_it_once)
{
    given_shop_where_carts_are_left("100ms", "true");
    for (int i = 0; i < CARTS; i++)
        set_email(given_cart());
    usleep(150000); // all of them are old enough: the replicas meet on the same carts
    for (int round = 0; round < 20 && published_of("cart.v1.CartAbandoned") < CARTS; round++) {
        struct ctx *contexts[REPLICAS] = {world_ctx(cart), world_ctx(cart)};
        pthread_t threads[REPLICAS];
        for (int i = 0; i < REPLICAS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, sweep, contexts[i]), 0);
        for (int i = 0; i < REPLICAS; i++) {
            void *code;
            pthread_join(threads[i], &code);
            ck_assert_int_eq((intptr_t)code, STATUS_OK);
        }
    }
    ck_assert_uint_eq(published_of("cart.v1.CartAbandoned"), CARTS);
    ck_assert_uint_eq(published_of("platform.v1.SendNotification"), CARTS);
}
END_TEST

/* What a replica does that looked first and came second. */
START_TEST(who_comes_second_does_not_say_it_again)
{
    given_shop_where_carts_are_left("100ms", "false");
    const char *id = given_cart();
    struct ctx *ctx = world_ctx(cart);
    struct outbox_record event;
    struct uuid uuid;
    struct draft draft;
    bool is_written;
    ck_assert(uuid_parse(id, &uuid));
    int64_t looked_ms = clock_now_us() / 1000;
    sweep_until(1);
    then_ok(store_load(ctx, uuid, &draft));
    then_ok(event_encode(ctx, &draft, &CART_ABANDONED, &event));
    draft.idle_until_ms = looked_ms;
    then_ok(store_save(ctx, &draft, &event, 1, &is_written));
    ck_assert(!is_written);

    then_ok(adding(id, tee, 1)); // and its owner is back: not idle since then
    then_ok(store_load(ctx, uuid, &draft));
    draft.idle_until_ms = looked_ms;
    then_ok(store_save(ctx, &draft, &event, 1, &is_written));
    ck_assert(!is_written);
    then_published(id, "CartCreated CartAbandoned CartChanged");
}
END_TEST

void abandoned_case(Suite *suite)
{
    TCase *abandoned = world_case(suite, "abandoned");

    tcase_add_test(abandoned, once_until_its_owner_comes_back);
    tcase_add_test(abandoned, a_mail_goes_to_who_left_an_address);
    tcase_add_test(abandoned, neither_fresh_nor_empty_nor_frozen_carts_are_abandoned);
    tcase_add_test(abandoned, two_replicas_say_it_once);
    tcase_add_test(abandoned, who_comes_second_does_not_say_it_again);
}
