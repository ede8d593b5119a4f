/* page.c - page tokens. */
#include "chassis/page.h"

#include "common/str.h"

#include <string.h>

static bool has_token(const Common__V1__PageRequest *page);
static struct status refuse(struct ctx *ctx, const Common__V1__PageRequest *page);
static Common__V1__PageInfo *next_after(struct ctx *ctx, const void *key, size_t length);

int64_t page_size(const Common__V1__PageRequest *page)
{
    if (page == NULL || page->page_size <= 0)
        return PAGE_SIZE_DEFAULT;
    return page->page_size < PAGE_SIZE_MAX ? page->page_size : PAGE_SIZE_MAX;
}

struct status page_after_uuids(struct ctx *ctx, const Common__V1__PageRequest *page, size_t count,
                               struct uuid *ret_ids)
{
    uint8_t *data;
    size_t length;

    if (!has_token(page)) {
        memset(ret_ids, 0, count * sizeof *ret_ids);
        return status_ok();
    }
    if (!str_from_base64url(ctx->arena, page->page_token, &data, &length) ||
        length != count * sizeof *ret_ids)
        return refuse(ctx, page);
    memcpy(ret_ids, data, length);
    return status_ok();
}

struct status page_after_text(struct ctx *ctx, const Common__V1__PageRequest *page,
                              const char **ret_key)
{
    uint8_t *data;
    size_t length;

    if (!has_token(page)) {
        *ret_key = NULL;
        return status_ok();
    }
    if (!str_from_base64url(ctx->arena, page->page_token, &data, &length) ||
        !str_is_utf8((const char *)data, length))
        return refuse(ctx, page);
    *ret_key = arena_strndup(ctx->arena, (const char *)data, length);
    return status_ok();
}

Common__V1__PageInfo *page_next_uuids(struct ctx *ctx, const struct uuid *ids, size_t count)
{
    return next_after(ctx, ids, count * sizeof *ids);
}

Common__V1__PageInfo *page_next_text(struct ctx *ctx, const char *key)
{
    return next_after(ctx, key, strlen(key));
}

Common__V1__PageInfo *page_last(struct ctx *ctx)
{
    Common__V1__PageInfo *info = arena_new(ctx->arena, Common__V1__PageInfo);

    common__v1__page_info__init(info);
    return info;
}

static bool has_token(const Common__V1__PageRequest *page)
{
    return page != NULL && !str_is_empty(page->page_token);
}

static struct status refuse(struct ctx *ctx, const Common__V1__PageRequest *page)
{
    return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "page.pageToken", page->page_token,
                          "the nextPageToken of the page before, unchanged");
}

static Common__V1__PageInfo *next_after(struct ctx *ctx, const void *key, size_t length)
{
    Common__V1__PageInfo *info = page_last(ctx);

    info->next_page_token = str_base64url(ctx->arena, key, length);
    return info;
}
