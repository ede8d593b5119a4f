/* target.h - the processes under attack, seen from outside: where they listen, what they use.
 *
 * The shop is the one that tests/run starts, or any other that TORG_SHOP_VAR and TORG_SHOP_URL name
 * (deploy/local/up). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum target_id { AT_GATEWAY, AT_INVENTORY, TARGETS };

struct usage {
    long resident_kib;
    long descriptors;
    long ticks; /* of processor time, since it started */
};

struct target {
    const char *name;
    int port;
    int pid;
};

extern struct target targets[TARGETS];

void targets_find(void); /* before the first test */
/* By its name; before the first test. */
void target_find(struct target *target);
/* What a line of its environment says behind `start`, as in "TORG_CALL_KEYS=". */
void target_setting(const struct target *target, const char *start, char *ret_text, size_t size);
struct usage target_usage(const struct target *target);
/* Waits until it does nothing and has given back what it opened: at most that many descriptors. */
void target_settle(const struct target *target, long descriptors_max);
/* A key of the shop: a file of its var/env. Static, one for each call's file. */
const char *shop_key(const char *file);
