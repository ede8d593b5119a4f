/* target.h - the processes under attack, seen from outside: where they listen, what they use.
 *
 * The shop is the one that tests/run starts, or any other that TORG_SHOP_VAR and TORG_SHOP_URL name
 * (deploy/local/up). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum target_id { GATEWAY, INVENTORY, TARGETS };

struct usage {
    long resident_kib;
    long descriptors;
    long ticks; /* of processor time, since it started */
};

struct target {
    const char *name;
    const char *prefix; /* of its configuration */
    int port;
    int pid;
};

extern struct target targets[TARGETS];

void targets_find(void); /* before the first test */
struct usage target_usage(const struct target *target);
/* Waits until it does nothing and has given back what it opened: at most that many descriptors. */
void target_settle(const struct target *target, long descriptors_max);
/* A key of the shop: a file of its var/env. Static, one for each call's file. */
const char *shop_key(const char *file);
