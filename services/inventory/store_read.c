/* store_read.c - statements that only read: availability, lists, the audit. */
#include "store.h"

/* Whole variants a warehouse could give: the least over the components, if it keeps all of them.
 * What sourcing.c takes under locks is the same number. */
static const struct db_stmt READ_AVAILABILITY = {
    .name = "read_availability",
    .in = "U",
    .out = "uif",
    .sql =
        "WITH component AS ("
        "  SELECT variant.id AS variant_id, coalesce(stock_item_id, variant.id) AS stock_item_id,"
        "         coalesce(quantity, 1) AS quantity,"
        "         count(*) OVER (PARTITION BY variant.id) AS components"
        "    FROM (SELECT DISTINCT unnest($1) AS id) AS variant"
        "    LEFT JOIN inventory.variant_component ON variant_id = variant.id),"
        " place AS ("
        "  SELECT component.variant_id,"
        "         min(greatest(available + backorder_limit, 0) / component.quantity) AS units,"
        "         bool_and(backorder_limit >= component.quantity) AS is_backorderable"
        "    FROM component"
        "    JOIN inventory.stock_level AS level USING (stock_item_id)"
        "    JOIN inventory.warehouse ON warehouse.id = level.warehouse_id AND warehouse.is_active"
        "   GROUP BY component.variant_id, component.components, level.warehouse_id"
        "  HAVING count(*) = component.components)"
        " SELECT variant_id, sum(units)::bigint, bool_or(is_backorderable)"
        "   FROM place GROUP BY variant_id ORDER BY variant_id",
    .read_only = true,
};

static const struct db_stmt LIST_LEVELS = {
    .name = "list_levels",
    .in = "uuuui",
    .out = "uuiiiiiii",
    .sql = "SELECT stock_item_id, warehouse_id, available, reserved, allocated, quarantine,"
           "       low_threshold, backorder_limit, version"
           "  FROM inventory.stock_level"
           " WHERE ($1::uuid IS NULL OR stock_item_id = $1)"
           "   AND ($2::uuid IS NULL OR warehouse_id = $2)"
           "   AND (stock_item_id, warehouse_id) > ($3, $4)"
           " ORDER BY stock_item_id, warehouse_id LIMIT $5",
    .read_only = true,
};

static const struct db_stmt LIST_MOVEMENTS = {
    .name = "list_movements",
    .in = "uuui",
    .out = "utuututiuttd",
    .sql = "SELECT id, kind, stock_item_id, from_warehouse_id, from_account, to_warehouse_id,"
           "       to_account, quantity, cause_id, reference, actor, create_time"
           "  FROM inventory.movement"
           " WHERE stock_item_id = $1"
           "   AND ($2::uuid IS NULL OR from_warehouse_id = $2 OR to_warehouse_id = $2)"
           "   AND ($3::uuid IS NULL OR id < $3)"
           " ORDER BY id DESC LIMIT $4",
    .read_only = true,
};

#define BALANCES                                                                                   \
    " balance AS ("                                                                                \
    "  SELECT stock_item_id, warehouse_id, account, balance"                                       \
    "    FROM inventory.stock_level, LATERAL (VALUES ('available', available),"                    \
    "         ('reserved', reserved), ('allocated', allocated), ('quarantine', quarantine))"       \
    "         AS inside(account, balance)"                                                         \
    "   WHERE $1::uuid IS NULL OR stock_item_id = $1"                                              \
    "  UNION ALL"                                                                                  \
    "  SELECT stock_item_id, '00000000-0000-0000-0000-000000000000', account, balance"             \
    "    FROM inventory.outside_balance WHERE $1::uuid IS NULL OR stock_item_id = $1)"

