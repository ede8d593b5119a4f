/* start.c - keys and the hashing pool, made once. */
#include "customer.h"

#include "common/str.h"

const struct error_def BAD_SIGNING_KEY = {
    STATUS_FAILED_PRECONDITION, "BAD_SIGNING_KEY",
    "64 hexadecimal digits: a seed as of openssl rand -hex 32, a public key as JWKS showed it"};

enum { ARENA_MAX = 64 * 1024 };

struct status customer_start(struct ctx *boot)
{
    struct customer *self = ctx_state(boot);
    const bool has_previous = !str_is_empty(self->previous_public_key);
    uint8_t seed[crypto_sign_SEEDBYTES];

    if (sodium_init() < 0)
        return ctx_fail(boot, &ERROR_INTERNAL, "libsodium does not start");
    if (!str_from_hex(self->signing_seed, seed, sizeof seed))
        return ctx_fail(boot, &BAD_SIGNING_KEY, "CUSTOMER_SIGNING_SEED");
    if (has_previous && !str_from_hex(self->previous_public_key, self->previous.public_key,
                                      sizeof self->previous.public_key))
        return ctx_fail(boot, &BAD_SIGNING_KEY, "CUSTOMER_PREVIOUS_PUBLIC_KEY");
    self->arena = arena_create(ARENA_MAX);
    signing_key_from_seed(self->arena, seed, &self->key);
    sodium_memzero(seed, sizeof seed);
    if (has_previous)
        self->previous.id = signing_key_id(self->arena, self->previous.public_key);
    self->hashing = hash_pool_create(self->arena, self->hash_concurrency);
    const char *hash;
    TRY(password_hash(boot, "nobody has this password", &hash));
    self->nobodys_hash = arena_strdup(self->arena, hash);
    return status_ok();
}

void customer_stop(void *state)
{
    struct customer *self = state;

    hash_pool_destroy(self->hashing);
    sodium_memzero(&self->key, sizeof self->key);
    arena_destroy(self->arena);
    self->hashing = NULL;
    self->arena = NULL;
}
