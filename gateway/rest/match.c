/* match.c - which route serves a request.
 *
 * A path is that of the template with the most literal segments, whatever the method: where
 * /orders/{id} and /orders/search live side by side, "search" is no id, as OpenAPI has it. A
 * hundred short comparisons cost less than the hash of a path. */
#include "rest/rest.h"

#include <string.h>

const struct message_schema *route_request(const struct route *route)
{
    return route->rpc ? route->rpc->request : route->request;
}

const struct message_schema *route_response(const struct route *route)
{
    return route->rpc ? route->rpc->reply : route->response;
}

static bool is_variable(const char *segment)
{
    return *segment == '{';
}

/* Is the literal at *cursor, up to its slash, this segment? Then the cursor stands behind it. */
static bool take_literal(const char **cursor, const char *segment)
{
    const char *p = *cursor;
    for (; *segment && *p == *segment && *p != '/'; p++)
        segment++;
    if (*segment || (*p != '/' && *p != '\0'))
        return false;
    *cursor = p;
    return true;
}

/* Does the template match? Counts literal segments, so that the most literal route wins. Most do
 * not, and show it at the first letter of their third segment. */
static bool path_matches(const char *path, const struct http_request *request,
                         const char **ret_values, int *ret_literals)
{
    const char *cursor = path;
    size_t value_count = 0;
    size_t i = 0;
    *ret_literals = 0;
    for (; *cursor == '/'; i++) {
        cursor++;
        if (i >= request->segment_count)
            return false;
        if (is_variable(cursor)) {
            ret_values[value_count++] = request->segments[i];
            cursor += strcspn(cursor, "/");
            continue;
        }
        if (!take_literal(&cursor, request->segments[i]))
            return false;
        ++*ret_literals;
    }
    return i == request->segment_count;
}

static void allow(struct buffer *allowed, const char *method)
{
    if (allowed->length > 0)
        buffer_puts(allowed, ", ");
    buffer_puts(allowed, method);
}

static bool method_matches(const struct route *route, const struct http_request *request)
{
    if (str_equal(route->method, request->method))
        return true;
    return str_equal(route->method, "GET") && str_equal(request->method, "HEAD");
}

/* The routes of the most literal template so far: one of the method, or the methods it has. */
struct search {
    const struct http_request *request;
    const struct route *route;
    int literals;
    const char **values;
    struct buffer allowed;
};

static void search_table(struct search *search, const struct route *table)
{
    for (const struct route *route = table; route->method; route++) {
        const char *values[ROUTE_VALUES_MAX] = {0};
        int literals;
        if (!path_matches(route->path, search->request, values, &literals) ||
            literals < search->literals)
            continue;
        if (literals > search->literals) {
            search->literals = literals;
            search->route = NULL;
            search->allowed.length = 0;
        }
        if (!method_matches(route, search->request)) {
            allow(&search->allowed, route->method);
        } else if (!search->route) {
            search->route = route;
            memcpy(search->values, values, sizeof values);
        }
    }
}

const struct route *rest_match(struct ctx *ctx, const struct http_request *request,
                               const char **ret_path_values, const char **ret_allowed)
{
    struct search search = {
        .request = request,
        .literals = -1,
        .values = ret_path_values,
    };
    buffer_init(&search.allowed, ctx->arena, 32);
    for (size_t area = 0; ROUTE_AREAS[area]; area++)
        for (size_t table = 0; ROUTE_AREAS[area][table]; table++)
            search_table(&search, ROUTE_AREAS[area][table]);
    *ret_allowed = search.allowed.length > 0 ? search.allowed.data : NULL;
    return search.route;
}
