/* csv.c - libcsv splits fields; what it lacks is here: line numbers, bounds, and finding the next
 * row after a broken one.
 *
 * libcsv gets one physical line at a time, so at most one row ends in each call, at its end. */
#include "import/csv.h"

#include "common/str.h"

#include <csv.h>
#include <string.h>

/* libcsv keeps the quote that may end a field, and wants room for one more before it looks. */
enum { ENTRY_BYTES = CSV_FIELD_MAX + 2 };

static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf";

struct csv_reader {
    struct csv_source *source;
    struct csv_parser parser;
    unsigned char *entry; /* the parser's buffer: one field */
    struct csv_place place;
    const char *data; /* what the source gave last and is not read */
    size_t left;
    char before;    /* the last byte read */
    bool is_sought; /* and it is not known */
    /* The row being read. */
    bool is_open, is_complete;
    struct csv_place start, second_line; /* offset of the latter 0: not reached */
    struct buffer text;
    size_t offsets[CSV_COLUMNS_MAX];
    char *fields[CSV_COLUMNS_MAX];
    size_t field_count, expected_count;
    enum csv_problem problem;
};

static void begin_row(struct csv_reader *reader);
static struct status fill(struct csv_reader *reader);
static struct status skip_byte_order_mark(struct csv_reader *reader);
static struct status look_back(struct csv_reader *reader);
static size_t line_length(const struct csv_reader *reader);
static void advance(struct csv_reader *reader, size_t length);
static void read_line(struct csv_reader *reader, size_t length);
static struct status end_row(struct csv_reader *reader, struct csv_row *ret_row);
static struct status recover(struct csv_reader *reader);
static void reset_parser(struct csv_reader *reader);

struct csv_reader *csv_reader_create(struct arena *arena, struct csv_source *source)
{
    struct csv_reader *reader = arena_new(arena, struct csv_reader);

    reader->source = source;
    reader->entry = arena_alloc(arena, ENTRY_BYTES);
    buffer_init(&reader->text, arena, CSV_FIELD_MAX);
    csv_seek(reader, (struct csv_place){0, 1});
    return reader;
}

struct status csv_next(struct csv_reader *reader, struct csv_row *ret_row, bool *ret_is_end)
{
    *ret_is_end = false;
    begin_row(reader);
    while (!reader->is_complete && reader->problem != CSV_BAD_QUOTES &&
           reader->problem != CSV_ROW_TOO_LONG) {
        TRY(fill(reader));
        if (reader->left == 0 && !reader->is_open) {
            *ret_is_end = true;
            return status_ok();
        }
        if (reader->left == 0)
            read_line(reader, 0);
        else
            read_line(reader, line_length(reader));
    }
    return end_row(reader, ret_row);
}

struct csv_place csv_position(const struct csv_reader *reader)
{
    return reader->place;
}

void csv_seek(struct csv_reader *reader, struct csv_place place)
{
    reader->place = place;
    reader->left = 0;
    reader->before = '\n';
    reader->is_sought = true;
    reset_parser(reader);
}

/* The parser has the buffer it gets, and no more. */
static void *refuse_memory(void *memory, size_t size)
{
    (void)memory;
    (void)size;
    return NULL;
}

static int no_space(unsigned char c) // blanks belong to their field
{
    (void)c;
    return 0;
}

static void reset_parser(struct csv_reader *reader)
{
    (void)csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI); // cannot fail
    csv_set_realloc_func(&reader->parser, refuse_memory);
    csv_set_space_func(&reader->parser, no_space);
    reader->parser.entry_buf = reader->entry;
    reader->parser.entry_size = ENTRY_BYTES;
}

static void begin_row(struct csv_reader *reader)
{
    reader->is_open = reader->is_complete = false;
    reader->second_line = (struct csv_place){0, 0};
    reader->text.length = 0;
    reader->field_count = 0;
    reader->problem = CSV_GOOD;
}

static struct status fill(struct csv_reader *reader)
{
    if (reader->left > 0)
        return status_ok();
    if (reader->place.offset == 0)
        TRY(skip_byte_order_mark(reader));
    else if (reader->is_sought)
        TRY(look_back(reader));
    reader->is_sought = false;
    if (reader->left > 0)
        return status_ok();
    return reader->source->read(reader->source, reader->place.offset, &reader->data, &reader->left);
}

/* A place may lie between the two halves of a CR LF, and the second half is no line of its own. */
static struct status look_back(struct csv_reader *reader)
{
    const char *data = "";
    size_t left = 0;

    TRY(reader->source->read(reader->source, reader->place.offset - 1, &data, &left));
    if (left == 0)
        return status_ok();
    reader->before = *data;
    reader->data = data + 1;
    reader->left = left - 1;
    return status_ok();
}

/* All of it or nothing, however the source cuts it. */
static struct status skip_byte_order_mark(struct csv_reader *reader)
{
    const int64_t length = (int64_t)strlen(BYTE_ORDER_MARK);
    const char *data = "";
    size_t left = 0;
    int64_t at = 0;

    for (; at < length; at++, data++, left--) {
        if (left == 0)
            TRY(reader->source->read(reader->source, at, &data, &left));
        if (left == 0 || *data != BYTE_ORDER_MARK[at])
            return status_ok();
    }
    reader->place.offset = length;
    return status_ok();
}

