/* db_pool.c - the daemon's connections: bounded, opened when needed, replaced when broken.
 *
 * The first session of a process checks every statement against the schema; until that succeeds the
 * daemon is not ready and no transaction begins. Later sessions prepare what they use. */
#include "db_wire.h"

#include "chassis/log.h"
#include "chassis/metrics.h"
#include "common/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

const struct error_def ERROR_STATEMENT_REFUSED = {
    STATUS_INTERNAL, "STATEMENT_REFUSED",
    "A statement does not fit the database schema: apply the migrations of this version"};

static const char *const STATES[] = {"busy", "idle", NULL};
enum { STATE_BUSY, STATE_IDLE };

static struct metric CONNECTIONS = {
    .name = "_database_connections",
    .type = METRIC_GAUGE,
    .doc = "Sessions with Postgres",
    .label_name = "state",
    .label_values = STATES,
};

static struct metric WAIT = {
    .name = "_database_wait_seconds",
    .type = METRIC_HISTOGRAM,
    .doc = "How long a unit of work waited for a connection",
};

static const int64_t CONNECT_TIMEOUT_US = 5000000;

static void add_statements(struct db_pool *pool, const struct db_stmt *const *statements);
static size_t count_table(const struct db_stmt *const *statements);
static size_t count_statements(const struct service *service);
static int by_address(const void *a, const void *b);
static struct status refuse_duplicates(struct ctx *boot, const struct db_pool *pool);
static struct status take(struct ctx *ctx, struct db_pool *pool,
                          struct db_connection **ret_connection);
static void show_connections(const struct db_pool *pool);
static bool is_alive(const struct db_connection *connection);
static struct status open_session(struct ctx *ctx, struct db_pool *pool,
                                  struct db_connection *connection);
static void close_session(struct db_connection *connection);
static struct status check_statements(struct ctx *ctx, struct db_pool *pool,
                                      struct db_connection *connection);
static struct status finish_connecting(struct ctx *ctx, PGconn *native, int64_t deadline_us);

struct status db_pool_open(struct ctx *boot, struct daemon *daemon)
{
    const struct service *service = daemon->service;
    const struct settings *settings = &daemon->settings;

    if (service->statements == NULL)
        return status_ok();
    struct db_pool *pool = calloc(1, sizeof *pool);
    pthread_condattr_t monotonic;

    pool->daemon = daemon;
    pool->statements = calloc(count_statements(service), sizeof *pool->statements);
    for (size_t i = 0; service->statements[i] != NULL; i++)
        add_statements(pool, service->statements[i]);
    for (size_t i = 0; service->components != NULL && service->components[i] != NULL; i++)
        add_statements(pool, service->components[i]->statements);
    add_statements(pool, TX_STATEMENTS);
    add_statements(pool, IDEMPOTENCY_STATEMENTS);
    add_statements(pool, TASK_STATEMENTS);
    add_statements(pool, AUDIT_STATEMENTS);
    add_statements(pool, PARTITION_STATEMENTS);
    qsort(pool->statements, pool->statement_count, sizeof *pool->statements, by_address);

    pool->options = strdup(arena_printf(
        boot->arena,
        "-c search_path=%s,public -c statement_timeout=%" PRId64 " -c lock_timeout=%" PRId64
        " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        service_schema(service), settings->statement_timeout_ms, settings->lock_timeout_ms));
    pool->size = (size_t)settings->database_pool;
    pool->connections = calloc(pool->size, sizeof *pool->connections);
    pool->idle = calloc(pool->size, sizeof(struct db_connection *));
    pool->closed = calloc(pool->size, sizeof(struct db_connection *));
    for (size_t i = 0; i < pool->size; i++) {
        pool->connections[i].prepared = calloc(pool->statement_count, 1);
        pool->closed[pool->closed_count++] = &pool->connections[i];
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->released, &monotonic);
    pthread_condattr_destroy(&monotonic);
    metrics_register(daemon, &CONNECTIONS);
    metrics_register(daemon, &WAIT);
    daemon->db = pool;
    return refuse_duplicates(boot, pool);
}

void db_pool_close(struct daemon *daemon)
{
    struct db_pool *pool = daemon->db;

    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->size; i++) {
        close_session(&pool->connections[i]);
        free(pool->connections[i].prepared);
    }
    pthread_cond_destroy(&pool->released);
    pthread_mutex_destroy(&pool->lock);
    free(pool->connections);
    free(pool->idle);
    free(pool->closed);
    free(pool->statements);
    free(pool->options);
    free(pool);
    daemon->db = NULL;
}

/* A pool whose connections are all at work is ready; an idle one is asked. */
struct status db_pool_ready(struct ctx *ctx, struct daemon *daemon)
{
    struct db_pool *pool = daemon->db;

