/* negotiate.c - which of a channel's locales a visitor would like best. */
#include "access/negotiate.h"

#include "common/str.h"

#include <string.h>
#include <strings.h>

enum { RANGES_MAX = 32, RANGE_LENGTH_MAX = 64 };

struct range {
    const char *tag;
    int quality; /* thousandths */
};

static const char *skip_spaces(const char *cursor)
{
    return cursor + strspn(cursor, " \t");
}

/* q=0, q=0.5, q=1.000: at most three digits after the point (RFC 9110 12.4.2). */
static bool parse_quality(const char **cursor, int *ret_quality)
{
    const char *p = *cursor;
    if (*p != '0' && *p != '1')
        return false;
    int quality = (*p++ - '0') * 1000;
    if (*p == '.') {
        p++;
        for (int weight = 100; *p >= '0' && *p <= '9'; weight /= 10, p++) {
            if (weight == 0)
                return false;
            quality += (*p - '0') * weight;
        }
    }
    *cursor = p;
    *ret_quality = quality;
    return quality <= 1000;
}

/* One element of the list, up to the comma. */
static bool parse_range(struct arena *arena, const char **cursor, struct range *ret_range)
{
    const char *start = skip_spaces(*cursor);
    size_t length = strcspn(start, ",; \t");
    const char *p = skip_spaces(start + length);

    if (length == 0 || length > RANGE_LENGTH_MAX)
        return false;
    *ret_range = (struct range){arena_strndup(arena, start, length), 1000};
    if (*p == ';') {
        p = skip_spaces(p + 1);
        if (strncasecmp(p, "q=", 2) != 0)
            return false;
        p += 2;
        if (!parse_quality(&p, &ret_range->quality))
            return false;
        p = skip_spaces(p);
    }
    *cursor = p;
    return *p == ',' || *p == '\0';
}

/* Stable insertion by falling quality; false when the header is malformed. */
static bool parse(struct arena *arena, const char *header, struct range *ranges, size_t *ret_count)
{
    size_t count = 0;
    for (const char *p = header; *p;) {
        struct range range;
        if (count == RANGES_MAX || !parse_range(arena, &p, &range))
            return false;
        size_t at = count++;
        for (; at > 0 && ranges[at - 1].quality < range.quality; at--)
            ranges[at] = ranges[at - 1];
        ranges[at] = range;
        p += *p == ',';
    }
    *ret_count = count;
    return true;
}

const char *negotiate_exact(const char *wanted, const char *const *offered)
{
    for (; *offered; offered++)
        if (str_equal_ignore_case(*offered, wanted))
            return *offered;
    return NULL;
}

static const char *find_longer(const char *prefix, const char *const *locales)
{
    size_t length = strlen(prefix);
    for (; *locales; locales++)
        if (strncasecmp(*locales, prefix, length) == 0 && (*locales)[length] == '-')
            return *locales;
    return NULL;
}

static const char *match(struct arena *arena, const char *tag, const char *const *locales)
{
    if (str_equal(tag, "*"))
        return locales[0];
    const char *found = negotiate_exact(tag, locales);
    if (!found)
        found = find_longer(tag, locales);
    for (const char *dash; !found && (dash = strrchr(tag, '-'));) {
        tag = arena_strndup(arena, tag, (size_t)(dash - tag));
        found = negotiate_exact(tag, locales);
    }
    return found;
}

const char *negotiate_locale(struct arena *arena, const char *header, const char *const *locales)
{
    struct range ranges[RANGES_MAX];
    size_t count = 0;
    if (!header || !parse(arena, header, ranges, &count))
        return NULL;
    for (size_t i = 0; i < count && ranges[i].quality > 0; i++) {
        const char *found = match(arena, ranges[i].tag, locales);
        if (found)
            return found;
    }
    return NULL;
}
