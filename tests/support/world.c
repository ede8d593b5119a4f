/* world.c - a template database per suite, a clone per test, daemons in this process. */
#include "world.h"

#include "chassis/log.h"
#include "common/clock.h"
#include "common/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DAEMONS_MAX = 16,
    CTX_MAX = 256,
    ENVIRONMENT_MAX = 128,
    CALL_TIMEOUT_MS = 10000,
    TEST_TIMEOUT_S = 60,
    WAIT_MS = 5000,
    REDIS_DATABASES = 16, /* of a default Redis; 0 stays unused */
};

#define KEY_OF_TESTS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char PASSWORD_OF_TESTS[] = "test"; // of roles that only tests create

struct running {
    struct daemon *daemon;
    int port;
};

/* A variable and what it held before. */
struct changed {
    const char *name;
    const char *value;
};

struct world {
    struct arena *arena;
    char *database;
    PGconn *super; /* in the test's database */
    struct running running[DAEMONS_MAX];
    size_t running_count;
    struct ctx ctx[CTX_MAX];
    size_t ctx_count;
    struct changed changed[ENVIRONMENT_MAX];
    size_t changed_count;
    struct daemon *client;
    struct service client_service;
};

struct world *world;

/* Of the suite. */
static struct {
    struct arena *arena;
    const struct service *const *services;
    const char *template_database;
    char *directory; /* of servers started for this suite, else NULL */
} suite;

static void start_servers(void);
static void stop_servers(void);
static void read_exports(FILE *output);
static void create_template(void);
static void create_roles(const char *database);
static void migrate(const struct service *service);
static void setenv_of(const struct service *service, const char *name, const char *value);
static void set_environment(void);
static const char *prefix_of(const char *service);
static const char *role_of(const struct service *service, const char *kind);
static const char *url_of(const char *role, const char *password, const char *database);
static PGconn *connect_super(const char *database);
static void run_super(PGconn *native, const char *sql);
static PGresult *query(const char *format, va_list args) _printf_(1, 0);
static void begin_test(void);
static void end_test(void);
static void flush_redis(void);
static void stop_running(struct running *running);
static struct ctx *new_ctx(struct daemon *daemon);

int world_run(Suite *tests, const struct service *const *services)
{
    suite.arena = arena_create(1 << 24);
    suite.services = services;
    if (getenv("TORG_TEST_POSTGRES_URL") == NULL || getenv("TORG_TEST_REDIS_URL") == NULL)
        start_servers();
    create_template();

    SRunner *runner = srunner_create(tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);

    PGconn *super = connect_super("postgres");
    run_super(super, arena_printf(suite.arena, "DROP DATABASE %s", suite.template_database));
    PQfinish(super);
    stop_servers();
    arena_destroy(suite.arena);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

TCase *world_case(Suite *tests, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, begin_test, end_test);
    tcase_set_timeout(tcase, TEST_TIMEOUT_S);
    suite_add_tcase(tests, tcase);
    return tcase;
}

/* Taken back at the end: with CK_FORK=no all tests share one environment. */
void world_setenv(const char *name, const char *value)
{
    ck_assert(world->changed_count < ENVIRONMENT_MAX);
    const char *before = getenv(name);
    world->changed[world->changed_count++] =
        (struct changed){arena_strdup(world->arena, name), arena_strdup(world->arena, before)};
    setenv(name, value, 1);
}

struct daemon *world_start(const struct service *service)
{
    struct daemon *daemon = NULL;

    then_ok(world_try_start(service, &daemon));
    return daemon;
}

struct status world_try_start(const struct service *service, struct daemon **ret_daemon)
{
    struct running *running = &world->running[world->running_count];

    ck_assert(world->running_count < DAEMONS_MAX);
    TRY(service_start(service, &running->daemon, &running->port));
    world->running_count++;
    setenv_of(service, "_URL", arena_printf(world->arena, "http://127.0.0.1:%d", running->port));
    *ret_daemon = running->daemon;
    return status_ok();
}

void world_stop(struct daemon *daemon)
{
    for (size_t i = 0; i < world->running_count; i++)
        if (world->running[i].daemon == daemon)
            stop_running(&world->running[i]);
}

