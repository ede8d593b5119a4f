/* config.h - reading the tables of chassis/config.h, private to the chassis. */
#pragma once

#include "chassis/config.h"
#include "common/arena.h"
#include "common/str.h"
#include "daemon.h"

/* One table and where its values go. `prefix` is put before names that start with _. */
struct config_table {
    const struct config_field *fields; /* ends with name NULL; NULL: empty */
    const char *prefix;
    void *target;
};

/* Reads every field from the environment. Prints each bad one on stderr and answers how many. */
int config_read(struct arena *arena, const struct config_table *table);
void config_print(struct arena *arena, const struct config_table *table, bool *has_items,
                  struct buffer *out);
/* Logs name and value (secrets masked) of each field. */
void config_log(const struct ctx *ctx, const struct config_table *table);

/* "inventory" becomes "INVENTORY", "outbox-relay" becomes "OUTBOX_RELAY". */
char *config_prefix(struct arena *arena, const char *service);
/* The chassis-wide fields that `service` needs, offsets into struct settings. */
const struct config_field *settings_fields(struct arena *arena, const struct service *service);
/* CATALOG_URL and so on for service->calls: const char *[], in order of calls. */
const struct config_field *address_fields(struct arena *arena, const struct service *service);
/* What migrating needs, and nothing else. */
const struct config_field *migrate_fields(void);
/* TORG_CALL_KEYS alone, for tools; answers how many values were bad. */
int settings_read_keys(struct daemon *daemon);
