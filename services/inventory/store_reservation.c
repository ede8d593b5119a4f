/* store_reservation.c - statements on reservations and their lines. */
#include "store.h"

#include "common/str.h"

#include <string.h>

enum { RESERVATION_COLUMNS = 4, LINE_COLUMNS = 9 };

static const struct db_stmt LOCK_RESERVATION = {
    .name = "lock_reservation",
    .in = "U",
    .out = "u",
    .sql = "SELECT id FROM inventory.reservation WHERE id = ANY($1) ORDER BY id FOR UPDATE",
};

/* Reservations with their lines, and what now() means in this transaction: there is always a row.
 * It takes no lock. Whoever changes one holds its lock already, or those of the stock items that a
 * first call of it would hold. */
static const struct db_stmt READ_RESERVATIONS = {
    .name = "read_reservations",
    .in = "U",
    .out = "dutdituuuiiii",
    .sql = "SELECT now(), kept.id, kept.state, kept.expire_time, kept.event_sequence,"
           "       line.line_id, line.variant_id, line.stock_item_id, line.warehouse_id,"
           "       line.quantity, line.unit_quantity, line.variant_quantity,"
           "       line.shipped_quantity"
           "  FROM (VALUES (1)) AS always(one)"
           "  LEFT JOIN inventory.reservation AS kept ON kept.id = ANY($1)"
           "  LEFT JOIN inventory.reservation_line AS line ON line.reservation_id = kept.id"
           " ORDER BY kept.id, line.position",
    .read_only = true,
};

/* Rows that another replica's sweep or a caller holds are left to it. */
static const struct db_stmt TAKE_EXPIRED = {
    .name = "take_expired",
    .in = "i",
    .out = "u",
    .sql = "SELECT id FROM inventory.reservation"
           " WHERE state = 'held' AND expire_time <= now()"
           " ORDER BY expire_time LIMIT $1 FOR UPDATE SKIP LOCKED",
};

static const struct db_stmt ADD_RESERVATIONS = {
    .name = "add_reservations",
    .in = "UTDI"       /* reservations */
          "UITUUUIII", /* their lines: 5 to 13 */
    .out = "",
    .sql = "WITH added AS ("
           " INSERT INTO inventory.reservation (id, state, expire_time, pin_time, event_sequence)"
           " SELECT id, state, CASE WHEN state = 'held' THEN expire_time END,"
           "        CASE WHEN state = 'pinned' THEN now() END, event_sequence"
           "   FROM unnest($1, $2, $3, $4) AS given(id, state, expire_time, event_sequence))"
           " INSERT INTO inventory.reservation_line (reservation_id, position, line_id, variant_id,"
           "            stock_item_id, warehouse_id, quantity, unit_quantity, variant_quantity)"
           " SELECT * FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13)",
};

static const struct db_stmt ADD_TOMBSTONE = {
    .name = "add_tombstone",
    .in = "u",
    .out = "",
    .sql = "INSERT INTO inventory.reservation (id, state, finish_time, event_sequence)"
           " VALUES ($1, 'released', now(), 0) ON CONFLICT DO NOTHING",
};

static const struct db_stmt SAVE_RESERVATIONS = {
    .name = "save_reservations",
    .in = "UTDI",
    .out = "",
    .sql = "UPDATE inventory.reservation AS kept"
           "   SET state = given.state,"
           "       expire_time = CASE WHEN given.state = 'held' THEN given.expire_time END,"
           "       pin_time = CASE WHEN given.state = 'pinned' THEN now() ELSE kept.pin_time END,"
           "       finish_time = CASE WHEN given.state IN ('released', 'expired') THEN now() END,"
           "       event_sequence = given.event_sequence"
           "  FROM unnest($1, $2, $3, $4) AS given(id, state, expire_time, event_sequence)"
           " WHERE kept.id = given.id",
};

static const struct db_stmt SAVE_SHIPPED = {
    .name = "save_shipped",
    .in = "uII", /* reservation, positions, shipped quantities */
    .out = "",
    .sql = "WITH shipped AS ("
           "  UPDATE inventory.reservation_line AS line SET shipped_quantity = given.shipped"
           "    FROM unnest($2, $3) AS given(position, shipped)"
           "   WHERE line.reservation_id = $1 AND line.position = given.position"
           "  RETURNING line.quantity > given.shipped AS is_open)"
           " UPDATE inventory.reservation SET finish_time = now()"
           "  WHERE id = $1 AND NOT EXISTS (SELECT FROM shipped WHERE is_open)",
};

