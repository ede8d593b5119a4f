/* main.c - the table of contents of the customer daemon. */
#include "customer.h"

#include "customer/v1/service.handlers.h"
#include "customer_migrations.h"
#include "events/outbox.h"

#define FIELD(member) offsetof(struct customer, member)

static const struct config_field CONFIG[] = {
    {"CUSTOMER_SIGNING_SEED", CONFIG_STRING, FIELD(signing_seed), NULL, 64, 64, true,
     "seed of the Ed25519 key that signs access tokens: 64 hexadecimal digits"},
    {"CUSTOMER_PREVIOUS_PUBLIC_KEY", CONFIG_STRING, FIELD(previous_public_key), "", 0, 64, false,
     "public key before the last rotation, hexadecimal; its tokens stay good until they end"},
    {"CUSTOMER_TOKEN_ISSUER", CONFIG_STRING, FIELD(issuer), "torg", 1, 255, false,
     "iss of access tokens; the gateway expects the same"},
    {"CUSTOMER_ACCESS_TTL", CONFIG_DURATION_MS, FIELD(access_ttl_ms), "10m", 1000, 3600000, false,
     "life of an access token"},
    {"CUSTOMER_REFRESH_TTL", CONFIG_DURATION_MS, FIELD(refresh_ttl_ms), "30d", 1, 31536000000,
     false, "life of a session since its last refresh"},
    {"CUSTOMER_SESSIONS_MAX", CONFIG_INT, FIELD(sessions_max), "20", 1, 1000, false,
     "sessions of one customer; a new one ends the least used"},
    {"CUSTOMER_HASH_CONCURRENCY", CONFIG_INT, FIELD(hash_concurrency), "2", 1, 64, false,
     "passwords hashed at a time; each takes 19 MiB"},
    {"CUSTOMER_HASH_WAIT", CONFIG_DURATION_MS, FIELD(hash_wait_ms), "2s", 1, 10000, false,
     "how long a sign-in waits for its turn to hash"},
    {"CUSTOMER_ATTEMPTS_MAX", CONFIG_INT, FIELD(attempts_max), "10", 1, 1000, false,
     "sign-in attempts that an account may fail in a window"},
    {"CUSTOMER_ATTEMPTS_WINDOW", CONFIG_DURATION_MS, FIELD(attempts_window_ms), "15m", 1, 86400000,
     false, "that window, since its first attempt"},
    {"CUSTOMER_SWEEP_INTERVAL", CONFIG_DURATION_MS, FIELD(sweep_interval_ms), "1m", 10, 86400000,
     false, "how often ended sessions and old attempts are removed"},
    {0},
};

static const struct rpc_service *const METHODS[] = {&CUSTOMER_V1_SERVICE, NULL};

static const struct event_kind *const EVENTS[] = {
    &CUSTOMER_REGISTERED,
    &CUSTOMER_PROFILE_CHANGED,
    NULL,
};

static const struct error_def *const ERRORS[] = {
    &BAD_SIGNING_KEY,    &HASHING_BUSY,
    &EMAIL_TAKEN,        &INVALID_CREDENTIALS,
    &TOO_MANY_ATTEMPTS,  &REFRESH_TOKEN_INVALID,
    &CUSTOMER_NOT_FOUND, &ADDRESS_NOT_FOUND,
    &TOO_MANY_ADDRESSES, NULL,
};

static struct metric *const METRICS[] = {&HASHES, &REUSED_TOKENS, NULL};

static const struct sweep SWEEPS[] = {
    {"sessions", customer_sweep, FIELD(sweep_interval_ms), 10000},
    {0},
};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_ACCOUNT_STATEMENTS,
    STORE_SESSION_STATEMENTS,
    STORE_ADDRESS_STATEMENTS,
    NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service CUSTOMER = {
    .name = "customer",
    .doc = "accounts, sign-in, profiles and addresses",
    .rpc = METHODS,
    .events = EVENTS,
    .errors = ERRORS,
    .metrics = METRICS,
    .statements = STATEMENTS,
    .migrations = CUSTOMER_MIGRATIONS,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .config = CONFIG,
    .state_size = sizeof(struct customer),
    .start = customer_start,
    .stop = customer_stop,
};

int main(int argc, char **argv)
{
    return service_main(&CUSTOMER, argc, argv);
}
