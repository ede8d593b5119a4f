/* db_pipeline.c - messages out, answers in, on a connection in libpq's pipeline mode.
 *
 * db_send() only fills libpq's buffer; db_sync() ends the pipeline with a Sync and reads every
 * answer. An error makes the server skip what follows up to the Sync, so a failure leaves the
 * connection in step. The socket is non-blocking: a long pipeline cannot deadlock, and a deadline
 * bounds each wait. At the deadline the statement is cancelled and its answer still read; a server
 * that does not answer the cancel in time costs the connection. */
#include "db_wire.h"

#include "common/clock.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

static const int64_t CANCEL_GRACE_US = 1000000;

/* The first row whose prefix fits the SQLSTATE decides; errcodes.txt of Postgres 15. */
static const struct {
    const char *prefix;
    const struct error_def *error;
} SQLSTATES[] = {
    {"40001", &ERROR_CONFLICT},       /* serialization failure */
    {"40P01", &ERROR_CONFLICT},       /* deadlock */
    {"55P03", &ERROR_CONFLICT},       /* lock_timeout */
    {"23505", &ERROR_ALREADY_EXISTS}, /* unique */
    {"23P01", &ERROR_ALREADY_EXISTS}, /* exclusion */
    {"57014", &ERROR_DEADLINE},       /* cancelled, statement_timeout */
    {"57P", &ERROR_UNAVAILABLE},      /* shutting down, starting up */
    {"08", &ERROR_UNAVAILABLE},       /* connection */
    {"53", &ERROR_UNAVAILABLE},       /* out of connections, memory, disk */
    {"25P03", &ERROR_UNAVAILABLE},    /* idle in transaction for too long */
    {"25006", &ERROR_UNAVAILABLE},    /* a standby */
    {"", &ERROR_INTERNAL},
};

static void push_pending(struct db_tx *tx, struct db_pending pending);
static struct status prepare(struct db_tx *tx, const struct db_stmt *stmt);
static void collect(struct db_tx *tx, const struct db_pending *pending);
static void absorb(struct db_tx *tx, const struct db_pending *pending, PGresult *result);
static void end_of_pipeline(struct db_tx *tx);
static PGresult *next_result(struct db_tx *tx);
static bool wait_for_server(struct db_tx *tx);
static void cancel(struct db_tx *tx);
static void refuse(struct db_tx *tx, const struct db_stmt *stmt, const PGresult *result);
static const struct error_def *error_of(const char *sqlstate);
static bool is_stale_plan(const char *sqlstate);
static void set_prepared(struct db_tx *tx, const struct db_stmt *stmt, enum db_prepared state);

struct status db_send(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                      struct db_rows *ret_rows, int64_t *ret_count)
{
    struct db_encoded encoded;

    if (tx->failure.code != STATUS_OK)
        return tx->failure;
    if (clock_monotonic_us() >= tx->deadline_us) {
        tx->failure = ctx_fail(tx->ctx, &ERROR_DEADLINE, "%s: not sent", stmt->name);
        return tx->failure;
    }
    TRY(prepare(tx, stmt));
    db_encode(tx->ctx->arena, stmt, args, &encoded);
    if (!PQsendQueryPrepared(tx->connection->native, stmt->name, encoded.count, encoded.values,
                             encoded.lengths, encoded.formats, 1))
        return db_lost(tx, stmt->name);
    push_pending(tx, (struct db_pending){PENDING_STATEMENT, stmt, ret_rows, ret_count});
    return status_ok();
}

struct status db_send_check(struct db_tx *tx, const struct db_stmt *stmt)
{
    TRY(prepare(tx, stmt));
    if (!PQsendDescribePrepared(tx->connection->native, stmt->name))
        return db_lost(tx, stmt->name);
    push_pending(tx, (struct db_pending){.kind = PENDING_DESCRIBE, .stmt = stmt});
    return status_ok();
}

