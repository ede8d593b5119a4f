/* probe.c - the service that these tests run. */
#include "probe.h"

static const struct db_migration MIGRATIONS[] = {
    {"0001_item",
     "CREATE TABLE {schema}.item (id uuid PRIMARY KEY, name text NOT NULL,"
     " quantity bigint NOT NULL CONSTRAINT item_quantity_not_negative CHECK (quantity >= 0),"
     " CONSTRAINT item_name UNIQUE (name));"
     "GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.item TO {app};"},
    /* A deferred constraint trigger runs inside COMMIT, so it can end the session there. */
    {"0002_fate",
     "CREATE TABLE {schema}.fate (id uuid PRIMARY KEY);"
     "CREATE FUNCTION {schema}.end_session() RETURNS trigger LANGUAGE plpgsql AS $$"
     " BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL;"
     " END $$;"
     "CREATE CONSTRAINT TRIGGER end_session AFTER INSERT ON {schema}.fate"
     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.end_session();"
     "GRANT SELECT, INSERT ON {schema}.fate TO {app};"},
    {"0003_ledger", "CREATE TABLE {schema}.ledger (id uuid PRIMARY KEY, amount bigint NOT NULL)"
                    " PARTITION BY RANGE (id);"
                    "GRANT SELECT, INSERT ON {schema}.ledger TO {app};"
                    "INSERT INTO {schema}.partition_policy VALUES ('ledger', 8);"},
    {0},
};

const struct db_stmt ADD_ITEM = {
    .name = "probe_add_item",
    .in = "uti",
    .out = "",
    .sql = "INSERT INTO item (id, name, quantity) VALUES ($1, $2, $3)",
};

const struct db_stmt FIND_ITEM = {
    .name = "probe_find_item",
    .in = "t",
    .out = "ui",
    .sql = "SELECT id, quantity FROM item WHERE name = $1",
    .read_only = true,
};

const struct db_stmt LOCK_ITEM = {
    .name = "probe_lock_item",
    .in = "t",
    .out = "i",
    .sql = "SELECT quantity FROM item WHERE name = $1 FOR UPDATE",
};

const struct db_stmt CHANGE_ITEM = {
    .name = "probe_change_item",
    .in = "ti",
    .out = "",
    .sql = "UPDATE item SET quantity = quantity + $2 WHERE name = $1",
};

const struct db_stmt LIST_ITEMS = {
    .name = "probe_list_items",
    .in = "",
    .out = "t",
    .sql = "SELECT name FROM item ORDER BY name",
    .read_only = true,
};

const struct db_stmt DIVIDE = {
    .name = "probe_divide",
    .in = "ii",
    .out = "i",
    .sql = "SELECT $1 / $2",
    .read_only = true,
};

const struct db_stmt SLEEP = {
    .name = "probe_sleep",
    .in = "i",
    .out = "f",
    .sql = "SELECT pg_sleep($1 / 1000.0) IS NOT NULL",
    .read_only = true,
};

const struct db_stmt END_BACKEND = {
    .name = "probe_end_backend",
    .in = "",
    .out = "f",
    .sql = "SELECT pg_terminate_backend(pg_backend_pid())",
};

const struct db_stmt ADD_FATE = {
    .name = "probe_add_fate",
    .in = "u",
    .out = "",
    .sql = "INSERT INTO fate VALUES ($1)",
};

const struct db_stmt ECHO_VALUES = {
    .name = "probe_echo_values",
    .in = "iutbfdjn",
    .out = "iutbfdjn",
    .sql = "SELECT $1, $2, $3, $4, $5, $6, $7, $8",
    .read_only = true,
};

const struct db_stmt ECHO_ARRAYS = {
    .name = "probe_echo_arrays",
    .in = "IUTDJFB",
    .out = "IUTDTii",
    .sql = "SELECT $1, $2, $3, $4, ARRAY(SELECT unnest($5) ->> 'a'),"
           " (SELECT count(*) FROM unnest($6) AS f (value) WHERE value),"
           " (SELECT sum(length(value)) FROM unnest($7) AS b (value))",
    .read_only = true,
};

const struct db_stmt MANY_NUMBERS = {
    .name = "probe_many_numbers",
    .in = "i",
    .out = "it",
    .sql = "SELECT n, repeat('x', 100) FROM generate_series(1, $1) AS n ORDER BY n",
    .read_only = true,
};

static const struct db_stmt *const STATEMENTS[] = {
    &ADD_ITEM,    &FIND_ITEM, &LOCK_ITEM,   &CHANGE_ITEM, &LIST_ITEMS,   &DIVIDE, &SLEEP,
    &END_BACKEND, &ADD_FATE,  &ECHO_VALUES, &ECHO_ARRAYS, &MANY_NUMBERS, NULL};

static const struct db_stmt *const *const TABLES[] = {STATEMENTS, NULL};
static const char *const PARTITIONED[] = {"ledger", NULL};

const struct service PROBE = {
    .name = "probe",
    .doc = "What the chassis' tests run",
    .statements = TABLES,
    .migrations = MIGRATIONS,
    .partitioned = PARTITIONED,
};

void given_item(struct daemon *daemon, const char *name, int64_t quantity)
{
    struct db_tx *tx = NULL;

    then_ok(db_begin(world_ctx(daemon), &tx));
    then_ok(db_later(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text(name), db_int(quantity))));
    then_ok(db_commit(&tx));
}
