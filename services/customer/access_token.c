/* access_token.c - access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037). */
#include "customer.h"

#include "common/json.h"
#include "common/str.h"

#include <string.h>

void signing_key_from_seed(struct arena *arena, const uint8_t seed[crypto_sign_SEEDBYTES],
                           struct signing_key *ret_key)
{
    crypto_sign_seed_keypair(ret_key->public_key, ret_key->secret_key, seed);
    ret_key->id = signing_key_id(arena, ret_key->public_key);
}

/* RFC 7638: the digest of the key's required members, in this order, without white space. */
const char *signing_key_id(struct arena *arena, const uint8_t *public_key)
{
    const char *members =
        arena_printf(arena, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}",
                     str_base64url(arena, public_key, crypto_sign_PUBLICKEYBYTES));
    uint8_t digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, (const unsigned char *)members, strlen(members));
    return str_base64url(arena, digest, sizeof digest);
}

static void put_text(struct json_writer *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}

static void put_seconds(struct json_writer *json, const char *key, int64_t time_us)
{
    json_key(json, key);
    json_int(json, time_us / 1000000);
}

static const char *header_of(struct arena *arena, const struct signing_key *key)
{
    struct json_writer json;
    struct buffer out;

    buffer_init(&out, arena, 128);
    json_writer_init(&json, &out);
    json_begin_object(&json);
    put_text(&json, "alg", "EdDSA");
    put_text(&json, "typ", "JWT");
    put_text(&json, "kid", key->id);
    json_end_object(&json);
    return str_base64url(arena, out.data, out.length);
}

static const char *body_of(struct arena *arena, const struct access_claims *claims)
{
    struct json_writer json;
    struct buffer out;

    buffer_init(&out, arena, 256);
    json_writer_init(&json, &out);
    json_begin_object(&json);
    put_text(&json, "iss", claims->issuer);
    put_text(&json, "sub", claims->subject);
    put_seconds(&json, "iat", claims->issued_at_us);
    put_seconds(&json, "exp", claims->expires_at_us);
    put_text(&json, "group", claims->customer_group);
    json_end_object(&json);
    return str_base64url(arena, out.data, out.length);
}

const char *access_token(struct arena *arena, const struct signing_key *key,
                         const struct access_claims *claims)
{
    const char *text = arena_printf(arena, "%s.%s", header_of(arena, key), body_of(arena, claims));
    uint8_t signature[crypto_sign_BYTES];

    crypto_sign_detached(signature, NULL, (const unsigned char *)text, strlen(text),
                         key->secret_key);
    return arena_printf(arena, "%s.%s", text, str_base64url(arena, signature, sizeof signature));
}