struct status db_sync(struct db_tx *tx)
{
    if (tx->pending_count == 0)
        return tx->failure;
    if (!PQpipelineSync(tx->connection->native))
        (void)db_lost(tx, "sync"); // kept in tx->failure
    for (size_t i = 0; i < tx->pending_count; i++)
        collect(tx, &tx->pending[i]);
    end_of_pipeline(tx);
    tx->pending_count = 0;
    return tx->failure;
}

struct status db_lost(struct db_tx *tx, const char *what)
{
    tx->connection->is_broken = true;
    if (tx->failure.code == STATUS_OK)
        tx->failure = ctx_fail(tx->ctx, &ERROR_UNAVAILABLE, "%s: %s", what,
                               PQerrorMessage(tx->connection->native));
    return tx->failure;
}

/* Parsed by a connection's first use of it; the answer is read with the statement's own. */
static struct status prepare(struct db_tx *tx, const struct db_stmt *stmt)
{
    size_t index = db_pool_find(tx->pool, stmt);

    if (index == tx->pool->statement_count) {
        tx->failure = ctx_fail(tx->ctx, &ERROR_INTERNAL, "statement %s is not listed", stmt->name);
        return tx->failure;
    }
    if (tx->connection->prepared[index] != PREPARED_NO)
        return status_ok();
    if (!PQsendPrepare(tx->connection->native, stmt->name, stmt->sql, (int)strlen(stmt->in),
                       db_parameter_types(tx->ctx->arena, stmt)))
        return db_lost(tx, stmt->name);
    push_pending(tx, (struct db_pending){.kind = PENDING_PREPARE, .stmt = stmt});
    set_prepared(tx, stmt, PREPARED_SENT);
    return status_ok();
}

static void push_pending(struct db_tx *tx, struct db_pending pending)
{
    if (tx->pending_count == tx->pending_capacity) {
        size_t capacity = tx->pending_capacity == 0 ? 16 : 2 * tx->pending_capacity;
        struct db_pending *grown = arena_array(tx->ctx->arena, struct db_pending, capacity);
        for (size_t i = 0; i < tx->pending_count; i++)
            grown[i] = tx->pending[i];
        tx->pending = grown;
        tx->pending_capacity = capacity;
    }
    tx->pending[tx->pending_count++] = pending;
}

/* The answers to one message end with a NULL. */
static void collect(struct db_tx *tx, const struct db_pending *pending)
{
    PGresult *result;

    if (pending->kind == PENDING_PREPARE)
        set_prepared(tx, pending->stmt, PREPARED_NO); // until the answer says otherwise
    if (tx->connection->is_broken)
        return;
    while ((result = next_result(tx)) != NULL) {
        absorb(tx, pending, result);
        PQclear(result);
    }
}

static void absorb(struct db_tx *tx, const struct db_pending *pending, PGresult *result)
{
    ExecStatusType outcome = PQresultStatus(result);

    if (outcome == PGRES_PIPELINE_ABORTED)
        return;
    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK) {
        refuse(tx, pending->stmt, result);
        return;
    }
    if (pending->kind == PENDING_PREPARE) {
        set_prepared(tx, pending->stmt, PREPARED_YES);
        return;
    }
    if (pending->kind == PENDING_DESCRIBE) {
        const char *difference = db_check(tx->ctx->arena, pending->stmt, result);
        if (difference != NULL && tx->failure.code == STATUS_OK)
            tx->failure = ctx_fail(tx->ctx, &ERROR_STATEMENT_REFUSED, "statement %s: %s",
                                   pending->stmt->name, difference);
        return;
    }
    if (strcmp(PQcmdStatus(result), "COMMIT") == 0)
        tx->is_committed = true;
    if (pending->ret_rows != NULL)
        db_copy_rows(tx->ctx->arena, pending->stmt, result, pending->ret_rows);
    if (pending->ret_count != NULL && !str_to_int64(PQcmdTuples(result), pending->ret_count))
        *pending->ret_count = 0; // a statement that counts nothing
}

