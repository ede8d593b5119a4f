/* names.c - see names.h; CamelToLower, ToCamel and FullNameTo* of protoc-c/c_helpers.cc 1.4. */
#include "names.h"

#include <stdbool.h>
#include <string.h>

/* An underscore before each upper-case letter that follows anything but one. */
static char *add_snake(char *out, const char *camel, size_t length)
{
    bool was_upper = true;
    for (size_t i = 0; i < length; i++) {
        bool is_upper = isupper((unsigned char)camel[i]);
        if (is_upper && !was_upper)
            *out++ = '_';
        *out++ = (char)tolower((unsigned char)camel[i]);
        was_upper = is_upper;
    }
    return out;
}

static char *add_camel(char *out, const char *name, size_t length)
{
    bool is_next_upper = true;
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '_') {
            is_next_upper = true;
            continue;
        }
        *out++ = is_next_upper ? (char)toupper((unsigned char)name[i]) : name[i];
        is_next_upper = false;
    }
    return out;
}

static const char *join_pieces(struct pool *pool, const char *full_name,
                               char *(*add)(char *, const char *, size_t))
{
    char *name = pool_alloc(pool, 2 * strlen(full_name) + 1);
    char *out = name;
    for (const char *piece = full_name; *piece != '\0';) {
        size_t length = strcspn(piece, ".");
        if (out != name) {
            *out++ = '_';
            *out++ = '_';
        }
        out = add(out, piece, length);
        piece += length + (piece[length] == '.');
    }
    return name;
}

const char *c_type_name(struct pool *pool, const char *full_name)
{
    return join_pieces(pool, full_name, add_camel);
}

const char *c_lower_name(struct pool *pool, const char *full_name)
{
    return join_pieces(pool, full_name, add_snake);
}

const char *snake_name(struct pool *pool, const char *camel)
{
    char *name = pool_alloc(pool, 2 * strlen(camel) + 1);
    add_snake(name, camel, strlen(camel));
    return name;
}

const char *upper_name(struct pool *pool, const char *text)
{
    char *name = pool_copy(pool, text, strlen(text));
    for (char *p = name; *p != '\0'; p++)
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    return name;
}

const char *first_segment(struct pool *pool, const char *package)
{
    return pool_copy(pool, package, strcspn(package, "."));
}

const char *joined_segments(struct pool *pool, const char *package)
{
    char *name = pool_copy(pool, package, strlen(package));
    for (char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot, '.'))
        *dot = '_';
    return name;
}

const char *file_stem(struct pool *pool, const char *path)
{
    const char *dot = strrchr(path, '.');
    return pool_copy(pool, path, dot == NULL ? strlen(path) : (size_t)(dot - path));
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}