int world_port(const struct daemon *daemon)
{
    for (size_t i = 0; i < world->running_count; i++)
        if (world->running[i].daemon == daemon)
            return world->running[i].port;
    return 0;
}

struct ctx *world_ctx(struct daemon *daemon)
{
    struct ctx *ctx = new_ctx(daemon);

    ctx->caller = (struct caller){
        .service = "gateway", .actor = "key:test", .scopes = "*", .reason = "a test"};
    return ctx;
}

struct ctx *world_client(void)
{
    if (world->client == NULL) {
        const char **calls = arena_array(world->arena, const char *, DAEMONS_MAX + 1);
        for (size_t i = 0; i < world->running_count; i++)
            calls[i] = daemon_service(world->running[i].daemon)->name;
        world->client_service = (struct service){.name = "gateway", .doc = "calls", .calls = calls};
        world->client = world_start(&world->client_service);
    }
    return world_ctx(world->client);
}

void world_sql(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    PQclear(query(format, args));
    va_end(args);
}

int64_t world_sql_int(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    PGresult *result = query(format, args);
    va_end(args);
    int64_t value = PQntuples(result) == 0 ? 0 : strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

const char *world_sql_text(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    PGresult *result = query(format, args);
    va_end(args);
    bool has_value = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
    const char *value = has_value ? arena_strdup(world->arena, PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    return value;
}

void world_until(int64_t wanted, const char *format, ...)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_MS * 1000;
    int64_t value = wanted - 1;
    va_list args;

    va_start(args, format);
    const char *sql = arena_vprintf(world->arena, format, args);
    va_end(args);
    while ((value = world_sql_int("%s", sql)) != wanted && clock_monotonic_us() < deadline_us)
        usleep(2000);
    ck_assert_msg(value == wanted, "%s: wanted %" PRId64 ", still %" PRId64, sql, wanted, value);
}

const char *world_database(void)
{
    return world->database;
}

const char *world_postgres_url(const char *role)
{
    return url_of(role, PASSWORD_OF_TESTS, world->database);
}

const char *world_redis_url(void)
{
    return arena_printf(suite.arena, "%s/%d", getenv("TORG_TEST_REDIS_URL"),
                        1 + (int)(getppid() % (REDIS_DATABASES - 1)));
}

const char *world_kafka(void)
{
    return getenv("TORG_TEST_KAFKA");
}

void world_then(struct status status, enum status_code code, const char *reason, const char *file,
                int line)
{
    bool is_wanted = status.code == code && (reason == NULL || str_equal(status.reason, reason));

    ck_assert_msg(is_wanted, "%s:%d: wanted %s %s, came %s %s: %s", file, line,
                  status_code_name(code), str_or_empty(reason), status_code_name(status.code),
                  str_or_empty(status.reason), str_or_empty(status.detail));
}

static void start_servers(void)
{
    char directory[] = "/tmp/torg-suite-XXXXXX";

    suite.directory = arena_strdup(suite.arena, mkdtemp(directory));
    FILE *output = popen(
        arena_printf(suite.arena, "%s/tests/support/servers up %s", SOURCE_DIR, suite.directory),
        "r");
    read_exports(output);
    if (pclose(output) != 0) {
        fprintf(stderr, "tests/support/servers did not start\n");
        exit(EXIT_FAILURE);
    }
}

static void stop_servers(void)
{
    if (suite.directory == NULL)
        return;
    FILE *output = popen(
        arena_printf(suite.arena, "%s/tests/support/servers down %s", SOURCE_DIR, suite.directory),
        "r");
    (void)pclose(output); // nothing depends on it any more
}

/* Lines like "export NAME=value". */
static void read_exports(FILE *output)
{
    char line[512];

    while (fgets(line, sizeof line, output) != NULL) {
        char *equals = strchr(line, '=');
        if (!str_starts_with(line, "export ") || equals == NULL)
            continue;
        *equals = '\0';
        equals[1 + strcspn(equals + 1, "\n")] = '\0';
        setenv(line + strlen("export "), equals + 1, 1);
    }
}

static void create_template(void)
{
    PGconn *super = connect_super("postgres");

    suite.template_database = arena_printf(suite.arena, "torg_template_%d", (int)getpid());
    run_super(super, arena_printf(suite.arena, "CREATE DATABASE %s", suite.template_database));
    PQfinish(super);
    create_roles(suite.template_database);
    for (size_t i = 0; suite.services[i] != NULL; i++)
        if (suite.services[i]->migrations != NULL)     // else it has no database
            if (suite.services[i]->migrations != NULL) // cart keeps its state in Redis
                migrate(suite.services[i]);
}

/* With the scripts that deploy/local uses. */
static void create_roles(const char *database)
{
    FILE *psql = popen(arena_printf(suite.arena, "psql -X -q -o /dev/null -v ON_ERROR_STOP=1 '%s'",
                                    url_of(NULL, NULL, database)),
                       "w");

    fprintf(psql,
            "SET client_min_messages = warning;\nREVOKE ALL ON DATABASE %s FROM PUBLIC;\n"
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n",
            database);
    for (size_t i = 0; suite.services[i] != NULL; i++) {
        const struct service *service = suite.services[i];
        fprintf(psql, "\\set schema %s\n\\set owner %s\n\\set app %s\n", service_schema(service),
                role_of(service, "owner"), role_of(service, "app"));
        fprintf(psql, "\\set owner_password %s\n\\set app_password %s\n", PASSWORD_OF_TESTS,
                PASSWORD_OF_TESTS);
        fprintf(psql, "\\i '%s/deploy/local/service.sql'\n", SOURCE_DIR);
    }
    if (pclose(psql) != 0) {
        fprintf(stderr, "the roles of the test database could not be made\n");
        exit(EXIT_FAILURE);
    }
}

/* As a deployment does: `<daemon> migrate`, in a process of its own. */
static void migrate(const struct service *service)
{
    int outcome = 0;
    pid_t child = fork();

    if (child == 0) {
        char *arguments[] = {arena_strdup(suite.arena, service->name),
                             arena_strdup(suite.arena, "migrate"), NULL};
        set_environment();
        log_set_level(LOG_WARN);
        setenv_of(service, "_MIGRATE_URL",
                  url_of(role_of(service, "owner"), PASSWORD_OF_TESTS, suite.template_database));
        setenv_of(service, "_DATABASE_URL", "postgres://nobody@127.0.0.1/none");
        _exit(service_main(service, 2, arguments));
    }
    if (waitpid(child, &outcome, 0) != child || outcome != 0) {
        fprintf(stderr, "%s migrate failed\n", service->name);
        exit(EXIT_FAILURE);
    }
}

static void setenv_of(const struct service *service, const char *name, const char *value)
{
    setenv(arena_printf(suite.arena, "%s%s", prefix_of(service->name), name), value, 1);
}

static void set_environment(void)
{
    struct buffer keys;

    buffer_init(&keys, suite.arena, 1024);
    buffer_puts(&keys, "gateway:k1:" KEY_OF_TESTS);
    for (size_t i = 0; suite.services[i] != NULL; i++)
        buffer_printf(&keys, ",%s:k1:" KEY_OF_TESTS, suite.services[i]->name);
    setenv("TORG_CALL_KEYS", keys.data, 1);
    setenv("KAFKA_BROKERS",
           getenv("TORG_TEST_KAFKA") != NULL ? getenv("TORG_TEST_KAFKA") : "127.0.0.1:9", 1);
    setenv("LOG_LEVEL", "error", 0);
    setenv("GATEWAY_LISTEN", "127.0.0.1:0", 1);
    for (size_t i = 0; suite.services[i] != NULL; i++)
        setenv_of(suite.services[i], "_LISTEN", "127.0.0.1:0");
}

/* "outbox-relay" is OUTBOX_RELAY in the environment. */
static const char *prefix_of(const char *service)
{
    char *prefix = arena_strdup(suite.arena, service);

    for (char *p = prefix; *p != '\0'; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    return prefix;
}

static const char *role_of(const struct service *service, const char *kind)
{
    char *role = arena_printf(suite.arena, "%s_%s", service->name, kind);

    for (char *p = role; *p != '\0'; p++)
        *p = *p == '-' ? '_' : *p;
    return role;
}

/* TORG_TEST_POSTGRES_URL with another role and database; `role` NULL keeps the superuser. */
static const char *url_of(const char *role, const char *password, const char *database)
{
    const char *url = getenv("TORG_TEST_POSTGRES_URL");
    const char *authority = strstr(url, "://") + 3;
    const char *at = strrchr(authority, '@');
    const char *host = at == NULL ? authority : at + 1;
    int host_length = (int)strcspn(host, "/?");

    if (role == NULL)
        return arena_printf(suite.arena, "%.*s/%s", (int)(host - url) + host_length, url, database);
    return arena_printf(suite.arena, "postgres://%s:%s@%.*s/%s", role, password, host_length, host,
                        database);
}

static PGconn *connect_super(const char *database)
{
    PGconn *native = PQconnectdb(url_of(NULL, NULL, database));

    if (PQstatus(native) != CONNECTION_OK) {
        fprintf(stderr, "the test's Postgres: %s", PQerrorMessage(native));
        exit(EXIT_FAILURE);
    }
    PQclear(PQexec(native, "SET client_min_messages = warning"));
    return native;
}

static void run_super(PGconn *native, const char *sql)
{
    PGresult *result = PQexec(native, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(native));
        exit(EXIT_FAILURE);
    }
    PQclear(result);
}

static PGresult *query(const char *format, va_list args)
{
    const char *sql = arena_vprintf(world->arena, format, args);
    PGresult *result = PQexec(world->super, sql);
    ExecStatusType outcome = PQresultStatus(result);

    ck_assert_msg(outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK, "%s: %s", sql,
                  PQerrorMessage(world->super));
    return result;
}

static void begin_test(void)
{
    struct arena *arena = arena_create(1 << 26);

    world = arena_new(arena, struct world);
    world->arena = arena;
    world->database =
        arena_printf(arena, "torg_test_%d_%" PRId64, (int)getpid(), clock_monotonic_us());
    PGconn *super = connect_super("postgres");
    run_super(super, arena_printf(arena, "CREATE DATABASE %s TEMPLATE %s", world->database,
                                  suite.template_database));
    PQfinish(super);
    world->super = connect_super(world->database);
    run_super(world->super, arena_printf(arena, "SET search_path = %s, public",
                                         service_schema(suite.services[0])));
    set_environment();
    for (size_t i = 0; suite.services[i] != NULL; i++) {
        const struct service *service = suite.services[i];
        setenv_of(service, "_DATABASE_URL", world_postgres_url(role_of(service, "app")));
    }
    flush_redis();
}

static void end_test(void)
{
    char *database = world->database;
    struct arena *arena = world->arena;

    for (size_t i = 0; i < world->ctx_count; i++)
        ctx_finish(&world->ctx[i]);
    for (size_t i = world->running_count; i-- > 0;)
        stop_running(&world->running[i]);
    while (world->changed_count > 0) {
        struct changed *changed = &world->changed[--world->changed_count];
        if (changed->value == NULL)
            unsetenv(changed->name);
        else
            setenv(changed->name, changed->value, 1);
    }
    PQfinish(world->super);
    PGconn *super = connect_super("postgres");
    run_super(super, arena_printf(arena, "DROP DATABASE %s WITH (FORCE)", database));
    PQfinish(super);
    world = NULL;
    arena_destroy(arena);
}

static void flush_redis(void)
{
    FILE *output =
        popen(arena_printf(suite.arena, "redis-cli -u %s flushdb", world_redis_url()), "r");
    char line[64] = "";

    ck_assert(fgets(line, sizeof line, output) != NULL);
    ck_assert_msg(str_starts_with(line, "OK"), "redis-cli flushdb: %s", line);
    (void)pclose(output); // it said OK
}

static void stop_running(struct running *running)
{
    if (running->daemon != NULL)
        service_stop(running->daemon);
    running->daemon = NULL;
}

static struct ctx *new_ctx(struct daemon *daemon)
{
    ck_assert(world->ctx_count < CTX_MAX);
    struct ctx *ctx = &world->ctx[world->ctx_count++];

    ctx_init(ctx, daemon, "test", CALL_TIMEOUT_MS);
    return ctx;
}
