/* cors_test.c - which pages may call from a browser. */
#include "suites.h"

#include "access/access.h"

static const char *const PREFLIGHT[] = {"Origin: https://shop.example",
                                        "Access-Control-Request-Method: POST", NULL};
static const char *const SIMPLE[] = {"Origin: https://shop.example", NULL};

static const struct {
    const char *label, *origins, *method;
    const char *const *headers;
    bool is_answered;
    const char *allowed_origin;
} CASES[] = {
    {"no origins are configured", "", "GET", SIMPLE, false, NULL},
    {"a preflight is then nobody's", "", "OPTIONS", PREFLIGHT, false, NULL},
    {"one of two", "https://a.example, https://shop.example", "GET", SIMPLE, false,
     "https://shop.example"},
    {"any", "*", "GET", SIMPLE, false, "https://shop.example"},
    {"another", "https://a.example", "GET", SIMPLE, false, NULL},
    {"a prefix is not enough", "https://shop.example.org", "GET", SIMPLE, false, NULL},
    {"nor is a suffix", "https://shop.exampl", "GET", SIMPLE, false, NULL},
    {"another scheme", "http://shop.example", "GET", SIMPLE, false, NULL},
    {"a preflight", "https://shop.example", "OPTIONS", PREFLIGHT, true, "https://shop.example"},
    {"a preflight of another", "https://a.example", "OPTIONS", PREFLIGHT, true, NULL},
    {"OPTIONS without asking", "*", "OPTIONS", SIMPLE, false, "https://shop.example"},
    {"no browser", "*", "GET", NULL, false, NULL},
};

START_TEST(an_origin_is_allowed_when_it_is_listed)
{
    struct ctx *ctx = begin_ctx();
    struct http_response response;
    struct http_request request =
        make_request(ctx, CASES[_i].method, "/store/v1/context", CASES[_i].headers, NULL);
    gateway.cors_origins = CASES[_i].origins;
    make_response(ctx, &response);

    bool is_answered = access_preflight(ctx, &request, &response);

    ck_assert_int_eq(is_answered, CASES[_i].is_answered);
    ck_assert_int_eq(response.status, is_answered ? 204 : 0);
    ck_assert_pstr_eq(header_of(&response, "Access-Control-Allow-Origin"),
                      CASES[_i].allowed_origin);
    ck_assert_ptr_null(header_of(&response, "Access-Control-Allow-Credentials"));
    bool shows_methods = header_of(&response, "Access-Control-Allow-Methods") != NULL;
    ck_assert_int_eq(shows_methods, is_answered && CASES[_i].allowed_origin);
    ck_assert_pstr_eq(header_of(&response, "Vary"), CASES[_i].origins[0] ? "Origin" : NULL);
    end_ctx();
}
END_TEST

TCase *cors_case(void)
{
    TCase *cors = tcase_create("cors");

    tcase_add_loop_test(cors, an_origin_is_allowed_when_it_is_listed, 0, ARRAY_LEN(CASES));
    return cors;
}
