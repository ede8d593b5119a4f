/* template.c - texts with placeholders, found once and filled in often. */
#include "flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char names[VALUES_MAX][VALUE_LENGTH_MAX];
static int name_count;

int value_slot(const char *name, size_t length)
{
    for (int i = 0; i < name_count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    if (name_count == VALUES_MAX || length >= VALUE_LENGTH_MAX) {
        fprintf(stderr, "too many values, or too long a name: %.*s\n", (int)length, name);
        exit(EXIT_FAILURE);
    }
    memcpy(names[name_count], name, length);
    return name_count++;
}

/* The end of a placeholder that begins at `at`; NULL when it is a brace of JSON. */
static const char *placeholder_end(const char *at)
{
    size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");
    return length > 0 && at[1 + length] == '}' ? at + 1 + length : NULL;
}

void template_parse(struct template *template, const char *text)
{
    const char *from = text, *end;

    template->count = 0;
    for (const char *at = text; *at != '\0' && template->count < PIECES_MAX - 1; at++) {
        if (*at != '{' || (end = placeholder_end(at)) == NULL)
            continue;
        template->pieces[template->count].literal = from;
        template->pieces[template->count].length = (size_t)(at - from);
        template->pieces[template->count++].slot = value_slot(at + 1, (size_t)(end - at - 1));
        from = end + 1;
        at = end;
    }
    template->pieces[template->count].literal = from;
    template->pieces[template->count].length = strlen(from);
    template->pieces[template->count++].slot = -1;
}

static bool append(const char *text, size_t length, char *out, size_t size, size_t *at)
{
    if (*at + length > size)
        return false;
    memcpy(out + *at, text, length);
    *at += length;
    return true;
}

bool template_expand(const struct template *template, const struct values *values, char *out,
                     size_t size, size_t *length)
{
    for (size_t i = 0; i < template->count; i++) {
        int slot = template->pieces[i].slot;
        if (!append(template->pieces[i].literal, template->pieces[i].length, out, size, length))
            return false;
        if (slot >= 0 &&
            !append(values->texts[slot], strlen(values->texts[slot]), out, size, length))
            return false;
    }
    return true;
}
