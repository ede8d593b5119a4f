/* customer.h - what the files of the customer daemon share. */
#pragma once

#include "chassis/db.h"
#include "chassis/metrics.h"
#include "chassis/service.h"
#include "customer/v1/events.pb-c.h"
#include "customer/v1/service.pb-c.h"
#include "events/event.h"

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDRESSES_MAX = 50, TOKEN_DIGEST_BYTES = crypto_hash_sha256_BYTES };

struct hash_pool; /* password.c */

/* An Ed25519 key, and the name by which tokens and JWKS call it. */
struct signing_key {
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    const char *id; /* RFC 7638 thumbprint of the public key */
};

struct customer {
    const char *signing_seed;
    const char *previous_public_key; /* "": there was none */
    const char *issuer;
    int64_t access_ttl_ms;
    int64_t refresh_ttl_ms;
    int64_t sessions_max;
    int64_t hash_concurrency;
    int64_t hash_wait_ms;
    int64_t attempts_max;
    int64_t attempts_window_ms;
    int64_t sweep_interval_ms;

    struct arena *arena; /* of what is made at start */
    struct signing_key key;
    struct signing_key previous; /* id NULL: none; only public */
    struct hash_pool *hashing;
    const char *nobodys_hash; /* verified when the e-mail is unknown: the same work */
};

extern const struct event_kind CUSTOMER_REGISTERED;
extern const struct event_kind CUSTOMER_PROFILE_CHANGED;

extern const struct error_def BAD_SIGNING_KEY;
extern const struct error_def HASHING_BUSY;
extern const struct error_def EMAIL_TAKEN;
extern const struct error_def INVALID_CREDENTIALS;
extern const struct error_def TOO_MANY_ATTEMPTS;
extern const struct error_def REFRESH_TOKEN_INVALID;
extern const struct error_def CUSTOMER_NOT_FOUND;
extern const struct error_def ADDRESS_NOT_FOUND;
extern const struct error_def TOO_MANY_ADDRESSES;

extern struct metric HASHES;
extern struct metric REUSED_TOKENS;

struct account {
    struct uuid id;
    const char *email;
    const char *email_key;
    const char *password_hash;
    const char *given_name;
    const char *family_name;
    const char *phone;
    const char *locale;
    const char *customer_group;
    bool accepts_marketing;
    int64_t version;
    int64_t created_at_us;
};

struct session {
    struct uuid id;
    struct uuid customer_id;
    const char *user_agent;
    int64_t now_us; /* the database's, when it was read or written */
    int64_t expires_at_us;
};

/* start.c */
struct status customer_start(struct ctx *boot);
void customer_stop(void *state);

/* email.c; pure. What addresses are compared by: ASCII letters in lower case, all else as it is.
 * Domains are compared so anyway; a local part could tell case apart, but no two people share one
 * that differs in case alone, and many forget how they wrote theirs. */
const char *email_key(struct arena *arena, const char *email);
bool is_email(const char *text); /* one address of visible ASCII */
/* What is wrong with it, or NULL. */
const char *password_problem(const char *password, const char *email);

/* password.c. At most CUSTOMER_HASH_CONCURRENCY at a time: each takes 19 MiB and 30 ms. */
struct hash_pool *hash_pool_create(struct arena *arena, int64_t concurrency);
void hash_pool_destroy(struct hash_pool *pool); /* accepts NULL */
struct status password_hash(struct ctx *ctx, const char *password, const char **ret_hash);
struct status password_verify(struct ctx *ctx, const char *password, const char *hash,
                              bool *ret_matches);

/* access_token.c; pure. */
void signing_key_from_seed(struct arena *arena, const uint8_t seed[crypto_sign_SEEDBYTES],
                           struct signing_key *ret_key);
const char *signing_key_id(struct arena *arena, const uint8_t *public_key);
struct access_claims {
    const char *issuer;
    const char *subject;
    const char *customer_group;
    int64_t issued_at_us, expires_at_us;
};
const char *access_token(struct arena *arena, const struct signing_key *key,
                         const struct access_claims *claims);

