/* rest.h - the public JSON API as a table: routes bind requests to messages, carry handlers or
 * daemons' methods, and describe themselves in OpenAPI. */
#pragma once

#include "chassis/http_server.h"
#include "chassis/rpc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROUTE_VALUES_MAX = 4 }; /* {names} in one path */

enum route_access {
    ACCESS_PUBLIC,     /* anybody */
    ACCESS_STOREFRONT, /* a publishable key names the channel; a customer token may come along */
    ACCESS_CUSTOMER,   /* a publishable key and a customer token */
    ACCESS_ADMIN,      /* an API key whose scopes hold the route's */
};

enum route_flag {
    ROUTE_NEEDS_IDEMPOTENCY_KEY = 1 << 0, /* 400 without one */
    ROUTE_RAW_BODY = 1 << 1,              /* the handler reads the body; it is not JSON */
    ROUTE_VERSIONED =
        1 << 2,             /* ETag from the answer's version; If-Match becomes expected_version */
    ROUTE_SIGN_IN = 1 << 3, /* a password or a refresh token may be guessed here */
    ROUTE_MAY_CONTINUE = 1 << 4, /* it may answer 202 with Location instead of the success */
};

struct exchange;

/* Fills the response message; a refusal becomes problem+json. `request` is bound and validated. */
typedef struct status route_handler(struct ctx *ctx, struct exchange *exchange,
                                    const ProtobufCMessage *request, ProtobufCMessage *response);

struct route {
    const char *method; /* NULL ends a table */
    const char *path;   /* "/store/v1/carts/{cart_id}/lines/{line_id}"; {name} is a request field */
    /* Of a handler; a daemon's method brings its own. */
    const struct message_schema *request;
    const struct message_schema *response; /* NULL: 204 */
    /* Where the JSON body goes: NULL no body (the query binds), "*" the request itself, or the name
     * of the request's field that it is. With ROUTE_RAW_BODY its media type. */
    const char *body;
    route_handler *handle;            /* either this */
    const struct rpc_method_ref *rpc; /* or the daemon's method whose messages these are */
    enum route_access access;
    const char *scope; /* ACCESS_ADMIN only */
    unsigned flags;
    int success; /* 0: 200 */
    const char *tag;
    const char *summary;
};

/* The messages of a route, whoever serves it; the response may be NULL. */
const struct message_schema *route_request(const struct route *route);
const struct message_schema *route_response(const struct route *route);

/* What the visitor of a storefront resolved to. */
struct visitor {
    const char *channel_id;
    const char *store_id;
    const char *currency_code;
    const char *country_code;
    const char *locale;
    bool prices_include_tax;
    const struct storefront_channel *channel; /* the cached channel and store */
    const char *customer_id;                  /* NULL: a guest */
    const char *customer_group;
    struct cache_trail *trail; /* of an answer that will be kept whole; or NULL */
};

/* One request on its way through a route. */
struct exchange {
    const struct route *route;
    const struct http_request *http;
    struct http_response *answer;
    const char *path_values[ROUTE_VALUES_MAX]; /* in the order of the path's {names} */
    struct visitor visitor;                    /* ACCESS_STOREFRONT and ACCESS_CUSTOMER */
    const char *idempotency_key;
    int64_t expected_version; /* from If-Match; 0 without */
    int success;              /* a handler may answer 201 or 202 instead of the route's */
    const char *location;     /* Location header; or NULL */
    bool is_written;          /* the handler has put the JSON into the answer's body itself */
};

/* All routes: areas, each a list of tables, both NULL-terminated; defined in main.c. */
extern const struct route *const *const ROUTE_AREAS[];

/* The http_handler mounted at "/". */
void rest_serve(struct ctx *ctx, const struct http_request *request,
                struct http_response *response);

/* Finds the route; *ret_allowed is the Allow list when only the method is wrong. */
const struct route *rest_match(struct ctx *ctx, const struct http_request *request,
                               const char **ret_path_values, const char **ret_allowed);
/* Path, query and body into a validated request message. */
struct status rest_bind(struct ctx *ctx, struct exchange *exchange, ProtobufCMessage **ret_request);
/* A refusal as application/problem+json (RFC 9457). */
void rest_problem(struct ctx *ctx, struct http_response *response, struct status status);
/* What a daemon is told of the client's Idempotency-Key: scoped by who asks, since a daemon's keys
 * are shared by all who call through us. NULL when there is none. */
const char *rest_idempotency_key(struct ctx *ctx, const struct exchange *exchange);

/* OpenAPI 3.1 of all routes, and the same for readers as one HTML page. */
void openapi_write(struct buffer *out, const char *server_url);
void page_write(struct buffer *out);
/* The http_handler mounted at "/openapi.json". */
void openapi_serve(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response);
void page_serve(struct ctx *ctx, struct http_response *response);

extern const struct error_def ROUTE_NOT_FOUND;
extern const struct error_def METHOD_NOT_ALLOWED;
extern const struct error_def IDEMPOTENCY_KEY_REQUIRED;
extern const struct error_def UNSUPPORTED_MEDIA_TYPE;
extern const struct error_def BAD_IF_MATCH;
