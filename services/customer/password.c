/* password.c - argon2id (RFC 9106), a few at a time.
 *
 * A hash is made to be dear: 19 MiB and two passes (OWASP's smallest), 30 ms of a core. Who has to
 * wait too long is told to come back, before the daemon runs out of memory or time for the rest. */
#include "customer.h"

#include "common/clock.h"
#include "common/str.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

const struct error_def HASHING_BUSY = {STATUS_RESOURCE_EXHAUSTED, "HASHING_BUSY",
                                       "many sign in at this moment: retry with back-off"};

struct metric HASHES = {
    .name = "customer_password_hash_seconds",
    .type = METRIC_HISTOGRAM,
    .doc = "Time of one password hash, without waiting for its turn",
};

static const unsigned long long PASSES = 2;
static const size_t MEMORY_BYTES = (size_t)19 * 1024 * 1024;

struct hash_pool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int64_t free_count;
};

struct hash_pool *hash_pool_create(struct arena *arena, int64_t concurrency)
{
    struct hash_pool *pool = arena_new(arena, struct hash_pool);
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->freed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pool->free_count = concurrency;
    return pool;
}

void hash_pool_destroy(struct hash_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
}

static struct timespec wait_until(const struct ctx *ctx, int64_t wait_ms)
{
    int64_t until_us = clock_monotonic_us() + wait_ms * 1000;

    if (until_us > ctx->deadline_us)
        until_us = ctx->deadline_us;
    return (struct timespec){.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
}

static struct status take_turn(struct ctx *ctx, struct hash_pool *pool)
{
    const struct customer *self = ctx_state(ctx);
    const struct timespec until = wait_until(ctx, self->hash_wait_ms);
    bool is_mine = true;

    pthread_mutex_lock(&pool->lock);
    while (pool->free_count == 0 && is_mine)
        is_mine = pthread_cond_timedwait(&pool->freed, &pool->lock, &until) == 0;
    is_mine = pool->free_count > 0;
    pool->free_count -= is_mine;
    pthread_mutex_unlock(&pool->lock);
    return is_mine ? status_ok() : ctx_fail(ctx, &HASHING_BUSY, "no turn in time");
}

static void give_turn(struct hash_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->free_count++;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

struct status password_hash(struct ctx *ctx, const char *password, const char **ret_hash)
{
    const struct customer *self = ctx_state(ctx);
    char hash[crypto_pwhash_STRBYTES];

    TRY(take_turn(ctx, self->hashing));
    const int64_t start_us = clock_monotonic_us();
    const int failed = crypto_pwhash_str(hash, password, strlen(password), PASSES, MEMORY_BYTES);
    metric_observe_us(&HASHES, 0, clock_monotonic_us() - start_us);
    give_turn(self->hashing);
    if (failed != 0)
        return ctx_fail(ctx, &HASHING_BUSY, "no memory for a hash");
    *ret_hash = arena_strdup(ctx->arena, hash);
    return status_ok();
}

struct status password_verify(struct ctx *ctx, const char *password, const char *hash,
                              bool *ret_matches)
{
    const struct customer *self = ctx_state(ctx);

    TRY(take_turn(ctx, self->hashing));
    const int64_t start_us = clock_monotonic_us();
    *ret_matches = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
    metric_observe_us(&HASHES, 0, clock_monotonic_us() - start_us);
    give_turn(self->hashing);
    return status_ok();
}