    pthread_mutex_lock(&pool->lock);
    bool is_busy = pool->is_verified && pool->idle_count == 0 && pool->closed_count == 0;
    pthread_mutex_unlock(&pool->lock);
    if (is_busy)
        return status_ok();

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    struct db_rows rows;
    return db_one(tx, TX_STATEMENTS[0], DB_NONE, &rows);
}

struct status db_pool_acquire(struct ctx *ctx, struct db_pool *pool,
                              struct db_connection **ret_connection)
{
    struct db_connection *connection;

    TRY(take(ctx, pool, &connection));
    if (connection->native != NULL && !is_alive(connection))
        close_session(connection);
    if (connection->native == NULL) {
        struct status status = open_session(ctx, pool, connection);
        if (status.code != STATUS_OK) {
            connection->is_broken = true;
            db_pool_release(pool, connection);
            return status;
        }
    }
    *ret_connection = connection;
    return status_ok();
}

void db_pool_release(struct db_pool *pool, struct db_connection *connection)
{
    bool is_reusable = !connection->is_broken && connection->native != NULL &&
                       PQtransactionStatus(connection->native) == PQTRANS_IDLE;

    if (!is_reusable)
        close_session(connection);
    pthread_mutex_lock(&pool->lock);
    if (is_reusable)
        pool->idle[pool->idle_count++] = connection;
    else
        pool->closed[pool->closed_count++] = connection;
    show_connections(pool);
    pthread_cond_signal(&pool->released);
    pthread_mutex_unlock(&pool->lock);
}

size_t db_pool_find(const struct db_pool *pool, const struct db_stmt *stmt)
{
    const struct db_stmt **found = bsearch(&stmt, pool->statements, pool->statement_count,
                                           sizeof *pool->statements, by_address);

    return found == NULL ? pool->statement_count : (size_t)(found - pool->statements);
}

struct status db_connect(struct ctx *ctx, const char *url, const char *options, PGconn **ret_native)
{
    const char *names[] = {"dbname",          "options",          "application_name",
                           "client_encoding", "tcp_user_timeout", NULL};
    const char *values[] = {url, options, ctx->daemon->service->name, "UTF8", "10000", NULL};
    int64_t deadline_us = clock_monotonic_us() + CONNECT_TIMEOUT_US;
    PGconn *native = PQconnectStartParams(names, values, true);

    if (ctx->deadline_us < deadline_us)
        deadline_us = ctx->deadline_us;
    struct status status = finish_connecting(ctx, native, deadline_us);
    if (status.code != STATUS_OK) {
        PQfinish(native);
        return status;
    }
    *ret_native = native;
    return status_ok();
}

static void add_statements(struct db_pool *pool, const struct db_stmt *const *statements)
{
    for (size_t i = 0; statements != NULL && statements[i] != NULL; i++)
        pool->statements[pool->statement_count++] = statements[i];
}

static size_t count_table(const struct db_stmt *const *statements)
{
    size_t count = 0;
    while (statements != NULL && statements[count] != NULL)
        count++;
    return count;
}

static size_t count_statements(const struct service *service)
{
    const struct db_stmt *const *own[] = {TX_STATEMENTS, IDEMPOTENCY_STATEMENTS, TASK_STATEMENTS,
                                          AUDIT_STATEMENTS, PARTITION_STATEMENTS};
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        count += count_table(own[i]);
    for (size_t i = 0; service->statements[i] != NULL; i++)
        count += count_table(service->statements[i]);
    for (size_t i = 0; service->components != NULL && service->components[i] != NULL; i++)
        count += count_table(service->components[i]->statements);
    return count;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const struct db_stmt *const *)a;
    uintptr_t right = (uintptr_t) * (const struct db_stmt *const *)b;

    return (left > right) - (left < right);
}

static struct status refuse_duplicates(struct ctx *boot, const struct db_pool *pool)
{
    for (size_t i = 0; i < pool->statement_count; i++)
        for (size_t k = i + 1; k < pool->statement_count; k++)
            if (str_equal(pool->statements[i]->name, pool->statements[k]->name))
                return ctx_fail(boot, &ERROR_STATEMENT_REFUSED, "two statements are named %s",
                                pool->statements[i]->name);
    return status_ok();
}

