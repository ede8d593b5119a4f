/* store_import.c - the statements of imports and their uploads. */
#include "import.h"

#include "chassis/wire.h"
#include "store.h"

static const struct db_stmt ADD_IMPORT = {
    .name = "add_import",
    .in = "uuuuttt",
    .out = IMPORT_COLUMN_TYPES,
    .sql = "INSERT INTO catalog.import (id, state, channel_id, price_list_id, warehouse_id, locale,"
           " tax_category_code, file_name) VALUES ($1, 1, $2, $3, $4, $5, $6, $7)"
           " RETURNING " IMPORT_COLUMNS,
};

static const struct db_stmt LOAD_IMPORT = {
    .name = "load_import",
    .in = "u",
    .out = IMPORT_COLUMN_TYPES,
    .sql = "SELECT " IMPORT_COLUMNS " FROM catalog.import WHERE id = $1",
    .read_only = true,
};

static const struct db_stmt LOCK_IMPORT = {
    .name = "lock_import",
    .in = "u",
    .out = IMPORT_COLUMN_TYPES,
    .sql = "SELECT " IMPORT_COLUMNS " FROM catalog.import WHERE id = $1 FOR UPDATE",
};

/* The share lock keeps the import from being sealed in between; the same bytes again count as
 * stored. */
static const struct db_stmt ADD_CHUNK = {
    .name = "add_chunk",
    .in = "uib",
    .out = "",
    .sql = "INSERT INTO catalog.import_chunk AS chunk (import_id, number, data)"
           " SELECT id, $2, $3 FROM catalog.import WHERE id = $1 AND state = 1 FOR SHARE"
           " ON CONFLICT (import_id, number) DO UPDATE SET number = excluded.number"
           " WHERE chunk.data = excluded.data",
};

static const struct db_stmt TOUCH_IMPORT = {
    .name = "touch_import",
    .in = "u",
    .out = "",
    .sql = "UPDATE catalog.import SET update_time = clock_timestamp() WHERE id = $1",
};

static const struct db_stmt MATCH_CHUNK = {
    .name = "match_chunk",
    .in = "uib",
    .out = "f",
    .sql = "SELECT data = $3 FROM catalog.import_chunk WHERE import_id = $1 AND number = $2",
};

/* Only read when numbers are missing: the walk over all numbers ends at the first gap. */
static const struct db_stmt COUNT_CHUNKS = {
    .name = "count_chunks",
    .in = "ui",
    .out = "ii",
    .sql = "SELECT count(*), coalesce((SELECT number FROM generate_series(0, $2 - 1) AS number"
           "  WHERE NOT EXISTS (SELECT FROM catalog.import_chunk c"
           "   WHERE c.import_id = $1 AND c.number = number.number) LIMIT 1), -1)"
           " FROM catalog.import_chunk WHERE import_id = $1",
};

static const struct db_stmt SEAL_IMPORT = {
    .name = "seal_import",
    .in = "ui",
    .out = IMPORT_COLUMN_TYPES,
    .sql = "UPDATE catalog.import SET state = 2, chunk_count = $2, update_time = clock_timestamp()"
           " WHERE id = $1 RETURNING " IMPORT_COLUMNS,
};

static const struct db_stmt LIST_IMPORTS = {
    .name = "list_imports",
    .in = "ui",
    .out = IMPORT_COLUMN_TYPES,
    .sql = "SELECT " IMPORT_COLUMNS " FROM catalog.import WHERE $1::uuid IS NULL OR id < $1"
           " ORDER BY id DESC LIMIT $2",
    .read_only = true,
};

static const struct db_stmt LIST_IMPORT_ERRORS = {
    .name = "list_import_errors",
    .in = "uitti",
    .out = "ittttt",
    .sql = "SELECT line_number, reason, column_name, value, detail, handle"
           " FROM catalog.import_error"
           " WHERE import_id = $1 AND (line_number, reason, column_name) > ($2, $3, $4)"
           " ORDER BY line_number, reason, column_name LIMIT $5",
    .read_only = true,
};

