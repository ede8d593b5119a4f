/* page.h - paging by key: a token is the opaque base64url of the last key of the page before.
 *
 * A list reads page_size() + 1 rows after the key; when the extra row came, the next token is made
 * of the last row that is shown. */
#pragma once

#include "chassis/ctx.h"
#include "common/v1/page.pb-c.h"

enum { PAGE_SIZE_DEFAULT = 20, PAGE_SIZE_MAX = 100 };

/* `page` may be NULL, as in a request that does not mention it. */
int64_t page_size(const Common__V1__PageRequest *page);

/* The key after which the page begins. The first page: nil ids, a NULL text. A token that none of
 * ours made is INVALID_REQUEST on page.pageToken. */
struct status page_after_uuids(struct ctx *ctx, const Common__V1__PageRequest *page, size_t count,
                               struct uuid *ret_ids);
struct status page_after_text(struct ctx *ctx, const Common__V1__PageRequest *page,
                              const char **ret_key);

/* What a reply carries: the token of the page after the one that ends with this key. */
Common__V1__PageInfo *page_next_uuids(struct ctx *ctx, const struct uuid *ids, size_t count);
Common__V1__PageInfo *page_next_text(struct ctx *ctx, const char *key);
Common__V1__PageInfo *page_last(struct ctx *ctx); /* there is no further page */
