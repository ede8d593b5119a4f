/* token_test.c - access tokens: the real one, and everything that only looks like it. */
#include "suites.h"

#include "access/token.h"

#include <string.h>

static const char SUBJECT[] = "018f0000-0000-7000-8000-0000000000aa";
static const int64_t NOW_US = 1800000000LL * 1000000;

static uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];

static void make_keys(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(crypto_sign_keypair(public_key, secret_key), 0);
}

static const char *sign(struct ctx *ctx, const char *header, const char *claims)
{
    uint8_t signature[crypto_sign_BYTES];
    const char *text =
        arena_printf(ctx->arena, "%s.%s", str_base64url(ctx->arena, header, strlen(header)),
                     str_base64url(ctx->arena, claims, strlen(claims)));
    crypto_sign_detached(signature, NULL, (const unsigned char *)text, strlen(text), secret_key);
    return arena_printf(ctx->arena, "%s.%s", text,
                        str_base64url(ctx->arena, signature, sizeof signature));
}

static struct status check(struct ctx *ctx, const char *text, struct token_claims *ret_claims)
{
    struct token_rules rules = {.issuer = "torg", .now_us = NOW_US};
    struct token token;
    TRY(token_parse(ctx, text, &token));
    return token_verify(ctx, &token, public_key, &rules, ret_claims);
}

#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define SUB "\"sub\":\"018f0000-0000-7000-8000-0000000000aa\""
#define ISS "\"iss\":\"torg\""
#define EXP "\"exp\":1800000060"

static const struct {
    const char *label, *header, *claims, *reason;
} CASES[] = {
    {"as customer makes it", HEADER, "{" ISS "," SUB "," EXP ",\"group\":\"vip\"}", NULL},
    {"begun a moment ago", HEADER, "{" ISS "," SUB "," EXP ",\"nbf\":1800000000}", NULL},
    {"our clock is a little slow", HEADER, "{" ISS "," SUB "," EXP ",\"nbf\":1800000004}", NULL},
    {"not begun", HEADER, "{" ISS "," SUB "," EXP ",\"nbf\":1800000060}", "TOKEN_INVALID"},
    {"nbf is a text", HEADER, "{" ISS "," SUB "," EXP ",\"nbf\":\"x\"}", "TOKEN_INVALID"},
    {"ended this second", HEADER, "{" ISS "," SUB ",\"exp\":1800000000}", "TOKEN_EXPIRED"},
    {"never ends", HEADER, "{" ISS "," SUB "}", "TOKEN_INVALID"},
    {"the end is a text", HEADER, "{" ISS "," SUB ",\"exp\":\"1800000060\"}", "TOKEN_INVALID"},
    {"of another issuer", HEADER, "{\"iss\":\"other\"," SUB "," EXP "}", "TOKEN_INVALID"},
    {"of no issuer", HEADER, "{" SUB "," EXP "}", "TOKEN_INVALID"},
    {"of nobody", HEADER, "{" ISS "," EXP "}", "TOKEN_INVALID"},
    {"the subject is no id", HEADER, "{" ISS ",\"sub\":\"admin\"," EXP "}", "TOKEN_INVALID"},
    {"claims are a list", HEADER, "[1]", "TOKEN_INVALID"},
    {"signed by nobody", "{\"alg\":\"none\",\"kid\":\"k1\"}", "{" ISS "," SUB "," EXP "}",
     "TOKEN_INVALID"},
    {"signed with a shared key", "{\"alg\":\"HS256\",\"kid\":\"k1\"}", "{" ISS "," SUB "," EXP "}",
     "TOKEN_INVALID"},
    {"no algorithm", "{\"kid\":\"k1\"}", "{" ISS "," SUB "," EXP "}", "TOKEN_INVALID"},
    {"no key", "{\"alg\":\"EdDSA\"}", "{" ISS "," SUB "," EXP "}", "TOKEN_INVALID"},
    {"another type", "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWE\"}",
     "{" ISS "," SUB "," EXP "}", "TOKEN_INVALID"},
    {"with extensions", "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"crit\":[\"b64\"]}",
     "{" ISS "," SUB "," EXP "}", "TOKEN_INVALID"},
    {"the header is a text", "\"EdDSA\"", "{" ISS "," SUB "," EXP "}", "TOKEN_INVALID"},
};

