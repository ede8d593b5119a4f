/* promotion_set.c - the live promotions, compiled once and shared by every evaluation. */
#include "marketing.h"

#include "chassis/log.h"
#include "chassis/wire.h"
#include "common/json.h"
#include "marketing/v1/types.schema.h"

#include <string.h>

static struct status compile_row(struct ctx *ctx, const char *json,
                                 struct compiled_promotion *ret_compiled)
{
    ProtobufCMessage *message;
    TRY(json_decode(ctx->arena, &marketing__v1__promotion__schema, json, strlen(json), true,
                    &message));
    const Marketing__V1__Promotion *promotion = (const Marketing__V1__Promotion *)(void *)message;
    *ret_compiled = (struct compiled_promotion){
        .promotion = promotion,
        .valid_from_us = wire_time_us(promotion->valid_from),
        .valid_until_us = wire_time_us(promotion->valid_until),
    };
    (void)uuid_parse(promotion->id, &ret_compiled->id);
    return definition_compile(ctx, ctx->arena, promotion, &ret_compiled->rule);
}

/* A definition that no longer compiles (a fact was dropped) is left out and said, not fatal. */
static struct status load(struct db_tx *tx, void *rows_of_epoch)
{
    struct ctx *ctx = db_ctx(tx);
    const struct marketing *self = ctx_state(ctx);
    struct promotion_set *set = rows_of_epoch;
    struct db_rows rows;
    TRY(store_load_live(tx, self->promotions_max, &rows));
    set->promotions = arena_array(ctx->arena, struct compiled_promotion, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        struct status compiled =
            compile_row(ctx, db_get_text(&rows, i, 0), &set->promotions[set->count]);
        if (compiled.code == STATUS_OK)
            set->count++;
        else
            log_status(LOG_WARN, ctx, "promotion_left_out", compiled);
        ctx->violations = NULL;
    }
    return status_ok();
}

const struct epoch_kind PROMOTION_SET = {.size = sizeof(struct promotion_set), .load = load};