static const struct db_stmt COUNT_OVERDUE_PINS = {
    .name = "count_overdue_pins",
    .in = "i", /* ms */
    .out = "i",
    .sql = "SELECT count(*) FROM inventory.reservation"
           " WHERE state = 'pinned' AND pin_time < now() - $1 * interval '1 millisecond'",
    .read_only = true,
};

static const struct db_stmt PURGE_RESERVATIONS = {
    .name = "purge_reservations",
    .in = "ii", /* ms, limit */
    .out = "",
    .sql = "WITH old AS ("
           "  SELECT id FROM inventory.reservation"
           "   WHERE finish_time < now() - $1 * interval '1 millisecond'"
           "   ORDER BY finish_time LIMIT $2 FOR UPDATE SKIP LOCKED),"
           " line AS ("
           "  DELETE FROM inventory.reservation_line USING old WHERE reservation_id = old.id)"
           " DELETE FROM inventory.reservation USING old WHERE reservation.id = old.id",
};

const struct db_stmt *const STORE_RESERVATION_STATEMENTS[] = {
    &LOCK_RESERVATION,   &READ_RESERVATIONS,
    &TAKE_EXPIRED,       &ADD_RESERVATIONS,
    &ADD_TOMBSTONE,      &SAVE_RESERVATIONS,
    &SAVE_SHIPPED,       &COUNT_OVERDUE_PINS,
    &PURGE_RESERVATIONS, NULL,
};

static struct reservation *reservations_of_rows(struct ctx *ctx, const struct db_rows *rows,
                                                size_t *ret_count);
static void put_columns(struct arena *arena, struct reservation *const *reservations, size_t count,
                        struct db_value values[RESERVATION_COLUMNS]);
static void put_line_columns(struct arena *arena, struct reservation *const *reservations,
                             size_t reservation_count, struct db_value values[LINE_COLUMNS]);

struct status store_open_reserve(struct db_tx *tx, struct ids variant_ids,
                                 struct ids reservation_ids, struct reserve_view *ret_view)
{
    struct db_args variants = DB_ARGS(db_uuids(variant_ids.ids, variant_ids.count));
    struct db_args reservations = DB_ARGS(db_uuids(reservation_ids.ids, reservation_ids.count));
    struct db_call calls[] = {
        {.stmt = &LOCK_ITEMS[STOCK_BY_VARIANT], .args = variants},
        {.stmt = &READ_LEVELS[STOCK_BY_VARIANT], .args = variants},
        {.stmt = &READ_COMPONENTS, .args = variants},
        {.stmt = &READ_RESERVATIONS, .args = reservations},
    };

    TRY(store_plan_once(tx));
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book_of_rows(db_ctx(tx), &calls[0].rows, &calls[1].rows, &ret_view->book);
    ret_view->components = components_of_rows(db_ctx(tx), &calls[2].rows);
    ret_view->component_count = calls[2].rows.count;
    ret_view->existing =
        reservations_of_rows(db_ctx(tx), &calls[3].rows, &ret_view->existing_count);
    ret_view->now_us = db_get_time(&calls[3].rows, 0, 0);
    return status_ok();
}

struct status store_open_reservations(struct db_tx *tx, struct ids ids,
                                      struct reservation_view *ret_view)
{
    struct db_args args = DB_ARGS(db_uuids(ids.ids, ids.count));
    struct db_call calls[] = {
        {.stmt = &LOCK_RESERVATION, .args = args},
        {.stmt = &LOCK_ITEMS[STOCK_BY_RESERVATION], .args = args},
        {.stmt = &READ_LEVELS[STOCK_BY_RESERVATION], .args = args},
        {.stmt = &READ_RESERVATIONS, .args = args},
    };

    TRY(store_plan_once(tx));
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book_of_rows(db_ctx(tx), &calls[1].rows, &calls[2].rows, &ret_view->book);
    ret_view->reservations = reservations_of_rows(db_ctx(tx), &calls[3].rows, &ret_view->count);
    ret_view->now_us = db_get_time(&calls[3].rows, 0, 0);
    return status_ok();
}

struct status store_open_reservation(struct db_tx *tx, struct uuid id,
                                     struct reservation *ret_reservation, struct book *ret_book,
                                     int64_t *ret_now_us)
{
    struct reservation_view view;

    TRY(store_open_reservations(tx, (struct ids){&id, 1}, &view));
    *ret_reservation = view.count > 0 ? view.reservations[0] : (struct reservation){.id = id};
    *ret_book = view.book;
    *ret_now_us = view.now_us;
    return status_ok();
}

