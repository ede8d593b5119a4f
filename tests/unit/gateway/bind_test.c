/* bind_test.c - path, query and body into one message; whatever a stranger may send. */
#include "suites.h"

#include "cart/v1/service.pb-c.h"
#include "catalog/v1/service.pb-c.h"
#include "gateway/v1/store.pb-c.h"

#include <string.h>

static const char ID[] = "018f0000-0000-7000-8000-000000000001";
static const char OTHER[] = "018f0000-0000-7000-8000-000000000002";
static const char *const JSON[] = {"Content-Type: application/json", NULL};

static struct status bind(struct ctx *ctx, struct http_request *request,
                          ProtobufCMessage **ret_message)
{
    struct exchange *exchange = arena_new(ctx->arena, struct exchange);
    const char *allowed;
    exchange->http = request;
    exchange->route = rest_match(ctx, request, exchange->path_values, &allowed);
    ck_assert_ptr_nonnull(exchange->route);
    return rest_bind(ctx, exchange, ret_message);
}

static const struct {
    const char *label, *method, *path, *body;
    const char *reason; /* NULL: taken */
    const char *field;  /* of a violation */
} CASES[] = {
    {"a whole body", "POST", "/store/v1/carts",
     "{\"lines\":[{\"variantId\":\"018f0000-0000-7000-8000-000000000001\",\"quantity\":2}]}", NULL,
     NULL},
    {"no body at all is an empty one", "POST", "/store/v1/carts", NULL, NULL, NULL},
    {"visitor parameters are no fields", "POST", "/store/v1/carts?currency=EUR&locale=de", "{}",
     NULL, NULL},
    {"an unknown field", "POST", "/store/v1/carts", "{\"price\":1}", "MALFORMED_JSON", "price"},
    {"half a document", "POST", "/store/v1/carts", "{\"lines\":[", "MALFORMED_JSON", NULL},
    {"an array", "POST", "/store/v1/carts", "[]", "MALFORMED_JSON", NULL},
    {"two documents", "POST", "/store/v1/carts", "{}{}", "MALFORMED_JSON", NULL},
    {"a quantity of nothing", "POST", "/store/v1/carts",
     "{\"lines\":[{\"variantId\":\"018f0000-0000-7000-8000-000000000001\",\"quantity\":0}]}",
     "INVALID_REQUEST", "lines[0].quantity"},
    {"a quantity beyond int64", "POST", "/store/v1/carts",
     "{\"lines\":[{\"variantId\":\"x\",\"quantity\":9223372036854775808}]}", "MALFORMED_JSON",
     "lines[0].quantity"},
    {"an id that is none", "POST", "/store/v1/carts",
     "{\"lines\":[{\"variantId\":\"x\",\"quantity\":1}]}", "INVALID_REQUEST", "lines[0].variantId"},
    {"a path that is no id", "GET", "/store/v1/carts/1", NULL, "INVALID_REQUEST", "cartId"},
    {"a parameter nobody knows", "GET", "/store/v1/products?sort=price", NULL, "INVALID_REQUEST",
     "sort"},
    {"a parameter twice", "GET", "/store/v1/products?page_size=1&page_size=2", NULL,
     "INVALID_REQUEST", "page_size"},
    {"a number that is none", "GET", "/store/v1/products?page_size=ten", NULL, "INVALID_REQUEST",
     "page_size"},
    {"a number beyond int32", "GET", "/store/v1/products?page_size=4294967297", NULL,
     "INVALID_REQUEST", "page_size"},
    {"a page that is too large", "GET", "/store/v1/products?page_size=101", NULL, "INVALID_REQUEST",
     "pageSize"},
    {"a page of a daemon's list", "GET", "/admin/v1/products?page_size=5&page_token=abc", NULL,
     NULL, NULL},
    {"a message as a parameter", "GET", "/admin/v1/products?page=1", NULL, "INVALID_REQUEST",
     "page"},
    {"a path into a scalar", "GET", "/admin/v1/products?page.page_size.x=1", NULL,
     "INVALID_REQUEST", "page.page_size.x"},
    {"a parameter beside a body", "POST", "/store/v1/carts?email=a", "{}", "INVALID_REQUEST",
     "email"},
    {"broken percent encoding", "GET", "/store/v1/products?page_token=%zz", NULL, "INVALID_REQUEST",
     "page_token"},
    {"only separators", "GET", "/store/v1/products?&&&", NULL, "INVALID_REQUEST", NULL},
};

START_TEST(a_request_is_taken_or_its_field_is_named)
{
    struct ctx *ctx = begin_ctx();
    struct http_request request =
        make_request(ctx, CASES[_i].method, CASES[_i].path, JSON, CASES[_i].body);
    ProtobufCMessage *message = NULL;

    struct status status = bind(ctx, &request, &message);

    ck_assert_pstr_eq(status.reason, CASES[_i].reason);
    const char *field = status.violations ? status.violations->field : NULL;
    if (CASES[_i].field)
        ck_assert_pstr_eq(field, CASES[_i].field);
    end_ctx();
}
END_TEST

