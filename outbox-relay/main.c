/* main.c - the table of contents of the outbox relay. */
#include "relay.h"

#include "chassis/service.h"

#define FIELD(member) offsetof(struct relay, member)

static const struct config_field CONFIG[] = {
    {"RELAY_DATABASE_URL", CONFIG_STRING, FIELD(database_url), .secret = true,
     .doc = "Postgres, as the role of setup.sql: LOGIN REPLICATION and schema relay"},
    {"RELAY_SOURCE", CONFIG_STRING, FIELD(source), "wal",
     .doc = "where outbox rows come from: wal (logical decoding) or snapshot (polling)"},
    {"RELAY_CART_REDIS_URL", CONFIG_STRING, FIELD(cart_redis_url), "", .secret = true,
     .doc = "Redis with the cart's event streams; empty: not read"},
    {"RELAY_CART_SHARDS", CONFIG_INT, FIELD(cart_shards), "64", 1, 1024,
     .doc = "number of the cart's streams, cart:{c00}:events and so on"},
    {"RELAY_SLOT", CONFIG_STRING, FIELD(slot), "outbox_relay", 1, 63,
     .doc = "replication slot, one per database; also the name of the saved position"},
    {"RELAY_PUBLICATION", CONFIG_STRING, FIELD(publication), "outbox_relay", 1, 63,
     .doc = "publication of the outbox tables"},
    {"RELAY_WINDOW", CONFIG_INT, FIELD(window_messages), "20000", 1, 1000000,
     .doc = "events in flight; beyond, reading stops. Bounds the duplicates after a crash"},
    {"RELAY_WINDOW_BYTES", CONFIG_BYTES, FIELD(window_bytes), "16MiB", 1024, 1 << 30,
     .doc = "bytes in flight"},
    {"RELAY_LINGER", CONFIG_DURATION_MS, FIELD(linger_ms), "1ms", 0, 1000,
     .doc = "how long the producer gathers a batch"},
    {"RELAY_POLL_INTERVAL", CONFIG_DURATION_MS, FIELD(poll_interval_ms), "20ms", 1, 60000,
     .doc = "pause between two polls of the snapshot source"},
    {"RELAY_SAVE_INTERVAL", CONFIG_DURATION_MS, FIELD(save_interval_ms), "1s", 10, 60000,
     .doc = "how often the position is stored and confirmed"},
    {"RELAY_RETRY", CONFIG_DURATION_MS, FIELD(retry_ms), "1s", 10, 60000,
     .doc = "pause before another attempt to lead, doubled by jitter"},
    {"RELAY_LIVENESS", CONFIG_DURATION_MS, FIELD(liveness_ms), "10s", 1000, 600000,
     .doc = "silence of the server after which the session ends; its wal_sender_timeout"},
    {"RELAY_STALL", CONFIG_DURATION_MS, FIELD(stall_ms), "1m", 1000, 3600000,
     .doc =
         "how long an event may wait while others are delivered before the session is begun anew"},
    {"RELAY_DRAIN", CONFIG_DURATION_MS, FIELD(drain_ms), "5s", 0, 60000,
     .doc = "how long a stopping relay waits for reports"},
    {"RELAY_REPAIR", CONFIG_BOOL, FIELD(repair), "false",
     .doc = "make a new slot when the old one skipped events, and publish what the outboxes hold"},
    {0},
};

extern const struct error_def RELAY_DISCONTINUED;
static const struct error_def *const ERRORS[] = {&RELAY_STANDBY, &RELAY_FAILED, &RELAY_DISCONTINUED,
                                                 NULL};

const struct service RELAY = {
    .name = "outbox-relay",
    .doc = "publishes what the services wrote into their outboxes",
    .errors = ERRORS,
    .metrics = RELAY_METRICS,
    .config = CONFIG,
    .state_size = sizeof(struct relay),
    .start = relay_start,
    .ready = relay_ready,
    .stop = relay_stop,
};

int main(int argc, char **argv)
{
    return service_main(&RELAY, argc, argv);
}
