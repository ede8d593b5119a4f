/* idempotency.c - the same call twice is one effect and one answer.
 *
 * The look-up rides with BEGIN and the reply with COMMIT. The advisory lock makes a concurrent
 * duplicate wait before it does anything: it then finds the winner's reply, or, when the winner
 * rolled back, the key free. */
#include "chassis/wire.h"
#include "db_wire.h"

#include <string.h>

const struct error_def ERROR_IDEMPOTENCY_KEY_REUSED = {
    STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED",
    "The key came with another request before: take a new key for a new request"};

static const struct db_stmt LOCK_KEY = {
    .name = "idempotency_lock",
    .in = "tt", /* scope, key */
    .out = "t",
    .sql = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))::text",
};

static const struct db_stmt FIND_REPLY = {
    .name = "idempotency_find",
    .in = "tt", /* scope, key */
    .out = "bb",
    .sql = "SELECT fingerprint, reply FROM idempotency WHERE scope = $1 AND key = $2",
};

static const struct db_stmt ADD_REPLY = {
    .name = "idempotency_add",
    .in = "ttbb", /* scope, key, fingerprint, reply */
    .out = "",
    .sql = "INSERT INTO idempotency (scope, key, fingerprint, reply) VALUES ($1, $2, $3, $4)",
};

/* In batches, so that no sweep holds many rows for long. */
static const struct db_stmt REMOVE_EXPIRED = {
    .name = "idempotency_expire",
    .in = "i", /* batch size */
    .out = "",
    .sql = "DELETE FROM idempotency WHERE (scope, key) IN ("
           " SELECT scope, key FROM idempotency WHERE created_at < now() - interval '24 hours'"
           " ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
};

const struct db_stmt *const IDEMPOTENCY_STATEMENTS[] = {&LOCK_KEY, &FIND_REPLY, &ADD_REPLY,
                                                        &REMOVE_EXPIRED, NULL};

enum { SWEEP_BATCH = 500 };

struct status idempotency_find(struct db_tx *tx)
{
    struct idempotency *own = db_ctx(tx)->idempotency;

    if (own == NULL || own->is_stored)
        return status_ok();
    struct db_args id = DB_ARGS(db_text(own->scope), db_text(own->key));
    struct db_call calls[] = {{&LOCK_KEY, id, {0}}, {&FIND_REPLY, id, {0}}};

    TRY(db_batch(tx, calls, ARRAY_LEN(calls)));
    const struct db_rows *found = &calls[1].rows;
    if (found->count == 0)
        return status_ok();
    struct db_bytes fingerprint = db_get_bytes(found, 0, 0);
    if (fingerprint.length != sizeof own->fingerprint ||
        memcmp(fingerprint.data, own->fingerprint, sizeof own->fingerprint) != 0)
        return ctx_fail(db_ctx(tx), &ERROR_IDEMPOTENCY_KEY_REUSED, "key %s", own->key);
    own->replayed = db_get_bytes(found, 0, 1);
    return status_error(STATUS_REPLAYED, NULL, NULL);
}

/* A handler of several transactions stores with its first commit; the others are its own to make
 * repeatable. */
struct status idempotency_store(struct db_tx *tx)
{
    struct idempotency *own = db_ctx(tx)->idempotency;

    if (own == NULL || own->is_stored)
        return status_ok();
    const struct db_bytes packed = wire_pack(db_ctx(tx)->arena, own->reply);
    return db_later(tx, &ADD_REPLY,
                    DB_ARGS(db_text(own->scope), db_text(own->key),
                            db_blob(own->fingerprint, sizeof own->fingerprint),
                            db_blob(packed.data, packed.length)));
}

struct status idempotency_sweep(struct ctx *ctx)
{
    int64_t removed = SWEEP_BATCH;

    while (removed == SWEEP_BATCH) {
        _cleanup_(db_rollback) struct db_tx *tx = NULL;
        TRY(db_begin(ctx, &tx));
        TRY(db_exec(tx, &REMOVE_EXPIRED, DB_ARGS(db_int(SWEEP_BATCH)), &removed));
        TRY(db_commit(&tx));
    }
    return status_ok();
}
