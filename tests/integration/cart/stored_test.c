/* stored_test.c - what Redis keeps of a cart and for how long, and a Redis that forgot or is gone.
 */
#include "suites.h"

static int64_t lives_ms(const char *id)
{
    struct redis_reply reply;
    struct uuid uuid;
    ck_assert(uuid_parse(id, &uuid));
    then_ok(redis_says(&reply, "PTTL cart:{c%02d}:%s", uuid.bytes[15] % CART_SHARDS, id));
    return reply.integer;
}

START_TEST(a_draft_lives_from_its_last_change_and_a_closed_one_shortly)
{
    world_setenv("CART_TTL", "2h");
    world_setenv("CART_CLOSED_TTL", "1m");
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    int64_t lives = lives_ms(id);
    ck_assert_int_gt(lives, 7190000);
    ck_assert_int_le(lives, 7200000);
    then_ok(freezing(id, checkout));
    ck_assert_int_gt(lives_ms(id), 7190000);
    then_ok(closing(id, checkout));
    ck_assert_int_le(lives_ms(id), 60000);
    ck_assert_int_gt(lives_ms(id), 50000);
}
END_TEST

START_TEST(a_cart_that_ran_out_is_gone)
{
    world_setenv("CART_CLOSED_TTL", "1s");
    given_shop();
    const char *id = given_cart();
    const char *checkout = new_id();
    struct redis_reply reply;
    struct uuid uuid;
    ck_assert(uuid_parse(id, &uuid));
    then_ok(freezing(id, checkout));
    then_ok(closing(id, checkout));
    then_ok(redis_says(&reply, "PEXPIRE cart:{c%02d}:%s 1", uuid.bytes[15] % CART_SHARDS, id));
    while (lives_ms(id) != -2)
        ;
    then_reason(getting(id), STATUS_NOT_FOUND, "CART_NOT_FOUND");
    then_reason(adding(id, mug, 1), STATUS_NOT_FOUND, "CART_NOT_FOUND");
    then_reason(closing(id, checkout), STATUS_NOT_FOUND, "CART_NOT_FOUND");
}
END_TEST

START_TEST(a_restarted_redis_learns_the_script_again)
{
    struct redis_reply reply;
    given_shop();
    const char *id = given_cart();
    then_ok(redis_says(&reply, "SCRIPT FLUSH"));
    then_ok(redis_says(&reply, "CLIENT KILL TYPE normal")); // every connection breaks
    if (adding(id, tee, 1).code != STATUS_OK)               // at most one call meets a broken one
        then_ok(adding(id, tee, 1));
    then_ok(adding(id, tee, 1));
    ck_assert_uint_eq(said->cart->n_lines, 2);
}
END_TEST

START_TEST(without_redis_nothing_is_acknowledged)
{
    given_shop();
    world_setenv("CART_REDIS_URL", "redis://127.0.0.1:1");
    struct ctx *ctx = world_ctx(world_start(&CART));
    Cart__V1__CreateCartRequest req = CART__V1__CREATE_CART_REQUEST__INIT;
    Cart__V1__CreateCartResponse rep = CART__V1__CREATE_CART_RESPONSE__INIT;
    req.channel_id = channel;
    req.currency_code = "EUR";
    req.locale = "en";
    then_code(cart_create_cart(ctx, &req, &rep), STATUS_UNAVAILABLE);
}
END_TEST

void stored_case(Suite *suite)
{
    TCase *stored = world_case(suite, "stored");

    tcase_add_test(stored, a_draft_lives_from_its_last_change_and_a_closed_one_shortly);
    tcase_add_test(stored, a_cart_that_ran_out_is_gone);
    tcase_add_test(stored, a_restarted_redis_learns_the_script_again);
    tcase_add_test(stored, without_redis_nothing_is_acknowledged);
}
