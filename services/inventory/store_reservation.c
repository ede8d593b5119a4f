/* store_reservation.c - statements on reservations and their lines. */
#include "store.h"

#include "common/str.h"

#include <stdlib.h>

enum { RESERVATION_COLUMNS = 4 };

/* Without a lock: it is read under the lock of the stock items that a first call would hold. */
static const struct db_stmt FIND_RESERVATIONS = {
    .name = "find_reservations",
    .in = "U",
    .out = "utdi",
    .sql = "SELECT id, state, expire_time, event_sequence FROM inventory.reservation"
           " WHERE id = ANY($1) ORDER BY id",
    .read_only = true,
};

static const struct db_stmt LOCK_RESERVATION = {
    .name = "lock_reservation",
    .in = "U",
    .out = "utdi",
    .sql = "SELECT id, state, expire_time, event_sequence FROM inventory.reservation"
           " WHERE id = ANY($1) ORDER BY id FOR UPDATE",
};

static const struct db_stmt READ_LINES = {
    .name = "read_lines",
    .in = "U",
    .out = "utuuuiiii",
    .sql = "SELECT reservation_id, line_id, variant_id, stock_item_id, warehouse_id, quantity,"
           "       unit_quantity, variant_quantity, shipped_quantity"
           "  FROM inventory.reservation_line WHERE reservation_id = ANY($1)"
           " ORDER BY reservation_id, position",
    .read_only = true,
};

/* The start of the transaction: what now() means in its other statements too. */
static const struct db_stmt READ_NOW = {
    .name = "read_now", .in = "", .out = "d", .sql = "SELECT now()", .read_only = true};

/* Rows that another replica's sweep or a caller holds are left to it. */
static const struct db_stmt TAKE_EXPIRED = {
    .name = "take_expired",
    .in = "i",
    .out = "utdi",
    .sql = "SELECT id, state, expire_time, event_sequence FROM inventory.reservation"
           " WHERE state = 'held' AND expire_time <= now()"
           " ORDER BY expire_time LIMIT $1 FOR UPDATE SKIP LOCKED",
};

static const struct db_stmt ADD_RESERVATIONS = {
    .name = "add_reservations",
    .in = "UTDI",
    .out = "",
    .sql = "INSERT INTO inventory.reservation (id, state, expire_time, pin_time, event_sequence)"
           " SELECT id, state, CASE WHEN state = 'held' THEN expire_time END,"
           "        CASE WHEN state = 'pinned' THEN now() END, event_sequence"
           "   FROM unnest($1, $2, $3, $4) AS given(id, state, expire_time, event_sequence)",
};

static const struct db_stmt ADD_LINES = {
    .name = "add_lines",
    .in = "UITUUUIII",
    .out = "",
    .sql = "INSERT INTO inventory.reservation_line (reservation_id, position, line_id, variant_id,"
           "            stock_item_id, warehouse_id, quantity, unit_quantity, variant_quantity)"
           " SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)",
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
    &FIND_RESERVATIONS,  &LOCK_RESERVATION,   &READ_LINES,    &READ_NOW,          &TAKE_EXPIRED,
    &ADD_RESERVATIONS,   &ADD_LINES,          &ADD_TOMBSTONE, &SAVE_RESERVATIONS, &SAVE_SHIPPED,
    &COUNT_OVERDUE_PINS, &PURGE_RESERVATIONS, NULL,
};

static struct reservation *reservations_of_rows(struct ctx *ctx, const struct db_rows *rows,
                                                const struct db_rows *lines);
static int compare_reservation(const void *a, const void *b);
static struct db_args
columns_of_reservations(struct arena *arena, struct reservation *const *reservations, size_t count);
static struct status add_lines(struct db_tx *tx, struct reservation *const *reservations,
                               size_t reservation_count);

struct status store_open_reserve(struct db_tx *tx, struct ids variant_ids,
                                 struct ids reservation_ids, struct reserve_view *ret_view)
{
    struct db_args variants = DB_ARGS(db_uuids(variant_ids.ids, variant_ids.count));
    struct db_args reservations = DB_ARGS(db_uuids(reservation_ids.ids, reservation_ids.count));
    struct db_call calls[] = {
        {.stmt = &LOCK_ITEMS[STOCK_BY_VARIANT], .args = variants},
        {.stmt = &READ_LEVELS[STOCK_BY_VARIANT], .args = variants},
        {.stmt = &READ_COMPONENTS, .args = variants},
        {.stmt = &FIND_RESERVATIONS, .args = reservations},
        {.stmt = &READ_LINES, .args = reservations},
        {.stmt = &READ_NOW, .args = DB_NONE},
    };

    TRY(store_plan_once(tx));
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book_of_rows(db_ctx(tx), &calls[0].rows, &calls[1].rows, &ret_view->book);
    ret_view->components = components_of_rows(db_ctx(tx), &calls[2].rows);
    ret_view->component_count = calls[2].rows.count;
    ret_view->existing = reservations_of_rows(db_ctx(tx), &calls[3].rows, &calls[4].rows);
    ret_view->existing_count = calls[3].rows.count;
    ret_view->now_us = db_get_time(&calls[5].rows, 0, 0);
    return status_ok();
}

