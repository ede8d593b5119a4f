/* match_test.c - which route serves a request. */
#include "suites.h"

static const struct {
    const char *method, *target;
    const char *path;    /* of the route; NULL: none */
    const char *allowed; /* when only the method is wrong */
    const char *values[3];
} CASES[] = {
    {"GET", "/store/v1/carts/1", "/store/v1/carts/{cart_id}", NULL, {"1"}},
    {"HEAD", "/store/v1/carts/1", "/store/v1/carts/{cart_id}", NULL, {"1"}},
    {"PATCH",
     "/store/v1/carts/1/lines/2",
     "/store/v1/carts/{cart_id}/lines/{line_id}",
     NULL,
     {"1", "2"}},
    {"PUT", "/admin/v1/products/7", "/admin/v1/products/{product.id}", NULL, {"7"}},
    {"PUT",
     "/admin/v1/templates/order_placed/de",
     "/admin/v1/templates/{template.kind}/{template.locale}",
     NULL,
     {"order_placed", "de"}},
    {"GET", "/store/v1/carts/a%20b", "/store/v1/carts/{cart_id}", NULL, {"a b"}},
    {"GET", "/.well-known/jwks.json", "/.well-known/jwks.json", NULL, {0}},
    {"POST", "/store/v1/carts/1", NULL, "GET", {0}},
    {"GET", "/store/v1/cart", NULL, NULL, {0}},
    {"GET", "/store/v1/carts/1/2/3/4", NULL, NULL, {0}},
    {"get", "/store/v1/carts/1", NULL, "GET", {0}},
    {"POST", "/admin/v1/imports/products", "/admin/v1/imports/products", NULL, {0}},
    {"GET", "/admin/v1/imports/products", NULL, "POST", {0}},
    {"GET", "/admin/v1/imports/1", "/admin/v1/imports/{id}", NULL, {"1"}},
    {"GET", "/store", NULL, NULL, {0}},
};

START_TEST(the_route_is_the_one_with_that_path_and_method)
{
    struct ctx *ctx = begin_ctx();
    struct http_request request = make_request(ctx, CASES[_i].method, CASES[_i].target, NULL, NULL);
    const char *values[ROUTE_VALUES_MAX] = {0};
    const char *allowed;

    const struct route *route = rest_match(ctx, &request, values, &allowed);

    ck_assert_pstr_eq(route ? route->path : NULL, CASES[_i].path);
    if (!route)
        ck_assert_pstr_eq(allowed, CASES[_i].allowed);
    for (size_t i = 0; route && i < ARRAY_LEN(CASES[_i].values); i++)
        ck_assert_pstr_eq(values[i], CASES[_i].values[i]);
    end_ctx();
}
END_TEST

START_TEST(a_literal_segment_wins_over_a_variable)
{
    struct ctx *ctx = begin_ctx();
    struct http_request request = make_request(ctx, "POST", "/admin/v1/prices/explain", NULL, NULL);
    const char *values[ROUTE_VALUES_MAX] = {0};
    const char *allowed;

    const struct route *route = rest_match(ctx, &request, values, &allowed);

    ck_assert_ptr_nonnull(route);
    ck_assert_str_eq(route->path, "/admin/v1/prices/explain");
    end_ctx();
}
END_TEST

TCase *match_case(void)
{
    TCase *match = tcase_create("match");

    tcase_add_loop_test(match, the_route_is_the_one_with_that_path_and_method, 0, ARRAY_LEN(CASES));
    tcase_add_test(match, a_literal_segment_wins_over_a_variable);
    return match;
}
