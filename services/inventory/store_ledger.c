/* store_ledger.c - statements that lock stock, post movements and keep balances. */
#include "store.h"

#include "common/str.h"

/* Looks up each stock item that a query yields by itself and in their order, whatever the planner
 * believes about how many there are. */
#define EACH " FROM (SELECT DISTINCT id FROM ("
#define LOOKED_UP ") AS wanted(id) ORDER BY id) AS key CROSS JOIN LATERAL ("
#define LOCK_HEAD                                                                                  \
    "SELECT item.id, item.event_sequence,"                                                         \
    "       ARRAY(SELECT variant_id FROM inventory.variant_component"                              \
    "              WHERE stock_item_id = item.id ORDER BY variant_id LIMIT 99)"
#define LOCK_TAIL                                                                                  \
    "SELECT id, event_sequence FROM inventory.stock_item WHERE id = key.id FOR NO KEY UPDATE)"     \
    " AS item"
#define LEVELS_HEAD                                                                                \
    "SELECT stock_item_id, warehouse_id, available, reserved, allocated, quarantine,"              \
    "       low_threshold, backorder_limit, level.version, country_code, priority, is_active"
#define LEVELS_TAIL                                                                                \
    "SELECT * FROM inventory.stock_level WHERE stock_item_id = key.id OFFSET 0) AS level"          \
    "  JOIN inventory.warehouse AS warehouse ON warehouse.id = warehouse_id"                       \
    " ORDER BY stock_item_id, warehouse_id"
#define ITEMS_GIVEN "SELECT unnest($1::uuid[])"
#define ITEMS_OF_VARIANTS                                                                          \
    "SELECT coalesce(stock_item_id, variant.id) FROM unnest($1::uuid[]) AS variant(id)"            \
    "  LEFT JOIN inventory.variant_component ON variant_id = variant.id"
#define ITEMS_OF_RESERVATIONS                                                                      \
    "SELECT stock_item_id FROM inventory.reservation_line WHERE reservation_id = ANY($1)"
#define LOCK_OUT "uiU"
#define LEVELS_OUT "uuiiiiiiitif"

const struct db_stmt LOCK_ITEMS[STOCK_KEYS] = {
    [STOCK_BY_ITEM] = {"lock_items", "U", LOCK_OUT, LOCK_HEAD EACH ITEMS_GIVEN LOOKED_UP LOCK_TAIL,
                       false},
    [STOCK_BY_VARIANT] = {"lock_items_of_variants", "U", LOCK_OUT,
                          LOCK_HEAD EACH ITEMS_OF_VARIANTS LOOKED_UP LOCK_TAIL, false},
    [STOCK_BY_RESERVATION] = {"lock_items_of_reservations", "U", LOCK_OUT,
                              LOCK_HEAD EACH ITEMS_OF_RESERVATIONS LOOKED_UP LOCK_TAIL, false},
};

/* Sent after LOCK_ITEMS: each statement sees what was committed before it began, so this one sees
 * what the transactions that the lock waited for have written. */
const struct db_stmt READ_LEVELS[STOCK_KEYS] = {
    [STOCK_BY_ITEM] = {"read_levels", "U", LEVELS_OUT,
                       LEVELS_HEAD EACH ITEMS_GIVEN LOOKED_UP LEVELS_TAIL, true},
    [STOCK_BY_VARIANT] = {"read_levels_of_variants", "U", LEVELS_OUT,
                          LEVELS_HEAD EACH ITEMS_OF_VARIANTS LOOKED_UP LEVELS_TAIL, true},
    [STOCK_BY_RESERVATION] = {"read_levels_of_reservations", "U", LEVELS_OUT,
                              LEVELS_HEAD EACH ITEMS_OF_RESERVATIONS LOOKED_UP LEVELS_TAIL, true},
};

/* Statements over arrays are planned anew at each call otherwise, since the planner expects a plan
 * made for the arrays at hand to be cheaper. It costs more than all that they do: half of the time
 * of a Reserve by itself was planning. */
