/* import_test.c - a shop's export becomes products on sale; a bad row harms no other. */
#include "given.h"

static const char HEADER[] =
    "Title,Handle,Option1 Name,Option1 Value,Variant Price,Variant SKU,Variant Inventory Qty,"
    "Body (HTML),Published,Status,Our Own Column\r\n";

/* Two variants, one of them without a SKU; then a product whose price is none. */
static const char *an_export(const char *handle, const char *price)
{
    const char *good = arena_printf(
        arena,
        "\"Imported, \"\"really\"\"\",%s,Size,S,%s,%s-s,7,\"<p>Two\nlines</p>\",true,active,x\r\n"
        ",%s,,L,%s,,3,,,,\r\n",
        handle, price, handle, handle, price);
    return arena_printf(arena, "%s%sBroken,%s-broken,Size,S,a lot,%s-broken,1,,true,active,\r\n",
                        HEADER, good, handle, handle);
}

static struct answer imported(const char *csv)
{
    const char *path =
        arena_printf(arena,
                     "/imports/products?channel_id=%s&price_list_id=%s&warehouse_id=%s&locale=en"
                     "&tax_category_code=standard&file_name=test.csv",
                     id_by_code("/channels", "channels", "eu"),
                     id_by_code("/price-lists", "priceLists", "eur-gross"),
                     id_by_code("/warehouses", "warehouses", "hamburg"));
    struct answer accepted = expect(admin_csv(path, csv), 202);
    return admin_until(arena_printf(arena, "/imports/%s", text_at(accepted, "import.id")),
                       "import.state", "IMPORT_STATE_SUCCEEDED");
}

START_TEST(an_export_is_on_sale_and_its_bad_row_is_named)
{
    const char *handle = arena_printf(arena, "import-%s", new_key());

    struct answer import = imported(an_export(handle, "12.50"));

    ck_assert_int_eq(int_at(import, "import.counts.productsCreated"), 1);
    ck_assert_int_eq(int_at(import, "import.counts.rowsRefused"), 1);
    ck_assert_str_eq(text_at(import, "import.ignoredColumns.0"), "Our Own Column");
    const char *report = arena_printf(arena, "/imports/%s/errors", text_at(import, "import.id"));
    struct answer errors = expect(admin("GET", report, NULL), 200);
    ck_assert_int_eq(int_at(errors, "errors.0.lineNumber"), 5);
    ck_assert_str_eq(text_at(errors, "errors.0.column"), "Variant Price");
    struct answer product =
        expect(store("GET", arena_printf(arena, "/products/%s", handle), NULL, NULL), 200);
    ck_assert_str_eq(text_at(product, "product.name"), "Imported, \"really\"");
    ck_assert_int_eq(int_at(product, "product.variants.0.available"), 7);
    bought(given_cart((struct item){NULL, text_at(product, "product.variants.1.id"), handle}, 1));
}
END_TEST

START_TEST(the_same_export_again_changes_nothing)
{
    const char *handle = arena_printf(arena, "import-%s", new_key());
    imported(an_export(handle, "12.50"));

    struct answer again = imported(an_export(handle, "12.50"));

    ck_assert_int_eq(int_at(again, "import.counts.productsUnchanged"), 1);
    ck_assert_int_eq(int_at(again, "import.counts.productsCreated"), 0);
    ck_assert_int_eq(int_at(again, "import.counts.productsUpdated"), 0);
    ck_assert_int_eq(int_at(again, "import.counts.pricesChanged"), 0);
    ck_assert_int_eq(int_at(again, "import.counts.stockChanged"), 0);
}
END_TEST

START_TEST(a_new_price_in_the_export_is_the_price_in_the_shop)
{
    const char *handle = arena_printf(arena, "import-%s", new_key());
    imported(an_export(handle, "12.50"));

    struct answer changed = imported(an_export(handle, "13.75"));

    ck_assert_int_eq(int_at(changed, "import.counts.pricesChanged"), 2);
    until(arena_printf(arena, "/products/%s", handle), "product.variants.0.price.gross.minorUnits",
          "1375");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import");
    TCase *import = shop_case(suite, "import");
    tcase_add_test(import, an_export_is_on_sale_and_its_bad_row_is_named);
    tcase_add_test(import, the_same_export_again_changes_nothing);
    tcase_add_test(import, a_new_price_in_the_export_is_the_price_in_the_shop);
    return shop_run(suite);
}