/* One statement, so that balances and movements are of one instant. */
static const struct db_stmt AUDIT_BALANCES = {
    .name = "audit_balances",
    .in = "u",
    .out = "uutii",
    .sql =
        "WITH" BALANCES ", side AS ("
        "  SELECT stock_item_id, from_warehouse_id AS warehouse_id, from_account AS account,"
        "         -quantity AS quantity"
        "    FROM inventory.movement WHERE $1::uuid IS NULL OR stock_item_id = $1"
        "  UNION ALL"
        "  SELECT stock_item_id, to_warehouse_id, to_account, quantity"
        "    FROM inventory.movement WHERE $1::uuid IS NULL OR stock_item_id = $1),"
        " summed AS ("
        "  SELECT stock_item_id,"
        "         coalesce(warehouse_id, '00000000-0000-0000-0000-000000000000') AS warehouse_id,"
        "         account, sum(quantity)::bigint AS sum"
        "    FROM side GROUP BY 1, 2, 3)"
        " SELECT stock_item_id, warehouse_id, account, coalesce(balance, 0), coalesce(sum, 0)"
        "   FROM balance FULL JOIN summed USING (stock_item_id, warehouse_id, account)"
        "  WHERE coalesce(balance, 0) <> coalesce(sum, 0)"
        "  ORDER BY 1, 2, 3 LIMIT 1000",
    .read_only = true,
};

static const struct db_stmt AUDIT_TOTALS = {
    .name = "audit_totals",
    .in = "u",
    .out = "ii",
    .sql = "WITH" BALANCES " SELECT (SELECT count(*) FROM balance),"
           "       (SELECT count(*) FROM inventory.movement"
           "         WHERE $1::uuid IS NULL OR stock_item_id = $1)",
    .read_only = true,
};

const struct db_stmt *const STORE_READ_STATEMENTS[] = {
    &READ_AVAILABILITY, &LIST_LEVELS, &LIST_MOVEMENTS, &AUDIT_BALANCES, &AUDIT_TOTALS, NULL};

struct status store_read_availability(struct db_tx *tx, const struct uuid *variant_ids,
                                      size_t count, struct availability **ret_rows,
                                      size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &READ_AVAILABILITY, DB_ARGS(db_uuids(variant_ids, count)), &rows));
    struct availability *result = arena_array(db_ctx(tx)->arena, struct availability, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        result[i] = (struct availability){.variant_id = db_get_uuid(&rows, i, 0),
                                          .available = db_get_int(&rows, i, 1),
                                          .is_backorderable = db_get_bool(&rows, i, 2)};
    *ret_rows = result;
    *ret_count = rows.count;
    return status_ok();
}

struct status store_list_levels(struct db_tx *tx, const struct stock_page *page,
                                struct level **ret_levels, size_t *ret_count)
{
    struct db_rows rows;

    TRY(db_many(tx, &LIST_LEVELS,
                DB_ARGS(db_uuid_or_null(page->stock_item_id), db_uuid_or_null(page->warehouse_id),
                        db_uuid(page->after[0]), db_uuid(page->after[1]), db_int(page->limit)),
                &rows));
    struct level *levels = arena_array(db_ctx(tx)->arena, struct level, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        levels[i].stock_item_id = db_get_uuid(&rows, i, 0);
        levels[i].warehouse_id = db_get_uuid(&rows, i, 1);
        for (size_t account = 0; account < ACCOUNTS_INSIDE; account++)
            levels[i].before[account] = levels[i].now[account] = db_get_int(&rows, i, 2 + account);
        levels[i].low_threshold = db_get_int(&rows, i, 6);
        levels[i].backorder_limit = db_get_int(&rows, i, 7);
        levels[i].version = db_get_int(&rows, i, 8);
    }
    *ret_levels = levels;
    *ret_count = rows.count;
    return status_ok();
}

struct status store_list_movements(struct db_tx *tx, const struct stock_page *page,
                                   struct db_rows *ret_rows)
{
    return db_many(tx, &LIST_MOVEMENTS,
                   DB_ARGS(db_uuid(page->stock_item_id), db_uuid_or_null(page->warehouse_id),
                           db_uuid_or_null(page->after[0]), db_int(page->limit)),
                   ret_rows);
}

struct status store_audit(struct db_tx *tx, struct uuid stock_item_id, struct db_rows *ret_totals,
                          struct db_rows *ret_mismatches)
{
    struct db_args args = DB_ARGS(db_uuid_or_null(stock_item_id));
    struct db_call calls[] = {{.stmt = &AUDIT_TOTALS, .args = args},
                              {.stmt = &AUDIT_BALANCES, .args = args}};

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    *ret_totals = calls[0].rows;
    *ret_mismatches = calls[1].rows;
    return status_ok();
}
