/* pool_test.c - the bounded pool, broken connections, and statements that do not fit the schema. */
#include "probe.h"

#include "chassis/http_client.h"
#include "common/clock.h"
#include "common/str.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 12, ROUNDS = 25 };

static void end_sessions(void)
{
    world_sql("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
              " WHERE usename = 'probe_app'");
}

START_TEST(an_exhausted_pool_refuses_at_the_deadline_and_serves_after_a_release)
{
    world_setenv("PROBE_DATABASE_POOL", "1");
    struct daemon *probe = world_start(&PROBE);
    struct ctx *hasty = world_ctx(probe);
    struct db_tx *holder = NULL, *tx = NULL;

    then_ok(db_begin(world_ctx(probe), &holder));
    hasty->deadline_us = clock_monotonic_us() + 50000;
    then_reason(db_begin(hasty, &tx), STATUS_UNAVAILABLE, "OVERLOADED");
    ck_assert_ptr_null(tx);
    db_rollback(&holder);
    then_ok(db_begin(world_ctx(probe), &tx));
    db_rollback(&tx);
}
END_TEST

static void *increase_often(void *closure)
{
    struct ctx *ctx = closure;

    for (int i = 0; i < ROUNDS; i++) {
        struct db_tx *tx = NULL;
        struct db_rows rows;
        then_ok(db_begin(ctx, &tx));
        then_ok(db_one(tx, &LOCK_ITEM, DB_ARGS(db_text("mug")), &rows));
        then_ok(db_later(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(1))));
        then_ok(db_commit(&tx));
    }
    return NULL;
}

START_TEST(many_threads_share_few_connections_and_lose_nothing)
{
    world_setenv("PROBE_DATABASE_POOL", "3");
    struct daemon *probe = world_start(&PROBE);
    pthread_t threads[THREADS];

    given_item(probe, "mug", 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, increase_often, world_ctx(probe));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    ck_assert_int_eq(world_sql_int("SELECT quantity FROM item"), THREADS * ROUNDS);
    ck_assert_int_le(
        world_sql_int("SELECT count(*) FROM pg_stat_activity WHERE usename = 'probe_app'"), 3);
}
END_TEST

START_TEST(sessions_that_ended_while_idle_are_replaced_unnoticed)
{
    struct daemon *probe = world_start(&PROBE);

    given_item(probe, "mug", 1);
    end_sessions();
    given_item(probe, "tee", 1);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM item"), 2);
}
END_TEST

START_TEST(a_session_that_ends_inside_a_transaction_is_unavailable_and_nothing_is_retried)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;
    struct db_rows rows;

    given_item(probe, "mug", 1);
    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_exec(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(5)), NULL));
    end_sessions();
    then_reason(db_one(tx, &LOCK_ITEM, DB_ARGS(db_text("mug")), &rows), STATUS_UNAVAILABLE,
                "DEPENDENCY_UNAVAILABLE");
    then_code(db_commit(&tx), STATUS_UNAVAILABLE);

    ck_assert_int_eq(world_sql_int("SELECT quantity FROM item"), 1);
    given_item(probe, "tee", 1);
}
END_TEST

START_TEST(a_session_that_ends_before_commit_was_reached_did_not_commit)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_later(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text("mug"), db_int(1))));
    then_ok(db_later(tx, &END_BACKEND, DB_NONE));
    then_reason(db_commit(&tx), STATUS_UNAVAILABLE, "DEPENDENCY_UNAVAILABLE");

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM item"), 0);
}
END_TEST

START_TEST(a_session_that_ends_inside_commit_leaves_the_outcome_unknown)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_exec(tx, &ADD_FATE, DB_ARGS(db_uuid(uuid_v7())), NULL));
    then_reason(db_commit(&tx), STATUS_UNAVAILABLE, "COMMIT_UNKNOWN");
    ck_assert_ptr_null(tx);
    given_item(probe, "mug", 1);
}
END_TEST

START_TEST(a_database_that_is_not_there_is_unavailable)
{
    world_setenv("PROBE_DATABASE_URL", "postgres://probe_app:test@127.0.0.1:9/none");
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    then_reason(db_begin(world_ctx(probe), &tx), STATUS_UNAVAILABLE, "DEPENDENCY_UNAVAILABLE");
}
END_TEST

/* What /readyz answers. */
static struct http_answer readiness(struct daemon *daemon)
{
    struct ctx *ctx = world_ctx(daemon);
    struct http_answer answer = {0};

    then_ok(
        http_fetch(ctx,
                   &(struct http_call){.method = "GET",
                                       .url = arena_printf(ctx->arena, "http://127.0.0.1:%d/readyz",
                                                           world_port(daemon)),
                                       .connect_timeout_ms = 1000,
                                       .timeout_ms = 5000,
                                       .allow_private = true},
                   &answer));
    return answer;
}