START_TEST(a_signed_token_is_as_good_as_its_claims)
{
    struct ctx *ctx = begin_ctx();
    struct token_claims claims = {0};
    make_keys();

    struct status status = check(ctx, sign(ctx, CASES[_i].header, CASES[_i].claims), &claims);

    ck_assert_pstr_eq(status.reason, CASES[_i].reason);
    if (!CASES[_i].reason)
        ck_assert_str_eq(claims.customer_id, SUBJECT);
    end_ctx();
}
END_TEST

START_TEST(a_group_is_what_the_claims_say)
{
    struct ctx *ctx = begin_ctx();
    struct token_claims claims = {0};
    make_keys();

    ck_assert_int_eq(check(ctx, sign(ctx, CASES[0].header, CASES[0].claims), &claims).code,
                     STATUS_OK);
    ck_assert_str_eq(claims.customer_group, "vip");
    ck_assert_int_eq(check(ctx, sign(ctx, CASES[1].header, CASES[1].claims), &claims).code,
                     STATUS_OK);
    ck_assert_str_eq(claims.customer_group, "");
    end_ctx();
}
END_TEST

/* Header, claims, signature: no character of them may be another one. */
START_TEST(no_changed_character_passes)
{
    struct ctx *ctx = begin_ctx();
    make_keys();
    const char *good = sign(ctx, CASES[0].header, CASES[0].claims);
    for (size_t at = 0; good[at]; at++) {
        struct token_claims claims;
        char *bad = arena_strdup(ctx->arena, good);
        bad[at] = bad[at] == 'A' ? 'B' : 'A';
        ck_assert_msg(check(ctx, bad, &claims).code == STATUS_UNAUTHENTICATED, "at %zu", at);
    }
    end_ctx();
}
END_TEST

START_TEST(no_part_may_be_missing_padded_or_too_much)
{
    struct ctx *ctx = begin_ctx();
    struct token_claims claims;
    make_keys();
    const char *good = sign(ctx, CASES[0].header, CASES[0].claims);
    size_t to_signature = (size_t)(strrchr(good, '.') - good);
    const char *const BAD[] = {
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        arena_strndup(ctx->arena, good, to_signature),
        arena_strndup(ctx->arena, good, to_signature + 1),
        arena_printf(ctx->arena, "%s=", good),
        arena_printf(ctx->arena, "%s.", good),
        arena_printf(ctx->arena, "%sAAAA", good),
        arena_printf(ctx->arena, " %s", good),
        arena_printf(ctx->arena, "%s.%s", good, good),
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        ck_assert_pstr_eq(check(ctx, BAD[i], &claims).reason, "TOKEN_INVALID");
    end_ctx();
}
END_TEST

START_TEST(another_key_does_not_do)
{
    struct ctx *ctx = begin_ctx();
    struct token_claims claims;
    make_keys();
    const char *good = sign(ctx, CASES[0].header, CASES[0].claims);
    make_keys();

    ck_assert_pstr_eq(check(ctx, good, &claims).reason, "TOKEN_INVALID");
    end_ctx();
}
END_TEST

TCase *token_case(void)
{
    TCase *token = tcase_create("token");

    tcase_add_loop_test(token, a_signed_token_is_as_good_as_its_claims, 0, ARRAY_LEN(CASES));
    tcase_add_test(token, a_group_is_what_the_claims_say);
    tcase_add_test(token, no_changed_character_passes);
    tcase_add_test(token, no_part_may_be_missing_padded_or_too_much);
    tcase_add_test(token, another_key_does_not_do);
    return token;
}
