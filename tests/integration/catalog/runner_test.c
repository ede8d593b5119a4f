/* runner_test.c - an import as its runner sees it: one runner at a time, and none that is late. */
#include "uploads.h"

static struct status leasing(int64_t lease_ms, Catalog__V1__LeaseImportResponse *rep)
{
    Catalog__V1__LeaseImportRequest req = CATALOG__V1__LEASE_IMPORT_REQUEST__INIT;
    catalog__v1__lease_import_response__init(rep);
    req.runner = "runner-1";
    req.lease_ms = lease_ms;
    return catalog_lease_import(world_ctx(catalog), &req, rep);
}

static Catalog__V1__RecordImportProgressRequest progress(const char *id, int64_t epoch)
{
    static Catalog__V1__ImportCounts counts = CATALOG__V1__IMPORT_COUNTS__INIT;
    Catalog__V1__RecordImportProgressRequest req =
        CATALOG__V1__RECORD_IMPORT_PROGRESS_REQUEST__INIT;
    counts.rows_read = 7;
    counts.stock_changed = 3;
    req.import_id = id;
    req.epoch = epoch;
    req.lease_ms = 60000;
    req.counts = &counts;
    req.runner_state.data = (uint8_t *)"at 12";
    req.runner_state.len = 5;
    return req;
}

static struct status recording(const Catalog__V1__RecordImportProgressRequest *req)
{
    Catalog__V1__RecordImportProgressResponse rep =
        CATALOG__V1__RECORD_IMPORT_PROGRESS_RESPONSE__INIT;
    return catalog_record_import_progress(world_ctx(catalog), req, &rep);
}

START_TEST(the_oldest_import_is_leased_once)
{
    given_catalog();
    Catalog__V1__LeaseImportResponse rep;
    given_upload(); // not sealed
    const char *first = given_sealed_import(), *second = given_sealed_import();

    then_ok(leasing(60000, &rep));
    ck_assert_str_eq(rep.import->id, first);
    ck_assert_int_eq(rep.epoch, 1);
    ck_assert_int_eq(rep.import->state, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_RUNNING);
    ck_assert_uint_eq(rep.runner_state.len, 0);
    then_ok(leasing(60000, &rep));
    ck_assert_str_eq(rep.import->id, second);
    then_reason(leasing(60000, &rep), STATUS_NOT_FOUND, "NO_IMPORT_WAITING");
}
END_TEST

START_TEST(a_runner_goes_on_where_another_stopped)
{
    given_catalog();
    Catalog__V1__LeaseImportResponse rep;
    const char *id = given_sealed_import();
    then_ok(leasing(60000, &rep));
    Catalog__V1__RecordImportProgressRequest first = progress(id, 1);
    then_ok(recording(&first));
    world_sql("UPDATE catalog.import SET lease_until = clock_timestamp() - interval '1 second'");

    then_ok(leasing(60000, &rep));

    ck_assert_int_eq(rep.epoch, 2);
    ck_assert_uint_eq(rep.runner_state.len, 5);
    ck_assert_mem_eq(rep.runner_state.data, "at 12", 5);
    ck_assert_int_eq(rep.import->counts->rows_read, 7);
    ck_assert_int_eq(rep.import->counts->stock_changed, 3);
    then_reason(recording(&first), STATUS_FAILED_PRECONDITION, "IMPORT_LEASE_LOST");
}
END_TEST

START_TEST(chunks_are_read_by_number)
{
    given_catalog();
    Catalog__V1__ReadImportChunkRequest req = CATALOG__V1__READ_IMPORT_CHUNK_REQUEST__INIT;
    Catalog__V1__ReadImportChunkResponse rep = CATALOG__V1__READ_IMPORT_CHUNK_RESPONSE__INIT;
    req.import_id = given_sealed_import();
    req.number = 1;

    then_ok(catalog_read_import_chunk(world_ctx(catalog), &req, &rep));
    ck_assert_uint_eq(rep.data.len, 8);
    ck_assert_mem_eq(rep.data.data, "mug,Mug\n", 8);
    req.number = 2;
    then_reason(catalog_read_import_chunk(world_ctx(catalog), &req, &rep), STATUS_NOT_FOUND,
                "IMPORT_CHUNK_NOT_FOUND");
}
END_TEST

