/* db_tx.c - transactions: when something is sent, when we wait, and what a failure means. */
#include "db_wire.h"

#include "chassis/crash_point.h"
#include "common/clock.h"

#include <assert.h>
#include <libpq-fe.h>

const struct error_def ERROR_CONFLICT = {
    STATUS_ABORTED, "CONFLICT",
    "Another transaction came first or holds a lock: read again, then retry"};
const struct error_def ERROR_ALREADY_EXISTS = {STATUS_ALREADY_EXISTS, "ALREADY_EXISTS",
                                               "Something with this identity exists already"};
const struct error_def ERROR_COMMIT_UNKNOWN = {
    STATUS_UNAVAILABLE, "COMMIT_UNKNOWN",
    "The connection broke inside COMMIT: retry with the same idempotency key to learn the outcome"};

static const int64_t ROLLBACK_TIMEOUT_US = 1000000;

static const struct db_stmt PING = {
    .name = "tx_ping", .in = "", .out = "i", .sql = "SELECT 1::bigint", .read_only = true};
static const struct db_stmt BEGIN = {.name = "tx_begin", .in = "", .out = "", .sql = "BEGIN"};
static const struct db_stmt COMMIT = {.name = "tx_commit", .in = "", .out = "", .sql = "COMMIT"};
static const struct db_stmt ROLLBACK = {
    .name = "tx_rollback", .in = "", .out = "", .sql = "ROLLBACK"};
static const struct db_stmt SAVEPOINT = {
    .name = "tx_savepoint", .in = "", .out = "", .sql = "SAVEPOINT record"};
static const struct db_stmt RELEASE = {
    .name = "tx_release", .in = "", .out = "", .sql = "RELEASE SAVEPOINT record"};
static const struct db_stmt ROLLBACK_TO = {
    .name = "tx_rollback_to", .in = "", .out = "", .sql = "ROLLBACK TO SAVEPOINT record"};

const struct db_stmt *const TX_STATEMENTS[] = {&PING,      &BEGIN,   &COMMIT,      &ROLLBACK,
                                               &SAVEPOINT, &RELEASE, &ROLLBACK_TO, NULL};

static struct status open_tx(struct ctx *ctx, bool is_read, struct db_tx **ret_tx);
static struct status send(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                          struct db_rows *ret_rows, int64_t *ret_count);
static struct status send_gathered(struct db_tx *tx);
static struct status commit(struct db_tx *tx);
static void undo(struct db_tx *tx);

struct status db_begin(struct ctx *ctx, struct db_tx **ret_tx)
{
    struct db_tx *tx;

    TRY(open_tx(ctx, false, &tx));
    struct status status = idempotency_find(tx);
    if (status.code != STATUS_OK) {
        db_rollback(&tx);
        return status;
    }
    *ret_tx = tx;
    return status_ok();
}

struct status db_begin_read(struct ctx *ctx, struct db_tx **ret_tx)
{
    return open_tx(ctx, true, ret_tx);
}

struct status db_commit(struct db_tx **tx_slot)
{
    struct db_tx *tx = *tx_slot;

    *tx_slot = NULL;
    struct status status = tx->is_read ? db_sync(tx) : commit(tx);
    if (status.code != STATUS_OK)
        undo(tx);
    db_pool_release(tx->pool, tx->connection);
    if (status.code == STATUS_OK && tx->ctx->idempotency != NULL && !tx->is_read)
        tx->ctx->idempotency->is_stored = true;
    task_transaction_ended(tx, status.code == STATUS_OK);
    if (status.code == STATUS_OK && !tx->is_read)
        status = crash_point(CRASH_TX_COMMITTED, tx->ctx->method);
    return status;
}

void db_rollback(struct db_tx **tx_slot)
{
    struct db_tx *tx = *tx_slot;

    if (tx == NULL)
        return;
    *tx_slot = NULL;
    undo(tx);
    db_pool_release(tx->pool, tx->connection);
    task_transaction_ended(tx, false);
}

struct ctx *db_ctx(const struct db_tx *tx)
{
    return tx->ctx;
}

struct status db_one(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                     struct db_rows *ret_rows)
{
    struct db_rows rows = {0};

    TRY(db_many(tx, stmt, args, &rows));
    if (rows.count == 0)
        return ctx_fail(tx->ctx, &ERROR_NOT_FOUND, "statement %s: no row", stmt->name);
    if (rows.count > 1)
        return ctx_fail(tx->ctx, &ERROR_INTERNAL, "statement %s: %zu rows instead of one",
                        stmt->name, rows.count);
    *ret_rows = rows;
    return status_ok();
}

struct status db_many(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                      struct db_rows *ret_rows)
{
    struct db_rows rows = {0};

    TRY(send(tx, stmt, args, &rows, NULL));
    TRY(db_sync(tx));
    *ret_rows = rows;
    return status_ok();
}

struct status db_exec(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                      int64_t *ret_count)
{
    int64_t count = 0;

    TRY(send(tx, stmt, args, NULL, &count));
    TRY(db_sync(tx));
    if (ret_count != NULL)
        *ret_count = count;
    return status_ok();
}

struct status db_later(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args)
{
    return send(tx, stmt, args, NULL, NULL);
}

