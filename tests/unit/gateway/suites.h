/* suites.h - the cases of gateway's unit suite, and requests made by hand. */
#pragma once

#include "chassis/ctx.h"
#include "gateway.h"
#include "rest/rest.h"

#include <check.h>

TCase *match_case(void);
TCase *bind_case(void);
TCase *problem_case(void);
TCase *token_case(void);
TCase *negotiate_case(void);
TCase *cors_case(void);
TCase *openapi_case(void);
TCase *saga_case(void);
TCase *cache_case(void);
TCase *runs_case(void);

/* A unit of work of a gateway that runs nowhere; `gateway` is its state. */
extern struct gateway gateway;
struct ctx *begin_ctx(void);
void end_ctx(void);
/* A request as the server would hand it over; headers are "Name: value" until NULL. */
struct http_request make_request(struct ctx *ctx, const char *method, const char *target,
                                 const char *const *headers, const char *body);
void make_response(struct ctx *ctx, struct http_response *response);
/* The value of a header of the answer; NULL when it has none. */
const char *header_of(const struct http_response *response, const char *name);