struct status store_open_expired(struct db_tx *tx, int64_t limit,
                                 struct reservation **ret_reservations, size_t *ret_count,
                                 struct book *ret_book)
{
    struct db_rows due;

    TRY(store_plan_once(tx));
    TRY(db_many(tx, &TAKE_EXPIRED, DB_ARGS(db_int(limit)), &due));
    *ret_count = due.count;
    if (due.count == 0)
        return status_ok();

    struct uuid *ids = arena_array(db_ctx(tx)->arena, struct uuid, due.count);
    for (size_t i = 0; i < due.count; i++)
        ids[i] = db_get_uuid(&due, i, 0);
    struct db_args args = DB_ARGS(db_uuids(ids, due.count));
    struct db_call calls[] = {
        {.stmt = &LOCK_ITEMS[STOCK_BY_RESERVATION], .args = args},
        {.stmt = &READ_LEVELS[STOCK_BY_RESERVATION], .args = args},
        {.stmt = &READ_RESERVATIONS, .args = args},
    };
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book_of_rows(db_ctx(tx), &calls[0].rows, &calls[1].rows, ret_book);
    *ret_reservations = reservations_of_rows(db_ctx(tx), &calls[2].rows, ret_count);
    return status_ok();
}

struct status store_find_reservation(struct db_tx *tx, struct uuid id,
                                     struct reservation *ret_reservation)
{
    struct db_rows rows;
    size_t count;

    TRY(db_many(tx, &READ_RESERVATIONS, DB_ARGS(db_uuids(&id, 1)), &rows));
    const struct reservation *found = reservations_of_rows(db_ctx(tx), &rows, &count);
    if (count == 0)
        return ctx_fail(db_ctx(tx), &RESERVATION_NOT_FOUND, "%s", uuid_text(db_ctx(tx)->arena, id));
    *ret_reservation = *found;
    return status_ok();
}

struct status store_add_reservations(struct db_tx *tx, struct reservation *const *reservations,
                                     size_t count)
{
    struct db_value values[RESERVATION_COLUMNS + LINE_COLUMNS];

    put_columns(db_ctx(tx)->arena, reservations, count, values);
    put_line_columns(db_ctx(tx)->arena, reservations, count, values + RESERVATION_COLUMNS);
    return db_later(tx, &ADD_RESERVATIONS, (struct db_args){values, ARRAY_LEN(values)});
}

struct status store_save_reservations(struct db_tx *tx, struct reservation *const *reservations,
                                      size_t count)
{
    struct db_value values[RESERVATION_COLUMNS];

    put_columns(db_ctx(tx)->arena, reservations, count, values);
    return db_later(tx, &SAVE_RESERVATIONS, (struct db_args){values, ARRAY_LEN(values)});
}

struct status store_add_tombstone(struct db_tx *tx, struct uuid id, bool *ret_is_added)
{
    int64_t count;

    TRY(db_exec(tx, &ADD_TOMBSTONE, DB_ARGS(db_uuid(id)), &count));
    *ret_is_added = count == 1;
    return status_ok();
}

struct status store_save_shipped(struct db_tx *tx, const struct reservation *reservation)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t count = reservation->allocations.count;
    int64_t *positions = arena_array(arena, int64_t, count);
    int64_t *shipped = arena_array(arena, int64_t, count);

    for (size_t i = 0; i < count; i++) {
        positions[i] = (int64_t)i;
        shipped[i] = reservation->allocations.rows[i].shipped_quantity;
    }
    return db_later(
        tx, &SAVE_SHIPPED,
        DB_ARGS(db_uuid(reservation->id), db_ints(positions, count), db_ints(shipped, count)));
}

struct status store_count_overdue_pins(struct db_tx *tx, int64_t overdue_ms, int64_t *ret_count)
{
    struct db_rows rows;

    TRY(db_one(tx, &COUNT_OVERDUE_PINS, DB_ARGS(db_int(overdue_ms)), &rows));
    *ret_count = db_get_int(&rows, 0, 0);
    return status_ok();
}

struct status store_purge_reservations(struct db_tx *tx, int64_t retention_ms, int64_t limit,
                                       int64_t *ret_count)
{
    return db_exec(tx, &PURGE_RESERVATIONS, DB_ARGS(db_int(retention_ms), db_int(limit)),
                   ret_count);
}

