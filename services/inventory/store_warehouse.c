/* store_warehouse.c - statements on warehouses. */
#include "store.h"

#include "common/str.h"

#include <string.h>

static const struct db_stmt ADD_WAREHOUSE = {
    .name = "add_warehouse",
    .in = "utttif",
    .out = "",
    .sql = "INSERT INTO inventory.warehouse (id, code, name, country_code, priority, is_active)"
           " VALUES ($1, $2, $3, $4, $5, $6)",
};

/* The row is locked, so the version compared is the one that is replaced. */
static const struct db_stmt LOCK_WAREHOUSE = {
    .name = "lock_warehouse",
    .in = "u",
    .out = "i",
    .sql = "SELECT version FROM inventory.warehouse WHERE id = $1 FOR NO KEY UPDATE",
};

static const struct db_stmt UPDATE_WAREHOUSE = {
    .name = "update_warehouse",
    .in = "utttif",
    .out = "i",
    .sql = "UPDATE inventory.warehouse"
           "   SET code = $2, name = $3, country_code = $4, priority = $5, is_active = $6,"
           "       version = version + 1"
           " WHERE id = $1"
           " RETURNING version",
};

static const struct db_stmt LIST_WAREHOUSES = {
    .name = "list_warehouses",
    .in = "ti",
    .out = "utttifi",
    .sql = "SELECT id, code, name, country_code, priority, is_active, version"
           "  FROM inventory.warehouse"
           " WHERE $1::text IS NULL OR code > $1"
           " ORDER BY code LIMIT $2",
    .read_only = true,
};

const struct db_stmt *const STORE_WAREHOUSE_STATEMENTS[] = {
    &ADD_WAREHOUSE, &LOCK_WAREHOUSE, &UPDATE_WAREHOUSE, &LIST_WAREHOUSES, NULL};

static struct status refuse_code(struct db_tx *tx, const struct warehouse *warehouse,
                                 struct status status);

struct status store_add_warehouse(struct db_tx *tx, const struct warehouse *warehouse)
{
    return refuse_code(tx, warehouse,
                       db_exec(tx, &ADD_WAREHOUSE,
                               DB_ARGS(db_uuid(warehouse->id), db_text(warehouse->code),
                                       db_text(warehouse->name), db_text(warehouse->country_code),
                                       db_int(warehouse->priority), db_bool(warehouse->is_active)),
                               NULL));
}

struct status store_update_warehouse(struct db_tx *tx, struct warehouse *warehouse,
                                     int64_t expected_version)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    TRY(db_many(tx, &LOCK_WAREHOUSE, DB_ARGS(db_uuid(warehouse->id)), &rows));
    if (rows.count == 0)
        return ctx_fail(ctx, &WAREHOUSE_NOT_FOUND, "%s", uuid_text(ctx->arena, warehouse->id));
    int64_t version = db_get_int(&rows, 0, 0);
    if (expected_version != 0 && expected_version != version)
        return ctx_fail_field(ctx, &ERROR_VERSION_CONFLICT, "expectedVersion", NULL,
                              arena_printf(ctx->arena, "%lld", (long long)version));
    TRY(refuse_code(tx, warehouse,
                    db_one(tx, &UPDATE_WAREHOUSE,
                           DB_ARGS(db_uuid(warehouse->id), db_text(warehouse->code),
                                   db_text(warehouse->name), db_text(warehouse->country_code),
                                   db_int(warehouse->priority), db_bool(warehouse->is_active)),
                           &rows)));
    warehouse->version = db_get_int(&rows, 0, 0);
    return status_ok();
}

struct status store_list_warehouses(struct db_tx *tx, const char *after_code, int64_t limit,
                                    struct warehouse **ret_warehouses, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &LIST_WAREHOUSES, DB_ARGS(db_text(after_code), db_int(limit)), &rows));
    struct warehouse *warehouses = arena_array(db_ctx(tx)->arena, struct warehouse, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        warehouses[i] = (struct warehouse){
            .id = db_get_uuid(&rows, i, 0),
            .code = db_get_text(&rows, i, 1),
            .name = db_get_text(&rows, i, 2),
            .country_code = db_get_text(&rows, i, 3),
            .priority = db_get_int(&rows, i, 4),
            .is_active = db_get_bool(&rows, i, 5),
            .version = db_get_int(&rows, i, 6),
        };
    *ret_warehouses = warehouses;
    *ret_count = rows.count;
    return status_ok();
}

static struct status refuse_code(struct db_tx *tx, const struct warehouse *warehouse,
                                 struct status status)
{
    if (status.code != STATUS_OK && str_equal(db_constraint(tx), "warehouse_code"))
        return ctx_fail_field(db_ctx(tx), &WAREHOUSE_CODE_TAKEN, "warehouse.code", warehouse->code,
                              "a code that no other warehouse has");
    return status;
}
