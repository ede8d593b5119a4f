/* codes.c - the forms of codes, checked once before anything is written. */
#include "platform.h"

#include "common/str.h"

#include <string.h>

const struct error_def TOO_MANY_SETTINGS = {STATUS_RESOURCE_EXHAUSTED, "TOO_MANY_SETTINGS",
                                            "change one that exists instead of adding another"};

enum { SUBTAG_MAX = 8 };

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_alphanumeric(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_upper_of(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_upper(text[i]))
            return false;
    return text[length] == '\0';
}

bool is_country_code(const char *text)
{
    return is_upper_of(text, 2);
}

bool is_currency_code(const char *text)
{
    return is_upper_of(text, 3);
}

bool is_locale(const char *text)
{
    size_t length = 0; // of the subtag
    bool is_first = true;

    for (; *text != '\0'; text++) {
        if (*text == '-' && length >= (is_first ? 2 : 1)) {
            length = 0;
            is_first = false;
        } else if ((is_first ? is_letter(*text) : is_alphanumeric(*text)) && length < SUBTAG_MAX) {
            length++;
        } else {
            return false;
        }
    }
    return length >= (is_first ? 2 : 1);
}

bool is_code(const char *text)
{
    size_t length = 0;

    while (is_alphanumeric(text[length]) || (text[length] != '\0' && strchr("-_.", text[length])))
        length++;
    return length > 0 && text[length] == '\0';
}

bool is_scope(const char *text)
{
    return str_equal(text, "*") || (is_code(text) && text[0] != '.');
}

void check_code(struct ctx *ctx, const char *field, const char *value, code_form *form,
                const char *allowed)
{
    if (!form(value))
        ctx_violation(ctx, field, value, allowed);
}

void check_codes(struct ctx *ctx, const char *field, const char **values, size_t count,
                 code_form *form, const char *allowed)
{
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(ctx->arena, "%s[%zu]", field, i);
        check_code(ctx, path, values[i], form, allowed);
        for (size_t j = 0; j < i; j++)
            if (str_equal(values[i], values[j]))
                ctx_violation(ctx, path, values[i], "each value once");
    }
}

struct status check_done(struct ctx *ctx, const char *what)
{
    return ctx_has_violations(ctx) ? ctx_fail(ctx, &ERROR_INVALID_REQUEST, "%s", what)
                                   : status_ok();
}

struct uuid parsed(const char *id)
{
    struct uuid uuid = {0};

    (void)uuid_parse(id, &uuid); // "" leaves it nil; anything else was validated
    return uuid;
}

const char **wire_texts(struct ctx *ctx, const struct db_rows *rows, size_t row, size_t column,
                        size_t *ret_count)
{
    const char *const *texts = db_get_texts(ctx, rows, row, column, ret_count);
    const char **list = arena_array(ctx->arena, const char *, *ret_count);

    if (*ret_count > 0)
        memcpy(list, texts, *ret_count * sizeof *list);
    return list;
}
