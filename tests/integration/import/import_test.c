/* import_test.c - a realistic export: what goes in, what is refused, and doing it again. */
#include "suites.h"

#include "common/clock.h"

#include <string.h>

static const struct {
    int64_t line;
    const char *reason, *column, *value, *handle;
} REFUSED[] = {
    {19, "BAD_PRICE", "Variant Price", "49,00 EUR", "kettle"},
    {21, "DUPLICATE_OPTIONS", "Option1 Value", "White", "kettle"},
    {22, "DUPLICATE_SKU", "Variant SKU", "KET-RED", "kettle"},
    {23, "UNKNOWN_OPTION", "Option2 Value", "Large", "kettle"},
    {24, "BAD_QUANTITY", "Variant Inventory Qty", "three", "kettle"},
    {25, "MISSING_HANDLE", "Handle", "", ""},
    {26, "WRONG_FIELD_COUNT", "", "", ""},
    {27, "BAD_ENCODING", "Title", "Caf? Cup", ""},
    {28, "BAD_QUOTES", "", "", ""},
    {29, "DUPLICATE_SKU", "Variant SKU", "LS-S-WHT", "scarf"},
    {31, "MISSING_TITLE", "Title", "", "untitled"},
    {32, "PRODUCT_REFUSED", "", "", "untitled"},
    {33, "BAD_QUOTES", "", "", ""},
    {35, "DUPLICATE_HANDLE", "Handle", "linen-shirt", "linen-shirt"},
    {36, "BAD_PRICE", "Variant Price", "", "no-price"},
};

/* What the shop has of each SKU afterwards. */
static const struct {
    const char *sku, *handle, *options;
    const char *price, *compare_at; /* NULL: none */
    int64_t stock;                  /* -1: never counted */
} VARIANTS[] = {
    {"LS-S-WHT", "linen-shirt", "S/White", "59.90", "79.00", 12},
    {"LS-S-SKY", "linen-shirt", "S/Sky Blue", "59.90", "79.00", 0},
    {"LS-M-WHT", "linen-shirt", "M/White", "61.90", NULL, 7},
    {"classic-mug", "classic-mug", "", "12.00", NULL, 40},
    {"poster.a3", "poster", "A3", "19.00", NULL, 5},
    {"poster.a2_groformat~875dd2ab", "poster", "A2 Großformat", "29.00", NULL, 5},
    {"BAG-1", "oversold-bag", "", "89.00", NULL, 0},
    {"LAMP-1", "draft-lamp", "", "140.00", NULL, 2},
    {"CHAIR-1", "hidden-chair", "", "240.00", NULL, 2},
    {"KET-RED", "kettle", "Red", "49.00", NULL, 3},
    {"KET-WHT", "kettle", "White", "49.00", NULL, 3},
    {"SCF-STR", "scarf", "Striped", "27.00", NULL, 4},
    {"WRAP-1", "gift-wrap", "", "0.00", NULL, -1},
    {"LAST-1", "last-one", "", "3.50", NULL, 1},
};

static void then_refused_as_said(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++)
        ck_assert_msg(
            world_sql_int("SELECT count(*) FROM catalog.import_error WHERE import_id = '%s'"
                          " AND line_number = %lld AND reason = '%s' AND column_name = '%s'"
                          " AND value = '%s' AND handle = '%s'",
                          id, (long long)REFUSED[i].line, REFUSED[i].reason, REFUSED[i].column,
                          REFUSED[i].value, REFUSED[i].handle) == 1,
            "line %lld should be refused with %s; it says: %s", (long long)REFUSED[i].line,
            REFUSED[i].reason,
            world_sql_text("SELECT string_agg(concat_ws('|', reason, column_name, value, handle),"
                           " '; ') FROM catalog.import_error"
                           " WHERE import_id = '%s' AND line_number = %lld",
                           id, (long long)REFUSED[i].line));
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM catalog.import_error WHERE import_id = '%s'", id),
        ARRAY_LEN(REFUSED));
}

static void then_sold_as_said(void)
{
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.variant"), ARRAY_LEN(VARIANTS));
    for (size_t i = 0; i < ARRAY_LEN(VARIANTS); i++) {
        const char *found = world_sql_text(
            "SELECT v.id::text FROM catalog.variant v JOIN catalog.product p ON p.id = v.product_id"
            " WHERE v.sku = '%s' AND p.handle = '%s'"
            " AND array_to_string(v.option_values, '/') = '%s'",
            VARIANTS[i].sku, VARIANTS[i].handle, VARIANTS[i].options);
        ck_assert_msg(
            found != NULL, "no %s; the product has %s", VARIANTS[i].sku,
            world_sql_text("SELECT string_agg(v.sku || ' ' || v.option_values::text, ', ')"
                           " FROM catalog.variant v JOIN catalog.product p"
                           " ON p.id = v.product_id WHERE p.handle = '%s'",
                           VARIANTS[i].handle));
        ck_assert_int_eq(
            world_sql_int("SELECT count(*) FROM pricing.price WHERE variant_id = '%s'"
                          " AND unit_unscaled * power(10::numeric, -unit_scale) = %s"
                          " AND (compare_unscaled * power(10::numeric, -compare_scale))"
                          "     IS NOT DISTINCT FROM %s::numeric",
                          found, VARIANTS[i].price,
                          VARIANTS[i].compare_at ? VARIANTS[i].compare_at : "NULL"),
            1);
        ck_assert_int_eq(world_sql_int("SELECT coalesce(sum(quantity), 0) FROM inventory.movement"
                                       " WHERE stock_item_id = '%s'",
                                       found),
                         VARIANTS[i].stock > 0 ? VARIANTS[i].stock : 0);
    }
}

