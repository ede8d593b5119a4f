/* http_server.h - the one HTTP port of a daemon, guarded against what civetweb lets through.
 *
 * Requests are mounted by path prefix: /healthz, /readyz, /metrics and RPC by the chassis, anything
 * else by the daemon (the gateway's REST routes). Handlers run on worker threads with 100 KiB of
 * stack: no recursion over input, no large arrays. Bodies are read whole, bounded in size and time,
 * before the handler runs, unless the mount streams them; a response is one buffer and one write.
 */
#pragma once

#include "chassis/ctx.h"
#include "common/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_SEGMENTS_MAX = 16, HTTP_HEADERS_MAX = 16 };

struct http_header {
    const char *name;
    const char *value;
};

struct http_body;

struct http_request {
    const char *method; /* upper case */
    const char *path; /* decoded once, normalised; refused before: %00, %2F, "." and ".." segments,
                         bad UTF-8 */
    const char *segments[HTTP_SEGMENTS_MAX];
    size_t segment_count;
    const char *query; /* raw, without '?'; "" when absent */
    const char *body;  /* NUL-terminated for convenience; "" when absent or streamed */
    size_t body_length;
    const char *remote_address;
    const void *native;       /* for http_header_get */
    struct http_body *stream; /* for http_body_read; NULL when the body was read whole */
};

/* Case-insensitive; NULL when absent. */
const char *http_header_get(const struct http_request *request, const char *name);
/* Decoded value of a query parameter; NULL when absent. false when it is malformed or repeated. */
bool http_query_get(struct ctx *ctx, const struct http_request *request, const char *name,
                    const char **ret_value);

/* The next piece of a streamed body: its length, 0 at the end, -1 when it is too large, too slow or
 * broken off; then what the handler answers is replaced by 413, 408 or 400. A handler that returns
 * before the end has the rest cut. */
int64_t http_body_read(const struct http_request *request, void *buffer, size_t size);

struct http_response {
    int status; /* 200 when 0 */
    const char *content_type;
    struct http_header headers[HTTP_HEADERS_MAX]; /* values are checked for CR and LF */
    size_t header_count;
    struct buffer body; /* initialised, empty, in the ctx's arena */
};

void http_response_header(struct http_response *response, const char *name, const char *value);

/* Fills the response; it cannot fail (an error is a response too). ctx has arena, deadline (the
 * server's default) and trace (from traceparent, or new). Called by many threads at once. */
typedef void http_handler(struct ctx *ctx, const struct http_request *request,
                          struct http_response *response);

struct http_mount {
    const char *prefix; /* "/" matches all; the longest prefix wins */
    http_handler *handle;
    int64_t body_max;  /* bytes; 0: the server's default (1 MiB) */
    bool streams_body; /* the handler reads it, piece by piece */
};
