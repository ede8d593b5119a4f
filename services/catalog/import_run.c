/* import_run.c - an import as its runner sees it: a lease that another runner takes over when it is
 * not renewed, and progress that only the holder of the last lease may record. */
#include "import.h"

#include "catalog/v1/service.handlers.h"
#include "store.h"

#include <inttypes.h>

const struct error_def NO_IMPORT_WAITING = {STATUS_NOT_FOUND, "NO_IMPORT_WAITING",
                                            "nothing to do; ask again later"};
const struct error_def IMPORT_CHUNK_NOT_FOUND = {
    STATUS_NOT_FOUND, "IMPORT_CHUNK_NOT_FOUND",
    "chunks are numbered from 0; those of finished imports are deleted after a day"};
const struct error_def IMPORT_LEASE_LOST = {
    STATUS_FAILED_PRECONDITION, "IMPORT_LEASE_LOST",
    "another runner goes on with this import: stop working on it"};

enum { PURGE_BATCH = 200 }; // chunks: 50 MiB at most

struct status catalog_lease_import(struct ctx *ctx, const Catalog__V1__LeaseImportRequest *req,
                                   Catalog__V1__LeaseImportResponse *rep)
{
    struct import_lease lease;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lease_import(tx, req->runner, req->lease_ms, &lease));
    rep->import = lease.import;
    rep->epoch = lease.epoch;
    rep->runner_state.len = lease.runner_state.length;
    rep->runner_state.data =
        arena_memdup(ctx->arena, lease.runner_state.data, lease.runner_state.length);
    return db_commit(&tx);
}

struct status catalog_read_import_chunk(struct ctx *ctx,
                                        const Catalog__V1__ReadImportChunkRequest *req,
                                        Catalog__V1__ReadImportChunkResponse *rep)
{
    struct db_bytes data;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_read_chunk(tx, store_id_of(req->import_id), req->number, &data));
    rep->data.len = data.length;
    rep->data.data = arena_memdup(ctx->arena, data.data, data.length);
    return status_ok();
}

struct status catalog_record_import_progress(struct ctx *ctx,
                                             const Catalog__V1__RecordImportProgressRequest *req,
                                             Catalog__V1__RecordImportProgressResponse *rep)
{
    bool is_leased;

    (void)rep;
    if (req->final_state != CATALOG__V1__IMPORT_STATE__IMPORT_STATE_UNSPECIFIED &&
        req->final_state != CATALOG__V1__IMPORT_STATE__IMPORT_STATE_SUCCEEDED &&
        req->final_state != CATALOG__V1__IMPORT_STATE__IMPORT_STATE_FAILED)
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "finalState",
                              arena_printf(ctx->arena, "%d", (int)req->final_state),
                              "IMPORT_STATE_SUCCEEDED, IMPORT_STATE_FAILED or unset");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_record_progress(tx, req, &is_leased));
    if (!is_leased)
        return ctx_fail(ctx, &IMPORT_LEASE_LOST, "import %s, epoch %" PRId64, req->import_id,
                        req->epoch);
    return db_commit(&tx);
}

struct status catalog_purge_imports(struct ctx *ctx)
{
    const struct catalog *self = ctx_state(ctx);
    int64_t deleted = PURGE_BATCH;

    while (deleted == PURGE_BATCH) {
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        TRY(db_begin(ctx, &tx));
        TRY(store_purge_imports(tx, self->import_retention_ms, PURGE_BATCH, &deleted));
        TRY(db_commit(&tx));
    }
    return status_ok();
}
