/* db_rows.c - results: from Postgres' binary form into the arena, once, and read from there. */
#include "db_wire.h"

#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>
#include <string.h>

/* Of numeric's binary form (numeric_send): base 10,000 digits. */
enum { NUMERIC_NEGATIVE = 0x4000, NUMERIC_NAN = 0xC000, NUMERIC_INFINITY_MASK = 0xD000 };

/* The elements of a binary array, one after the other. */
struct array_reader {
    const char *next;
    size_t count;
};

static size_t bytes_of(const PGresult *result);
static void copy_cell(struct arena *arena, char **block, const struct db_bytes *raw,
                      struct db_cell *cell);
static const char *numeric_text(struct arena *arena, const char *data, size_t length);
static void put_numeric_group(struct buffer *out, int group, bool is_first);
static const struct db_cell *cell_at(const struct db_rows *rows, size_t row, size_t column,
                                     const char *letters);
static struct array_reader read_array(const struct db_cell *cell);
static struct db_bytes next_element(struct array_reader *reader);
static int64_t integer_of(const char *data, size_t length);
static int64_t time_of(const char *data);
static int16_t int16_at(const char *data);
static int32_t int32_at(const char *data);

/* All cells share one block: a row costs no allocation of its own. */
void db_copy_rows(struct arena *arena, const struct db_stmt *stmt, const PGresult *result,
                  struct db_rows *ret_rows)
{
    size_t columns = strlen(stmt->out);
    size_t count = (size_t)PQntuples(result);
    struct db_cell *cells = arena_array(arena, struct db_cell, count * columns);
    char *block = arena_alloc(arena, bytes_of(result));

    for (size_t row = 0; row < count; row++) {
        for (size_t column = 0; column < columns; column++) {
            struct db_cell *cell = &cells[row * columns + column];
            cell->type = stmt->out[column];
            if (PQgetisnull(result, (int)row, (int)column))
                continue;
            struct db_bytes raw = {PQgetvalue(result, (int)row, (int)column),
                                   (size_t)PQgetlength(result, (int)row, (int)column)};
            copy_cell(arena, &block, &raw, cell);
        }
    }
    *ret_rows = (struct db_rows){.count = count, .columns = columns, .cells = cells};
}

bool db_is_null(const struct db_rows *rows, size_t row, size_t column)
{
    return cell_at(rows, row, column, NULL)->data == NULL;
}

int64_t db_get_int(const struct db_rows *rows, size_t row, size_t column)
{
    const struct db_cell *cell = cell_at(rows, row, column, "i");

    return cell->data == NULL ? 0 : integer_of(cell->data, cell->length);
}

bool db_get_bool(const struct db_rows *rows, size_t row, size_t column)
{
    const struct db_cell *cell = cell_at(rows, row, column, "f");

    return cell->data != NULL && cell->data[0] != 0;
}

struct uuid db_get_uuid(const struct db_rows *rows, size_t row, size_t column)
{
    const struct db_cell *cell = cell_at(rows, row, column, "u");
    struct uuid id = {0};

    if (cell->data != NULL)
        memcpy(id.bytes, cell->data, sizeof id.bytes);
    return id;
}

const char *db_get_text(const struct db_rows *rows, size_t row, size_t column)
{
    return cell_at(rows, row, column, "tjn")->data;
}

struct db_bytes db_get_bytes(const struct db_rows *rows, size_t row, size_t column)
{
    const struct db_cell *cell = cell_at(rows, row, column, "b");

    return (struct db_bytes){cell->data, cell->length};
}

int64_t db_get_time(const struct db_rows *rows, size_t row, size_t column)
{
    const struct db_cell *cell = cell_at(rows, row, column, "d");

    return cell->data == NULL ? 0 : time_of(cell->data);
}

const int64_t *db_get_ints(struct ctx *ctx, const struct db_rows *rows, size_t row, size_t column,
                           size_t *ret_count)
{
    const struct db_cell *cell = cell_at(rows, row, column, "ID");
    struct array_reader reader = read_array(cell);
    int64_t *values = arena_array(ctx->arena, int64_t, reader.count);

    for (size_t i = 0; i < reader.count; i++) {
        struct db_bytes item = next_element(&reader);
        if (item.data != NULL)
            values[i] = cell->type == 'D' ? time_of(item.data) : integer_of(item.data, item.length);
    }
    *ret_count = reader.count;
    return values;
}

const struct uuid *db_get_uuids(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                size_t column, size_t *ret_count)
{
    struct array_reader reader = read_array(cell_at(rows, row, column, "U"));
    struct uuid *values = arena_array(ctx->arena, struct uuid, reader.count);

    for (size_t i = 0; i < reader.count; i++) {
        struct db_bytes item = next_element(&reader);
        if (item.data != NULL)
            memcpy(values[i].bytes, item.data, sizeof values[i].bytes);
    }
    *ret_count = reader.count;
    return values;
}

