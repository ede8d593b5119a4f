/* key_ring.c - customer's public keys by kid, asked for when an unknown one turns up. */
#include "access/key_ring.h"

#include "access/token.h"

#include "common/clock.h"
#include "common/str.h"
#include "customer/v1/service.client.h"

#include <pthread.h>
#include <string.h>

enum {
    KEYS_MAX = 16,
    LIFETIME_US = 300 * 1000000,
    PAUSE_US = 5 * 1000000, /* between two questions about unknown keys */
};

struct ring_key {
    char id[TOKEN_KID_MAX + 1];
    uint8_t bytes[crypto_sign_PUBLICKEYBYTES];
};

struct key_ring {
    pthread_mutex_t lock;   /* of what follows */
    pthread_mutex_t asking; /* one question at a time: who waits finds its answer */
    int64_t asked_us;
    size_t count;
    struct ring_key keys[KEYS_MAX];
};

struct key_ring *key_ring_create(struct arena *arena)
{
    struct key_ring *ring = arena_new(arena, struct key_ring);
    (void)pthread_mutex_init(&ring->lock, NULL); // cannot fail with default attributes
    (void)pthread_mutex_init(&ring->asking, NULL);
    ring->asked_us = clock_monotonic_us() - LIFETIME_US;
    return ring;
}

static bool copy_key(struct key_ring *ring, const char *key_id, uint8_t *ret_key)
{
    for (size_t i = 0; i < ring->count; i++)
        if (str_equal(ring->keys[i].id, key_id)) {
            memcpy(ret_key, ring->keys[i].bytes, sizeof ring->keys[i].bytes);
            return true;
        }
    return false;
}

/* False when customer has to be asked: the key is old, or unknown and nobody asked just now. */
static bool is_answered(struct key_ring *ring, const char *key_id, uint8_t *ret_key,
                        bool *ret_found)
{
    (void)pthread_mutex_lock(&ring->lock);
    int64_t age = clock_monotonic_us() - ring->asked_us;
    *ret_found = copy_key(ring, key_id, ret_key);
    (void)pthread_mutex_unlock(&ring->lock);
    return age < (*ret_found ? LIFETIME_US : PAUSE_US);
}

static bool read_key(struct ctx *ctx, const Customer__V1__Jwk *jwk, struct ring_key *key)
{
    uint8_t *bytes;
    size_t length;
    if (!str_equal(jwk->kty, "OKP") || !str_equal(jwk->crv, "Ed25519") ||
        strlen(jwk->kid) > TOKEN_KID_MAX ||
        !str_from_base64url(ctx->arena, jwk->x, &bytes, &length) || length != sizeof key->bytes)
        return false;
    memset(key, 0, sizeof *key);
    memcpy(key->id, jwk->kid, strlen(jwk->kid));
    memcpy(key->bytes, bytes, length);
    return true;
}

static void replace(struct ctx *ctx, struct key_ring *ring,
                    const Customer__V1__GetJwksResponse *answer)
{
    struct ring_key keys[KEYS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < answer->n_keys && count < KEYS_MAX; i++)
        count += read_key(ctx, answer->keys[i], &keys[count]);
    (void)pthread_mutex_lock(&ring->lock);
    memcpy(ring->keys, keys, count * sizeof *keys);
    ring->count = count;
    ring->asked_us = clock_monotonic_us();
    (void)pthread_mutex_unlock(&ring->lock);
}

static struct status ask(struct ctx *ctx, struct key_ring *ring)
{
    Customer__V1__GetJwksRequest request = CUSTOMER__V1__GET_JWKS_REQUEST__INIT;
    const Customer__V1__GetJwksResponse *answer;
    TRY(customer_v1_get_jwks(ctx, &request, &answer));
    replace(ctx, ring, answer);
    return status_ok();
}

struct status key_ring_find(struct ctx *ctx, struct key_ring *ring, const char *key_id,
                            uint8_t ret_key[crypto_sign_PUBLICKEYBYTES], bool *ret_found)
{
    struct status asked = status_ok();
    if (is_answered(ring, key_id, ret_key, ret_found))
        return status_ok();
    (void)pthread_mutex_lock(&ring->asking);
    if (!is_answered(ring, key_id, ret_key, ret_found)) {
        asked = ask(ctx, ring);
        if (asked.code == STATUS_OK)
            (void)is_answered(ring, key_id, ret_key, ret_found);
    }
    (void)pthread_mutex_unlock(&ring->asking);
    // An old key is better than no customers while their daemon is away.
    return *ret_found ? status_ok() : asked;
}
