/* stock.c - what tests of inventory are given, do and find. */
#include "suites.h"

#include "common/str.h"

#include <string.h>

struct daemon *inventory;
static struct ctx *words; // whose memory holds what a test says

void given_inventory(void)
{
    inventory = world_start(&INVENTORY);
    words = world_ctx(inventory);
}

const char *text(struct uuid id)
{
    return uuid_text(words->arena, id);
}

struct uuid given_warehouse(const char *code, const char *country_code, int32_t priority)
{
    Inventory__V1__CreateWarehouseRequest req = INVENTORY__V1__CREATE_WAREHOUSE_REQUEST__INIT;
    Inventory__V1__CreateWarehouseResponse rep = INVENTORY__V1__CREATE_WAREHOUSE_RESPONSE__INIT;
    Inventory__V1__Warehouse warehouse = INVENTORY__V1__WAREHOUSE__INIT;

    warehouse.code = code;
    warehouse.name = code;
    warehouse.country_code = country_code;
    warehouse.priority = priority;
    warehouse.is_active = true;
    req.warehouse = &warehouse;
    then_ok(inventory_create_warehouse(world_ctx(inventory), &req, &rep));
    return parsed(rep.warehouse->id);
}

void given_stock(struct uuid warehouse, struct uuid variant, int64_t quantity)
{
    Inventory__V1__ReceiveStockRequest req = INVENTORY__V1__RECEIVE_STOCK_REQUEST__INIT;
    Inventory__V1__ReceiveStockResponse rep = INVENTORY__V1__RECEIVE_STOCK_RESPONSE__INIT;
    Inventory__V1__StockQuantity line = INVENTORY__V1__STOCK_QUANTITY__INIT;
    Inventory__V1__StockQuantity *lines[] = {&line};

    line.variant_id = text(variant);
    line.quantity = quantity;
    req.warehouse_id = text(warehouse);
    req.lines = lines;
    req.n_lines = 1;
    then_ok(inventory_receive_stock(world_ctx(inventory), &req, &rep));
}

void given_policy(struct uuid warehouse, struct uuid item, int64_t low_threshold,
                  int64_t backorder_limit)
{
    Inventory__V1__SetStockLevelPolicyRequest req =
        INVENTORY__V1__SET_STOCK_LEVEL_POLICY_REQUEST__INIT;
    Inventory__V1__SetStockLevelPolicyResponse rep =
        INVENTORY__V1__SET_STOCK_LEVEL_POLICY_RESPONSE__INIT;

    req.warehouse_id = text(warehouse);
    req.stock_item_id = text(item);
    req.low_threshold = low_threshold;
    req.backorder_limit = backorder_limit;
    then_ok(inventory_set_stock_level_policy(world_ctx(inventory), &req, &rep));
}

void given_kit(struct uuid variant, const struct component *components, size_t count)
{
    Inventory__V1__SetVariantStockItemsRequest req =
        INVENTORY__V1__SET_VARIANT_STOCK_ITEMS_REQUEST__INIT;
    Inventory__V1__SetVariantStockItemsResponse rep =
        INVENTORY__V1__SET_VARIANT_STOCK_ITEMS_RESPONSE__INIT;
    Inventory__V1__StockComponent rows[10];
    Inventory__V1__StockComponent *pointers[10];

    for (size_t i = 0; i < count; i++) {
        inventory__v1__stock_component__init(&rows[i]);
        rows[i].stock_item_id = text(components[i].stock_item_id);
        rows[i].quantity = components[i].quantity;
        pointers[i] = &rows[i];
    }
    req.variant_id = text(variant);
    req.components = pointers;
    req.n_components = count;
    then_ok(inventory_set_variant_stock_items(world_ctx(inventory), &req, &rep));
}

Inventory__V1__ReserveRequest *reserve_request(struct ctx *ctx, struct uuid id,
                                               const struct wanted *wanted, size_t count)
{
    Inventory__V1__ReserveRequest *req = arena_new(ctx->arena, Inventory__V1__ReserveRequest);

    inventory__v1__reserve_request__init(req);
    req->reservation_id = uuid_text(ctx->arena, id);
    req->n_lines = count;
    req->lines = arena_array(ctx->arena, Inventory__V1__ReserveLine *, count);
    for (size_t i = 0; i < count; i++) {
        Inventory__V1__ReserveLine *line = arena_new(ctx->arena, Inventory__V1__ReserveLine);
        inventory__v1__reserve_line__init(line);
        line->line_id = arena_printf(ctx->arena, "%zu", i + 1);
        line->variant_id = uuid_text(ctx->arena, wanted[i].variant);
        line->quantity = wanted[i].quantity;
        req->lines[i] = line;
    }
    return req;
}

struct status reserving(struct uuid id, const struct wanted *wanted, size_t count)
{
    Inventory__V1__ReserveResponse rep = INVENTORY__V1__RESERVE_RESPONSE__INIT;
    struct ctx *ctx = world_ctx(inventory);

