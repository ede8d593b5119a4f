/* draft_test.c - rows into products: which go in, which are refused, and why. */
#include "suites.h"

#include "import/draft.h"

#include <stdio.h>
#include <string.h>

static const char HEADER[] =
    "Handle,Title,Published,Status,Option1 Name,Option1 Value,Option2 Name,"
    "Option2 Value,Variant SKU,Variant Price,Variant Compare At Price,"
    "Variant Inventory Qty,Variant Grams,Variant Barcode,Image Src,Tags\n";

static struct report report;
static struct columns columns;

/* All rows are of one product. */
static struct draft *draft_of(const char *rows)
{
    static Catalog__V1__ImportTarget target = CATALOG__V1__IMPORT_TARGET__INIT;
    const char *file = arena_printf(arena, "%s%s", HEADER, rows);
    struct memory_source source = memory_source(file, strlen(file), 100);
    struct csv_reader *reader = csv_reader_create(arena, &source.source);
    struct csv_row row;
    bool is_end;

    target.locale = "en";
    target.channel_id = "0192f0e4-7a00-7000-8000-000000000001";
    report = (struct report){.arena = NULL};
    report_begin(&report, arena);
    ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert_ptr_null(columns_read(arena, &row, &columns));
    struct draft *draft =
        draft_begin(&(struct draft_source){arena, &report, &columns, &target}, "mug");
    for (;;) {
        ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
        if (is_end)
            return draft;
        ck_assert_int_eq(row.problem, CSV_GOOD);
        draft_add(draft, &row);
    }
}

static const char *refusals(void)
{
    struct buffer out;
    buffer_init(&out, arena, 100);
    buffer_puts(&out, "");
    for (size_t i = 0; i < report.count; i++)
        buffer_printf(&out, "%lld %s %s;", (long long)report.errors[i]->line_number,
                      report.errors[i]->reason, report.errors[i]->column);
    return out.data;
}

static const struct {
    const char *label, *rows, *refusals;
    int64_t variants; /* 0: the product is refused */
} CASES[] = {
    {"no options", "mug,Mug,,,Title,Default Title,,,,1.00,,,,,,\n", "", 1},
    {"no option columns filled", "mug,Mug,,,,,,,,1.00,,,,,,\n", "", 1},
    {"an option called Title with values of its own",
     "mug,Mug,,,Title,One,,,,1,,,,,,\nmug,,,,,Two,,,,1,,,,,,\n", "", 2},
    {"a second variant without options", "mug,Mug,,,,,,,A,1,,,,,,\nmug,,,,,,,,B,1,,,,,,\n",
     "3 DUPLICATE_OPTIONS Option1 Value;", 1},
    {"no title", "mug,,,,,,,,,1,,,,,,\nmug,,,,,,,,B,1,,,,,,\n",
     "2 MISSING_TITLE Title;3 PRODUCT_REFUSED ;", 0},
    {"a price in words", "mug,Mug,,,,,,,,free,,,,,,\n", "2 BAD_PRICE Variant Price;", 0},
    {"a negative price", "mug,Mug,,,,,,,,-1,,,,,,\n", "2 BAD_PRICE Variant Price;", 0},
    {"a price with an exponent", "mug,Mug,,,,,,,,1e3,,,,,,\n", "2 BAD_PRICE Variant Price;", 0},
    {"a price with a thousands separator", "mug,Mug,,,,,,,,\"1,000.00\",,,,,,\n",
     "2 BAD_PRICE Variant Price;", 0},
    {"a bad compare-at price", "mug,Mug,,,,,,,,1,x,,,,,\n", "2 BAD_PRICE Variant Compare At Price;",
     0},
    {"a fraction of a piece", "mug,Mug,,,,,,,,1,,1.5,,,,\n",
     "2 BAD_QUANTITY Variant Inventory Qty;", 0},
    {"weight in words", "mug,Mug,,,,,,,,1,,,light,,,\n", "2 BAD_WEIGHT Variant Grams;", 0},
    {"too heavy", "mug,Mug,,,,,,,,1,,,99999999,,,\n", "2 BAD_VALUE Variant Grams;", 0},
    {"an image that is no address", "mug,Mug,,,,,,,,1,,,,,javascript:alert(1),\n",
     "2 BAD_IMAGE Image Src;", 0},
    {"published maybe", "mug,Mug,maybe,,,,,,,1,,,,,,\n", "2 BAD_PUBLISHED Published;", 0},
    {"an unknown status", "mug,Mug,,sold,,,,,,1,,,,,,\n", "2 BAD_STATUS Status;", 0},
    {"the same option twice", "mug,Mug,,,Size,S,Size,M,,1,,,,,,\n", "2 BAD_OPTION Option2 Name;",
     0},
    {"a value of no option", "mug,Mug,,,Size,S,,,,1,,,,,,\nmug,,,,,M,,Red,,1,,,,,,\n",
     "3 UNKNOWN_OPTION Option2 Value;", 1},
    {"another name for an option", "mug,Mug,,,Size,S,,,,1,,,,,,\nmug,,,,Colour,M,,,,1,,,,,,\n",
     "3 UNKNOWN_OPTION Option1 Name;", 1},
    {"no value for an option", "mug,Mug,,,Size,S,,,,1,,,,,,\nmug,,,,,,,,B,1,,,,,,\n",
     "3 MISSING_OPTION_VALUE Option1 Value;", 1},
    {"only the first variant is bad", "mug,Mug,,,Size,S,,,,x,,,,,,\nmug,,,,,M,,,,1,,,,,,\n",
     "2 BAD_PRICE Variant Price;", 1},
    {"no variant is left", "mug,Mug,,,Size,S,,,,x,,,,,,\nmug,,,,,,,,,,,,,,https://a.b/c.jpg,\n",
     "2 BAD_PRICE Variant Price;3 NO_VARIANT ;", 0},
    {"the same SKU twice", "mug,Mug,,,Size,S,,,A,1,,,,,,\nmug,,,,,M,,,A,1,,,,,,\n",
     "3 DUPLICATE_SKU Variant SKU;", 1},
};

