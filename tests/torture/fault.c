/* fault.c - everything that can be broken, and how it is mended. */
#include "torture.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char *const REPLICAS[] = {
    "catalog", "catalog-2", "pricing", "pricing-2", "inventory", "inventory-2", "marketing",
    "marketing-2", "cart", "cart-2", "order", "order-2", "customer", "customer-2", "platform",
    "platform-2", "outbox-relay", "outbox-relay-2", "gateway", "gateway-2", NULL};
static const char *const CALLED[] = {
    "catalog", "catalog-2", "pricing", "pricing-2", "inventory", "inventory-2", "marketing",
    "marketing-2", "cart", "cart-2", "order", "order-2", "customer", "customer-2", "platform",
    "platform-2", NULL};
static const char *const SERVERS[] = {
    "postgres-catalog", "postgres-pricing", "postgres-inventory", "postgres-marketing",
    "postgres-order", "postgres-customer", "postgres-platform", "postgres-outbox-relay",
    "redis-cart", "redis-outbox-relay", "redis-gateway", "kafka", "provider", NULL};
static const char *const POSTGRES[] = {"postgres", NULL};
static const char *const KAFKA[] = {"kafka", NULL};
static const char *const REDIS[] = {"redis-carts", "redis-limits", NULL};
static const char *const VOLUMES[] = {"redis-carts", "kafka", "postgres", NULL};
static const char *const SCRIPTS[] = {
    "create&behaviour=decline", "create&behaviour=delay&delay_ms=1500",
    "create&behaviour=timeout_before&delay_ms=4000", "create&behaviour=timeout_after&delay_ms=4000",
    "create&behaviour=error_after", "create&behaviour=conflict",
    "capture&behaviour=timeout_after&delay_ms=4000", "capture&behaviour=error_after",
    "capture&behaviour=error_before", "cancel&behaviour=error_after",
    "cancel&behaviour=timeout_after&delay_ms=4000", "search&behaviour=miss",
    "retrieve&behaviour=unavailable", "create&behaviour=limit", NULL};
static const char *const WEBHOOKS[] = {
    "copies=3&delay_ms=0&reverse=1", "copies=1&delay_ms=4000&reverse=1",
    "copies=1&answer_delay_ms=700", "copies=0", NULL};

/* A restart is at least as likely as a kill; leases are 3 to 6 s, a freeze lasts longer. */
const struct fault FAULTS[] = {
    {"kill",           OF_REPLICA,    6, REPLICAS, "kill {}",             "start {}",     0, 2},
    {"restart",        OF_REPLICA,    6, REPLICAS, "stop {}",             "start {}",     0, 1},
    {"freeze",         OF_REPLICA,    5, REPLICAS, "freeze {}",           "thaw {}",      9, 14},
    {"clock forward",  OF_REPLICA,    3, REPLICAS, "clock {} 900",        "clock {} 0",   6, 12},
    {"kill",           OF_SERVER,     4, POSTGRES, "kill {}",             "start {}",     0, 3},
    {"kill",           OF_SERVER,     3, KAFKA,    "kill {}",             "start {}",     0, 5},
    {"kill",           OF_SERVER,     3, REDIS,    "kill {}",             "start {}",     0, 2},
    {"freeze",         OF_SERVER,     1, POSTGRES, "freeze {}",           "thaw {}",      6, 9},
    {"freeze",         OF_SERVER,     1, KAFKA,    "freeze {}",           "thaw {}",      8, 12},
    {"freeze",         OF_SERVER,     1, REDIS,    "freeze {}",           "thaw {}",      5, 9},
    {"backend killed", OF_SERVER,     2, POSTGRES, "backends kill",       NULL,           1, 1},
    {"backends ended", OF_SERVER,     3, POSTGRES, "backends terminate",  NULL,           1, 1},
    {"full disk",      OF_VOLUME,     2, VOLUMES,  "fill {}",             "free {}",      2, 6},
    {"delay",          OF_CONNECTION, 3, SERVERS,  "link {} delay 150",   "link {} pass", 5, 10},
    {"limit",          OF_CONNECTION, 1, SERVERS,  "link {} limit 20000", "link {} pass", 5, 10},
    {"hole",           OF_CONNECTION, 3, SERVERS,  "link {} hole",        "link {} pass", 4, 12},
    {"deaf",           OF_CONNECTION, 2, SERVERS,  "link {} deaf",        "link {} pass", 3, 8},
    {"reset",          OF_CONNECTION, 3, SERVERS,  "link {} reset",       "link {} pass", 1, 4},
    {"delay",          OF_CALL,       2, CALLED,   "link {} delay 200",   "link {} pass", 5, 10},
    {"hole",           OF_CALL,       2, CALLED,   "link {} hole",        "link {} pass", 4, 12},
    {"deaf",           OF_CALL,       2, CALLED,   "link {} deaf",        "link {} pass", 3, 8},
    {"reset",          OF_CALL,       2, CALLED,   "link {} reset",       "link {} pass", 1, 4},
    {"provider",       OF_PROVIDER,   6, SCRIPTS,  "script '{}'",         "calm",         3, 8},
    {"webhooks",       OF_PROVIDER,   3, WEBHOOKS, "webhooks '{}'",       "calm",         6, 12},
    {0},
};
/* clang-format on */

bool fault_is_possible(const struct fault *fault)
{
    const char *size = getenv("TORG_VOLUME_SIZE"); // run mounts them where it may

    return fault->victim != OF_VOLUME || (size != NULL && *size != '\0');
}
