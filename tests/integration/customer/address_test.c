/* address_test.c - a customer's address book. */
#include "suites.h"

#include "customer/v1/service.client.h"

#include <pthread.h>

struct change {
    struct ctx *ctx;
    const char *customer_id;
    const char *address_id; /* NULL: a new one */
    const char *country;
    bool is_shipping, is_billing;
};

static struct status making(const struct change *change, const char **ret_id)
{
    Customer__V1__CustomerAddress address = CUSTOMER__V1__CUSTOMER_ADDRESS__INIT;
    Common__V1__Address postal = COMMON__V1__ADDRESS__INIT;

    postal.full_name = "Ann Example";
    postal.line1 = "1 Main St";
    postal.city = "Hamburg";
    postal.country_code = change->country;
    address.address = &postal;
    address.is_default_shipping = change->is_shipping;
    address.is_default_billing = change->is_billing;
    if (change->address_id != NULL) {
        Customer__V1__UpdateAddressRequest req = CUSTOMER__V1__UPDATE_ADDRESS_REQUEST__INIT;
        Customer__V1__UpdateAddressResponse rep = CUSTOMER__V1__UPDATE_ADDRESS_RESPONSE__INIT;
        address.id = change->address_id;
        req.customer_id = change->customer_id;
        req.address = &address;
        return customer_update_address(change->ctx, &req, &rep);
    }
    Customer__V1__CreateAddressRequest req = CUSTOMER__V1__CREATE_ADDRESS_REQUEST__INIT;
    Customer__V1__CreateAddressResponse rep = CUSTOMER__V1__CREATE_ADDRESS_RESPONSE__INIT;
    req.customer_id = change->customer_id;
    req.address = &address;
    TRY(customer_create_address(change->ctx, &req, &rep));
    *ret_id = rep.address->id;
    return status_ok();
}

static struct change of_ann(void)
{
    return (struct change){.ctx = world_ctx(customer),
                           .customer_id = given_account("ann@example.org")->customer->id,
                           .country = "DE"};
}

static struct status removing(const char *customer_id, const char *address_id)
{
    Customer__V1__DeleteAddressRequest req = CUSTOMER__V1__DELETE_ADDRESS_REQUEST__INIT;
    Customer__V1__DeleteAddressResponse rep = CUSTOMER__V1__DELETE_ADDRESS_RESPONSE__INIT;

    req.customer_id = customer_id;
    req.address_id = address_id;
    return customer_delete_address(world_ctx(customer), &req, &rep);
}

START_TEST(the_last_default_is_the_default)
{
    given_customer_daemon();
    struct change change = of_ann();
    Customer__V1__ListAddressesRequest req = CUSTOMER__V1__LIST_ADDRESSES_REQUEST__INIT;
    const Customer__V1__ListAddressesResponse *rep;
    const char *first, *second;

    change.is_shipping = change.is_billing = true;
    then_ok(making(&change, &first));
    change.is_billing = false;
    then_ok(making(&change, &second));
    req.customer_id = change.customer_id;
    then_ok(customer_v1_list_addresses(world_client(), &req, &rep));

    ck_assert_uint_eq(rep->n_addresses, 2);
    ck_assert_str_eq(rep->addresses[0]->id, first);
    ck_assert_str_eq(rep->addresses[0]->address->city, "Hamburg");
    ck_assert(!rep->addresses[0]->is_default_shipping && rep->addresses[0]->is_default_billing);
    ck_assert(rep->addresses[1]->is_default_shipping && !rep->addresses[1]->is_default_billing);
    change.address_id = first;
    change.country = "AT";
    then_ok(making(&change, &second));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.address"
                                   " WHERE is_default_shipping AND country_code = 'AT'"),
                     1);
}
END_TEST

START_TEST(nobody_changes_or_removes_the_address_of_another)
{
    given_customer_daemon();
    struct change change = of_ann();
    const char *eve = given_account("eve@example.org")->customer->id, *id;

    then_ok(making(&change, &id));
    then_ok(removing(eve, id));
    change.address_id = id;
    change.customer_id = eve;
    then_reason(making(&change, &id), STATUS_NOT_FOUND, "ADDRESS_NOT_FOUND");
    change.address_id = NULL;
    change.customer_id = uuid_text(change.ctx->arena, uuid_v7());
    then_reason(making(&change, &id), STATUS_NOT_FOUND, "CUSTOMER_NOT_FOUND");
    change.country = "de";
    then_reason(making(&change, &id), STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.address"), 1);
    const char *left = world_sql_text("SELECT id FROM customer.address");
    const char *ann = world_sql_text("SELECT customer_id FROM customer.address");
    then_ok(removing(ann, left));
    then_ok(removing(ann, left));
    ck_assert_int_eq(world_sql_int("SELECT count(*) FROM customer.address"), 0);
}
END_TEST

static void *add(void *closure)
{
    const char *id;

    return making(closure, &id).code == STATUS_OK ? closure : NULL;
}

START_TEST(an_address_book_is_bounded_whoever_adds_at_once)
{
    given_customer_daemon();
    struct change change = of_ann();
    struct change changes[4];
    pthread_t threads[4];
    const char *id;
    int added = 0;

    world_sql("INSERT INTO customer.address SELECT gen_random_uuid(), '%s', 'a', '', 'b', '', 'c',"
              " '', '', 'DE', '', false, false FROM generate_series(1, 48)",
              change.customer_id);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        changes[i] = change;
        changes[i].ctx = world_ctx(customer);
        changes[i].is_shipping = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add, &changes[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        void *came;
        pthread_join(threads[i], &came);
        added += came != NULL;
    }
    ck_assert_int_eq(added, 2);
    then_reason(making(&change, &id), STATUS_RESOURCE_EXHAUSTED, "TOO_MANY_ADDRESSES");
    ck_assert_int_eq(
        world_sql_int("SELECT count(*) FROM customer.address WHERE is_default_shipping"), 1);
}
END_TEST

void address_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "address");

    tcase_add_test(tcase, the_last_default_is_the_default);
    tcase_add_test(tcase, nobody_changes_or_removes_the_address_of_another);
    tcase_add_test(tcase, an_address_book_is_bounded_whoever_adds_at_once);
}
