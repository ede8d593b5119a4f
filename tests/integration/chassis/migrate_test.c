/* migrate_test.c - migrations, partitions, sweeps and the audit. */
#include "probe.h"

#include "common/clock.h"

#include <pthread.h>
#include <string.h>

enum { REPLICAS = 4 };

/* PROBE with one migration more; a daemon's service outlives the test's function. */
static struct db_migration migrations[8];
static struct service service;

static void given_migration(const char *name, const char *sql)
{
    size_t count = 0;

    service = PROBE;
    while (PROBE.migrations[count].name != NULL) {
        migrations[count] = PROBE.migrations[count];
        count++;
    }
    migrations[count] = (struct db_migration){name, sql};
    migrations[count + 1] = (struct db_migration){0};
    service.migrations = migrations;
}

static void migrate_at_start(void)
{
    world_setenv("PROBE_MIGRATE_URL", world_postgres_url("probe_owner"));
}

START_TEST(migrating_again_changes_nothing)
{
    const char *before = world_sql_text("SELECT string_agg(m::text, ';' ORDER BY module, name)"
                                        " FROM migration AS m");
    migrate_at_start();
    world_start(&PROBE);

    ck_assert_str_eq(world_sql_text("SELECT string_agg(m::text, ';' ORDER BY module, name)"
                                    " FROM migration AS m"),
                     before);
}
END_TEST

START_TEST(a_new_file_is_applied_and_recorded)
{
    given_migration("0004_new", "CREATE TABLE {schema}.fresh (id uuid);");

    migrate_at_start();
    world_start(&service);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM fresh"), 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM migration WHERE name = '0004_new'"), 1);
}
END_TEST

START_TEST(a_file_that_fails_leaves_nothing_behind)
{
    given_migration("0004_bad", "CREATE TABLE {schema}.half (id uuid); SELECT 1 / 0;");
    struct daemon *daemon;

    migrate_at_start();
    then_reason(world_try_start(&service, &daemon), STATUS_INTERNAL, "MIGRATION_FAILED");

    ck_assert_int_eq(world_sql_int("SELECT count(to_regclass('half'))"), 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM migration WHERE name = '0004_bad'"), 0);
}
END_TEST

START_TEST(a_file_that_changed_after_it_was_applied_is_refused)
{
    given_migration("0004_new", "SELECT 1;");
    struct daemon *daemon;

    migrate_at_start();
    migrations[0].sql = "CREATE TABLE {schema}.item (id uuid);";
    then_reason(world_try_start(&service, &daemon), STATUS_INTERNAL, "MIGRATION_FAILED");
}
END_TEST

START_TEST(a_table_listed_as_partitioned_must_be)
{
    static const char *const LISTED[] = {"item", NULL};
    struct daemon *daemon;

    migrate_at_start();
    service = PROBE;
    service.partitioned = LISTED;
    then_reason(world_try_start(&service, &daemon), STATUS_INTERNAL, "MIGRATION_FAILED");
}
END_TEST

struct replica {
    const struct service *service;
    struct daemon *daemon;
    struct status status;
};

static void *start_replica(void *closure)
{
    struct replica *replica = closure;
    int port;

    replica->status = service_start(replica->service, &replica->daemon, &port);
    return NULL;
}

START_TEST(replicas_that_start_at_once_migrate_once)
{
    given_migration("0004_slow", "SELECT pg_sleep(0.1); CREATE TABLE {schema}.once (id uuid);");
    struct replica replicas[REPLICAS];
    pthread_t threads[REPLICAS];

    migrate_at_start();
    for (size_t i = 0; i < REPLICAS; i++) {
        replicas[i] = (struct replica){.service = &service};
        pthread_create(&threads[i], NULL, start_replica, &replicas[i]);
    }
    for (size_t i = 0; i < REPLICAS; i++) {
        pthread_join(threads[i], NULL);
        then_ok(replicas[i].status);
        service_stop(replicas[i].daemon);
    }

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM migration WHERE name = '0004_slow'"), 1);
}
END_TEST

START_TEST(partitions_exist_from_yesterday_to_a_week_ahead)
{
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pg_inherits"
                                   " WHERE inhparent = 'probe.audit'::regclass"),
                     9);
    ck_assert_int_eq(
        world_sql_int("SELECT count(to_regclass(to_char((now() AT TIME ZONE 'UTC')::date + 7,"
                      " '\"ledger_p\"YYYYMMDD')))"),
        1);
}
END_TEST

