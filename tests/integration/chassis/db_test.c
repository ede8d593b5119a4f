/* db_test.c - transactions against a real Postgres. */
#include "probe.h"

#include "chassis/db.h"
#include "common/clock.h"

#include <string.h>

START_TEST(a_committed_row_is_there_and_a_rolled_back_one_is_not)
{
    struct daemon *probe = world_start(&PROBE);
    struct ctx *ctx = world_ctx(probe);
    struct db_tx *tx = NULL;

    given_item(probe, "kept", 1);
    then_ok(db_begin(ctx, &tx));
    then_ok(db_exec(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text("lost"), db_int(1)), NULL));
    db_rollback(&tx);

    ck_assert_ptr_null(tx);
    ck_assert_str_eq(world_sql_text("SELECT string_agg(name, ',') FROM item"), "kept");
}
END_TEST

START_TEST(every_scalar_type_comes_back_as_it_went)
{
    struct daemon *probe = world_start(&PROBE);
    struct ctx *ctx = world_ctx(probe);
    struct uuid id = uuid_v7();
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin_read(ctx, &tx));
    then_ok(db_one(tx, &ECHO_VALUES,
                   DB_ARGS(db_int(INT64_MIN), db_uuid(id), db_text("naïve"), db_blob("a\0b", 3),
                           db_bool(true), db_time(1763900000123456), db_json("{\"a\": [1]}"),
                           db_numeric("-12345678901234567890.000123")),
                   &rows));
    db_rollback(&tx);

    ck_assert_int_eq(db_get_int(&rows, 0, 0), INT64_MIN);
    ck_assert(uuid_equal(db_get_uuid(&rows, 0, 1), id));
    ck_assert_str_eq(db_get_text(&rows, 0, 2), "naïve");
    ck_assert_uint_eq(db_get_bytes(&rows, 0, 3).length, 3);
    ck_assert(memcmp(db_get_bytes(&rows, 0, 3).data, "a\0b", 3) == 0);
    ck_assert(db_get_bool(&rows, 0, 4));
    ck_assert_int_eq(db_get_time(&rows, 0, 5), 1763900000123456);
    ck_assert_str_eq(db_get_text(&rows, 0, 6), "{\"a\": [1]}");
    ck_assert_str_eq(db_get_text(&rows, 0, 7), "-12345678901234567890.000123");
}
END_TEST

START_TEST(null_comes_back_as_null_and_reads_as_nothing)
{
    struct ctx *ctx = world_ctx(world_start(&PROBE));
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin_read(ctx, &tx));
    then_ok(db_one(tx, &ECHO_VALUES,
                   DB_ARGS(db_null('i'), db_uuid_or_null((struct uuid){{0}}), db_text(NULL),
                           db_null('b'), db_null('f'), db_time_or_null(0), db_json(NULL),
                           db_numeric(NULL)),
                   &rows));
    db_rollback(&tx);

    for (size_t i = 0; i < rows.columns; i++)
        ck_assert(db_is_null(&rows, 0, i));
    ck_assert_int_eq(db_get_int(&rows, 0, 0), 0);
    ck_assert(uuid_is_nil(db_get_uuid(&rows, 0, 1)));
    ck_assert_ptr_null(db_get_text(&rows, 0, 2));
    ck_assert_int_eq(db_get_time(&rows, 0, 5), 0);
}
END_TEST

static const char *const NUMERICS[] = {"0",
                                       "1",
                                       "-1",
                                       "10000",
                                       "9999",
                                       "0.1",
                                       "0.0001",
                                       "0.00001",
                                       "-0.50",
                                       "1.10",
                                       "100000000.0",
                                       "123456789012345678901234567890",
                                       "0.00000000000000000001",
                                       "NaN",
                                       "1000000.000001"};

START_TEST(a_numeric_keeps_every_digit)
{
    struct ctx *ctx = world_ctx(world_start(&PROBE));
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin_read(ctx, &tx));
    for (size_t i = 0; i < ARRAY_LEN(NUMERICS); i++) {
        then_ok(db_one(tx, &ECHO_VALUES,
                       DB_ARGS(db_null('i'), db_null('u'), db_null('t'), db_null('b'), db_null('f'),
                               db_null('d'), db_null('j'), db_numeric(NUMERICS[i])),
                       &rows));
        ck_assert_str_eq(db_get_text(&rows, 0, 7), NUMERICS[i]);
    }
    db_rollback(&tx);
}
END_TEST

