/* stock_test.c - stock that comes in, is counted, corrected and moved. */
#include "suites.h"

#include "inventory/v1/service.client.h"

static struct uuid berlin, paris, mug;

static void given_two_warehouses(void)
{
    given_inventory();
    berlin = given_warehouse("berlin", "DE", 1);
    paris = given_warehouse("paris", "FR", 2);
    mug = uuid_v7();
}

static struct status receiving(struct uuid warehouse, const char *item, const char *variant,
                               int64_t quantity, Inventory__V1__ReceiveStockResponse *rep)
{
    Inventory__V1__ReceiveStockRequest req = INVENTORY__V1__RECEIVE_STOCK_REQUEST__INIT;
    Inventory__V1__StockQuantity line = INVENTORY__V1__STOCK_QUANTITY__INIT;
    Inventory__V1__StockQuantity *lines[] = {&line};

    inventory__v1__receive_stock_response__init(rep);
    line.stock_item_id = item;
    line.variant_id = variant;
    line.quantity = quantity;
    req.warehouse_id = text(warehouse);
    req.lines = lines;
    req.n_lines = 1;
    req.reference = "PO-7";
    return inventory_receive_stock(world_ctx(inventory), &req, rep);
}

static struct status adjusting(struct uuid item, Inventory__V1__AdjustmentReason reason,
                               int64_t quantity)
{
    Inventory__V1__AdjustStockRequest req = INVENTORY__V1__ADJUST_STOCK_REQUEST__INIT;
    Inventory__V1__AdjustStockResponse rep = INVENTORY__V1__ADJUST_STOCK_RESPONSE__INIT;

    req.warehouse_id = text(berlin);
    req.stock_item_id = text(item);
    req.adjustment_reason = reason;
    req.quantity = quantity;
    return inventory_adjust_stock(world_ctx(inventory), &req, &rep);
}

static struct status counting(struct uuid item, int64_t quantity, int64_t *ret_changed)
{
    Inventory__V1__CountStockRequest req = INVENTORY__V1__COUNT_STOCK_REQUEST__INIT;
    Inventory__V1__CountStockResponse rep = INVENTORY__V1__COUNT_STOCK_RESPONSE__INIT;
    Inventory__V1__StockQuantity line = INVENTORY__V1__STOCK_QUANTITY__INIT;
    Inventory__V1__StockQuantity *lines[] = {&line};

    line.stock_item_id = text(item);
    line.quantity = quantity;
    req.warehouse_id = text(berlin);
    req.lines = lines;
    req.n_lines = 1;
    TRY(inventory_count_stock(world_ctx(inventory), &req, &rep));
    *ret_changed = rep.changed_count;
    return status_ok();
}

static struct status moving(struct uuid from, struct uuid to, struct uuid item, int64_t quantity,
                            Inventory__V1__TransferStockResponse *rep)
{
    Inventory__V1__TransferStockRequest req = INVENTORY__V1__TRANSFER_STOCK_REQUEST__INIT;
    Inventory__V1__StockQuantity line = INVENTORY__V1__STOCK_QUANTITY__INIT;
    Inventory__V1__StockQuantity *lines[] = {&line};

    inventory__v1__transfer_stock_response__init(rep);
    line.stock_item_id = text(item);
    line.quantity = quantity;
    req.from_warehouse_id = text(from);
    req.to_warehouse_id = text(to);
    req.lines = lines;
    req.n_lines = 1;
    return inventory_transfer_stock(world_ctx(inventory), &req, rep);
}

