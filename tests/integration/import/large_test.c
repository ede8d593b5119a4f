/* large_test.c - a file of 20,000 rows: constant memory, and runners that are replaced half way. */
#include "suites.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_OF_A_PRODUCT = 4, LARGE_PRODUCTS = 5000, GROWTH_KB_MAX = 16 * 1024 };

/* Every product has three variants and an image row; every hundredth a bad price. */
static struct text given_file(int products)
{
    struct buffer file;

    buffer_init(&file, world_client()->arena, 8 * 1024 * 1024);
    buffer_puts(&file, "Handle,Title,Body (HTML),Tags,Published,Option1 Name,Option1 Value,"
                       "Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Image Src\n");
    for (int i = 0; i < products; i++) {
        buffer_printf(
            &file,
            "product-%d,Product %d,\"<p>Number %d, with a description that goes over\n"
            "two lines and has \"\"quotes\"\" in it. %0200d</p>\",\"a, b, c\",true,Size,S,"
            ",100,%d,%d.50,https://cdn.example.org/%d.jpg\n",
            i, i, i, 0, i % 50, 10 + i % 90, i);
        buffer_printf(&file, "product-%d,,,,,,M,,100,%d,%d.75,\n", i, i % 40, 10 + i % 90);
        buffer_printf(&file, "product-%d,,,,,,L,,100,%d,%s,\n", i, i % 30,
                      i % 100 == 99 ? "free" : "99");
        buffer_printf(&file, "product-%d,,,,,,,,,,,https://cdn.example.org/%d-b.jpg\n", i, i);
    }
    return (struct text){file.data, file.length};
}

static int64_t resident_kb(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void until_rows(const char *id, int64_t rows)
{
    int64_t deadline_us = clock_monotonic_us() + 150 * INT64_C(1000000);
    while (import_count(id, "rows_read") < rows && import_count(id, "state") < 4) {
        ck_assert_msg(clock_monotonic_us() < deadline_us, "the import does not get on");
        usleep(5000);
    }
}

static void then_complete(const char *id, int64_t products)
{
    ck_assert_int_eq(import_count(id, "state"), 4);
    ck_assert_int_eq(import_count(id, "rows_read"), products * ROWS_OF_A_PRODUCT);
    ck_assert_int_eq(import_count(id, "rows_refused"), products / 100);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.import_error"), products / 100);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.product"), products);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.variant"),
                     3 * products - products / 100);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pricing.price"),
                     3 * products - products / 100);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.outbox"
                                   " WHERE topic = 'catalog.product.events.v1'"
                                   " AND aggregate_version = 1"),
                     products);
}

/* All daemons live in this process; what grows after a tenth of the file would grow with it. */
START_TEST(twenty_thousand_rows_take_no_more_memory_than_two_thousand)
{
    const int64_t rows = LARGE_PRODUCTS * ROWS_OF_A_PRODUCT;
    given_shop();
    given_gateway("30s");
    struct text file = given_file(LARGE_PRODUCTS);
    int64_t start_us = clock_monotonic_us();

    const char *id = when_uploading(file);
    until_rows(id, rows / 10);
    int64_t early_kb = resident_kb();
    until_rows(id, rows * 9 / 10);
    int64_t late_kb = resident_kb();
    until_ended(id);
    int64_t took_ms = (clock_monotonic_us() - start_us) / 1000;

    then_complete(id, LARGE_PRODUCTS);
    fprintf(stderr,
            "# %zu bytes, %" PRId64 " rows in %" PRId64 " ms: %" PRId64 " rows/s; memory %" PRId64
            " KiB after a tenth, %" PRId64 " KiB at the end\n",
            file.length, rows, took_ms, rows * 1000 / took_ms, early_kb, late_kb);
    ck_assert_int_lt(late_kb - early_kb, GROWTH_KB_MAX);
}
END_TEST

/* The first runner is taken for dead while it works: both go on for a moment. */
START_TEST(another_runner_goes_on_without_loss_or_doubling)
{
    enum { PRODUCTS = 1000 };
    given_shop();
    given_gateway("30s");
    struct text file = given_file(PRODUCTS);
    const char *id = when_uploading(file);
    until_rows(id, 400);

    given_gateway("30s");
    while (import_count(id, "epoch") < 2 && import_count(id, "state") < 4) // each record renews it
        world_sql("UPDATE catalog.import SET lease_until = now() - interval '1 second'"
                  " WHERE id = '%s'",
                  id);
    until_ended(id);

    then_complete(id, PRODUCTS);
    ck_assert_int_ge(import_count(id, "epoch"), 2);
}
END_TEST

START_TEST(a_gateway_that_stops_leaves_the_rest_to_another)
{
    enum { PRODUCTS = 1000 };
    given_shop();
    struct daemon *first = given_gateway("30s");
    struct text file = given_file(PRODUCTS);
    const char *id = when_uploading(file);
    until_rows(id, 400);

    int64_t start_us = clock_monotonic_us();
    world_stop(first);
    ck_assert_int_lt(clock_monotonic_us() - start_us, 5000000);
    ck_assert_int_lt(import_count(id, "state"), 4);
    ck_assert_int_lt(import_count(id, "rows_read"), PRODUCTS * ROWS_OF_A_PRODUCT);
    given_gateway("30s");
    until_ended(id); // long before the first one's lease would have run out

    then_complete(id, PRODUCTS);
    ck_assert_int_eq(import_count(id, "products_created"), PRODUCTS);
    ck_assert_int_eq(import_count(id, "epoch"), 2);
}
END_TEST

void large_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "large");

    tcase_set_timeout(tcase, 400);
    tcase_add_test(tcase, twenty_thousand_rows_take_no_more_memory_than_two_thousand);
    tcase_add_test(tcase, another_runner_goes_on_without_loss_or_doubling);
    tcase_add_test(tcase, a_gateway_that_stops_leaves_the_rest_to_another);
}