START_TEST(arrays_come_back_element_by_element)
{
    struct ctx *ctx = world_ctx(world_start(&PROBE));
    int64_t numbers[] = {1, -2, INT64_MAX};
    int64_t times[] = {1, 1763900000000000};
    struct uuid ids[] = {uuid_v7(), uuid_v7()};
    const char *texts[] = {"a", NULL, ""};
    const char *jsons[] = {"{\"a\":\"x\"}", "{\"a\":\"y\"}"};
    bool flags[] = {true, false, true};
    struct db_bytes blobs[] = {{"abc", 3}, {NULL, 0}, {"de", 2}};
    struct db_tx *tx = NULL;
    struct db_rows rows;
    size_t count;

    then_ok(db_begin_read(ctx, &tx));
    then_ok(db_one(tx, &ECHO_ARRAYS,
                   DB_ARGS(db_ints(numbers, 3), db_uuids(ids, 2), db_texts(texts, 3),
                           db_times(times, 2), db_jsons(jsons, 2), db_bools(flags, 3),
                           db_blobs(blobs, 3)),
                   &rows));
    db_rollback(&tx);

    ck_assert_mem_eq(db_get_ints(ctx, &rows, 0, 0, &count), numbers, sizeof numbers);
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(db_get_uuids(ctx, &rows, 0, 1, &count), ids, sizeof ids);
    ck_assert_uint_eq(count, 2);
    const char *const *back = db_get_texts(ctx, &rows, 0, 2, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(back[0], "a");
    ck_assert_ptr_null(back[1]);
    ck_assert_str_eq(back[2], "");
    ck_assert_mem_eq(db_get_ints(ctx, &rows, 0, 3, &count), times, sizeof times);
    ck_assert_str_eq(db_get_texts(ctx, &rows, 0, 4, &count)[1], "y");
    ck_assert_int_eq(db_get_int(&rows, 0, 5), 2);
    ck_assert_int_eq(db_get_int(&rows, 0, 6), 5);
}
END_TEST

START_TEST(empty_arrays_are_empty_and_not_null)
{
    struct ctx *ctx = world_ctx(world_start(&PROBE));
    struct db_tx *tx = NULL;
    struct db_rows rows;
    size_t count = 7;

    then_ok(db_begin_read(ctx, &tx));
    then_ok(
        db_one(tx, &ECHO_ARRAYS,
               DB_ARGS(db_ints(NULL, 0), db_uuids(NULL, 0), db_texts(NULL, 0), db_times(NULL, 0),
                       db_jsons(NULL, 0), db_bools(NULL, 0), db_blobs(NULL, 0)),
               &rows));
    db_rollback(&tx);

    ck_assert(!db_is_null(&rows, 0, 0));
    (void)db_get_ints(ctx, &rows, 0, 0, &count);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(statements_sent_for_later_run_in_order_before_the_one_that_waits)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_later(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text("mug"), db_int(1))));
    for (int i = 0; i < 10; i++)
        then_ok(db_later(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(i))));
    then_ok(db_one(tx, &FIND_ITEM, DB_ARGS(db_text("mug")), &rows));

    ck_assert_int_eq(db_get_int(&rows, 0, 1), 46);
    then_ok(db_commit(&tx));
    ck_assert_int_eq(world_sql_int("SELECT quantity FROM item"), 46);
}
END_TEST

START_TEST(a_batch_fills_the_rows_of_each_call)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    given_item(probe, "mug", 3);
    given_item(probe, "tee", 4);
    struct db_call calls[] = {{&FIND_ITEM, DB_ARGS(db_text("tee")), {0}},
                              {&LIST_ITEMS, DB_NONE, {0}},
                              {&FIND_ITEM, DB_ARGS(db_text("cup")), {0}}};
    then_ok(db_begin_read(world_ctx(probe), &tx));
    then_ok(db_batch(tx, calls, ARRAY_LEN(calls)));
    then_ok(db_commit(&tx));

    ck_assert_int_eq(db_get_int(&calls[0].rows, 0, 1), 4);
    ck_assert_uint_eq(calls[1].rows.count, 2);
    ck_assert_uint_eq(calls[2].rows.count, 0);
}
END_TEST

START_TEST(a_result_of_many_megabytes_arrives_whole)
{
    struct ctx *ctx = world_ctx(world_start(&PROBE));
    struct db_tx *tx = NULL;
    struct db_call calls[] = {{&MANY_NUMBERS, DB_ARGS(db_int(50000)), {0}},
                              {&MANY_NUMBERS, DB_ARGS(db_int(50000)), {0}}};

    then_ok(db_begin_read(ctx, &tx));
    then_ok(db_batch(tx, calls, ARRAY_LEN(calls)));
    then_ok(db_commit(&tx));

    ck_assert_int_eq(db_get_int(&calls[1].rows, 49999, 0), 50000);
    ck_assert_uint_eq(strlen(db_get_text(&calls[0].rows, 0, 1)), 100);
}
END_TEST