static void end_of_pipeline(struct db_tx *tx)
{
    if (tx->connection->is_broken)
        return;
    PGresult *result = next_result(tx);
    bool is_in_step = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;

    PQclear(result);
    if (!is_in_step)
        (void)db_lost(tx, "sync"); // kept in tx->failure
}

static PGresult *next_result(struct db_tx *tx)
{
    PGconn *native = tx->connection->native;

    while (PQisBusy(native)) {
        if (!wait_for_server(tx))
            return NULL;
        if (!PQconsumeInput(native))
            break; // what was received before the break is still parsed
    }
    PGresult *result = PQgetResult(native);
    if (PQstatus(native) == CONNECTION_BAD && result == NULL)
        (void)db_lost(tx, "connection"); // kept in tx->failure
    return result;
}

static bool wait_for_server(struct db_tx *tx)
{
    for (;;) {
        int unsent = PQflush(tx->connection->native);
        struct pollfd fd = {.fd = PQsocket(tx->connection->native),
                            .events = (short)(unsent == 1 ? POLLIN | POLLOUT : POLLIN)};
        int64_t left_us = tx->deadline_us - clock_monotonic_us();
        int ready = left_us <= 0 ? 0 : poll(&fd, 1, (int)(left_us / 1000 + 1));

        if (unsent < 0 || ready > 0) {
            if (ready > 0 && (fd.revents & ~POLLOUT) == 0)
                continue;
            return true; // PQconsumeInput reports a broken socket
        }
        if (ready < 0 && errno == EINTR)
            continue;
        if (tx->is_cancelled) {
            tx->connection->is_broken = true;
            if (tx->failure.code == STATUS_OK)
                tx->failure = ctx_fail(tx->ctx, &ERROR_DEADLINE, "the database does not answer");
            return false;
        }
        cancel(tx);
    }
}

static void cancel(struct db_tx *tx)
{
    char message[256];
    PGcancel *handle = PQgetCancel(tx->connection->native);

    if (handle != NULL)
        (void)PQcancel(handle, message, sizeof message); // without effect the grace ends the wait
    PQfreeCancel(handle);
    tx->is_cancelled = true;
    tx->deadline_us = clock_monotonic_us() + CANCEL_GRACE_US;
}

static void refuse(struct db_tx *tx, const struct db_stmt *stmt, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (PQstatus(tx->connection->native) == CONNECTION_BAD || is_stale_plan(sqlstate))
        tx->connection->is_broken = true;
    if (tx->failure.code != STATUS_OK)
        return;
    if (sqlstate == NULL) {
        (void)db_lost(tx, stmt->name); // kept in tx->failure
        return;
    }
    memcpy(tx->sqlstate, sqlstate, sizeof tx->sqlstate - 1);
    tx->constraint = arena_strdup(
        tx->ctx->arena, str_or_empty(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME)));
    tx->is_refused_by_server = strcmp(stmt->sql, "COMMIT") != 0;
    tx->failure = ctx_fail(tx->ctx, error_of(sqlstate), "statement %s: SQLSTATE %s: %s", stmt->name,
                           sqlstate, str_or_empty(message));
}

static const struct error_def *error_of(const char *sqlstate)
{
    size_t i = 0;

    while (!str_starts_with(sqlstate, SQLSTATES[i].prefix))
        i++;
    return SQLSTATES[i].error;
}

/* A migration changed a table under a prepared statement, or somebody deallocated it: a new session
 * prepares anew. */
static bool is_stale_plan(const char *sqlstate)
{
    return str_equal(sqlstate, "0A000") || str_equal(sqlstate, "26000");
}

static void set_prepared(struct db_tx *tx, const struct db_stmt *stmt, enum db_prepared state)
{
    tx->connection->prepared[db_pool_find(tx->pool, stmt)] = (uint8_t)state;
}
