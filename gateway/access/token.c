/* token.c - a customer's access token: a JWT signed with Ed25519 (RFC 7519, RFC 8037). */
#include "access/token.h"

#include "access/access.h"

#include "common/json.h"
#include "common/str.h"
#include "common/uuid.h"

#include <string.h>

enum { SKEW_SECONDS = 5 }; /* between our clock and customer's; never for the end of a token */

const struct error_def TOKEN_INVALID = {STATUS_UNAUTHENTICATED, "TOKEN_INVALID",
                                        "sign in, or exchange the refresh token"};
const struct error_def TOKEN_EXPIRED = {STATUS_UNAUTHENTICATED, "TOKEN_EXPIRED",
                                        "exchange the refresh token"};

static struct status refuse(struct ctx *ctx, const char *why)
{
    return ctx_fail(ctx, &TOKEN_INVALID, "%s", why);
}

/* One of the three parts, up to the dot. */
static bool decode_part(struct ctx *ctx, const char *start, size_t length, uint8_t **ret_data,
                        size_t *ret_length)
{
    return length > 0 && str_from_base64url(ctx->arena, arena_strndup(ctx->arena, start, length),
                                            ret_data, ret_length);
}

static bool parse_object(struct ctx *ctx, const void *text, size_t length,
                         const struct json_node **ret_root)
{
    struct status parsed = json_parse(ctx->arena, text, length, ret_root);
    return parsed.code == STATUS_OK && (*ret_root)->kind == JSON_OBJECT;
}

static struct status read_header(struct ctx *ctx, const struct json_node *header,
                                 struct token *token)
{
    const char *type = json_text(json_member(header, "typ"));
    token->key_id = json_text(json_member(header, "kid"));
    if (!str_equal(json_text(json_member(header, "alg")), "EdDSA"))
        return refuse(ctx, "the algorithm must be EdDSA");
    if (type && !str_equal_ignore_case(type, "JWT") && !str_equal_ignore_case(type, "at+jwt"))
        return refuse(ctx, "the type must be JWT");
    if (json_member(header, "crit"))
        return refuse(ctx, "critical extensions are not known here");
    if (str_is_empty(token->key_id) || strlen(token->key_id) > TOKEN_KID_MAX)
        return refuse(ctx, "kid is missing or too long");
    return status_ok();
}

struct status token_parse(struct ctx *ctx, const char *text, struct token *ret_token)
{
    const char *first = strchr(text, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    uint8_t *header = NULL, *claims = NULL, *signature = NULL;
    size_t header_length = 0, claims_length = 0, signature_length = 0;
    const struct json_node *root;

    if (!second || strchr(second + 1, '.') || strlen(text) > TOKEN_LENGTH_MAX)
        return refuse(ctx, "not of the form header.claims.signature");
    if (!decode_part(ctx, text, (size_t)(first - text), &header, &header_length) ||
        !decode_part(ctx, first + 1, (size_t)(second - first - 1), &claims, &claims_length) ||
        !decode_part(ctx, second + 1, strlen(second + 1), &signature, &signature_length))
        return refuse(ctx, "a part is not base64url");
    if (signature_length != crypto_sign_BYTES)
        return refuse(ctx, "the signature has a wrong length");
    if (!parse_object(ctx, header, header_length, &root))
        return refuse(ctx, "the header is no JSON object");
    *ret_token = (struct token){
        .signed_text = text,
        .signed_length = (size_t)(second - text),
        .signature = signature,
        .claims = (const char *)claims,
        .claims_length = claims_length,
    };
    return read_header(ctx, root, ret_token);
}

static struct status check_times(struct ctx *ctx, const struct json_node *claims, int64_t now)
{
    int64_t expires, begins;
    const struct json_node *not_before = json_member(claims, "nbf");
    if (!json_to_int64(json_member(claims, "exp"), &expires))
        return refuse(ctx, "exp is missing");
    if (expires <= now)
        return ctx_fail(ctx, &TOKEN_EXPIRED, "it ended %lld s ago", (long long)(now - expires));
    if (not_before && (!json_to_int64(not_before, &begins) || begins > now + SKEW_SECONDS))
        return refuse(ctx, "it is not valid yet");
    return status_ok();
}

struct status token_verify(struct ctx *ctx, const struct token *token,
                           const uint8_t key[crypto_sign_PUBLICKEYBYTES],
                           const struct token_rules *rules, struct token_claims *ret_claims)
{
    const struct json_node *claims;
    struct uuid id;
    if (crypto_sign_verify_detached(token->signature, (const unsigned char *)token->signed_text,
                                    token->signed_length, key) != 0)
        return refuse(ctx, "the signature is wrong");
    if (!parse_object(ctx, token->claims, token->claims_length, &claims))
        return refuse(ctx, "the claims are no JSON object");
    if (!str_equal(json_text(json_member(claims, "iss")), rules->issuer))
        return refuse(ctx, "another issuer");
    TRY(check_times(ctx, claims, rules->now_us / 1000000));
    const char *subject = json_text(json_member(claims, "sub"));
    if (!subject || !uuid_parse(subject, &id))
        return refuse(ctx, "sub is no customer id");
    ret_claims->customer_id = uuid_text(ctx->arena, id);
    ret_claims->customer_group = str_or_empty(json_text(json_member(claims, "group")));
    return status_ok();
}