START_TEST(a_receipt_comes_from_the_supplier)
{
    given_two_warehouses();
    Inventory__V1__ReceiveStockResponse rep;

    then_ok(receiving(berlin, text(mug), "", 10, &rep));
    then_ok(receiving(berlin, text(mug), "", 5, &rep));

    ck_assert_int_eq(rep.levels[0]->available, 15);
    ck_assert_int_eq(rep.levels[0]->on_hand, 15);
    ck_assert_int_eq(rep.levels[0]->version, 2);
    ck_assert_int_eq(world_sql_int("SELECT balance FROM inventory.outside_balance"
                                   " WHERE account = 'supplier'"),
                     -15);
    ck_assert_int_eq(published(&STOCK_CHANGED), 2);
    ck_assert_int_eq(published(&BACK_IN_STOCK), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_receipt_retried_with_its_key_counts_once)
{
    given_two_warehouses();
    Inventory__V1__ReceiveStockRequest req = INVENTORY__V1__RECEIVE_STOCK_REQUEST__INIT;
    Inventory__V1__StockQuantity line = INVENTORY__V1__STOCK_QUANTITY__INIT;
    Inventory__V1__StockQuantity *lines[] = {&line};
    line.variant_id = text(mug);
    line.quantity = 10;
    req.warehouse_id = text(berlin);
    req.lines = lines;
    req.n_lines = 1;

    for (int i = 0; i < 2; i++) {
        struct rpc_call call = inventory_v1_receive_stock_call(&req);
        call.idempotency_key = "receipt-1";
        then_ok(rpc_call_one(world_client(), &call));
    }

    then_level(berlin, mug, 10, 0, 0);
}
END_TEST

START_TEST(a_variant_that_maps_to_one_item_is_received_in_its_units)
{
    given_two_warehouses();
    struct uuid sixpack = uuid_v7(), bottle = uuid_v7();
    Inventory__V1__ReceiveStockResponse rep;

    given_kit(sixpack, (struct component[]){{sixpack, bottle, 6}}, 1);
    then_ok(receiving(berlin, "", text(sixpack), 2, &rep));

    then_level(berlin, bottle, 12, 0, 0);
    ck_assert_str_eq(rep.levels[0]->stock_item_id, text(bottle));
}
END_TEST

START_TEST(what_cannot_be_received_is_refused)
{
    given_two_warehouses();
    struct uuid kit = uuid_v7(), part = uuid_v7();
    Inventory__V1__ReceiveStockResponse rep;

    given_kit(kit, (struct component[]){{kit, part, 1}, {kit, mug, 1}}, 2);
    then_reason(receiving(berlin, "", text(kit), 1, &rep), STATUS_FAILED_PRECONDITION,
                "VARIANT_HAS_COMPONENTS");
    then_reason(receiving(uuid_v7(), text(mug), "", 1, &rep), STATUS_NOT_FOUND,
                "WAREHOUSE_NOT_FOUND");
    then_reason(receiving(berlin, text(mug), text(mug), 1, &rep), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
    then_reason(receiving(berlin, "", "", 1, &rep), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(receiving(berlin, text(mug), "", 0, &rep), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.movement"), 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.outbox"), 0);
}
END_TEST

START_TEST(each_reason_moves_between_its_accounts)
{
    given_two_warehouses();
    given_stock(berlin, mug, 10);

    then_ok(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_FOUND, 5));
    then_ok(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_LOST, 1));
    then_ok(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_QUARANTINED, 6));
    then_ok(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_CLEARED, 2));
    then_ok(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_SCRAPPED, 3));

    then_level(berlin, mug, 10, 0, 0);
    ck_assert_int_eq(world_sql_int("SELECT quarantine FROM inventory.stock_level"), 1);
    ck_assert_int_eq(world_sql_int("SELECT balance FROM inventory.outside_balance"
                                   " WHERE account = 'loss'"),
                     -1);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.audit"
                                   " WHERE action = 'adjust_stock'"),
                     5);
    then_the_books_are_right();
}
END_TEST

START_TEST(only_what_is_there_can_be_lost)
{
    given_two_warehouses();
    given_stock(berlin, mug, 3);
    given_policy(berlin, mug, 0, 100);
    given_reservation(mug, 2);

    then_reason(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_LOST, 2),
                STATUS_FAILED_PRECONDITION, "INSUFFICIENT_STOCK");
    then_reason(adjusting(mug, INVENTORY__V1__ADJUSTMENT_REASON__ADJUSTMENT_REASON_SCRAPPED, 1),
                STATUS_FAILED_PRECONDITION, "INSUFFICIENT_STOCK");
    then_level(berlin, mug, 1, 2, 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_count_posts_the_difference_and_nothing_when_there_is_none)
{
    given_two_warehouses();
    given_stock(berlin, mug, 10);
    int64_t changed, events = world_sql_int("SELECT count(*) FROM inventory.outbox");

    then_ok(counting(mug, 10, &changed));
    ck_assert_int_eq(changed, 0);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.outbox"), events);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.movement"), 1);

    then_ok(counting(mug, 7, &changed));
    ck_assert_int_eq(changed, 1);
    then_level(berlin, mug, 7, 0, 0);
    then_ok(counting(mug, 9, &changed));
    then_level(berlin, mug, 9, 0, 0);
    then_ok(counting(mug, 0, &changed));
    ck_assert_int_eq(published(&OUT_OF_STOCK), 1);
    then_the_books_are_right();
}
END_TEST

