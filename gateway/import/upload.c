/* upload.c - a file into catalog's chunks, one of them in memory at a time.
 *
 * Everything that can be refused is refused before the first byte is read. An upload that breaks
 * off leaves an import that no runner takes; catalog throws it away. */
#include "import/import.h"

#include "access/access.h"
#include "import/chunks.h"

#include "catalog/v1/service.client.h"
#include "chassis/crash_point.h"
#include "common/clock.h"
#include "common/str.h"
#include "gateway.h"
#include "gateway/v1/admin.pb-c.h"
#include "inventory/v1/service.client.h"
#include "pricing/v1/service.client.h"

#include <inttypes.h>
#include <string.h>

enum { CALL_TIMEOUT_MS = 10000 };

const struct error_def IMPORT_TOO_LARGE = {STATUS_OUT_OF_RANGE, "BODY_TOO_LARGE",
                                           "split the file; GATEWAY_IMPORT_BYTES is the limit"};
const struct error_def IMPORT_BROKEN_OFF = {STATUS_CANCELLED, "BODY_TRUNCATED",
                                            "send the whole file again"};
const struct error_def IMPORT_EMPTY = {STATUS_INVALID_ARGUMENT, "IMPORT_EMPTY",
                                       "send the file as the body: --data-binary @products.csv"};

static struct status check_request(struct ctx *ctx, const struct exchange *exchange);
static struct status check_target(struct ctx *ctx,
                                  const Gateway__V1__ImportProductsRequest *request);
static struct status create(struct ctx *ctx, const Gateway__V1__ImportProductsRequest *request,
                            const char **ret_id);
static struct status store(struct ctx *ctx, const struct exchange *exchange, const char *id,
                           int64_t *ret_chunks);

struct status import_upload(struct ctx *ctx, struct exchange *exchange,
                            const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__ImportProductsRequest *asked = (const void *)request;
    Gateway__V1__ImportProductsResponse *answer = (void *)response;
    Catalog__V1__SealImportRequest seal = CATALOG__V1__SEAL_IMPORT_REQUEST__INIT;
    const Catalog__V1__SealImportResponse *sealed;

    TRY(check_request(ctx, exchange));
    TRY(check_target(ctx, asked));
    TRY(create(ctx, asked, &seal.import_id));
    TRY(store(ctx, exchange, seal.import_id, &seal.chunk_count));
    ctx->deadline_us = clock_monotonic_us() + CALL_TIMEOUT_MS * INT64_C(1000);
    TRY(catalog_v1_seal_import(ctx, &seal, &sealed));
    answer->import = sealed->import;
    exchange->location = arena_printf(ctx->arena, "/admin/v1/imports/%s", seal.import_id);
    return status_ok();
}

static struct status check_request(struct ctx *ctx, const struct exchange *exchange)
{
    const struct gateway *self = ctx_state(ctx);
    const char *type = str_or_empty(http_header_get(exchange->http, "Content-Type"));
    const char *length = http_header_get(exchange->http, "Content-Length");
    const char *allowed = arena_printf(ctx->arena, "%" PRId64 " bytes", self->import_bytes_max);
    int64_t bytes = 0;

    if (!str_equal_ignore_case(arena_strndup(ctx->arena, type, strcspn(type, "; ")), "text/csv"))
        return ctx_fail_field(ctx, &UNSUPPORTED_MEDIA_TYPE, "Content-Type", type, "text/csv");
    if (length && str_to_int64(length, &bytes) && bytes > self->import_bytes_max)
        return ctx_fail_field(ctx, &IMPORT_TOO_LARGE, "Content-Length", length, allowed);
    return status_ok();
}

/* Whether there is such a warehouse: they are few, so they are listed. */
static struct status check_warehouse(struct ctx *ctx, const char *id)
{
    Inventory__V1__ListWarehousesRequest request = INVENTORY__V1__LIST_WAREHOUSES_REQUEST__INIT;
    const Inventory__V1__ListWarehousesResponse *response;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;

    page.page_size = 100;
    request.page = &page;
    do {
        TRY(inventory_v1_list_warehouses(ctx, &request, &response));
        for (size_t i = 0; i < response->n_warehouses; i++)
            if (str_equal_ignore_case(response->warehouses[i]->id, id))
                return status_ok();
        page.page_token = response->page ? response->page->next_page_token : "";
    } while (*page.page_token);
    return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "warehouseId", id, "a warehouse's id");
}

