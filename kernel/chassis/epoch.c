/* epoch.c - one set of rows in memory, counted by its users.
 *
 * Two users of a fresh set: the slot and the call that loaded it. The last one frees it. */
#include "chassis/epoch.h"

#include <pthread.h>

enum { BYTES_MAX = 64 * 1024 * 1024 };

struct epoch_rows {
    struct arena *arena; /* holds this structure too */
    int64_t epoch;
    int64_t users;
    void *rows;
};

/* Guards every slot and every count: a call may give its rows back after its daemon is gone. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void drop(struct epoch_rows *set)
{
    if (set && --set->users == 0)
        arena_destroy(set->arena);
}

static void release(void *set)
{
    pthread_mutex_lock(&lock);
    drop(set);
    pthread_mutex_unlock(&lock);
}

void epoch_slot_close(struct epoch_slot *slot)
{
    release(slot->current);
    slot->current = NULL;
}

static struct epoch_rows *current(struct epoch_slot *slot, int64_t epoch)
{
    pthread_mutex_lock(&lock);
    struct epoch_rows *set = slot->current && slot->current->epoch == epoch ? slot->current : NULL;
    if (set)
        set->users++;
    pthread_mutex_unlock(&lock);
    return set;
}

/* A slower call never replaces newer rows. */
static void install(struct epoch_slot *slot, struct epoch_rows *set)
{
    pthread_mutex_lock(&lock);
    if (!slot->current || slot->current->epoch < set->epoch) {
        drop(slot->current);
        slot->current = set;
        set->users++;
    }
    pthread_mutex_unlock(&lock);
}

static struct epoch_rows *prepare(const struct epoch_kind *kind, int64_t epoch)
{
    struct arena *arena = arena_create(BYTES_MAX);
    struct epoch_rows *set = arena_new(arena, struct epoch_rows);
    *set = (struct epoch_rows){
        .arena = arena,
        .epoch = epoch,
        .users = 1,
        .rows = arena_alloc(arena, kind->size),
    };
    return set;
}

/* The call borrows the set's arena while it loads: nothing has to be copied. A failed load keeps
 * it to the end of the call, whose status may point into it. */
static struct status load(struct db_tx *tx, const struct epoch_kind *kind, struct epoch_rows *set)
{
    struct ctx *ctx = db_ctx(tx);
    struct arena *own = ctx->arena;
    ctx->arena = set->arena;
    struct status loaded = kind->load(tx, set->rows);
    ctx->arena = own;
    return loaded;
}

bool epoch_rows_known(struct ctx *ctx, struct epoch_slot *slot, int64_t epoch,
                      const void **ret_rows)
{
    struct epoch_rows *set = current(slot, epoch);
    if (!set)
        return false;
    arena_defer(ctx->arena, release, set);
    *ret_rows = set->rows;
    return true;
}

struct status epoch_rows_get(struct db_tx *tx, struct epoch_slot *slot,
                             const struct epoch_kind *kind, int64_t epoch, const void **ret_rows)
{
    if (epoch_rows_known(db_ctx(tx), slot, epoch, ret_rows))
        return status_ok();
    struct epoch_rows *set = prepare(kind, epoch);
    arena_defer(db_ctx(tx)->arena, release, set);
    TRY(load(tx, kind, set));
    install(slot, set);
    *ret_rows = set->rows;
    return status_ok();
}
