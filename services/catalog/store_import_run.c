/* store_import_run.c - the statements of an import's runner: a lease, chunks, progress, the sweep.
 */
#include "import.h"

#include "store.h"

#include <string.h>

/* Two runners never get the same import: the second skips the row that the first has locked. */
static const struct db_stmt LEASE_IMPORT = {
    .name = "lease_import",
    .in = "ti",
    .out = IMPORT_COLUMN_TYPES "ib",
    .sql = "UPDATE catalog.import SET state = 3, epoch = epoch + 1, runner = $1,"
           " lease_until = clock_timestamp() + $2 * interval '1 millisecond',"
           " update_time = clock_timestamp()"
           " WHERE id = (SELECT id FROM catalog.import"
           "   WHERE state = 2 OR (state = 3 AND lease_until < clock_timestamp())"
           "   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
           " RETURNING " IMPORT_COLUMNS ", epoch, runner_state",
};

static const struct db_stmt READ_CHUNK = {
    .name = "read_chunk",
    .in = "ui",
    .out = "b",
    .sql = "SELECT data FROM catalog.import_chunk WHERE import_id = $1 AND number = $2",
    .read_only = true,
};

/* Whoever has the epoch may record; the end may be told twice, as long as it is the same end. */
static const struct db_stmt RECORD_PROGRESS = {
    .name = "record_progress",
    .in = "uiiitTbI",
    .out = "",
    .sql = "UPDATE catalog.import SET state = CASE WHEN $4 = 0 THEN state ELSE $4 END,"
           " lease_until = clock_timestamp() + $3 * interval '1 millisecond',"
           " finish_time = CASE WHEN $4 <> 0 THEN coalesce(finish_time, clock_timestamp()) END,"
           " update_time = clock_timestamp(), failure = $5, ignored_columns = $6,"
           " runner_state = $7, bytes_read = $8[1], rows_read = $8[2], rows_refused = $8[3],"
           " products_created = $8[4], products_updated = $8[5], products_unchanged = $8[6],"
           " products_refused = $8[7], prices_changed = $8[8], stock_changed = $8[9]"
           " WHERE id = $1 AND epoch = $2 AND state IN (3, $4)",
};

static const struct db_stmt ADD_ERRORS = {
    .name = "add_import_errors",
    .in = "uITTTTT",
    .out = "",
    .sql = "INSERT INTO catalog.import_error"
           " (import_id, line_number, reason, column_name, value, detail, handle)"
           " SELECT $1, row.* FROM unnest($2, $3, $4, $5, $6, $7) AS row"
           " ON CONFLICT DO NOTHING",
};

static const struct db_stmt FAIL_ABANDONED = {
    .name = "fail_abandoned_imports",
    .in = "i",
    .out = "",
    .sql = "UPDATE catalog.import SET state = 5, failure = 'the upload was never completed',"
           " finish_time = update_time"
           " WHERE state = 1 AND NOT is_purged"
           "   AND update_time < clock_timestamp() - $1 * interval '1 millisecond'",
};

/* The oldest chunks of what is over; an import without any left is marked by MARK_PURGED. */
static const struct db_stmt DELETE_CHUNKS = {
    .name = "delete_chunks",
    .in = "ii",
    .out = "",
    .sql = "DELETE FROM catalog.import_chunk WHERE (import_id, number) IN ("
           " SELECT c.import_id, c.number FROM catalog.import i"
           "   JOIN catalog.import_chunk c ON c.import_id = i.id"
           "  WHERE NOT i.is_purged"
           "    AND i.finish_time < clock_timestamp() - $1 * interval '1 millisecond'"
           "  LIMIT $2 FOR UPDATE OF c SKIP LOCKED)",
};

static const struct db_stmt MARK_PURGED = {
    .name = "mark_purged",
    .in = "i",
    .out = "",
    .sql = "UPDATE catalog.import SET is_purged = true"
           " WHERE NOT is_purged"
           "   AND finish_time < clock_timestamp() - $1 * interval '1 millisecond'"
           "   AND NOT EXISTS (SELECT FROM catalog.import_chunk WHERE import_id = import.id)",
};

