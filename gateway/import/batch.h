/* batch.h - finished products on their way to catalog, pricing and inventory. */
#pragma once

#include "import/draft.h"

#include "chassis/ctx.h"

enum { BATCH_PRODUCTS_MAX = 50 };

struct batch {
    struct draft *drafts[BATCH_PRODUCTS_MAX];
    size_t count;
    size_t variant_count, bytes;
};

/* False when the product does not fit beside those that are there. An empty batch takes any. */
bool batch_has_room(const struct batch *batch, const struct draft *draft);
void batch_add(struct batch *batch, struct draft *draft);

/* Products, then prices and stock of their variants. Sending the same again changes nothing. What
 * catalog refuses is refused in its draft; `counts` grows. Fails only when nobody could answer, or
 * when the target does not exist. */
struct status batch_send(struct ctx *ctx, const Catalog__V1__ImportTarget *target,
                         struct batch *batch, Catalog__V1__ImportCounts *counts);
