/* db_wire.h - between the db_*.c files: connections in pipeline mode and what is in flight on them.
 */
#pragma once

#include "daemon.h"

#include "common/str.h"

#include <pthread.h>

struct attempt;   /* task_runner.h */
struct pg_conn;   /* libpq's PGconn */
struct pg_result; /* libpq's PGresult */

/* Postgres counts microseconds from 2000-01-01. */
static const int64_t POSTGRES_EPOCH_US = 946684800000000;
enum { JSONB_VERSION = 1 };

struct db_cell {
    const char *data; /* NULL is NULL; text is NUL-terminated */
    size_t length;
    char type; /* a letter of db_stmt.out */
};

enum db_prepared { PREPARED_NO, PREPARED_SENT, PREPARED_YES };

struct db_connection {
    struct pg_conn *native; /* NULL while closed */
    uint8_t *prepared;      /* enum db_prepared, parallel to the pool's statements */
    bool is_broken;         /* not worth returning to the pool */
};

/* Connections are handed out last in, first out, so that a quiet daemon keeps few of them busy. */
struct db_pool {
    struct daemon *daemon;
    const struct db_stmt **statements; /* of service, components and chassis, by address */
    size_t statement_count;
    char *options; /* the session's settings, sent with the start-up packet */
    pthread_mutex_t lock;
    pthread_cond_t released;
    struct db_connection *connections;
    size_t size;
    struct db_connection **idle;
    size_t idle_count;
    struct db_connection **closed;
    size_t closed_count;
    bool is_verified; /* every statement was checked against the schema */
};

enum db_pending_kind { PENDING_STATEMENT, PENDING_PREPARE, PENDING_DESCRIBE };

/* One message sent whose answer has not been read. */
struct db_pending {
    enum db_pending_kind kind;
    const struct db_stmt *stmt;
    struct db_rows *ret_rows; /* or NULL */
    int64_t *ret_count;       /* or NULL */
};

struct db_tx {
    struct ctx *ctx;
    struct db_pool *pool;
    struct db_connection *connection;
    struct db_pending *pending;
    size_t pending_count;
    size_t pending_capacity;
    int64_t deadline_us;
    bool is_read; /* no transaction: each wait is one */
    bool is_begun;
    bool is_cancelled;
    bool has_savepoint;
    bool has_tasks;           /* due tasks that no worker was free for */
    struct attempt *attempts; /* tasks that begin with the commit */
    bool *ended_task;         /* true with the commit */
    bool is_commit_sent;
    bool is_committed;
    void *gathered; /* db_gather(); NULL when there is nothing to send */
    struct status (*send_gathered)(struct db_tx *tx, void *gathered);
    bool is_refused_by_server; /* the failure came from the server, for a statement before COMMIT */
    struct status failure;     /* the first one; nothing more is sent after it */
    char sqlstate[6];
    const char *constraint;
};

/* db_pool.c */
struct status db_pool_acquire(struct ctx *ctx, struct db_pool *pool,
                              struct db_connection **ret_connection);
void db_pool_release(struct db_pool *pool, struct db_connection *connection);
/* The index of a listed statement, or the pool's statement_count. */
size_t db_pool_find(const struct db_pool *pool, const struct db_stmt *stmt);
/* A session with the daemon's settings, within the deadline. */
struct status db_connect(struct ctx *ctx, const char *url, const char *options,
                         struct pg_conn **ret_native);

/* db_tx.c: as db_later; *ret_count (may be NULL) is known after the commit. */
struct status db_later_counted(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                               int64_t *ret_count);

/* db_pipeline.c: messages out, answers in. Failures are kept in tx->failure as well as answered. */
struct status db_send(struct db_tx *tx, const struct db_stmt *stmt, struct db_args args,
                      struct db_rows *ret_rows, int64_t *ret_count);
struct status db_send_check(struct db_tx *tx, const struct db_stmt *stmt);
struct status db_sync(struct db_tx *tx);
/* Records a failure that came without an answer; the first one stays. */
struct status db_lost(struct db_tx *tx, const char *what);

/* db_stmt.c */
struct db_encoded {
    const char **values;
    int *lengths;
    int *formats;
    int count;
};
void db_encode(struct arena *arena, const struct db_stmt *stmt, struct db_args args,
               struct db_encoded *ret_encoded);
const unsigned int *db_parameter_types(struct arena *arena, const struct db_stmt *stmt);
/* NULL when the described statement is what it says, else what differs. */
const char *db_check(struct arena *arena, const struct db_stmt *stmt,
                     const struct pg_result *described);

/* db_rows.c */
void db_copy_rows(struct arena *arena, const struct db_stmt *stmt, const struct pg_result *result,
                  struct db_rows *ret_rows);

/* idempotency.c: `find` answers STATUS_REPLAYED or a refusal; `store` rides with COMMIT. */
struct status idempotency_find(struct db_tx *tx);
struct status idempotency_store(struct db_tx *tx);
struct status idempotency_sweep(struct ctx *ctx);

/* partition.c */
struct status partition_sweep(struct ctx *ctx);

/* task.c */
struct status task_sweep(struct ctx *ctx);
/* task_runner.c */
void task_transaction_ended(struct db_tx *tx, bool is_committed);

/* Each file's statements, NULL-terminated. */
extern const struct db_stmt *const TX_STATEMENTS[];
extern const struct db_stmt *const IDEMPOTENCY_STATEMENTS[];
extern const struct db_stmt *const TASK_STATEMENTS[];
extern const struct db_stmt *const AUDIT_STATEMENTS[];
extern const struct db_stmt *const PARTITION_STATEMENTS[];