struct status store_lease_import(struct db_tx *tx, const char *runner, int64_t lease_ms,
                                 struct import_lease *ret_lease)
{
    struct db_rows rows;
    TRY(db_many(tx, &LEASE_IMPORT, DB_ARGS(db_text(runner), db_int(lease_ms)), &rows));
    if (rows.count == 0)
        return ctx_fail(db_ctx(tx), &NO_IMPORT_WAITING, "runner %s", runner);
    *ret_lease = (struct import_lease){
        .import = store_read_import(db_ctx(tx), &rows, 0),
        .epoch = db_get_int(&rows, 0, 22),
        .runner_state = db_get_bytes(&rows, 0, 23),
    };
    return status_ok();
}

struct status store_read_chunk(struct db_tx *tx, struct uuid import_id, int64_t number,
                               struct db_bytes *ret_data)
{
    struct db_rows rows;
    TRY(db_many(tx, &READ_CHUNK, DB_ARGS(db_uuid(import_id), db_int(number)), &rows));
    if (rows.count == 0)
        return ctx_fail(db_ctx(tx), &IMPORT_CHUNK_NOT_FOUND, "chunk %lld", (long long)number);
    *ret_data = db_get_bytes(&rows, 0, 0);
    return status_ok();
}

static struct status add_errors(struct db_tx *tx,
                                const Catalog__V1__RecordImportProgressRequest *req)
{
    struct arena *arena = db_ctx(tx)->arena;
    size_t count = req->n_errors;
    int64_t *lines = arena_array(arena, int64_t, count);
    const char **texts[5];
    for (size_t c = 0; c < ARRAY_LEN(texts); c++)
        texts[c] = arena_array(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const Catalog__V1__ImportError *error = req->errors[i];
        lines[i] = error->line_number;
        texts[0][i] = error->reason;
        texts[1][i] = error->column;
        texts[2][i] = error->value;
        texts[3][i] = error->detail;
        texts[4][i] = error->handle;
    }
    if (count == 0)
        return status_ok();
    return db_later(tx, &ADD_ERRORS,
                    DB_ARGS(db_uuid(store_id_of(req->import_id)), db_ints(lines, count),
                            db_texts(texts[0], count), db_texts(texts[1], count),
                            db_texts(texts[2], count), db_texts(texts[3], count),
                            db_texts(texts[4], count)));
}

struct status store_record_progress(struct db_tx *tx,
                                    const Catalog__V1__RecordImportProgressRequest *req,
                                    bool *ret_is_leased)
{
    const Catalog__V1__ImportCounts none = CATALOG__V1__IMPORT_COUNTS__INIT;
    const Catalog__V1__ImportCounts *counts = req->counts != NULL ? req->counts : &none;
    const int64_t totals[] = {
        counts->bytes_read,       counts->rows_read,        counts->rows_refused,
        counts->products_created, counts->products_updated, counts->products_unchanged,
        counts->products_refused, counts->prices_changed,   counts->stock_changed,
    };
    int64_t changed;
    TRY(db_exec(tx, &RECORD_PROGRESS,
                DB_ARGS(db_uuid(store_id_of(req->import_id)), db_int(req->epoch),
                        db_int(req->lease_ms), db_int(req->final_state), db_text(req->failure),
                        db_texts(req->ignored_columns, req->n_ignored_columns),
                        db_blob(req->runner_state.data, req->runner_state.len),
                        db_ints(totals, ARRAY_LEN(totals))),
                &changed));
    *ret_is_leased = changed > 0;
    return changed > 0 ? add_errors(tx, req) : status_ok();
}

struct status store_purge_imports(struct db_tx *tx, int64_t age_ms, int64_t limit,
                                  int64_t *ret_count)
{
    TRY(db_later(tx, &FAIL_ABANDONED, DB_ARGS(db_int(age_ms))));
    TRY(db_exec(tx, &DELETE_CHUNKS, DB_ARGS(db_int(age_ms), db_int(limit)), ret_count));
    return db_later(tx, &MARK_PURGED, DB_ARGS(db_int(age_ms)));
}

const struct db_stmt *const STORE_IMPORT_RUN_STATEMENTS[] = {
    &LEASE_IMPORT,   &READ_CHUNK,    &RECORD_PROGRESS, &ADD_ERRORS,
    &FAIL_ABANDONED, &DELETE_CHUNKS, &MARK_PURGED,     NULL,
};
