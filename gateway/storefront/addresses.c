/* addresses.c - a customer's address book. */
#include "storefront/storefront.h"

#include "customer/v1/service.client.h"
#include "gateway/v1/store.pb-c.h"

struct status address_list(struct ctx *ctx, struct exchange *exchange,
                           const ProtobufCMessage *request, ProtobufCMessage *response)
{
    Gateway__V1__ListAddressesResponse *listed = (void *)response;
    Customer__V1__ListAddressesRequest to = CUSTOMER__V1__LIST_ADDRESSES_REQUEST__INIT;
    const Customer__V1__ListAddressesResponse *reply;
    (void)request;
    to.customer_id = exchange->visitor.customer_id;
    TRY(customer_v1_list_addresses(ctx, &to, &reply));
    listed->n_addresses = reply->n_addresses;
    listed->addresses = reply->addresses;
    return status_ok();
}

struct status address_create(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__CreateAddressRequest *from = (const void *)request;
    Gateway__V1__AddressResponse *created = (void *)response;
    Customer__V1__CreateAddressRequest to = CUSTOMER__V1__CREATE_ADDRESS_REQUEST__INIT;
    to.customer_id = exchange->visitor.customer_id;
    to.address = from->address;
    struct rpc_call call = customer_v1_create_address_call(&to);
    call.idempotency_key = rest_idempotency_key(ctx, exchange);
    TRY(rpc_call_one(ctx, &call));
    created->address =
        ((const Customer__V1__CreateAddressResponse *)(const void *)call.reply)->address;
    exchange->location =
        arena_printf(ctx->arena, "/store/v1/account/addresses/%s", created->address->id);
    return status_ok();
}

struct status address_update(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__UpdateAddressRequest *from = (const void *)request;
    Customer__V1__UpdateAddressRequest to = CUSTOMER__V1__UPDATE_ADDRESS_REQUEST__INIT;
    Customer__V1__CustomerAddress address = *from->address;
    address.id = from->address_id; // the path names it
    to.customer_id = exchange->visitor.customer_id;
    to.address = &address;
    struct rpc_call call = customer_v1_update_address_call(&to);
    call.idempotency_key = rest_idempotency_key(ctx, exchange);
    TRY(rpc_call_one(ctx, &call));
    ((Gateway__V1__AddressResponse *)(void *)response)->address =
        ((const Customer__V1__UpdateAddressResponse *)(const void *)call.reply)->address;
    return status_ok();
}

struct status address_delete(struct ctx *ctx, struct exchange *exchange,
                             const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__DeleteAddressRequest *from = (const void *)request;
    Customer__V1__DeleteAddressRequest to = CUSTOMER__V1__DELETE_ADDRESS_REQUEST__INIT;
    const Customer__V1__DeleteAddressResponse *reply;
    (void)response;
    to.customer_id = exchange->visitor.customer_id;
    to.address_id = from->address_id;
    return customer_v1_delete_address(ctx, &to, &reply);
}
