/* problem_test.c - refusals as problem+json. */
#include "suites.h"

#include "common/json.h"

static const struct {
    enum status_code code;
    const char *reason;
    int http;
} CASES[] = {
    {STATUS_INVALID_ARGUMENT, "INVALID_REQUEST", 400},
    {STATUS_INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED", 422},
    {STATUS_INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE", 415},
    {STATUS_UNAUTHENTICATED, "TOKEN_EXPIRED", 401},
    {STATUS_PERMISSION_DENIED, "SCOPE_MISSING", 403},
    {STATUS_NOT_FOUND, "CART_NOT_FOUND", 404},
    {STATUS_ABORTED, "CART_VERSION_CONFLICT", 409},
    {STATUS_FAILED_PRECONDITION, "PRICE_CHANGED", 409},
    {STATUS_ALREADY_EXISTS, "SKU_TAKEN", 409},
    {STATUS_RESOURCE_EXHAUSTED, "RATE_LIMITED", 429},
    {STATUS_UNAVAILABLE, "CALL_NOT_SENT", 503},
    {STATUS_UNAVAILABLE, "CALL_LOST", 503},
    {STATUS_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", 504},
    {STATUS_UNIMPLEMENTED, "METHOD_NOT_ALLOWED", 405},
    {STATUS_INTERNAL, "INTERNAL", 500},
    {STATUS_DATA_LOSS, NULL, 500},
};

static const struct json_node *problem_of(struct ctx *ctx, struct status status,
                                          struct http_response *response)
{
    const struct json_node *root;
    make_response(ctx, response);
    rest_problem(ctx, response, status);
    ck_assert_str_eq(response->content_type, "application/problem+json");
    ck_assert_int_eq(json_parse(ctx->arena, response->body.data, response->body.length, &root).code,
                     STATUS_OK);
    return root;
}

START_TEST(each_code_has_its_http_status)
{
    struct ctx *ctx = begin_ctx();
    struct http_response response;
    struct status status = status_error(CASES[_i].code, CASES[_i].reason, "what happened");

    const struct json_node *problem = problem_of(ctx, status, &response);

    ck_assert_int_eq(response.status, CASES[_i].http);
    ck_assert_pstr_eq(json_text(json_member(problem, "reason")),
                      CASES[_i].reason ? CASES[_i].reason : "INTERNAL");
    ck_assert_int_eq(json_member(problem, "detail") != NULL, CASES[_i].http < 500);
    end_ctx();
}
END_TEST

START_TEST(who_may_come_again_is_told_when)
{
    struct ctx *ctx = begin_ctx();
    struct http_response response;

    (void)problem_of(ctx, status_error(STATUS_UNAVAILABLE, "OVERLOADED", "at a daemon"), &response);

    ck_assert_uint_eq(response.header_count, 1);
    ck_assert_str_eq(response.headers[0].name, "Retry-After");
    end_ctx();
}
END_TEST

START_TEST(violations_tell_field_value_and_what_is_allowed)
{
    struct ctx *ctx = begin_ctx();
    struct http_response response;

    const struct json_node *problem = problem_of(
        ctx,
        ctx_fail_field(ctx, &ERROR_INVALID_REQUEST, "lines[0].quantity", "\"<0>\"", "1 or more"),
        &response);

    const struct json_node *violation = json_member(problem, "violations")->child;
    ck_assert_pstr_eq(json_text(json_member(violation, "field")), "lines[0].quantity");
    ck_assert_pstr_eq(json_text(json_member(violation, "value")), "\"<0>\"");
    ck_assert_pstr_eq(json_text(json_member(violation, "allowed")), "1 or more");
    end_ctx();
}
END_TEST

TCase *problem_case(void)
{
    TCase *problem = tcase_create("problem");

    tcase_add_loop_test(problem, each_code_has_its_http_status, 0, ARRAY_LEN(CASES));
    tcase_add_test(problem, who_may_come_again_is_told_when);
    tcase_add_test(problem, violations_tell_field_value_and_what_is_allowed);
    return problem;
}
