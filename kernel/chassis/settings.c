/* settings.c - the configuration every daemon has: the tables of struct settings. */
#include "config.h"

#include <string.h>

#define FIELD(member) offsetof(struct settings, member)

static const struct config_field COMMON[] = {
    {"_LISTEN", CONFIG_STRING, FIELD(listen), "127.0.0.1:7100", 0, 0, false,
     "address and port of RPC, health and metrics; port 0 picks one"},
    {"_THREADS", CONFIG_INT, FIELD(threads), "128", 4, 1024, false,
     "HTTP workers, one per open connection"},
    {"_INFLIGHT_MAX", CONFIG_INT, FIELD(inflight_max), "112", 1, 1024, false,
     "requests handled at once; one more is answered 503"},
    {"_DRAIN_TIMEOUT", CONFIG_DURATION_MS, FIELD(drain_timeout_ms), "8s", 0, 60000, false,
     "how long requests in flight may take after SIGTERM"},
    {"_CALL_TIMEOUT", CONFIG_DURATION_MS, FIELD(call_timeout_ms), "10s", 10, 300000, false,
     "deadline of a call that brings none, and the longest a call may bring"},
    {"_BODY_MAX", CONFIG_BYTES, FIELD(body_max), "1MiB", 1024, 1073741824, false,
     "largest request body"},
    {"_BODY_TIMEOUT", CONFIG_DURATION_MS, FIELD(body_timeout_ms), "10s", 50, 300000, false,
     "longest a request's head or body may take to arrive, or its answer to leave; of a streamed "
     "body each piece"},
    {"_UPLOAD_TIMEOUT", CONFIG_DURATION_MS, FIELD(upload_timeout_ms), "10m", 50, 86400000, false,
     "longest a streamed request body may take to arrive"},
    {"LOG_LEVEL", CONFIG_STRING, FIELD(log_level), "info", 4, 5, false,
     "debug, info, warn or error"},
    {"OTLP_URL", CONFIG_STRING, FIELD(otlp_url), "", 0, 0, false,
     "OTLP/HTTP endpoint for traces, such as http://127.0.0.1:4318; empty: not exported"},
    {"KAFKA_BROKERS", CONFIG_STRING, FIELD(kafka_brokers), "127.0.0.1:9092", 0, 0, false,
     "bootstrap servers, comma-separated"},
};

static const struct config_field SIGNED[] = {
    {"TORG_CALL_KEYS", CONFIG_STRING, FIELD(call_keys), NULL, 0, 0, true,
     "caller:key_id:hex[,...]; verifies calls, and the first key of a daemon signs its own"},
    {.name = NULL},
};

static const struct config_field CALLS[] = {
    {"_RPC_POOL", CONFIG_INT, FIELD(rpc_pool), "32", 1, 512, false,
     "connections to each address it calls"},
};

static const struct config_field DATABASE[] = {
    {"_DATABASE_URL", CONFIG_STRING, FIELD(database_url), NULL, 0, 0, true,
     "Postgres, as the role that runs (<service>_app)"},
    {"_MIGRATE_URL", CONFIG_STRING, FIELD(migrate_url), "", 0, 0, true,
     "Postgres, as the role that migrates (<service>_owner); empty: no migration at start"},
    {"_DATABASE_POOL", CONFIG_INT, FIELD(database_pool), "16", 1, 512, false,
     "connections to Postgres"},
    {"_STATEMENT_TIMEOUT", CONFIG_DURATION_MS, FIELD(statement_timeout_ms), "5s", 10, 600000, false,
     "longest a statement may run"},
    {"_LOCK_TIMEOUT", CONFIG_DURATION_MS, FIELD(lock_timeout_ms), "2s", 10, 600000, false,
     "longest a statement may wait for a lock"},
    {"_TASK_INTERVAL", CONFIG_DURATION_MS, FIELD(task_interval_ms), "1s", 10, 60000, false,
     "how often due tasks are looked for"},
    {"_TASK_WORKERS", CONFIG_INT, FIELD(task_workers), "4", 1, 64, false, "tasks run at once"},
    {"_PARTITION_DAYS", CONFIG_INT, FIELD(partition_days), "7", 1, 60, false,
     "days ahead for which partitions exist"},
};

static const struct config_field MIGRATE[] = {
    {"_MIGRATE_URL", CONFIG_STRING, FIELD(migrate_url), NULL, 0, 0, true,
     "Postgres, as the role that migrates (<service>_owner)"},
    {"_PARTITION_DAYS", CONFIG_INT, FIELD(partition_days), "7", 1, 60, false,
     "days ahead for which partitions exist"},
    {"_STATEMENT_TIMEOUT", CONFIG_DURATION_MS, FIELD(statement_timeout_ms), "5s", 10, 600000, false,
     "longest a statement may run"},
    {"_LOCK_TIMEOUT", CONFIG_DURATION_MS, FIELD(lock_timeout_ms), "2s", 10, 600000, false,
     "longest a statement may wait for a lock"},
    {.name = NULL},
};

const struct config_field *settings_fields(struct arena *arena, const struct service *service)
{
    const struct {
        const struct config_field *fields;
        size_t count;
        bool is_needed;
    } parts[] = {
        {COMMON, ARRAY_LEN(COMMON), true},
        {SIGNED, ARRAY_LEN(SIGNED) - 1,
         (service->rpc && !service->takes_unsigned_calls) || service->calls},
        {CALLS, ARRAY_LEN(CALLS), service->calls},
        {DATABASE, ARRAY_LEN(DATABASE), service->statements || service->migrations},
    };
    struct config_field *fields = arena_array(arena, struct config_field,
                                              ARRAY_LEN(COMMON) + ARRAY_LEN(SIGNED) +
                                                  ARRAY_LEN(CALLS) + ARRAY_LEN(DATABASE) + 1);
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!parts[i].is_needed)
            continue;
        memcpy(&fields[count], parts[i].fields, parts[i].count * sizeof fields[0]);
        count += parts[i].count;
    }
    return fields;
}

const struct config_field *address_fields(struct arena *arena, const struct service *service)
{
    size_t count = 0;

    while (service->calls && service->calls[count])
        count++;

    struct config_field *fields = arena_array(arena, struct config_field, count + 1);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct config_field){
            .name = arena_printf(arena, "%s_URL", config_prefix(arena, service->calls[i])),
            .type = CONFIG_STRING,
            .offset = i * sizeof(const char *),
            .doc = "http://host:port[,...]: the daemon's replicas",
        };
    return fields;
}

int settings_read_keys(struct daemon *daemon)
{
    return config_read(daemon->arena, &(struct config_table){SIGNED, "", &daemon->settings});
}

const struct config_field *migrate_fields(void)
{
    return MIGRATE;
}
