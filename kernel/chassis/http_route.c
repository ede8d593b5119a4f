/* http_route.c - from the raw request target to decoded segments, and to the mount that serves it.
 *
 * civetweb's own matching decodes first and asks later; here the raw path is split first and each
 * segment decoded once, so an encoded slash never becomes a separator. */
#include "http.h"

#include <string.h>

static const struct http_refusal ACCEPTED;

static bool decode(struct arena *arena, const char *raw, size_t length, bool is_query,
                   const char **ret_text);
static int hex_digit(char c);

static struct http_refusal refuse(const char *detail)
{
    return (struct http_refusal){400, "MALFORMED_PATH", detail};
}

struct http_refusal http_route_parse(struct arena *arena, const char *raw_path,
                                     struct http_request *request)
{
    struct buffer path;
    const char *p = raw_path;

    if (!p || *p != '/')
        return refuse("the target must be a path");
    buffer_init(&path, arena, strlen(p) + 1);
    while (*p == '/') {
        const char *start = ++p;
        const char *segment = NULL;
        p += strcspn(p, "/");
        if (!decode(arena, start, (size_t)(p - start), false, &segment))
            return refuse(
                "a percent-encoding is malformed, or decodes to NUL, a slash or no UTF-8");
        if (str_equal(segment, ".") || str_equal(segment, ".."))
            return refuse("dot segments are not resolved");
        if (!*segment && *p)
            return refuse("an empty segment");
        buffer_putc(&path, '/');
        buffer_puts(&path, segment);
        if (!*segment)
            continue;
        if (request->segment_count == HTTP_SEGMENTS_MAX)
            return refuse("too many segments");
        request->segments[request->segment_count++] = segment;
    }
    request->path = path.data;
    return ACCEPTED;
}

const struct http_mount *http_route_find(const struct http_mount *mounts, size_t count,
                                         const char *path)
{
    const struct http_mount *best = NULL;
    size_t best_length = 0;

    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(mounts[i].prefix);
        bool ends_with_slash = mounts[i].prefix[length - 1] == '/';
        if (strncmp(path, mounts[i].prefix, length) != 0 || length <= best_length)
            continue;
        if (!ends_with_slash && path[length] != '/' && path[length] != '\0')
            continue;
        best = &mounts[i];
        best_length = length;
    }
    return best;
}

bool http_query_get(struct ctx *ctx, const struct http_request *request, const char *name,
                    const char **ret_value)
{
    const char *found = NULL;

    *ret_value = NULL;
    for (const char *p = request->query; *p;) {
        size_t length = strcspn(p, "&");
        const char *equals = memchr(p, '=', length);
        size_t key_length = equals ? (size_t)(equals - p) : length;
        const char *key = NULL, *value = "";
        if (!decode(ctx->arena, p, key_length, true, &key))
            return false;
        if (str_equal(key, name)) {
            if (found)
                return false;
            if (equals && !decode(ctx->arena, equals + 1, length - key_length - 1, true, &value))
                return false;
            found = value;
        }
        p += length;
        p += *p == '&';
    }
    *ret_value = found;
    return true;
}

/* Percent-decodes once; the result is UTF-8 without NUL or, in a path, slashes and controls. */
static bool decode(struct arena *arena, const char *raw, size_t length, bool is_query,
                   const char **ret_text)
{
    char *text = arena_alloc(arena, length + 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        char c = raw[i];
        if (c == '+' && is_query)
            c = ' ';
        if (c == '%') {
            if (length - i < 3)
                return false;
            int high = hex_digit(raw[i + 1]), low = hex_digit(raw[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
            if (c == '/' && !is_query)
                return false;
        }
        if (c == '\0' || (!is_query && ((unsigned char)c < 0x20 || c == 0x7f || c == '\\')))
            return false;
        text[used++] = c;
    }
    *ret_text = text;
    return str_is_utf8(text, used);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
