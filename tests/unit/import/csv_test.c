/* csv_test.c - rows, however the bytes arrive, and the next row after any broken one. */
#include "suites.h"

#include <stdio.h>
#include <string.h>

/* "line:[field|field]" a row, or "line:PROBLEM". */
static const char *read_all(const char *data, size_t length, size_t piece)
{
    static const char *const NAMES[] = {
        [CSV_BAD_QUOTES] = "QUOTES",       [CSV_BAD_ENCODING] = "ENCODING",
        [CSV_FIELD_TOO_LONG] = "LONG",     [CSV_ROW_TOO_LONG] = "ENDLESS",
        [CSV_WRONG_FIELD_COUNT] = "COUNT",
    };
    struct memory_source source = memory_source(data, length, piece);
    struct csv_reader *reader = csv_reader_create(arena, &source.source);
    struct csv_row row;
    struct buffer out;
    bool is_end = false;

    buffer_init(&out, arena, 256);
    buffer_puts(&out, "");
    for (;;) {
        ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
        if (is_end)
            return out.data;
        buffer_printf(&out, "%lld:", (long long)row.start.line);
        if (row.problem != CSV_GOOD) {
            buffer_printf(&out, "%s ", NAMES[row.problem]);
            continue;
        }
        for (size_t i = 0; i < row.field_count; i++)
            buffer_printf(&out, "%s%s", i ? "|" : "[", row.fields[i]);
        buffer_puts(&out, "] ");
    }
}

static const struct {
    const char *label, *file, *rows;
} CASES[] = {
    {"nothing", "", ""},
    {"only line breaks", "\n\r\n\r", ""},
    {"one row without an end", "a,b", "1:[a|b] "},
    {"line feeds", "a,b\nc,d\n", "1:[a|b] 2:[c|d] "},
    {"carriage returns and line feeds", "a,b\r\nc,d\r\n", "1:[a|b] 2:[c|d] "},
    {"carriage returns", "a,b\rc,d\r", "1:[a|b] 2:[c|d] "},
    {"empty lines are no rows but count", "a\n\n\r\nb\n", "1:[a] 4:[b] "},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "a,b\n",
     "1:[a|b] "},
    {"a byte order mark alone", "\xef\xbb\xbf", ""},
    {"empty fields", ",,\n\"\",,\n", "1:[||] 2:[||] "},
    {"blanks belong to fields", " a , b\n", "1:[ a | b] "},
    {"quotes, commas, line breaks", "\"a,\"\"b\"\"\",\"c\nd\r\ne\"\nf,g\n",
     "1:[a,\"b\"|c\nd\r\ne] 4:[f|g] "},
    {"the last field is quoted and ends the file", "a,\"b\"", "1:[a|b] "},
    {"too few and too many", "a,b\nc\nd,e,f\ng,h\n", "1:[a|b] 2:COUNT 3:COUNT 4:[g|h] "},
    {"a quote inside of a field", "a,b\nc\"c,d\ne,f\n", "1:[a|b] 2:QUOTES 3:[e|f] "},
    {"text after a closing quote", "a,b\n\"c\"c,d\ne,f\n", "1:[a|b] 2:QUOTES 3:[e|f] "},
    {"text after a closing quote on a later line", "a,b\n\"c\nx\"c,d\ne,f\n",
     "1:[a|b] 2:QUOTES 3:QUOTES 4:[e|f] "},
    {"a quote that never ends", "a,b\n\"c,d\ne,f\ng,h\n", "1:[a|b] 2:QUOTES 3:[e|f] 4:[g|h] "},
    {"a quote that never ends, CR LF", "a,b\r\n\"c,d\r\ne,f\r\n", "1:[a|b] 2:QUOTES 3:[e|f] "},
    {"a quote that the next row's closes", "a,b\n\"c,d\ne,\"f\"\ng,h\n",
     "1:[a|b] 2:QUOTES 3:[e|f] 4:[g|h] "},
    {"quotes that make one row of two", "a,b,c\n1,\"2,3\n4,5\",6,7\n8,9,0\n",
     "1:[a|b|c] 2:COUNT 3:QUOTES 4:[8|9|0] "},
    {"an open quote at the very end", "a,b\nc,\"", "1:[a|b] 2:QUOTES "},
    {"half a byte order mark is a bad byte", "\xef\xbb,b\nc,d\n", "1:ENCODING 2:[c|d] "},
    {"the third byte of a byte order mark elsewhere", "a,\xbf\nc,d\n", "1:ENCODING 2:[c|d] "},
    {"bytes that are no UTF-8", "a,b\n\xe9,d\ne,f\n", "1:[a|b] 2:ENCODING 3:[e|f] "},
};

