/* line.c - bounded text that is always valid UTF-8. */
#include "line.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void cut(struct line *line)
{
    size_t end = LINE_MAX_BYTES - 3;

    while (end > 0 && ((unsigned char)line->text[end] & 0xC0) == 0x80)
        end--;
    memcpy(line->text + end, "...", 4);
    line->length = LINE_MAX_BYTES; // full: nothing more is added
}

void line_add(struct line *line, const char *format, ...)
{
    size_t room = sizeof(line->text) - line->length;
    va_list args;

    if (line->length == LINE_MAX_BYTES)
        return;
    va_start(args, format);

    int length = vsnprintf(line->text + line->length, room, format, args);

    va_end(args);
    if (length < 0 || (size_t)length >= room)
        cut(line);
    else
        line->length += (size_t)length;
}

void line_add_excerpt(struct line *line, const char *text, size_t length)
{
    char copy[EXCERPT_MAX + 8];
    size_t at = 0, written = 0;

    while (at < length && written < EXCERPT_MAX) {
        unsigned char c = (unsigned char)text[at];
        size_t sequence = c < 0x80 ? c >= 0x20 : str_utf8_sequence(text + at, length - at);

        if (sequence == 0)
            copy[written++] = '?';
        else
            memcpy(copy + written, text + at, sequence);
        written += sequence;
        at += sequence > 0 ? sequence : 1;
    }
    line_add(line, "%.*s%s", (int)written, copy, at < length ? "..." : "");
}