START_TEST(an_error_of_a_later_statement_surfaces_at_the_next_wait_and_undoes_all)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;
    struct db_rows rows;

    given_item(probe, "mug", 1);
    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_later(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text("tee"), db_int(1))));
    then_ok(db_later(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text("mug"), db_int(1))));
    then_reason(db_many(tx, &LIST_ITEMS, DB_NONE, &rows), STATUS_ALREADY_EXISTS, "ALREADY_EXISTS");
    ck_assert_str_eq(db_sqlstate(tx), "23505");
    ck_assert_str_eq(db_constraint(tx), "item_name");
    then_code(db_commit(&tx), STATUS_ALREADY_EXISTS);

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM item"), 1);
    given_item(probe, "cup", 1); // the connection is in step again
}
END_TEST

START_TEST(an_error_of_a_later_statement_surfaces_at_commit)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    given_item(probe, "mug", 1);
    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_later(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(-2))));
    struct status status = db_commit(&tx);

    then_code(status, STATUS_INTERNAL);
    ck_assert_msg(strstr(status.detail, "23514") != NULL, "%s", status.detail);
    ck_assert_ptr_null(tx);
    ck_assert_int_eq(world_sql_int("SELECT quantity FROM item"), 1);
}
END_TEST

START_TEST(one_row_means_exactly_one)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;
    struct db_rows rows;

    given_item(probe, "mug", 1);
    given_item(probe, "tee", 1);
    then_ok(db_begin_read(world_ctx(probe), &tx));
    then_code(db_one(tx, &FIND_ITEM, DB_ARGS(db_text("cup")), &rows), STATUS_NOT_FOUND);
    then_code(db_one(tx, &LIST_ITEMS, DB_NONE, &rows), STATUS_INTERNAL);
    db_rollback(&tx);
}
END_TEST

START_TEST(a_failed_read_does_not_spoil_the_next_one)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin_read(world_ctx(probe), &tx));
    then_code(db_one(tx, &DIVIDE, DB_ARGS(db_int(1), db_int(0)), &rows), STATUS_INTERNAL);
    then_ok(db_one(tx, &DIVIDE, DB_ARGS(db_int(6), db_int(3)), &rows));
    then_ok(db_commit(&tx));
    ck_assert_int_eq(db_get_int(&rows, 0, 0), 2);
}
END_TEST

START_TEST(a_writing_statement_is_refused_without_a_transaction)
{
    struct db_tx *tx = NULL;

    then_ok(db_begin_read(world_ctx(world_start(&PROBE)), &tx));
    then_code(db_exec(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(1)), NULL), STATUS_INTERNAL);
    db_rollback(&tx);
}
END_TEST

START_TEST(going_back_to_the_savepoint_undoes_one_record_only)
{
    static const char *const NAMES[] = {"first", "second", "first", "fourth"};
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    then_ok(db_begin(world_ctx(probe), &tx));
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        then_ok(db_savepoint(tx));
        then_ok(db_later(tx, &ADD_ITEM, DB_ARGS(db_uuid(uuid_v7()), db_text(NAMES[i]), db_int(1))));
        struct status status = db_flush(tx);
        if (i == 2) {
            then_code(status, STATUS_ALREADY_EXISTS);
            then_ok(db_rollback_to_savepoint(tx));
            ck_assert_str_eq(db_sqlstate(tx), "");
        } else {
            then_ok(status);
        }
    }
    then_ok(db_commit(&tx));

    ck_assert_str_eq(world_sql_text("SELECT string_agg(name, ',' ORDER BY name) FROM item"),
                     "first,fourth,second");
}
END_TEST

START_TEST(going_back_drops_what_was_sent_but_not_waited_for)
{
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *tx = NULL;

    given_item(probe, "mug", 1);
    then_ok(db_begin(world_ctx(probe), &tx));
    then_ok(db_savepoint(tx));
    then_ok(db_later(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(-5))));
    then_ok(db_rollback_to_savepoint(tx));
    then_ok(db_later(tx, &CHANGE_ITEM, DB_ARGS(db_text("mug"), db_int(5))));
    then_ok(db_commit(&tx));

    ck_assert_int_eq(world_sql_int("SELECT quantity FROM item"), 6);
}
END_TEST

START_TEST(a_lock_that_is_not_given_in_time_is_a_conflict)
{
    world_setenv("PROBE_LOCK_TIMEOUT", "50ms");
    struct daemon *probe = world_start(&PROBE);
    struct db_tx *holder = NULL, *waiter = NULL;
    struct db_rows rows;

    given_item(probe, "mug", 1);
    then_ok(db_begin(world_ctx(probe), &holder));
    then_ok(db_one(holder, &LOCK_ITEM, DB_ARGS(db_text("mug")), &rows));
    then_ok(db_begin(world_ctx(probe), &waiter));
    then_reason(db_one(waiter, &LOCK_ITEM, DB_ARGS(db_text("mug")), &rows), STATUS_ABORTED,
                "CONFLICT");
    db_rollback(&waiter);
    then_ok(db_commit(&holder));
}
END_TEST

