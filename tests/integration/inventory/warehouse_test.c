/* warehouse_test.c - warehouses, and what a variant takes from them. */
#include "suites.h"

#include "common/str.h"
#include "inventory/v1/service.client.h"

static struct status updating(struct uuid id, const char *code, int64_t expected_version,
                              int64_t *ret_version)
{
    Inventory__V1__UpdateWarehouseRequest req = INVENTORY__V1__UPDATE_WAREHOUSE_REQUEST__INIT;
    Inventory__V1__UpdateWarehouseResponse rep = INVENTORY__V1__UPDATE_WAREHOUSE_RESPONSE__INIT;
    Inventory__V1__Warehouse warehouse = INVENTORY__V1__WAREHOUSE__INIT;

    warehouse.id = text(id);
    warehouse.code = code;
    warehouse.name = "renamed";
    warehouse.country_code = "DE";
    req.warehouse = &warehouse;
    req.expected_version = expected_version;
    TRY(inventory_update_warehouse(world_ctx(inventory), &req, &rep));
    *ret_version = rep.warehouse->version;
    return status_ok();
}

START_TEST(a_code_belongs_to_one_warehouse)
{
    given_inventory();
    struct uuid berlin = given_warehouse("berlin", "DE", 1);
    struct uuid paris = given_warehouse("paris", "FR", 2);
    Inventory__V1__CreateWarehouseRequest req = INVENTORY__V1__CREATE_WAREHOUSE_REQUEST__INIT;
    Inventory__V1__CreateWarehouseResponse rep = INVENTORY__V1__CREATE_WAREHOUSE_RESPONSE__INIT;
    Inventory__V1__Warehouse second = INVENTORY__V1__WAREHOUSE__INIT;
    int64_t version;

    second.code = "berlin";
    second.name = "another";
    second.country_code = "DE";
    req.warehouse = &second;
    then_reason(inventory_create_warehouse(world_ctx(inventory), &req, &rep), STATUS_ALREADY_EXISTS,
                "WAREHOUSE_CODE_TAKEN");
    then_reason(updating(paris, "berlin", 0, &version), STATUS_ALREADY_EXISTS,
                "WAREHOUSE_CODE_TAKEN");
    then_ok(updating(berlin, "berlin", 0, &version));
}
END_TEST

