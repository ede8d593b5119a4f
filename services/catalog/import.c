/* import.c - an import as its uploader sees it: created, filled chunk by chunk, sealed, followed.
 */
#include "import.h"

#include "catalog/v1/service.handlers.h"
#include "chassis/page.h"
#include "common/str.h"
#include "store.h"

#include <inttypes.h>
#include <string.h>

const struct error_def IMPORT_NOT_FOUND = {STATUS_NOT_FOUND, "IMPORT_NOT_FOUND",
                                           "list the imports to find its id"};
const struct error_def IMPORT_NOT_UPLOADING = {
    STATUS_FAILED_PRECONDITION, "IMPORT_NOT_UPLOADING",
    "a sealed import takes no more chunks; create another import"};
const struct error_def IMPORT_CHUNK_DIFFERS = {
    STATUS_ALREADY_EXISTS, "IMPORT_CHUNK_DIFFERS",
    "this number holds other bytes already; create another import"};
const struct error_def IMPORT_CHUNKS_MISSING = {
    STATUS_FAILED_PRECONDITION, "IMPORT_CHUNKS_MISSING",
    "append the missing chunks, then seal the import again"};

static struct status explain_refusal(struct db_tx *tx,
                                     const Catalog__V1__AppendImportChunkRequest *req);
static bool parse_error_key(struct arena *arena, const char *key, struct import_error_key *ret_key);

struct status catalog_create_import(struct ctx *ctx, const Catalog__V1__CreateImportRequest *req,
                                    Catalog__V1__CreateImportResponse *rep)
{
    if (!locale_is_valid(req->target->locale))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "target.locale", req->target->locale,
                              "a BCP 47 tag such as en or de-AT");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_import(tx, req, &rep->import));
    TRY(db_audit(tx, "create_import", store_id_of(rep->import->id), req->file_name));
    return db_commit(&tx);
}

struct status catalog_append_import_chunk(struct ctx *ctx,
                                          const Catalog__V1__AppendImportChunkRequest *req,
                                          Catalog__V1__AppendImportChunkResponse *rep)
{
    bool is_stored;

    (void)rep;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_add_chunk(tx, store_id_of(req->import_id), req->number,
                        (struct db_bytes){req->data.data, req->data.len}, &is_stored));
    if (!is_stored)
        TRY(explain_refusal(tx, req));
    return db_commit(&tx);
}

/* Sealing again with the same count finds it sealed. */
struct status catalog_seal_import(struct ctx *ctx, const Catalog__V1__SealImportRequest *req,
                                  Catalog__V1__SealImportResponse *rep)
{
    struct uuid id = store_id_of(req->import_id);
    int64_t missing, stored;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_import(tx, id, req->chunk_count, &rep->import, &missing, &stored));
    if (rep->import->state != CATALOG__V1__IMPORT_STATE__IMPORT_STATE_UPLOADING) {
        if (rep->import->chunk_count == req->chunk_count)
            return db_commit(&tx);
        return ctx_fail(ctx, &IMPORT_NOT_UPLOADING, "import %s was sealed with %" PRId64 " chunks",
                        req->import_id, rep->import->chunk_count);
    }
    if (missing >= 0 || stored != req->chunk_count)
        return ctx_fail_field(
            ctx, &IMPORT_CHUNKS_MISSING, "chunkCount",
            arena_printf(ctx->arena, "%" PRId64, req->chunk_count),
            missing >= 0 ? arena_printf(ctx->arena, "chunk %" PRId64 " is not there", missing)
                         : arena_printf(ctx->arena, "%" PRId64 " chunks are there", stored));
    TRY(store_seal_import(tx, id, req->chunk_count, &rep->import));
    TRY(db_audit(tx, "seal_import", id, rep->import->file_name));
    return db_commit(&tx);
}

struct status catalog_get_import(struct ctx *ctx, const Catalog__V1__GetImportRequest *req,
                                 Catalog__V1__GetImportResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_load_import(tx, store_id_of(req->id), &rep->import);
}

struct status catalog_list_imports(struct ctx *ctx, const Catalog__V1__ListImportsRequest *req,
                                   Catalog__V1__ListImportsResponse *rep)
{
    int64_t size = page_size(req->page);
    struct uuid before;
    TRY(page_after_uuids(ctx, req->page, 1, &before));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_imports(tx, before, size + 1, &rep->imports, &rep->n_imports));
    rep->page = page_last(ctx);
    if (rep->n_imports > (size_t)size) {
        struct uuid last = store_id_of(rep->imports[size - 1]->id);
        rep->n_imports = (size_t)size;
        rep->page = page_next_uuids(ctx, &last, 1);
    }
    return status_ok();
}

struct status catalog_list_import_errors(struct ctx *ctx,
                                         const Catalog__V1__ListImportErrorsRequest *req,
                                         Catalog__V1__ListImportErrorsResponse *rep)
{
    struct import_error_key after = {-1, "", ""};
    int64_t size = page_size(req->page);
    const char *key;
    TRY(page_after_text(ctx, req->page, &key));
    if (key != NULL && !parse_error_key(ctx->arena, key, &after))
        return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "page.pageToken", req->page->page_token,
                              "a token of an earlier page");

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_list_import_errors(tx, store_id_of(req->import_id), &after, size + 1, &rep->errors,
                                 &rep->n_errors));
    rep->page = page_last(ctx);
    if (rep->n_errors > (size_t)size) {
        const Catalog__V1__ImportError *last = rep->errors[size - 1];
        rep->n_errors = (size_t)size;
        rep->page =
            page_next_text(ctx, arena_printf(ctx->arena, "%" PRId64 " %s %s", last->line_number,
                                             last->reason, last->column));
    }
    return status_ok();
}

/* A chunk that was stored before the import was sealed is still the same chunk. */
static struct status explain_refusal(struct db_tx *tx,
                                     const Catalog__V1__AppendImportChunkRequest *req)
{
    struct uuid id = store_id_of(req->import_id);
    struct ctx *ctx = db_ctx(tx);
    Catalog__V1__Import *import;
    bool is_same;

    TRY(store_load_import(tx, id, &import));
    TRY(store_match_chunk(tx, id, req->number, (struct db_bytes){req->data.data, req->data.len},
                          &is_same));
    if (is_same)
        return status_ok();
    if (import->state != CATALOG__V1__IMPORT_STATE__IMPORT_STATE_UPLOADING)
        return ctx_fail(ctx, &IMPORT_NOT_UPLOADING, "import %s is sealed", req->import_id);
    return ctx_fail_field(ctx, &IMPORT_CHUNK_DIFFERS, "number",
                          arena_printf(ctx->arena, "%" PRId64, req->number),
                          "a number that no other chunk has");
}

/* "line reason column": the first two hold no spaces. */
static bool parse_error_key(struct arena *arena, const char *key, struct import_error_key *ret_key)
{
    const char *reason = strchr(key, ' ');
    const char *column = reason != NULL ? strchr(reason + 1, ' ') : NULL;

    if (column == NULL ||
        !str_to_int64(arena_strndup(arena, key, (size_t)(reason - key)), &ret_key->line_number))
        return false;
    ret_key->reason = arena_strndup(arena, reason + 1, (size_t)(column - reason - 1));
    ret_key->column = column + 1;
    return true;
}