static struct status take(struct ctx *ctx, struct db_pool *pool,
                          struct db_connection **ret_connection)
{
    struct timespec until = {.tv_sec = ctx->deadline_us / 1000000,
                             .tv_nsec = ctx->deadline_us % 1000000 * 1000};
    int64_t begun_us = clock_monotonic_us();
    int timed_out = 0;

    pthread_mutex_lock(&pool->lock);
    while (pool->idle_count == 0 && pool->closed_count == 0 && timed_out == 0)
        timed_out = pthread_cond_timedwait(&pool->released, &pool->lock, &until);
    if (pool->idle_count > 0)
        *ret_connection = pool->idle[--pool->idle_count];
    else if (pool->closed_count > 0)
        *ret_connection = pool->closed[--pool->closed_count];
    else
        *ret_connection = NULL;
    show_connections(pool);
    pthread_mutex_unlock(&pool->lock);
    metric_observe_us(&WAIT, 0, clock_monotonic_us() - begun_us);
    if (*ret_connection == NULL)
        return ctx_fail(ctx, &ERROR_OVERLOADED, "all %zu database connections are in use",
                        pool->size);
    return status_ok();
}

static void show_connections(const struct db_pool *pool)
{
    metric_set(&CONNECTIONS, STATE_IDLE, (int64_t)pool->idle_count);
    metric_set(&CONNECTIONS, STATE_BUSY,
               (int64_t)(pool->size - pool->idle_count - pool->closed_count));
}

/* An idle session that has something to say was ended by the server. */
static bool is_alive(const struct db_connection *connection)
{
    struct pollfd fd = {.fd = PQsocket(connection->native), .events = POLLIN};

    return poll(&fd, 1, 0) == 0;
}

static struct status open_session(struct ctx *ctx, struct db_pool *pool,
                                  struct db_connection *connection)
{
    TRY(db_connect(ctx, pool->daemon->settings.database_url, pool->options, &connection->native));
    connection->is_broken = false;
    memset(connection->prepared, PREPARED_NO, pool->statement_count);
    if (!PQenterPipelineMode(connection->native) || PQsetnonblocking(connection->native, 1) != 0)
        return ctx_fail(ctx, &ERROR_INTERNAL, "pipeline mode: %s",
                        PQerrorMessage(connection->native));
    if (__atomic_load_n(&pool->is_verified, __ATOMIC_ACQUIRE))
        return status_ok();
    TRY(check_statements(ctx, pool, connection));
    __atomic_store_n(&pool->is_verified, true, __ATOMIC_RELEASE);
    return status_ok();
}

static void close_session(struct db_connection *connection)
{
    PQfinish(connection->native);
    connection->native = NULL;
}

/* All of them are tried, so that one start shows every mismatch; the first is the answer. */
static struct status check_statements(struct ctx *ctx, struct db_pool *pool,
                                      struct db_connection *connection)
{
    struct status first = status_ok();

    for (size_t i = 0; i < pool->statement_count && !connection->is_broken; i++) {
        struct db_tx tx = {
            .ctx = ctx, .pool = pool, .connection = connection, .deadline_us = ctx->deadline_us};
        struct status status = db_send_check(&tx, pool->statements[i]);
        if (status.code == STATUS_OK)
            status = db_sync(&tx);
        if (status.code == STATUS_OK)
            continue;
        if (tx.sqlstate[0] != '\0')
            status.reason = ERROR_STATEMENT_REFUSED.reason;
        log_error(ctx, "statement_refused", LOG_STR("statement", pool->statements[i]->name),
                  LOG_STR("detail", status.detail));
        if (first.code == STATUS_OK)
            first = status;
    }
    return first;
}

static struct status finish_connecting(struct ctx *ctx, PGconn *native, int64_t deadline_us)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING; // as PQconnectPoll asks for at first

    while (PQstatus(native) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        struct pollfd fd = {.fd = PQsocket(native),
                            .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int64_t left_us = deadline_us - clock_monotonic_us();
        int ready = left_us <= 0 ? 0 : poll(&fd, 1, (int)(left_us / 1000 + 1));
        if (ready == 0)
            return ctx_fail(ctx, &ERROR_UNAVAILABLE, "the database does not answer");
        if (ready > 0)
            state = PQconnectPoll(native);
    }
    if (state == PGRES_POLLING_OK)
        return status_ok();
    return ctx_fail(ctx, &ERROR_UNAVAILABLE, "database: %s", PQerrorMessage(native));
}
