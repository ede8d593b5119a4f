/* promotion_set.c - the live promotions, compiled once and shared by every evaluation.
 *
 * The epoch that an evaluation reads with its coupons says whether the set in memory is still true,
 * so no replica ever evaluates with a promotion that has changed. */
#include "marketing.h"

#include "chassis/log.h"
#include "chassis/wire.h"
#include "common/json.h"
#include "marketing/v1/types.schema.h"

#include <string.h>

enum { SET_BYTES_MAX = 64 * 1024 * 1024 };

static struct status compile_row(struct ctx *ctx, struct promotion_set *set, const char *json,
                                 struct compiled_promotion *ret_compiled)
{
    ProtobufCMessage *message;
    TRY(json_decode(set->arena, &marketing__v1__promotion__schema, json, strlen(json), true,
                    &message));
    const Marketing__V1__Promotion *promotion = (const Marketing__V1__Promotion *)(void *)message;
    *ret_compiled = (struct compiled_promotion){
        .promotion = promotion,
        .valid_from_us = wire_time_us(promotion->valid_from),
        .valid_until_us = wire_time_us(promotion->valid_until),
    };
    (void)uuid_parse(promotion->id, &ret_compiled->id);
    return definition_compile(ctx, set->arena, promotion, &ret_compiled->rule);
}

/* A definition that no longer compiles (a fact was dropped) is left out and said, not fatal. */
static struct status load(struct db_tx *tx, int64_t epoch, struct promotion_set *set)
{
    struct ctx *ctx = db_ctx(tx);
    struct marketing *self = ctx_state(ctx);
    struct db_rows rows;
    TRY(store_load_live(tx, self->promotions_max, &rows));
    set->epoch = epoch;
    set->promotions = arena_array(set->arena, struct compiled_promotion, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        struct status compiled =
            compile_row(ctx, set, db_get_text(&rows, i, 0), &set->promotions[set->count]);
        if (compiled.code == STATUS_OK)
            set->count++;
        else
            log_status(LOG_WARN, ctx, "promotion_left_out", compiled);
        ctx->violations = NULL;
    }
    return status_ok();
}

static void drop(struct promotion_set *set)
{
    if (set && --set->users == 0)
        arena_destroy(set->arena);
}

void promotion_set_release(struct marketing *self, struct promotion_set *set)
{
    pthread_mutex_lock(&self->lock);
    drop(set);
    pthread_mutex_unlock(&self->lock);
}

static struct promotion_set *current(struct marketing *self, int64_t epoch)
{
    pthread_mutex_lock(&self->lock);
    struct promotion_set *set =
        self->promotions && self->promotions->epoch == epoch ? self->promotions : NULL;
    if (set)
        set->users++;
    pthread_mutex_unlock(&self->lock);
    return set;
}

/* Two users: the daemon's memory and this caller. A slower caller never replaces a newer set. */
static void install(struct marketing *self, struct promotion_set *set)
{
    pthread_mutex_lock(&self->lock);
    if (!self->promotions || self->promotions->epoch < set->epoch) {
        drop(self->promotions);
        self->promotions = set;
        set->users++;
    }
    pthread_mutex_unlock(&self->lock);
}

struct status promotion_set_acquire(struct db_tx *tx, int64_t epoch, struct promotion_set **ret_set)
{
    struct marketing *self = ctx_state(db_ctx(tx));
    *ret_set = current(self, epoch);
    if (*ret_set)
        return status_ok();

    struct arena *arena = arena_create(SET_BYTES_MAX);
    struct promotion_set *set = arena_new(arena, struct promotion_set);
    set->arena = arena;
    set->users = 1;
    struct status loaded = load(tx, epoch, set);
    if (loaded.code != STATUS_OK) {
        arena_destroy(arena);
        return loaded;
    }
    install(self, set);
    *ret_set = set;
    return status_ok();
}
