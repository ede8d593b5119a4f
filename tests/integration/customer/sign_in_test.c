/* sign_in_test.c - accounts, passwords and profiles. */
#include "suites.h"

#include "common/str.h"
#include "customer/v1/events.schema.h"
#include "customer/v1/service.client.h"
#include "example.h"

#include <pthread.h>
#include <string.h>

START_TEST(an_address_registers_once_whatever_its_case)
{
    given_customer_daemon();
    Customer__V1__RegisterResponse rep = CUSTOMER__V1__REGISTER_RESPONSE__INIT;
    const Customer__V1__RegisterResponse *ann = given_account("Ann@Example.org");

    ck_assert_str_eq(ann->customer->email, "Ann@Example.org");
    ck_assert_int_eq(ann->customer->version, 1);
    ck_assert(str_starts_with(ann->tokens->access_token, "eyJ"));
    then_published_as_example("customer", &customer__v1__customer_registered__schema);
    struct status status = registering("ann@example.ORG", PASSWORD, &rep);
    then_reason(status, STATUS_ALREADY_EXISTS, "EMAIL_TAKEN");
    ck_assert_str_eq(status.violations->value, "");
    ck_assert(str_starts_with(world_sql_text("SELECT password_hash FROM customer.account"),
                              "$argon2id$v=19$m=19456,t=2,p=1$"));
}
END_TEST

START_TEST(a_bad_registration_is_refused_without_quoting_it)
{
    given_customer_daemon();
    Customer__V1__RegisterResponse rep = CUSTOMER__V1__REGISTER_RESPONSE__INIT;
    struct status status = registering("ann", "short", &rep);

    then_reason(status, STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    ck_assert_str_eq(status.violations->field, "email");
    ck_assert_str_eq(status.violations->next->field, "password");
    ck_assert_str_eq(str_or_empty(status.violations->next->value), "");
}
END_TEST

START_TEST(nothing_of_a_registration_is_kept_for_its_key)
{
    given_customer_daemon();
    Customer__V1__RegisterRequest req = CUSTOMER__V1__REGISTER_REQUEST__INIT;
    struct rpc_call call = customer_v1_register_call(&req);
    struct ctx *client = world_client();

    req.email = "ann@example.org";
    req.password = PASSWORD;
    call.idempotency_key = "once";
    then_ok(rpc_call_one(client, &call));
    then_reason(rpc_call_one(client, &call), STATUS_ALREADY_EXISTS, "EMAIL_TAKEN");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.idempotency"), 0);
}
END_TEST

START_TEST(the_right_password_signs_in_and_nothing_tells_why_not)
{
    given_customer_daemon();
    given_account("ann@example.org");
    Customer__V1__LoginResponse rep = CUSTOMER__V1__LOGIN_RESPONSE__INIT;
    struct status wrong =
        signing_in(world_ctx(customer), "ann@example.org", "wrong password", &rep);
    struct status unknown = signing_in(world_ctx(customer), "eve@example.org", PASSWORD, &rep);

    then_reason(wrong, STATUS_UNAUTHENTICATED, "INVALID_CREDENTIALS");
    then_reason(unknown, STATUS_UNAUTHENTICATED, "INVALID_CREDENTIALS");
    ck_assert_str_eq(wrong.detail, unknown.detail);
    then_ok(signing_in(world_ctx(customer), "ANN@example.org", PASSWORD, &rep));
    ck_assert_str_eq(rep.customer->given_name, "Ann");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.session"), 2);
}
END_TEST

START_TEST(too_many_failures_lock_the_account_until_the_window_ends)
{
    world_setenv("CUSTOMER_ATTEMPTS_MAX", "2");
    given_customer_daemon();
    given_account("ann@example.org");
    Customer__V1__LoginResponse rep = CUSTOMER__V1__LOGIN_RESPONSE__INIT;
    const char *const emails[] = {"ann@example.org", "nobody@example.org"};

    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++)
            then_reason(signing_in(world_ctx(customer), emails[i], "wrong password", &rep),
                        STATUS_UNAUTHENTICATED, "INVALID_CREDENTIALS");
        then_reason(signing_in(world_ctx(customer), emails[i], PASSWORD, &rep),
                    STATUS_RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS");
    }
    world_sql("UPDATE customer.sign_in_attempt SET since = since - interval '16 minutes'");
    then_ok(signing_in(world_ctx(customer), emails[0], PASSWORD, &rep));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.sign_in_attempt"), 1);
}
END_TEST

enum { GUESSERS = 8 };

static void *guess(void *closure)
{
    Customer__V1__LoginResponse rep = CUSTOMER__V1__LOGIN_RESPONSE__INIT;
    static const char WRONG[] = "wrong password";
    struct status status = signing_in(closure, "ann@example.org", WRONG, &rep);

    return arena_strdup(((struct ctx *)closure)->arena, str_or_empty(status.reason));
}

START_TEST(guesses_at_once_are_counted_too)
{
    world_setenv("CUSTOMER_ATTEMPTS_MAX", "3");
    world_setenv("CUSTOMER_HASH_WAIT", "10s");
    given_customer_daemon();
    given_account("ann@example.org");
    struct ctx *contexts[GUESSERS];
    pthread_t threads[GUESSERS];
    int refused = 0, locked = 0;

    for (size_t i = 0; i < GUESSERS; i++)
        contexts[i] = world_ctx(customer);
    for (size_t i = 0; i < GUESSERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, guess, contexts[i]), 0);
    for (size_t i = 0; i < GUESSERS; i++) {
        void *came;
        pthread_join(threads[i], &came);
        refused += str_equal(came, "INVALID_CREDENTIALS");
        locked += str_equal(came, "TOO_MANY_ATTEMPTS");
    }
    ck_assert_int_eq(refused, 3);
    ck_assert_int_eq(locked, GUESSERS - 3);
}
END_TEST