START_TEST(every_way_of_cutting_a_file_reads_the_same_rows)
{
    size_t length = strlen(CASES[_i].file);

    for (size_t piece = 1; piece <= length + 1; piece++)
        ck_assert_msg(str_equal(read_all(CASES[_i].file, length, piece), CASES[_i].rows),
                      "%s, in pieces of %zu: expected %s, got %s", CASES[_i].label, piece,
                      CASES[_i].rows, read_all(CASES[_i].file, length, piece));
}
END_TEST

/* As an import does that another replica takes up. */
START_TEST(reading_goes_on_behind_any_row_as_if_it_had_never_stopped)
{
    size_t length = strlen(CASES[_i].file);
    struct memory_source source = memory_source(CASES[_i].file, length, 4);
    struct csv_reader *reader = csv_reader_create(arena, &source.source);
    struct csv_reader *other = csv_reader_create(arena, &source.source);
    bool is_end = false, other_is_end = false;
    struct csv_row row, other_row;

    while (!is_end) {
        ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
        ck_assert_int_eq(csv_next(other, &other_row, &other_is_end).code, STATUS_OK);
        ck_assert_int_eq(is_end, other_is_end);
        if (!is_end)
            ck_assert_int_eq(row.start.line, other_row.start.line);
        ck_assert_int_eq(csv_position(reader).line, csv_position(other).line);
        csv_seek(other, csv_position(reader));
    }
}
END_TEST

START_TEST(a_nul_is_no_text)
{
    static const char WITH_NUL[] = "a,b\nc\0c,d\ne,f\n";
    ck_assert_str_eq(read_all(WITH_NUL, sizeof WITH_NUL - 1, 5), "1:[a|b] 2:ENCODING 3:[e|f] ");
}
END_TEST

static uint64_t dice;

static uint32_t pick(uint32_t below)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % below;
}

static void write_field(struct buffer *file, const char *text)
{
    bool needs_quotes = strpbrk(text, ",\"\r\n") != NULL;
    if (!needs_quotes && pick(4)) {
        buffer_puts(file, text);
        return;
    }
    buffer_putc(file, '"');
    for (; *text; text++) {
        if (*text == '"')
            buffer_putc(file, '"');
        buffer_putc(file, *text);
    }
    buffer_putc(file, '"');
}

static const char *random_field(void)
{
    static const char *const BITS[] = {"a", "b ", ",", "\"", "\n", "\r\n", "ü", "€", "\"\"", "x,"};
    struct buffer text;
    buffer_init(&text, arena, 32);
    buffer_puts(&text, "");
    for (uint32_t left = pick(8); left > 0; left--)
        buffer_puts(&text, BITS[pick(ARRAY_LEN(BITS))]);
    return text.data;
}

static int64_t lines_in(const char *text)
{
    int64_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n' || (*text == '\r' && text[1] != '\n');
    return lines;
}

/* What was written is what is read: rows of random fields, cut at random. */
START_TEST(random_files_are_read_as_they_were_written)
{
    static const char *const ENDS[] = {"\n", "\r\n"};
    enum { COLUMNS = 3 };

    for (uint64_t round = 1; round <= 5000; round++) {
        dice = round;
        struct buffer file, wanted;
        int64_t line = 1;
        buffer_init(&file, arena, 1024);
        buffer_init(&wanted, arena, 1024);
        buffer_puts(&wanted, "");
        for (uint32_t rows = 1 + pick(6); rows > 0; rows--) {
            size_t start = file.length;
            buffer_printf(&wanted, "%lld:[", (long long)line);
            for (int i = 0; i < COLUMNS; i++) {
                const char *field = random_field();
                if (i)
                    buffer_putc(&file, ',');
                write_field(&file, field);
                buffer_printf(&wanted, "%s%s", i ? "|" : "", field);
            }
            buffer_puts(&wanted, "] ");
            buffer_puts(&file, ENDS[pick(2)]);
            line += lines_in(file.data + start);
        }
        size_t piece = 1 + pick(40);
        ck_assert_msg(str_equal(read_all(file.data, file.length, piece), wanted.data),
                      "in pieces of %zu:\n%s\nexpected %s\ngot %s", piece, file.data, wanted.data,
                      read_all(file.data, file.length, piece));
        arena_reset(arena);
    }
}
END_TEST

