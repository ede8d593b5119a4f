/* db.h - Postgres: a bounded pool, prepared statements, transactions, pipelined batches.
 *
 * SQL exists only as `static const struct db_stmt` in store files. Parameters and results travel in
 * binary. A transaction belongs to the thread of its ctx. Nothing is sent before it must be: BEGIN
 * rides with the first statement, db_later() statements ride with the next one that waits or with
 * COMMIT, so a typical handler costs two round trips. */
#pragma once

#include "chassis/ctx.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of parameters (`in`) and columns (`out`), one letter each; upper case is an array of it:
 *   i int8   u uuid   t text   b bytea   f boolean   d timestamptz (int64 us UTC)   j jsonb (as
 * text) n numeric (as text) Checked with PQdescribePrepared when a connection opens; a mismatch
 * fails readiness. */
struct db_stmt {
    const char *name; /* unique in the daemon */
    const char *in;
    const char *out;
    const char *sql;
    bool read_only;
};

struct db_value {
    char type; /* a letter above, 0 ends a list */
    bool is_null;
    size_t count; /* of an array */
    union {
        int64_t integer;
        struct uuid uuid;
        struct {
            const void *data;
            size_t length;
        } bytes;
        const void *array; /* int64_t[], struct uuid[], const char *[], struct db_bytes[], bool[] */
    };
};

struct db_bytes {
    const void *data;
    size_t length;
};

struct db_value db_int(int64_t value);
struct db_value db_int_or_null(bool is_present, int64_t value);
struct db_value db_bool(bool value);
struct db_value db_uuid(struct uuid value);
struct db_value db_uuid_or_null(struct uuid value); /* the nil uuid is NULL */
struct db_value db_text(const char *value);         /* NULL is NULL */
struct db_value db_json(const char *value);         /* NULL is NULL */
struct db_value db_numeric(const char *value);      /* NULL is NULL */
struct db_value db_blob(const void *data, size_t length);
struct db_value db_time(int64_t time_us);
struct db_value db_time_or_null(int64_t time_us); /* 0 is NULL */
struct db_value db_null(char type);
struct db_value db_ints(const int64_t *values, size_t count);
struct db_value db_times(const int64_t *values, size_t count);
struct db_value db_bools(const bool *values, size_t count);
struct db_value db_uuids(const struct uuid *values, size_t count);
struct db_value db_texts(const char *const *values, size_t count); /* a NULL element is NULL */
struct db_value db_jsons(const char *const *values, size_t count);
struct db_value db_blobs(const struct db_bytes *values, size_t count); /* data NULL is NULL */

/* DB_ARGS(db_uuid(id), db_int(3)), DB_NONE when there are none. Compared with `in` (asserted). */
struct db_args {
    const struct db_value *values;
    size_t count;
};
#define DB_ARGS(...)                                                                               \
    ((struct db_args){(const struct db_value[]){__VA_ARGS__},                                      \
                      sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})
#define DB_NONE ((struct db_args){NULL, 0})

/* A result, copied into the ctx's arena: it outlives the transaction. */
struct db_rows {
    size_t count;
    size_t columns;
    const struct db_cell *cells; /* count * columns; read with db_get_* */
};

bool db_is_null(const struct db_rows *rows, size_t row, size_t column);
int64_t db_get_int(const struct db_rows *rows, size_t row, size_t column); /* i; 0 when NULL */
bool db_get_bool(const struct db_rows *rows, size_t row, size_t column);   /* f; false when NULL */
struct uuid db_get_uuid(const struct db_rows *rows, size_t row,
                        size_t column); /* u; nil when NULL */
const char *db_get_text(const struct db_rows *rows, size_t row,
                        size_t column); /* t j n; NULL when NULL */
struct db_bytes db_get_bytes(const struct db_rows *rows, size_t row, size_t column); /* b */
int64_t db_get_time(const struct db_rows *rows, size_t row,
                    size_t column); /* d, us UTC; 0 when NULL */
/* Arrays in the arena; *ret_count 0 when NULL or empty. */
const int64_t *db_get_ints(struct ctx *ctx, const struct db_rows *rows, size_t row, size_t column,
                           size_t *ret_count);
const struct uuid *db_get_uuids(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                size_t column, size_t *ret_count);
const char *const *db_get_texts(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                size_t column, size_t *ret_count);