static struct status check_target(struct ctx *ctx,
                                  const Gateway__V1__ImportProductsRequest *request)
{
    Pricing__V1__GetPriceListRequest list = PRICING__V1__GET_PRICE_LIST_REQUEST__INIT;
    const Pricing__V1__GetPriceListResponse *found;
    const struct storefront_channel *channel;

    TRY(access_channel_by_id(ctx, request->channel_id, &channel));
    list.id = request->price_list_id;
    TRY(pricing_v1_get_price_list(ctx, &list, &found));
    return check_warehouse(ctx, request->warehouse_id);
}

static struct status create(struct ctx *ctx, const Gateway__V1__ImportProductsRequest *request,
                            const char **ret_id)
{
    Catalog__V1__CreateImportRequest create = CATALOG__V1__CREATE_IMPORT_REQUEST__INIT;
    const Catalog__V1__CreateImportResponse *created;
    Catalog__V1__ImportTarget target = CATALOG__V1__IMPORT_TARGET__INIT;

    target.channel_id = request->channel_id;
    target.price_list_id = request->price_list_id;
    target.warehouse_id = request->warehouse_id;
    target.locale = request->locale;
    target.tax_category_code = request->tax_category_code;
    create.target = &target;
    create.file_name = request->file_name;
    TRY(catalog_v1_create_import(ctx, &create, &created));
    *ret_id = created->import->id;
    return status_ok();
}

/* Fills the chunk; shorter only at the end. */
static struct status read_chunk(struct ctx *ctx, const struct exchange *exchange, uint8_t *chunk,
                                size_t *ret_length)
{
    size_t length = 0;
    int64_t got = 1;

    while (length < CHUNK_BYTES && got > 0) {
        got = http_body_read(exchange->http, chunk + length, CHUNK_BYTES - length);
        length += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        return ctx_fail(ctx, &IMPORT_BROKEN_OFF, "after %zu bytes of a chunk", length);
    *ret_length = length;
    return status_ok();
}

/* A chunk and what its call needs live in an arena of their own, on this request's behalf. */
static struct status append(const struct ctx *ctx, struct arena *arena,
                            const Catalog__V1__AppendImportChunkRequest *request)
{
    const Catalog__V1__AppendImportChunkResponse *response;
    struct ctx one = *ctx;

    one.arena = arena;
    one.deadline_us = clock_monotonic_us() + CALL_TIMEOUT_MS * INT64_C(1000);
    struct status status = catalog_v1_append_import_chunk(&one, request, &response);
    status.detail = arena_strdup(ctx->arena, status.detail);
    status.violations = NULL; // in the arena that goes now
    arena_reset(arena);
    return status;
}

static void destroy_arena(struct arena **arena)
{
    arena_destroy(*arena);
}

static struct status store(struct ctx *ctx, const struct exchange *exchange, const char *id,
                           int64_t *ret_chunks)
{
    const struct gateway *self = ctx_state(ctx);
    _cleanup_(destroy_arena) struct arena *arena = arena_create(4 * CHUNK_BYTES);
    Catalog__V1__AppendImportChunkRequest request = CATALOG__V1__APPEND_IMPORT_CHUNK_REQUEST__INIT;
    uint8_t *chunk = arena_alloc(ctx->arena, CHUNK_BYTES);
    int64_t bytes = 0;

    request.import_id = id;
    request.data.data = chunk;
    do {
        TRY(read_chunk(ctx, exchange, chunk, &request.data.len));
        bytes += (int64_t)request.data.len;
        if (bytes > self->import_bytes_max)
            return ctx_fail(ctx, &IMPORT_TOO_LARGE, "more than %" PRId64 " bytes",
                            self->import_bytes_max);
        if (request.data.len == 0)
            break;
        TRY(append(ctx, arena, &request));
        TRY(crash_point(CRASH_IMPORT_CHUNK_STORED, NULL));
        request.number++;
    } while (request.data.len == CHUNK_BYTES);
    if (bytes == 0)
        return ctx_fail(ctx, &IMPORT_EMPTY, "no body came");
    *ret_chunks = request.number;
    return status_ok();
}