START_TEST(a_transfer_leaves_one_warehouse_and_reaches_the_other)
{
    given_two_warehouses();
    Inventory__V1__TransferStockResponse rep;
    given_stock(berlin, mug, 10);

    then_ok(moving(berlin, paris, mug, 4, &rep));
    ck_assert_uint_eq(rep.n_levels, 2);
    ck_assert_int_eq(rep.levels[0]->available, 6);
    ck_assert_int_eq(rep.levels[1]->available, 4);
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM inventory.movement"), 2);
    then_reason(moving(berlin, paris, mug, 7, &rep), STATUS_FAILED_PRECONDITION,
                "INSUFFICIENT_STOCK");
    then_reason(moving(berlin, berlin, mug, 1, &rep), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(moving(berlin, uuid_v7(), mug, 1, &rep), STATUS_NOT_FOUND, "WAREHOUSE_NOT_FOUND");
    then_level(paris, mug, 4, 0, 0);
    then_the_books_are_right();
}
END_TEST

START_TEST(availability_is_what_reserve_would_give)
{
    given_two_warehouses();
    struct uuid kit = uuid_v7(), part = uuid_v7(), unknown = uuid_v7();
    given_stock(berlin, mug, 7);
    given_stock(paris, mug, 5);
    given_stock(berlin, part, 2);
    given_policy(paris, mug, 0, 3);
    given_kit(kit, (struct component[]){{kit, mug, 2}, {kit, part, 1}}, 2);
    given_reservation(mug, 1);
    const char *variants[] = {text(mug), text(unknown), text(kit)};
    Inventory__V1__BatchGetAvailabilityRequest req =
        INVENTORY__V1__BATCH_GET_AVAILABILITY_REQUEST__INIT;
    Inventory__V1__BatchGetAvailabilityResponse rep =
        INVENTORY__V1__BATCH_GET_AVAILABILITY_RESPONSE__INIT;

    req.variant_ids = variants;
    req.n_variant_ids = 3;
    then_ok(inventory_batch_get_availability(world_ctx(inventory), &req, &rep));

    ck_assert_uint_eq(rep.n_availabilities, 3);
    ck_assert_int_eq(rep.availabilities[0]->available, 6 + 8);
    ck_assert(rep.availabilities[0]->is_backorderable);
    ck_assert_str_eq(rep.availabilities[1]->variant_id, variants[1]);
    ck_assert_int_eq(rep.availabilities[1]->available, 0);
    ck_assert_int_eq(rep.availabilities[2]->available, 2);
    ck_assert(!rep.availabilities[2]->is_backorderable);
    then_code(reserving(uuid_v7(), &(struct wanted){kit, 3}, 1), STATUS_FAILED_PRECONDITION);
    then_ok(reserving(uuid_v7(), &(struct wanted){kit, 2}, 1));
    then_code(reserving(uuid_v7(), &(struct wanted){mug, 11}, 1), STATUS_FAILED_PRECONDITION);
    then_ok(reserving(uuid_v7(), &(struct wanted){mug, 10}, 1));
    then_the_books_are_right();
}
END_TEST

START_TEST(levels_and_movements_are_listed_in_pages)
{
    given_two_warehouses();
    given_stock(berlin, mug, 7);
    given_stock(paris, mug, 5);
    given_stock(berlin, uuid_v7(), 1);
    Inventory__V1__ListStockLevelsRequest req = INVENTORY__V1__LIST_STOCK_LEVELS_REQUEST__INIT;
    Inventory__V1__ListStockLevelsResponse first = INVENTORY__V1__LIST_STOCK_LEVELS_RESPONSE__INIT;
    Inventory__V1__ListStockLevelsResponse rest = INVENTORY__V1__LIST_STOCK_LEVELS_RESPONSE__INIT;
    Inventory__V1__ListMovementsRequest moves = INVENTORY__V1__LIST_MOVEMENTS_REQUEST__INIT;
    Inventory__V1__ListMovementsResponse newest = INVENTORY__V1__LIST_MOVEMENTS_RESPONSE__INIT;
    Inventory__V1__ListMovementsResponse oldest = INVENTORY__V1__LIST_MOVEMENTS_RESPONSE__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;

    page.page_size = 2;
    req.page = &page;
    then_ok(inventory_list_stock_levels(world_ctx(inventory), &req, &first));
    page.page_token = first.page->next_page_token;
    then_ok(inventory_list_stock_levels(world_ctx(inventory), &req, &rest));
    ck_assert_uint_eq(first.n_levels, 2);
    ck_assert_uint_eq(rest.n_levels, 1);
    page.page_token = "";
    req.warehouse_id = text(paris);
    then_ok(inventory_list_stock_levels(world_ctx(inventory), &req, &rest));
    ck_assert_uint_eq(rest.n_levels, 1);
    ck_assert_int_eq(rest.levels[0]->available, 5);

    page.page_size = 1;
    moves.page = &page;
    moves.stock_item_id = text(mug);
    then_ok(inventory_list_movements(world_ctx(inventory), &moves, &newest));
    page.page_token = newest.page->next_page_token;
    then_ok(inventory_list_movements(world_ctx(inventory), &moves, &oldest));
    ck_assert_int_eq(newest.movements[0]->quantity, 5);
    ck_assert_int_eq(oldest.movements[0]->quantity, 7);
    ck_assert_str_eq(oldest.movements[0]->from_account, "supplier");
    ck_assert_str_eq(oldest.movements[0]->from_warehouse_id, "");
    ck_assert_str_eq(oldest.movements[0]->actor, "key:test");
    ck_assert_str_eq(oldest.page->next_page_token, "");
}
END_TEST

START_TEST(the_audit_names_a_balance_that_was_tampered_with)
{
    given_two_warehouses();
    given_stock(berlin, mug, 7);
    given_stock(paris, uuid_v7(), 7);
    world_sql("UPDATE inventory.stock_level SET available = 8 WHERE warehouse_id = '%s'",
              text(berlin));
    Inventory__V1__AuditBalancesRequest req = INVENTORY__V1__AUDIT_BALANCES_REQUEST__INIT;
    Inventory__V1__AuditBalancesResponse rep = INVENTORY__V1__AUDIT_BALANCES_RESPONSE__INIT;

    then_ok(inventory_audit_balances(world_ctx(inventory), &req, &rep));

    ck_assert_int_eq(rep.balances_checked, 10);
    ck_assert_int_eq(rep.movements_checked, 2);
    ck_assert_uint_eq(rep.n_mismatches, 1);
    ck_assert_str_eq(rep.mismatches[0]->stock_item_id, text(mug));
    ck_assert_str_eq(rep.mismatches[0]->account, "available");
    ck_assert_int_eq(rep.mismatches[0]->balance, 8);
    ck_assert_int_eq(rep.mismatches[0]->sum_of_movements, 7);
}
END_TEST

START_TEST(the_running_role_cannot_change_the_ledger)
{
    given_two_warehouses();

    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS p"
                      " WHERE has_table_privilege('inventory_app', 'inventory.movement', p)"),
        0);
}
END_TEST

void stock_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "stock");

    tcase_add_test(tcase, a_receipt_comes_from_the_supplier);
    tcase_add_test(tcase, a_receipt_retried_with_its_key_counts_once);
    tcase_add_test(tcase, a_variant_that_maps_to_one_item_is_received_in_its_units);
    tcase_add_test(tcase, what_cannot_be_received_is_refused);
    tcase_add_test(tcase, each_reason_moves_between_its_accounts);
    tcase_add_test(tcase, only_what_is_there_can_be_lost);
    tcase_add_test(tcase, a_count_posts_the_difference_and_nothing_when_there_is_none);
    tcase_add_test(tcase, a_transfer_leaves_one_warehouse_and_reaches_the_other);
    tcase_add_test(tcase, availability_is_what_reserve_would_give);
    tcase_add_test(tcase, levels_and_movements_are_listed_in_pages);
    tcase_add_test(tcase, the_audit_names_a_balance_that_was_tampered_with);
    tcase_add_test(tcase, the_running_role_cannot_change_the_ledger);
}
