/* details_test.c - e-mail, addresses and shipping; none of the owner's data leaves in an event. */
#define _GNU_SOURCE // memmem
#include "suites.h"

#include <string.h>

static const char ADDRESS[] =
    "{'cartId': '%s', 'shippingAddress': {'fullName': 'Anna Geheim', 'line1': 'Ring 1',"
    " 'city': 'Bonn', 'postalCode': '53111', 'countryCode': '%s'}}";

static void then_never_published(const char *secret)
{
    struct entry *entries;
    size_t count = published(NULL, &entries);

    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        struct db_bytes payload = entries[i].payload, headers = entries[i].headers;
        ck_assert_ptr_null(memmem(payload.data, payload.length, secret, strlen(secret)));
        ck_assert_ptr_null(memmem(headers.data, headers.length, secret, strlen(secret)));
    }
}

START_TEST(an_owners_data_stays_in_the_cart)
{
    given_shop();
    const char *id = given_cart();
    then_ok(asking(call_of(set_email), "{'cartId': '%s', 'email': 'anna@geheim.example'}", id));
    then_ok(asking(call_of(set_addresses), ADDRESS, id, "DE"));
    then_ok(freezing(id, new_id()));
    ck_assert_str_eq(said->cart->email, "anna@geheim.example");
    ck_assert_str_eq(said->cart->shipping_address->city, "Bonn");
    then_published(id, "CartCreated CartChanged CartChanged CartFrozen");
    then_never_published("geheim");
    then_never_published("Geheim");
    then_never_published("Ring 1");
    then_never_published("53111");
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const WRONG[] = {"anna", "@b.de",    "a@b",     "a@.de",
                                        "a@b.", "a@b@c.de", "a b@c.de"};
    given_shop();
    const char *id = given_cart();
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        then_reason(asking(call_of(set_email), "{'cartId': '%s', 'email': '%s'}", id, WRONG[i]),
                    STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
        ck_assert_ptr_null(strstr(str_or_empty(objected->value), "b"));
    }
    then_reason(asking(call_of(set_addresses), ADDRESS, id, "de"), STATUS_INVALID_ARGUMENT,
                "INVALID_REQUEST");
    then_published(id, "CartCreated");
}
END_TEST

START_TEST(a_country_without_a_rate_is_a_problem)
{
    given_shop();
    const char *id = given_cart();
    const char *line = said->cart->lines[0]->line_id;
    then_ok(asking(call_of(set_addresses), ADDRESS, id, "FR"));
    ck_assert_str_eq(said->cart->country_code, "FR");
    then_problem(CART__V1__PROBLEM_KIND__PROBLEM_KIND_NO_TAX_RATE, line);
}
END_TEST

START_TEST(shipping_is_priced_and_taxed)
{
    static const char SET[] =
        "{'cartId': '%s', 'shipping': {'shippingOptionId': '%s', 'name': 'Parcel',"
        " 'price': {'minorUnits': '%d', 'currencyCode': '%s'}, 'taxCategoryCode': 'standard',"
        " 'isGross': true, 'homeCountryCode': 'DE'}}";
    given_shop();
    const char *id = given_cart();
    then_ok(asking(call_of(set_shipping_option), SET, id, new_id(), 595, "EUR"));
    ck_assert_int_eq(said->quote->shipping->gross_minor, 595);
    ck_assert_int_eq(said->quote->shipping->tax_minor, 95);
    ck_assert_int_eq(said->quote->total_minor, 2595);
    then_reason(asking(call_of(set_shipping_option), SET, id, new_id(), 595, "USD"),
                STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
    then_reason(asking(call_of(set_shipping_option), SET, id, new_id(), -1, "EUR"),
                STATUS_INVALID_ARGUMENT, "INVALID_REQUEST");
}
END_TEST

void details_case(Suite *suite)
{
    TCase *details = world_case(suite, "details");

    tcase_add_test(details, an_owners_data_stays_in_the_cart);
    tcase_add_test(details, what_is_no_address_is_refused);
    tcase_add_test(details, a_country_without_a_rate_is_a_problem);
    tcase_add_test(details, shipping_is_priced_and_taxed);
}