START_TEST(errors_are_kept_once_and_read_in_line_order)
{
    given_catalog();
    Catalog__V1__LeaseImportResponse lease;
    const char *id = given_sealed_import();
    then_ok(leasing(60000, &lease));
    Catalog__V1__ImportError late = CATALOG__V1__IMPORT_ERROR__INIT;
    Catalog__V1__ImportError early = CATALOG__V1__IMPORT_ERROR__INIT;
    Catalog__V1__ImportError *errors[] = {&late, &early, &early};
    late.line_number = 12;
    late.reason = early.reason = "BAD_PRICE";
    late.column = early.column = "Variant Price";
    early.line_number = 9;
    early.value = "1,x";
    Catalog__V1__RecordImportProgressRequest record = progress(id, 1);
    record.n_errors = 3;
    record.errors = errors;

    then_ok(recording(&record));
    then_ok(recording(&record)); // the answer was lost

    Catalog__V1__ListImportErrorsRequest req = CATALOG__V1__LIST_IMPORT_ERRORS_REQUEST__INIT;
    Catalog__V1__ListImportErrorsResponse rep = CATALOG__V1__LIST_IMPORT_ERRORS_RESPONSE__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    page.page_size = 1;
    req.import_id = id;
    req.page = &page;
    then_ok(catalog_list_import_errors(world_ctx(catalog), &req, &rep));
    ck_assert_uint_eq(rep.n_errors, 1);
    ck_assert_int_eq(rep.errors[0]->line_number, 9);
    ck_assert_str_eq(rep.errors[0]->value, "1,x");
    page.page_token = rep.page->next_page_token;
    then_ok(catalog_list_import_errors(world_ctx(catalog), &req, &rep));
    ck_assert_uint_eq(rep.n_errors, 1);
    ck_assert_int_eq(rep.errors[0]->line_number, 12);
    ck_assert_str_eq(rep.page->next_page_token, "");
}
END_TEST

START_TEST(the_end_is_told_once_or_twice_the_same)
{
    given_catalog();
    Catalog__V1__LeaseImportResponse lease;
    const char *id = given_sealed_import();
    then_ok(leasing(60000, &lease));
    Catalog__V1__RecordImportProgressRequest last = progress(id, 1);
    last.final_state = CATALOG__V1__IMPORT_STATE__IMPORT_STATE_SUCCEEDED;
    last.n_ignored_columns = 1;
    last.ignored_columns = (const char *[]){"Colour \"x\""};

    then_ok(recording(&last));
    then_ok(recording(&last));
    ck_assert_int_eq(reading(id)->state, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_SUCCEEDED);
    ck_assert_str_eq(reading(id)->ignored_columns[0], "Colour \"x\"");
    last.final_state = CATALOG__V1__IMPORT_STATE__IMPORT_STATE_FAILED;
    then_reason(recording(&last), STATUS_FAILED_PRECONDITION, "IMPORT_LEASE_LOST");
    last.final_state = CATALOG__V1__IMPORT_STATE__IMPORT_STATE_PENDING;
    then_reason(recording(&last), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(leasing(60000, &lease), STATUS_NOT_FOUND, "NO_IMPORT_WAITING");
}
END_TEST

START_TEST(files_of_old_imports_are_deleted)
{
    world_setenv("CATALOG_IMPORT_RETENTION", "1h");
    world_setenv("CATALOG_PURGE_INTERVAL", "20ms");
    given_catalog();
    Catalog__V1__LeaseImportResponse lease;
    const char *old = given_sealed_import(), *abandoned = given_upload(), *fresh = given_upload();
    then_ok(leasing(60000, &lease));
    Catalog__V1__RecordImportProgressRequest last = progress(old, 1);
    last.final_state = CATALOG__V1__IMPORT_STATE__IMPORT_STATE_SUCCEEDED;
    then_ok(recording(&last));
    then_ok(appending(abandoned, 0, "one"));
    then_ok(appending(fresh, 0, "one"));
    world_sql("UPDATE catalog.import SET update_time = update_time - interval '2 hours',"
              " finish_time = finish_time - interval '2 hours' WHERE id <> '%s'",
              fresh);

    world_until(1, "SELECT count(*) FROM catalog.import_chunk");

    world_until(2, "SELECT count(*) FROM catalog.import WHERE is_purged");
    ck_assert_int_eq(reading(abandoned)->state, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_FAILED);
    ck_assert_int_eq(reading(old)->state, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_SUCCEEDED);
    then_ok(appending(fresh, 1, "two"));
}
END_TEST

void runner_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "runner");

    tcase_add_test(tcase, the_oldest_import_is_leased_once);
    tcase_add_test(tcase, a_runner_goes_on_where_another_stopped);
    tcase_add_test(tcase, chunks_are_read_by_number);
    tcase_add_test(tcase, errors_are_kept_once_and_read_in_line_order);
    tcase_add_test(tcase, the_end_is_told_once_or_twice_the_same);
    tcase_add_test(tcase, files_of_old_imports_are_deleted);
}
