/* csv.h - the rows of a CSV file (RFC 4180), in memory that does not grow with the file.
 *
 * Lines end with LF, CR LF or CR; a byte order mark and empty lines are skipped. A row that cannot
 * be read is reported, and the next one found again: when quotes were at fault, reading goes on
 * with the second line of that row, so a quote that never ends costs one row, not the file. */
#pragma once

#include "common/arena.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CSV_FIELD_MAX = 64 * 1024, /* bytes */
    CSV_ROW_MAX = 1024 * 1024, /* bytes */
    CSV_COLUMNS_MAX = 512,
};

/* Where the bytes come from. Any offset may be asked for again; length 0 is the end. The data stays
 * until the next call. */
struct csv_source {
    struct status (*read)(struct csv_source *source, int64_t offset, const char **ret_data,
                          size_t *ret_length);
};

struct csv_place {
    int64_t offset;
    int64_t line; /* from 1 */
};

enum csv_problem {
    CSV_GOOD,
    CSV_BAD_QUOTES,
    CSV_BAD_ENCODING, /* not UTF-8; `problem_field` is the first such field */
    CSV_FIELD_TOO_LONG,
    CSV_ROW_TOO_LONG,
    CSV_WRONG_FIELD_COUNT, /* another number of fields than the first row */
};

struct csv_row {
    struct csv_place start; /* of its first line */
    enum csv_problem problem;
    size_t problem_field;
    char **fields; /* NUL-terminated; all but a good row's are only what could be read */
    size_t field_count;
};

/* Begins at the first byte. Lives in the arena. */
struct csv_reader *csv_reader_create(struct arena *arena, struct csv_source *source);
/* The next row, until the next call; `ret_is_end` instead when there is none. Fails only when the
 * source does. */
struct status csv_next(struct csv_reader *reader, struct csv_row *ret_row, bool *ret_is_end);
/* Where the next row begins, or the empty lines before it; and going on from such a place. */
struct csv_place csv_position(const struct csv_reader *reader);
void csv_seek(struct csv_reader *reader, struct csv_place place);
