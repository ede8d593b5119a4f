/* uuid.c - UUIDv7, v5 and derived v8 identities (RFC 9562).
 *
 * SHA-1 serves version 5 only, where the RFC prescribes it; nothing is secured by it. */
#include "common/uuid.h"

#include "common/clock.h"
#include "digits.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { VERSION_NAME = 5, VERSION_TIME = 7, VERSION_CUSTOM = 8, TIME_BYTES = 6 };
enum { RANDOM_BYTES = 8, RANDOM_STOCK = 32 * RANDOM_BYTES };

/* The kernel is asked for the random bytes of many ids at once. */
static _Thread_local struct {
    uint8_t bytes[RANDOM_STOCK];
    size_t left;
} stock;

static void stamp(struct uuid *id, int version)
{
    id->bytes[6] = (uint8_t)(version << 4 | (id->bytes[6] & 0x0F));
    id->bytes[8] = (uint8_t)(0x80 | (id->bytes[8] & 0x3F));
}

/* In a child of fork() its only thread still has its parent's stock: both would use it. */
static void forget_stock(void)
{
    stock.left = 0;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_stock);
}

static void random_tail(uint8_t ret_tail[RANDOM_BYTES])
{
    static pthread_once_t watching = PTHREAD_ONCE_INIT;

    if (stock.left == 0) {
        pthread_once(&watching, watch_forks);
        if (getrandom(stock.bytes, sizeof(stock.bytes), 0) != (ssize_t)sizeof(stock.bytes))
            abort(); // cannot happen: 256 bytes are never cut short once the pool is seeded
        stock.left = sizeof(stock.bytes);
    }
    stock.left -= RANDOM_BYTES;
    memcpy(ret_tail, stock.bytes + stock.left, RANDOM_BYTES);
}

/* The 12 bits behind the milliseconds hold the fraction of the millisecond (RFC 9562 6.2, method
 * 3), so that ids made one after the other also sort so, and index inserts stay at the right. */
struct uuid uuid_v7(void)
{
    struct uuid id;
    int64_t now_us = clock_now_us();
    uint64_t ms = (uint64_t)(now_us / 1000);
    uint64_t fraction = (uint64_t)(now_us % 1000) * 4096 / 1000;

    random_tail(id.bytes + sizeof(id.bytes) - RANDOM_BYTES);
    for (int i = 0; i < TIME_BYTES; i++)
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(fraction >> 8);
    id.bytes[7] = (uint8_t)fraction;
    stamp(&id, VERSION_TIME);
    return id;
}

struct uuid uuid_v5(struct uuid name_space, const void *name, size_t length)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct uuid id;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash && EVP_DigestInit_ex(hash, EVP_sha1(), NULL) == 1 &&
              EVP_DigestUpdate(hash, name_space.bytes, sizeof(name_space.bytes)) == 1 &&
              EVP_DigestUpdate(hash, name, length) == 1 &&
              EVP_DigestFinal_ex(hash, digest, NULL) == 1;

    EVP_MD_CTX_free(hash);
    if (!ok)
        abort(); // out of memory, or a libcrypto without SHA-1: no id may be made up
    memcpy(id.bytes, digest, sizeof(id.bytes));
    stamp(&id, VERSION_NAME);
    return id;
}

static struct uuid derive(struct uuid parent, const char *role, const uint8_t *tail, size_t length)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state hash;
    struct uuid id = parent;

    crypto_hash_sha256_init(&hash);
    crypto_hash_sha256_update(&hash, parent.bytes, sizeof(parent.bytes));
    crypto_hash_sha256_update(&hash, (const uint8_t *)role, strlen(role));
    crypto_hash_sha256_update(&hash, tail, length);
    crypto_hash_sha256_final(&hash, digest);
    memcpy(id.bytes + TIME_BYTES, digest, sizeof(id.bytes) - TIME_BYTES);
    stamp(&id, VERSION_CUSTOM);
    return id;
}

struct uuid uuid_derive(struct uuid parent, const char *role)
{
    return derive(parent, role, NULL, 0);
}

struct uuid uuid_derive_n(struct uuid parent, const char *role, int64_t number)
{
    uint8_t tail[9] = {0}; // the NUL keeps ("a1", 1) apart from ("a", 11) and from plain roles

    for (int i = 0; i < 8; i++)
        tail[1 + i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    return derive(parent, role, tail, sizeof(tail));
}

static bool is_dash_position(int position)
{
    return position == 8 || position == 13 || position == 18 || position == 23;
}

bool uuid_parse(const char *text, struct uuid *ret_id)
{
    struct uuid id = {{0}};
    int digits = 0;

    if (!text)
        return false;
    for (int i = 0; i < UUID_TEXT_LENGTH; i++) {
        if (is_dash_position(i)) {
            if (text[i] != '-')
                return false;
            continue;
        }

        int digit = hex_digit(text[i]);

        if (digit < 0)
            return false;
        id.bytes[digits / 2] = (uint8_t)(id.bytes[digits / 2] << 4 | digit);
        digits++;
    }
    if (text[UUID_TEXT_LENGTH] != '\0')
        return false;
    *ret_id = id;
    return true;
}

void uuid_format(struct uuid id, char ret_text[UUID_TEXT_LENGTH + 1])
{
    static const char HEX[] = "0123456789abcdef";
    int digits = 0;

    for (int i = 0; i < UUID_TEXT_LENGTH; i++) {
        if (is_dash_position(i)) {
            ret_text[i] = '-';
            continue;
        }
        ret_text[i] = HEX[digits % 2 ? id.bytes[digits / 2] & 15 : id.bytes[digits / 2] >> 4];
        digits++;
    }
    ret_text[UUID_TEXT_LENGTH] = '\0';
}

char *uuid_text(struct arena *arena, struct uuid id)
{
    char *text = arena_alloc(arena, UUID_TEXT_LENGTH + 1);

    uuid_format(id, text);
    return text;
}

bool uuid_is_nil(struct uuid id)
{
    return uuid_equal(id, (struct uuid){{0}});
}

bool uuid_equal(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

int uuid_compare(const void *a, const void *b)
{
    return memcmp(((const struct uuid *)a)->bytes, ((const struct uuid *)b)->bytes,
                  sizeof(struct uuid));
}

int64_t uuid_time_ms(struct uuid id)
{
    int64_t ms = 0;

    for (int i = 0; i < TIME_BYTES; i++)
        ms = ms << 8 | id.bytes[i];
    return ms;
}
