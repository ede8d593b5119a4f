/* db_migrate.c - brings the schema to this binary's version, as its owner, one process at a time.
 *
 * Each file runs once, in a transaction of its own with its row in `migration`. A file that changed
 * after it was applied is refused: the change belongs into a new one. */
#include "db_wire.h"

#include "chassis/log.h"
#include "chassis_migrations.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <string.h>

const struct error_def ERROR_MIGRATION = {STATUS_INTERNAL, "MIGRATION_FAILED",
                                          "The database stays at the last migration that "
                                          "succeeded; the detail names the one that did not"};

/* The lock waits for another process to finish; what it protects does not wait behind queries. */
static const char *const LOCK_SQL =
    "SELECT pg_advisory_lock(hashtextextended('torg migrate ' || current_schema(), 0)),"
    " set_config('lock_timeout', '10s', false)";
static const char *const IS_FRESH_SQL = "SELECT to_regclass('migration') IS NULL";
static const char *const APPLIED_SQL =
    "SELECT checksum = md5($3) FROM migration WHERE module = $1 AND name = $2";
static const char *const RECORD_SQL =
    "INSERT INTO migration (module, name, checksum) VALUES ($1, $2, md5($3))";
static const char *const PARTITIONED_SQL =
    "SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass($1)";
static const char *const PARTITIONS_SQL = "SELECT make_partitions($1)";

/* One run: the owner's session and what the placeholders stand for. */
struct migration_run {
    struct ctx *boot;
    PGconn *native;
    const char *schema;
    const char *app_role;
};

static struct status migrate(struct migration_run *run, const struct service *service);
static struct status apply_all(struct migration_run *run, const char *module,
                               const struct db_migration *migrations);
static struct status apply(struct migration_run *run, const char *module,
                           const struct db_migration *migration);
static struct status is_applied(struct migration_run *run, const char *const *id,
                                bool *ret_is_applied);
static struct status check_partitioned(struct migration_run *run, const char *table);
static struct status make_partitions(struct migration_run *run);
static const char *app_role(struct arena *arena, const struct service *service);
static const char *fill_in(struct migration_run *run, const char *sql);
static struct status execute(struct migration_run *run, const char *what, const char *sql);
static struct status query(struct migration_run *run, const char *sql, const char *const *values,
                           const char **ret_value);
static void drop_notice(void *closure, const char *message);
static void close_connection(PGconn **native);

const char *service_schema(const struct service *service)
{
    static const struct {
        const char *service, *schema;
    } OTHERWISE_NAMED[] = {{"order", "orders"}, {"outbox-relay", "relay"}};

    for (size_t i = 0; i < ARRAY_LEN(OTHERWISE_NAMED); i++)
        if (str_equal(service->name, OTHERWISE_NAMED[i].service))
            return OTHERWISE_NAMED[i].schema;
    return service->name;
}

struct status db_migrate(struct ctx *boot, struct daemon *daemon)
{
    const struct service *service = daemon->service;
    const char *schema = service_schema(service);
    _cleanup_(close_connection) PGconn *native = NULL;

    if (service->statements == NULL)
        return status_ok();
    if (str_is_empty(daemon->settings.migrate_url))
        return ctx_fail(boot, &ERROR_MIGRATION, "no URL of the schema's owner is configured");
    TRY(db_connect(boot, daemon->settings.migrate_url,
                   arena_printf(boot->arena, "-c search_path=%s,public -c timezone=UTC", schema),
                   &native));
    PQsetNoticeProcessor(native, drop_notice, NULL);
    struct migration_run run = {.boot = boot,
                                .native = native,
                                .schema = schema,
                                .app_role = app_role(boot->arena, service)};
    return migrate(&run, service);
}

static struct status migrate(struct migration_run *run, const struct service *service)
{
    const char *value;

    TRY(query(run, LOCK_SQL, NULL, &value));
    TRY(apply_all(run, "chassis", CHASSIS_MIGRATIONS));
    for (size_t i = 0; service->components != NULL && service->components[i] != NULL; i++)
        TRY(apply_all(run, service->components[i]->name, service->components[i]->migrations));
    TRY(apply_all(run, service->name, service->migrations));
    for (size_t i = 0; service->partitioned != NULL && service->partitioned[i] != NULL; i++)
        TRY(check_partitioned(run, service->partitioned[i]));
    return make_partitions(run);
}

static struct status apply_all(struct migration_run *run, const char *module,
                               const struct db_migration *migrations)
{
    for (size_t i = 0; migrations != NULL && migrations[i].name != NULL; i++)
        TRY(apply(run, module, &migrations[i]));
    return status_ok();
}

