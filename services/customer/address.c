/* address.c - a customer's address book. The account's row is locked first: it orders changes of
 * the defaults and makes the limit exact. */
#include "customer.h"

#include "customer/v1/service.handlers.h"

const struct error_def ADDRESS_NOT_FOUND = {STATUS_NOT_FOUND, "ADDRESS_NOT_FOUND",
                                            "the id of an address that ListAddresses shows"};
const struct error_def TOO_MANY_ADDRESSES = {STATUS_RESOURCE_EXHAUSTED, "TOO_MANY_ADDRESSES",
                                             "remove one first"};

static struct status validate(struct ctx *ctx, const Customer__V1__CustomerAddress *address);

struct status customer_list_addresses(struct ctx *ctx,
                                      const Customer__V1__ListAddressesRequest *req,
                                      Customer__V1__ListAddressesResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    return store_list_addresses(tx, parsed(req->customer_id), &rep->addresses, &rep->n_addresses);
}

struct status customer_create_address(struct ctx *ctx,
                                      const Customer__V1__CreateAddressRequest *req,
                                      Customer__V1__CreateAddressResponse *rep)
{
    Customer__V1__CustomerAddress *address = req->address;
    const struct uuid customer_id = parsed(req->customer_id);
    struct account account;
    int64_t count;

    TRY(validate(ctx, address));
    address->id = uuid_text(ctx->arena, uuid_v7());

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_account(tx, customer_id, &account));
    TRY(store_count_addresses(tx, customer_id, &count));
    if (count >= ADDRESSES_MAX)
        return ctx_fail(ctx, &TOO_MANY_ADDRESSES, "there are %d", ADDRESSES_MAX);
    TRY(store_yield_defaults(tx, customer_id, address));
    TRY(store_add_address(tx, customer_id, address));
    TRY(db_audit(tx, "create_address", customer_id, NULL));
    rep->address = address;
    return db_commit(&tx);
}

struct status customer_update_address(struct ctx *ctx,
                                      const Customer__V1__UpdateAddressRequest *req,
                                      Customer__V1__UpdateAddressResponse *rep)
{
    const struct uuid customer_id = parsed(req->customer_id);
    struct account account;

    TRY(validate(ctx, req->address));

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_lock_account(tx, customer_id, &account));
    TRY(store_yield_defaults(tx, customer_id, req->address));
    TRY(store_change_address(tx, customer_id, req->address));
    TRY(db_audit(tx, "update_address", customer_id, NULL));
    rep->address = req->address;
    return db_commit(&tx);
}

/* Deleting what is not there is done already. */
struct status customer_delete_address(struct ctx *ctx,
                                      const Customer__V1__DeleteAddressRequest *req,
                                      Customer__V1__DeleteAddressResponse *rep)
{
    const struct uuid customer_id = parsed(req->customer_id);

    (void)rep;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(store_remove_address(tx, customer_id, parsed(req->address_id)));
    TRY(db_audit(tx, "delete_address", customer_id, NULL));
    return db_commit(&tx);
}

static struct status validate(struct ctx *ctx, const Customer__V1__CustomerAddress *address)
{
    const char *country = address->address->country_code;

    for (size_t i = 0; i < 2; i++)
        if (country[i] < 'A' || country[i] > 'Z')
            return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "address.address.countryCode",
                                  country, "two capital letters");
    return status_ok();
}