START_TEST(a_bad_row_is_refused_and_no_other)
{
    struct draft *draft = draft_of(CASES[_i].rows);
    bool is_sendable = draft_finish(draft);

    ck_assert_msg(str_equal(refusals(), CASES[_i].refusals), "%s: expected %s, got %s",
                  CASES[_i].label, CASES[_i].refusals, refusals());
    ck_assert_msg(is_sendable == (CASES[_i].variants > 0), "%s", CASES[_i].label);
    ck_assert_int_eq(is_sendable ? (int64_t)draft->product->n_variants : 0, CASES[_i].variants);
    ck_assert_int_eq(draft->refused_count, report.count);
}
END_TEST

START_TEST(values_are_taken_as_they_are_meant)
{
    struct draft *draft =
        draft_of("mug, Mug ,TRUE,,,,,,'0123,12.50,15,-4,99.5,'400638,http://a.b/c,\"x, ,y,x\"\n"
                 "mug,,,,,,,,,,,,,,http://a.b/c,\nmug,,,,,,,,,,,,,,http://a.b/d,\n");
    ck_assert(draft_finish(draft));
    const Catalog__V1__Product *product = draft->product;
    const struct draft_variant *variant = &draft->variants[0];

    ck_assert_str_eq(product->texts[0]->name, "Mug");
    ck_assert_str_eq(product->texts[0]->slug, "mug");
    ck_assert_uint_eq(product->n_tags, 2);
    ck_assert_uint_eq(product->n_images, 2);
    ck_assert_str_eq(variant->message->sku, "0123");
    ck_assert_str_eq(variant->message->barcode, "400638");
    ck_assert_int_eq(variant->message->weight_grams, 100);
    ck_assert_int_eq(decimal_compare(variant->price, (struct decimal){125, 1}), 0);
    ck_assert_int_eq(decimal_compare(variant->compare_at, (struct decimal){15, 0}), 0);
    ck_assert(variant->has_quantity);
    ck_assert_int_eq(variant->quantity, 0);
}
END_TEST

static const struct {
    const char *published, *status;
    Catalog__V1__PublicationState state;
} PUBLICATIONS[] = {
    {"", "", CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED},
    {"true", "active", CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED},
    {"FALSE", "active", CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT},
    {"true", "Draft", CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT},
    {"true", "archived", CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT},
    {"", "unlisted", CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_DRAFT},
};

START_TEST(both_columns_must_agree_to_publish)
{
    struct draft *draft =
        draft_of(arena_printf(arena, "mug,Mug,%s,%s,,,,,,1,,,,,,\n", PUBLICATIONS[_i].published,
                              PUBLICATIONS[_i].status));
    ck_assert(draft_finish(draft));
    ck_assert_int_eq(draft->product->publications[0]->state, PUBLICATIONS[_i].state);
}
END_TEST

START_TEST(a_product_has_at_most_250_variants_and_1000_rows)
{
    struct buffer rows;
    buffer_init(&rows, arena, 1 << 16);
    buffer_puts(&rows, "mug,Mug,,,Size,0,,,,1,,,,,,\n");
    for (int i = 1; i < 1100; i++)
        buffer_printf(&rows, "mug,,,,,%d,,,,1,,,,,,\n", i);

    struct draft *draft = draft_of(rows.data);

    ck_assert(draft_finish(draft));
    ck_assert_uint_eq(draft->product->n_variants, 250);
    ck_assert_int_eq(draft->refused_count, 750);
    ck_assert_int_eq(draft->excess_count, 100);
    ck_assert_uint_eq(report.count, 850);
}
END_TEST

START_TEST(the_last_variant_that_catalog_refuses_takes_the_product_along)
{
    struct draft *draft = draft_of("mug,Mug,,,Size,S,,,A,1,,,,,,\nmug,,,,,M,,,B,2,,,,,,\n"
                                   "mug,,,,,,,,,,,,,,https://a.b/c.jpg,\n");
    ck_assert(draft_finish(draft));

    draft_refuse_variant(draft, 0, "DUPLICATE_SKU", "taken");
    ck_assert(!draft->is_refused);
    ck_assert_str_eq(draft->product->variants[0]->sku, "B");
    draft_refuse_variant(draft, 0, "DUPLICATE_SKU", "taken");

    ck_assert(draft->is_refused);
    ck_assert_str_eq(refusals(),
                     "2 DUPLICATE_SKU Variant SKU;3 DUPLICATE_SKU Variant SKU;4 NO_VARIANT ;");
}
END_TEST

TCase *draft_case(void)
{
    TCase *tcase = tcase_create("draft");

    tcase_add_loop_test(tcase, a_bad_row_is_refused_and_no_other, 0, ARRAY_LEN(CASES));
    tcase_add_test(tcase, values_are_taken_as_they_are_meant);
    tcase_add_loop_test(tcase, both_columns_must_agree_to_publish, 0, ARRAY_LEN(PUBLICATIONS));
    tcase_add_test(tcase, a_product_has_at_most_250_variants_and_1000_rows);
    tcase_add_test(tcase, the_last_variant_that_catalog_refuses_takes_the_product_along);
    return tcase;
}
