/* world.c - databases, topics and processes of one test. */
#include "world.h"

#include "common/clock.h"
#include "common/v1/money.pb-c.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* One sale: {key, sequence} is what the relay must keep in order. */
static const char *const SELL_SQL =
    "CREATE TABLE shop.aggregate (key uuid PRIMARY KEY, version bigint NOT NULL);"
    "CREATE TABLE shop.noise (n int);"
    "CREATE FUNCTION shop.header(name text, value text) RETURNS bytea LANGUAGE sql AS $$"
    " SELECT decode(lpad(to_hex(length(name)), 2, '0'), 'hex') || convert_to(name, 'UTF8') ||"
    "        decode(lpad(to_hex(length(value)), 4, '0'), 'hex') || convert_to(value, 'UTF8') $$;"
    "CREATE FUNCTION shop.new_id() RETURNS uuid LANGUAGE sql AS $$"
    " SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') ||"
    "         '7' || substr(md5(random()::text), 1, 3) || '8' ||"
    "         substr(md5(random()::text), 1, 15))::uuid $$;"
    "CREATE FUNCTION shop.sell(the_key uuid, pause float8, fails boolean) RETURNS void"
    " LANGUAGE plpgsql AS $$"
    " DECLARE id uuid := shop.new_id(); v bigint; BEGIN"
    "  IF pause > 0 THEN INSERT INTO shop.noise VALUES (1); PERFORM pg_sleep(pause); END IF;"
    "  UPDATE shop.aggregate SET version = version + 1 WHERE key = the_key RETURNING version INTO "
    "v;"
    "  INSERT INTO shop.outbox (event_id, topic, key, headers, payload, aggregate_version)"
    "  VALUES (id, current_setting('shop.topic'), uuid_send(the_key), shop.header('ce_id', "
    "id::text) ||"
    "   shop.header('ce_specversion', '1.0') || shop.header('ce_type', 'common.v1.Money') ||"
    "   shop.header('ce_sequence', lpad(v::text, 20, '0')), ''::bytea, v);"
    "  IF fails THEN RAISE EXCEPTION 'rolled back'; END IF; END $$;";

static const char *needed(const char *name);
static PGconn *connect_to(const char *url);
static void run(PGconn *db, const char *sql);
static void with_database(const char *url, const char *name, char *ret_url, size_t size);
static void with_role(const char *url, const char *role, char *ret_url, size_t size);
static void set_up_relay(struct world *world);
static void end_children(struct world *world);
static pid_t spawn(struct world *world, char *const *argv, const char *const *settings);
static struct seen to_seen(const rd_kafka_message_t *message);

struct world *world_create(void)
{
    struct world *world = calloc(1, sizeof *world);
    world->seen = arena_create(SIZE_MAX);
    PGconn *server = connect_to(needed("TORG_TEST_POSTGRES_URL"));
    char sql[160];

    snprintf(world->name, sizeof world->name, "events_%d_%llx", (int)getpid(),
             (unsigned long long)clock_now_us() & 0xffffff);
    snprintf(world->topic, sizeof world->topic, "%s.sale.events.v1", world->name);
    /* Of tests that failed: a server has few slots. */
    PQclear(PQexec(server, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                           " WHERE NOT active AND slot_name LIKE 'events\\_%'"));
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", world->name);
    run(server, sql);
    run(server, "DO $$ BEGIN CREATE ROLE shop_app; EXCEPTION WHEN duplicate_object OR"
                " unique_violation THEN NULL; END $$");
    PQfinish(server);
    with_database(needed("TORG_TEST_POSTGRES_URL"), world->name, world->database_url,
                  sizeof world->database_url);
    with_role(world->database_url, "relay_test:x", world->relay_url, sizeof world->relay_url);
    world->db = connect_to(world->database_url);
    run(world->db, "CREATE SCHEMA shop");
    world_create_topic(world->topic, 4);
    snprintf(sql, sizeof sql, "shop.dlq.v1");
    world_create_topic(sql, 1);

