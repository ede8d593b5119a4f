/* import_test.c - an import as its uploader sees it. */
#include "suites.h"
#include "uploads.h"

#include <string.h>

struct status appending(const char *id, int64_t number, const char *data)
{
    Catalog__V1__AppendImportChunkRequest req = CATALOG__V1__APPEND_IMPORT_CHUNK_REQUEST__INIT;
    Catalog__V1__AppendImportChunkResponse rep = CATALOG__V1__APPEND_IMPORT_CHUNK_RESPONSE__INIT;
    req.import_id = id;
    req.number = number;
    req.data.data = arena_memdup(words, data, strlen(data));
    req.data.len = strlen(data);
    return catalog_append_import_chunk(world_ctx(catalog), &req, &rep);
}

struct status sealing(const char *id, int64_t count)
{
    Catalog__V1__SealImportRequest req = CATALOG__V1__SEAL_IMPORT_REQUEST__INIT;
    Catalog__V1__SealImportResponse rep = CATALOG__V1__SEAL_IMPORT_RESPONSE__INIT;
    req.import_id = id;
    req.chunk_count = count;
    return catalog_seal_import(world_ctx(catalog), &req, &rep);
}

const char *given_upload(void)
{
    Catalog__V1__CreateImportRequest req = CATALOG__V1__CREATE_IMPORT_REQUEST__INIT;
    Catalog__V1__CreateImportResponse rep = CATALOG__V1__CREATE_IMPORT_RESPONSE__INIT;
    Catalog__V1__ImportTarget target = CATALOG__V1__IMPORT_TARGET__INIT;
    target.channel_id = target.price_list_id = target.warehouse_id = channel;
    target.locale = "en";
    req.target = &target;
    req.file_name = "products.csv";
    then_ok(catalog_create_import(world_ctx(catalog), &req, &rep));
    return rep.import->id;
}

const char *given_sealed_import(void)
{
    const char *id = given_upload();
    then_ok(appending(id, 0, "Handle,Title\n"));
    then_ok(appending(id, 1, "mug,Mug\n"));
    then_ok(sealing(id, 2));
    return id;
}

Catalog__V1__Import *reading(const char *id)
{
    Catalog__V1__GetImportRequest req = CATALOG__V1__GET_IMPORT_REQUEST__INIT;
    Catalog__V1__GetImportResponse rep = CATALOG__V1__GET_IMPORT_RESPONSE__INIT;
    req.id = id;
    then_ok(catalog_get_import(world_ctx(catalog), &req, &rep));
    return rep.import;
}

START_TEST(a_chunk_twice_is_one_chunk)
{
    given_catalog();
    const char *id = given_upload();

    then_ok(appending(id, 0, "one"));
    then_ok(appending(id, 0, "one"));
    then_reason(appending(id, 0, "other"), STATUS_ALREADY_EXISTS, "IMPORT_CHUNK_DIFFERS");
    then_reason(appending(channel, 0, "one"), STATUS_NOT_FOUND, "IMPORT_NOT_FOUND");

    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.import_chunk"), 1);
}
END_TEST

START_TEST(an_upload_is_sealed_when_every_chunk_is_there)
{
    given_catalog();
    const char *id = given_upload();
    then_ok(appending(id, 0, "one"));
    then_ok(appending(id, 2, "three"));

    then_reason(sealing(id, 3), STATUS_FAILED_PRECONDITION, "IMPORT_CHUNKS_MISSING");
    then_reason(sealing(id, 1), STATUS_FAILED_PRECONDITION, "IMPORT_CHUNKS_MISSING");
    then_ok(appending(id, 1, "two"));
    then_ok(sealing(id, 3));
    then_ok(sealing(id, 3));

    then_reason(sealing(id, 2), STATUS_FAILED_PRECONDITION, "IMPORT_NOT_UPLOADING");
    then_reason(appending(id, 3, "four"), STATUS_FAILED_PRECONDITION, "IMPORT_NOT_UPLOADING");
    then_ok(appending(id, 1, "two")); // a late retry
    Catalog__V1__Import *import = reading(id);
    ck_assert_int_eq(import->state, CATALOG__V1__IMPORT_STATE__IMPORT_STATE_PENDING);
    ck_assert_int_eq(import->chunk_count, 3);
    ck_assert_str_eq(import->target->warehouse_id, channel);
    ck_assert_str_eq(import->file_name, "products.csv");
}
END_TEST

START_TEST(imports_are_listed_newest_first)
{
    given_catalog();
    const char *ids[] = {given_upload(), given_upload(), given_upload()};
    Catalog__V1__ListImportsRequest req = CATALOG__V1__LIST_IMPORTS_REQUEST__INIT;
    Catalog__V1__ListImportsResponse rep = CATALOG__V1__LIST_IMPORTS_RESPONSE__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    page.page_size = 2;
    req.page = &page;

    then_ok(catalog_list_imports(world_ctx(catalog), &req, &rep));

    ck_assert_uint_eq(rep.n_imports, 2);
    ck_assert_str_eq(rep.imports[0]->id, ids[2]);
    page.page_token = rep.page->next_page_token;
    then_ok(catalog_list_imports(world_ctx(catalog), &req, &rep));
    ck_assert_uint_eq(rep.n_imports, 1);
    ck_assert_str_eq(rep.imports[0]->id, ids[0]);
}
END_TEST

START_TEST(a_locale_that_is_none_is_refused)
{
    given_catalog();
    Catalog__V1__CreateImportRequest req = CATALOG__V1__CREATE_IMPORT_REQUEST__INIT;
    Catalog__V1__CreateImportResponse rep = CATALOG__V1__CREATE_IMPORT_RESPONSE__INIT;
    Catalog__V1__ImportTarget target = CATALOG__V1__IMPORT_TARGET__INIT;
    target.locale = "english";
    req.target = &target;

    then_reason(catalog_create_import(world_ctx(catalog), &req, &rep), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
}
END_TEST

void import_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "import");

    tcase_add_test(tcase, a_chunk_twice_is_one_chunk);
    tcase_add_test(tcase, an_upload_is_sealed_when_every_chunk_is_there);
    tcase_add_test(tcase, imports_are_listed_newest_first);
    tcase_add_test(tcase, a_locale_that_is_none_is_refused);
}
