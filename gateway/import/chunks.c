/* chunks.c - one chunk in memory at a time. */
#include "import/chunks.h"

#include "catalog/v1/service.client.h"

enum { READ_TIMEOUT_MS = 10000 };

static struct status read_chunk(struct csv_source *source, int64_t offset, const char **ret_data,
                                size_t *ret_length)
{
    struct chunks *chunks = container_of(source, struct chunks, source);
    Catalog__V1__ReadImportChunkRequest request = CATALOG__V1__READ_IMPORT_CHUNK_REQUEST__INIT;
    const Catalog__V1__ReadImportChunkResponse *response;
    size_t skip = (size_t)(offset % CHUNK_BYTES);

    *ret_length = 0;
    request.import_id = chunks->import_id;
    request.number = offset / CHUNK_BYTES;
    if (request.number >= chunks->count)
        return status_ok();
    ctx_renew(&chunks->ctx, READ_TIMEOUT_MS);
    TRY(catalog_v1_read_import_chunk(&chunks->ctx, &request, &response));
    if (response->data.len <= skip)
        return status_ok();
    *ret_data = (const char *)response->data.data + skip;
    *ret_length = response->data.len - skip;
    return status_ok();
}

void chunks_open(struct chunks *chunks, struct daemon *daemon, const char *import_id, int64_t count)
{
    *chunks = (struct chunks){.source = {read_chunk}, .import_id = import_id, .count = count};
    ctx_init(&chunks->ctx, daemon, "import:read", READ_TIMEOUT_MS);
}

void chunks_close(struct chunks *chunks)
{
    if (chunks->ctx.arena)
        ctx_finish(&chunks->ctx);
}