START_TEST(a_statement_beyond_its_time_out_is_ended)
{
    world_setenv("PROBE_STATEMENT_TIMEOUT", "50ms");
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin_read(world_ctx(world_start(&PROBE)), &tx));
    then_code(db_one(tx, &SLEEP, DB_ARGS(db_int(5000)), &rows), STATUS_DEADLINE_EXCEEDED);
    db_rollback(&tx);
}
END_TEST

START_TEST(a_statement_beyond_the_deadline_is_cancelled_and_its_connection_survives)
{
    world_setenv("PROBE_DATABASE_POOL", "1");
    struct daemon *probe = world_start(&PROBE);
    struct ctx *ctx = world_ctx(probe);
    int64_t begun_us = clock_monotonic_us();
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin(ctx, &tx));
    then_ok(db_one(tx, &DIVIDE, DB_ARGS(db_int(1), db_int(1)), &rows));
    ctx->deadline_us = clock_monotonic_us() + 50000;
    db_rollback(&tx);
    int64_t backend = world_sql_int("SELECT pid FROM pg_stat_activity WHERE usename = 'probe_app'");
    then_ok(db_begin(ctx, &tx));
    then_code(db_one(tx, &SLEEP, DB_ARGS(db_int(4000)), &rows), STATUS_DEADLINE_EXCEEDED);
    db_rollback(&tx);

    ck_assert_int_lt(clock_monotonic_us() - begun_us, 2000000);
    then_ok(db_begin_read(world_ctx(probe), &tx));
    then_ok(db_one(tx, &DIVIDE, DB_ARGS(db_int(4), db_int(2)), &rows));
    db_rollback(&tx);
    ck_assert_int_eq(world_sql_int("SELECT pid FROM pg_stat_activity WHERE usename = 'probe_app'"),
                     backend);
}
END_TEST

START_TEST(a_statement_that_is_not_listed_is_named)
{
    static const struct db_stmt UNLISTED = {
        .name = "probe_unlisted", .in = "", .out = "i", .sql = "SELECT 1::int8", .read_only = true};
    struct db_tx *tx = NULL;
    struct db_rows rows;

    then_ok(db_begin_read(world_ctx(world_start(&PROBE)), &tx));
    struct status status = db_one(tx, &UNLISTED, DB_NONE, &rows);
    then_code(status, STATUS_INTERNAL);
    ck_assert_ptr_nonnull(strstr(status.detail, "probe_unlisted"));
    db_rollback(&tx);
}
END_TEST

int main(void)
{
    static const struct service *const SERVICES[] = {&PROBE, NULL};
    Suite *suite = suite_create("chassis database");
    TCase *values = world_case(suite, "values");
    TCase *pipeline = world_case(suite, "pipeline");
    TCase *limits = world_case(suite, "limits");

    tcase_add_test(values, every_scalar_type_comes_back_as_it_went);
    tcase_add_test(values, null_comes_back_as_null_and_reads_as_nothing);
    tcase_add_test(values, a_numeric_keeps_every_digit);
    tcase_add_test(values, arrays_come_back_element_by_element);
    tcase_add_test(values, empty_arrays_are_empty_and_not_null);
    tcase_add_test(pipeline, a_committed_row_is_there_and_a_rolled_back_one_is_not);
    tcase_add_test(pipeline, statements_sent_for_later_run_in_order_before_the_one_that_waits);
    tcase_add_test(pipeline, a_batch_fills_the_rows_of_each_call);
    tcase_add_test(pipeline, a_result_of_many_megabytes_arrives_whole);
    tcase_add_test(pipeline,
                   an_error_of_a_later_statement_surfaces_at_the_next_wait_and_undoes_all);
    tcase_add_test(pipeline, an_error_of_a_later_statement_surfaces_at_commit);
    tcase_add_test(pipeline, one_row_means_exactly_one);
    tcase_add_test(pipeline, a_failed_read_does_not_spoil_the_next_one);
    tcase_add_test(pipeline, a_writing_statement_is_refused_without_a_transaction);
    tcase_add_test(pipeline, going_back_to_the_savepoint_undoes_one_record_only);
    tcase_add_test(pipeline, going_back_drops_what_was_sent_but_not_waited_for);
    tcase_add_test(limits, a_lock_that_is_not_given_in_time_is_a_conflict);
    tcase_add_test(limits, a_statement_beyond_its_time_out_is_ended);
    tcase_add_test(limits,
                   a_statement_beyond_the_deadline_is_cancelled_and_its_connection_survives);
    tcase_add_test(limits, a_statement_that_is_not_listed_is_named);
    return world_run(suite, SERVICES);
}