/* With its line break, or up to where the data ends. */
static size_t line_length(const struct csv_reader *reader)
{
    size_t length = 0;

    while (length < reader->left)
        if (reader->data[length++] == '\n' || reader->data[length - 1] == '\r')
            break;
    return length;
}

static void advance(struct csv_reader *reader, size_t length)
{
    char last = reader->data[length - 1];
    bool is_second_half = length == 1 && last == '\n' && reader->before == '\r';

    reader->data += length;
    reader->left -= length;
    reader->place.offset += (int64_t)length;
    if ((last == '\n' || last == '\r') && !is_second_half)
        reader->place.line++;
    reader->before = last;
}

static void add_field(void *data, size_t length, void *closure)
{
    struct csv_reader *reader = closure;

    if (length > CSV_FIELD_MAX)
        reader->problem = CSV_FIELD_TOO_LONG;
    if (reader->field_count < CSV_COLUMNS_MAX) {
        reader->offsets[reader->field_count] = reader->text.length;
        buffer_append(&reader->text, data, length);
        buffer_putc(&reader->text, '\0');
    }
    reader->field_count++;
}

static void complete_row(int terminator, void *closure)
{
    struct csv_reader *reader = closure;

    (void)terminator;
    reader->is_complete = true;
}

/* Where the row and its second line begin; the LF of a CR LF begins nothing. */
static void note_line(struct csv_reader *reader, char first)
{
    bool is_second_half = first == '\n' && reader->before == '\r';
    bool is_new_line = (reader->before == '\n' || reader->before == '\r') && !is_second_half;

    if (reader->is_open && is_new_line && reader->second_line.offset == 0)
        reader->second_line = reader->place;
    if (reader->is_open)
        return;
    reader->start = reader->place;
    reader->is_open = first != '\n' && first != '\r';
}

/* Hands one line to the parser, whose result is in the reader then. Length 0: the file ended. */
static void read_line(struct csv_reader *reader, size_t length)
{
    const char *line = reader->data;

    if (length == 0) {
        if (csv_fini(&reader->parser, add_field, complete_row, reader) != 0)
            reader->problem = CSV_BAD_QUOTES;
        reader->is_complete = true;
        return;
    }
    note_line(reader, *line);
    if (reader->place.offset - reader->start.offset + (int64_t)length > CSV_ROW_MAX) {
        reader->problem = CSV_ROW_TOO_LONG;
        return;
    }
    for (size_t done = 0; done < length;) {
        done +=
            csv_parse(&reader->parser, line + done, length - done, add_field, complete_row, reader);
        if (done == length)
            break;
        if (csv_error(&reader->parser) != CSV_ENOMEM) {
            reader->problem = CSV_BAD_QUOTES;
            return;
        }
        // What was read of the field is dropped, but for the byte that may be its closing quote.
        reader->problem = CSV_FIELD_TOO_LONG;
        reader->parser.entry_pos = 1;
    }
    advance(reader, length);
}

static bool spans_lines(const struct csv_reader *reader)
{
    return reader->second_line.offset != 0 && reader->second_line.offset < reader->place.offset;
}

static void find_bad_encoding(struct csv_reader *reader, struct csv_row *row)
{
    for (size_t i = 0; i < row->field_count && row->problem == CSV_GOOD; i++) {
        size_t end = i + 1 < row->field_count ? reader->offsets[i + 1] : reader->text.length;
        if (str_is_utf8(row->fields[i], end - reader->offsets[i] - 1))
            continue;
        row->problem = CSV_BAD_ENCODING;
        row->problem_field = i;
    }
}

static struct status end_row(struct csv_reader *reader, struct csv_row *ret_row)
{
    struct csv_row row = {
        .start = reader->start, .problem = reader->problem, .fields = reader->fields};

    row.field_count = reader->field_count < CSV_COLUMNS_MAX ? reader->field_count : CSV_COLUMNS_MAX;
    for (size_t i = 0; i < row.field_count; i++)
        row.fields[i] = reader->text.data + reader->offsets[i];
    if (reader->expected_count == 0)
        reader->expected_count = reader->field_count;
    bool is_miscounted = reader->is_complete && (reader->field_count != reader->expected_count ||
                                                 reader->field_count > CSV_COLUMNS_MAX);
    if (row.problem == CSV_GOOD && is_miscounted)
        row.problem = CSV_WRONG_FIELD_COUNT;
    find_bad_encoding(reader, &row);
    *ret_row = row;
    /* Quotes that were meant differently make one row of several. */
    if (row.problem == CSV_BAD_QUOTES || row.problem == CSV_ROW_TOO_LONG ||
        (is_miscounted && spans_lines(reader)))
        return recover(reader);
    return status_ok();
}

/* To the second line of the row: known already, or to be found behind the rest of the first. */
static struct status recover(struct csv_reader *reader)
{
    struct csv_place second = reader->second_line;

    if (second.offset != 0) {
        csv_seek(reader, second);
        return status_ok();
    }
    reset_parser(reader);
    do {
        TRY(fill(reader));
        if (reader->left == 0)
            return status_ok();
        advance(reader, line_length(reader));
    } while (reader->before != '\n' && reader->before != '\r');
    return status_ok();
}