const char *const *db_get_texts(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                size_t column, size_t *ret_count)
{
    const struct db_cell *cell = cell_at(rows, row, column, "TJN");
    struct array_reader reader = read_array(cell);
    const char **values = arena_array(ctx->arena, const char *, reader.count);

    for (size_t i = 0; i < reader.count; i++) {
        struct db_bytes item = next_element(&reader);
        if (item.data == NULL)
            continue;
        const char *text = item.data;
        if (cell->type == 'N')
            values[i] = numeric_text(ctx->arena, text, item.length);
        else if (cell->type == 'J')
            values[i] = arena_strndup(ctx->arena, text + 1, item.length - 1);
        else
            values[i] = arena_strndup(ctx->arena, text, item.length);
    }
    *ret_count = reader.count;
    return values;
}

/* With a NUL after each value. */
static size_t bytes_of(const PGresult *result)
{
    size_t total = 0;

    for (int row = 0; row < PQntuples(result); row++)
        for (int column = 0; column < PQnfields(result); column++)
            total += (size_t)PQgetlength(result, row, column) + 1;
    return total;
}

static void copy_cell(struct arena *arena, char **block, const struct db_bytes *raw,
                      struct db_cell *cell)
{
    const char *data = raw->data;
    size_t length = raw->length;

    if (cell->type == 'n') {
        cell->data = numeric_text(arena, data, length);
        cell->length = strlen(cell->data);
        return;
    }
    if (cell->type == 'j' && length > 0 && data[0] == JSONB_VERSION) { // json has no version byte
        data++;
        length--;
    }
    memcpy(*block, data, length); // the arena is zeroed: the NUL is there
    cell->data = *block;
    cell->length = length;
    *block += length + 1;
}

static const char *numeric_text(struct arena *arena, const char *data, size_t length)
{
    assert(length >= 8);
    int groups = int16_at(data);
    int weight = int16_at(data + 2); // of the first group, in powers of 10,000
    uint16_t sign = (uint16_t)int16_at(data + 4);
    int scale = int16_at(data + 6);
    struct buffer out;

    if (sign == NUMERIC_NAN)
        return "NaN";
    if ((sign & NUMERIC_INFINITY_MASK) == NUMERIC_INFINITY_MASK)
        return sign == NUMERIC_INFINITY_MASK ? "Infinity" : "-Infinity";

    buffer_init(&out, arena, (size_t)(weight > 0 ? weight : 0) * 4 + (size_t)scale + 16);
    if (sign == NUMERIC_NEGATIVE)
        buffer_putc(&out, '-');
    if (weight < 0)
        buffer_putc(&out, '0');
    for (int i = 0; i <= weight; i++)
        put_numeric_group(&out, i < groups ? int16_at(data + 8 + 2 * i) : 0, i == 0);
    if (scale > 0) {
        buffer_putc(&out, '.');
        size_t end = out.length + (size_t)scale;
        for (int i = weight + 1; out.length < end; i++)
            put_numeric_group(&out, i >= 0 && i < groups ? int16_at(data + 8 + 2 * i) : 0, false);
        out.data[end] = '\0';
    }
    return out.data;
}

static void put_numeric_group(struct buffer *out, int group, bool is_first)
{
    if (is_first)
        buffer_printf(out, "%d", group);
    else
        buffer_printf(out, "%04d", group);
}

static const struct db_cell *cell_at(const struct db_rows *rows, size_t row, size_t column,
                                     const char *letters)
{
    assert(row < rows->count && column < rows->columns);
    const struct db_cell *cell = &rows->cells[row * rows->columns + column];

    assert(letters == NULL || strchr(letters, cell->type) != NULL);
    return cell;
}

static struct array_reader read_array(const struct db_cell *cell)
{
    if (cell->data == NULL || int32_at(cell->data) == 0)
        return (struct array_reader){0};
    assert(int32_at(cell->data) == 1); // one dimension
    return (struct array_reader){.next = cell->data + 20,
                                 .count = (size_t)int32_at(cell->data + 12)};
}

static struct db_bytes next_element(struct array_reader *reader)
{
    int32_t length = int32_at(reader->next);
    const char *data = reader->next + 4;

    if (length < 0) {
        reader->next = data;
        return (struct db_bytes){NULL, 0};
    }
    reader->next = data + length;
    return (struct db_bytes){data, (size_t)length};
}

static int64_t integer_of(const char *data, size_t length)
{
    uint64_t value;

    if (length == 2)
        return int16_at(data);
    if (length == 4)
        return int32_at(data);
    assert(length == 8);
    memcpy(&value, data, sizeof value);
    return (int64_t)be64toh(value);
}

/* `infinity` and `-infinity` stay the ends of the range. */
static int64_t time_of(const char *data)
{
    int64_t value = integer_of(data, 8);

    if (value == INT64_MAX || value == INT64_MIN)
        return value;
    return value + POSTGRES_EPOCH_US;
}

static int16_t int16_at(const char *data)
{
    uint16_t value;

    memcpy(&value, data, sizeof value);
    return (int16_t)be16toh(value);
}

static int32_t int32_at(const char *data)
{
    uint32_t value;

    memcpy(&value, data, sizeof value);
    return (int32_t)be32toh(value);
}
