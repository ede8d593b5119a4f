/* config.c - configuration: a table in, typed values out, or a message per bad value. */
#include "config.h"

#include "chassis/log.h"
#include "common/json.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_FILE_MAX = 64 * 1024 };

struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit DURATIONS[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit SIZES[] = {
    {"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};

static const char *const TYPE_NAMES[] = {
    [CONFIG_STRING] = "string",        [CONFIG_INT] = "int",     [CONFIG_BOOL] = "bool",
    [CONFIG_DURATION_MS] = "duration", [CONFIG_BYTES] = "bytes",
};

static const char *field_name(struct arena *arena, const struct config_table *table,
                              const struct config_field *field);
static bool find_value(struct arena *arena, const char *name, const char **ret_value);
static bool store_value(const struct config_field *field, const char *text, void *target);
static bool parse_number(const char *text, const struct unit *units, int64_t *ret_value);
static bool in_bounds(const struct config_field *field, int64_t value);
static const char *bound_text(struct arena *arena, const struct config_field *field, int64_t value);
static void complain(struct arena *arena, const struct config_field *field, const char *name,
                     const char *value);

int config_read(struct arena *arena, const struct config_table *table)
{
    int bad = 0;

    for (const struct config_field *field = table->fields; field && field->name; field++) {
        const char *name = field_name(arena, table, field);
        const char *value = NULL;
        if (!find_value(arena, name, &value)) {
            bad++;
            continue;
        }
        if (!value)
            value = field->default_value;
        if (value && store_value(field, value, (char *)table->target + field->offset))
            continue;
        complain(arena, field, name, value);
        bad++;
    }
    return bad;
}

void config_print(struct arena *arena, const struct config_table *table, bool *has_items,
                  struct buffer *out)
{
    for (const struct config_field *field = table->fields; field && field->name; field++) {
        struct json_writer json;
        if (*has_items)
            buffer_puts(out, ",\n ");
        *has_items = true;
        json_writer_init(&json, out);
        json_begin_object(&json);
        json_key(&json, "name");
        json_string(&json, field_name(arena, table, field));
        json_key(&json, "type");
        json_string(&json, TYPE_NAMES[field->type]);
        json_key(&json, "required");
        json_bool(&json, !field->default_value);
        if (field->default_value) {
            json_key(&json, "default");
            json_string(&json, field->default_value);
        }
        if (field->min || field->max) {
            json_key(&json, "min");
            json_string(&json, bound_text(arena, field, field->min));
            json_key(&json, "max");
            json_string(&json, bound_text(arena, field, field->max));
        }
        if (field->secret) {
            json_key(&json, "secret");
            json_bool(&json, true);
        }
        json_key(&json, "doc");
        json_string(&json, str_or_empty(field->doc));
        json_end_object(&json);
    }
}

void config_log(const struct ctx *ctx, const struct config_table *table)
{
    for (const struct config_field *field = table->fields; field && field->name; field++) {
        const char *at = (const char *)table->target + field->offset;
        const char *name = field_name(ctx->arena, table, field);
        if (field->secret)
            log_debug(ctx, "config", LOG_STR("name", name), LOG_STR("value", "***"));
        else if (field->type == CONFIG_STRING)
            log_debug(ctx, "config", LOG_STR("name", name),
                      LOG_STR("value", *(const char *const *)(const void *)at));
        else if (field->type == CONFIG_BOOL)
            log_debug(ctx, "config", LOG_STR("name", name),
                      LOG_STR("value", *(const bool *)at ? "true" : "false"));
        else
            log_debug(ctx, "config", LOG_STR("name", name),
                      LOG_INT("value", *(const int64_t *)(const void *)at));
    }
}

char *config_prefix(struct arena *arena, const char *service)
{
    char *prefix = arena_strdup(arena, service);

    for (char *p = prefix; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    return prefix;
}

static const char *field_name(struct arena *arena, const struct config_table *table,
                              const struct config_field *field)
{
    if (field->name[0] != '_')
        return field->name;
    return arena_printf(arena, "%s%s", table->prefix, field->name);
}

/* NAME, or the content of the file NAME_FILE without its last line break. Absent is NULL and true;
 * an unreadable file is a complaint. A variable set to nothing counts as absent. */
static bool find_value(struct arena *arena, const char *name, const char **ret_value)
{
    const char *value = getenv(name);
    const char *path = getenv(arena_printf(arena, "%s_FILE", name));

    *ret_value = NULL;
    if (!str_is_empty(value)) {
        *ret_value = value;
        return true;
    }
    if (str_is_empty(path))
        return true;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *content = arena_alloc(arena, VALUE_FILE_MAX + 1);
    ssize_t length = fd < 0 ? -1 : read(fd, content, VALUE_FILE_MAX + 1);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (length < 0 || length > VALUE_FILE_MAX) {
        fprintf(stderr, "%s_FILE=%s: %s\n", name, path,
                length < 0 ? strerror(error) : "longer than 64 KiB");
        return false;
    }
    while (length > 0 && (content[length - 1] == '\n' || content[length - 1] == '\r'))
        length--;
    content[length] = '\0';
    *ret_value = content;
    return true;
}

static bool store_value(const struct config_field *field, const char *text, void *target)
{
    int64_t number;

    switch (field->type) {
    case CONFIG_STRING:
        if (!in_bounds(field, (int64_t)strlen(text)))
            return false;
        *(const char **)target = text;
        return true;
    case CONFIG_BOOL:
        if (!str_equal(text, "true") && !str_equal(text, "false"))
            return false;
        *(bool *)target = str_equal(text, "true");
        return true;
    case CONFIG_INT:
        if (!str_to_int64(text, &number) || !in_bounds(field, number))
            return false;
        break;
    case CONFIG_DURATION_MS:
        if (!parse_number(text, DURATIONS, &number) || !in_bounds(field, number))
            return false;
        break;
    case CONFIG_BYTES:
        if (!parse_number(text, SIZES, &number) || !in_bounds(field, number))
            return false;
        break;
    default:
        return false;
    }
    *(int64_t *)target = number;
    return true;
}

static bool parse_number(const char *text, const struct unit *units, int64_t *ret_value)
{
    int64_t value = 0;
    const char *p = text;

    for (; isdigit((unsigned char)*p); p++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            return false;
    if (p == text)
        return false;
    for (; units->suffix; units++)
        if (str_equal(p, units->suffix))
            return !__builtin_mul_overflow(value, units->factor, ret_value);
    return false;
}

static bool in_bounds(const struct config_field *field, int64_t value)
{
    if (!field->min && !field->max)
        return true;
    return value >= field->min && value <= field->max;
}

static const char *bound_text(struct arena *arena, const struct config_field *field, int64_t value)
{
    const struct unit *units = field->type == CONFIG_DURATION_MS ? DURATIONS
                               : field->type == CONFIG_BYTES     ? SIZES
                                                                 : NULL;
    const struct unit *best = NULL;

    for (; units && units->suffix; units++)
        if (value % units->factor == 0 && (value || !best))
            best = units;
    return best ? arena_printf(arena, "%" PRId64 "%s", value / best->factor, best->suffix)
                : arena_printf(arena, "%" PRId64, value);
}

static void complain(struct arena *arena, const struct config_field *field, const char *name,
                     const char *value)
{
    static const char *const FORMS[] = {
        [CONFIG_STRING] = "text",
        [CONFIG_INT] = "a whole number",
        [CONFIG_BOOL] = "true or false",
        [CONFIG_DURATION_MS] = "a duration such as 250ms, 15s, 10m, 2h, 7d",
        [CONFIG_BYTES] = "a size such as 65536, 64KiB, 1MiB",
    };
    struct buffer line;

    buffer_init(&line, arena, 256);
    if (value)
        buffer_printf(&line, "%s=%s: must be %s", name, field->secret ? "***" : value,
                      FORMS[field->type]);
    else
        buffer_printf(&line, "%s: required and not set: %s (%s)", name, FORMS[field->type],
                      str_or_empty(field->doc));
    if (field->min || field->max)
        buffer_printf(&line, ", %s%s to %s", field->type == CONFIG_STRING ? "length " : "",
                      bound_text(arena, field, field->min), bound_text(arena, field, field->max));
    fprintf(stderr, "%s\n", line.data);
}
