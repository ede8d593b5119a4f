/* report.c - refusals as messages. */
#include "import/report.h"

#include "common/str.h"

#include <string.h>

enum { EXCERPT_BYTES = 200, FIRST_CAPACITY = 64 };

static const char *excerpt(struct arena *arena, const char *text)
{
    size_t length = strlen(text);

    if (length > EXCERPT_BYTES)
        for (length = EXCERPT_BYTES; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    char *copy = arena_strndup(arena, text, length);
    if (str_is_utf8(copy, length))
        return copy;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return copy;
}

void report_begin(struct report *report, struct arena *arena)
{
    report->arena = arena;
    report->count = report->capacity = 0;
    report->errors = NULL;
}

void report_add(struct report *report, const struct refusal *refusal)
{
    if (report->listed == REPORT_MAX)
        return;
    if (report->count == report->capacity) {
        size_t capacity = report->capacity ? 2 * report->capacity : FIRST_CAPACITY;
        Catalog__V1__ImportError **errors =
            arena_array(report->arena, Catalog__V1__ImportError *, capacity);
        if (report->count)
            memcpy(errors, report->errors, report->count * sizeof *errors);
        report->errors = errors;
        report->capacity = capacity;
    }
    Catalog__V1__ImportError *error = arena_new(report->arena, Catalog__V1__ImportError);
    catalog__v1__import_error__init(error);
    error->line_number = refusal->line;
    error->reason = refusal->reason;
    error->column = excerpt(report->arena, str_or_empty(refusal->column));
    error->value = excerpt(report->arena, str_or_empty(refusal->value));
    error->detail = excerpt(report->arena, str_or_empty(refusal->detail));
    error->handle = excerpt(report->arena, str_or_empty(refusal->handle));
    report->errors[report->count++] = error;
    report->listed++;
}