START_TEST(a_realistic_export_goes_in_but_for_its_bad_rows)
{
    given_shop();
    given_gateway("5s");

    const char *id = when_importing(text_of_file(EXPORT_FILE));

    then_refused_as_said(id);
    then_sold_as_said();
    ck_assert_int_eq(import_count(id, "rows_read"), 30);
    ck_assert_int_eq(import_count(id, "rows_refused"), ARRAY_LEN(REFUSED));
    ck_assert_int_eq(import_count(id, "products_created"), 10);
    ck_assert_int_eq(import_count(id, "products_refused"), 3);
    ck_assert_int_eq(import_count(id, "prices_changed"), ARRAY_LEN(VARIANTS));
    ck_assert_int_eq(import_count(id, "stock_changed"), 11);
    ck_assert_int_eq(import_count(id, "bytes_read"), text_of_file(EXPORT_FILE).length);
    ck_assert_str_eq(world_sql_text("SELECT array_to_string(ignored_columns, ',')"
                                    " FROM catalog.import WHERE id = '%s'",
                                    id),
                     "Variant Inventory Tracker,Variant Inventory Policy,Variant Requires Shipping,"
                     "Variant Taxable,Image Position,Gift Card,Variant Weight Unit,Cost per item");
}
END_TEST

START_TEST(texts_images_and_publication_are_the_files)
{
    given_shop();
    given_gateway("5s");

    when_importing(text_of_file(EXPORT_FILE));

    ck_assert_str_eq(world_sql_text("SELECT description_html FROM catalog.product_text"
                                    " WHERE slug = 'linen-shirt'"),
                     "<p>Made of \"European flax\",\r\nwashed and dried in the sun.</p>\r\n\r\n"
                     "<ul><li>light, airy</li></ul>");
    ck_assert_str_eq(world_sql_text("SELECT vendor || ';' || array_to_string(tags, '+')"
                                    " FROM catalog.product WHERE handle = 'linen-shirt'"),
                     "Weberei & Söhne;shirts+linen+summer 2026");
    ck_assert_str_eq(world_sql_text("SELECT string_agg(alt_text, '+' ORDER BY i.position)"
                                    " FROM catalog.product_image i JOIN catalog.product p"
                                    " ON p.id = i.product_id WHERE p.handle = 'linen-shirt'"),
                     "A white shirt, \"airy\"++Detail");
    ck_assert_str_eq(world_sql_text("SELECT barcode || ' ' || weight_grams FROM catalog.variant"
                                    " WHERE sku = 'LS-S-WHT'"),
                     "4006381333931 210");
    ck_assert_str_eq(
        world_sql_text("SELECT string_agg(p.handle, ' ' ORDER BY p.handle) FROM catalog.product p"
                       " WHERE NOT EXISTS (SELECT FROM catalog.publication WHERE product_id = p.id"
                       "   AND state = 2)"),
        "draft-lamp hidden-chair");
}
END_TEST

START_TEST(importing_twice_changes_nothing_and_publishes_nothing)
{
    given_shop();
    given_gateway("5s");
    when_importing(text_of_file(EXPORT_FILE));
    int64_t events = all_events();
    int64_t movements = world_sql_int("SELECT count(*) FROM inventory.movement");
    int64_t prices = world_sql_int("SELECT count(*) FROM pricing.price");

    const char *id = when_importing(text_of_file(EXPORT_FILE));

    ck_assert_int_eq(all_events(), events);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.movement"), movements);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM pricing.price"), prices);
    ck_assert_int_eq(import_count(id, "products_unchanged"), 10);
    ck_assert_int_eq(import_count(id, "products_created + products_updated"), 0);
    ck_assert_int_eq(import_count(id, "prices_changed + stock_changed"), 0);
    then_refused_as_said(id);
}
END_TEST

START_TEST(a_file_that_is_no_export_fails_with_a_sentence)
{
    static const struct {
        const char *file, *failure;
    } CASES[] = {
        {"Handle,Title\nmug,Mug\n",
         "there is no column \"Variant Price\": is this a product export?"},
        {"Handle,Title,Variant Price,Title\nmug,Mug,1,Mug\n",
         "the column \"Title\" is there twice"},
        {"\n\n", "the file is empty"},
    };
    given_shop();
    given_gateway("5s");

    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const char *id = when_uploading((struct text){CASES[i].file, strlen(CASES[i].file)});
        until_ended(id);
        ck_assert_int_eq(import_count(id, "state"), 5);
        ck_assert_str_eq(world_sql_text("SELECT failure FROM catalog.import WHERE id = '%s'", id),
                         CASES[i].failure);
    }
}
END_TEST

START_TEST(columns_may_stand_in_any_order_and_be_few)
{
    static const char FILE_TEXT[] = "Variant Price,Colour,Title,Handle\r\n9.5,red,Mug,mug\r\n";
    given_shop();
    given_gateway("5s");

    const char *id = when_importing((struct text){FILE_TEXT, strlen(FILE_TEXT)});

    ck_assert_int_eq(import_count(id, "products_created"), 1);
    ck_assert_int_eq(import_count(id, "stock_changed"), 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM catalog.variant WHERE sku = 'mug'"), 1);
    ck_assert_str_eq(world_sql_text("SELECT ignored_columns::text FROM catalog.import"),
                     "{Colour}");
}
END_TEST

void import_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "import");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_realistic_export_goes_in_but_for_its_bad_rows);
    tcase_add_test(tcase, texts_images_and_publication_are_the_files);
    tcase_add_test(tcase, importing_twice_changes_nothing_and_publishes_nothing);
    tcase_add_test(tcase, a_file_that_is_no_export_fails_with_a_sentence);
    tcase_add_test(tcase, columns_may_stand_in_any_order_and_be_few);
}
