/* rows.c - a file of tab-separated values whose first line names the columns. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *name)
{
    FILE *file = fopen(name, "r");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL || getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    if (file != NULL)
        fclose(file);
    return text;
}

static size_t count_of(const char *text, char wanted)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == wanted;
    return count;
}

/* Cells have a fixed size: a flow copies them whole. */
bool rows_read(struct rows *rows, const char *name)
{
    char *text = read_all(name), *line_rest = NULL;
    char *line = text != NULL ? strtok_r(text, "\n", &line_rest) : NULL;

    if (line == NULL)
        return false;
    for (char *rest = NULL, *column = strtok_r(line, "\t", &rest); column != NULL;
         column = strtok_r(NULL, "\t", &rest))
        rows->slots[rows->column_count++] = value_slot(column, strlen(column));
    size_t lines_max = count_of(line_rest, '\n') + 1;
    rows->cells = calloc(lines_max * rows->column_count, sizeof *rows->cells);
    while (rows->cells != NULL && (line = strsep(&line_rest, "\n")) != NULL) {
        if (line_rest == NULL && *line == '\0')
            break; // behind the last line's end
        for (size_t i = 0; i < rows->column_count; i++) {
            char *cell = strsep(&line, "\t");
            snprintf(rows->cells[rows->row_count * rows->column_count + i], VALUE_LENGTH_MAX, "%s",
                     cell != NULL ? cell : "");
        }
        rows->row_count++;
    }
    free(text);
    return rows->row_count > 0;
}

void rows_finish(struct rows *rows)
{
    free(rows->cells);
}
