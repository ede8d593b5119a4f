/* key_ring.h - customer's public keys by kid, asked for when an unknown one turns up.
 *
 * Thread-safe. Keys are asked for again after a while, and at most every few seconds for the sake
 * of an unknown kid: a made-up one must not become a call. */
#pragma once

#include "chassis/ctx.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

struct key_ring;

struct key_ring *key_ring_create(struct arena *arena);
/* *ret_found says whether there is such a key. Fails only when customer cannot be asked. */
struct status key_ring_find(struct ctx *ctx, struct key_ring *ring, const char *key_id,
                            uint8_t ret_key[crypto_sign_PUBLICKEYBYTES], bool *ret_found);