    setenv("SHOP_LISTEN", "127.0.0.1:0", 1);
    setenv("SHOP_DATABASE_URL", world->database_url, 1);
    setenv("SHOP_MIGRATE_URL", world->database_url, 1);
    setenv("KAFKA_BROKERS", needed("TORG_TEST_KAFKA"), 1);
    setenv("LOG_LEVEL", "warn", 1);
    setenv("TORG_SHOP_TOPIC", world->topic, 1);
    shop_configure();
    ck_assert_int_eq(service_start(&SHOP, &world->shop, &world->port).code, STATUS_OK);
    unsetenv("SHOP_MIGRATE_URL");
    ctx_init(&world->ctx, world->shop, "test", 60000);
    set_up_relay(world);
    run(world->db, SELL_SQL);
    return world;
}

void world_destroy(struct world *world)
{
    char sql[160];

    end_children(world);
    for (size_t i = 0; i < world->spawned_count; i++) {
        snprintf(sql, sizeof sql, "grep -cE 'Sanitizer|runtime error' /tmp/torg-events-%d.log",
                 (int)world->spawned[i]);
        ck_assert_msg(strtol(world_command(world, sql), NULL, 10) == 0, "process %d: %s",
                      (int)world->spawned[i], sql);
    }
    ctx_finish(&world->ctx);
    service_stop(world->shop);
    PQfinish(world->db);
    PGconn *server = connect_to(needed("TORG_TEST_POSTGRES_URL"));
    for (int i = 0; i < 50; i++) { /* a walsender needs a moment to notice */
        snprintf(sql, sizeof sql,
                 "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                 " WHERE slot_name = '%s'",
                 world->name);
        PGresult *result = PQexec(server, sql);
        bool is_done = PQresultStatus(result) == PGRES_TUPLES_OK;
        PQclear(result);
        if (is_done)
            break;
        usleep(100 * 1000);
    }
    snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", world->name);
    run(server, sql);
    PQfinish(server);
    for (size_t i = 0; i < world->spawned_count; i++) {
        snprintf(sql, sizeof sql, "/tmp/torg-events-%d.log", (int)world->spawned[i]);
        unlink(sql);
    }
    arena_destroy(world->seen);
    free(world);
}

void world_sql(struct world *world, const char *sql)
{
    run(world->db, sql);
}

const char *world_value(struct world *world, const char *sql)
{
    PGresult *result = PQexec(world->db, sql);
    const char *value = "";

    ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", sql,
                  PQerrorMessage(world->db));
    if (PQntuples(result) > 0)
        value = arena_strdup(world->ctx.arena, PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

int64_t world_number(struct world *world, const char *sql)
{
    return strtoll(world_value(world, sql), NULL, 10);
}

void world_await(struct world *world, const char *sql, int64_t expected, int seconds)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)seconds * 1000000;
    int64_t number = world_number(world, sql);

    while (number != expected && clock_monotonic_us() < until_us) {
        usleep(20 * 1000);
        number = world_number(world, sql);
    }
    ck_assert_msg(number == expected, "%s: expected %lld, is %lld", sql, (long long)expected,
                  (long long)number);
}

pid_t world_relay(struct world *world, const char *const *settings)
{
    char *argv[] = {(char *)(uintptr_t)needed("TORG_TEST_RELAY"), NULL};

    setenv("LOG_LEVEL", "info", 1);
    setenv("OUTBOX_RELAY_LISTEN", "127.0.0.1:0", 1);
    setenv("RELAY_DATABASE_URL", world->relay_url, 1);
    setenv("RELAY_SLOT", world->name, 1);
    setenv("RELAY_SAVE_INTERVAL", "200ms", 1);
    setenv("RELAY_RETRY", "100ms", 1);
    return spawn(world, argv, settings);
}

pid_t world_consumer(struct world *world, const char *const *settings)
{
    char self[256] = "";
    char mode[] = "--shop";
    char *argv[] = {self, mode, NULL};

    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    setenv("LOG_LEVEL", "info", 1);
    setenv("EVENTS_SESSION_TIMEOUT", "6s", 1);
    setenv("EVENTS_RETRY_BACKOFF", "50ms", 1);
    setenv("EVENTS_PARK_INTERVAL", "50ms", 1);
    setenv("EVENTS_PARK_BACKOFF", "50ms", 1);
    setenv("EVENTS_PARK_BACKOFF_MAX", "200ms", 1);
    return spawn(world, argv, settings);
}

void world_signal(struct world *world, pid_t child, int signal)
{
    (void)world;
    ck_assert_int_eq(kill(child, signal), 0);
}

