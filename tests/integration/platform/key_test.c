/* key_test.c - API keys of the back office. */
#include "suites.h"

#include "common/str.h"
#include "example.h"
#include "platform/v1/events.schema.h"
#include "platform/v1/service.client.h"

#include <sodium.h>
#include <string.h>

static const char *scopes[] = {"products.write", "orders.read"};

static const char *digest_of(const char *secret)
{
    uint8_t digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, (const unsigned char *)secret, strlen(secret));
    return str_hex(world_ctx(platform)->arena, digest, sizeof digest);
}

static struct status creating(const char *digest,
                              const Platform__V1__CreateApiKeyResponse **ret_rep)
{
    Platform__V1__CreateApiKeyRequest req = PLATFORM__V1__CREATE_API_KEY_REQUEST__INIT;
    Platform__V1__ApiKey key = PLATFORM__V1__API_KEY__INIT;
    struct rpc_call call = platform_v1_create_api_key_call(&req);

    key.name = "back office";
    key.scopes = scopes;
    key.n_scopes = ARRAY_LEN(scopes);
    req.api_key = &key;
    req.digest = digest;
    call.idempotency_key = digest[0] == '\0' ? "a-key" : NULL;
    TRY(rpc_call_one(world_client(), &call));
    *ret_rep = (const void *)call.reply;
    return status_ok();
}

static struct status resolving(const char *digest, Platform__V1__ApiKey **ret_key)
{
    Platform__V1__ResolveApiKeyRequest req = PLATFORM__V1__RESOLVE_API_KEY_REQUEST__INIT;
    Platform__V1__ResolveApiKeyResponse rep = PLATFORM__V1__RESOLVE_API_KEY_RESPONSE__INIT;

    req.digest = digest;
    TRY(platform_resolve_api_key(world_ctx(platform), &req, &rep));
    *ret_key = rep.api_key;
    return status_ok();
}

static struct status revoking(const char *id)
{
    Platform__V1__RevokeApiKeyRequest req = PLATFORM__V1__REVOKE_API_KEY_REQUEST__INIT;
    Platform__V1__RevokeApiKeyResponse rep = PLATFORM__V1__REVOKE_API_KEY_RESPONSE__INIT;

    req.id = id;
    return platform_revoke_api_key(world_ctx(platform), &req, &rep);
}

START_TEST(a_secret_is_answered_once_and_never_stored)
{
    given_platform();
    const Platform__V1__CreateApiKeyResponse *first, *again;
    Platform__V1__ApiKey *key;

    then_ok(creating("", &first));
    then_ok(creating("", &again));
    then_ok(resolving(digest_of(first->secret), &key));

    ck_assert_uint_eq(strlen(first->secret), 48);
    ck_assert(str_starts_with(first->secret, "torg_"));
    ck_assert_str_eq(again->api_key->id, first->api_key->id);
    ck_assert_str_eq(again->secret, "");
    ck_assert_str_eq(key->id, first->api_key->id);
    ck_assert_uint_eq(key->n_scopes, 2);
    ck_assert_str_eq(key->scopes[0], "products.write");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM platform.idempotency"
                                   " WHERE position(convert_to('%s', 'UTF8') IN reply) > 0",
                                   first->secret),
                     0);
}
END_TEST

START_TEST(a_revoked_key_is_gone_and_revoking_again_changes_nothing)
{
    given_platform();
    const Platform__V1__CreateApiKeyResponse *created;
    Platform__V1__ListApiKeysRequest req = PLATFORM__V1__LIST_API_KEYS_REQUEST__INIT;
    Platform__V1__ListApiKeysResponse rep = PLATFORM__V1__LIST_API_KEYS_RESPONSE__INIT;
    Platform__V1__ApiKey *key;
    const char *digest = digest_of("of my own making");

    then_ok(creating(digest, &created));
    ck_assert_str_eq(created->secret, "");
    then_ok(resolving(digest, &key));
    then_ok(revoking(key->id));
    then_ok(revoking(key->id));

    then_reason(resolving(digest, &key), STATUS_NOT_FOUND, "API_KEY_NOT_FOUND");
    ck_assert_int_eq(published(&API_KEY_REVOKED), 1);
    then_published_as_example("platform", &platform__v1__api_key_revoked__schema);
    then_ok(platform_list_api_keys(world_ctx(platform), &req, &rep));
    ck_assert_uint_eq(rep.n_api_keys, 1);
    ck_assert_ptr_nonnull(rep.api_keys[0]->revoke_time);
    then_reason(revoking(uuid_text(world_ctx(platform)->arena, uuid_v7())), STATUS_NOT_FOUND,
                "API_KEY_NOT_FOUND");
}
END_TEST

START_TEST(a_digest_is_known_once_and_well_formed)
{
    given_platform();
    const Platform__V1__CreateApiKeyResponse *created;

    then_ok(creating(digest_of("x"), &created));
    then_reason(creating(digest_of("x"), &created), STATUS_ALREADY_EXISTS, "API_KEY_TAKEN");
    then_reason(creating("abc", &created), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(a_key_gives_no_more_than_it_holds)
{
    given_platform();
    struct ctx *ctx = world_ctx(platform);
    Platform__V1__CreateApiKeyRequest req = PLATFORM__V1__CREATE_API_KEY_REQUEST__INIT;
    Platform__V1__CreateApiKeyResponse rep = PLATFORM__V1__CREATE_API_KEY_RESPONSE__INIT;
    Platform__V1__ApiKey key = PLATFORM__V1__API_KEY__INIT;
    key.name = "a deputy";
    key.scopes = scopes;
    key.n_scopes = ARRAY_LEN(scopes);
    req.api_key = &key;

    ctx->caller.scopes = "keys.write orders.read";
    then_reason(platform_create_api_key(ctx, &req, &rep), STATUS_PERMISSION_DENIED,
                "SCOPE_NOT_HELD");
    ctx->caller.scopes = "keys.write orders.read products.write";
    then_ok(platform_create_api_key(ctx, &req, &rep));
}
END_TEST

void key_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "API key");

    tcase_add_test(tcase, a_secret_is_answered_once_and_never_stored);
    tcase_add_test(tcase, a_revoked_key_is_gone_and_revoking_again_changes_nothing);
    tcase_add_test(tcase, a_digest_is_known_once_and_well_formed);
    tcase_add_test(tcase, a_key_gives_no_more_than_it_holds);
}