START_TEST(the_path_names_the_thing_whatever_the_body_says)
{
    struct ctx *ctx = begin_ctx();
    const char *target = arena_printf(ctx->arena, "/store/v1/carts/%s/email", ID);
    const char *body =
        arena_printf(ctx->arena, "{\"cartId\":\"%s\",\"email\":\"a@example.org\"}", OTHER);
    struct http_request request = make_request(ctx, "PUT", target, JSON, body);
    ProtobufCMessage *message = NULL;

    ck_assert_int_eq(bind(ctx, &request, &message).code, STATUS_OK);

    ck_assert_str_eq(((Cart__V1__SetEmailRequest *)(void *)message)->cart_id, ID);
    end_ctx();
}
END_TEST

START_TEST(the_path_reaches_into_the_message_that_the_body_is)
{
    struct ctx *ctx = begin_ctx();
    const char *target = arena_printf(ctx->arena, "/admin/v1/categories/%s", ID);
    struct http_request request =
        make_request(ctx, "PUT", target, JSON,
                     "{\"code\":\"mugs\",\"texts\":[{\"locale\":\"en\",\"name\":\"Mugs\"}]}");
    ProtobufCMessage *message = NULL;

    ck_assert_int_eq(bind(ctx, &request, &message).code, STATUS_OK);

    ck_assert_str_eq(((Catalog__V1__UpdateCategoryRequest *)(void *)message)->category->id, ID);
    end_ctx();
}
END_TEST

START_TEST(a_body_that_is_not_json_is_415)
{
    static const char *const FORM[] = {"Content-Type: text/plain", NULL};
    static const char *const CHARSET[] = {"Content-Type: application/json; charset=utf-8", NULL};
    struct ctx *ctx = begin_ctx();
    struct http_request form = make_request(ctx, "POST", "/store/v1/carts", FORM, "{}");
    struct http_request charset = make_request(ctx, "POST", "/store/v1/carts", CHARSET, "{}");
    ProtobufCMessage *message = NULL;

    ck_assert_pstr_eq(bind(ctx, &form, &message).reason, "UNSUPPORTED_MEDIA_TYPE");
    ctx->violations = NULL;
    ck_assert_int_eq(bind(ctx, &charset, &message).code, STATUS_OK);
    end_ctx();
}
END_TEST

/* Every single-byte change of a valid body is taken or refused, never anything else. */
START_TEST(no_mutation_of_a_body_breaks_the_binder)
{
    static const char BODY[] =
        "{\"cartId\":\"018f0000-0000-7000-8000-000000000001\",\"expectedTotal\":{\"minorUnits\":"
        "\"1490\",\"currencyCode\":\"EUR\"},\"tenders\":[{\"providerAccount\":\"manual\"}]}";
    for (size_t at = 0; at < sizeof BODY - 1; at++)
        for (int byte = 1; byte < 256; byte += 5) {
            struct ctx *ctx = begin_ctx();
            char *body = arena_strdup(ctx->arena, BODY);
            body[at] = (char)byte;
            struct http_request request =
                make_request(ctx, "POST", "/store/v1/checkouts", JSON, body);
            ProtobufCMessage *message = NULL;
            struct status status = bind(ctx, &request, &message);
            ck_assert((status.code == STATUS_OK) == (message != NULL));
            end_ctx();
        }
}
END_TEST

/* As many as fit into a request's head: the whole query is decoded once a parameter. */
START_TEST(a_flood_of_parameters_costs_next_to_nothing)
{
    struct ctx *ctx = begin_ctx();
    struct buffer target;
    ProtobufCMessage *message = NULL;

    buffer_init(&target, ctx->arena, 16 * 1024);
    buffer_puts(&target, "/store/v1/products?");
    for (int i = 0; target.length < 15 * 1024; i++)
        buffer_printf(&target, "%x&", i);
    struct http_request request = make_request(ctx, "GET", target.data, NULL, NULL);
    size_t before = arena_used(ctx->arena);

    ck_assert_pstr_eq(bind(ctx, &request, &message).reason, "INVALID_REQUEST");
    ck_assert_uint_lt(arena_used(ctx->arena) - before, 64 * 1024);
    end_ctx();
}
END_TEST

TCase *bind_case(void)
{
    TCase *binding = tcase_create("bind");

    tcase_add_loop_test(binding, a_request_is_taken_or_its_field_is_named, 0, ARRAY_LEN(CASES));
    tcase_add_test(binding, the_path_names_the_thing_whatever_the_body_says);
    tcase_add_test(binding, the_path_reaches_into_the_message_that_the_body_is);
    tcase_add_test(binding, a_body_that_is_not_json_is_415);
    tcase_add_test(binding, no_mutation_of_a_body_breaks_the_binder);
    tcase_add_test(binding, a_flood_of_parameters_costs_next_to_nothing);
    return binding;
}
