/* store_component.c - statements on what a variant takes from stock. */
#include "store.h"

const struct db_stmt READ_COMPONENTS = {
    .name = "read_components",
    .in = "U",
    .out = "uui",
    .sql = "SELECT variant_id, stock_item_id, quantity"
           "  FROM inventory.variant_component"
           " WHERE variant_id = ANY($1)"
           " ORDER BY variant_id, position",
    .read_only = true,
};

static const struct db_stmt REMOVE_COMPONENTS = {
    .name = "remove_components",
    .in = "u",
    .out = "",
    .sql = "DELETE FROM inventory.variant_component WHERE variant_id = $1",
};

static const struct db_stmt ADD_COMPONENTS = {
    .name = "add_components",
    .in = "uUI",
    .out = "",
    .sql = "INSERT INTO inventory.variant_component (variant_id, stock_item_id, quantity, position)"
           " SELECT $1, * FROM unnest($2, $3) WITH ORDINALITY",
};

/* Two calls for one variant would each delete what they see and add their own. */
static const struct db_stmt LOCK_VARIANT = {
    .name = "lock_variant",
    .in = "u",
    .out = "f",
    .sql = "SELECT pg_advisory_xact_lock(hashtextextended('variant_component:' || $1, 0)) IS NULL",
};

const struct db_stmt *const STORE_COMPONENT_STATEMENTS[] = {&READ_COMPONENTS, &REMOVE_COMPONENTS,
                                                            &ADD_COMPONENTS, &LOCK_VARIANT, NULL};

struct status store_read_components(struct db_tx *tx, const struct uuid *variant_ids, size_t count,
                                    struct component **ret_components, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &READ_COMPONENTS, DB_ARGS(db_uuids(variant_ids, count)), &rows));
    *ret_components = components_of_rows(db_ctx(tx), &rows);
    *ret_count = rows.count;
    return status_ok();
}

struct status store_replace_components(struct db_tx *tx, struct uuid variant_id,
                                       const struct component *components, size_t count)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *items = arena_array(arena, struct uuid, count);
    int64_t *quantities = arena_array(arena, int64_t, count);

    for (size_t i = 0; i < count; i++) {
        items[i] = components[i].stock_item_id;
        quantities[i] = components[i].quantity;
    }
    TRY(db_later(tx, &LOCK_VARIANT, DB_ARGS(db_uuid(variant_id))));
    TRY(db_later(tx, &REMOVE_COMPONENTS, DB_ARGS(db_uuid(variant_id))));
    return db_later(
        tx, &ADD_COMPONENTS,
        DB_ARGS(db_uuid(variant_id), db_uuids(items, count), db_ints(quantities, count)));
}

struct component *components_of_rows(struct ctx *ctx, const struct db_rows *rows)
{
    struct component *components = arena_array(ctx->arena, struct component, rows->count);

    for (size_t i = 0; i < rows->count; i++)
        components[i] = (struct component){.variant_id = db_get_uuid(rows, i, 0),
                                           .stock_item_id = db_get_uuid(rows, i, 1),
                                           .quantity = db_get_int(rows, i, 2)};
    return components;
}