    return inventory_reserve(ctx, reserve_request(ctx, id, wanted, count), &rep);
}

struct uuid given_reservation(struct uuid variant, int64_t quantity)
{
    struct uuid id = uuid_v7();

    then_ok(reserving(id, &(struct wanted){variant, quantity}, 1));
    return id;
}

struct status releasing(struct uuid id)
{
    Inventory__V1__ReleaseReservationRequest req = INVENTORY__V1__RELEASE_RESERVATION_REQUEST__INIT;
    Inventory__V1__ReleaseReservationResponse rep =
        INVENTORY__V1__RELEASE_RESERVATION_RESPONSE__INIT;

    req.reservation_id = text(id);
    return inventory_release_reservation(world_ctx(inventory), &req, &rep);
}

struct status committing(struct uuid id)
{
    Inventory__V1__CommitReservationRequest req = INVENTORY__V1__COMMIT_RESERVATION_REQUEST__INIT;
    Inventory__V1__CommitReservationResponse rep = INVENTORY__V1__COMMIT_RESERVATION_RESPONSE__INIT;

    req.reservation_id = text(id);
    return inventory_commit_reservation(world_ctx(inventory), &req, &rep);
}

struct status pinning(struct uuid id)
{
    Inventory__V1__PinReservationRequest req = INVENTORY__V1__PIN_RESERVATION_REQUEST__INIT;
    Inventory__V1__PinReservationResponse rep = INVENTORY__V1__PIN_RESERVATION_RESPONSE__INIT;

    req.reservation_id = text(id);
    return inventory_pin_reservation(world_ctx(inventory), &req, &rep);
}

void then_level(struct uuid warehouse, struct uuid item, int64_t available, int64_t reserved,
                int64_t allocated)
{
    const char *wanted =
        arena_printf(world_ctx(inventory)->arena, "%lld %lld %lld", (long long)available,
                     (long long)reserved, (long long)allocated);
    const char *found =
        world_sql_text("SELECT format('%%s %%s %%s', available, reserved, allocated)"
                       "  FROM inventory.stock_level"
                       " WHERE warehouse_id = '%s' AND stock_item_id = '%s'",
                       text(warehouse), text(item));

    ck_assert_str_eq(str_or_empty(found), wanted);
}

void then_state(struct uuid reservation, const char *state)
{
    const char *found = world_sql_text("SELECT state FROM inventory.reservation WHERE id = '%s'",
                                       text(reservation));

    ck_assert_str_eq(str_or_empty(found), state);
}

int64_t published(const struct event_kind *kind)
{
    const char *name = kind->body->descriptor->name;

    return world_sql_int("SELECT count(*) FROM inventory.outbox"
                         " WHERE position(convert_to('ce_type', 'UTF8') || '\\x00%02zx'::bytea"
                         "                || convert_to('%s', 'UTF8') IN headers) > 0",
                         strlen(name), name);
}

void then_the_books_are_right(void)
{
    Inventory__V1__AuditBalancesRequest req = INVENTORY__V1__AUDIT_BALANCES_REQUEST__INIT;
    Inventory__V1__AuditBalancesResponse rep = INVENTORY__V1__AUDIT_BALANCES_RESPONSE__INIT;

    then_ok(inventory_audit_balances(world_ctx(inventory), &req, &rep));
    ck_assert_uint_eq(rep.n_mismatches, 0);
    ck_assert_int_eq(
        world_sql_int("SELECT (SELECT coalesce(sum(available + reserved + allocated + quarantine),"
                      " 0) FROM inventory.stock_level)"
                      " + (SELECT coalesce(sum(balance), 0) FROM inventory.outside_balance)"),
        0);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM inventory.stock_level AS level WHERE reserved <>"
                      " (SELECT coalesce(sum(quantity), 0) FROM inventory.reservation_line AS line"
                      "    JOIN inventory.reservation AS r ON r.id = line.reservation_id"
                      "   WHERE r.state IN ('held', 'pinned')"
                      "     AND line.stock_item_id = level.stock_item_id"
                      "     AND line.warehouse_id = level.warehouse_id)"
                      " OR allocated <>"
                      " (SELECT coalesce(sum(quantity - shipped_quantity), 0)"
                      "    FROM inventory.reservation_line AS line"
                      "    JOIN inventory.reservation AS r ON r.id = line.reservation_id"
                      "   WHERE r.state = 'committed'"
                      "     AND line.stock_item_id = level.stock_item_id"
                      "     AND line.warehouse_id = level.warehouse_id)"),
        0);
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM (SELECT aggregate_version, row_number() OVER"
                      "   (PARTITION BY topic, key ORDER BY seq) AS place"
                      "  FROM inventory.outbox) AS event WHERE aggregate_version <> place"),
        0);
}
