/* line.h - one bounded line of text for a person, on the stack: a path, a value, an allowed range.
 * What does not fit is cut and ends in three dots. */
#pragma once

#include "common/compiler.h"

#include <stddef.h>

enum { LINE_MAX_BYTES = 511, EXCERPT_MAX = 60 };

struct line {
    size_t length;
    char text[LINE_MAX_BYTES + 1];
};

void line_add(struct line *line, const char *format, ...) _printf_(2, 3);

/* At most EXCERPT_MAX bytes; what is not UTF-8 or would not print becomes a question mark. */
void line_add_excerpt(struct line *line, const char *text, size_t length);