struct status store_open_reservation(struct db_tx *tx, struct uuid id,
                                     struct reservation *ret_reservation, struct book *ret_book,
                                     int64_t *ret_now_us)
{
    struct db_args args = DB_ARGS(db_uuids(&id, 1));
    struct db_call calls[] = {
        {.stmt = &LOCK_RESERVATION, .args = args},
        {.stmt = &LOCK_ITEMS[STOCK_BY_RESERVATION], .args = args},
        {.stmt = &READ_LEVELS[STOCK_BY_RESERVATION], .args = args},
        {.stmt = &READ_LINES, .args = args},
        {.stmt = &READ_NOW, .args = DB_NONE},
    };

    TRY(store_plan_once(tx));
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book_of_rows(db_ctx(tx), &calls[1].rows, &calls[2].rows, ret_book);
    *ret_reservation = (struct reservation){.id = id};
    if (calls[0].rows.count > 0)
        *ret_reservation = *reservations_of_rows(db_ctx(tx), &calls[0].rows, &calls[3].rows);
    *ret_now_us = db_get_time(&calls[4].rows, 0, 0);
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
        {.stmt = &READ_LINES, .args = args},
    };
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    book_of_rows(db_ctx(tx), &calls[0].rows, &calls[1].rows, ret_book);
    *ret_reservations = reservations_of_rows(db_ctx(tx), &due, &calls[2].rows);
    return status_ok();
}

struct status store_find_reservation(struct db_tx *tx, struct uuid id,
                                     struct reservation *ret_reservation)
{
    struct db_args args = DB_ARGS(db_uuids(&id, 1));
    struct db_call calls[] = {{.stmt = &FIND_RESERVATIONS, .args = args},
                              {.stmt = &READ_LINES, .args = args}};

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    if (calls[0].rows.count == 0)
        return ctx_fail(db_ctx(tx), &RESERVATION_NOT_FOUND, "%s", uuid_text(db_ctx(tx)->arena, id));
    *ret_reservation = *reservations_of_rows(db_ctx(tx), &calls[0].rows, &calls[1].rows);
    return status_ok();
}

struct status store_add_reservations(struct db_tx *tx, struct reservation *const *reservations,
                                     size_t count)
{
    struct db_args rows = columns_of_reservations(db_ctx(tx)->arena, reservations, count);

    TRY(db_later(tx, &ADD_RESERVATIONS, rows));
    return add_lines(tx, reservations, count);
}

struct status store_save_reservations(struct db_tx *tx, struct reservation *const *reservations,
                                      size_t count)
{
    return db_later(tx, &SAVE_RESERVATIONS,
                    columns_of_reservations(db_ctx(tx)->arena, reservations, count));
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

static struct db_args columns_of_reservations(struct arena *arena,
                                              struct reservation *const *reservations, size_t count)
{
    struct uuid *ids = arena_array(arena, struct uuid, count);
    const char **states = arena_array(arena, const char *, count);
    int64_t *expiries = arena_array(arena, int64_t, count);
    int64_t *sequences = arena_array(arena, int64_t, count);
    struct db_value *values = arena_array(arena, struct db_value, RESERVATION_COLUMNS);

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
    return (struct db_args){values, RESERVATION_COLUMNS};
}

static struct status add_lines(struct db_tx *tx, struct reservation *const *reservations,
                               size_t reservation_count)
{
    struct arena *arena = db_ctx(tx)->arena;
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
    return db_later(tx, &ADD_LINES,
                    DB_ARGS(db_uuids(ids, count), db_ints(positions, count), db_texts(lines, count),
                            db_uuids(variants, count), db_uuids(items, count),
                            db_uuids(warehouses, count), db_ints(quantities, count),
                            db_ints(units, count), db_ints(variant_quantities, count)));
}

/* `lines` may hold those of other reservations too. */
static struct reservation *reservations_of_rows(struct ctx *ctx, const struct db_rows *rows,
                                                const struct db_rows *lines)
{
    struct reservation *reservations = arena_array(ctx->arena, struct reservation, rows->count);

    for (size_t i = 0; i < rows->count; i++)
        reservations[i] = (struct reservation){
            .id = db_get_uuid(rows, i, 0),
            .state = reservation_state_from_name(db_get_text(rows, i, 1)),
            .expire_time_us = db_get_time(rows, i, 2),
            .event_sequence = db_get_int(rows, i, 3),
            .allocations.arena = ctx->arena,
        };
    qsort(reservations, rows->count, sizeof *reservations, compare_reservation);
    for (size_t i = 0; i < lines->count; i++) {
        struct reservation key = {.id = db_get_uuid(lines, i, 0)};
        struct reservation *found =
            bsearch(&key, reservations, rows->count, sizeof *reservations, compare_reservation);
        if (found == NULL)
            continue;
        allocations_add(&found->allocations, &(struct allocation){
                                                 .line_id = db_get_text(lines, i, 1),
                                                 .variant_id = db_get_uuid(lines, i, 2),
                                                 .stock_item_id = db_get_uuid(lines, i, 3),
                                                 .warehouse_id = db_get_uuid(lines, i, 4),
                                                 .quantity = db_get_int(lines, i, 5),
                                                 .unit_quantity = db_get_int(lines, i, 6),
                                                 .variant_quantity = db_get_int(lines, i, 7),
                                                 .shipped_quantity = db_get_int(lines, i, 8),
                                             });
    }
    return reservations;
}

static int compare_reservation(const void *a, const void *b)
{
    const struct reservation *left = a, *right = b;

    return uuid_compare(&left->id, &right->id);
}
