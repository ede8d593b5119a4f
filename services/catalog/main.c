/* main.c - the table of contents of the catalog daemon. */
#include "catalog.h"
#include "import.h"

#include "catalog/v1/service.handlers.h"
#include "catalog_migrations.h"
#include "events/outbox.h"

#define FIELD(member) offsetof(struct catalog, member)

static const struct config_field CONFIG[] = {
    {"CATALOG_IMPORT_RETENTION", CONFIG_DURATION_MS, FIELD(import_retention_ms), "1d", 10,
     31536000000, false,
     "how long a finished import's file is kept, and an unfinished upload waits"},
    {"CATALOG_PURGE_INTERVAL", CONFIG_DURATION_MS, FIELD(purge_interval_ms), "1m", 10, 86400000,
     false, "how often files of old imports are looked for"},
    {0},
};

static const struct rpc_service *const METHODS[] = {&CATALOG_V1_SERVICE, NULL};

static const struct event_kind *const EVENTS[] = {
    &PRODUCT_CREATED, &PRODUCT_UPDATED, &PRODUCT_PUBLISHED, &PRODUCT_UNPUBLISHED, &VARIANT_CREATED,
    &VARIANT_UPDATED, &VARIANT_REMOVED, &CATEGORY_CREATED,  &CATEGORY_UPDATED,    NULL,
};

static const struct error_def *const ERRORS[] = {
    &INVALID_PRODUCT,
    &PRODUCT_NOT_FOUND,
    &VARIANT_NOT_FOUND,
    &HANDLE_TAKEN,
    &SKU_TAKEN,
    &SLUG_TAKEN,
    &UNKNOWN_CATEGORY,
    &DUPLICATE_PRODUCT,
    &INVALID_CATEGORY,
    &CATEGORY_NOT_FOUND,
    &CATEGORY_CODE_TAKEN,
    &CATEGORY_CYCLE,
    &CATEGORY_TOO_DEEP,
    &TOO_MANY_CATEGORIES,
    &IMPORT_NOT_FOUND,
    &IMPORT_NOT_UPLOADING,
    &IMPORT_CHUNK_DIFFERS,
    &IMPORT_CHUNKS_MISSING,
    &IMPORT_CHUNK_NOT_FOUND,
    &NO_IMPORT_WAITING,
    &IMPORT_LEASE_LOST,
    NULL,
};

static const struct sweep SWEEPS[] = {
    {"purge_imports", catalog_purge_imports, FIELD(purge_interval_ms), 30000},
    {0},
};

static const struct db_stmt *const *const STATEMENTS[] = {
    STORE_PRODUCT_STATEMENTS,    STORE_PRODUCT_WRITE_STATEMENTS,
    STORE_CLAIM_STATEMENTS,      STORE_VARIANT_STATEMENTS,
    STORE_CATEGORY_STATEMENTS,   STORE_IMPORT_STATEMENTS,
    STORE_IMPORT_RUN_STATEMENTS, NULL,
};

static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service CATALOG = {
    .name = "catalog",
    .doc = "products, variants, categories, where they are published, and product imports",
    .rpc = METHODS,
    .events = EVENTS,
    .errors = ERRORS,
    .statements = STATEMENTS,
    .migrations = CATALOG_MIGRATIONS,
    .sweeps = SWEEPS,
    .components = COMPONENTS,
    .config = CONFIG,
    .state_size = sizeof(struct catalog),
};

int main(int argc, char **argv)
{
    return service_main(&CATALOG, argc, argv);
}
