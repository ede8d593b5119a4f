/* rest_fuzz.c - the gateway's engine: target, headers and body of a stranger through routes that
 * have every shape. What it answers is JSON, and never that something broke on our side.
 *
 * Behind it no daemon runs: handlers echo the request, whoever asks is let in. */
#include "http_input.h"

#include "access/access.h"
#include "access/negotiate.h"
#include "access/token.h"
#include "cart/v1/service.schema.h"
#include "common/v1/parked.schema.h"
#include "gateway.h"
#include "kinds.schema.h"

#include <string.h>

static struct gateway gateway = {.cors_origins = "https://shop.example, *",
                                 .trusts_forwarded = true};
static const struct service GATEWAY = {.name = "gateway"};

static struct status echo(struct ctx *ctx, struct exchange *exchange,
                          const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const struct message_schema *schema = route_request(exchange->route);

    (void)ctx;
    ALWAYS(fuzz_is_valid(schema, request));
    if (response != NULL)
        memcpy(response, request, schema->descriptor->sizeof_message);
    return status_ok();
}

#define ROUTE(verb, template, schema, ...)                                                         \
    {                                                                                              \
        .method = verb, .path = template, .request = &schema, .response = &schema, .handle = echo, \
        __VA_ARGS__                                                                                \
    }

static const struct route KINDS[] = {
    ROUTE("GET", "/kinds", torg__test__v1__kinds__schema, .access = ACCESS_PUBLIC),
    ROUTE("GET", "/kinds/{f_int64}", torg__test__v1__kinds__schema, .access = ACCESS_STOREFRONT),
    ROUTE("POST", "/kinds/{f_string}", torg__test__v1__kinds__schema, .body = "*",
          .access = ACCESS_ADMIN),
    ROUTE("PUT", "/kinds/{f_string}/lines/{f_line.quantity}", torg__test__v1__kinds__schema,
          .body = "f_line", .access = ACCESS_CUSTOMER),
    ROUTE("POST", "/strict", torg__test__v1__strict__schema, .body = "*",
          .flags = ROUTE_NEEDS_IDEMPOTENCY_KEY),
    {0},
};

static const struct route CARTS[] = {
    ROUTE("POST", "/store/v1/carts", cart__v1__create_cart_request__schema, .body = "*",
          .access = ACCESS_STOREFRONT),
    ROUTE("POST", "/store/v1/carts/{cart_id}/lines", cart__v1__add_lines_request__schema,
          .body = "*", .access = ACCESS_STOREFRONT, .flags = ROUTE_VERSIONED),
    ROUTE("PATCH", "/store/v1/carts/{cart_id}/lines/{line_id}",
          cart__v1__change_line_request__schema, .body = "*", .flags = ROUTE_VERSIONED),
    ROUTE("DELETE", "/store/v1/carts/{cart_id}/lines/{line_id}",
          cart__v1__remove_line_request__schema, .flags = ROUTE_VERSIONED),
    ROUTE("PUT", "/store/v1/carts/{cart_id}/addresses", cart__v1__set_addresses_request__schema,
          .body = "*"),
    ROUTE("GET", "/admin/v1/parked", common__v1__list_parked_events_request__schema,
          .access = ACCESS_ADMIN),
    {0},
};

static const struct route *const STORE[] = {CARTS, NULL};
static const struct route *const OTHER[] = {KINDS, NULL};
const struct route *const *const ROUTE_AREAS[] = {STORE, OTHER, NULL};

/* The gateway's parts that need daemons. */
struct status access_rate(struct ctx *ctx, struct exchange *exchange, enum rate rate,
                          const char *subject)
{
    (void)ctx;
    (void)exchange;
    (void)rate;
    ALWAYS(subject != NULL);
    return status_ok();
}

struct status access_storefront(struct ctx *ctx, struct exchange *exchange)
{
    static const char *const LOCALES[] = {"en", "de-AT", "de", "pt-BR", NULL};
    const char *header = http_header_get(exchange->http, "Accept-Language");

    exchange->visitor.locale = negotiate_locale(ctx->arena, header, LOCALES);
    return status_ok();
}

struct status access_customer(struct ctx *ctx, struct exchange *exchange, bool is_required)
{
    const char *text = access_bearer(exchange->http);
    struct token token;

    if (text == NULL && is_required)
        return ctx_fail(ctx, &TOKEN_INVALID, "no token");
    return text ? token_parse(ctx, text, &token) : status_ok();
}

struct status access_admin(struct ctx *ctx, struct exchange *exchange)
{
    (void)ctx;
    (void)access_bearer(exchange->http);
    return status_ok();
}

void page_serve(struct ctx *ctx, struct http_response *response)
{
    (void)ctx;
    response->status = 200;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    http_input_open(&GATEWAY, &gateway);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct ctx *ctx = http_input_begin();
    struct http_response response = {0};
    struct http_request request;

    buffer_init(&response.body, ctx->arena, 256);
    if (http_input_request(&input, &request)) {
        for (size_t i = 0; i < request.segment_count; i++)
            ALWAYS(*request.segments[i] && strchr(request.segments[i], '/') == NULL &&
                   strcmp(request.segments[i], "..") != 0);
        rest_serve(ctx, &request, &response);
        http_input_check(&response);
    }
    http_input_end();
    return 0;
}
