/* csv_fuzz.c - the CSV reader: rows do not depend on where the source cuts the file, and reading
 * can go on from the place behind any row, as an import does after a restart.
 *
 * Input: a byte that is the size of the pieces, then the file. */
#include "fuzz.h"

#include "catalog/v1/types.schema.h"
#include "import/draft.h"

#include <string.h>

enum { ROWS_MAX = 4096 };

struct file {
    struct csv_source source;
    const char *text;
    size_t length, piece;
};

static struct status read_piece(struct csv_source *source, int64_t offset, const char **ret_data,
                                size_t *ret_length)
{
    const struct file *file = container_of(source, struct file, source);
    size_t left = (size_t)offset < file->length ? file->length - (size_t)offset : 0;
    size_t in_piece = file->piece - (size_t)offset % file->piece;

    ALWAYS(offset >= 0 && (size_t)offset <= file->length);
    *ret_data = file->text + offset;
    *ret_length = left < in_piece ? left : in_piece;
    return status_ok();
}

static struct csv_row next(struct csv_reader *reader, bool *ret_is_end)
{
    struct csv_row row = {.field_count = 0};

    ALWAYS(csv_next(reader, &row, ret_is_end).code == STATUS_OK);
    return row;
}

static void check_same(const struct csv_row *a, const struct csv_row *b)
{
    ALWAYS(a->start.offset == b->start.offset && a->start.line == b->start.line);
    ALWAYS(a->problem == b->problem);
    if (a->problem != CSV_GOOD)
        return;
    ALWAYS(a->field_count == b->field_count);
    for (size_t i = 0; i < a->field_count; i++)
        ALWAYS(strcmp(a->fields[i], b->fields[i]) == 0);
}

static void check_row(const struct csv_row *row, const struct columns *columns)
{
    if (row->problem != CSV_GOOD)
        return;
    for (size_t i = 0; i < row->field_count; i++)
        ALWAYS(strlen(row->fields[i]) <= CSV_FIELD_MAX);
    for (int column = 0; columns && column < COLUMN_COUNT; column++)
        ALWAYS(columns_get(columns, row, (enum column)column) != NULL);
}

/* All rows as those of one handle. */
static void draft(struct arena *arena, struct file *file)
{
    Catalog__V1__ImportTarget target = CATALOG__V1__IMPORT_TARGET__INIT;
    struct csv_reader *reader = csv_reader_create(arena, &file->source);
    struct report report = {.arena = arena};
    struct columns columns;
    bool is_end;

    target.locale = "en";
    target.channel_id = "018f0000-0000-7000-8000-000000000001";
    report_begin(&report, arena);
    struct csv_row row = next(reader, &is_end);
    if (is_end || row.problem != CSV_GOOD || columns_read(arena, &row, &columns) != NULL)
        return;
    struct draft *product =
        draft_begin(&(struct draft_source){arena, &report, &columns, &target}, "mug");
    for (int i = 0; i < ROWS_MAX; i++) {
        row = next(reader, &is_end);
        if (is_end)
            break;
        if (row.problem == CSV_GOOD)
            draft_add(product, &row);
    }
    if (draft_finish(product))
        ALWAYS(fuzz_is_valid(&catalog__v1__product__schema, &product->product->base));
}

/* Each row read by a reader that begins there, with the number of fields known from the first. */
static void read_all(struct arena *arena, struct file *whole, struct file *cut)
{
    struct csv_reader *reader = csv_reader_create(arena, &whole->source);
    struct csv_reader *other = csv_reader_create(arena, &cut->source);
    struct columns columns;
    const struct columns *known = NULL;

    for (int i = 0; i < ROWS_MAX; i++) {
        bool is_end, other_is_end;
        int64_t before = csv_position(reader).offset;
        struct csv_row row = next(reader, &is_end);
        struct csv_row other_row = next(other, &other_is_end);
        ALWAYS(is_end == other_is_end);
        if (is_end)
            break;
        check_same(&row, &other_row);
        if (i == 0 && row.problem == CSV_GOOD && !columns_read(arena, &row, &columns))
            known = &columns;
        check_row(&row, known);
        ALWAYS(csv_position(reader).offset > before); // it comes to an end
        ALWAYS(csv_position(reader).offset == csv_position(other).offset);
        ALWAYS(csv_position(reader).line == csv_position(other).line);
        csv_seek(other, csv_position(reader));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    struct file whole = {.source = {read_piece}, .piece = SIZE_MAX};
    struct file cut = {.source = {read_piece}, .piece = (size_t)fuzz_byte(&input) + 1};

    whole.text = cut.text = (const char *)fuzz_rest(arena, &input, &whole.length);
    cut.length = whole.length;
    read_all(arena, &whole, &cut);
    draft(arena, &whole);
    arena_destroy(arena);
    return 0;
}