START_TEST(a_row_with_an_id_of_now_finds_its_partition)
{
    struct uuid id = uuid_v7();
    char text[UUID_TEXT_LENGTH + 1];

    uuid_format(id, text);
    world_sql("INSERT INTO ledger VALUES ('%s', 1)", text);

    ck_assert_str_eq(
        world_sql_text("SELECT tableoid::regclass::text FROM ledger"),
        world_sql_text("SELECT to_char(now() AT TIME ZONE 'UTC', '\"ledger_p\"YYYYMMDD')"));
}
END_TEST

START_TEST(a_start_makes_missing_partitions_and_drops_those_past_their_keeping)
{
    world_sql("DROP TABLE probe.audit_p%s",
              world_sql_text("SELECT to_char((now() AT TIME ZONE 'UTC')::date + 3, 'YYYYMMDD')"));
    world_sql("CREATE TABLE probe.ledger_p20200101 PARTITION OF probe.ledger"
              " FOR VALUES FROM (probe.partition_bound('2020-01-01'))"
              " TO (probe.partition_bound('2020-01-02'))");
    world_sql("ALTER TABLE probe.ledger_p20200101 OWNER TO probe_owner");

    world_start(&PROBE);

    world_until(9, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'probe.audit'::regclass");
    world_until(0, "SELECT count(to_regclass('probe.ledger_p20200101'))");
}
END_TEST

START_TEST(the_audit_says_who_did_what_and_why)
{
    struct ctx *ctx = world_ctx(world_start(&PROBE));
    struct db_tx *tx = NULL;

    then_ok(db_begin(ctx, &tx));
    then_ok(db_audit(tx, "item.changed", uuid_v7(), "{\"quantity\":3}"));
    then_ok(db_commit(&tx));

    ck_assert_str_eq(world_sql_text("SELECT concat_ws('|', actor, service, action, reason, detail,"
                                    " length(trace_id)) FROM audit"),
                     "key:test|gateway|item.changed|a test|{\"quantity\":3}|16");
}
END_TEST

/* The state of a service with a sweep. */
struct swept {
    int64_t interval_ms;
};

static struct status add_one(struct ctx *ctx)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(ctx, &tx));
    TRY(db_exec(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(1)), NULL));
    return db_commit(&tx);
}

START_TEST(a_sweep_runs_every_interval)
{
    static const struct sweep SWEEPS[] = {
        {"add_one", add_one, offsetof(struct swept, interval_ms), 1000}, {0}};
    static const struct config_field CONFIG[] = {{"PROBE_SWEEP_INTERVAL", CONFIG_DURATION_MS,
                                                  offsetof(struct swept, interval_ms), "20ms", 1,
                                                  1000, false, "between two sweeps"},
                                                 {0}};
    service = PROBE;
    service.sweeps = SWEEPS;
    service.config = CONFIG;
    service.state_size = sizeof(struct swept);
    world_sql("INSERT INTO item VALUES (gen_random_uuid(), 'mug', 0)");
    world_start(&service);

    world_until(1, "SELECT count(*) FROM item WHERE quantity >= 5");
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis migrations");
    TCase *files = world_case(suite, "files");
    TCase *partitions = world_case(suite, "partitions");
    TCase *sweeps = world_case(suite, "sweeps");

    tcase_add_test(files, migrating_again_changes_nothing);
    tcase_add_test(files, a_new_file_is_applied_and_recorded);
    tcase_add_test(files, a_file_that_fails_leaves_nothing_behind);
    tcase_add_test(files, a_file_that_changed_after_it_was_applied_is_refused);
    tcase_add_test(files, a_table_listed_as_partitioned_must_be);
    tcase_add_test(files, replicas_that_start_at_once_migrate_once);
    tcase_add_test(partitions, partitions_exist_from_yesterday_to_a_week_ahead);
    tcase_add_test(partitions, a_row_with_an_id_of_now_finds_its_partition);
    tcase_add_test(partitions, a_start_makes_missing_partitions_and_drops_those_past_their_keeping);
    tcase_add_test(partitions, the_audit_says_who_did_what_and_why);
    tcase_add_test(sweeps, a_sweep_runs_every_interval);
    return world_run(suite, SERVICES);
}