static struct status not_found(struct db_tx *tx, struct uuid id)
{
    struct ctx *ctx = db_ctx(tx);
    return ctx_fail_field(ctx, &IMPORT_NOT_FOUND, "importId", uuid_text(ctx->arena, id),
                          "the id of an import");
}

struct status store_add_import(struct db_tx *tx, const Catalog__V1__CreateImportRequest *req,
                               Catalog__V1__Import **ret_import)
{
    const Catalog__V1__ImportTarget *target = req->target;
    struct db_rows rows;
    TRY(db_one(tx, &ADD_IMPORT,
               DB_ARGS(db_uuid(uuid_v7()), db_uuid(store_id_of(target->channel_id)),
                       db_uuid(store_id_of(target->price_list_id)),
                       db_uuid(store_id_of(target->warehouse_id)), db_text(target->locale),
                       db_text(target->tax_category_code), db_text(req->file_name)),
               &rows));
    *ret_import = store_read_import(db_ctx(tx), &rows, 0);
    return status_ok();
}

struct status store_load_import(struct db_tx *tx, struct uuid id, Catalog__V1__Import **ret_import)
{
    struct db_rows rows;
    TRY(db_many(tx, &LOAD_IMPORT, DB_ARGS(db_uuid(id)), &rows));
    if (rows.count == 0)
        return not_found(tx, id);
    *ret_import = store_read_import(db_ctx(tx), &rows, 0);
    return status_ok();
}

struct status store_add_chunk(struct db_tx *tx, struct uuid import_id, int64_t number,
                              struct db_bytes data, bool *ret_is_stored)
{
    int64_t count;
    TRY(db_exec(tx, &ADD_CHUNK,
                DB_ARGS(db_uuid(import_id), db_int(number), db_blob(data.data, data.length)),
                &count));
    *ret_is_stored = count > 0;
    return count > 0 ? db_later(tx, &TOUCH_IMPORT, DB_ARGS(db_uuid(import_id))) : status_ok();
}

struct status store_match_chunk(struct db_tx *tx, struct uuid import_id, int64_t number,
                                struct db_bytes data, bool *ret_is_same)
{
    struct db_rows rows;
    TRY(db_many(tx, &MATCH_CHUNK,
                DB_ARGS(db_uuid(import_id), db_int(number), db_blob(data.data, data.length)),
                &rows));
    *ret_is_same = rows.count > 0 && db_get_bool(&rows, 0, 0);
    return status_ok();
}

struct status store_lock_import(struct db_tx *tx, struct uuid id, int64_t count,
                                Catalog__V1__Import **ret_import, int64_t *ret_missing,
                                int64_t *ret_stored)
{
    struct db_call calls[] = {{&LOCK_IMPORT, DB_ARGS(db_uuid(id)), {0}},
                              {&COUNT_CHUNKS, DB_ARGS(db_uuid(id), db_int(count)), {0}}};
    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    if (calls[0].rows.count == 0)
        return not_found(tx, id);
    *ret_import = store_read_import(db_ctx(tx), &calls[0].rows, 0);
    *ret_stored = db_get_int(&calls[1].rows, 0, 0);
    *ret_missing = db_get_int(&calls[1].rows, 0, 1);
    return status_ok();
}

struct status store_seal_import(struct db_tx *tx, struct uuid id, int64_t count,
                                Catalog__V1__Import **ret_import)
{
    struct db_rows rows;
    TRY(db_one(tx, &SEAL_IMPORT, DB_ARGS(db_uuid(id), db_int(count)), &rows));
    *ret_import = store_read_import(db_ctx(tx), &rows, 0);
    return status_ok();
}