START_TEST(a_country_is_two_capital_letters)
{
    given_inventory();
    Inventory__V1__CreateWarehouseRequest req = INVENTORY__V1__CREATE_WAREHOUSE_REQUEST__INIT;
    Inventory__V1__CreateWarehouseResponse rep = INVENTORY__V1__CREATE_WAREHOUSE_RESPONSE__INIT;
    Inventory__V1__Warehouse warehouse = INVENTORY__V1__WAREHOUSE__INIT;

    warehouse.code = "x";
    warehouse.name = "x";
    warehouse.country_code = "d";
    req.warehouse = &warehouse;
    then_reason(inventory_create_warehouse(world_ctx(inventory), &req, &rep),
                STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(a_stale_version_is_refused_and_an_unknown_warehouse_not_found)
{
    given_inventory();
    struct uuid berlin = given_warehouse("berlin", "DE", 1);
    int64_t version;

    then_ok(updating(berlin, "berlin", 1, &version));
    ck_assert_int_eq(version, 2);
    then_reason(updating(berlin, "berlin", 1, &version), STATUS_ABORTED, "VERSION_CONFLICT");
    then_reason(updating(uuid_v7(), "x", 0, &version), STATUS_NOT_FOUND, "WAREHOUSE_NOT_FOUND");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.audit"), 2);
}
END_TEST

START_TEST(pages_follow_each_other_by_code)
{
    given_inventory();
    given_warehouse("b", "DE", 1);
    given_warehouse("a", "DE", 1);
    given_warehouse("c", "DE", 1);
    Inventory__V1__ListWarehousesRequest req = INVENTORY__V1__LIST_WAREHOUSES_REQUEST__INIT;
    Inventory__V1__ListWarehousesResponse first = INVENTORY__V1__LIST_WAREHOUSES_RESPONSE__INIT;
    Inventory__V1__ListWarehousesResponse second = INVENTORY__V1__LIST_WAREHOUSES_RESPONSE__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;

    page.page_size = 2;
    req.page = &page;
    then_ok(inventory_list_warehouses(world_ctx(inventory), &req, &first));
    page.page_token = first.page->next_page_token;
    then_ok(inventory_list_warehouses(world_ctx(inventory), &req, &second));

    ck_assert_uint_eq(first.n_warehouses, 2);
    ck_assert_str_eq(first.warehouses[0]->code, "a");
    ck_assert_uint_eq(second.n_warehouses, 1);
    ck_assert_str_eq(second.warehouses[0]->code, "c");
    ck_assert_str_eq(second.page->next_page_token, "");
    page.page_token = "no token of ours";
    then_reason(inventory_list_warehouses(world_ctx(inventory), &req, &second),
                STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(an_unmapped_variant_is_its_own_stock_item)
{
    given_inventory();
    struct uuid variant = uuid_v7(), part = uuid_v7();
    Inventory__V1__GetVariantStockItemsRequest req =
        INVENTORY__V1__GET_VARIANT_STOCK_ITEMS_REQUEST__INIT;
    Inventory__V1__GetVariantStockItemsResponse own =
        INVENTORY__V1__GET_VARIANT_STOCK_ITEMS_RESPONSE__INIT;
    Inventory__V1__GetVariantStockItemsResponse mapped =
        INVENTORY__V1__GET_VARIANT_STOCK_ITEMS_RESPONSE__INIT;

    req.variant_id = text(variant);
    then_ok(inventory_get_variant_stock_items(world_ctx(inventory), &req, &own));
    given_kit(variant, (struct component[]){{variant, part, 2}, {variant, variant, 1}}, 2);
    given_kit(variant, (struct component[]){{variant, part, 3}}, 1);
    then_ok(inventory_get_variant_stock_items(world_ctx(inventory), &req, &mapped));

    ck_assert_uint_eq(own.n_components, 1);
    ck_assert_str_eq(own.components[0]->stock_item_id, text(variant));
    ck_assert_int_eq(own.components[0]->quantity, 1);
    ck_assert_uint_eq(mapped.n_components, 1);
    ck_assert_str_eq(mapped.components[0]->stock_item_id, text(part));
    ck_assert_int_eq(mapped.components[0]->quantity, 3);
}
END_TEST

START_TEST(a_component_comes_once)
{
    given_inventory();
    struct uuid part = uuid_v7();
    Inventory__V1__SetVariantStockItemsRequest req =
        INVENTORY__V1__SET_VARIANT_STOCK_ITEMS_REQUEST__INIT;
    Inventory__V1__SetVariantStockItemsResponse rep =
        INVENTORY__V1__SET_VARIANT_STOCK_ITEMS_RESPONSE__INIT;
    Inventory__V1__StockComponent row = INVENTORY__V1__STOCK_COMPONENT__INIT;
    Inventory__V1__StockComponent *rows[] = {&row, &row};

    row.stock_item_id = text(part);
    row.quantity = 1;
    req.variant_id = text(uuid_v7());
    req.components = rows;
    req.n_components = 2;
    then_reason(inventory_set_variant_stock_items(world_ctx(inventory), &req, &rep),
                STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

START_TEST(the_port_answers_what_the_contract_says)
{
    given_inventory();
    struct uuid berlin = given_warehouse("berlin", "DE", 1), variant = uuid_v7();
    given_stock(berlin, variant, 4);
    struct ctx *client = world_client();
    const Inventory__V1__ReserveResponse *reserved;
    const Inventory__V1__GetReservationResponse *found;
    Inventory__V1__GetReservationRequest get = INVENTORY__V1__GET_RESERVATION_REQUEST__INIT;
    struct uuid id = uuid_v7();

    struct wanted wanted = {variant, 3};
    then_ok(inventory_v1_reserve(client, reserve_request(client, id, &wanted, 1), &reserved));
    get.reservation_id = reserved->reservation->id;
    then_ok(inventory_v1_get_reservation(client, &get, &found));
    ck_assert_int_eq(found->reservation->allocations[0]->quantity, 3);

    struct status status =
        inventory_v1_reserve(client, reserve_request(client, uuid_v7(), &wanted, 1), &reserved);
    then_reason(status, STATUS_FAILED_PRECONDITION, "INSUFFICIENT_STOCK");
    ck_assert_str_eq(status.violations->field, "lines[0].quantity");
    ck_assert_str_eq(status.violations->allowed, "at most 1");
    wanted.quantity = 0;
    then_reason(inventory_v1_reserve(client, reserve_request(client, id, &wanted, 1), &reserved),
                STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

void warehouse_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "warehouse");

    tcase_add_test(tcase, a_code_belongs_to_one_warehouse);
    tcase_add_test(tcase, a_country_is_two_capital_letters);
    tcase_add_test(tcase, a_stale_version_is_refused_and_an_unknown_warehouse_not_found);
    tcase_add_test(tcase, pages_follow_each_other_by_code);
    tcase_add_test(tcase, an_unmapped_variant_is_its_own_stock_item);
    tcase_add_test(tcase, a_component_comes_once);
    tcase_add_test(tcase, the_port_answers_what_the_contract_says);
}
