/* store_address.c - the statements of addresses. */
#include "customer.h"

#define ADDRESS_COLUMNS                                                                            \
    "id, full_name, company, line1, line2, city, region, postal_code, country_code, phone,"        \
    " is_default_shipping, is_default_billing"
#define ADDRESS_COLUMN_TYPES "utttttttttff"

static const struct db_stmt COUNT_ADDRESSES = {
    .name = "count_addresses",
    .in = "u",
    .out = "i",
    .sql = "SELECT count(*) FROM customer.address WHERE customer_id = $1",
    .read_only = true,
};

static const struct db_stmt LIST_ADDRESSES = {
    .name = "list_addresses",
    .in = "ui",
    .out = ADDRESS_COLUMN_TYPES,
    .sql = "SELECT " ADDRESS_COLUMNS " FROM customer.address WHERE customer_id = $1"
           " ORDER BY id LIMIT $2",
    .read_only = true,
};

static const struct db_stmt YIELD_DEFAULTS = {
    .name = "yield_defaults",
    .in = "uuff", /* customer, who takes over, shipping, billing */
    .out = "",
    .sql = "UPDATE customer.address SET is_default_shipping = is_default_shipping AND NOT $3,"
           " is_default_billing = is_default_billing AND NOT $4"
           " WHERE customer_id = $1 AND id <> $2"
           "   AND ((is_default_shipping AND $3) OR (is_default_billing AND $4))",
};

static const struct db_stmt ADD_ADDRESS = {
    .name = "add_address",
    .in = ADDRESS_COLUMN_TYPES "u",
    .out = "",
    .sql = "INSERT INTO customer.address (" ADDRESS_COLUMNS ", customer_id)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
};

static const struct db_stmt CHANGE_ADDRESS = {
    .name = "change_address",
    .in = ADDRESS_COLUMN_TYPES "u",
    .out = "",
    .sql = "UPDATE customer.address SET full_name = $2, company = $3, line1 = $4, line2 = $5,"
           " city = $6, region = $7, postal_code = $8, country_code = $9, phone = $10,"
           " is_default_shipping = $11, is_default_billing = $12"
           " WHERE id = $1 AND customer_id = $13",
};

static const struct db_stmt REMOVE_ADDRESS = {
    .name = "remove_address",
    .in = "uu",
    .out = "",
    .sql = "DELETE FROM customer.address WHERE customer_id = $1 AND id = $2",
};

static struct status write_address(struct db_tx *tx, const struct db_stmt *stmt,
                                   struct uuid customer_id,
                                   const Customer__V1__CustomerAddress *address, int64_t *ret_count)
{
    const Common__V1__Address *postal = address->address;

    return db_exec(tx, stmt,
                   DB_ARGS(db_uuid(parsed(address->id)), db_text(postal->full_name),
                           db_text(postal->company), db_text(postal->line1), db_text(postal->line2),
                           db_text(postal->city), db_text(postal->region),
                           db_text(postal->postal_code), db_text(postal->country_code),
                           db_text(postal->phone), db_bool(address->is_default_shipping),
                           db_bool(address->is_default_billing), db_uuid(customer_id)),
                   ret_count);
}

static Customer__V1__CustomerAddress *read_address(struct ctx *ctx, const struct db_rows *rows,
                                                   size_t row)
{
    Customer__V1__CustomerAddress *address = arena_new(ctx->arena, Customer__V1__CustomerAddress);
    Common__V1__Address *postal = arena_new(ctx->arena, Common__V1__Address);

    customer__v1__customer_address__init(address);
    common__v1__address__init(postal);
    address->id = uuid_text(ctx->arena, db_get_uuid(rows, row, 0));
    address->address = postal;
    postal->full_name = db_get_text(rows, row, 1);
    postal->company = db_get_text(rows, row, 2);
    postal->line1 = db_get_text(rows, row, 3);
    postal->line2 = db_get_text(rows, row, 4);
    postal->city = db_get_text(rows, row, 5);
    postal->region = db_get_text(rows, row, 6);
    postal->postal_code = db_get_text(rows, row, 7);
    postal->country_code = db_get_text(rows, row, 8);
    postal->phone = db_get_text(rows, row, 9);
    address->is_default_shipping = db_get_bool(rows, row, 10);
    address->is_default_billing = db_get_bool(rows, row, 11);
    return address;
}

struct status store_count_addresses(struct db_tx *tx, struct uuid customer_id, int64_t *ret_count)
{
    struct db_rows rows;

    TRY(db_one(tx, &COUNT_ADDRESSES, DB_ARGS(db_uuid(customer_id)), &rows));
    *ret_count = db_get_int(&rows, 0, 0);
    return status_ok();
}

struct status store_list_addresses(struct db_tx *tx, struct uuid customer_id,
                                   Customer__V1__CustomerAddress ***ret_addresses,
                                   size_t *ret_count)
{
    struct ctx *ctx = db_ctx(tx);
    struct db_rows rows;

    TRY(db_many(tx, &LIST_ADDRESSES, DB_ARGS(db_uuid(customer_id), db_int(ADDRESSES_MAX)), &rows));
    *ret_addresses = arena_array(ctx->arena, Customer__V1__CustomerAddress *, rows.count);
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_addresses)[i] = read_address(ctx, &rows, i);
    return status_ok();
}

struct status store_yield_defaults(struct db_tx *tx, struct uuid customer_id,
                                   const Customer__V1__CustomerAddress *address)
{
    if (!address->is_default_shipping && !address->is_default_billing)
        return status_ok();
    return db_later(tx, &YIELD_DEFAULTS,
                    DB_ARGS(db_uuid(customer_id), db_uuid(parsed(address->id)),
                            db_bool(address->is_default_shipping),
                            db_bool(address->is_default_billing)));
}

struct status store_add_address(struct db_tx *tx, struct uuid customer_id,
                                const Customer__V1__CustomerAddress *address)
{
    return write_address(tx, &ADD_ADDRESS, customer_id, address, NULL);
}

struct status store_change_address(struct db_tx *tx, struct uuid customer_id,
                                   const Customer__V1__CustomerAddress *address)
{
    int64_t count;

    TRY(write_address(tx, &CHANGE_ADDRESS, customer_id, address, &count));
    if (count == 0)
        return ctx_fail_field(db_ctx(tx), &ADDRESS_NOT_FOUND, "address.id", address->id,
                              "the id of an address of this customer");
    return status_ok();
}

struct status store_remove_address(struct db_tx *tx, struct uuid customer_id,
                                   struct uuid address_id)
{
    return db_later(tx, &REMOVE_ADDRESS, DB_ARGS(db_uuid(customer_id), db_uuid(address_id)));
}

const struct db_stmt *const STORE_ADDRESS_STATEMENTS[] = {
    &COUNT_ADDRESSES,
    &LIST_ADDRESSES,
    &YIELD_DEFAULTS,
    &ADD_ADDRESS,
    &CHANGE_ADDRESS,
    &REMOVE_ADDRESS,
    NULL,
};