static struct status apply(struct migration_run *run, const char *module,
                           const struct db_migration *migration)
{
    const char *id[] = {module, migration->name, migration->sql, NULL};
    const char *value;
    bool is_done = false;

    TRY(is_applied(run, id, &is_done));
    if (is_done)
        return status_ok();
    TRY(execute(run, migration->name, "BEGIN"));
    TRY(execute(run, migration->name, fill_in(run, migration->sql)));
    TRY(query(run, RECORD_SQL, id, &value));
    TRY(execute(run, migration->name, "COMMIT"));
    log_info(run->boot, "migration_applied", LOG_STR("module", module),
             LOG_STR("name", migration->name));
    return status_ok();
}

static struct status is_applied(struct migration_run *run, const char *const *id,
                                bool *ret_is_applied)
{
    const char *value;

    TRY(query(run, IS_FRESH_SQL, NULL, &value));
    if (str_equal(value, "t")) {
        *ret_is_applied = false;
        return status_ok();
    }
    TRY(query(run, APPLIED_SQL, id, &value));
    if (str_equal(value, "f"))
        return ctx_fail(run->boot, &ERROR_MIGRATION, "%s/%s was changed after it was applied",
                        id[0], id[1]);
    *ret_is_applied = value != NULL;
    return status_ok();
}

/* A table that main.c lists and its migration does not partition would grow for ever. */
static struct status check_partitioned(struct migration_run *run, const char *table)
{
    const char *values[] = {table, NULL};
    const char *value;

    TRY(query(run, PARTITIONED_SQL, values, &value));
    if (value == NULL)
        return ctx_fail(run->boot, &ERROR_MIGRATION, "%s.%s is not a partitioned table",
                        run->schema, table);
    return status_ok();
}

static struct status make_partitions(struct migration_run *run)
{
    const char *values[] = {
        arena_printf(run->boot->arena, "%" PRId64, run->boot->daemon->settings.partition_days),
        NULL};
    const char *value;

    return query(run, PARTITIONS_SQL, values, &value);
}

/* "outbox-relay" runs as outbox_relay_app. */
static const char *app_role(struct arena *arena, const struct service *service)
{
    char *role = arena_printf(arena, "%s_app", service->name);

    for (char *p = role; *p != '\0'; p++)
        *p = *p == '-' ? '_' : *p;
    return role;
}

/* {schema} and {app}; other braces are the migration's own. */
static const char *fill_in(struct migration_run *run, const char *sql)
{
    const struct {
        const char *name, *value;
    } placeholders[] = {{"{schema}", run->schema}, {"{app}", run->app_role}};
    struct buffer out;

    buffer_init(&out, run->boot->arena, strlen(sql) + 256);
    while (*sql != '\0') {
        size_t i = 0;
        while (i < ARRAY_LEN(placeholders) && !str_starts_with(sql, placeholders[i].name))
            i++;
        if (i == ARRAY_LEN(placeholders)) {
            buffer_putc(&out, *sql++);
            continue;
        }
        buffer_puts(&out, placeholders[i].value);
        sql += strlen(placeholders[i].name);
    }
    return out.data;
}

static struct status execute(struct migration_run *run, const char *what, const char *sql)
{
    PGresult *result = PQexec(run->native, sql);
    ExecStatusType outcome = PQresultStatus(result);

    PQclear(result);
    if (outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK || outcome == PGRES_EMPTY_QUERY)
        return status_ok();
    return ctx_fail(run->boot, &ERROR_MIGRATION, "%s: %s", what, PQerrorMessage(run->native));
}

/* The first column of the first row as text; NULL when there is no row. */
static struct status query(struct migration_run *run, const char *sql, const char *const *values,
                           const char **ret_value)
{
    int count = 0;

    while (values != NULL && values[count] != NULL)
        count++;
    PGresult *result = PQexecParams(run->native, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType outcome = PQresultStatus(result);
    const char *value = outcome == PGRES_TUPLES_OK && PQntuples(result) > 0
                            ? arena_strdup(run->boot->arena, PQgetvalue(result, 0, 0))
                            : NULL;

    PQclear(result);
    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK)
        return ctx_fail(run->boot, &ERROR_MIGRATION, "%s", PQerrorMessage(run->native));
    *ret_value = value;
    return status_ok();
}

static void drop_notice(void *closure, const char *message)
{
    (void)closure;
    (void)message;
}

static void close_connection(PGconn **native)
{
    PQfinish(*native);
}
