/* session_test.c - refresh tokens, signing out, and the keys of access tokens. */
#include "suites.h"

#include "common/str.h"

#include <pthread.h>
#include <string.h>

static struct status signing_out(const char *token, bool everywhere)
{
    Customer__V1__LogoutRequest req = CUSTOMER__V1__LOGOUT_REQUEST__INIT;
    Customer__V1__LogoutResponse rep = CUSTOMER__V1__LOGOUT_RESPONSE__INIT;

    req.refresh_token = token;
    req.everywhere = everywhere;
    return customer_logout(world_ctx(customer), &req, &rep);
}

static void then_invalid(const char *token)
{
    Customer__V1__RefreshResponse rep = CUSTOMER__V1__REFRESH_RESPONSE__INIT;

    then_reason(refreshing(world_ctx(customer), token, &rep), STATUS_UNAUTHENTICATED,
                "REFRESH_TOKEN_INVALID");
}

START_TEST(a_token_used_again_ends_the_whole_session)
{
    given_customer_daemon();
    const char *first = given_account("ann@example.org")->tokens->refresh_token;
    Customer__V1__RefreshResponse second = CUSTOMER__V1__REFRESH_RESPONSE__INIT;
    Customer__V1__RefreshResponse third = CUSTOMER__V1__REFRESH_RESPONSE__INIT;

    then_ok(refreshing(world_ctx(customer), first, &second));
    then_ok(refreshing(world_ctx(customer), second.tokens->refresh_token, &third));
    ck_assert_str_ne(second.tokens->refresh_token, third.tokens->refresh_token);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.refresh_token"
                                   " WHERE digest = convert_to('%s', 'UTF8')",
                                   first),
                     0);
    then_invalid(first);
    then_invalid(third.tokens->refresh_token);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.session"), 0);
    then_invalid("made up");
}
END_TEST

enum { HANDS = 6 };
static const char *shared_token;

static void *refresh_it(void *closure)
{
    Customer__V1__RefreshResponse rep = CUSTOMER__V1__REFRESH_RESPONSE__INIT;

    return refreshing(closure, shared_token, &rep).code == STATUS_OK ? closure : NULL;
}

START_TEST(a_token_in_many_hands_works_at_most_once)
{
    given_customer_daemon();
    shared_token = given_account("ann@example.org")->tokens->refresh_token;
    struct ctx *contexts[HANDS];
    pthread_t threads[HANDS];
    int ok = 0;

    for (size_t i = 0; i < HANDS; i++)
        contexts[i] = world_ctx(customer);
    for (size_t i = 0; i < HANDS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, refresh_it, contexts[i]), 0);
    for (size_t i = 0; i < HANDS; i++) {
        void *came;
        pthread_join(threads[i], &came);
        ok += came != NULL;
    }
    ck_assert_int_eq(ok, 1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.session"), 0);
}
END_TEST

START_TEST(signing_out_ends_one_session_or_all)
{
    given_customer_daemon();
    const char *first = given_account("ann@example.org")->tokens->refresh_token;
    Customer__V1__LoginResponse second = CUSTOMER__V1__LOGIN_RESPONSE__INIT;
    Customer__V1__LoginResponse third = CUSTOMER__V1__LOGIN_RESPONSE__INIT;

    then_ok(signing_in(world_ctx(customer), "ann@example.org", PASSWORD, &second));
    then_ok(signing_in(world_ctx(customer), "ann@example.org", PASSWORD, &third));
    then_ok(signing_out(first, false));
    then_ok(signing_out(first, false));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.session"), 2);
    then_invalid(first);
    then_ok(signing_out(second.tokens->refresh_token, true));
    then_invalid(third.tokens->refresh_token);
}
END_TEST

START_TEST(a_session_ends_by_the_clock_of_the_database)
{
    given_customer_daemon();
    const char *token = given_account("ann@example.org")->tokens->refresh_token;

    world_sql("UPDATE customer.session SET expires_at = now()");
    then_invalid(token);
}
END_TEST

START_TEST(old_sessions_make_room_and_ended_ones_are_swept)
{
    world_setenv("CUSTOMER_SESSIONS_MAX", "2");
    world_setenv("CUSTOMER_SWEEP_INTERVAL", "20ms");
    given_customer_daemon();
    const char *first = given_account("ann@example.org")->tokens->refresh_token;
    Customer__V1__LoginResponse rep = CUSTOMER__V1__LOGIN_RESPONSE__INIT;

    then_ok(signing_in(world_ctx(customer), "ann@example.org", PASSWORD, &rep));
    then_ok(signing_in(world_ctx(customer), "ann@example.org", PASSWORD, &rep));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.session"), 2);
    then_invalid(first);
    world_sql("UPDATE customer.session SET expires_at = now()");
    world_until(0, "SELECT (SELECT count(*) FROM customer.session)"
                   " + (SELECT count(*) FROM customer.refresh_token)");
}
END_TEST

START_TEST(tokens_verify_with_the_published_keys_also_after_a_rotation)
{
    world_setenv("CUSTOMER_PREVIOUS_PUBLIC_KEY",
                 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    given_customer_daemon();
    const Customer__V1__RegisterResponse *ann = given_account("ann@example.org");
    Customer__V1__GetJwksRequest req = CUSTOMER__V1__GET_JWKS_REQUEST__INIT;
    Customer__V1__GetJwksResponse rep = CUSTOMER__V1__GET_JWKS_RESPONSE__INIT;
    struct arena *arena = world_ctx(customer)->arena;
    const char *token = ann->tokens->access_token, *last = strrchr(token, '.');
    uint8_t *key, *signature;
    size_t length;

    then_ok(customer_get_jwks(world_ctx(customer), &req, &rep));
    ck_assert_uint_eq(rep.n_keys, 2);
    ck_assert_str_eq(rep.keys[0]->kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    ck_assert_str_eq(rep.keys[1]->alg, "EdDSA");
    ck_assert(str_from_base64url(arena, rep.keys[0]->x, &key, &length));
    ck_assert(str_from_base64url(arena, last + 1, &signature, &length));
    ck_assert_int_eq(crypto_sign_verify_detached(signature, (const unsigned char *)token,
                                                 (unsigned long long)(last - token), key),
                     0);
    ck_assert_int_eq(ann->tokens->access_expire_time->seconds,
                     ann->customer->create_time->seconds + 600);
}
END_TEST

START_TEST(a_bad_seed_does_not_start)
{
    struct daemon *daemon;

    world_setenv("CUSTOMER_SIGNING_SEED",
                 "zz61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    then_reason(world_try_start(&CUSTOMER, &daemon), STATUS_FAILED_PRECONDITION, "BAD_SIGNING_KEY");
}
END_TEST

void session_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "session");

    tcase_add_test(tcase, a_token_used_again_ends_the_whole_session);
    tcase_add_test(tcase, a_token_in_many_hands_works_at_most_once);
    tcase_add_test(tcase, signing_out_ends_one_session_or_all);
    tcase_add_test(tcase, a_session_ends_by_the_clock_of_the_database);
    tcase_add_test(tcase, old_sessions_make_room_and_ended_ones_are_swept);
    tcase_add_test(tcase, tokens_verify_with_the_published_keys_also_after_a_rotation);
    tcase_add_test(tcase, a_bad_seed_does_not_start);
}