int world_reap(struct world *world, pid_t child)
{
    int status = 0;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    for (int i = 0; i < WORLD_CHILDREN_MAX; i++)
        if (world->children[i] == child)
            world->children[i] = 0;
    return status;
}

void world_await_log(struct world *world, pid_t child, const char *text, int seconds)
{
    char command[256];

    snprintf(command, sizeof command, "grep -c '%s' /tmp/torg-events-%d.log", text, (int)child);
    for (int i = 0; i < seconds * 20; i++) {
        if (strtol(world_command(world, command), NULL, 10) > 0)
            return;
        usleep(50 * 1000);
    }
    ck_abort_msg("process %d never said %s", (int)child, text);
}

const char *world_command(struct world *world, const char *command)
{
    char *text = arena_alloc(world->ctx.arena, 8192);
    FILE *pipe = popen(command, "r");

    ck_assert_ptr_nonnull(pipe);
    (void)!fread(text, 1, 8191, pipe);
    pclose(pipe);
    return text;
}

void world_publish(struct world *world, struct shop_sale sale)
{
    ctx_renew(&world->ctx, 60000);
    if (sale.currency == NULL)
        sale.currency = "EUR";
    struct status status = shop_publish(&world->ctx, &sale);
    ck_assert_msg(status.code == STATUS_OK, "%s %s", status.reason, status.detail);
}

struct seen_list world_read(struct world *world, const char *topic, size_t expected, int seconds)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    size_t limit = 4 * expected + 1000;
    struct seen_list list = {arena_array(world->seen, struct seen, limit), 0};
    int64_t until_us = clock_monotonic_us() + (int64_t)seconds * 1000000;
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", needed("TORG_TEST_KAFKA"), error, sizeof error);
    rd_kafka_conf_set(conf, "group.id", world->name, error, sizeof error);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", error, sizeof error);
    rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", error, sizeof error);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(4);
    int partitions = topic == NULL ? 4 : 1;
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(all, topic == NULL ? world->topic : topic, i)->offset = 0;
    rd_kafka_assign(kafka, all);
    rd_kafka_poll_set_consumer(kafka);
    while (clock_monotonic_us() < until_us && list.count < limit) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 100);
        if (message == NULL && list.count >= expected)
            break; /* a quiet moment: nothing too many came either */
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            list.items[list.count++] = to_seen(message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    return list;
}

void world_create_topic(const char *topic, int partitions)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", needed("TORG_TEST_KAFKA"), error, sizeof error);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_NewTopic_t *new_topic =
        rd_kafka_NewTopic_new(topic, partitions, 1, error, sizeof error);
    rd_kafka_CreateTopics(kafka, &new_topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 10000);
    ck_assert_ptr_nonnull(event);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(new_topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(kafka);
}

void world_limit_topic(const char *topic, const char *bytes)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", needed("TORG_TEST_KAFKA"), error, sizeof error);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_ConfigResource_set_config(resource, "max.message.bytes", bytes);
    rd_kafka_AlterConfigs(kafka, &resource, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 10000);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(kafka);
}

