/* daemon.h - the running daemon: what service.c assembles and the others use. Private. */
#pragma once

#include "chassis/service.h"

#include <stdatomic.h>

struct call_keys;
struct db_pool;
struct http_pool;
struct http_server;
struct metric_list;
struct rpc_client;
struct rpc_server;
struct task_runner;
struct sweep_runner;
struct trace_exporter;

/* Settings of every daemon; <SERVICE> is its name in upper case. */
struct settings {
    const char *listen;       /* <SERVICE>_LISTEN, "127.0.0.1:7101"; port 0 picks one */
    int64_t threads;          /* <SERVICE>_THREADS: HTTP workers, one per open connection, 128 */
    int64_t drain_timeout_ms; /* <SERVICE>_DRAIN_TIMEOUT, 8s */
    int64_t call_timeout_ms;  /* <SERVICE>_CALL_TIMEOUT: deadline of a call that brings none, 10s */
    int64_t inflight_max;     /* <SERVICE>_INFLIGHT_MAX: above it 503, 112 */
    int64_t body_max;         /* <SERVICE>_BODY_MAX, 1MiB */
    int64_t body_timeout_ms;  /* <SERVICE>_BODY_TIMEOUT, 10s */
    int64_t upload_timeout_ms;    /* <SERVICE>_UPLOAD_TIMEOUT: of a streamed body, 10m */
    const char *database_url;     /* <SERVICE>_DATABASE_URL: the app role */
    const char *migrate_url;      /* <SERVICE>_MIGRATE_URL: the owner role; empty: do not migrate */
    int64_t database_pool;        /* <SERVICE>_DATABASE_POOL: connections, 16 */
    int64_t statement_timeout_ms; /* <SERVICE>_STATEMENT_TIMEOUT, 5s */
    int64_t lock_timeout_ms;      /* <SERVICE>_LOCK_TIMEOUT, 2s */
    const char *call_keys;     /* TORG_CALL_KEYS: caller:key_id:hex[,...]; a caller's first signs */
    const char *kafka_brokers; /* KAFKA_BROKERS */
    const char *log_level;     /* LOG_LEVEL */
    const char *otlp_url;      /* OTLP_URL; empty: traces are not exported */
    int64_t rpc_pool;          /* <SERVICE>_RPC_POOL: connections per destination, 32 */
    int64_t task_interval_ms;  /* <SERVICE>_TASK_INTERVAL: poll of due tasks, 1s */
    int64_t task_workers;      /* <SERVICE>_TASK_WORKERS: tasks run at once, 4 */
    int64_t partition_days;    /* <SERVICE>_PARTITION_DAYS: made ahead, 7 */
};

struct daemon {
    const struct service *service;
    struct arena *arena; /* as long-lived as the daemon; start-up only, not thread-safe */
    void *state;
    void **component_states; /* parallel to service->components */
    size_t started_count;    /* of components */
    bool is_service_started;
    struct settings settings;
    struct db_pool *db; /* NULL without a database */
    struct call_keys *keys;
    struct metric_list *metrics;
    struct trace_exporter *traces; /* NULL without OTLP_URL */
    struct http_server *http;
    struct http_pool *fetch; /* http_client.c */
    struct rpc_server *rpc_served;
    struct rpc_client *rpc;
    _Atomic(struct task_runner *) tasks; /* components commit before it starts */
    struct sweep_runner *sweeps;
    atomic_bool is_ready;
    atomic_bool is_draining;
    _Atomic int64_t drain_deadline_us; /* of clock_monotonic_us(), once is_draining */
};

/* metrics.c: adds one to /metrics; a name that starts with _ gets the service in front. Start-up
 * only; adding twice is adding once. The files of the chassis register theirs when they start. */
void metrics_register(struct daemon *daemon, struct metric *metric);

/* db_pool.c: opens lazily up to settings.database_pool; every connection sets search_path to the
 * schema, time-outs, and prepares and checks all statements (service, components, chassis). */
struct status db_pool_open(struct ctx *boot, struct daemon *daemon);
void db_pool_close(struct daemon *daemon);
struct status db_pool_ready(struct ctx *ctx, struct daemon *daemon);

/* db_migrate.c: chassis, then components, then the service; and partitions for the days ahead. */
struct status db_migrate(struct ctx *boot, struct daemon *daemon);

/* task_runner.c, sweep.c: own threads. drain returns when what runs has finished, or at the
 * deadline. */
struct status task_runner_start(struct ctx *boot, struct daemon *daemon);
void task_runner_drain(struct daemon *daemon);
void task_runner_stop(struct daemon *daemon);
struct status sweep_runner_start(struct ctx *boot, struct daemon *daemon);
void sweep_runner_stop(struct daemon *daemon);

/* The idempotency of one RPC: set by rpc_server.c before the handler, used by db_begin (look up)
 * and db_commit (store the packed reply, in the same transaction). */
struct idempotency {
    const char *key;         /* 1..255 visible ASCII */
    const char *scope;       /* caller and method */
    uint8_t fingerprint[32]; /* SHA-256 of the request bytes */
    const struct message_schema *reply_schema;
    const ProtobufCMessage *reply; /* what the handler fills */
    struct db_bytes replayed;      /* packed reply of the earlier call, after STATUS_REPLAYED */
    bool is_stored;                /* by the first commit; later transactions have no key */
};