struct status store_list_imports(struct db_tx *tx, struct uuid before, int64_t limit,
                                 Catalog__V1__Import ***ret_imports, size_t *ret_count)
{
    struct db_rows rows;
    TRY(db_many(tx, &LIST_IMPORTS, DB_ARGS(db_uuid_or_null(before), db_int(limit)), &rows));
    *ret_count = rows.count;
    *ret_imports = arena_array(db_ctx(tx)->arena, Catalog__V1__Import *, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        (*ret_imports)[i] = store_read_import(db_ctx(tx), &rows, i);
    return status_ok();
}

struct status store_list_import_errors(struct db_tx *tx, struct uuid import_id,
                                       const struct import_error_key *after, int64_t limit,
                                       Catalog__V1__ImportError ***ret_errors, size_t *ret_count)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct db_rows rows;
    TRY(db_many(tx, &LIST_IMPORT_ERRORS,
                DB_ARGS(db_uuid(import_id), db_int(after->line_number), db_text(after->reason),
                        db_text(after->column), db_int(limit)),
                &rows));
    *ret_count = rows.count;
    *ret_errors = arena_array(arena, Catalog__V1__ImportError *, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        Catalog__V1__ImportError *error = arena_new(arena, Catalog__V1__ImportError);
        catalog__v1__import_error__init(error);
        error->line_number = db_get_int(&rows, i, 0);
        error->reason = db_get_text(&rows, i, 1);
        error->column = db_get_text(&rows, i, 2);
        error->value = db_get_text(&rows, i, 3);
        error->detail = db_get_text(&rows, i, 4);
        error->handle = db_get_text(&rows, i, 5);
        (*ret_errors)[i] = error;
    }
    return status_ok();
}

static Catalog__V1__ImportTarget *read_target(struct ctx *ctx, const struct db_rows *rows,
                                              size_t row)
{
    Catalog__V1__ImportTarget *target = arena_new(ctx->arena, Catalog__V1__ImportTarget);
    catalog__v1__import_target__init(target);
    target->channel_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 2));
    target->price_list_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 3));
    target->warehouse_id = uuid_text(ctx->arena, db_get_uuid(rows, row, 4));
    target->locale = db_get_text(rows, row, 5);
    target->tax_category_code = db_get_text(rows, row, 6);
    return target;
}

static Catalog__V1__ImportCounts *read_counts(struct ctx *ctx, const struct db_rows *rows,
                                              size_t row)
{
    Catalog__V1__ImportCounts *counts = arena_new(ctx->arena, Catalog__V1__ImportCounts);
    catalog__v1__import_counts__init(counts);
    counts->bytes_read = db_get_int(rows, row, 9);
    counts->rows_read = db_get_int(rows, row, 10);
    counts->rows_refused = db_get_int(rows, row, 11);
    counts->products_created = db_get_int(rows, row, 12);
    counts->products_updated = db_get_int(rows, row, 13);
    counts->products_unchanged = db_get_int(rows, row, 14);
    counts->products_refused = db_get_int(rows, row, 15);
    counts->prices_changed = db_get_int(rows, row, 16);
    counts->stock_changed = db_get_int(rows, row, 17);
    return counts;
}

Catalog__V1__Import *store_read_import(struct ctx *ctx, const struct db_rows *rows, size_t row)
{
    Catalog__V1__Import *import = arena_new(ctx->arena, Catalog__V1__Import);
    catalog__v1__import__init(import);
    import->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    import->state = (Catalog__V1__ImportState)db_get_int(rows, row, 1);
    import->target = read_target(ctx, rows, row);
    import->file_name = db_get_text(rows, row, 7);
    import->chunk_count = db_get_int(rows, row, 8);
    import->counts = read_counts(ctx, rows, row);
    const char *const *columns = db_get_texts(ctx, rows, row, 18, &import->n_ignored_columns);
    import->ignored_columns =
        arena_memdup(ctx->arena, columns, import->n_ignored_columns * sizeof *columns);
    import->failure = db_get_text(rows, row, 19);
    import->create_time = wire_time(ctx->arena, db_get_time(rows, row, 20));
    import->update_time = wire_time(ctx->arena, db_get_time(rows, row, 21));
    return import;
}

const struct db_stmt *const STORE_IMPORT_STATEMENTS[] = {
    &ADD_IMPORT,   &LOAD_IMPORT, &LOCK_IMPORT,  &ADD_CHUNK,          &TOUCH_IMPORT, &MATCH_CHUNK,
    &COUNT_CHUNKS, &SEAL_IMPORT, &LIST_IMPORTS, &LIST_IMPORT_ERRORS, NULL,
};