START_TEST(a_daemon_is_ready_when_its_database_answers_and_again_after_it_was_away)
{
    struct daemon *probe = world_start(&PROBE);

    ck_assert_int_eq(readiness(probe).status, 200);
    world_sql("ALTER DATABASE %s CONNECTION LIMIT 0", world_database());
    end_sessions();
    ck_assert_int_eq(readiness(probe).status, 503);
    world_sql("ALTER DATABASE %s CONNECTION LIMIT -1", world_database());
    ck_assert_int_eq(readiness(probe).status, 200);
}
END_TEST

static const struct {
    const char *label;
    struct db_stmt stmt;
    const char *told;
} UNFIT[] = {
    {"another column type", {"unfit", "", "i", "SELECT name FROM item", true}, "column 1 (name)"},
    {"another number of columns", {"unfit", "", "u", "SELECT id, name FROM item", true}, "columns"},
    {"no such column", {"unfit", "", "i", "SELECT weight FROM item", true}, "42703"},
    {"another parameter type",
     {"unfit", "t", "u", "SELECT id FROM item WHERE quantity = $1", true},
     "42883"},
    {"a parameter that `in` does not name",
     {"unfit", "t", "u", "SELECT id FROM item WHERE name = $1 AND quantity = $2", true},
     "parameters"},
    {"another service's table",
     {"unfit", "", "i", "SELECT 1::int8 FROM other.item", true},
     "42P01"},
};

START_TEST(a_statement_that_does_not_fit_the_schema_stops_every_transaction)
{
    static const struct db_stmt *unfit[] = {NULL, NULL};
    static const struct db_stmt *const *const TABLES[] = {unfit, NULL};
    static struct service service;
    struct db_tx *tx = NULL;

    unfit[0] = &UNFIT[_i].stmt;
    service = PROBE;
    service.statements = TABLES;
    struct daemon *daemon = world_start(&service);
    struct status status = db_begin(world_ctx(daemon), &tx);
    struct http_answer answer = readiness(daemon);

    ck_assert_int_eq(answer.status, 503);
    ck_assert_msg(strstr(answer.body, "STATEMENT_REFUSED") != NULL, "%s", answer.body);

    then_reason(status, STATUS_INTERNAL, "STATEMENT_REFUSED");
    ck_assert_msg(strstr(status.detail, "unfit") != NULL &&
                      strstr(status.detail, UNFIT[_i].told) != NULL,
                  "%s: %s", UNFIT[_i].label, status.detail);
}
END_TEST

START_TEST(two_statements_of_one_name_refuse_to_start)
{
    static const struct db_stmt AGAIN = {
        .name = "probe_add_item", .in = "", .out = "i", .sql = "SELECT 1::int8"};
    static const struct db_stmt *const TWICE[] = {&ADD_ITEM, &AGAIN, NULL};
    static const struct db_stmt *const *const TABLES[] = {TWICE, NULL};
    struct service service = PROBE;
    struct daemon *daemon;

    service.statements = TABLES;
    then_reason(world_try_start(&service, &daemon), STATUS_INTERNAL, "STATEMENT_REFUSED");
}
END_TEST

START_TEST(the_running_role_can_change_nothing_that_is_append_only)
{
    static const char *const FORBIDDEN[] = {"UPDATE", "DELETE", "TRUNCATE"};

    for (size_t i = 0; i < ARRAY_LEN(FORBIDDEN); i++)
        ck_assert_int_eq(world_sql_int("SELECT has_table_privilege('probe_app', 'probe.audit',"
                                       " '%s')::int",
                                       FORBIDDEN[i]),
                         0);
    ck_assert_int_eq(
        world_sql_int("SELECT has_schema_privilege('probe_app', 'probe', 'CREATE')::int"), 0);
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis pool");
    TCase *pool = world_case(suite, "pool");
    TCase *broken = world_case(suite, "broken");
    TCase *fit = world_case(suite, "fit");

    tcase_add_test(pool, an_exhausted_pool_refuses_at_the_deadline_and_serves_after_a_release);
    tcase_add_test(pool, many_threads_share_few_connections_and_lose_nothing);
    tcase_add_test(broken, sessions_that_ended_while_idle_are_replaced_unnoticed);
    tcase_add_test(broken,
                   a_session_that_ends_inside_a_transaction_is_unavailable_and_nothing_is_retried);
    tcase_add_test(broken, a_session_that_ends_before_commit_was_reached_did_not_commit);
    tcase_add_test(broken, a_session_that_ends_inside_commit_leaves_the_outcome_unknown);
    tcase_add_test(broken, a_database_that_is_not_there_is_unavailable);
    tcase_add_test(broken, a_daemon_is_ready_when_its_database_answers_and_again_after_it_was_away);
    tcase_add_loop_test(fit, a_statement_that_does_not_fit_the_schema_stops_every_transaction, 0,
                        ARRAY_LEN(UNFIT));
    tcase_add_test(fit, two_statements_of_one_name_refuse_to_start);
    tcase_add_test(fit, the_running_role_can_change_nothing_that_is_append_only);
    return world_run(suite, SERVICES);
}
