/* rows.h - values for flows, from a file: a column for each name, a row for each flow. */
#pragma once

#include "flow.h"

struct rows {
    char (*cells)[VALUE_LENGTH_MAX]; /* row by row */
    int slots[VALUES_MAX];           /* of the columns */
    size_t column_count, row_count;
};

/* False when the file cannot be read or has no row. */
bool rows_read(struct rows *rows, const char *name);
void rows_finish(struct rows *rows);
