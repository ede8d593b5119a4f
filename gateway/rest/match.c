/* match.c - which route serves a request.
 *
 * Routes are indexed once, by method and segment count; within a bucket a literal segment beats a
 * {name}, so /orders/{id} and /orders/search may live side by side. */
#include "rest/rest.h"

#include <string.h>

static bool is_variable(const char *segment)
{
    return *segment == '{';
}

/* The next segment of a template path, without its slash; NULL at the end. */
static const char *next_segment(const char **cursor, size_t *ret_length)
{
    if (**cursor == '\0')
        return NULL;
    const char *start = *cursor + 1;
    *ret_length = strcspn(start, "/");
    *cursor = start + *ret_length;
    return start;
}

/* Does the template match? Counts literal segments, so that the most literal route wins. */
static bool path_matches(const char *path, const struct http_request *request,
                         const char **ret_values, int *ret_literals)
{
    const char *cursor = path;
    size_t length = 0;
    size_t value_count = 0;
    size_t i = 0;
    *ret_literals = 0;
    for (const char *segment; (segment = next_segment(&cursor, &length)); i++) {
        if (i >= request->segment_count)
            return false;
        if (is_variable(segment)) {
            ret_values[value_count++] = request->segments[i];
            continue;
        }
        if (strlen(request->segments[i]) != length || memcmp(request->segments[i], segment, length))
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

const struct route *rest_match(struct ctx *ctx, const struct http_request *request,
                               const char **ret_path_values, const char **ret_allowed)
{
    const struct route *best = NULL;
    int best_literals = -1;
    struct buffer allowed;

    buffer_init(&allowed, ctx->arena, 32);
    for (size_t t = 0; ROUTE_TABLES[t]; t++) {
        for (const struct route *route = ROUTE_TABLES[t]; route->method; route++) {
            const char *values[4];
            int literals;
            if (!path_matches(route->path, request, values, &literals))
                continue;
            if (!method_matches(route, request)) {
                allow(&allowed, route->method);
                continue;
            }
            if (literals <= best_literals)
                continue;
            best = route;
            best_literals = literals;
            memcpy(ret_path_values, values, sizeof values);
        }
    }
    *ret_allowed = allowed.length > 0 ? allowed.data : NULL;
    return best;
}
