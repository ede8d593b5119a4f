/* rpc.h - the parts of the Connect protocol, private to the chassis. */
#pragma once

#include "chassis/http_server.h"
#include "chassis/rpc.h"
#include "daemon.h"

/* An error detail as the protocol carries it, beside the one made of reason and violations. */
struct rpc_detail {
    const char *type; /* full message name */
    struct db_bytes value;
    const char *debug; /* JSON, or NULL */
};

/* The HTTP side of an RPC, for handlers that test the protocol itself (the conformance server). */
struct rpc_exchange {
    const struct http_request *request;
    struct http_response *response;
    const struct rpc_detail *details;
    size_t detail_count;
};

/* rpc_error.c */
int rpc_http_status(enum status_code code);
/* What an HTTP answer means that is no Connect error. */
enum status_code rpc_code_of_http(int http_status);
void rpc_error_encode(struct ctx *ctx, struct status status, struct buffer *out);
/* The status a non-200 answer carries; never OK. The reason is interned. */
struct status rpc_error_decode(struct ctx *ctx, int http_status, const char *content_type,
                               const char *body, size_t length);
/* Static storage for a word that came from outside; "REMOTE" once too many are known. */
const char *rpc_intern(const char *reason);

/* call_context.c: Torg-Context: <base64url(common.v1.CallContext)>.<key_id>.<base64url HMAC> */
struct status call_keys_open(struct ctx *boot, struct daemon *daemon);
/* The header's value, signed with `service`'s first key; NULL when it has none. */
const char *call_context_sign(struct ctx *ctx, const struct call_keys *keys, const char *service);
/* Sets ctx->caller, correlation and causation; UNAUTHENTICATED when anything is wrong with it. */
struct status call_context_verify(struct ctx *ctx, const struct call_keys *keys,
                                  const char *header);
bool call_context_has_scope(const char *scopes, const char *scope);

/* rpc_server.c */
struct status rpc_server_open(struct ctx *boot, struct daemon *daemon);
size_t rpc_server_mounts(struct daemon *daemon, struct http_mount *mounts, size_t mounts_max);
void rpc_metrics_print(const struct daemon *daemon, struct buffer *out);
/* All methods of a service and its components, as JSON items. */
void rpc_describe(const struct service *service, struct buffer *out);

/* rpc_client.c; `addresses` runs parallel to service->calls */
struct status rpc_client_open(struct ctx *boot, struct daemon *daemon,
                              const char *const *addresses);
void rpc_client_close(struct daemon *daemon);

/* http_client.c */
struct status http_pool_open(struct ctx *boot, struct daemon *daemon);
void http_pool_close(struct daemon *daemon);