/* session.c */
const char *refresh_token_make(struct ctx *ctx, uint8_t ret_digest[TOKEN_DIGEST_BYTES]);
void refresh_token_digest(const char *token, uint8_t ret_digest[TOKEN_DIGEST_BYTES]);
Customer__V1__Tokens *session_tokens(struct ctx *ctx, const struct account *account,
                                     const struct session *session, const char *refresh_token);
/* A new session of the account; the least used ones beyond the limit end. Locks the account. */
struct status session_open(struct db_tx *tx, const struct account *account, const char *user_agent,
                           Customer__V1__Tokens **ret_tokens);
struct status customer_sweep(struct ctx *ctx);

/* profile.c */
Customer__V1__Customer *wire_customer(struct ctx *ctx, const struct account *account);

struct uuid parsed(const char *id); /* of validated text */

/* store_account.c. Counting answers how many attempts the window holds, this one included; the id
 * is nil when there is no such account. */
struct status store_count_attempt(struct db_tx *tx, const char *email_key, int64_t window_ms,
                                  int64_t attempts_max, struct account *ret_account,
                                  int64_t *ret_attempts);
struct status store_forget_attempts(struct db_tx *tx, const char *email_key);
struct status store_add_account(struct db_tx *tx, struct account *account);
struct status store_find_account(struct db_tx *tx, struct uuid id, struct account *ret_account);
struct status store_lock_account(struct db_tx *tx, struct uuid id, struct account *ret_account);
struct status store_change_profile(struct db_tx *tx, const struct account *account);
struct status store_change_password(struct db_tx *tx, struct uuid id, const char *hash);
struct status store_sweep(struct db_tx *tx, int64_t window_ms, int64_t refresh_ttl_ms);

/* store_session.c */
struct token_row {
    struct session session;
    struct account account;
    bool is_used, is_expired;
};
struct status store_add_session(struct db_tx *tx, struct session *session, int64_t ttl_ms);
struct status store_trim_sessions(struct db_tx *tx, struct uuid customer_id, int64_t most);
struct status store_add_token(struct db_tx *tx, const uint8_t *digest, struct uuid session_id);
/* Locks token and session. *ret_found false when there is no such token. */
struct status store_lock_token(struct db_tx *tx, const uint8_t *digest, struct token_row *ret_row,
                               bool *ret_found);
struct status store_use_token(struct db_tx *tx, const uint8_t *digest, int64_t ttl_ms,
                              struct session *session);
struct status store_end_session(struct db_tx *tx, struct uuid session_id);
struct status store_end_sessions(struct db_tx *tx, struct uuid customer_id);

/* store_address.c. The caller has locked the account. */
struct status store_count_addresses(struct db_tx *tx, struct uuid customer_id, int64_t *ret_count);
struct status store_list_addresses(struct db_tx *tx, struct uuid customer_id,
                                   Customer__V1__CustomerAddress ***ret_addresses,
                                   size_t *ret_count);
/* The defaults of the others, which this address is to take over. */
struct status store_yield_defaults(struct db_tx *tx, struct uuid customer_id,
                                   const Customer__V1__CustomerAddress *address);
struct status store_add_address(struct db_tx *tx, struct uuid customer_id,
                                const Customer__V1__CustomerAddress *address);
struct status store_change_address(struct db_tx *tx, struct uuid customer_id,
                                   const Customer__V1__CustomerAddress *address);
struct status store_remove_address(struct db_tx *tx, struct uuid customer_id,
                                   struct uuid address_id);

extern const struct db_stmt *const STORE_ACCOUNT_STATEMENTS[];
extern const struct db_stmt *const STORE_SESSION_STATEMENTS[];
extern const struct db_stmt *const STORE_ADDRESS_STATEMENTS[];