static const struct db_stmt PLAN_ONCE = {
    .name = "plan_once",
    .in = "",
    .out = "",
    .sql = "SET LOCAL plan_cache_mode = force_generic_plan",
};

static const struct db_stmt ADD_ITEMS = {
    .name = "add_items",
    .in = "U",
    .out = "",
    .sql = "INSERT INTO inventory.stock_item (id) SELECT unnest($1) AS id ORDER BY id"
           " ON CONFLICT DO NOTHING",
};

/* Under the lock of the stock items, so nobody else adds the same. */
static const struct db_stmt ADD_LEVELS = {
    .name = "add_levels",
    .in = "UU", /* stock_item_ids, warehouse_ids: every pair */
    .out = "",
    .sql = "INSERT INTO inventory.stock_level (stock_item_id, warehouse_id)"
           " SELECT item, warehouse FROM unnest($1) AS item, unnest($2) AS warehouse"
           " ON CONFLICT DO NOTHING",
};

/* The movements and the balances they move are one statement, and this is the only one that changes
 * a balance: it is at all times the sum of its movements. A nil warehouse is outside. */
static const struct db_stmt POST_MOVEMENTS = {
    .name = "post_movements",
    .in = "UTUUTUTIUTT", /* id, kind, item, from warehouse, account, to warehouse, account,
                            quantity, cause, reference, actor */
    .out = "",
    .sql =
        "WITH movement AS ("
        "  INSERT INTO inventory.movement (id, kind, stock_item_id, from_warehouse_id, "
        "from_account,"
        "              to_warehouse_id, to_account, quantity, cause_id, reference, actor)"
        "  SELECT id, kind, item, nullif(from_warehouse, '00000000-0000-0000-0000-000000000000'),"
        "         from_account, nullif(to_warehouse, '00000000-0000-0000-0000-000000000000'),"
        "         to_account, quantity, cause, reference, actor"
        "    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        "      AS given(id, kind, item, from_warehouse, from_account, to_warehouse, to_account,"
        "               quantity, cause, reference, actor)"
        "  RETURNING stock_item_id, from_warehouse_id, from_account, to_warehouse_id, to_account,"
        "            quantity),"
        " side AS ("
        "  SELECT stock_item_id, from_warehouse_id AS warehouse_id, from_account AS account,"
        "         -quantity AS quantity"
        "    FROM movement"
        "  UNION ALL"
        "  SELECT stock_item_id, to_warehouse_id, to_account, quantity FROM movement),"
        " outside AS ("
        "  INSERT INTO inventory.outside_balance AS kept (stock_item_id, account, balance)"
        "  SELECT stock_item_id, account, sum(quantity) FROM side WHERE warehouse_id IS NULL"
        "   GROUP BY stock_item_id, account"
        "  ON CONFLICT (stock_item_id, account)"
        "  DO UPDATE SET balance = kept.balance + excluded.balance)"
        " UPDATE inventory.stock_level AS level"
        "    SET available = level.available + change.available,"
        "        reserved = level.reserved + change.reserved,"
        "        allocated = level.allocated + change.allocated,"
        "        quarantine = level.quarantine + change.quarantine,"
        "        version = level.version + 1"
        "   FROM (SELECT stock_item_id, warehouse_id,"
        "                coalesce(sum(quantity) FILTER (WHERE account = 'available'), 0) AS "
        "available,"
        "                coalesce(sum(quantity) FILTER (WHERE account = 'reserved'), 0) AS "
        "reserved,"
        "                coalesce(sum(quantity) FILTER (WHERE account = 'allocated'), 0) AS "
        "allocated,"
        "                coalesce(sum(quantity) FILTER (WHERE account = 'quarantine'), 0)"
        "                AS quarantine"
        "           FROM side WHERE warehouse_id IS NOT NULL"
        "          GROUP BY stock_item_id, warehouse_id) AS change"
        "  WHERE level.stock_item_id = change.stock_item_id"
        "    AND level.warehouse_id = change.warehouse_id",
};

static const struct db_stmt SAVE_SEQUENCES = {
    .name = "save_sequences",
    .in = "UI",
    .out = "",
    .sql = "UPDATE inventory.stock_item AS item SET event_sequence = given.event_sequence"
           "  FROM unnest($1, $2) AS given(id, event_sequence) WHERE item.id = given.id",
};

static const struct db_stmt SET_POLICY = {
    .name = "set_policy",
    .in = "uuii",
    .out = "",
    .sql = "UPDATE inventory.stock_level"
           "   SET low_threshold = $3, backorder_limit = $4, version = version + 1"
           " WHERE stock_item_id = $1 AND warehouse_id = $2",
};

const struct db_stmt *const STORE_LEDGER_STATEMENTS[] = {
    &LOCK_ITEMS[STOCK_BY_ITEM],
    &LOCK_ITEMS[STOCK_BY_VARIANT],
    &LOCK_ITEMS[STOCK_BY_RESERVATION],
    &READ_LEVELS[STOCK_BY_ITEM],
    &READ_LEVELS[STOCK_BY_VARIANT],
    &READ_LEVELS[STOCK_BY_RESERVATION],
    &PLAN_ONCE,
    &ADD_ITEMS,
    &ADD_LEVELS,
    &POST_MOVEMENTS,
    &SAVE_SEQUENCES,
    &SET_POLICY,
    NULL,
};

static struct status post_movements(struct db_tx *tx, const struct book *book);
static struct status save_sequences(struct db_tx *tx, const struct book *book);

struct status store_plan_once(struct db_tx *tx)
{
    return db_later(tx, &PLAN_ONCE, DB_NONE);
}

struct status store_open_book(struct db_tx *tx, struct ids stock_items, struct ids warehouses,
                              struct book *ret_book)
{
    struct db_args items = DB_ARGS(db_uuids(stock_items.ids, stock_items.count));
    struct db_call calls[] = {
        {.stmt = &ADD_ITEMS, .args = items},
        {.stmt = &LOCK_ITEMS[STOCK_BY_ITEM], .args = items},
        {.stmt = &ADD_LEVELS,
         .args = DB_ARGS(db_uuids(stock_items.ids, stock_items.count),
                         db_uuids(warehouses.ids, warehouses.count))},
        {.stmt = &READ_LEVELS[STOCK_BY_ITEM], .args = items},
    };

    TRY(store_plan_once(tx));
    struct status status = db_batch(tx, calls, ARRAY_LEN(calls));
    if (status.code != STATUS_OK && str_equal(db_constraint(tx), "stock_level_warehouse"))
        return ctx_fail(db_ctx(tx), &WAREHOUSE_NOT_FOUND, "%s",
                        uuid_text(db_ctx(tx)->arena, warehouses.ids[0]));
    TRY(status);
    book_of_rows(db_ctx(tx), &calls[1].rows, &calls[3].rows, ret_book);
    return status_ok();
}

void book_of_rows(struct ctx *ctx, const struct db_rows *items, const struct db_rows *levels,
                  struct book *ret_book)
{
    struct book book = {.arena = ctx->arena,
                        .items = arena_array(ctx->arena, struct stock_item, items->count),
                        .item_count = items->count,
                        .levels = arena_array(ctx->arena, struct level, levels->count),
                        .level_count = levels->count};

    for (size_t i = 0; i < items->count; i++) {
        struct stock_item *item = &book.items[i];
        item->id = db_get_uuid(items, i, 0);
        item->event_sequence = db_get_int(items, i, 1);
        item->variant_ids = db_get_uuids(ctx, items, i, 2, &item->variant_count);
    }
    for (size_t i = 0; i < levels->count; i++) {
        struct level *level = &book.levels[i];
        level->stock_item_id = db_get_uuid(levels, i, 0);
        level->warehouse_id = db_get_uuid(levels, i, 1);
        for (size_t account = 0; account < ACCOUNTS_INSIDE; account++)
            level->before[account] = level->now[account] = db_get_int(levels, i, 2 + account);
        level->low_threshold = db_get_int(levels, i, 6);
        level->backorder_limit = db_get_int(levels, i, 7);
        level->version = db_get_int(levels, i, 8);
        level->country_code = db_get_text(levels, i, 9);
        level->priority = db_get_int(levels, i, 10);
        level->is_active = db_get_bool(levels, i, 11);
    }
    *ret_book = book;
}

struct status store_save_book(struct db_tx *tx, const struct book *book,
                              const struct event_list *events)
{
    if (book->movement_count > 0)
        TRY(post_movements(tx, book));
    TRY(save_sequences(tx, book));
    return outbox_add_records(tx, events->records, events->count);
}

struct status store_set_policy(struct db_tx *tx, const struct level *level)
{
    return db_later(tx, &SET_POLICY,
                    DB_ARGS(db_uuid(level->stock_item_id), db_uuid(level->warehouse_id),
                            db_int(level->low_threshold), db_int(level->backorder_limit)));
}

static struct status post_movements(struct db_tx *tx, const struct book *book)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t count = book->movement_count;
    struct uuid *ids = arena_array(arena, struct uuid, count);
    const char **kinds = arena_array(arena, const char *, count);
    struct uuid *items = arena_array(arena, struct uuid, count);
    struct uuid *from = arena_array(arena, struct uuid, count);
    const char **from_accounts = arena_array(arena, const char *, count);
    struct uuid *to = arena_array(arena, struct uuid, count);
    const char **to_accounts = arena_array(arena, const char *, count);
    int64_t *quantities = arena_array(arena, int64_t, count);
    struct uuid *causes = arena_array(arena, struct uuid, count);
    const char **references = arena_array(arena, const char *, count);
    const char **actors = arena_array(arena, const char *, count);

    for (size_t i = 0; i < count; i++) {
        const struct movement *movement = &book->movements[i];
        const struct movement_rule *rule = &MOVEMENT_RULES[movement->kind];
        const struct level *any = movement->from != NULL ? movement->from : movement->to;

        ids[i] = uuid_v7();
        kinds[i] = rule->name;
        items[i] = any->stock_item_id;
        from[i] = movement->from != NULL ? movement->from->warehouse_id : (struct uuid){0};
        from_accounts[i] = account_name(rule->from);
        to[i] = movement->to != NULL ? movement->to->warehouse_id : (struct uuid){0};
        to_accounts[i] = account_name(rule->to);
        quantities[i] = movement->quantity;
        causes[i] = movement->cause_id;
        references[i] = str_is_empty(movement->reference) ? NULL : movement->reference;
        actors[i] = movement->actor;
    }
    return db_later(tx, &POST_MOVEMENTS,
                    DB_ARGS(db_uuids(ids, count), db_texts(kinds, count), db_uuids(items, count),
                            db_uuids(from, count), db_texts(from_accounts, count),
                            db_uuids(to, count), db_texts(to_accounts, count),
                            db_ints(quantities, count), db_uuids(causes, count),
                            db_texts(references, count), db_texts(actors, count)));
}

/* Of the stock items that this transaction publishes about. */
static struct status save_sequences(struct db_tx *tx, const struct book *book)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *ids = arena_array(arena, struct uuid, book->item_count);
    int64_t *sequences = arena_array(arena, int64_t, book->item_count);
    size_t count = 0;

    for (size_t i = 0; i < book->item_count; i++)
        if (book->items[i].has_events) {
            ids[count] = book->items[i].id;
            sequences[count++] = book->items[i].event_sequence;
        }
    if (count == 0)
        return status_ok();
    return db_later(tx, &SAVE_SEQUENCES, DB_ARGS(db_uuids(ids, count), db_ints(sequences, count)));
}
