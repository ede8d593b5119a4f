/* import.h - what the files of imports share. */
#pragma once

#include "catalog.h"

/* store_import.c */
struct status store_add_import(struct db_tx *tx, const Catalog__V1__CreateImportRequest *req,
                               Catalog__V1__Import **ret_import);
struct status store_load_import(struct db_tx *tx, struct uuid id, Catalog__V1__Import **ret_import);
/* Whether it is stored now: false when the import takes no chunks, or has another of this number.
 */
struct status store_add_chunk(struct db_tx *tx, struct uuid import_id, int64_t number,
                              struct db_bytes data, bool *ret_is_stored);
/* Whether the import has this very chunk. */
struct status store_match_chunk(struct db_tx *tx, struct uuid import_id, int64_t number,
                                struct db_bytes data, bool *ret_is_same);
/* Locks the import; `ret_missing` is the first number below `count` that is not there, else -1;
 * `ret_stored` counts all chunks. */
struct status store_lock_import(struct db_tx *tx, struct uuid id, int64_t count,
                                Catalog__V1__Import **ret_import, int64_t *ret_missing,
                                int64_t *ret_stored);
struct status store_seal_import(struct db_tx *tx, struct uuid id, int64_t count,
                                Catalog__V1__Import **ret_import);
/* The newest first, those before `before` (nil: from the newest). */
struct status store_list_imports(struct db_tx *tx, struct uuid before, int64_t limit,
                                 Catalog__V1__Import ***ret_imports, size_t *ret_count);

/* In line order, after this key. */
struct import_error_key {
    int64_t line_number;
    const char *reason;
    const char *column;
};
struct status store_list_import_errors(struct db_tx *tx, struct uuid import_id,
                                       const struct import_error_key *after, int64_t limit,
                                       Catalog__V1__ImportError ***ret_errors, size_t *ret_count);
Catalog__V1__Import *store_read_import(struct ctx *ctx, const struct db_rows *rows, size_t row);

/* store_import_run.c */
struct import_lease {
    Catalog__V1__Import *import;
    int64_t epoch;
    struct db_bytes runner_state;
};
/* NOT_FOUND when no import waits. */
struct status store_lease_import(struct db_tx *tx, const char *runner, int64_t lease_ms,
                                 struct import_lease *ret_lease);
struct status store_read_chunk(struct db_tx *tx, struct uuid import_id, int64_t number,
                               struct db_bytes *ret_data);
/* Whether the lease is the caller's still. Does not wait for the errors it adds. */
struct status store_record_progress(struct db_tx *tx,
                                    const Catalog__V1__RecordImportProgressRequest *req,
                                    bool *ret_is_leased);
/* Fails uploads that nobody finished; deletes chunks of imports that ended `age_ms` ago. */
struct status store_purge_imports(struct db_tx *tx, int64_t age_ms, int64_t limit,
                                  int64_t *ret_count);

struct status catalog_purge_imports(struct ctx *ctx);

#define IMPORT_COLUMNS                                                                             \
    "id, state, channel_id, price_list_id, warehouse_id, locale, tax_category_code, file_name,"    \
    " chunk_count, bytes_read, rows_read, rows_refused, products_created, products_updated,"       \
    " products_unchanged, products_refused, prices_changed, stock_changed, ignored_columns,"       \
    " failure, create_time, update_time"
#define IMPORT_COLUMN_TYPES                                                                        \
    "uiuuuttt"                                                                                     \
    "iiiiiiiiii"                                                                                   \
    "Ttdd"
