/* json_find.c - skips along a JSON text that is known to be well-formed. */
#include "json_find.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static void skip_string(struct cursor *c) /* at its opening quote */
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\')
            c->at++;
    c->at++;
}

static void skip_value(struct cursor *c)
{
    int depth = 0;

    skip_blanks(c);
    for (; c->at < c->end; c->at++) {
        if (*c->at == '"') {
            skip_string(c);
            c->at--;
        } else if (*c->at == '{' || *c->at == '[') {
            depth++;
        } else if (*c->at == '}' || *c->at == ']') {
            if (depth == 0)
                return;
            depth--;
        } else if (*c->at == ',' && depth == 0) {
            return;
        }
    }
}

static bool next_is(struct cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at >= c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool enter_member(struct cursor *c, const char *name, size_t length)
{
    for (skip_blanks(c); c->at < c->end && *c->at == '"'; skip_blanks(c)) {
        const char *key = c->at + 1;
        skip_string(c);
        bool is_it = (size_t)(c->at - 1 - key) == length && memcmp(key, name, length) == 0;
        if (!next_is(c, ':'))
            return false;
        if (is_it)
            return true;
        skip_value(c);
        if (!next_is(c, ','))
            return false;
    }
    return false;
}

static bool enter_item(struct cursor *c, long index)
{
    for (; index > 0; index--) {
        skip_value(c);
        if (!next_is(c, ','))
            return false;
    }
    skip_blanks(c);
    return c->at < c->end && *c->at != ']';
}

bool json_find(const char *text, size_t length, const char *path, const char **ret_value,
               size_t *ret_length)
{
    struct cursor c = {text, text + length};

    while (*path != '\0') {
        size_t step = strcspn(path, ".");
        if (next_is(&c, '{') ? !enter_member(&c, path, step)
                             : !next_is(&c, '[') || !enter_item(&c, strtol(path, NULL, 10)))
            return false;
        path += step + (path[step] == '.');
    }
    skip_blanks(&c);
    struct cursor end = c;
    bool is_string = c.at < c.end && *c.at == '"';
    skip_value(&end);
    *ret_value = c.at + is_string;
    *ret_length = (size_t)(end.at - c.at) - (is_string ? 2 : 0);
    return end.at <= end.end && end.at > c.at;
}