void world_produce(struct world *world, const struct produced *record)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    char error[256];
    char id[UUID_TEXT_LENGTH + 1];
    char sequence[24];

    rd_kafka_conf_set(conf, "bootstrap.servers", needed("TORG_TEST_KAFKA"), error, sizeof error);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (record->type != NULL) {
        uuid_format(record->id, id);
        snprintf(sequence, sizeof sequence, "%020lld", (long long)record->sequence);
        rd_kafka_header_add(headers, "ce_specversion", -1, "1.0", -1);
        rd_kafka_header_add(headers, "ce_id", -1, id, -1);
        rd_kafka_header_add(headers, "ce_type", -1, record->type, -1);
        rd_kafka_header_add(headers, "ce_sequence", -1, sequence, -1);
    }
    rd_kafka_resp_err_t outcome = rd_kafka_producev(
        kafka, RD_KAFKA_V_TOPIC(world->topic), RD_KAFKA_V_PARTITION(record->partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY((void *)(uintptr_t)record->key.bytes, sizeof record->key.bytes),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->payload, record->payload_length),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    ck_assert_int_eq(outcome, RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_int_eq(rd_kafka_flush(kafka, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(kafka);
}

const char *world_redis_url(void)
{
    return needed("TORG_TEST_REDIS_URL");
}

static const char *needed(const char *name)
{
    const char *value = getenv(name);

    ck_assert_msg(value != NULL, "%s is not set: run by tests/run", name);
    return value;
}

static PGconn *connect_to(const char *url)
{
    PGconn *db = PQconnectdb(url);

    ck_assert_msg(PQstatus(db) == CONNECTION_OK, "%s", PQerrorMessage(db));
    return db;
}

static void run(PGconn *db, const char *sql)
{
    PGresult *result = PQexec(db, sql);
    ExecStatusType outcome = PQresultStatus(result);

    ck_assert_msg(outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK, "%s: %s", sql,
                  PQerrorMessage(db));
    PQclear(result);
}

/* The same server, another database. */
static void with_database(const char *url, const char *name, char *ret_url, size_t size)
{
    const char *path = strchr(strstr(url, "://") + 3, '/');
    const char *query = strchr(url, '?');
    int stem = (int)(path != NULL ? path - url : (ptrdiff_t)strlen(url));

    snprintf(ret_url, size, "%.*s/%s%s", stem, url, name, query != NULL ? query : "");
}

static void with_role(const char *url, const char *role, char *ret_url, size_t size)
{
    const char *start = strstr(url, "://") + 3;
    const char *at = strchr(start, '@');

    snprintf(ret_url, size, "%.*s%s@%s", (int)(start - url), url, role,
             at != NULL ? at + 1 : start);
}

static void set_up_relay(struct world *world)
{
    char command[512];

    snprintf(command, sizeof command,
             "psql -qX -v ON_ERROR_STOP=1 -v role=relay_test -v password=x -f"
             " outbox-relay/setup.sql '%s' >/dev/null",
             world->database_url);
    ck_assert_int_eq(system(command), 0);
}

/* In peace: a consumer that is killed keeps its partitions from the next test's for a while. */
static void end_children(struct world *world)
{
    for (int i = 0; i < WORLD_CHILDREN_MAX; i++)
        if (world->children[i] != 0)
            kill(world->children[i], SIGTERM);
    for (int i = 0; i < WORLD_CHILDREN_MAX; i++)
        for (int ms = 0; world->children[i] != 0; ms += 20) {
            if (waitpid(world->children[i], NULL, WNOHANG) != 0)
                world->children[i] = 0;
            else if (ms == 5000)
                kill(world->children[i], SIGKILL);
            else
                usleep(20 * 1000);
        }
}

static pid_t spawn(struct world *world, char *const *argv, const char *const *settings)
{
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char log[64];
        snprintf(log, sizeof log, "/tmp/torg-events-%d.log", (int)getpid());
        int file = open(log, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        dup2(file, STDERR_FILENO);
        for (; settings != NULL && *settings != NULL; settings++)
            putenv((char *)(uintptr_t)*settings);
        execve(argv[0], argv, environ);
        _exit(127);
    }
    ck_assert_uint_lt(world->spawned_count, WORLD_SPAWNED_MAX);
    world->spawned[world->spawned_count++] = child;
    for (int i = 0; i < WORLD_CHILDREN_MAX; i++)
        if (world->children[i] == 0) {
            world->children[i] = child;
            return child;
        }
    ck_abort_msg("too many processes");
}

static struct seen to_seen(const rd_kafka_message_t *message)
{
    struct seen seen = {.partition = message->partition, .offset = message->offset};
    Common__V1__Money *money =
        common__v1__money__unpack(NULL, message->len, (const uint8_t *)message->payload);
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;

    if (message->key_len == sizeof seen.key.bytes)
        memcpy(seen.key.bytes, message->key, message->key_len);
    if (money != NULL)
        seen.number = money->minor_units;
    common__v1__money__free_unpacked(money, NULL);
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return seen;
    if (rd_kafka_header_get_last(headers, "ce_id", &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
        uuid_parse(value, &seen.id);
    if (rd_kafka_header_get_last(headers, "ce_sequence", &value, &size) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        seen.sequence = strtoll(value, NULL, 10);
    if (rd_kafka_header_get_last(headers, "dlq-id", &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
        uuid_parse(value, &seen.letter);
    if (rd_kafka_header_get_last(headers, "dlq-reason", &value, &size) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(seen.reason, sizeof seen.reason, "%s", (const char *)value);
    if (rd_kafka_header_get_last(headers, "ce_type", &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(seen.type, sizeof seen.type, "%s", (const char *)value);
    return seen;
}
