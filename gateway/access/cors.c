/* cors.c - which web pages may call this API from a browser (fetch.spec.whatwg.org, 3.2).
 *
 * Keys and tokens travel in headers, never in cookies, so credentials mode is never allowed. */
#include "access/access.h"
#include "gateway.h"

#include <string.h>

static const char ALLOWED_METHODS[] = "GET, HEAD, POST, PUT, PATCH, DELETE";
static const char ALLOWED_HEADERS[] = "Authorization, Content-Type, Idempotency-Key, If-Match, "
                                      "Torg-Publishable-Key, Accept-Language, traceparent";
static const char EXPOSED_HEADERS[] = "ETag, Location, Retry-After, Allow";

static bool is_allowed(const char *origins, const char *origin)
{
    size_t wanted = strlen(origin);
    while (*origins) {
        origins += strspn(origins, ", ");
        size_t length = strcspn(origins, ", ");
        if ((length == 1 && *origins == '*') ||
            (length == wanted && memcmp(origins, origin, length) == 0))
            return true;
        origins += length;
    }
    return false;
}

bool access_preflight(struct ctx *ctx, const struct http_request *request,
                      struct http_response *response)
{
    const struct gateway *self = ctx_state(ctx);
    const char *origin = http_header_get(request, "Origin");
    bool is_preflight = str_equal(request->method, "OPTIONS") && origin &&
                        http_header_get(request, "Access-Control-Request-Method");

    if (str_is_empty(self->cors_origins))
        return false;
    http_response_header(response, "Vary", "Origin");
    if (is_preflight)
        response->status = 204;
    if (!origin || !is_allowed(self->cors_origins, origin))
        return is_preflight; // without our headers the browser refuses by itself
    http_response_header(response, "Access-Control-Allow-Origin", origin);
    if (!is_preflight) {
        http_response_header(response, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
        return false;
    }
    http_response_header(response, "Access-Control-Allow-Methods", ALLOWED_METHODS);
    http_response_header(response, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
    http_response_header(response, "Access-Control-Max-Age", "600");
    return true;
}