void *db_gather(struct db_tx *tx, size_t size,
                struct status (*sender)(struct db_tx *tx, void *gathered))
{
    if (tx->gathered == NULL)
        tx->gathered = arena_alloc(tx->ctx->arena, size);
    assert(tx->send_gathered == NULL || tx->send_gathered == sender);
    tx->send_gathered = sender;
    return tx->gathered;
}

struct status db_later_counted(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                               int64_t *ret_count)
{
    return send(tx, stmt, args, NULL, ret_count);
}

struct status db_flush(struct db_tx *tx)
{
    TRY(send_gathered(tx));
    return db_sync(tx);
}

struct status db_batch(struct db_tx *tx, struct db_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        calls[i].rows = (struct db_rows){0};
        struct status status = send(tx, calls[i].stmt, calls[i].args, &calls[i].rows, NULL);
        if (status.code != STATUS_OK) {
            (void)db_sync(tx); // nothing may stay in flight that points at `calls`
            return status;
        }
    }
    return db_sync(tx);
}

struct status db_savepoint(struct db_tx *tx)
{
    TRY(send_gathered(tx));
    if (tx->has_savepoint)
        TRY(send(tx, &RELEASE, DB_NONE, NULL, NULL));
    TRY(send(tx, &SAVEPOINT, DB_NONE, NULL, NULL));
    tx->has_savepoint = true;
    return status_ok();
}

struct status db_rollback_to_savepoint(struct db_tx *tx)
{
    assert(tx->has_savepoint);
    (void)db_sync(tx); // an error of what is still in flight is undone with it
    if (tx->connection->is_broken)
        return tx->failure;
    tx->failure = status_ok();
    tx->gathered = NULL;
    tx->sqlstate[0] = '\0';
    tx->constraint = NULL;
    tx->is_refused_by_server = false;
    TRY(db_send(tx, &ROLLBACK_TO, DB_NONE, NULL, NULL));
    return db_sync(tx);
}

const char *db_sqlstate(const struct db_tx *tx)
{
    return tx->sqlstate;
}

const char *db_constraint(const struct db_tx *tx)
{
    return str_or_empty(tx->constraint);
}

static struct status open_tx(struct ctx *ctx, bool is_read, struct db_tx **ret_tx)
{
    struct db_pool *pool = ctx->daemon->db;
    struct db_connection *connection;

    assert(pool != NULL);
    TRY(db_pool_acquire(ctx, pool, &connection));
    struct db_tx *tx = arena_new(ctx->arena, struct db_tx);
    *tx = (struct db_tx){.ctx = ctx,
                         .pool = pool,
                         .connection = connection,
                         .deadline_us = ctx->deadline_us,
                         .is_read = is_read};
    *ret_tx = tx;
    return status_ok();
}

/* BEGIN goes out with the first statement. */
static struct status send(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                          struct db_rows *ret_rows, int64_t *ret_count)
{
    if (tx->is_read) {
        if (!stmt->read_only)
            return ctx_fail(tx->ctx, &ERROR_INTERNAL, "statement %s is not read_only", stmt->name);
        if (!tx->connection->is_broken && tx->pending_count == 0)
            tx->failure = status_ok(); // the last statement's failure was its own
    } else if (!tx->is_begun) {
        TRY(db_send(tx, &BEGIN, DB_NONE, NULL, NULL));
        tx->is_begun = true;
    }
    return db_send(tx, stmt, args, ret_rows, ret_count);
}

static struct status send_gathered(struct db_tx *tx)
{
    void *gathered = tx->gathered;

    tx->gathered = NULL;
    return gathered == NULL ? status_ok() : tx->send_gathered(tx, gathered);
}

static struct status commit(struct db_tx *tx)
{
    TRY(send_gathered(tx));
    TRY(idempotency_store(tx));
    if (!tx->is_begun)
        return tx->failure;
    TRY(crash_point(CRASH_TX_UNCOMMITTED, tx->ctx->method));
    TRY(db_send(tx, &COMMIT, DB_NONE, NULL, NULL));
    tx->is_commit_sent = true;

    struct status status = db_sync(tx);
    if (tx->is_committed)
        return status_ok();
    if (tx->connection->is_broken && !tx->is_refused_by_server)
        return ctx_fail(tx->ctx, &ERROR_COMMIT_UNKNOWN, "%s", str_or_empty(status.detail));
    if (status.code == STATUS_OK)
        return ctx_fail(tx->ctx, &ERROR_INTERNAL, "COMMIT rolled back");
    return status;
}

/* Leaves the session idle, or marked to be closed, which the server takes as a rollback. What is
 * still in flight may fail and take the first ROLLBACK with it; the second one then stands alone.
 */
static void undo(struct db_tx *tx)
{
    tx->deadline_us = clock_monotonic_us() + ROLLBACK_TIMEOUT_US;
    tx->is_cancelled = false;
    for (int i = 0; i < 2; i++) {
        bool is_idle =
            tx->pending_count == 0 && PQtransactionStatus(tx->connection->native) == PQTRANS_IDLE;
        if (tx->connection->is_broken || is_idle)
            return;
        tx->failure = status_ok();
        if (!tx->is_read)
            (void)db_send(tx, &ROLLBACK, DB_NONE, NULL, NULL); // judged by the session's state
        (void)db_sync(tx);
    }
}