START_TEST(who_waits_too_long_for_a_hash_is_told_to_come_back)
{
    world_setenv("CUSTOMER_HASH_CONCURRENCY", "1");
    world_setenv("CUSTOMER_HASH_WAIT", "1ms");
    given_customer_daemon();
    given_account("ann@example.org");
    struct ctx *contexts[GUESSERS];
    pthread_t threads[GUESSERS];
    int busy = 0, refused = 0;

    for (size_t i = 0; i < GUESSERS; i++)
        contexts[i] = world_ctx(customer);
    for (size_t i = 0; i < GUESSERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, guess, contexts[i]), 0);
    for (size_t i = 0; i < GUESSERS; i++) {
        void *came;
        pthread_join(threads[i], &came);
        busy += str_equal(came, "HASHING_BUSY");
        refused += str_equal(came, "INVALID_CREDENTIALS");
    }
    ck_assert_int_eq(busy + refused, GUESSERS);
    ck_assert_int_ge(busy, 1);
    ck_assert_int_ge(refused, 1);
}
END_TEST

START_TEST(a_new_password_ends_every_session_and_a_retry_is_no_error)
{
    given_customer_daemon();
    const Customer__V1__RegisterResponse *ann = given_account("ann@example.org");
    Customer__V1__LoginResponse rep = CUSTOMER__V1__LOGIN_RESPONSE__INIT;
    Customer__V1__RefreshResponse refreshed = CUSTOMER__V1__REFRESH_RESPONSE__INIT;
    const char *id = ann->customer->id;

    then_reason(changing_password(id, "wrong password", "another password"), STATUS_UNAUTHENTICATED,
                "INVALID_CREDENTIALS");
    then_reason(changing_password(id, PASSWORD, "short"), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
    then_ok(changing_password(id, PASSWORD, "another password"));
    then_ok(changing_password(id, PASSWORD, "another password"));

    then_reason(refreshing(world_ctx(customer), ann->tokens->refresh_token, &refreshed),
                STATUS_UNAUTHENTICATED, "REFRESH_TOKEN_INVALID");
    then_reason(signing_in(world_ctx(customer), "ann@example.org", PASSWORD, &rep),
                STATUS_UNAUTHENTICATED, "INVALID_CREDENTIALS");
    then_ok(signing_in(world_ctx(customer), "ann@example.org", "another password", &rep));
    then_reason(changing_password(uuid_text(world_ctx(customer)->arena, uuid_v7()), PASSWORD,
                                  "another password"),
                STATUS_NOT_FOUND, "CUSTOMER_NOT_FOUND");
}
END_TEST

START_TEST(a_profile_changes_by_version_and_says_so_without_names)
{
    given_customer_daemon();
    const Customer__V1__RegisterResponse *ann = given_account("ann@example.org");
    Customer__V1__UpdateProfileRequest req = CUSTOMER__V1__UPDATE_PROFILE_REQUEST__INIT;
    Customer__V1__UpdateProfileResponse rep = CUSTOMER__V1__UPDATE_PROFILE_RESPONSE__INIT;
    Customer__V1__GetProfileRequest get = CUSTOMER__V1__GET_PROFILE_REQUEST__INIT;
    const Customer__V1__GetProfileResponse *got;

    req.customer_id = ann->customer->id;
    req.expected_version = 1;
    req.given_name = "Anna";
    req.locale = "en";
    then_ok(customer_update_profile(world_ctx(customer), &req, &rep));
    ck_assert_int_eq(rep.customer->version, 2);
    then_reason(customer_update_profile(world_ctx(customer), &req, &rep), STATUS_ABORTED,
                "VERSION_CONFLICT");
    then_published_as_example("customer", &customer__v1__customer_profile_changed__schema);
    ck_assert_int_eq(world_sql_int("SELECT max(aggregate_version) FROM customer.outbox"), 2);
    get.customer_id = req.customer_id;
    then_ok(customer_v1_get_profile(world_client(), &get, &got));
    ck_assert_str_eq(got->customer->given_name, "Anna");
    ck_assert_str_eq(got->customer->email, "ann@example.org");
    get.customer_id = uuid_text(world_ctx(customer)->arena, uuid_v7());
    then_reason(customer_v1_get_profile(world_client(), &get, &got), STATUS_NOT_FOUND,
                "CUSTOMER_NOT_FOUND");
}
END_TEST

void sign_in_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "sign in");

    tcase_add_test(tcase, an_address_registers_once_whatever_its_case);
    tcase_add_test(tcase, a_bad_registration_is_refused_without_quoting_it);
    tcase_add_test(tcase, nothing_of_a_registration_is_kept_for_its_key);
    tcase_add_test(tcase, the_right_password_signs_in_and_nothing_tells_why_not);
    tcase_add_test(tcase, too_many_failures_lock_the_account_until_the_window_ends);
    tcase_add_test(tcase, guesses_at_once_are_counted_too);
    tcase_add_test(tcase, who_waits_too_long_for_a_hash_is_told_to_come_back);
    tcase_add_test(tcase, a_new_password_ends_every_session_and_a_retry_is_no_error);
    tcase_add_test(tcase, a_profile_changes_by_version_and_says_so_without_names);
}