/* Errors of Postgres. A store function may turn ALREADY_EXISTS into its own by db_constraint(). */
extern const struct error_def ERROR_CONFLICT;       /* ABORTED: serialization, deadlock, lock */
extern const struct error_def ERROR_ALREADY_EXISTS;         /* ALREADY_EXISTS: unique, exclusion */
extern const struct error_def ERROR_COMMIT_UNKNOWN;         /* UNAVAILABLE */
extern const struct error_def ERROR_STATEMENT_REFUSED;      /* INTERNAL: does not fit the schema */
extern const struct error_def ERROR_MIGRATION;              /* INTERNAL */
extern const struct error_def ERROR_IDEMPOTENCY_KEY_REUSED; /* INVALID_ARGUMENT */

struct db_tx;

/* Takes a connection (waits at most the ctx's deadline; UNAVAILABLE when the pool is exhausted).
 * With an idempotency key in ctx: answers STATUS_REPLAYED when the key has a stored reply (TRY
 * hands it to the RPC server), INVALID_ARGUMENT/IDEMPOTENCY_KEY_REUSED when the key came with
 * another body. */
struct status db_begin(struct ctx *ctx, struct db_tx **ret_tx);
/* A connection without a transaction, for read_only statements: each is its own snapshot. */
struct status db_begin_read(struct ctx *ctx, struct db_tx **ret_tx);
/* Commits, after storing the RPC's reply under its idempotency key: fill the reply first. *tx is
 * NULL afterwards, whatever the answer. UNAVAILABLE/COMMIT_UNKNOWN when the connection broke inside
 * COMMIT. */
struct status db_commit(struct db_tx **tx);
void db_rollback(struct db_tx **tx); /* for _cleanup_; accepts NULL inside */
struct ctx *db_ctx(const struct db_tx *tx);

/* Waits for the rows. db_one: NOT_FOUND when there is none, INTERNAL when more than one. */
struct status db_one(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                     struct db_rows *ret_rows);
struct status db_many(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                      struct db_rows *ret_rows);
/* Waits; ret_count (may be NULL) is the number of rows changed. */
struct status db_exec(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                      int64_t *ret_count);
/* Does not wait; an error surfaces at the next statement that waits, or at commit. Arguments are
 * encoded at once. */
struct status db_later(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args);

/* What a transaction gathers while it runs and sends once: zeroed storage of that size, the same at
 * every call. db_commit(), db_flush() and db_savepoint() call `sender` when there was a call since
 * the last time; it sends with db_later(). One sender a transaction. */
void *db_gather(struct db_tx *tx, size_t size,
                struct status (*sender)(struct db_tx *tx, void *gathered));

/* Waits for what db_later() sent. */
struct status db_flush(struct db_tx *tx);

/* Several statements, one round trip; each call's rows are filled. The first error is the answer.
 */
struct db_call {
    const struct db_stmt *stmt;
    struct db_args args;
    struct db_rows rows;
};
struct status db_batch(struct db_tx *tx, struct db_call *calls, size_t count);

/* Savepoints, for consumers: one bad record must not undo its batch. One level: a new one replaces
 * the last. Taking one does not wait, so flush first what belongs to the record before. Going back
 * drops what was sent since, waited for or not, and clears the failure. */
struct status db_savepoint(struct db_tx *tx);
struct status db_rollback_to_savepoint(struct db_tx *tx);

/* SQLSTATE class of the last failure of this tx: "23505" and the constraint's name, else "". Lets a
 * store function turn its own unique constraint into its own error. */
const char *db_sqlstate(const struct db_tx *tx);
const char *db_constraint(const struct db_tx *tx);

/* Forward-only migrations, compiled in by add_daemon() from migrations/NNNN_what.sql. The chassis
 * and wired modules add theirs. `{schema}` stands for the daemon's schema, `{app}` for the role it
 * runs as, to which each migration grants what it needs (nothing else does). Each runs once, in a
 * transaction, under an advisory lock, as the owner role (<SERVICE>_MIGRATE_URL). */
struct db_migration {
    const char *name; /* file name without .sql */
    const char *sql;
};

/* Every change made on someone's behalf: who (from ctx), what, on which entity; same transaction.
 */
struct status db_audit(struct db_tx *tx, const char *action, struct uuid entity_id,
                       const char *detail);