START_TEST(a_field_may_have_64_kib_and_not_a_byte_more)
{
    for (size_t length = CSV_FIELD_MAX - 1; length <= CSV_FIELD_MAX + 2; length++)
        for (int is_quoted = 0; is_quoted < 2; is_quoted++) {
            struct buffer file;
            buffer_init(&file, arena, CSV_FIELD_MAX + 100);
            buffer_puts(&file, is_quoted ? "a,b\n\"" : "a,b\n");
            for (size_t i = 0; i < length; i++)
                buffer_putc(&file, i % 100 == 99 && is_quoted ? '\n' : 'x');
            buffer_puts(&file, is_quoted ? "\",d\ne,f\n" : ",d\ne,f\n");
            const char *rows = read_all(file.data, file.length, 1000);
            bool is_long = strstr(rows, "2:LONG ") != NULL;
            ck_assert_int_eq(is_long, length > CSV_FIELD_MAX);
            ck_assert_ptr_nonnull(strstr(rows, ":[e|f] "));
        }
}
END_TEST

/* The file after the quote is larger than any row may be, and each of its rows is found. */
START_TEST(an_endless_quote_costs_one_row_however_large_the_file)
{
    struct buffer file;
    buffer_init(&file, arena, 4 * CSV_ROW_MAX);
    buffer_puts(&file, "a,b\n\"c,d\n");
    int64_t rows = 0;
    for (; file.length < 3 * CSV_ROW_MAX; rows++)
        buffer_puts(&file, "something,else\n");

    struct memory_source source = memory_source(file.data, file.length, 256 * 1024);
    struct csv_reader *reader = csv_reader_create(arena, &source.source);
    struct csv_row row;
    bool is_end = false;
    ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert_int_eq(row.problem, CSV_ROW_TOO_LONG);
    size_t used = arena_used(arena);
    for (int64_t i = 0; i < rows; i++) {
        ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
        ck_assert(!is_end && row.problem == CSV_GOOD && row.start.line == 3 + i);
    }
    ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert(is_end);
    ck_assert_uint_eq(arena_used(arena), used);
}
END_TEST

START_TEST(a_line_longer_than_a_row_is_left_at_its_end)
{
    struct buffer file;
    buffer_init(&file, arena, 2 * CSV_ROW_MAX);
    buffer_puts(&file, "a,b\n");
    while (file.length < CSV_ROW_MAX + 50000)
        buffer_puts(&file, "0123456789,");
    buffer_puts(&file, "\ne,f\n");
    ck_assert_str_eq(read_all(file.data, file.length, 65536), "1:[a|b] 2:ENDLESS 3:[e|f] ");
}
END_TEST

START_TEST(reading_goes_on_from_any_row)
{
    static const char FILE_TEXT[] = "a,b\r\n\"c\r\nd\",e\r\n\r\nf,g\r\n";
    struct memory_source source = memory_source(FILE_TEXT, sizeof FILE_TEXT - 1, 7);
    struct csv_reader *reader = csv_reader_create(arena, &source.source);
    struct csv_row row;
    bool is_end;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert_str_eq(row.fields[0], "f");
    struct csv_place place = row.start;

    csv_seek(reader, (struct csv_place){5, 2});
    ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert_str_eq(row.fields[0], "c\r\nd");
    csv_seek(reader, place);
    ck_assert_int_eq(csv_next(reader, &row, &is_end).code, STATUS_OK);
    ck_assert_str_eq(row.fields[0], "f");
    ck_assert_int_eq(row.start.line, 5);
}
END_TEST

TCase *csv_case(void)
{
    TCase *tcase = tcase_create("csv");

    tcase_add_loop_test(tcase, every_way_of_cutting_a_file_reads_the_same_rows, 0,
                        ARRAY_LEN(CASES));
    tcase_add_loop_test(tcase, reading_goes_on_behind_any_row_as_if_it_had_never_stopped, 0,
                        ARRAY_LEN(CASES));
    tcase_add_test(tcase, a_nul_is_no_text);
    tcase_add_test(tcase, random_files_are_read_as_they_were_written);
    tcase_add_test(tcase, a_field_may_have_64_kib_and_not_a_byte_more);
    tcase_add_test(tcase, an_endless_quote_costs_one_row_however_large_the_file);
    tcase_add_test(tcase, a_line_longer_than_a_row_is_left_at_its_end);
    tcase_add_test(tcase, reading_goes_on_from_any_row);
    return tcase;
}
