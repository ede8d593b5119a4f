/* token_test.c - addresses, passwords, keys and access tokens. */
#include "customer.h"

#include "common/str.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(1024 * 1024);
    ck_assert_int_ge(sodium_init(), 0);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

static const struct {
    const char *text;
    bool is_email;
} EMAILS[] = {
    {"ann@example.org", true},
    {"a.b+c@x.y", true},
    {"", false},
    {"ann", false},
    {"@example.org", false},
    {"ann@", false},
    {"ann@b@c.org", false},
    {"ann @example.org", false},
    {"ann@example.org\r\n", false},
    {"<ann@example.org>", false},
    {"a@b.org,c@d.org", false},
    {"\xc3\xa4nn@example.org", false},
};

START_TEST(an_address_is_one_address)
{
    ck_assert_msg(is_email(EMAILS[_i].text) == EMAILS[_i].is_email, "%s", EMAILS[_i].text);
}
END_TEST

START_TEST(addresses_are_compared_without_case)
{
    ck_assert_str_eq(email_key(arena, "Ann.O'Hara@Example.ORG"), "ann.o'hara@example.org");
}
END_TEST

START_TEST(a_password_has_ten_to_128_characters_and_is_not_the_address)
{
    char *umlauts = arena_alloc(arena, 257);

    for (size_t i = 0; i < 128; i++)
        memcpy(umlauts + 2 * i, "\xc3\xa4", 2);
    ck_assert_ptr_null(password_problem("ten chars!", "a@b.c"));
    ck_assert_ptr_null(password_problem(umlauts, "a@b.c"));
    ck_assert_ptr_nonnull(password_problem("nine char", "a@b.c"));
    ck_assert_ptr_nonnull(password_problem(arena_printf(arena, "%sx", umlauts), "a@b.c"));
    ck_assert_ptr_nonnull(password_problem("ANN@example.org", "ann@example.org"));
}
END_TEST

/* RFC 8037, appendix A.1 to A.3. */
static struct signing_key rfc_key(void)
{
    struct signing_key key;
    uint8_t *seed;
    size_t length;

    ck_assert(
        str_from_base64url(arena, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", &seed, &length));
    ck_assert_uint_eq(length, crypto_sign_SEEDBYTES);
    signing_key_from_seed(arena, seed, &key);
    return key;
}

START_TEST(a_key_has_the_thumbprint_of_the_rfc)
{
    struct signing_key key = rfc_key();

    ck_assert_str_eq(str_base64url(arena, key.public_key, sizeof key.public_key),
                     "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    ck_assert_str_eq(key.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}
END_TEST

START_TEST(a_token_says_who_until_when_and_is_signed)
{
    const struct signing_key key = rfc_key();
    const struct access_claims claims = {.issuer = "torg",
                                         .subject = "01a206b1-c79a-7dbe-b46e-eba909cbb372",
                                         .customer_group = "gold \"plus\"",
                                         .issued_at_us = 1764000000999999,
                                         .expires_at_us = 1764000600999999};
    const char *token = access_token(arena, &key, &claims);
    const char *dot = strchr(token, '.'), *last = strrchr(token, '.');
    uint8_t *part, *signature;
    size_t length;

    ck_assert(str_from_base64url(arena, arena_strndup(arena, token, (size_t)(dot - token)), &part,
                                 &length));
    ck_assert_str_eq(arena_strndup(arena, (char *)part, length),
                     "{\"alg\":\"EdDSA\",\"typ\":\"JWT\","
                     "\"kid\":\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\"}");
    ck_assert(str_from_base64url(arena, arena_strndup(arena, dot + 1, (size_t)(last - dot - 1)),
                                 &part, &length));
    ck_assert_str_eq(arena_strndup(arena, (char *)part, length),
                     "{\"iss\":\"torg\",\"sub\":\"01a206b1-c79a-7dbe-b46e-eba909cbb372\","
                     "\"iat\":1764000000,\"exp\":1764000600,\"group\":\"gold \\\"plus\\\"\"}");
    ck_assert(str_from_base64url(arena, last + 1, &signature, &length));
    ck_assert_uint_eq(length, crypto_sign_BYTES);
    ck_assert_int_eq(crypto_sign_verify_detached(signature, (const unsigned char *)token,
                                                 (unsigned long long)(last - token),
                                                 key.public_key),
                     0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("customer tokens");
    TCase *tcase = tcase_create("tokens");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, an_address_is_one_address, 0, (int)ARRAY_LEN(EMAILS));
    tcase_add_test(tcase, addresses_are_compared_without_case);
    tcase_add_test(tcase, a_password_has_ten_to_128_characters_and_is_not_the_address);
    tcase_add_test(tcase, a_key_has_the_thumbprint_of_the_rfc);
    tcase_add_test(tcase, a_token_says_who_until_when_and_is_signed);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
