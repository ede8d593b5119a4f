/* account_test.c - a customer signs in, keeps their data, and sees their own orders and nobody
 * else's. */
#include "given.h"

#include <string.h>

static const char PASSWORD[] = "correct horse battery";

struct session {
    const char *email, *access, *refresh;
};

static struct session session_of(const char *email, struct answer answer)
{
    return (struct session){email, text_at(answer, "tokens.accessToken"),
                            text_at(answer, "tokens.refreshToken")};
}

static struct answer signing(const char *path, const char *email, const char *password)
{
    return store("POST", path,
                 arena_printf(arena, "{\"email\":\"%s\",\"password\":\"%s\"}", email, password),
                 NULL);
}

static struct session given_account(void)
{
    const char *email = new_email();
    return session_of(email, expect(signing("/account/register", email, PASSWORD), 201));
}

static struct answer as(struct session session, const char *method, const char *path,
                        const char *json)
{
    return store_with(method, path, json, "Authorization",
                      arena_printf(arena, "Bearer %s", session.access));
}

static struct answer refreshing(const char *token)
{
    return store("POST", "/account/refresh",
                 arena_printf(arena, "{\"refreshToken\":\"%s\"}", token), NULL);
}

START_TEST(who_registered_can_sign_in_and_read_the_profile)
{
    struct session first = given_account();
    struct session again =
        session_of(first.email, expect(signing("/account/login", first.email, PASSWORD), 200));

    struct answer profile = expect(as(again, "GET", "/account", NULL), 200);

    ck_assert_str_eq(text_at(profile, "customer.email"), first.email);
    expect(signing("/account/login", first.email, "not the password"), 401);
}
END_TEST

START_TEST(a_profile_and_addresses_are_kept)
{
    struct session session = given_account();
    const char *address = "{\"address\":{\"fullName\":\"Ada Buyer\",\"line1\":\"Hafenstrasse 1\","
                          "\"city\":\"Hamburg\",\"postalCode\":\"20359\",\"countryCode\":\"DE\"}}";
    expect(as(session, "PATCH", "/account", "{\"givenName\":\"Ada\"}"), 200);
    struct answer made = expect(as(session, "POST", "/account/addresses", address), 201);

    ck_assert_str_eq(
        text_at(expect(as(session, "GET", "/account", NULL), 200), "customer.givenName"), "Ada");
    ck_assert_str_eq(text_at(expect(as(session, "GET", "/account/addresses", NULL), 200),
                             "addresses.0.address.city"),
                     "Hamburg");
    const char *one = arena_printf(arena, "/account/addresses/%s", text_at(made, "address.id"));
    expect(as(session, "DELETE", one, NULL), 200);
}
END_TEST

START_TEST(a_refresh_token_works_once_and_a_stolen_one_ends_the_session)
{
    struct session session = given_account();
    struct answer fresh = expect(refreshing(session.refresh), 200);

    expect(refreshing(session.refresh), 401);
    expect(refreshing(text_at(fresh, "tokens.refreshToken")), 401);
}
END_TEST

START_TEST(an_api_key_that_nobody_made_is_refused)
{
    expect_problem(admin_as("torg_nobody", "/orders"), 401, "API_KEY_UNKNOWN");
}
END_TEST

START_TEST(a_token_that_was_tampered_with_is_refused)
{
    struct session session = given_account();
    char *forged = arena_strdup(arena, session.access);
    size_t middle = strlen(forged) / 2;
    forged[middle] = forged[middle] == 'A' ? 'B' : 'A';
    session.access = forged;

    expect(as(session, "GET", "/account", NULL), 401);
}
END_TEST

static const char *given_cart_of_account(struct session session, struct item item)
{
    const char *cart = given_cart_of(session.email, item, 1);
    expect(as(session, "PUT", arena_printf(arena, "/carts/%s/customer", cart), NULL), 200);
    return cart;
}

START_TEST(an_order_is_its_customers_and_nobody_elses)
{
    struct session owner = given_account(), stranger = given_account();
    const char *cart = given_cart_of_account(owner, given_item(1900, 10));
    expect(store("GET", arena_printf(arena, "/carts/%s", cart), NULL, NULL), 404);
    struct answer seen =
        expect(as(owner, "GET", arena_printf(arena, "/carts/%s", cart), NULL), 200);
    const char *body = arena_printf(
        arena,
        "{\"cartId\":\"%s\",\"expectedTotal\":{\"minorUnits\":%lld,\"currencyCode\":\"EUR\"},"
        "\"tenders\":[{\"providerAccount\":\"manual\"}]}",
        cart, (long long)int_at(seen, "quote.totalMinor"));
    struct answer placed =
        expect(store_keyed("POST", "/checkouts", body, new_key(), owner.access), 201);
    const char *order = arena_printf(arena, "/orders/%s", text_at(placed, "orderId"));

    expect(as(owner, "GET", order, NULL), 200);
    ck_assert_str_eq(text_at(expect(as(owner, "GET", "/orders", NULL), 200), "orders.0.id"),
                     text_at(placed, "orderId"));
    expect_problem(as(stranger, "GET", order, NULL), 404, "ORDER_NOT_FOUND");
    expect_problem(store("GET", order, NULL, NULL), 404, "ORDER_NOT_FOUND");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("account");
    TCase *account = shop_case(suite, "account");
    tcase_add_test(account, who_registered_can_sign_in_and_read_the_profile);
    tcase_add_test(account, a_profile_and_addresses_are_kept);
    tcase_add_test(account, a_refresh_token_works_once_and_a_stolen_one_ends_the_session);
    tcase_add_test(account, an_api_key_that_nobody_made_is_refused);
    tcase_add_test(account, a_token_that_was_tampered_with_is_refused);
    tcase_add_test(account, an_order_is_its_customers_and_nobody_elses);
    return shop_run(suite);
}