static void put_columns(struct arena *arena, struct reservation *const *reservations, size_t count,
                        struct db_value values[RESERVATION_COLUMNS])
{
    struct uuid *ids = arena_array(arena, struct uuid, count);
    const char **states = arena_array(arena, const char *, count);
    int64_t *expiries = arena_array(arena, int64_t, count);
    int64_t *sequences = arena_array(arena, int64_t, count);

    for (size_t i = 0; i < count; i++) {
        ids[i] = reservations[i]->id;
        states[i] = reservation_state_name(reservations[i]->state);
        expiries[i] = reservations[i]->expire_time_us;
        sequences[i] = reservations[i]->event_sequence;
    }
    values[0] = db_uuids(ids, count);
    values[1] = db_texts(states, count);
    values[2] = db_times(expiries, count);
    values[3] = db_ints(sequences, count);
}

static void put_line_columns(struct arena *arena, struct reservation *const *reservations,
                             size_t reservation_count, struct db_value values[LINE_COLUMNS])
{
    size_t count = 0, row = 0;

    for (size_t i = 0; i < reservation_count; i++)
        count += reservations[i]->allocations.count;
    struct uuid *ids = arena_array(arena, struct uuid, count);
    int64_t *positions = arena_array(arena, int64_t, count);
    const char **lines = arena_array(arena, const char *, count);
    struct uuid *variants = arena_array(arena, struct uuid, count);
    struct uuid *items = arena_array(arena, struct uuid, count);
    struct uuid *warehouses = arena_array(arena, struct uuid, count);
    int64_t *quantities = arena_array(arena, int64_t, count);
    int64_t *units = arena_array(arena, int64_t, count);
    int64_t *variant_quantities = arena_array(arena, int64_t, count);
    for (size_t i = 0; i < reservation_count; i++)
        for (size_t j = 0; j < reservations[i]->allocations.count; j++, row++) {
            const struct allocation *allocation = &reservations[i]->allocations.rows[j];
            ids[row] = reservations[i]->id;
            positions[row] = (int64_t)j;
            lines[row] = allocation->line_id;
            variants[row] = allocation->variant_id;
            items[row] = allocation->stock_item_id;
            warehouses[row] = allocation->warehouse_id;
            quantities[row] = allocation->quantity;
            units[row] = allocation->unit_quantity;
            variant_quantities[row] = allocation->variant_quantity;
        }
    const struct db_value columns[LINE_COLUMNS] = {
        db_uuids(ids, count),       db_ints(positions, count), db_texts(lines, count),
        db_uuids(variants, count),  db_uuids(items, count),    db_uuids(warehouses, count),
        db_ints(quantities, count), db_ints(units, count),     db_ints(variant_quantities, count),
    };
    memcpy(values, columns, sizeof columns);
}

/* In the order of their ids, as the rows are. */
static struct reservation *reservations_of_rows(struct ctx *ctx, const struct db_rows *rows,
                                                size_t *ret_count)
{
    struct reservation *reservations = arena_array(ctx->arena, struct reservation, rows->count);
    size_t count = 0;

    for (size_t i = 0; i < rows->count && !db_is_null(rows, i, 1); i++) {
        const struct uuid id = db_get_uuid(rows, i, 1);
        if (count == 0 || !uuid_equal(reservations[count - 1].id, id))
            reservations[count++] = (struct reservation){
                .id = id,
                .state = reservation_state_from_name(db_get_text(rows, i, 2)),
                .expire_time_us = db_get_time(rows, i, 3),
                .event_sequence = db_get_int(rows, i, 4),
                .allocations.arena = ctx->arena,
            };
        if (db_is_null(rows, i, 5))
            continue; // a tombstone has no lines
        allocations_add(&reservations[count - 1].allocations,
                        &(struct allocation){
                            .line_id = db_get_text(rows, i, 5),
                            .variant_id = db_get_uuid(rows, i, 6),
                            .stock_item_id = db_get_uuid(rows, i, 7),
                            .warehouse_id = db_get_uuid(rows, i, 8),
                            .quantity = db_get_int(rows, i, 9),
                            .unit_quantity = db_get_int(rows, i, 10),
                            .variant_quantity = db_get_int(rows, i, 11),
                            .shipped_quantity = db_get_int(rows, i, 12),
                        });
    }
    *ret_count = count;
    return reservations;
}
